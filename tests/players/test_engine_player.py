from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from xiangqi_gpt.engines.engine_board import EngineBoard
from xiangqi_gpt.engines.info import parse_info
from xiangqi_gpt.engines.process import find_engine
from xiangqi_gpt.errors import IllegalMoveError
from xiangqi_gpt.players import (
    Limit,
    PlayerCrashError,
    PlayerError,
    PlayerIllegalMoveError,
    PlayerTimeoutError,
    create_player,
)
from xiangqi_gpt.players.base import Analysis, Line, Value
from xiangqi_gpt.players.engine_player import EnginePlayer, line_of, value_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

FAKE = Path(__file__).with_name("fake_engine.py")
needs_fairy = pytest.mark.skipif(
    find_engine("fairy-stockfish") is None, reason="the engine fairy-stockfish is not installed"
)


def fake(mode: str, *answers: str, timeout: float = 30.0) -> EnginePlayer:
    return EnginePlayer(shlex.join([sys.executable, "-S", str(FAKE), mode, *answers]), timeout=timeout)


def iccs(*moves: Move) -> list[str]:
    return [move.iccs for move in moves]


def test_engine_board_sends_root_and_moves() -> None:
    board = Board()
    for text in ("h2e2", "h9g7"):
        board.push(Move.from_iccs(text))
    adapter = EngineBoard(board, "1-10")
    assert [move.uci() for move in adapter.move_stack] == ["h3e3", "h10g8"]
    assert adapter.root().fen() == Board().fen()
    assert adapter.turn is True
    twin = adapter.copy(stack=False)
    twin.push_uci("b1c3")
    assert twin.turn is False
    assert board.ply == 2
    assert twin.pop().move == Move.from_iccs("b0c2")
    with pytest.raises(IllegalMoveError, match="a1a10"):
        adapter.push_uci("a1a10")


def read(text: str, board: Board) -> Line | None:
    info = parse_info(text)
    return None if info is None or info.is_bound else line_of(info, board, "0-9")


def test_info_lines() -> None:
    board = Board()
    text = "info depth 3 multipv 2 score cp -41 wdl 1 2 1 pv h2e2 a0a9"
    info, line = parse_info(text), read(text, board)
    assert info is not None
    assert line is not None
    assert info.number == 2
    assert iccs(*line.pv) == ["h2e2"]  # the second move is not legal and ends the variation
    assert line.score_cp == -41
    assert value_of(info) == Value(0.25, 0.5, 0.25)
    for text, score in (("mate 2", 29_998), ("mate -4", -29_996)):
        parsed = read(f"info score {text} pv h2e2", board)
        assert parsed is not None
        assert parsed.score_cp == score


@pytest.mark.parametrize(
    "text",
    [
        "info depth 3 score cp 12",
        "info string pv h2e2",
        "info score cp 3 lowerbound pv h2e2",
        "info score cp pv h2e2",
        "info score cp 5 multipv x pv h2e2",
        "info score cp 5 pv h3e3",
        "bestmove h2e2",
        "",
    ],
)
def test_useless_info_lines_are_left_out(text: str) -> None:
    assert read(text, Board()) is None


def test_single_variant_engine_counts_from_zero() -> None:
    player = fake("good", "h2e2", "h9g7")
    try:
        board = Board()
        result = player.play(board, Limit(nodes=1))
        assert result.move == Move.from_iccs("h2e2")
        assert board.ply == 0
        assert result.analysis is not None
        (line,) = result.analysis.lines
        assert iccs(*line.pv) == ["h2e2", "h9g7"]
        assert line.score_cp == 17
        assert result.analysis.value == Value(0.3, 0.5, 0.2)
        board.push(result.move)
        assert player.play(board, Limit(nodes=1)).move == Move.from_iccs("h9g7")
    finally:
        player.close()
        player.close()


def test_engine_that_offers_xiangqi_alone_counts_from_zero() -> None:
    player = fake("variant", "b9c7")
    try:
        board = Board()
        board.push(Move.from_iccs("h2e2"))
        assert player.play(board, Limit(nodes=1)).move == Move.from_iccs("b9c7")
    finally:
        player.close()


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        ("illegal", PlayerIllegalMoveError, "h2h8"),
        ("garbage", PlayerIllegalMoveError, "castle"),
        ("none", PlayerIllegalMoveError, "which is not a legal move"),
        ("crash", PlayerCrashError, "died"),
    ],
)
def test_misbehaviour_is_typed_and_survivable(mode: str, error: type[PlayerError], words: str) -> None:
    player = fake(mode)
    try:
        for _ in range(2):
            with pytest.raises(error, match=words):
                player.play(Board(), Limit(nodes=1))
            player.new_game()
    finally:
        player.close()


