from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.records import GameRecord, Note, TeacherLabels, read_games, split_of, write_games
from xiangqi_gpt.records.convert import Conversion, convert
from xiangqi_gpt.records.formats import jsonl
from xiangqi_gpt.records.formats.pgn import pgnwrite

from . import builders
from .conftest import iccs, moves
from .formats.test_binary import LINE

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"
OTHER = "b2e2 h9g7 b0c2 i9h9"
MATE_IN_ONE = "3k5/1R7/9/9/9/9/9/9/9/R3K4 w - - 0 1"


def run(
    tmp_path: Path, *sources: Path, out: str = "out.jsonl", **options: Any
) -> tuple[Any, list[Any], list[Any]]:
    """Summary, games written, lines of the report."""
    report = tmp_path / "audit.jsonl"
    job = Conversion(sources=sources, out=tmp_path / out, report=report, force=True, **options)
    summary = convert(job)
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert lines[-1] == {"summary": summary.as_dict()}
    fates = [line["outcome"] for line in lines[:-1] if line["outcome"] not in ("unreadable", "passed over")]
    assert len(fates) == summary.games == summary.kept + summary.cut + summary.duplicates + summary.refused
    for status, count in (
        ("kept", summary.kept), ("cut", summary.cut), ("duplicate", summary.duplicates), ("refused", summary.refused),
    ):  # fmt: skip
        assert fates.count(status) == count
    return summary, list(read_games(tmp_path / out)), lines[:-1]


def pgn(tmp_path: Path, name: str, *games: str) -> Path:
    path = tmp_path / name
    path.write_text(
        "".join(f'[Game "x"]\n[Event "?"]\n[Red "{n}"]\n\n{text} *\n\n' for n, text in enumerate(games))
    )
    return path


def test_every_game_is_accounted_for(tmp_path: Path) -> None:
    source = pgn(
        tmp_path, "a.pgn",
        "h2e2 h9g7 h0g2",  # a part of the next but one
        OTHER,
        SIX,
        f"{OTHER} b0b0",  # cut, and then a copy of the second
        "h2e2 h9g7 b0c2 c2c9 h9g7",  # cut at ply 3
        "h2h2",  # nothing left
        "",  # nothing there
        SIX,  # a copy
        "h2e2 ((",
    )  # fmt: skip
    summary, games, lines = run(tmp_path, source)
    assert (summary.kept, summary.cut, summary.duplicates, summary.refused) == (2, 1, 4, 2)
    assert [iccs(game) for game in games] == [OTHER, SIX, "h2e2 h9g7 b0c2"]
    outcomes = [(line["game"], line["outcome"], line.get("ply"), line.get("duplicate_of")) for line in lines]
    name = str(source)
    assert outcomes == [
        (1, "duplicate", None, {"file": name, "game": 3}),
        (2, "kept", None, None),
        (3, "kept", None, None),
        (4, "duplicate", 4, {"file": name, "game": 2}),
        (5, "cut", 3, None),
        (6, "refused", 0, None),
        (7, "refused", None, None),
        (8, "duplicate", None, {"file": name, "game": 3}),
        (9, "duplicate", 1, {"file": name, "game": 3}),
    ]
    assert "c2c9" in lines[4]["reason"]
    assert all(game.tags.keys() == {"Red"} for game in games)


def test_copies_are_found_across_files_and_formats(tmp_path: Path) -> None:
    first = pgn(tmp_path, "1.pgn", OTHER, "h2e2 h9g7")
    second = tmp_path / "2.xqf"
    second.write_bytes(builders.xqf(LINE))
    third = tmp_path / "3.cbl"
    third.write_bytes(
        builders.cbl([builders.cbr(LINE), builders.cbr([*LINE[:1], ("a0a9", "", False, False)])])
    )
    summary, games, lines = run(tmp_path, first, second, third)
    assert (summary.files, summary.games, summary.kept, summary.duplicates, summary.refused) == (
        3,
        5,
        2,
        2,
        1,
    )
    assert [iccs(game) for game in games] == [OTHER, SIX]
    assert lines[1]["duplicate_of"] == lines[3]["duplicate_of"] == {"file": str(second), "game": 1}


def test_a_start_position_and_a_teacher_make_another_game(tmp_path: Path) -> None:
    fen = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABN1 w - - 0 1"
    labels = TeacherLabels(0, moves(SIX), (1,) * 6)
    path = tmp_path / "in.jsonl"
    jsonl.write(
        path,
        [
            GameRecord(moves=moves(SIX)),
            GameRecord(moves=moves("h2e2"), start_fen=fen),
            GameRecord(moves=moves(SIX), kind="teacher", labels=labels),
            GameRecord(moves=moves(SIX), kind="engine"),
        ],
    )
    summary, games, _ = run(tmp_path, path)
    assert (summary.kept, summary.duplicates) == (3, 1)
    assert [game.kind for game in games] == ["human", "human", "teacher"]
    assert games[2].labels == labels


