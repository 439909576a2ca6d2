from __future__ import annotations

import pytest

from xiangqi_gpt.records.detect import Lookahead

from .conftest import Read, iccs

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"
SIMPLIFIED = (
    '[Game "Chinese Chess"]\n[Event "全国象棋个人赛"]\n[Red "胡荣华"]\n\n'
    "1. 炮二平五 马8进7 2. 马二进三 车9平8 3. 兵三进一 卒7进1 红胜\n\n"
)
TRADITIONAL = (
    '[Game "Chinese Chess"]\n[Event "全國象棋賽"]\n[Red "吳貴臨"]\n\n'
    "1. 炮二平五 馬８進７ 2. 馬二進三 車９平８ 3. 兵三進一 卒７進１ 紅勝\n\n"
)
COORDINATES = '[Game "Chinese Chess"]\n[Red "許銀川"]\n[Event "聯賽決賽場"]\n\n1. h2e2 h9g7 1-0\n\n'


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"]
)
def test_simplified_text(read: Read, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    games, errors = read(mark + (SIMPLIFIED * 3).encode(encoding))
    assert errors == []
    assert [iccs(game) for game in games] == [SIX] * 3
    assert games[2].tags["Red"] == "胡荣华"
    assert games[2].result == "1-0"


@pytest.mark.parametrize("encoding", ["utf-8", "big5", "gbk"])
def test_traditional_text(read: Read, encoding: str) -> None:
    games, errors = read((TRADITIONAL * 2).encode(encoding))
    assert errors == []
    assert [iccs(game) for game in games] == [SIX] * 2
    assert games[0].tags == {"Event": "全國象棋賽", "Red": "吳貴臨"}


@pytest.mark.parametrize("encoding", ["utf-8", "big5", "gbk"])
def test_names_beside_plain_moves(read: Read, encoding: str) -> None:
    ascii_game = '[Game "Chinese Chess"]\n\n1. h2e2 h9g7 *\n\n'
    games, errors = read((ascii_game * 40 + COORDINATES).encode(encoding))
    assert errors == []
    assert len(games) == 41
    assert games[40].tags["Red"] == "許銀川"


def test_a_file_glued_together_of_two_encodings(read: Read) -> None:
    games, errors = read(SIMPLIFIED.encode("gbk") * 2 + SIMPLIFIED.encode() + TRADITIONAL.encode("big5"))
    assert errors == []
    assert [iccs(game) for game in games] == [SIX] * 4
    assert [game.tags["Red"] for game in games] == ["胡荣华"] * 3 + ["吳貴臨"]


def test_bytes_that_are_no_text_cost_only_what_they_touch(read: Read) -> None:
    broken = SIMPLIFIED.encode().replace("胡".encode(), b"\xff\xfe\xff")
    spoiled = SIMPLIFIED.encode().replace("马8".encode(), b"\xff\xff8")
    games, errors = read(SIMPLIFIED.encode() + broken + spoiled + SIMPLIFIED.encode())
    assert [game.number for game in games] == [1, 2, 4]
    assert [(error.game, error.line, error.ply) for error in errors] == [(3, 17, 1)]


def test_second_bytes_that_look_like_braces(read: Read) -> None:
    # 哂 and 咪 end in 7B and 7D in Big5, 倇 and 倉 in GBK: none opens nor closes a comment.
    for text, encoding in (("{哂咪哂}", "big5"), ("{倇倉倇}", "gbk")):
        content = f'[Game "a"]\n\n1. h2e2 {text} h9g7 *\n\n'.encode(encoding) * 2
        games, errors = read(content)
        assert errors == []
        assert [game.plies for game in games] == [2, 2]


def test_lookahead_keeps_what_was_looked_at() -> None:
    items = Lookahead(range(5))
    assert list(items.peek(2)) == [0, 1]
    assert next(items) == 0
    assert list(items.peek(9)) == [1, 2, 3, 4]
    assert list(items) == [1, 2, 3, 4]
