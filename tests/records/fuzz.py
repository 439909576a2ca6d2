"""Broken record files, made at random from whole ones, for the readers to survive; `tests.fuzz` runs them for long."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records import GameRecord, Note, Variation
from xiangqi_gpt.records.formats import FORMATS, dhtmlxq, jsonl, parquet, read_as, xqf
from xiangqi_gpt.records.formats.pgn import pgnwrite
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

from . import builders
from .formats.test_binary import CBF, START, TREE

FIELD = Path(__file__).with_name("field")
LIMIT = 20
"""CPU seconds after which one file counts as a hang."""

_SPICE = (
    b"{", b"}", b"(", b")", b";", b"[", b"]", b'"', b"\\", b"\x00", b"\xff", b"\n", b"\r\n", b"\n\n", b"1-0", b"*",
    b"1.", b"...", b"$5", b'[Game "x"]\n', b'[FEN "', b"[DhtmlXQ]", b"[/DhtmlXQ]", b"[DhtmlXQ_move_0_1_1]",
    b"[DhtmlXQ_comment1]", b"||", b"<Move value=", b"</Head>", b"<!ENTITY", b"&amp;", b'{"moves":', b"[[", b"]]",
    b"null", b"1e999", b"-1", b"position startpos moves ", b"fen ", b"\x81\x30\x81\x30", b"\xa4\xa4",
    b'[Score "1"] ', b"\n====\n", b"Cbe2", b"X9-8", b"+C-1", b"_w", b"%20w", b"[]", b"nn", b";",
    b"CCBridge\x15\x00\x00\x00",
    "炮二平五".encode(), "前".encode("gbk"), "（".encode(), b"99", b"XQ", b"CCBridge Record\x00", b"\xff\xff\xff\x7f",
)  # fmt: skip


def some_games(random: Random, count: int = 4) -> list[GameRecord]:
    """Games of random moves, some with comments and side lines."""
    games = []
    for _ in range(count):
        board = Board()
        notes: dict[int, Note] = {}
        for ply in range(1, random.randint(1, 40)):
            legal = board.legal_moves()
            if not legal:
                break
            if random.random() < 0.1:
                other: Move = random.choice(legal)
                notes[ply] = Note("注 note", (1,), (Variation((other,), {1: Note("b")}),))
            board.push(random.choice(legal))
        tags = {"Red": "胡荣华", "Black": "Player", "Event": "杯"}
        notes = {ply: note for ply, note in notes.items() if ply <= len(board.move_stack)}
        games.append(GameRecord(moves=tuple(board.move_stack), result="1-0", tags=tags, notes=notes))
    return games


def seeds(name: str, random: Random) -> list[bytes]:
    """Whole files of a format."""
    games = some_games(random)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed"

        def written(write: Callable[..., int], games: list[GameRecord], **options: str) -> bytes:
            write(path, games, force=True, **options)
            return path.read_bytes()

        if name == "pgn":
            texts = [written(pgnwrite.write, games, notation=n) for n in ("iccs", "uci", "wxf", "chinese")]
            others = [path.read_bytes() for path in sorted(FIELD.glob("*.pgn"))]
            return [*texts, texts[3].decode().encode("gb18030"), texts[3].decode().encode("utf-16"), *others]
        if name == "movelist":
            lines = "\n".join(" ".join(map(str, game.moves)) for game in games)
            chinese = "1. 炮二平五 马8进7\n2. 马二进三 车9平8\n\n红方：甲\n1. 炮二平五 马8进7"
            ids = "a;h2e2,h9g7\nb;b2e2,h9g7"
            behind = f"h2e2h9g7i0i1\n\n{START.split()[0]}w\n"
            engine = f"position startpos moves {lines}\nposition fen {START} moves h2e2"
            texts = (lines, chinese, engine, ids, behind)
            return [*(text.encode() for text in texts), chinese.encode("gbk"), chinese.encode("utf-16")]
        if name == "jsonl":
            text = written(jsonl.write, games)
            old = b'{"fen": "", "iccs": ["h2e2", "h9g7"], "items": {"\xe6": "2"}}\n'
            return [text, b"[" + b",\n".join(text.splitlines()) + b"]", old * 3]
        if name == "parquet":
            return [written(parquet.write, games)]
        if name == "dhtmlxq":
            forum = written(dhtmlxq.write, games)
            return [forum, forum.decode().encode("gb18030")]
        if name == "xqf":
            return [
                xqf.to_bytes(games[0]),
                *(builders.xqf(TREE, version=version) for version in (10, 12, 18)),
            ]
        if name == "ccbridge":
            records = [builders.cbr(TREE, kind=kind) for kind in (1, 2)]
            old = [builders.cbl2001([TREE, TREE[:2]], compression=kind) for kind in (0, 1)]
            return [*records, builders.cbl(records * 2, slots=4), *old]
        return [CBF.format(encoding="utf-8", fen=START, more="<Comment>x</Comment>").encode()]


def mutate(content: bytes, random: Random) -> bytes:
    """A file with a few things wrong."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at, length = random.randrange(len(data) + 1), random.choice((1, 2, 4, 30, 400))
        kind = random.randrange(8)
        if kind == 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length] * random.choice((1, 2, 50))
        elif kind == 3:
            data[at : at + length] = bytes(min(length, len(data) - at))
        elif kind == 4:
            data[at:at] = random.choice(_SPICE) * random.choice((1, 1, 3, 2000))
        elif kind == 5:
            other = random.randrange(len(data) + 1)
            data[at:at] = data[other : other + length]
        elif kind == 6:
            del data[at:]
        elif data:
            data[at % len(data)] ^= 1 << random.randrange(8)
    return bytes(data)


@contextmanager
def watched(what: str) -> Iterator[None]:
    """Raise TimeoutError where the block works longer than `LIMIT` (where the system has such alarms)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"{what}: more than {LIMIT} CPU seconds")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def survive(name: str, content: bytes, path: Path) -> tuple[int, int]:
    """Read a file with one reader; (games, errors). Whatever is yielded must hold together."""
    path.write_bytes(content)
    games = errors = 0
    with watched(name):
        try:
            for reading in read_as(FORMATS[name], path):
                if reading.error is not None:
                    assert isinstance(reading.error, RecordError)
                    assert reading.error.file == str(path)
                    errors += 1
                else:
                    assert reading.record is not None
                if reading.record is not None:
                    games += 1
                    board = Board(reading.record.start_fen)
                    for move in reading.record.moves:
                        assert board.is_legal(move)
                        board.push(move)
        except RecordError as error:
            errors += 1
            unnamed = error.file != str(path)
        else:
            unnamed = False
    assert not unnamed
    return games, errors


def fuzz(
    name: str, path: Path, rounds: int | None, seconds: float | None, seed: int = 0
) -> tuple[int, int, int]:
    """Fuzz a reader for a number of files or of CPU seconds; (files, games, errors)."""
    random = Random(f"{name}{seed}")
    whole = seeds(name, random)
    files = games = errors = 0
    end = time.process_time() + seconds if seconds is not None else None
    while (rounds is None or files < rounds) and (end is None or time.process_time() < end):
        if files % 500 == 499:
            whole = seeds(name, random)
        found = survive(name, mutate(random.choice(whole), random), path)
        files, games, errors = files + 1, games + found[0], errors + found[1]
    return files, games, errors
