from __future__ import annotations

import io
import re

import pytest

from xiangqi_gpt.records.formats import movelist
from xiangqi_gpt.records.replay import replay_games

from ..conftest import Read, iccs

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"


@pytest.mark.parametrize(
    "text",
    [
        f"{SIX}\nh2e2 h9g7\n{SIX} 1-0\n",
        f"{SIX}\n\nh2e2 h9g7\n\n{SIX} 1-0\n",
        "h2e2 h9g7 h0g2 i9h9\ng3g4 g6g5\n\nh2e2\nh9g7\n\nh2e2 h9g7 h0g2\ni9h9 g3g4 g6g5\n1-0",
        f"{SIX.replace(' ', '')}\nh2e2h9g7\n{SIX.replace(' ', ',')} 1-0\n",
        f"position startpos moves {SIX}\nstartpos moves h2e2 h9g7\nposition fen "
        f"rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1 moves {SIX} 1-0\n",
        "1. 炮二平五 马8进7\n2. 马二进三 车9平8\n3. 兵三进一 卒7进1\n1. 炮二平五 马8进7\n"
        "1. 炮二平五 马8进7\n2. 马二进三 车9平8\n3. 兵三进一 卒7进1\n红胜\n",
        "1. C2.5 h8+7 2. H2+3 r9.8 3. P3+1 p7+1\n1. C2.5 h8+7\n1. C2.5 h8+7 2. H2+3 r9.8 3. P3+1 p7+1 1-0",
        "1、炮二平五　马８进７\n2、马二进三　车９平８\n3、兵三进一　卒７进１\n\n1、炮二平五　马８进７\n\n"
        "1、炮二平五　马８进７ 2、马二进三　车９平８ 3、兵三进一　卒７进１ 红先胜",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_lists_by_line_and_by_paragraph(read: Read, text: str, encoding: str) -> None:
    games, errors = read(text.encode(encoding), "a.txt")
    assert errors == []
    assert [iccs(game) for game in games] == [SIX, "h2e2 h9g7", SIX]
    assert games[2].result == "1-0"


def test_what_stands_above_the_moves(read: Read) -> None:
    text = (
        "中国象棋对局记录\n红方：胡荣华\n黑方：许银川\n结果：红胜\n\n1. 炮二平五 马8进7\n2. 马二进三 车9平8\n"
    )
    [game], errors = read(text.encode("gbk"), "a.txt")
    assert errors == []
    assert game.tags == {"Red": "胡荣华", "Black": "许银川"}
    assert game.result == "1-0"
    assert iccs(game) == "h2e2 h9g7 h0g2 i9h9"


def test_a_position_above_the_moves(read: Read) -> None:
    fen = "4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9"
    games, errors = read(f"{fen}\ne9f9 e1e5\n\n{fen} e9f9\n", "a.txt")
    assert errors == []
    assert [(game.start_fen, iccs(game)) for game in games] == [(fen, "e9f9 e1e5"), (fen, "e9f9")]


def test_bad_games_are_named_by_line(read: Read) -> None:
    games, errors = read(f"{SIX}\nh2e2 h9g8\n{SIX}\nh2e2 hello\n{SIX}\n", "a.txt")
    assert [game.number for game in games] == [1, 3, 5]
    assert [(error.game, error.line, error.ply) for error in errors] == [(2, 2, 1), (4, 4, 1)]


@pytest.mark.parametrize(
    "text", ["Dear reader,\n\nthis is a letter.\n", "\n\n\n", "炮打得很好\n", "\x01\x02\x03"]
)
def test_text_without_moves_is_no_record(read: Read, text: str) -> None:
    games, errors = read(text, "a.txt")
    assert games == []
    assert [error.game for error in errors] == [None]


CHINESE = "1. 炮二平五 马8进7 2. 马二进三 车9平8"
FOUR = "h2e2 h9g7 h0g2 i9h9"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "big5hkscs"])
@pytest.mark.parametrize("cut", range(4))
def test_a_long_line_is_read_wherever_a_slice_would_cut_a_character(
    read: Read, encoding: str, cut: int
) -> None:
    filler = "x" * cut + "　" * 3000
    text = (
        f"标题：甲\n{CHINESE}\n{filler}{CHINESE}\n{CHINESE}\n"
        if not cut
        else f"{CHINESE}\n{{{filler}}} {CHINESE}\n"
    )
    if encoding.startswith("big5"):
        text = text.translate(str.maketrans("马进车标题", "馬進車標題"))
    games, errors = read(text.encode(encoding), "a.txt")
    assert errors == []
    assert [iccs(game) for game in games] == [FOUR] * (2 if cut else 3)