def test_held_out_games_stay_held_out(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    games = [
        GameRecord(moves=moves(SIX), split="train"),
        GameRecord(moves=moves(OTHER), split="extra"),
        GameRecord(moves=moves(SIX), split="test"),
        GameRecord(moves=moves(OTHER), split="train"),
    ]
    jsonl.write(path, games)
    _, kept, lines = run(tmp_path, path)
    assert [game.split for game in kept] == ["test", "extra"]
    assert "test" in lines[0]["remarks"][0]
    for out in ("out.pgn", "out.parquet"):
        assert [game.split for game in run(tmp_path, path, out=out)[1]] == ["test", "extra"]


def test_a_copy_in_another_format_has_the_same_part(tmp_path: Path) -> None:
    source = pgn(tmp_path, "a.pgn", SIX, OTHER)
    for out in ("out.parquet", "out.ubb", "out.pgn", "out.jsonl"):
        games = run(tmp_path, source, out=out)[1]
        assert [game.split for game in games] == [split_of("", moves(SIX)), split_of("", moves(OTHER))]


def test_results_of_mates(tmp_path: Path) -> None:
    for source_result, result, word in (
        ("*", "1-0", "filled in"),
        ("0-1", "0-1", "although"),
        ("1-0", "1-0", ""),
    ):
        source = tmp_path / "a.jsonl"
        game = GameRecord(moves=moves("a0a9"), start_fen=MATE_IN_ONE, result=source_result)
        jsonl.write(source, [game], force=True)
        _, [kept], lines = run(tmp_path, source)
        assert kept.result == result
        assert word in "".join(lines[0].get("remarks", [""]))


def test_what_a_format_has_no_place_for_is_counted(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    games = [
        GameRecord(moves=moves(SIX), notes={1: Note("x")}),
        GameRecord(moves=moves(OTHER), labels=TeacherLabels(0, moves(OTHER), (1,) * 4), kind="teacher"),
    ]
    jsonl.write(source, games)
    assert run(tmp_path, source, out="out.parquet")[0].dropped_fields == {"comments and side lines": 1}
    summary, kept, _ = run(tmp_path, source, out="out.pgn")
    assert summary.dropped_fields == {"teacher's labels": 1}
    assert [game.kind for game in kept] == ["human", "teacher"]
    summary, kept, lines = run(tmp_path, source, out="out.ubb")
    assert (summary.kept, summary.refused) == (1, 1)
    assert "teacher" in lines[1]["reason"]
    assert run(tmp_path, source, out="qipu.json")[0].refused == 1


def test_unreadable_files_do_not_stop_the_others(tmp_path: Path) -> None:
    good = pgn(tmp_path, "good.pgn", SIX)
    bad = tmp_path / "bad.pgn"
    bad.write_bytes(b"PK\x03\x04" + b"x" * 100)
    empty = tmp_path / "empty.pgn"
    empty.write_bytes(b"")
    summary, games, lines = run(tmp_path, bad, good, empty)
    assert (summary.files, summary.unreadable, summary.games, summary.kept) == (3, 2, 1, 1)
    assert [iccs(game) for game in games] == [SIX]
    assert [line["outcome"] for line in lines] == ["unreadable", "kept", "unreadable"]
    assert "zip" in lines[0]["reason"]


def test_folders_are_searched(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    pgn(folder, "b.pgn", SIX)
    pgn(folder.parent, "a.PGN", OTHER)
    (folder / "readme.md").write_text("no record")
    _, games, _ = run(tmp_path, tmp_path / "in")
    assert [iccs(game) for game in games] == [OTHER, SIX]


def test_every_file_is_accounted_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pgn(folder, "a.pgn", SIX)
    table = pa.table([pa.array([OTHER])] * 2, names=["moves", "moves"])
    pq.write_table(table, folder / "twice.parquet")
    deep = pa.table([pa.array([OTHER, OTHER]), pa.array(["[" * 100_000, "{}"])], names=["moves", "tags"])
    pq.write_table(deep, folder / "deep.parquet")
    for name, content in {
        "digits.ubb": b"7747724279677062",
        "empty.jsonl": b"",
        "zeros.pgn": bytes(100),
        "readme.md": b"text",
        "noname": b"h2e2 h9g7",
        "old.che": b"1 2 3",
        "old.MXQ": "棋谱".encode("gbk"),
        "old.ccm": bytes(range(256)),
        "old.xqi": b"\x01\x02",
        "old.chn": b"x" * 500,
        "letter.txt": "一封信：没有棋谱".encode(),
        "wide.txt": "ｈｅｌｌｏ　ｗｏｒｌｄ".encode("gb18030"),
        "short.xqf": b"XQ\x0a",
        "cut.cbl": b"CCBridgeLibrary\x00",
        "bad.cbf": b"<ChineseChessRecord>",
    }.items():
        (folder / name).write_bytes(content)
    summary, games, lines = run(tmp_path, folder)
    assert [iccs(game) for game in games] == [SIX, OTHER]
    listed = {Path(line["file"]).name: line for line in lines}
    assert listed.keys() == {path.name for path in folder.iterdir()}
    assert {name for name, line in listed.items() if line["outcome"] == "passed over"} == {
        "readme.md",
        "noname",
    }
    assert summary.passed_over == 2
    for name, word in {
        "digits.ubb": "no game", "old.che": "QQ", "old.MXQ": "弈天", "old.ccm": "中国游戏中心", "old.chn": "联众",
        "old.xqi": ".xqi", "letter.txt": "一封信", "wide.txt": "ｈｅｌｌｏ", "twice.parquet": "'moves'",
    }.items():  # fmt: skip
        assert listed[name]["outcome"] == "unreadable"
        assert word in listed[name]["reason"]
        assert "\\x" not in listed[name]["reason"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_links_and_pipes_are_accounted_for_and_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pgn(folder, "a.pgn", SIX)
    os.mkfifo(folder / "pipe.pgn")
    (folder / "gone.pgn").symlink_to(tmp_path / "nothing.pgn")
    (folder / "loop").symlink_to(folder)
    summary, games, lines = run(tmp_path, folder)
    assert [iccs(game) for game in games] == [SIX]
    assert summary.passed_over == 3
    assert {Path(line["file"]).name for line in lines} == {"a.pgn", "pipe.pgn", "gone.pgn", "loop"}
    for source in (folder / "pipe.pgn", Path("/dev/zero")):
        with pytest.raises(RecordError, match="regular file"):
            convert(Conversion(sources=(source,), out=tmp_path / "x.pgn"))


def test_a_parquet_row_with_deep_json_costs_that_row(tmp_path: Path) -> None:
    deep = pa.table([pa.array([OTHER, SIX]), pa.array(["[" * 100_000, "{}"])], names=["moves", "tags"])
    path = tmp_path / "deep.parquet"
    pq.write_table(deep, path)
    summary, games, _ = run(tmp_path, path)
    assert (summary.kept, summary.refused) == (1, 1)
    assert [iccs(game) for game in games] == [SIX]


@pytest.mark.parametrize("values", [[10**9], [1.5], ["x"], [[1]], [{"a": 1}], [True], [None]])
@pytest.mark.parametrize("column", ["red_elo", "noise", "clean", "first_label", "tags", "teacher_cp", "date"])
def test_columns_of_other_types_cost_no_more_than_their_file(
    tmp_path: Path, column: str, values: Any
) -> None:
    for array in (pa.array(values), pa.array([7], pa.timestamp("ns")), pa.array([7], pa.time64("ns"))):
        path = tmp_path / "odd.parquet"
        pq.write_table(pa.table([pa.array([OTHER]), array], names=["moves", column]), path)
        summary, games, _ = run(tmp_path, path, pgn(tmp_path, "a.pgn", SIX))
        assert SIX in [iccs(game) for game in games]
        assert summary.files == 2


COMPOSED = "3k2p2/4P4/9/9/9/2B1cnN2/9/7CR/4p4/2Cp1K3 w - - 0 1"  # a soldier behind its start


def test_positions_that_cannot_occur_are_kept_only_when_asked(tmp_path: Path) -> None:
    source = tmp_path / "a.pgn"
    head = f'[Game "x"]\n[FEN "{COMPOSED}"]\n\n'
    facing = COMPOSED.replace("3k2p2", "5k3").replace("c", "1").replace("n", "1")
    source.write_text(
        f"{head}1. e8d8 d9d8 *\n\n{head}1. e8d8 a0a1 *\n\n{head.replace(COMPOSED, facing)}1. e8e9 *\n"
    )
    with pytest.raises(RecordError, match="None of the 3 games"):
        run(tmp_path, source)
    assert list(read_games(source, on_error=lambda error: None)) == []
    report = tmp_path / "audit.jsonl"
    out = tmp_path / "lenient.pgn"
    summary = convert(Conversion(sources=(source,), out=out, report=report, force=True, lenient=True))
    assert (summary.kept, summary.cut, summary.duplicates, summary.refused) == (1, 0, 1, 1)
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert "odd position: expected the black soldier" in lines[0]["remarks"][0]
    assert lines[1]["ply"] == 1
    [game] = read_games(out, lenient=True)
    assert (game.start_fen, iccs(game)) == (COMPOSED, "e8d8 d9d8")
    with pytest.raises(RecordError, match="soldier"):
        list(read_games(out))


def test_a_report_overwrites_nothing_that_matters(tmp_path: Path) -> None:
    source = pgn(tmp_path, "a.pgn", SIX)
    before = source.read_bytes()
    out = tmp_path / "new.pgn"
    for report in (out, tmp_path / "." / "new.pgn", source):
        with pytest.raises(ConfigError, match="report"):
            convert(Conversion(sources=(source,), out=out, report=report, force=True))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pgn"]
    assert source.read_bytes() == before


def test_nothing_kept_writes_the_report_only(tmp_path: Path) -> None:
    source = pgn(tmp_path, "a.pgn", "h2h2")
    report = tmp_path / "audit.jsonl"
    with pytest.raises(RecordError, match=r"None of the 1 games .*audit"):
        convert(Conversion(sources=(source,), out=tmp_path / "out.pgn", report=report))
    assert len(report.read_text().splitlines()) == 2
    assert not (tmp_path / "out.pgn").exists()


def test_names_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    source = pgn(tmp_path, "a.pgn", SIX)
    before = source.read_bytes()
    taken = tmp_path / "taken.pgn"
    taken.write_bytes(b"mine")
    for out, report, options, error in (
        (source, None, {}, RecordError),
        (taken, None, {}, RecordError),
        (tmp_path / "new.pgn", taken, {}, RecordError),
        (tmp_path / "new.doc", None, {}, RecordError),
        (tmp_path / "new.cbl", None, {}, RecordError),
        (tmp_path / "no" / "new.pgn", None, {}, RecordError),
        (tmp_path / "new.pgn", None, {"notation": "latin"}, ConfigError),
        (tmp_path / "new.parquet", None, {"notation": "wxf"}, ConfigError),
        (tmp_path / "new.pgn", None, {"sources": (tmp_path / "absent.pgn",)}, RecordError),
        (tmp_path / "new.pgn", None, {"sources": (tmp_path / "no such folder",)}, RecordError),
    ):
        with pytest.raises(error):
            convert(Conversion(**{"sources": (source,), "out": out, "report": report, **options}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pgn", "taken.pgn"]
    assert (source.read_bytes(), taken.read_bytes()) == (before, b"mine")


def test_a_file_can_be_replaced_by_its_own_clean_copy(tmp_path: Path) -> None:
    source = pgn(tmp_path, "a.pgn", SIX, SIX)
    convert(Conversion(sources=(source,), out=source, force=True, notation="chinese"))
    assert "炮二平五" in source.read_text(encoding="utf-8")
    assert [iccs(game) for game in read_games(source)] == [SIX]


@pytest.mark.parametrize("notation", ["iccs", "uci", "wxf", "chinese"])
def test_notations_of_the_output(tmp_path: Path, notation: str) -> None:
    source = pgn(tmp_path, "a.pgn", SIX)
    _, games, _ = run(tmp_path, source, out="out.pgn", notation=notation)
    assert [iccs(game) for game in games] == [SIX]
    assert f'[Format "{pgnwrite.FORMATS[notation]}"]' in (tmp_path / "out.pgn").read_text(encoding="utf-8")


def test_many_games_in_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xiangqi_gpt.records.convert._BATCH", 2)
    line = SIX.split()
    games = [" ".join(line[:length]) for length in (3, 6, 1, 5, 6, 2, 4)] + [OTHER, OTHER]
    summary, kept, lines = run(tmp_path, pgn(tmp_path, "a.pgn", *games))
    assert (summary.kept, summary.duplicates) == (2, 7)
    assert [line.get("duplicate_of", {}).get("game") for line in lines] == [2, None, 2, 2, 2, 2, 2, None, 8]
    assert [iccs(game) for game in kept] == [SIX, OTHER]


@pytest.mark.parametrize("name", ["a.pgn", "a.parquet", "a.jsonl", "a.ubb", "a.xqf"])
def test_the_suffix_says_how_to_write(tmp_path: Path, name: str) -> None:
    assert write_games(tmp_path / name, [GameRecord(moves=moves(SIX))]) == 1
    assert [iccs(game) for game in read_games(tmp_path / name)] == [SIX]
    with pytest.raises(RecordError, match="--force"):
        write_games(tmp_path / name, [GameRecord(moves=())])


@pytest.mark.parametrize("name", ["a.cbl", "a.txt", "a.doc", "a"])
def test_formats_that_are_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordError, match=r"expected a suffix|can only be read"):
        write_games(tmp_path / name, [])
    assert list(tmp_path.iterdir()) == []
