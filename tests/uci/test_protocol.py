from __future__ import annotations

import pytest

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import Analysis, Limit, Line, Value
from xiangqi_gpt.players.scores import PIKAFISH
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.uci.info_lines import InfoFormat, Progress, info_lines
from xiangqi_gpt.uci.protocol import decide_ranks, parse_go, parse_position, ranks_of_choices

ENDGAME = "3k5/9/9/9/9/9/9/4R4/9/4K4 w - - 3 40"


@pytest.mark.parametrize(
    ("text", "fen", "plies"),
    [
        ("startpos", START_FEN, 0),
        ("startpos moves", START_FEN, 0),
        ("startpos moves h2e2 h9g7", START_FEN, 2),
        (f"fen {START_FEN} moves b0c2", START_FEN, 1),
        (f"fen {ENDGAME}", ENDGAME, 0),
        (f"fen {ENDGAME} moves e2d2", ENDGAME, 1),
    ],
)
def test_positions(text: str, fen: str, plies: int) -> None:
    board = parse_position(text.split())
    assert board.root_fen == fen
    assert board.ply == plies


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected startpos or fen"),
        ("fen", "expected startpos or fen"),
        ("startpos h2e2", "expected startpos or fen"),
        ("fen 9/9 w", "10 ranks"),
        ("startpos moves h2e2 h2e2", "h2e2"),
        ("startpos moves h10g8", "h10g8"),
        ("startpos moves 0000", "0000"),
    ],
)
def test_malformed_positions(text: str, words: str) -> None:
    with pytest.raises(XiangqiError, match=words):
        parse_position(text.split())


@pytest.mark.parametrize(
    ("text", "limit", "hold"),
    [
        ("", Limit(), False),
        ("nodes 100", Limit(nodes=100), False),
        ("depth 3 nodes 7", Limit(depth=3, nodes=7), False),
        ("movetime 1500", Limit(time=1.5), False),
        ("infinite", Limit(), True),
        ("ponder wtime 60000 btime 90000", Limit(time=2.0), True),
        ("wtime 60000 btime 1 winc 4000", Limit(time=5.0), False),
        ("wtime 60000 movestogo 10", Limit(time=6.0), False),
        ("wtime 10000 winc 60000", Limit(time=5.0), False),
        ("wtime -50", Limit(time=0.01), False),
        ("nodes 0", Limit(nodes=1), False),
        ("nodes many frobnicate 3", Limit(), False),
        ("nodes " + "9" * 5000, Limit(), False),
    ],
)
def test_go(text: str, limit: Limit, hold: bool) -> None:
    command = parse_go(text.split(), Color.RED)
    assert (command.limit, command.hold) == (limit, hold)


def test_go_looks_at_the_clock_of_the_side_to_move() -> None:
    assert parse_go(["wtime", "1000", "btime", "30000"], Color.BLACK).limit == Limit(time=1.0)


def test_go_of_ucci_has_its_own_unit() -> None:
    assert parse_go(["time", "60", "increment", "0"], Color.RED, unit=1.0).limit == Limit(time=2.0)


def test_info_lines() -> None:
    board = Board()
    move = Move.from_iccs("h2e2")
    assert board.is_legal(move)
    lines = (Line((move,), prob=0.75), Line((Move.from_iccs("b0c2"),), prob=0.25))
    assert info_lines(Analysis(lines, Value(0.5, 0.2, 0.3))) == [
        f"info depth 1 multipv 1 score cp {PIKAFISH.centipawns(Value(0.5, 0.2, 0.3))} wdl 500 200 300 pv h2e2",
        "info string probabilities h2e2 0.750 b0c2 0.250",
    ]
    assert info_lines(Analysis((Line((move,), score_cp=29_998),))) == [
        "info depth 1 multipv 1 score mate 2 pv h2e2"
    ]
    assert info_lines(Analysis((Line((move,), score_cp=-29_999),))) == [
        "info depth 1 multipv 1 score mate -1 pv h2e2"
    ]
    assert info_lines(Analysis(())) == []


