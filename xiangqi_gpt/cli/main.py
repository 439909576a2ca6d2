"""The command `xiangqi-gpt`: a table of subcommands, each imported when it is called.

`xiangqi-gpt --help` therefore imports none of torch, numpy, pyarrow and pygame.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from typing import Any

import click

from xiangqi_gpt import __version__
from xiangqi_gpt.errors import XiangqiError

COMMANDS: dict[str, str] = {
    "play": "Play against the GPT, in a window or in the terminal.",
    "uci": "Serve the GPT as a UCI engine to other programs.",
    "ucci": "Serve the GPT as a UCCI engine to other programs.",
    "match": "Let two players play a match, with Elo and its interval.",
    "tournament": "Let many players meet each other, with a table of ratings.",
    "evaluate": "Measure a model on recorded games: accuracy, legality, calibration, puzzles.",
    "probe": "Measure how much of the board a model knows, layer by layer.",
    "analyse": "Print the model's distribution over the legal moves of a position.",
    "review": "Review a game: the score of every move, and the mistakes.",
    "legal": "Tell whether moves are legal, and if not, why.",
    "perft": "Count the leaves of the tree of legal moves.",
    "pack": "Pack game records for training, in shards or in one small file.",
    "train": "Train a model on game records.",
    "personalise": "Train an adapter that plays like one person, and measure it.",
    "compare": "Train with different attentions, tokenizers or board modes, and compare the results.",
    "compress": "Make a smaller model out of a trained one.",
    "export": "Write a trained model at half its size, or for ONNX.",
    "generate": "Let a UCI engine play itself and label every position.",
    "label": "Add a UCI engine's best move and score to games.",
    "convert": "Convert game records from one format to another.",
    "collect": "Collect game records in one database of games and positions.",
    "find": "Search a collection by player, event, result, opening, position or material.",
    "openings": "Find families of openings in a collection or in game records.",
}
"""Help text by name; the command `match` itself is `command` in `match_command.py` beside this file."""


class UserError(click.ClickException):
    """One line on standard error, exit code 2."""

    exit_code = 2

    def format_message(self) -> str:
        """The message without line breaks."""
        return " ".join(self.message.split())


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called, and turns our errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"xiangqi_gpt.cli.{cmd_name}_command").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown name lists the known ones."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"expected a command of {', '.join(COMMANDS)}, found {name!r}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; XiangqiError and whatever the system refuses end it with one line."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a disk that is full under a redirected output must not pass for success
            return result
        except XiangqiError as error:
            raise UserError(str(error)) from error
        except BrokenPipeError:
            raise  # click ends quietly: the reader of the output has seen enough
        except OSError as error:
            raise UserError(_words_of(error)) from error


def _words_of(error: OSError) -> str:
    """Place and cause of an error of the system; an open file without a name is the command's own output."""
    cause = error.strerror or str(error)
    if error.filename is None:
        return f"standard output or a temporary file: {cause}"
    return f"{os.fsdecode(error.filename)}: {cause}"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xiangqi-gpt")
def cli() -> None:
    """Play, train and measure a GPT for Xiangqi (Chinese chess)."""


def main(*words: str) -> None:
    """Entry point of the console script; *words* come before those of the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show Chinese prints question marks instead of failing.
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="replace")
    cli([*words, *sys.argv[1:]], prog_name="xiangqi-gpt")


def uci() -> None:
    """Entry point for programs that start an engine without arguments."""
    main("uci")


def ucci() -> None:
    """Entry point for programs that start a UCCI engine without arguments."""
    main("ucci")


if __name__ == "__main__":
    main()
