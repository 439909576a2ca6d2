"""A reader that fails in an unexpected way costs one file, with a line in the report."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xiangqi_gpt.dataset.packing import PackSettings, pack_memory
from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.evaluation.games import chosen_games
from xiangqi_gpt.evaluation.puzzles import read_puzzles
from xiangqi_gpt.records import GameRecord, write_games
from xiangqi_gpt.records.convert import Conversion, convert
from xiangqi_gpt.records.formats import FORMATS
from xiangqi_gpt.rules.move import Move

from .conftest import iccs

GAME = GameRecord(
    moves=tuple(map(Move.from_iccs, ["h2e2", "h9g7", "h0g2", "i9h9"])), split="train", result="1-0"
)
FILES = {
    "parquet": b"PAR1",
    "pgn": b'[Game "x"]\n\n1. h2e2 *\n',
    "jsonl": b'{"moves": ["h2e2"]}\n',
    "dhtmlxq": b"[DhtmlXQ]\n[DhtmlXQ_movelist]7747[/DhtmlXQ_movelist]\n[/DhtmlXQ]",
    "xqf": b"XQ\x0a",
    "ccbridge": b"CCBridge Record\x00",
    "cbf": b"<ChineseChessRecord>",
    "movelist": b"h2e2 h9g7\n",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "error", [AttributeError("'NoneType' has no\n'x'"), MemoryError("x"), RecursionError("deep")]
)
def test_any_exception_costs_its_file_only(
    name: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = tmp_path / f"bad{FORMATS[name].suffixes[0]}", tmp_path / "good.jsonl"
    bad.write_bytes(FILES[name])
    write_games(good, [GAME])
    reader = FORMATS[name].module
    real = reader.games

    def fail(stream: object, file: str, *args: object, **options: object) -> object:
        if file == str(bad):
            raise error
        return real(stream, file, *args, **options)

    monkeypatch.setattr(reader, "games", fail)
    report = tmp_path / "report"
    summary = convert(Conversion(sources=(bad, good), out=tmp_path / "out.pgn", report=report))
    assert (summary.kept, summary.unreadable) == (1, 1)
    line = json.loads(report.read_text(encoding="utf-8").splitlines()[0])
    assert (line["file"], line["outcome"]) == (str(bad), "unreadable")
    assert type(error).__name__ in line["reason"]
    refused: list[RecordError] = []
    (game,) = chosen_games([bad, good], split="train", on_error=refused.append)
    assert iccs(game) == iccs(GAME)
    assert [found.file for found in refused] == [str(bad)]
    said: list[str] = []
    by_split, _ = pack_memory([bad, good], PackSettings(targets="mixed", extra=False), said.append)
    assert by_split["train"].games == 1
    assert str(bad) in said[0]


def test_puzzles_of_a_table_with_other_columns(tmp_path: Path) -> None:
    columns = [pa.array([b"\xff\xfe"], pa.binary()), pa.array([[1]]), pa.array(["x"])]
    pq.write_table(pa.table(columns, ["fen", "solution", "solution"]), tmp_path / "bad.parquet")
    start = GameRecord(start_fen="4k4/R8/9/9/9/9/9/9/9/1R1K5 w - - 0 1", moves=(Move.from_iccs("b0b9"),))
    write_games(tmp_path / "good.pgn", [start])
    refused: list[RecordError] = []
    found = list(read_puzzles([tmp_path / "bad.parquet", tmp_path / "good.pgn"], refused.append))
    assert len(found) == 1
    assert [error.file for error in refused] == [str(tmp_path / "bad.parquet")]


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="needs a file that is not allowed to be read"
)
def test_a_file_that_must_not_be_read_costs_only_itself(tmp_path: Path) -> None:
    write_games(tmp_path / "good.pgn", [GAME])
    write_games(tmp_path / "secret.pgn", [GAME])
    (tmp_path / "secret.pgn").chmod(0)
    said: list[str] = []
    paths = [tmp_path / "secret.pgn", tmp_path / "good.pgn"]
    by_split, _ = pack_memory(paths, PackSettings(targets="mixed", extra=False), said.append)
    assert by_split["train"].games == 1
    assert "Permission denied" in said[0]
