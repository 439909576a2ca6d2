from __future__ import annotations

import json
from pathlib import Path

import pytest

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records import GameRecord, Note, TeacherLabels, Variation, read_games
from xiangqi_gpt.records.formats import jsonl
from xiangqi_gpt.records.variations import MAX_DEPTH, depth_of

from ..conftest import Read, iccs, moves

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"
FEN = "4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9"


def test_the_shape_of_2020(read: Read) -> None:
    rows = [
        {"fen": "", "iccs": SIX.split(), "items": {"棋局结果": "2", "红方棋手": "甲", "日期": "1999"}},
        {"fen": "", "iccs": SIX.replace(" ", ""), "items": {"棋局结果": 0}},
        {"fen": FEN, "iccs": "E9-F9 E1-E5", "items": {"棋局结果": "1"}, "path": "/qipu/1"},
        {"fen": "", "iccs": SIX, "items": {}},
    ]
    games, errors = read("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "qipu.json")
    assert errors == []
    assert [iccs(game) for game in games] == [SIX, SIX, "e9f9 e1e5", SIX]
    assert [game.result for game in games] == ["1-0", "0-1", "1/2-1/2", "*"]
    assert games[0].tags == {"Red": "甲", "Date": "1999"}
    assert (games[2].start_fen, games[2].tags) == (FEN, {"Source": "/qipu/1"})


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gbk"])
def test_one_array_of_games(read: Read, indent: int | None, encoding: str) -> None:
    rows = [{"moves": SIX, "tags": {"Red": f"第{number}局"}} for number in range(60)]
    games, errors = read(json.dumps(rows, ensure_ascii=False, indent=indent).encode(encoding), "a.json")
    assert errors == []
    assert [game.tags["Red"] for game in games] == [f"第{number}局" for number in range(60)]


def test_other_notations(read: Read) -> None:
    rows = [
        {"moves": "h3e3 h10g8"},
        {"moves": "炮二平五 马8进7", "result": "红胜"},
        {"moves": ["C2=5", "H8+7"]},
    ]
    games, errors = read("\n".join(json.dumps(row) for row in rows), "a.jsonl")
    assert errors == []
    assert {iccs(game) for game in games} == {"h2e2 h9g7"}
    assert games[1].result == "1-0"


@pytest.mark.parametrize(
    ("line", "ply", "word"),
    [
        ("{", None, "JSON"),
        ('{"moves": "h2e2 h9g7"', None, "JSON"),
        ("7", None, "object"),
        ('{"result": "1-0"}', None, "'moves'"),
        ('{"moves": {"a": 1}}', None, "moves as text"),
        ('{"moves": "h2e2 h2e2"}', 1, "h2e2"),
        ('{"moves": "h2e2 what"}', 1, "what"),
        ('{"moves": "h2e2", "result": "nobody"}', None, "result"),
        ('{"moves": "h2e2", "kind": "alien"}', None, "kind"),
        ('{"moves": "h2e2", "split": "mine"}', None, "split"),
        ('{"moves": "h2e2", "tags": [1]}', None, "tags"),
        ('{"moves": "h2e2", "tags": {"a": {}}}', None, "'a'"),
        ('{"moves": "h2e2", "start_fen": "9/9 w"}', None, "position"),
        ('{"moves": "h2e2", "labels": {"first": 0, "best": "h2e2", "cp": []}}', None, "labels"),
        ('{"moves": "h2e2", "labels": {"first": 0, "best": "h2h8", "cp": [1]}}', 0, "teacher"),
        ('{"moves": "h2e2", "labels": {"first": 0, "best": "h2e2", "cp": [1e9]}}', None, "cp"),
        ('{"moves": "h2e2", "notes": {"5": {}}}', None, "ply"),
        ('{"moves": "h2e2", "notes": {"1": {"nags": ["!"]}}}', None, "nags"),
        ("[" * 100_000, None, "JSON"),
        ('{"moves":' + "[" * 100_000, None, "JSON"),
        ('{"moves": "h2e2", "tags": {"a": ' + "9" * 5000 + "}}", None, "JSON"),
    ],
)
def test_bad_lines_cost_only_themselves(read: Read, line: str, ply: int | None, word: str) -> None:
    good = '{"moves": "h2e2 h9g7"}'
    games, errors = read(f"{good}\n{line}\n{good}\n", "a.jsonl")
    assert [game.number for game in games] == [1, 3]
    assert [(error.game, error.line, error.ply) for error in errors] == [(2, 2, ply)]
    assert word in errors[0].reason


def test_nothing_of_a_record_is_lost(tmp_path: Path) -> None:
    inner = Variation(moves("b2c2"), {1: Note("deep", (6,))})
    games = [
        GameRecord(
            moves=moves(SIX), result="1-0", tags={"Red": '甲 "x"\n', "Whatever": "v"}, split="extra", kind="teacher",
            subtype="game", id="x1", number=1,
            labels=TeacherLabels(4, (None, *moves("b9c7")), (None, -7)),
            notes={0: Note("a"), 2: Note("b", (1,), (Variation(moves("h9i7 h0g2"), {2: Note("", (), (inner,))}),))},
        ),
        GameRecord(moves=moves("e9f9"), start_fen=FEN, split="train", number=2),
    ]  # fmt: skip
    path = tmp_path / "out.jsonl"
    assert jsonl.write(path, games) == 2
    back = list(read_games(path))
    assert back == [
        GameRecord(**{name: getattr(game, name) for name in GameRecord.__slots__} | {"file": str(path)})
        for game in games
    ]


@pytest.mark.parametrize("depth", [1, MAX_DEPTH, MAX_DEPTH + 1])
def test_side_lines_are_written_as_deep_as_they_are_read(tmp_path: Path, depth: int) -> None:
    one, other = moves("h2e2 b2e2")
    notes: dict[int, Note] = {}
    for level in range(depth):
        # Each replaces the first move, in turn by one of two.
        notes = {1: Note(variations=(Variation((one if level % 2 else other,), notes),))}
    game = GameRecord(moves=moves(SIX), notes=notes, number=7)
    path = tmp_path / "deep.jsonl"
    if depth > MAX_DEPTH:
        with pytest.raises(RecordError, match=f"game 7: expected side lines nested at most {MAX_DEPTH} deep"):
            jsonl.write(path, [game])
        assert not path.exists()
    else:
        jsonl.write(path, [game])
        (back,) = read_games(path)
        assert depth_of(back.notes) == depth


def test_the_shape_of_2020_is_written_under_its_name(tmp_path: Path) -> None:
    games = [
        GameRecord(moves=moves(SIX), result="1-0", tags={"Red": "甲", "Event": "杯", "Other": "x"}),
        GameRecord(moves=moves("e9f9"), start_fen=FEN, result="*"),
    ]
    for name in ("qipu.json", "mine.qipu.json"):
        path = tmp_path / name
        jsonl.write(path, games)
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert rows[0] == {
            "fen": "",
            "iccs": SIX.split(),
            "items": {"红方棋手": "甲", "比赛名称": "杯", "棋局结果": "2"},
        }
        back = list(read_games(path))
        assert [(game.moves, game.start_fen, game.result) for game in back] == [
            (game.moves, game.start_fen, game.result) for game in games
        ]
