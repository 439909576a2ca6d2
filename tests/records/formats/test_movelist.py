from __future__ import annotations

import pytest

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