def test_silence_is_a_timeout() -> None:
    player = fake("hang", timeout=2.0)
    try:
        # Without a time in the limit the client alone would wait for ever.
        with pytest.raises(PlayerTimeoutError, match="silence"):
            player.play(Board(), Limit(nodes=1))
        assert player._engine is None
    finally:
        player.close()


def test_engine_that_never_greets_is_refused() -> None:
    with pytest.raises(PlayerError, match="no answer to 'uci' within"):
        fake("mute", timeout=0.2)


def test_engine_for_another_game_is_refused() -> None:
    with pytest.raises(PlayerError, match=r"does not play Xiangqi: its UCI_Variant offers chess"):
        fake("chess")


def test_empty_lines_of_an_engine_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    player = fake("good", "h2e2")
    try:
        player.play(Board(), Limit(nodes=1))
        assert [record.getMessage() for record in caplog.records if "Unexpected" in record.getMessage()] == []
    finally:
        player.close()


def test_no_process_outlives_its_player() -> None:
    player = fake("good")
    engine = player._engine
    assert engine is not None
    player.close()
    assert engine.returncode.result(timeout=10) == 0


def test_position_without_moves_is_refused() -> None:
    player = fake("good")
    try:
        with pytest.raises(PlayerError, match="legal moves"):
            player.play(Board("3k5/3PP4/9/9/9/9/9/9/9/4K4 b - - 0 1", strict=False), Limit(nodes=1))
    finally:
        player.close()


@needs_fairy
def test_fairy_stockfish_plays_and_analyses() -> None:
    player = create_player("engine:fairy-stockfish,nodes=200,Skill Level=20")
    try:
        assert player.name == "fairy-stockfish[nodes=200,Skill Level=20]"
        board = Board()
        for _ in range(12):
            move = player.play(board, Limit()).move
            assert board.is_legal(move)
            board.push(move)
        analysis = player.analyse(board, Limit(), 3)
        assert len({line.move for line in analysis.lines}) == 3
        assert all(line.score_cp is not None for line in analysis.lines)
    finally:
        player.close()


@needs_fairy
def test_fairy_stockfish_scores_every_legal_move() -> None:
    player = create_player("engine:fairy-stockfish,depth=1")
    try:
        assert len(player.analyse(Board(), Limit()).lines) == 44
    finally:
        player.close()


@needs_fairy
def test_fairy_stockfish_sees_a_mate_in_one() -> None:
    player = create_player("engine:fairy-stockfish,depth=4")
    try:
        board = Board("3k5/9/9/9/9/9/9/4R4/9/R3K4 w - - 0 1")
        result = player.play(board, Limit())
        board.push(result.move)
        assert not board.legal_moves()
        assert result.analysis is not None
        assert result.analysis.lines[0].score_cp == 29_999
    finally:
        player.close()


@needs_fairy
@pytest.mark.parametrize("option", ["Strenght=1", "UCI_Variant=chess", "Hash=much"])
def test_fairy_stockfish_options_are_checked(option: str) -> None:
    with pytest.raises(PlayerError, match=r"[Oo]ption"):
        create_player(f"engine:fairy-stockfish,{option}")


@needs_fairy
def test_an_engine_looks_only_at_the_root_moves() -> None:
    player = EnginePlayer("fairy-stockfish", limit=Limit(nodes=2000))
    board, poor = Board(), Move.from_iccs("h2h9")  # a cannon for a horse
    try:
        best = player.analyse(board, Limit()).lines[0]
        line = player.analyse(board, Limit(), root_moves=[poor]).lines[0]
    finally:
        player.close()
    assert line.move == poor != best.move
    assert line.score_cp is not None
    assert best.score_cp is not None
    assert line.score_cp < best.score_cp - 100


@needs_fairy
def test_an_engine_reports_progress_and_stops_at_once() -> None:
    player = EnginePlayer("fairy-stockfish", limit=Limit(time=600.0))
    reported: list[Analysis] = []

    def on_progress(analysis: Analysis) -> None:
        reported.append(analysis)
        player.stop_event.set()

    try:
        analysis = player.analyse(Board(), Limit(), 2, on_progress=on_progress)
    finally:
        player.close()
    assert reported
    assert len(analysis.lines) == 2
    assert analysis.depth is not None
    assert analysis.depth >= (reported[0].depth or 0) >= 1
