"""What commands show: tables and JSON on standard output, progress on standard error."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.safe_json import format_json

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 180


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that disappears when it is done; the value is called with the number of finished *what*.

    Nothing is drawn where standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, title: str = "") -> None:
    """Print rows under titles; the first *left* columns begin at the left, the others end at the right."""
    from rich.table import Table

    drawn = Table(title=title or None, title_justify="left")
    for number, name in enumerate(titles):
        drawn.add_column(name, justify="left" if number < left else "right")
    for row in rows:
        drawn.add_row(*row)
    _console().print(drawn)


def pairs(values: Mapping[str, object]) -> None:
    """Print names with their values, one per row."""
    from rich.table import Table

    drawn = Table(show_header=False)
    for name, value in values.items():
        drawn.add_row(name, text_of(value))
    _console().print(drawn)


def _console() -> Console:
    """Standard output, as wide as the terminal; where it is none, wide enough for any of our tables."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)


def text_of(value: object) -> str:
    """A number as tables show it: four decimals, or thousands; "-" for None."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def print_json(value: object) -> None:
    """One JSON value on one line; dataclasses as objects, numbers that are not finite as null."""
    click.echo(format_json(_plain(value)))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")
