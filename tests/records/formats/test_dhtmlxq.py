from __future__ import annotations

from pathlib import Path

import pytest

from xiangqi_gpt.records import GameRecord, Note, Variation, read_games
from xiangqi_gpt.records.formats import dhtmlxq

from ..conftest import Read, iccs, moves

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"
BINIT = "0919293949596979891777062646668600102030405060708012720323436383"
GAME = (
    "[DhtmlXQ]\n[DhtmlXQ_ver]www_dpxq_com[/DhtmlXQ_ver]\n[DhtmlXQ_title]胡荣华 先胜 许银川[/DhtmlXQ_title]\n"
    "[DhtmlXQ_event]杯[/DhtmlXQ_event]\n[DhtmlXQ_red]上海 胡荣华[/DhtmlXQ_red]\n"
    "[DhtmlXQ_redname]胡荣华[/DhtmlXQ_redname]\n[DhtmlXQ_result]红胜[/DhtmlXQ_result]\n"
    f"[DhtmlXQ_binit]{BINIT}[/DhtmlXQ_binit]\n[DhtmlXQ_movelist]774770627967807066656364[/DhtmlXQ_movelist]\n"
    "[DhtmlXQ_move_0_2_1]10227967[/DhtmlXQ_move_0_2_1]\n[DhtmlXQ_move_1_3_2]1927[/DhtmlXQ_move_1_3_2]\n"
    "[DhtmlXQ_comment0]起||始[/DhtmlXQ_comment0]\n[DhtmlXQ_comment1]中炮[/DhtmlXQ_comment1]\n"
    "[DhtmlXQ_comment1_2]屏风[/DhtmlXQ_comment1_2]\n[/DhtmlXQ]\n"
)
NOTES = {
    0: Note("起\n始"),
    1: Note("中炮"),
    2: Note(
        "",
        (),
        (Variation(moves("b9c7 h0g2"), {1: Note("屏风"), 2: Note("", (), (Variation(moves("b0c2")),))}),),
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_game_of_a_forum(read: Read, encoding: str) -> None:
    [game], errors = read(f"<p>看棋:</p>{GAME}<br>".encode(encoding), "a.html")
    assert errors == []
    assert iccs(game) == SIX
    assert game.from_start
    assert game.result == "1-0"
    assert game.tags == {"Title": "胡荣华 先胜 许银川", "Event": "杯", "Red": "胡荣华"}
    assert game.notes == NOTES


def test_many_games_and_one_on_a_line(read: Read) -> None:
    games, errors = read(GAME + GAME.replace("\n", "") * 2 + GAME.replace("[DhtmlXQ]\n", ""), "a.ubb")
    assert errors == []
    assert [iccs(game) for game in games] == [SIX] * 4


def test_the_first_move_tells_the_side(read: Read) -> None:
    places = "99" * 4 + "39" + "99" * 15 + "40" + "99" * 11
    text = f"[DhtmlXQ_binit]{places}[/DhtmlXQ_binit][DhtmlXQ_movelist]4041[/DhtmlXQ_movelist]"
    [game], errors = read(text, "a.txt")
    assert errors == []
    assert game.start_fen == "4k4/9/9/9/9/9/9/9/9/3K5 b - - 0 1"


@pytest.mark.parametrize(
    ("old", "new", "ply", "word"),
    [
        ("66656364[", "6665636[", 5, "four digits"),
        ("774770627967", "77477062967x", 2, "four digits"),
        ("77477062", "77477746", 1, "h2"),
        ("774770627967", "774799627967", 1, "four digits"),
        (BINIT, BINIT[:60], None, "32 places"),
        (BINIT, "19" + BINIT[2:], None, "two"),
        (BINIT, "99" * 32, None, "king"),
    ],
)
def test_faults(read: Read, old: str, new: str, ply: int | None, word: str) -> None:
    assert old in GAME
    games, errors = read(GAME.replace(old, new) + GAME, "a.ubb")
    assert [game.number for game in games] == [2]
    assert [(error.game, error.line, error.ply) for error in errors] == [(1, 2, ply)]
    assert word in errors[0].reason


def test_side_lines_that_hang_on_nothing_cost_only_themselves(read: Read) -> None:
    more = "".join(
        f"[DhtmlXQ_move_{parent}_{ply}_{number}]1022[/DhtmlXQ_move_{parent}_{ply}_{number}]"
        for parent, ply, number in ((7, 2, 8), (0, 99, 9), (0, 0, 10), (11, 2, 11), (12, 1, 13), (13, 1, 12))
    )
    [game], errors = read(GAME.replace("[/DhtmlXQ]", more + "[/DhtmlXQ]"), "a.ubb")
    assert errors == []
    assert game.notes == NOTES


def test_written_games_come_back(tmp_path: Path) -> None:
    puzzle = GameRecord(moves=moves("e9e8"), start_fen="4k4/9/9/9/9/9/9/9/9/R2K5 b - - 3 9", result="*")
    games = [
        GameRecord(
            moves=moves(SIX), notes=NOTES, result="0-1", tags={"Red": "胡荣华", "Title": "[/DhtmlXQ_x]"}
        ),
        puzzle,
        GameRecord(moves=()),
    ]
    path = tmp_path / "out.ubb"
    assert dhtmlxq.write(path, games) == 3
    back = list(read_games(path))
    assert [(game.moves, game.start_fen, game.result) for game in back] == [
        (game.moves, game.start_fen, game.result) for game in games
    ]
    assert back[0].notes == NOTES
    assert back[0].tags["Red"] == "胡荣华"


@pytest.mark.parametrize(
    ("letter", "result"), [("W", "1-0"), ("L", "0-1"), ("D", "1/2-1/2"), ("w", "1-0"), ("１－０", "1-0")]
)
def test_results_as_letters(read: Read, letter: str, result: str) -> None:
    [game], errors = read(GAME.replace("红胜", letter), "a.ubb")
    assert errors == []
    assert game.result == result


@pytest.mark.parametrize("captured", ["99", "nn", "NN", "Nn"])
def test_captured_pieces(read: Read, captured: str) -> None:
    places = captured + BINIT[2:16] + captured + BINIT[18:]
    [game], errors = read(GAME.replace(BINIT, f"\n{places[:30]}\n{places[30:]}\n"), "a.ubb")
    assert errors == []
    assert iccs(game) == SIX
    assert game.start_fen == "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/1NBAKABN1 w - - 0 1"
