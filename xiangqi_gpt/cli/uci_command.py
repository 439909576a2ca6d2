"""`xiangqi-gpt uci`: a player as an engine for other programs."""

from __future__ import annotations

import contextlib
import io
import os
import sys

import click

from xiangqi_gpt.players import create_player
from xiangqi_gpt.uci.session import UciSession


@click.command()
@click.option(
    "--player", default="gpt", show_default=True, help="Who thinks: gpt[:model=DIR,temperature=T], ..."
)
@click.option("--seed", type=int, default=0, show_default=True, help="For players that draw random numbers.")
def command(player: str, seed: int) -> None:
    """Serve a player over UCI (ranks 0-9) on standard input and output; UCCI is understood too."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        # Bytes that are no UTF-8 are some program's mistake in one line, not the end of the session.
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    session = UciSession(lambda: create_player(player, seed=seed), _write, name=player)
    session.run(sys.stdin)


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The other program is gone and its input will end too; nothing is left to say to it.
        with contextlib.suppress(OSError):
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
