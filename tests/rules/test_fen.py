from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.positions import play_random
from xiangqi_gpt.rules import BLACK, RED, START_FEN, Board, FenError, FenFaultCode, fen_faults, parse_fen

CJK = re.compile(r"[\u4e00-\u9fff]")
BARE = "3k5/9/9/9/9/9/9/9/9/4K4"


def codes(fen: str) -> list[str]:
    return [fault.code.value for fault in fen_faults(fen)]


def test_round_trip_over_games() -> None:
    for seed in range(8):
        for board in play_random(Random(seed), 100):
            fen = board.fen()
            assert fen_faults(fen) == []
            again = Board(fen)
            assert again.fen() == fen
            assert again.squares == board.squares
            assert (again.turn, again.halfmove_clock) == (board.turn, board.halfmove_clock)
            assert Board(board.fen("HE")).fen() == fen


@pytest.mark.parametrize(
    ("fen", "expected"),
    [
        (BARE, f"{BARE} w - - 0 1"),
        (f"{BARE} b", f"{BARE} b - - 0 1"),
        (f"{BARE} r - - 7 9", f"{BARE} w - - 7 9"),
        (f"{BARE} W - - 7 9", f"{BARE} w - - 7 9"),
        (f"{BARE} w 12 30", f"{BARE} w - - 12 30"),
        (f"{BARE} w - 12 30", f"{BARE} w - - 12 30"),
        (f"{BARE} w - - 3", f"{BARE} w - - 3 1"),
        (f"{BARE} w - - 0 0", f"{BARE} w - - 0 0"),
        (f"  {BARE}   w  -  -  0 1 \n", f"{BARE} w - - 0 1"),
        ("rheakaehr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RHEAKAEHR r", START_FEN),
        ("111k11111/9/9/9/9/9/9/9/9/4K4", f"{BARE} w - - 0 1"),
    ],
)
def test_spellings_that_are_read(fen: str, expected: str) -> None:
    assert Board(fen).fen() == expected


def test_letters_are_chosen_when_writing() -> None:
    assert Board().fen("HE").startswith("rheakaehr/")
    with pytest.raises(FenError, match="'XY'"):
        Board().fen("XY")


