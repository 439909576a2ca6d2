"""The engine under clients that this project did not write: python-chess, and cchess in both protocols."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import chess
import chess.engine
import pytest

from tests.model.tiny import tiny
from xiangqi_gpt.engines.engine_board import EngineBoard
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

pytestmark = pytest.mark.slow

_START_SECONDS = 120  # a busy machine takes its time over torch


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("model")
    tiny(board="bag").save_pretrained(path)
    spec = f"gpt:model={path},lookahead=100ms,threads=1"
    return [sys.executable, "-m", "xiangqi_gpt.cli.main", "uci", "--player", spec]


@pytest.fixture(scope="module")
def engine(command: list[str]) -> Iterator[chess.engine.SimpleEngine]:
    engine = chess.engine.SimpleEngine.popen_uci(command, timeout=_START_SECONDS)
    engine.ping()  # its clock is not to pay for the start
    yield engine
    engine.quit()


def adapted(board: Board, ranks: RankConvention = "1-10") -> chess.Board:
    return cast(chess.Board, EngineBoard(board, ranks))


@pytest.mark.parametrize("ranks", ["0-9", "1-10"])
def test_a_game_on_the_clock_under_python_chess(
    engine: chess.engine.SimpleEngine, ranks: RankConvention
) -> None:
    engine.configure({"Ranks": ranks})
    board = EngineBoard(Board(), ranks)
    clock = chess.engine.Limit(white_clock=5, black_clock=5, white_inc=0.1, black_inc=0.1)
    for _ in range(8):
        began = time.monotonic()
        result = engine.play(cast(chess.Board, board), clock, ponder=True)
        assert time.monotonic() - began < 4
        assert result.move is not None
        board.push(cast(Any, result.move))
    assert board.board.ply == 8


def test_analysis_under_python_chess(engine: chess.engine.SimpleEngine) -> None:
    engine.configure({"Ranks": "1-10", "UCI_ShowWDL": True})
    with engine.analysis(adapted(Board()), multipv=3) as analysis:
        for info in analysis:
            if analysis.multipv[-1].get("multipv") == 3 and info.get("nodes", 0) > 50:
                break
    found = analysis.multipv
    assert len(found) == 3
    assert all("score" in info and "nps" in info and "wdl" in info for info in found)


def test_root_moves_under_python_chess(engine: chess.engine.SimpleEngine) -> None:
    engine.configure({"Ranks": "auto"})  # the moves tell how ranks count
    board = EngineBoard(Board(), "1-10")
    only = [board.parse_uci("a1a2"), board.parse_uci("i1i2")]
    result = engine.play(cast(chess.Board, board), chess.engine.Limit(nodes=40), root_moves=cast(Any, only))
    assert result.move in only


@pytest.mark.skipif(os.name == "nt", reason="starts the engine by a shell script")
@pytest.mark.parametrize("protocol", ["uci", "ucci"])
def test_moves_under_cchess(command: list[str], protocol: str, tmp_path: Path) -> None:
    from cchess.engine import EngineStatus, UcciEngine, UciEngine

    client = UciEngine() if protocol == "uci" else UcciEngine()
    # The client starts engines without arguments, as many programs do.
    words = [protocol if word == "uci" else word for word in command]
    path = tmp_path / "engine"
    path.write_text(f"#!/bin/sh\nexec {shlex.join(words)}\n", encoding="utf-8")
    path.chmod(0o755)
    assert client.load(str(path))
    try:
        assert client.wait_for_ready(_START_SECONDS)
        assert client.engine_status == EngineStatus.READY
        client.set_option("Lookahead", "50ms")
        board = Board()
        for _ in range(6):
            client.go_from(board.fen(), {"depth": 2})
            action = _answer(client)
            move = Move.from_iccs(action["move"])
            assert board.is_legal(move)
            assert isinstance(action["score"], int)
            board.push(move)
    finally:
        client.quit()
        client.process.wait(30)


def _answer(client: Any) -> dict[str, Any]:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        action = client.get_action()
        if action is not None and action.get("action") == "bestmove":
            return cast(dict[str, Any], action)
        time.sleep(0.01)
    raise AssertionError("no answer")
