"""Options that several commands have, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., None])

PATH = click.Path(path_type=Path)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
model_option = click.option(
    "--model", "model_dir", type=PATH, help="Model directory.  [default: the bundled model]"
)
threads_option = click.option(
    "--threads", type=click.IntRange(1), help="Processor threads.  [default: all cores]"
)
multipv_option = click.option(
    "--multipv",
    type=click.IntRange(1, 128),
    default=1,
    show_default=True,
    help="Best moves to store for each position, with their scores.",
)


def options(*all_options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Decorator: adds the options to a command, in this order."""

    def add(function: Function) -> Function:
        for option in reversed(all_options):
            function = option(function)
        return function

    return add


def data_option(help_text: str, *, required: bool = True) -> Callable[[Function], Function]:
    """`--data`, which may be given several times."""
    return click.option("--data", multiple=True, required=required, help=f"{help_text}; may be repeated.")


def force_option(help_text: str = "Overwrite the file of --out.") -> Callable[[Function], Function]:
    """`--force`."""
    return click.option("--force", is_flag=True, help=help_text)


def cluster_option(help_text: str) -> Callable[[Function], Function]:
    """`--cluster`, with or without an address."""
    return click.option(
        "--cluster",
        is_flag=False,
        flag_value="auto",
        metavar="[ADDRESS]",
        help=f"{help_text}  [default address: the cluster of this machine]",
    )


training_options = options(
    click.option("--resume", is_flag=True, help="Resume the run in --out."),
    click.option(
        "--time-limit",
        help="Stop after this time, such as 30m, with a checkpoint to resume from; "
        "with --set budget=time the schedule ends then.",
    ),
    threads_option,
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps."),
)
"""Options of the commands that train."""
