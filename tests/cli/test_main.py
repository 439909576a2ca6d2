from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from xiangqi_gpt import __version__
from xiangqi_gpt.cli import main as cli_main
from xiangqi_gpt.cli.main import COMMANDS, cli
from xiangqi_gpt.errors import XiangqiError


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; from click.testing import CliRunner; from xiangqi_gpt.cli.main import cli;"
        "print(CliRunner().invoke(cli, ['--help']).output);"
        "print([m for m in ('torch', 'numpy', 'pyarrow', 'pygame', 'numba', 'chess', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in (
        "play",
        "uci",
        "match",
        "evaluate",
        "analyse",
        "review",
        "legal",
        "perft",
        "train",
        "convert",
    ):
        assert f"  {name} " in done.stdout


def test_version() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert __version__ in result.output


def test_unknown_command_lists_the_known() -> None:
    result = CliRunner().invoke(cli, ["ply"])
    assert result.exit_code == 2
    assert "expected a command of play, uci, ucci, match" in result.stderr
    assert "'ply'" in result.stderr


def test_own_errors_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        raise XiangqiError("expected this,\nfound that")

    monkeypatch.setattr(cli_main.LazyGroup, "get_command", lambda self, ctx, name: failing)
    result = CliRunner().invoke(cli, ["perft"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "Error: expected this, found that\n"


def test_missing_files_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        Path("no/such/file").read_text()

    monkeypatch.setattr(cli_main.LazyGroup, "get_command", lambda self, ctx, name: failing)
    result = CliRunner().invoke(cli, ["perft"])
    assert result.exit_code == 2
    assert "no/such/file" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli_main.LazyGroup, "get_command", lambda self, ctx, name: failing)
    assert isinstance(CliRunner().invoke(cli, ["perft"]).exception, ZeroDivisionError)


def test_every_name_of_the_table_has_its_help() -> None:
    assert all(text.endswith(".") for text in COMMANDS.values())
