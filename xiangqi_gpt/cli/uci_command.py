"""`xiangqi-gpt uci` and `xiangqi-gpt ucci`: a player as an engine for other programs."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import sys
from collections.abc import Iterator

import click

from xiangqi_gpt.uci.gpt_options import offered_options
from xiangqi_gpt.uci.session import UciSession

_CHUNK = 1 << 16


@click.command()
@click.option(
    "--player", default="gpt", show_default=True, help="The player: gpt[:model=DIR,temperature=T], ..."
)
@click.option("--seed", type=int, help="Random seed.  [default: a new one for each start]")
@click.pass_context
def command(ctx: click.Context, player: str, seed: int | None) -> None:
    """Serve the GPT, or another player, over UCI or UCCI on standard input and output.

    The other program chooses the protocol by its first word, `uci` or `ucci`. It may set the options that the
    engine offers: docs/engine-in-guis.md has the list.
    """
    seed = secrets.randbits(31) if seed is None else seed
    session = UciSession(
        None,
        _write,
        name=player,
        options=offered_options(player, seed=seed),
        seed=seed,
        ucci=ctx.info_name == "ucci",
    )
    try:
        session.run(_input_lines())
    finally:
        if session.is_busy and sys.exc_info()[0] is None:
            # A model is being loaded: Python would wait for the library to come in, or crash within it.
            with contextlib.suppress(OSError):
                sys.stdout.flush()
            os._exit(0)


def _input_lines() -> Iterator[str]:
    """The lines of standard input; bytes that are no UTF-8 are some program's mistake in one line.

    They are read from the file itself: a thread that waits in `sys.stdin` would keep the process from ending.
    """
    try:
        source = sys.stdin.fileno()
    except (AttributeError, OSError, io.UnsupportedOperation):
        yield from sys.stdin
        return
    rest = b""
    while chunk := os.read(source, _CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The other program is gone and its input will end too; there is nobody to write to.
        with contextlib.suppress(OSError):
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
