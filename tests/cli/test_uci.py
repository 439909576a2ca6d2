from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from xiangqi_gpt.cli import main
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.players import Limit
from xiangqi_gpt.players.engine_player import EnginePlayer
from xiangqi_gpt.rules.board import Board

COMMAND = [sys.executable, "-m", "xiangqi_gpt.cli.main", "uci", "--player", "random"]


def test_a_scripted_session() -> None:
    script = "uci\nisready\nposition startpos moves h2e2\ngo nodes 1\nquit\n"
    done = subprocess.run(COMMAND, input=script, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "uciok" in lines
    assert "readyok" in lines
    assert lines[-1].startswith("bestmove ")
    assert done.stderr == ""


def test_unknown_player_is_one_line() -> None:
    result = CliRunner().invoke(cli, ["uci", "--player", "nobody"], input="uci\nisready\nquit\n")
    assert result.exit_code == 2
    assert "uciok" in result.stdout
    assert "'nobody'" in result.stderr
    assert "Traceback" not in result.stderr


def test_input_that_is_no_text_does_not_end_the_session() -> None:
    done = subprocess.run(COMMAND, input=b"\xff\xfe\xfa\nisready\nquit\n", capture_output=True, check=True)
    assert done.stdout.splitlines() == [b"readyok"]


def test_a_whole_game_through_a_foreign_client() -> None:
    player = EnginePlayer(shlex.join(COMMAND), ranks=None)
    try:
        board = Board()
        while board.outcome() is None and board.ply < 120:
            board.push(player.play(board, Limit(nodes=1)).move)
        assert board.ply > 20
    finally:
        player.close()


def test_ucci_is_the_same_engine() -> None:
    script = "position startpos\ngo nodes 1\nquit\n"
    command = [*COMMAND[:3], "ucci", *COMMAND[4:]]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("bestmove ")
    assert lines[1:] == ["bye"]


def test_commands_without_arguments_start_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    with (Path(__file__).parents[2] / "pyproject.toml").open(encoding="utf-8") as file:
        scripts = dict(re.findall(r'^(xiangqi-gpt[a-z-]*) = "xiangqi_gpt.cli.main:(\w+)"', file.read(), re.M))
    assert scripts == {"xiangqi-gpt": "main", "xiangqi-gpt-uci": "uci", "xiangqi-gpt-ucci": "ucci"}
    for name in ("uci", "ucci"):
        monkeypatch.setattr(sys, "argv", [f"xiangqi-gpt-{name}", "--help"])
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), pytest.raises(SystemExit) as end:
            getattr(main, name)()
        assert end.value.code == 0
        assert f"Usage: xiangqi-gpt {name} " in shown.getvalue()
