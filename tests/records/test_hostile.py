"""Bad input: what it costs, what is said of it, and that the good games of the same file are kept."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.formats import dhtmlxq, jsonl, movelist, read_file
from xiangqi_gpt.records.formats.pgn import pgnread
from xiangqi_gpt.records.replay import replay_games
from xiangqi_gpt.records.textlines import MAX_LINE, TextLines

from .conftest import Read, iccs

GOOD = '[Game "Chinese Chess"]\n[Red "甲"]\n\n1. h2e2 h9g7 2. h0g2 i9h9 *\n\n'
LINE = "h2e2 h9g7 h0g2 i9h9"


class Pieces:
    """A file that is made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


@pytest.mark.parametrize("megabytes", [64, pytest.param(2048, marks=pytest.mark.slow)])
def test_a_line_of_two_gigabytes_between_two_games(megabytes: int) -> None:
    filler = b"x" * (1 << 20)

    def pieces() -> Iterator[bytes]:
        yield GOOD.encode()
        yield b'[Game "long"]\n\n1. h2e2 '
        for _ in range(megabytes):
            yield filler
        yield b"\n\n"
        yield GOOD.encode()

    readings = list(replay_games(pgnread.games(Pieces(pieces()), "long.pgn"), "long.pgn"))
    assert [reading.record.number for reading in readings if reading.record is not None] == [1, 3]
    [error] = [reading.error for reading in readings if reading.error is not None]
    assert (error.file, error.game, error.line) == ("long.pgn", 2, 8)


@pytest.mark.parametrize("module", [pgnread, movelist, jsonl, dhtmlxq])
def test_no_line_end_at_all(module: object) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(300):
            yield b"h2e2 h9g7 [DhtmlXQ_movelist] {" * 4096

    readings = list(replay_games(module.games(Pieces(pieces()), "x"), "x"))  # type: ignore[attr-defined]
    assert [reading.record for reading in readings] == [None] * len(readings)
    assert all(reading.error.file == "x" for reading in readings)


def test_lines_are_never_longer_than_the_limit() -> None:
    ends = (b"\r", b"\n", b"\r\n")
    pieces = (b"y" * 100_001 + ends[n % 3] * (n % 40 == 39) for n in range(120))
    lines = list(TextLines(Pieces(pieces)))
    assert [line.number for line in lines] == [1, 2, 3]
    assert all(len(line.raw) <= MAX_LINE and not line.whole for line in lines)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{" * 500_000 + "}" * 500_000, "}"),
        ("{" * 1_000_000, "comment"),
        ("\n".join("{" * 100 for _ in range(10_000)), "comment"),
        ("h2e2 " + "(" * 1_000_000, "side line"),
        ("h2e2 " + "( h2e2 " * 100_000, "nested"),
        ("h2e2 " + "\n".join("(h2e2" * 50 for _ in range(2_000)), "nested"),
        ("h2e2 " + ")" * 1_000_000, "'('"),
        ("（" * 300_000, "（"),
        ('[x "' * 250_000, ""),
        ("$1" * 400_000, ""),
        ("1." * 400_000, "1."),
        ("\n".join("h2e2 " * 100_000 for _ in range(6)), ""),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_deep_and_endless_games_cost_only_themselves(read: Read, text: str, word: str) -> None:
    games, errors = read(GOOD + f'[Game "Chinese Chess"]\n\n{text}\n\n' + GOOD)
    assert games[0].number == 1
    assert [iccs(game) for game in games if game.plies] == [LINE] * 2
    assert games[-1].number == 3
    assert len(errors) <= 1
    if word:
        assert [(error.game, word in error.reason) for error in errors] == [(2, True)]


def test_cut_doubled_and_zeroed_files(read: Read) -> None:
    whole = GOOD.encode()
    games, errors = read(whole * 2 + whole[:-16])
    assert [game.plies for game in games] == [4, 4, 2]
    games, errors = read(whole + whole[: whole.index(b"h0g2") + 2])
    assert [game.plies for game in games] == [4]
    assert [(error.game, error.ply) for error in errors] == [(2, 2)]
    games, errors = read(whole + bytes(500_000) + b"\n\n" + whole)
    assert [game.number for game in games] == [1, 2]
    assert errors == []
    games, errors = read(whole + whole.replace(b"h0g2", bytes(4)) + whole)
    assert [game.number for game in games] == [1, 3]
    assert [(error.game, error.ply) for error in errors] == [(2, 2)]
    games, errors = read(whole * 2)
    assert len(games) == 2


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (bytes(5000), "zero"),
        (b"PK\x03\x04" + bytes(range(256)) * 20, "zip"),
        (b"\x1f\x8b\x08" + bytes(range(256)) * 20, "gzip"),
        (b"Rar!\x1a\x07" + bytes(range(256)) * 20, "RAR"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "7z"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ""),
    ],
)
def test_what_is_no_record_file_is_named(read: Read, content: bytes, word: str) -> None:
    games, errors = read(content, "a.pgn")
    assert games == []
    assert len(errors) >= 1
    assert word in errors[0].reason


