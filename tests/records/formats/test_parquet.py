from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records import GameRecord, TeacherLabels, read_games, split_of
from xiangqi_gpt.records.convert import Conversion, convert
from xiangqi_gpt.records.formats import FORMATS, parquet, read_as
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import MOVES, Move

OPENING = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"


def moves(text: str) -> tuple[Move, ...]:
    return tuple(Move.from_iccs(word) for word in text.split())


def store(path: Path, rows: list[dict[str, object]]) -> Path:
    names = {name: None for row in rows for name in row}
    pq.write_table(pa.Table.from_pylist([names | row for row in rows]), path)
    return path


def test_reads_the_columns_of_collected_games(tmp_path: Path) -> None:
    row = {
        "id": "a1", "split": "valid", "kind": "human", "subtype": "game", "start_fen": "", "moves": OPENING,
        "result": "1-0", "red": "甲", "black": "乙", "red_elo": 2000, "black_elo": None, "event": "杯",
        "date": "1999", "opening": "C12", "source": "x/y", "plies": 6, "clean": True,
        "teacher_best": "- h9g7 - i9h9 - b9c7", "teacher_cp": [None, -20, None, 5, None, 30000 - 7],
    }  # fmt: skip
    [game] = read_games(store(tmp_path / "g.parquet", [row]))
    assert game.moves == moves(OPENING)
    assert all(move is MOVES[move.index] for move in game.moves)
    assert (game.id, game.split, game.kind, game.subtype) == ("a1", "valid", "human", "game")
    assert game.result == "1-0"
    assert game.start_fen == START_FEN
    assert game.tags == {
        "Red": "甲", "Black": "乙", "RedElo": "2000", "Event": "杯", "Date": "1999", "Opening": "C12",
        "Source": "x/y", "Clean": "true",
    }  # fmt: skip
    assert game.labels is not None
    assert game.labels.at(0) == (None, None)
    assert game.labels.at(1) == (Move.from_iccs("h9g7"), -20)
    assert game.labels.at(5) == (Move.from_iccs("b9c7"), 29993)
    assert game.number == 1


def test_a_teacher_file_is_known_by_its_columns(tmp_path: Path) -> None:
    row = {
        "id": "t", "split": "train", "start_fen": "", "moves": OPENING, "first_label": 4, "result": "*",
        "end": "drawn", "noise": 0.25, "teacher_best": "b0c2 b9c7", "teacher_cp": [11, -12], "plies": 6,
    }  # fmt: skip
    [game] = read_games(store(tmp_path / "t.parquet", [row]))
    assert game.kind == "teacher"
    assert game.labels == TeacherLabels(4, moves("b0c2 b9c7"), (11, -12))
    assert game.labels.at(3) == (None, None)
    assert game.labels.at(4) == (Move.from_iccs("b0c2"), 11)
    assert game.labels.at(6) == (None, None)
    assert game.tags == {"End": "drawn", "Noise": "0.25"}


def test_labels_may_be_left_unread() -> None:
    sample = Path(__file__).parents[3] / "data" / "sample.parquet"
    whole, bare = (
        next(read_as(FORMATS["parquet"], sample, labels=labels)).record for labels in (True, False)
    )
    assert whole is not None
    assert whole.labels is not None
    assert bare == dataclasses.replace(whole, labels=None)


def test_bad_rows_are_reported_with_their_place_and_skipped(tmp_path: Path) -> None:
    path = store(
        tmp_path / "bad.parquet",
        [
            {"moves": OPENING},
            {"moves": "h2e2 h9g7 h0g3"},
            {"moves": "h2e2 z9g7"},
            {"moves": OPENING, "start_fen": "9/9/9/9/9/9/9/9/9/9 w - - 0 1"},
            {"moves": OPENING, "result": "red won"},
            {"moves": OPENING, "teacher_best": "h2e2", "teacher_cp": [1]},
            {"moves": "h2e2", "teacher_best": "h2h8", "teacher_cp": [1]},
            {"moves": None},
            {"moves": "h2e2", "split": "held out"},
            {"moves": "h2e2", "tags": "[1]"},
            {"moves": "c3c4"},
        ],
    )
    errors: list[RecordError] = []
    games = list(read_games(path, on_error=errors.append))
    assert [game.number for game in games] == [1, 8, 11]
    assert [(error.game, error.ply) for error in errors] == [
        (2, 2), (3, 1), (4, None), (5, None), (6, None), (7, 0), (9, None), (10, None),
    ]  # fmt: skip
    assert all(error.file == str(path) for error in errors)
    assert "h0g3" in str(errors[0])
    assert "z9g7" in str(errors[1])
    with pytest.raises(RecordError, match="game 2"):
        list(read_games(path))


def test_split_is_the_column_or_computed(tmp_path: Path) -> None:
    digest = int(hashlib.sha1(f"|{OPENING}".encode()).hexdigest(), 16) % 50
    expected = {0: "test", 1: "valid", 2: "reserved"}.get(digest, "train")
    assert split_of("", moves(OPENING)) == expected == split_of(START_FEN, OPENING.split())
    path = store(tmp_path / "s.parquet", [{"moves": OPENING, "split": s} for s in ("test", None, "extra")])
    assert [game.split for game in read_games(path)] == ["test", expected, "extra"]
    assert [game.number for game in read_games(path, splits={"extra"})] == [3]


