"""What is fuzzed: for each kind of input, whole ones, a way to spoil them, and what has to survive them."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.mutators import NUMBERS, spoil_json, spoil_text, spoil_words
from tests.records import fuzz as records
from xiangqi_gpt.errors import FenError, MoveError, XiangqiError
from xiangqi_gpt.records.formats import FORMATS
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN, fen_faults, parse_fen
from xiangqi_gpt.safe_json import parse_json_object

ENDGAME = "3k5/9/9/9/9/9/9/1C5C1/9/4K2N1 w - - 0 1"
FENS = (
    START_FEN,
    ENDGAME,
    "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C2C4/9/RNBAKABNR b - - 1 1",
    "2bak4/4a4/4b4/p3p3p/2p6/9/P1P1P3P/4B4/4A4/2BAK4_w",
)


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes:
        seeds: whole inputs; also makes what the target needs.
        spoil: an input made of a whole one.
        survive: gives the input to the program; the folder is empty and may be used. XiangqiError is the only error
            that is right. What it returns, if it is a text, says what became of the input.
    """

    seeds: Callable[[Random], list[bytes]]
    spoil: Callable[[bytes, Random], bytes]
    survive: Callable[[bytes, Path], object]


def _spoil_json(content: bytes, random: Random) -> bytes:
    return spoil_json(content.decode(), random).encode("utf-8", "surrogatepass")


# Collections of games


def _collection_seeds(random: Random) -> list[bytes]:
    from tests.library.games import write_pgn
    from xiangqi_gpt.library import collect

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        collect([write_pgn(folder)], folder / "games.db")
        return [(folder / "games.db").read_bytes()]


def _read_collection(content: bytes, folder: Path) -> None:
    from tests.library.games import write_pgn
    from xiangqi_gpt.library import Collection, GameQuery, collect
    from xiangqi_gpt.library.opening_graph import opening_graph

    path = folder / "games.db"
    path.write_bytes(content)
    with Collection(path) as games:
        for use in (
            lambda: games.find(GameQuery(player="许", position=Board())),
            lambda: games.count(GameQuery(material="KR-K", tag=("Round", "7"))),
            lambda: games.explore(Board()),
            lambda: [games.game(game.id) for game in games.find()],
            lambda: opening_graph(path, depth=5),
        ):
            with suppress(XiangqiError):
                use()
    collect([write_pgn(folder, '[Game "x"]\n\n1. a3a4 *\n\n', "new.pgn")], path)


# Records


def _read_records(name: str, content: bytes, folder: Path) -> str:
    games, errors = records.survive(name, content, folder / "records")
    return "damaged" if errors else "read" if games else "empty"