HOSTILE = {
    "pgn": '[Game "x"]\n\n{' + "注" * 100 + "\n" + ("注" * 300_000 + "\n") * 60,
    "pgnread.games": ('[Game "x"]\n\n1. h2e2 {' + "a" * 1_900_000 + "}\n\n") * 30,
    "jsonl": ('{"moves": "h2e2", "tags": {"a": "' + "b" * 900_000 + '"}}\n') * 40,
    "json": "[" + ('{"moves": "h2e2",\n"tags": {"a": "' + "b" * 900_000 + '"}},\n') * 40,
    "ubb": "[DhtmlXQ]" + ("[DhtmlXQ_comment1]" * 50_000 + "\n") * 40,
    "txt": ("h2e2 h9g7 " * 90_000 + "\n") * 40,
    "cbf": "<ChineseChessRecord><MoveList>" + '<Move value="77-47"/>' * 700_000,
}
MEASURE = """
import resource, sys
from xiangqi_gpt.records import read_games
from xiangqi_gpt.records.formats import parquet
from xiangqi_gpt.records.formats import xqf
from xiangqi_gpt.records.formats import ccbridge
from xiangqi_gpt.records.formats import cbf
from xiangqi_gpt.records.formats import jsonl
from xiangqi_gpt.records.formats import dhtmlxq
from xiangqi_gpt.records.formats import movelist
from xiangqi_gpt.records.formats.pgn import pgnread
from xiangqi_gpt.rules import batch
before = None
for path in sys.argv[1:]:
    for game in read_games(path, on_error=lambda error: None):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = before or peak
    print(path, (peak - before) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured in the way of Linux")
@pytest.mark.parametrize(
    "names", [["pgnread.games", "json"], pytest.param(list(HOSTILE), marks=pytest.mark.slow)]
)
def test_memory_on_hostile_files(tmp_path: Path, names: list[str]) -> None:
    paths = [tmp_path / "small.pgn"]
    paths[0].write_text(GOOD, encoding="utf-8")
    for name in names:
        paths.append(tmp_path / f"large.{name}")
        paths[-1].write_text(HOSTILE[name], encoding="utf-8")
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    grown = {line.split()[0]: int(line.split()[1]) for line in output.splitlines()}
    assert len(grown) == len(paths)
    assert max(grown.values()) < 200, grown


@pytest.mark.parametrize(
    "text",
    [
        "a;h2e2 h9g7\nb;" + " " * 900_000 + "x\n",
        "a;h2e2 h9g7\n" + "b" * 900_000 + ";h2e2\n",
        "h2e2 h9g7\n3k5/9/9/9/9/9/9/1C5C1/9/4K2N1" + " " * 900_000 + "x\n",
        "h2e2 h9g7\n" + "3k5/" * 200_000 + "\n",
        "h2e2 h9g7\n" + '[a "' * 200_000 + "\n",
        '[Game "x"]\n\n1. h2e2 h9g7 ' + '[a "' * 200_000 + "\n",
        '[Game "x"]\n\n1. h2e2 h9g7 ' + '[a "b"] ' * 100_000 + "\n",
        '[Game "x"]\n[a "b"' + "[" * 900_000 + "\n",
        '[a "b"]' * 100_000 + "\n1. h2e2 *",
        '[Game "x"]\n\n1. h2e2 1-0 ' + "{" * 900_000 + "\n" + "=" * 900_000,
        '[Game "x"]\n\n1. h2e2 h9g7\n' + "感谢 " * 100_000,
        '[Game "x"]\n\n' + "1. " * 300_000,
        '[Game "x"]\n\n' + "1 " * 400_000,
    ],
)
def test_long_lines_take_no_long_time(text: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.pgn" if text.startswith("[") else "a.txt")
    path.write_text(text, encoding="utf-8")
    begin = time.process_time()
    for reading in read_file(path):
        assert reading.error is None or isinstance(reading.error, RecordError)
    assert time.process_time() - begin < 10