def test_the_split_covers_only_the_first_thirty_plies() -> None:
    shuffle = ["h2e2", "h9g7", "e2h2", "g7h9"] * 10
    assert split_of("", shuffle) == split_of("", shuffle[:30]) == split_of("", [*shuffle[:30], "a0a1"])
    fen = "4k4/9/9/9/9/9/9/9/4R4/3K5 w - - 0 1"
    assert int(hashlib.sha1(f"{fen}|e1e2".encode()).hexdigest(), 16) % 50 not in (0, 1, 2)
    assert split_of(fen, ["e1e2"]) == "train"


def test_written_games_come_back(tmp_path: Path) -> None:
    games = [
        GameRecord(
            moves=moves(OPENING), result="1/2-1/2", split="extra", kind="engine", subtype="fragment", id="7",
            tags={"Red": "甲", "RedElo": "about 2000", "ECCO": "B24"}, number=1,
            labels=TeacherLabels(2, (*moves("h0g2"), None, None, None), (5, None, None, None)),
        ),
        GameRecord(
            moves=moves("a1a2"), start_fen="4k4/9/9/9/9/9/9/9/R8/3K5 w - - 3 9", split="test", number=2
        ),
    ]  # fmt: skip
    path = tmp_path / "out.parquet"
    assert parquet.write(path, games) == 2
    back = list(read_games(path))
    assert back == [
        GameRecord(**{name: getattr(game, name) for name in GameRecord.__slots__} | {"file": str(path)})
        for game in games
    ]


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    path.write_bytes(b"mine")
    with pytest.raises(RecordError, match="--force"):
        parquet.write(path, [])
    assert path.read_bytes() == b"mine"

    def failing() -> list[GameRecord]:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        parquet.write(path, (game for _ in range(1) for game in failing()), force=True)
    assert path.read_bytes() == b"mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.parquet"]
    assert parquet.write(path, [], force=True) == 0
    assert list(read_games(path)) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(500), b"PK\x03\x04rest", bytes(100)])
def test_files_that_hold_nothing_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    errors: list[RecordError] = []
    assert list(read_games(path, on_error=errors.append)) == []
    assert [error.file for error in errors] == [str(path)]


def test_cut_and_foreign_parquet_files(tmp_path: Path) -> None:
    whole = store(tmp_path / "whole.parquet", [{"moves": OPENING}] * 50)
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(RecordError, match="readable Parquet"):
        list(read_games(cut))
    with pytest.raises(RecordError, match="column 'moves'"):
        list(read_games(store(tmp_path / "foreign.parquet", [{"text": "x"}])))
    with pytest.raises(RecordError, match="column 'teacher_cp'"):
        list(read_games(store(tmp_path / "types.parquet", [{"moves": "h2e2", "teacher_cp": "many"}])))
    with pytest.raises(RecordError, match="no such file"):
        read_games(tmp_path / "absent.parquet", on_error=lambda error: None)


def test_damaged_text_costs_its_own_row(tmp_path: Path) -> None:
    raw = pa.array([OPENING.encode(), b"h2e2 \xff\xfe", OPENING.encode()], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    for column in (raw, text):
        path = tmp_path / "bytes.parquet"
        pq.write_table(pa.table({"moves": column}), path)
        errors: list[RecordError] = []
        assert [game.number for game in read_games(path, on_error=errors.append)] == [1, 3]
        assert [(error.game, error.ply) for error in errors] == [(2, 1)]


def test_a_damaged_head_is_a_typed_error(tmp_path: Path) -> None:
    path = store(tmp_path / "head.parquet", [{"moves": OPENING, "杯": "x"}])
    path.write_bytes(path.read_bytes().replace("杯".encode(), b"\xe6\x9d\x28"))
    with pytest.raises(RecordError, match="readable Parquet"):
        list(read_games(path))


def test_the_teachers_lines_survive_every_format_that_holds_labels(tmp_path: Path) -> None:
    first, second = Move.from_iccs("h2e2"), Move.from_iccs("b2e2")
    labels = TeacherLabels(0, (first, None), (30, None), (((first, 30), (second, -29_998)), ()))
    game = GameRecord(moves=moves("h2e2 h9g7"), kind="teacher", labels=labels)
    parquet.write(tmp_path / "a.parquet", [game])
    row = pq.read_table(tmp_path / "a.parquet").to_pylist()[0]
    assert row["teacher_multipv"] == ["h2e2 b2e2", ""]
    assert row["teacher_multipv_cp"] == [[30, -29_998], []]
    convert(Conversion(sources=(tmp_path / "a.parquet",), out=tmp_path / "b.jsonl"))
    for name in ("a.parquet", "b.jsonl"):
        [again] = read_games(tmp_path / name)
        assert again.labels == labels


@pytest.mark.parametrize(
    ("lines", "scores", "words"),
    [
        (["h2e2"], [[1]], "for 2 labels, found 1 and 1"),
        (["h2e2", ""], None, "found 2 and none"),
        (["h2e2 b2e2", ""], [[1], []], "a score for each move"),
        (["h2e2", ""], [[None], []], "a score for each move"),
        (["e2e4e5", ""], [[1], []], "found 'e2e4e5'"),
        (["h2e2 h2h8", ""], [[1, 2], []], "found 'h2e2 h2h8'"),
    ],
)
def test_wrong_lines_cost_their_game(tmp_path: Path, lines: object, scores: object, words: str) -> None:
    row = {
        "moves": "h2e2 h9g7", "teacher_best": "h2e2 -", "teacher_cp": [1, None], "teacher_multipv": lines,
        "teacher_multipv_cp": scores,
    }  # fmt: skip
    errors: list[RecordError] = []
    assert list(read_games(store(tmp_path / "x.parquet", [row]), on_error=errors.append)) == []
    assert words in str(errors[0])
