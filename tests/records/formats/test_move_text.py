"""Move text as programs write it: text behind the result, tags among the moves, odd move numbers."""

from __future__ import annotations

import io
import json

import pytest

from xiangqi_gpt.records.formats import jsonl
from xiangqi_gpt.records.formats.pgn import pgnread
from xiangqi_gpt.records.replay import Reading, replay_games

from ..conftest import iccs

FOUR = "h2e2 h9g7 h0g2 i9h9"
CHINESE = "1. 炮二平五 马8进7\n2. 马二进三 车9平8"


def readings(text: str | bytes) -> list[Reading]:
    """What the PGN reader makes of a text."""
    raw = text if isinstance(text, bytes) else text.encode()
    return list(replay_games(pgnread.games(io.BytesIO(raw), "x.pgn"), "x.pgn"))


def whole(text: str | bytes) -> list[tuple[str, str]]:
    """Moves and result of each game; none may be cut or refused."""
    found = readings(text)
    assert [reading.error for reading in found] == [None] * len(found)
    return [(iccs(r.record), r.record.result) for r in found if r.record is not None]


FOOTERS = [
    "============================\n 欢迎访问《象棋百科全书网》\n http://www.xqbase.com/\n============================",
    "感谢使用鲨鱼象棋软件",
    "thanks { for ( using ; this",
    "[http://www.xqbase.com/]",
    "[Powered by xqwizard]",
    "2008（c) someone$",
    "-- \n棋谱控 !!! ??? #1",
    "{a comment that nobody closes",
    "1-0\n=====",
]