def _parquet_by_type(content: bytes, random: Random) -> bytes:
    """Half of the files are spoiled bytes; the others are sound tables whose columns are of other types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if random.random() < 0.3:
        return records.mutate(content, random)
    table = pq.read_table(io.BytesIO(content))
    arrays, names = list(table.columns), list(table.column_names)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(names))
        kind = random.randrange(5)
        if kind == 0:
            arrays[at] = _column(len(table), random)
        elif kind == 1:
            arrays.append(arrays[at])
            names.append(names[random.randrange(len(names))])  # two columns of one name, perhaps
        elif kind == 2 and len(names) > 1:
            del arrays[at], names[at]
        elif kind == 3:
            with suppress(ValueError):  # a time that Python cannot hold
                values = arrays[at].to_pylist()
                for _ in range(2):
                    values[random.randrange(len(values))] = None
                arrays[at] = pa.array(values, arrays[at].type)
        elif pa.types.is_string(arrays[at].type):
            texts = [spoil_text(value or "", random) for value in arrays[at].to_pylist()]
            values = [text.encode("utf-8", "replace").decode() for text in texts]
            arrays[at] = pa.array(values)
    file = io.BytesIO()
    pq.write_table(pa.table(arrays, names), file, compression=random.choice(("none", "zstd", "snappy")))
    return file.getvalue()


def _column(length: int, random: Random) -> Any:
    import pyarrow as pa

    texts = ["h2e2 h9g7", "", "x", "[" * 3_000, '{"Red": NaN}', '{"a":' * 2_000, "象", "9" * 5_000]
    kinds: list[tuple[Any, Callable[[], Any]]] = [
        (pa.int8(), lambda: random.randint(-128, 127)),
        (pa.uint64(), lambda: random.choice((0, 2**63, 2**64 - 1))),
        (pa.int64(), lambda: random.choice([n for n in NUMBERS if abs(n) < 2**63])),
        (pa.float64(), lambda: random.choice((0.5, float("nan"), float("inf"), 1e308))),
        (pa.string(), lambda: random.choice(texts)),
        (pa.large_string(), lambda: random.choice(texts)),
        (pa.binary(), lambda: random.choice((b"", b"\xff\xfe", b"h2e2"))),
        (pa.bool_(), lambda: random.random() < 0.5),
        (pa.null(), lambda: None),
        (pa.timestamp("ns"), lambda: random.choice((0, 2**62))),
        (pa.decimal128(38, 2), lambda: None),
        (
            pa.list_(pa.int64()),
            lambda: [random.choice((0, -1, 2**62, None)) for _ in range(random.randrange(4))],
        ),
        (pa.list_(pa.string()), lambda: [random.choice(texts) for _ in range(random.randrange(3))]),
        (pa.list_(pa.list_(pa.int32())), lambda: [[1, None], []]),
        (pa.struct([("cp", pa.int32())]), lambda: {"cp": 1}),
        (pa.map_(pa.string(), pa.string()), lambda: [("a", "b")]),
        (pa.dictionary(pa.int8(), pa.string()), lambda: random.choice(texts)),
    ]
    kind, value = random.choice(kinds)
    return pa.array([None if random.random() < 0.1 else value() for _ in range(length)], kind)


# Packed games


def _xgp_seeds(random: Random) -> list[bytes]:
    from tests.training.games import games, with_lines
    from xiangqi_gpt.dataset import compact, packing, shards
    from xiangqi_gpt.dataset.packed import PackedSet, pack

    settings = packing.PackSettings(targets="mixed", extra=False)
    packed = pack(with_lines(games(6)))[0]
    with tempfile.TemporaryDirectory() as folder:
        raw, small = Path(folder) / "raw.xgp", Path(folder) / "small.xgp"
        shards.write_file(raw, [("train", packed)], packing.facts(settings))
        compact.write_compact(small, {"train": PackedSet((packed,))}, packing.facts(settings))
        return [raw.read_bytes(), small.read_bytes()]


def _spoil_xgp(content: bytes, random: Random) -> bytes:
    """A file whose checksums are right, whatever is in it; one in five has spoiled bytes instead."""
    import numpy as np

    from xiangqi_gpt.dataset.packed_file import read_arrays, write_arrays

    if random.random() < 0.2:
        return records.mutate(content, random)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xgp"
        path.write_bytes(content)
        header, parts = read_arrays(path)
        parts = [
            (dict(part), {name: array.copy() for name, array in arrays.items()}) for part, arrays in parts
        ]
        facts = {key: value for key, value in header.items() if key not in ("parts", "bytes")}
        part, arrays = parts[0]
        for _ in range(random.choice((1, 1, 2, 3))):
            name = random.choice(sorted(arrays)) if arrays else ""
            kind = random.randrange(7)
            if kind == 0 and name and arrays[name].size:
                flat = arrays[name].reshape(-1)
                info: Any = np.iinfo(flat.dtype) if flat.dtype.kind in "iu" else np.finfo(flat.dtype)
                flat[random.randrange(flat.size)] = random.choice((info.min, info.max, 0, 1))
            elif kind == 1 and name:
                arrays[name] = arrays[name][: random.randrange(len(arrays[name]) + 1)]
            elif kind == 2 and name:
                arrays[name] = arrays[name].astype(random.choice(("<i8", "<u2", "|i1", "<f4", "|u1")))
            elif kind == 3 and name:
                arrays.pop(name)
            elif kind == 4 and name:
                arrays[random.choice((*sorted(arrays), "x"))] = arrays[name]
            elif kind == 5:
                described = {key: value for key, value in part.items() if key != "arrays"}
                with suppress(ValueError):
                    part = {**parse_json_object(spoil_json(json.dumps(described), random))}
            else:
                facts[random.choice(("encoding", "settings", "report"))] = random.choice(
                    ("raw", "compact", 3, {}, None)
                )
        write_arrays(path, [(part, arrays), *parts[1:]], facts)
        return path.read_bytes()


def _read_xgp(content: bytes, folder: Path) -> None:
    import numpy as np

    from xiangqi_gpt.dataset.shards import by_split, read_file
    from xiangqi_gpt.dataset.windows import gather_windows

    path = folder / "a.xgp"
    path.write_bytes(content)
    _, parts = read_file(path)
    for packed in by_split(parts).values():
        count = min(6, packed.games)
        gather_windows(
            packed, np.arange(count), np.zeros(count, np.int64), 4, np.zeros(count, bool), soft_moves=3
        )


# Models


@cache
def _model_folder() -> Path:
    from tests.model.tiny import tiny

    folder = Path(tempfile.mkdtemp(prefix="fuzzed-model-"))
    tiny().save_pretrained(folder)
    return folder


def _config_seeds(random: Random) -> list[bytes]:
    return [(_model_folder() / "config.json").read_bytes()]


def _load_config(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.model.checkpoint import load_model

    for file in _model_folder().iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_bytes(content)
    load_model(folder)


def _weights_seeds(random: Random) -> list[bytes]:
    return [(_model_folder() / "model.safetensors").read_bytes()]


def _spoil_weights(content: bytes, random: Random) -> bytes:
    """A safetensors file with another header of the right length, or with spoiled bytes."""
    if random.random() < 0.3:
        return records.mutate(content, random)
    length = int.from_bytes(content[:8], "little")
    header = _spoil_json(content[8 : 8 + length], random)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def _load_weights(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.model.checkpoint import load_model

    (folder / "config.json").write_bytes((_model_folder() / "config.json").read_bytes())
    (folder / "model.safetensors").write_bytes(content)
    load_model(folder)


# Protocols

_UCI = (
    "uci|setoption name UCI_Variant value xiangqi|isready|ucinewgame|position startpos moves h2e2 h9g7|"
    "go movetime 10|stop|position fen " + ENDGAME + " moves b2e2|go nodes 3|go infinite|stop|go wtime 100 btime 100",
    "uci|setoption name MultiPV value 3|position startpos|go depth 1 searchmoves h2e2 b2e2|go ponder|ponderhit|"
    "setoption name Ranks value 1-10|position startpos moves h3e3|go mate 1|quit",
)  # fmt: skip
_UCCI = (
    "ucci|setoption usemillisec true|position startpos moves h2e2|banmoves h9g7|go time 100 increment 0|"
    "setoption newgame|position fen " + ENDGAME + "|go depth 1|go time 5 draw|stop|go nodes 4|quit",
)
_UCI_SPICE = (
    "go", "stop", "quit", "position", "startpos", "fen", "moves", "h2e2", "h10e10", "a0a0", "searchmoves", "ponder",
    "infinite", "movestogo", "-1", "0", "99999999999999999999", "1e9", "nan", "inf", "setoption", "name", "value",
    "MultiPV", "Hash", "Ranks", "UCI_Variant", "Level", "Temperature", "x", "", "\t", "\x00", "象", "٣", "ucci", "uci",
    "isready", "ucinewgame", "banmoves", "ponderhit", "wtime", "btime", "winc", "nodes", "depth", "mate", "draw",
    START_FEN, "9/9/9", "w", "_w",
)  # fmt: skip


def _lines_seeds(scripts: tuple[str, ...], random: Random) -> list[bytes]:
    return [script.replace("|", "\n").encode() for script in scripts]


def _spoil_lines(spice: tuple[str, ...], content: bytes, random: Random) -> bytes:
    lines = spoil_words(content.decode().split("\n"), spice, random)
    return "\n".join(lines).encode("utf-8", "replace")


def _serve(ucci: bool, content: bytes, folder: Path) -> None:
    """Every `go` gets one answer, whatever stands around it."""
    from xiangqi_gpt.players.baselines import GreedyPlayer
    from xiangqi_gpt.uci.session import UciSession

    asked = 0

    class Counting(UciSession):
        def _go(self, words: Any) -> None:
            nonlocal asked
            asked += 1
            super()._go(words)

    written: list[str] = []
    lines = content.decode("utf-8", "replace").split("\n")
    Counting(lambda: GreedyPlayer(seed=0), written.append, seed=0, ucci=ucci).run(lines)
    answers = sum(line.startswith(("bestmove", "nobestmove")) for line in written)
    assert answers == asked, f"{asked} times go, {answers} answers"
    assert not any("\n" in line or "Traceback" in line for line in written)


_ENGINE = (
    "id name X|option name Hash type spin default 16 min 1 max 1024|option name Skill type combo default a var a var b|"
    "uciok|readyok|info depth 3 seldepth 5 multipv 1 score cp 31 nodes 900 nps 9000 time 10 pv h2e2 h9g7|"
    "info depth 4 multipv 2 score mate -3 upperbound wdl 10 900 90 pv b2e2|info string x|bestmove h2e2 ponder h9g7",
    "id name E|option usemillisec type check default false|ucciok|readyok|info depth 3 score 31 pv h2e2 h9g7|"
    "nobestmove|bestmove h2e2 draw|bye",
    "feature ping=1 setboard=1 variants=\"xiangqi\" myname=\"X\" done=1|pong 1|3 31 10 900 h2e2 h9g7|"
    "4 100003 10 900 h2e2|move h2e2|1-0 {Red mates}|Error (unknown command): post|tellusererror Illegal position",
)  # fmt: skip
_ENGINE_SPICE = (
    "info", "bestmove", "option", "name", "type", "spin", "combo", "var", "min", "max", "default", "score", "cp",
    "mate", "wdl", "pv", "multipv", "depth", "h2e2", "h10e10", "a0a0", "(none)", "0000", "-1", "9" * 20, "nan",
    "1e400", "uciok", "ucciok", "readyok", "feature", "done=1", "setboard=0", "move", "pong", "resign", "1/2-1/2", "",
    "\x00", "象", "\xff", "x" * 70_000, "٣",
)  # fmt: skip


def _hear(content: bytes, folder: Path) -> None:
    """What an engine says, through each filter, while a question is asked."""
    from xiangqi_gpt.engines.filters import FILTERS
    from xiangqi_gpt.engines.info import newest_lines, score_of

    async def listen() -> None:
        for kind in FILTERS.values():
            heard = kind()
            for line in content.split(b"\n"):
                heard.ask(Board())
                heard.pipe_data_received(1, line + b"\n")
                heard.pipe_data_received(2, line)
            lines = heard.info_lines()
            newest_lines(lines)
            score_of(lines, "h2e2")

    asyncio.run(listen())


# Texts


def _spoil_text(content: bytes, random: Random) -> bytes:
    return spoil_text(content.decode(), random).encode("utf-8", "surrogatepass")


def _read_fen(content: bytes, folder: Path) -> None:
    text = content.decode("utf-8", "surrogatepass")
    fen_faults(text)
    for strict in (True, False):
        try:
            parse_fen(text, strict=strict)
            board = Board(text, strict=strict)
        except FenError:
            continue
        again = Board(board.fen(), strict=False)
        assert again.fen() == board.fen()
        assert again.legal_moves() == board.legal_moves()
        for move in board.legal_moves()[:3]:
            board.push(move)
            board.outcome()
            board.pop()


_MOVES = (
    "h2e2",
    "H2-E2",
    "h3e3",
    "炮二平五",
    "C2=5",
    "+C-1",
    "Cbe2",
    "前马退六",
    "马8进7",
    "P2-5",
    "h2e2+",
    "1. h2e2",
)


def _read_move(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.notation import NOTATIONS, parse_any

    text = content.decode("utf-8", "surrogatepass")
    for fen in FENS[:3]:
        board = Board(fen, strict=False)
        for parse in (parse_any, *(notation.parse for notation in NOTATIONS.values())):
            try:
                assert board.is_legal(parse(board, text))
            except MoveError:
                continue


# Files of our own


def _index_seeds(random: Random) -> list[bytes]:
    return [
        json.dumps(
            {"format": 1, "settings": {}, "shards": [{"file": "0.xgp", "bytes": 9}], "report": {}}
        ).encode()
    ]


def _read_index(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.dataset.shards import INDEX_FILE, is_packed, read_folder

    (folder / INDEX_FILE).write_bytes(content)
    is_packed(folder)
    read_folder(folder)


def _state_seeds(random: Random) -> list[bytes]:
    from xiangqi_gpt.training.run_state import Progress

    return [json.dumps({"progress": vars(Progress()), "settings": {"config": {}}, "scaler": {}}).encode()]


def _read_state(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.training.run_state import STATE_FILE, cut_log, read_state

    (folder / STATE_FILE).write_bytes(content)
    (folder / "log.jsonl").write_bytes(content + b"\n")
    cut_log(folder, 3)
    read_state(folder)


def _journal_seeds(random: Random) -> list[bytes]:
    from xiangqi_gpt.workers.journal import Journal

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "a", {}) as journal:
        for number in range(3):
            journal.add(number, {"moves": [1, 2]})
        return [(journal.folder / "games.jsonl").read_bytes()]


def _spoil_journal(content: bytes, random: Random) -> bytes:
    """Rows with right checksums, or spoiled bytes."""
    import zlib

    if random.random() < 0.3:
        return records.mutate(content, random)
    lines = content.split(b"\n")[:-1]
    at = random.randrange(len(lines))
    text = _spoil_json(lines[at].partition(b" ")[2], random)
    lines[at] = b"%08x %b" % (zlib.crc32(text), text)
    return b"\n".join(lines) + b"\n"


def _read_journal(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.workers.journal import Journal, rows_in_order

    (folder / "a.parts").mkdir()
    (folder / "a.parts" / "games.jsonl").write_bytes(content)
    with Journal(folder / "a", {}, force=False) as journal:
        for number, _ in rows_in_order(journal, 10):
            assert number in journal


def _settings_seeds(random: Random) -> list[bytes]:
    from xiangqi_gpt.play.game_state import GameState
    from xiangqi_gpt.play.settings import Settings, save_settings

    with tempfile.TemporaryDirectory() as folder:
        save_settings(Settings(), Path(folder) / "s.json")
        return [(Path(folder) / "s.json").read_bytes(), _saved_game(GameState)]


def _saved_game(state: Any) -> bytes:
    from xiangqi_gpt.play.actions import play
    from xiangqi_gpt.play.autosave import encode

    made = state()
    for move in ("h2e2", "h9g7", "h0g2"):
        play(made, next(legal for legal in made.board.legal_moves() if legal.iccs == move))
    return encode(made).encode()


def _read_settings(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.play.autosave import load
    from xiangqi_gpt.play.settings import load_settings

    path = folder / "s.json"
    path.write_bytes(content)
    load_settings(path)
    load(path)


def _toml_seeds(random: Random) -> list[bytes]:
    return [
        b'preset = "tiny"\n[run]\nmax_steps = 10\nlearning_rate = 0.001\n[model]\nwidth = 32\nboard = "bag"\n'
    ]


def _read_toml(content: bytes, folder: Path) -> None:
    from xiangqi_gpt.training.config_file import read_config

    path = folder / "run.toml"
    path.write_bytes(content)
    read_config(path, None)


TARGETS: dict[str, Target] = {
    **{
        f"records-{name}": Target(
            partial(records.seeds, name),
            _parquet_by_type if name == "parquet" else records.mutate,
            partial(_read_records, name),
        )
        for name in FORMATS
    },
    "collection": Target(_collection_seeds, records.mutate, _read_collection),
    "packed": Target(_xgp_seeds, _spoil_xgp, _read_xgp),
    "packed-index": Target(_index_seeds, _spoil_json, _read_index),
    "model-config": Target(_config_seeds, _spoil_json, _load_config),
    "model-weights": Target(_weights_seeds, _spoil_weights, _load_weights),
    "run-state": Target(_state_seeds, _spoil_json, _read_state),
    "run-settings": Target(_toml_seeds, records.mutate, _read_toml),
    "journal": Target(_journal_seeds, _spoil_journal, _read_journal),
    "saved-game": Target(_settings_seeds, _spoil_json, _read_settings),
    "uci": Target(partial(_lines_seeds, _UCI), partial(_spoil_lines, _UCI_SPICE), partial(_serve, False)),
    "ucci": Target(partial(_lines_seeds, _UCCI), partial(_spoil_lines, _UCI_SPICE), partial(_serve, True)),
    "engine-output": Target(partial(_lines_seeds, _ENGINE), partial(_spoil_lines, _ENGINE_SPICE), _hear),
    "fen": Target(lambda random: [fen.encode() for fen in FENS], _spoil_text, _read_fen),
    "moves": Target(lambda random: [move.encode() for move in _MOVES], _spoil_text, _read_move),
}
"""By name."""

ERRORS = XiangqiError
"""The errors that are right."""
