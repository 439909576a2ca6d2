from __future__ import annotations

import shlex
import subprocess
import sys

from click.testing import CliRunner

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