ENDGAME = "3k5/9/9/9/9/9/9/1C5C1/9/4K2N1"


@pytest.mark.parametrize("side", ["w", " w", " r - - 0 1", "_w", "%20w%20-%20-%200%201", "[] w"])
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_fen_behind_the_moves(read: Read, side: str, gap: str) -> None:
    text = gap.join(["b2e2d9e9", ENDGAME + side, "b2c2 d9d8 c2e2", ENDGAME + side]) + "\n"
    games, errors = read(text, "a.txt")
    assert errors == []
    assert [iccs(game) for game in games] == ["b2e2 d9e9", "b2c2 d9d8 c2e2"]
    assert {game.start_fen for game in games} == {f"{ENDGAME} w - - 0 1"}


def test_a_fen_behind_the_moves_of_a_handicap_game(read: Read) -> None:
    fen = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/R1BAKAB1R w - - 0 1"
    [game], errors = read(f"h2e2h9g7i0i1\n{fen}\n", "a.txt")
    assert errors == []
    assert (game.start_fen, iccs(game)) == (fen, "h2e2 h9g7 i0i1")


def test_a_fen_between_two_games_belongs_to_the_second_one(read: Read) -> None:
    games, errors = read(f"{FOUR}\n\n{ENDGAME} w\nb2e2 d9e9\n\n{ENDGAME} w\nb2c2 d9d8\n", "a.txt")
    assert errors == []
    assert [(game.from_start, iccs(game)) for game in games] == [
        (True, FOUR), (False, "b2e2 d9e9"), (False, "b2c2 d9d8"),
    ]  # fmt: skip


def test_a_position_without_moves_is_a_game_without_moves(read: Read) -> None:
    games, errors = read(f"{ENDGAME} w\n{ENDGAME} b\nd9d8 b2e2\n{ENDGAME} w", "a.txt")
    assert errors == []
    assert [(game.start_fen[-10:], iccs(game)) for game in games] == [
        (" w - - 0 1", ""), (" b - - 0 1", "d9d8 b2e2"), (" w - - 0 1", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        ["iaxeugSr;{}", "pfITsOA3;{}"],
        ["17,{}", "18,{}"],
        ["17\t{}", "18\t{}"],
        ["a|{}", "b|{}"],
        ["g1: 1. {}", "g2: 1. {}"],
        ['"a1","{}"', '"a2","{}"'],
        ["甲：{}", "乙：{}"],
        ["id;moves", "7;{}", "8;{}"],
    ],
)
@pytest.mark.parametrize(
    "moves", [FOUR, FOUR.replace(" ", ","), FOUR.replace(" ", ""), "炮二平五 马8进7 马二进三 车9平8"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_column_with_an_id(read: Read, lines: list[str], moves: str, encoding: str, end: str) -> None:
    games, errors = read(end.join(lines).format(moves, moves).encode(encoding), "a.txt")
    assert errors == []
    assert [iccs(game) for game in games] == [FOUR, FOUR]
    assert [game.id for game in games] == [re.findall(r"\w+", line)[0] for line in lines[-2:]]


@pytest.mark.parametrize(
    "row",
    [
        "{}\t5000\t0.55",
        "3\t{}\t12.5%",
        "{} 中炮 45%",
        "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1\t{}\t-12\tbest",
    ],
)
def test_a_table_with_moves_is_no_list_of_games(read: Read, row: str) -> None:
    moves = ["h2e2", "b2e2", "c3c4", "g3g4", "b0c2", "h0g2"]
    games, errors = read("\n".join(map(row.format, moves)), "a.txt")
    assert games == []
    assert [error.game for error in errors] == [None]
    assert "not a list of games" in errors[0].reason


def test_short_games_are_games(read: Read) -> None:
    games, errors = read("h2e2\nb2e2 1-0\nc3c4\n1. g3g4 *\nb0c2\nh0g2 h9g7\n", "a.txt")
    assert errors == []
    assert [game.plies for game in games] == [1, 1, 1, 1, 1, 2]


def test_text_above_the_moves_is_noted() -> None:
    [reading] = replay_games(
        movelist.games(io.BytesIO("中国象棋\n1. 炮二平五 马8进7".encode()), "a.txt"), "a.txt"
    )
    assert reading.remarks == ("line 1: text above the moves passed over: '中国象棋'",)