@pytest.mark.parametrize(
    ("fen", "code", "square"),
    [
        ("", "empty", None),
        ("   ", "empty", None),
        ("k" * 300, "too_long", None),
        ("3k5/9/9/9/9/9/9/9/4K4 w", "rank_count", None),
        ("3k5/9/9/9/9/9/9/9/9/9/4K4 w", "rank_count", None),
        ("3k4/9/9/9/9/9/9/9/9/4K4 w", "rank_short", None),
        ("3k6/9/9/9/9/9/9/9/9/4K4 w", "rank_long", None),
        ("3k5/9/9/9/9/9/9/9//4K4 w", "rank_short", None),
        ("3k5/9/9/9/9/x8/9/9/9/4K4 w", "bad_letter", None),
        ("3k5/9/9/9/9/0/9/9/9/4K4 w", "bad_letter", None),
        ("3k5/9/9/9/9/９/9/9/9/4K4 w", "bad_letter", None),
        (f"{BARE} x", "bad_side", None),
        (f"{BARE} w - - -1 1", "bad_counter", None),
        (f"{BARE} w - - 0 x", "bad_counter", None),
        (f"{BARE} w - - ² 1", "bad_counter", None),
        (f"{BARE} w - - 99999 1", "bad_counter", None),
        (f"{BARE} w - - 0 1 extra", "extra_field", None),
        ("9/9/9/9/9/9/9/9/9/4K4 w", "king_missing", None),
        ("3k5/9/9/9/9/9/9/9/9/9 w", "king_missing", None),
        ("3kk4/9/9/9/9/9/9/9/9/4K4 w", "king_doubled", None),
        ("2k6/9/9/9/9/9/9/9/9/4K4 w", "king_outside_palace", "c9"),
        ("3k5/9/9/9/9/9/4K4/9/9/9 w", "king_outside_palace", "e3"),
        ("4k4/9/9/9/9/9/9/9/9/4K4 w", "kings_facing", "e0"),
        ("4k4/9/9/9/9/9/9/9/9/4K4 b", "kings_facing", "e9"),
        ("3k5/9/9/9/9/9/9/9/9/3RK4 w", "opponent_in_check", "d9"),
        ("3k5/9/9/9/9/9/9/9/9/3rK4 b", "opponent_in_check", "e0"),
        ("3ka4/4R4/9/9/9/9/9/9/4p4/4K4 b", "opponent_in_check", "e0"),
        ("3k5/9/9/9/9/9/9/9/3A5/4K4 w", "advisor_point", "d1"),
        ("a2k5/9/9/9/9/9/9/9/9/4K4 w", "advisor_point", "a9"),
        ("3k5/9/9/9/9/9/9/9/9/3BK4 w", "elephant_point", "d0"),
        ("3k5/9/9/9/2B6/9/9/9/9/4K4 w", "elephant_point", "c5"),
        ("3k5/9/9/9/9/9/9/P8/9/4K4 w", "pawn_behind_start", "a2"),
        ("3k5/9/p8/9/9/9/9/9/9/4K4 w", "pawn_behind_start", "a7"),
        ("3k5/9/9/9/9/1P7/9/9/9/4K4 w", "pawn_off_file", "b4"),
        ("3k5/9/9/1p7/9/9/9/9/9/4K4 w", "pawn_off_file", "b6"),
        ("3k5/9/9/9/9/P8/P8/9/9/4K4 w", "pawn_doubled", "a4"),
        ("3k5/9/9/p8/p8/9/9/9/9/4K4 w", "pawn_doubled", "a6"),
        ("3k5/9/9/9/9/9/9/9/9/RRR1K4 w", "too_many", None),
        ("3k5/9/9/PPPPPP3/9/9/9/9/9/4K4 w", "too_many", None),
        ("3k5/9/9/9/9/A2A1A3/9/9/9/4K4 w", "too_many", None),
    ],
)
def test_faults(fen: str, code: str, square: str | None) -> None:
    faults = fen_faults(fen)
    matching = [f for f in faults if f.code == FenFaultCode(code)]
    assert matching, [f.code for f in faults]
    fault = matching[0]
    assert CJK.search(fault.text_zh)
    assert not CJK.search(fault.text_en)
    if square is None:
        assert fault.square is None
    else:
        assert fault.square == (ord(square[0]) - 97) + 9 * int(square[1])
        assert square in fault.text_en or code in ("kings_facing", "opponent_in_check")
    with pytest.raises(FenError) as caught:
        Board(fen)
    assert caught.value.faults == tuple(faults)
    assert fault.text_en in str(caught.value)
    if fault.fatal:
        with pytest.raises(FenError, match="expected"):
            Board(fen, strict=False)
    else:
        Board(fen, strict=False)


def test_every_fault_is_covered_above() -> None:
    marks = next(m for m in test_faults.pytestmark if m.name == "parametrize")
    assert {case[1] for case in marks.args[1]} == {c.value for c in FenFaultCode}


def test_all_faults_are_listed_at_once() -> None:
    assert codes("a1k6/9/9/9/9/1P7/9/9/9/9 x - - z 1") == [
        "bad_side",
        "bad_counter",
        "king_missing",
        "pawn_off_file",
        "advisor_point",
        "king_outside_palace",
    ]
    assert len(codes("8/10/9 w")) > 2


def test_possible_positions_that_look_odd_are_accepted() -> None:
    for fen in (
        "3k5/9/9/9/P8/9/P8/9/9/4K4 w",  # one soldier of the file has crossed
        "3k5/9/9/9/PPPP5/9/9/9/9/4K4 w",
        "P2k5/9/9/9/9/9/9/9/9/4K3p w",
        "3k5/9/9/9/9/9/9/9/9/3rK4 w",  # the side to move is in check
        f"{BARE} w - - 500 9999",
        f"{BARE} b - - 30 1",  # counters that do not match each other
    ):
        assert codes(fen) == []


def test_lenient_reading_fills_in_what_it_cannot_use() -> None:
    fields = parse_fen(f"{BARE} q - - bad 7 more", strict=False)
    assert (fields.turn, fields.halfmove_clock, fields.fullmove_number) == (RED, 0, 7)
    assert parse_fen(f"{BARE} B").turn is BLACK


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="kabnrcpKABNRCPheHE123456789/ wbr-0x象", max_size=110))
def test_nothing_but_fen_errors(text: str) -> None:
    faults = fen_faults(text)
    if faults:
        with pytest.raises(FenError):
            Board(text)
    else:
        assert fen_faults(Board(text).fen()) == []