@pytest.mark.parametrize("footer", FOOTERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5hkscs"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_behind_the_result_damages_no_game(footer: str, encoding: str, end: str) -> None:
    game = f'[Game "Chinese Chess"]\n[Result "1-0"]\n\n{CHINESE}\n  1-0\n{footer}\n\n'
    if encoding.startswith("big5"):
        game = game.translate(str.maketrans("马进车欢访谱", "馬進車歡訪譜")).replace("谢", "謝")
        game = game.translate(str.maketrans("鲨鱼软问书网", "鯊魚軟問書網"))
    text = (game * 3).replace("\n", end).encode(encoding)
    assert whole(text) == [(FOUR, "1-0")] * 3
    notes = [" ".join(reading.remarks) for reading in readings(text)]
    assert all("behind the result" in note for note in notes)


def test_a_long_footer_costs_nothing() -> None:
    game = f'[Game "x"]\n\n{CHINESE}\n1-0\n'
    assert whole(f"{game}{'=' * (3 << 20)}\n\n{game}{'=====' * 1000}\n\n{game}") == [(FOUR, "1-0")] * 3


@pytest.mark.parametrize("footer", ["========\nhttp://www.xqbase.com/ (c) 2008", "感谢使用", "*****\n1 2 3"])
def test_text_below_the_moves_of_a_game_without_a_result_token(footer: str) -> None:
    game = f'[Game "x"]\n[Result "0-1"]\n\n{CHINESE}\n{footer}\n\n'
    assert whole(game * 2) == [(FOUR, "0-1")] * 2
    assert "below the moves" in readings(game)[0].remarks[0]


@pytest.mark.parametrize(
    "behind", ["车9进7", "h9h2", "garbage on the same line", "\nh9g", "\n谢谢 3. 兵三进一"]
)
def test_a_broken_game_stays_broken(behind: str) -> None:
    [reading] = readings(f'[Game "x"]\n[Result "0-1"]\n\n{CHINESE} {behind}')
    assert reading.error is not None
    assert reading.error.ply == 4
    assert reading.record is not None
    assert reading.record.result == "*"


def test_a_move_or_another_result_behind_the_result_contradicts_it() -> None:
    for behind in ("h9g7", "炮８平５", "0-1"):
        [reading] = readings(f'[Game "x"]\n\n1. h2e2 1-0 {behind}')
        assert reading.error is not None
        assert behind in reading.error.reason
    assert whole('[Game "x"]\n\n1. h2e2 * 0-1') == [("h2e2", "0-1")]


def test_games_without_tags_are_told_apart_by_result_and_number() -> None:
    text = "1. h2e2 h9g7 1-0\n\n1. 炮二平五 马8进7\n0-1\n\n1.h2e2 h9g7 1/2-1/2"
    assert whole(text) == [("h2e2 h9g7", "1-0"), ("h2e2 h9g7", "0-1"), ("h2e2 h9g7", "1/2-1/2")]


TAGGED = [
    '[Score "1"] 1.炮二平五  [Score "2"] 马８进７\n[Score "3"] 2.马二进三  [Score "4"] 车９平８',
    '[Score "1"] 1. 炮二平五\n[Score "2"] 马8进7\n[Score "3"] 2. 马二进三\n[Score "4"] 车9平8',
    '[Score "1"] 1. h2e2\n[Score "2"] 1... h9g7\n[Score "3"] 2. h0g2\n[Score "4"] 2... i9h9',
    '1. C2=5 [Clock "0:01"] H8+7 [Clock "0:02"]\n2. H2+3 [Clock "0:03"] R9=8 [Clock "0:04"]',
    '1. h2e2 h9g7\n[Comment "good"]\n2. h0g2 i9h9\n[Comment "better"]',
]


@pytest.mark.parametrize("moves", TAGGED)
@pytest.mark.parametrize("head", ['[Title "x"]\n[Result ""]\n', '[Game "Chinese Chess"]\n\n', ""])
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_tags_among_the_moves(moves: str, head: str, encoding: str) -> None:
    text = f"{head}{moves}\n\n{head}{moves}\n"
    if not head and not moves.startswith("["):
        text = text.replace("\n\n", " 1-0\n\n")
    assert [moves for moves, _ in whole(text.encode(encoding))] == [FOUR] * 2


def test_a_tag_among_the_moves_is_a_comment_of_the_move_behind_it() -> None:
    [reading] = readings(f'[Title "x"]\n{TAGGED[0]}')
    assert reading.record is not None
    comments = {ply: note.comment for ply, note in reading.record.notes.items()}
    assert comments == {1: 'Score "1"', 2: 'Score "2"', 3: 'Score "3"', 4: 'Score "4"'}


def test_one_game_a_line_with_its_tags() -> None:
    text = '[Event "a"] [Result "1-0"] 1. h2e2 h9g7\n[Event "b"] 1. b2e2 0-1\n[Event "c"]\n1. c3c4 *'
    assert whole(text) == [("h2e2 h9g7", "1-0"), ("b2e2", "0-1"), ("c3c4", "*")]


@pytest.mark.parametrize(
    ("moves", "note"),
    [
        ("2. h2e2 h9g7 3. h0g2 i9h9", "first move number is 2"),
        ("1. h2e2 h9g7 7. h0g2 i9h9", "last move number is 7"),
        ("1. h2e2 {x} h9g7 27. h0g2 i9h9", "last move number is 27"),
        ("h2e2 900 h9g7 h0g2 99999 i9h9", "'900' among the moves"),
        ("1 h2e2 {x} 900 h9g7 2 h0g2 i9h9", "'900' among the moves"),
    ],
)
def test_odd_move_numbers_are_noted(moves: str, note: str) -> None:
    assert whole(f'[Game "x"]\n\n{moves} *') == [(FOUR, "*")]
    assert any(note in remark for remark in readings(f'[Game "x"]\n\n{moves} *')[0].remarks)


@pytest.mark.parametrize(
    "moves",
    [
        "1. h2e2 h9g7 2. h0g2 i9h9",
        "1. h2e2 1... h9g7 2. h0g2 2... i9h9",
        "1. h2e2 2. h9g7 3. h0g2 4. i9h9",
        "1 h2e2 h9g7 2 h0g2 i9h9",
        "1.h2e2 {x} h9g7 2.h0g2 i9h9",
    ],
)
def test_usual_move_numbers_are_not_noted(moves: str) -> None:
    assert readings(f'[Game "x"]\n\n{moves} *')[0].remarks == ()


def test_numbers_of_a_position_are_not_noted() -> None:
    fen = "4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9"
    for moves in ("9. ... e9f9 10. e1e5", "1. ... e9f9 2. e1e5", "1. e9f9 2. e1e5"):
        assert readings(f'[Game "x"]\n[FEN "{fen}"]\n\n{moves} *')[0].remarks == ()


@pytest.mark.parametrize(
    ("moves", "notes"),
    [
        ("1. 炮2平5 马8进7", ["Red's moves are written with Black's digits ('炮2平5'): read for Red"]),
        (
            "1. 炮二平五 马八进七",
            ["Black's moves are written with Red's digits ('马八进七'): read for Black"],
        ),
        ("1. 炮二平五 馬８進７", []),
        ("1. h2e2 {炮2平5} h9g7", []),
        ("1. 炮2平5 {x} 馬八進七", ["Red's moves", "Black's moves"]),
    ],
)
def test_digits_of_the_other_side_are_noted(moves: str, notes: list[str]) -> None:
    assert whole(f'[Game "x"]\n\n{moves} *') == [("h2e2 h9g7", "*")]
    remarks = readings(f'[Game "x"]\n\n{moves} *')[0].remarks
    assert [remark[: len(note)] for remark, note in zip(remarks, notes, strict=True)] == notes


def test_digits_of_the_other_side_are_noted_in_json() -> None:
    text = json.dumps({"moves": ["炮2平5", "马8进7"]}, ensure_ascii=False)
    [reading] = replay_games(jsonl.games(io.BytesIO(text.encode()), "x.jsonl"), "x.jsonl")
    assert reading.error is None
    assert "Red's moves" in reading.remarks[0]