def test_centipawns_of_a_value_are_odd_and_bounded() -> None:
    assert PIKAFISH.centipawns(Value(0.2, 0.6, 0.2)) == 0
    assert PIKAFISH.centipawns(Value(0.6, 0.3, 0.1)) == -PIKAFISH.centipawns(Value(0.1, 0.3, 0.6)) > 0
    assert PIKAFISH.centipawns(Value(1.0, 0.0, 0.0)) == 2000


@pytest.mark.parametrize(
    ("moves", "ranks"),
    [
        ("", "1-10"),
        ("h3e3", "1-10"),
        ("h2e2", "0-9"),
        ("c3c4", "0-9"),  # c4c5 with ranks from 1
        ("c4c5", "1-10"),
        ("h2e2 h9g7 h0g2", "0-9"),
        ("h3e3 h10g8", "1-10"),
    ],
)
def test_moves_decide_how_ranks_count(moves: str, ranks: str) -> None:
    words = ["startpos", "moves", *moves.split()]
    assert decide_ranks(words, "1-10") == ranks
    assert parse_position(words, ranks=decide_ranks(words, "0-9")).ply == len(moves.split())


@pytest.mark.parametrize(
    ("texts", "default", "ranks"),
    [
        ("a1a2 i1i2", "0-9", "1-10"),
        ("a0a1", "1-10", "0-9"),
        ("nothing", "1-10", "1-10"),
        ("nothing", "0-9", "0-9"),
    ],
)
def test_choices_decide_how_ranks_count(texts: str, default: RankConvention, ranks: str) -> None:
    assert ranks_of_choices(Board(), texts.split(), default) == ranks


def test_both_ways_of_counting_in_one_game_are_refused() -> None:
    with pytest.raises(XiangqiError, match="one rank convention"):
        decide_ranks(["startpos", "moves", "h2e2", "h10g8", "h0g2"], "0-9")


def test_ten_thousand_moves_are_a_position() -> None:
    words = ["startpos", "moves", *(["h0g2", "h9g7", "g2h0", "g7h9"] * 2500)]
    assert parse_position(words, ranks=decide_ranks(words, "0-9")).ply == 10_000


def test_go_words() -> None:
    command = parse_go(["mate", "3", "searchmoves", "h2e2", "b10c8", "nodes", "50"], Color.RED)
    assert (command.mate, command.moves, command.limit) == (3, ("h2e2", "b10c8"), Limit(nodes=50))
    assert parse_go(["searchmoves"], Color.RED).moves == ()
    command = parse_go(["ponder", "draw", "time", "1000", "increment", "0"], Color.RED)
    assert command.ponder
    assert command.draw
    assert not parse_go(["infinite"], Color.RED).ponder


def test_a_part_of_the_clock_is_never_used() -> None:
    for left, seconds in ((1000, 0.4), (700, 0.1), (100, 0.01)):
        words = f"wtime {left} movestogo 1".split()
        assert parse_go(words, Color.RED, overhead=0.6).limit.time == pytest.approx(seconds)


def test_lines_of_a_search() -> None:
    board = Board()
    first, second, third = (Move.from_iccs(text) for text in ("h2e2", "b0c2", "a0a1"))
    assert board.is_legal(first)
    even, worse = Value(0.3, 0.4, 0.3), Value(0.1, 0.4, 0.5)
    analysis = Analysis(
        (Line((first, Move.from_iccs("h9g7")), value=even), Line((second,), value=worse), Line((third,))),
        even,
    )
    progress = Progress(depth=2, deepest=5, nodes=30, seconds=0.1)
    cp = PIKAFISH.centipawns(worse)
    assert info_lines(analysis, progress, InfoFormat(multipv=3, wdl=False, ranks="1-10")) == [
        "info depth 2 seldepth 5 multipv 1 score cp 0 nodes 30 nps 300 time 100 pv h3e3 h10g8",
        f"info depth 2 seldepth 5 multipv 2 score cp {cp} nodes 30 nps 300 time 100 pv b1c3",
    ]
    assert info_lines(analysis, progress, InfoFormat(ucci=True, multipv=3)) == [
        "info time 100 nodes 30",
        "info depth 2 score 0 pv h2e2 h9g7",
    ]
    mated = Analysis((Line((first,), score_cp=-29_998),))
    assert info_lines(mated, None, InfoFormat(ucci=True)) == ["info depth 1 score -9996 pv h2e2"]
