"""Packed data on disk: what is written is read again, and nothing that is damaged is."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.training.games import games, with_lines
from xiangqi_gpt.dataset import compact, packed_file, packing, shards
from xiangqi_gpt.dataset.packed import NO_MOVE, PackedGames, PackedSet, concatenate, fingerprint, pack
from xiangqi_gpt.dataset.packed_file import write_arrays
from xiangqi_gpt.dataset.packing import PackSettings, content_key, open_data, pack_folder
from xiangqi_gpt.dataset.windows import gather_windows
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.records import GameRecord, TeacherLabels, write_games

ROOT = Path(__file__).parents[2]


def records(count: int = 40) -> list[GameRecord]:
    return [
        dataclasses.replace(game, split="valid" if number % 10 == 9 else "train", id=str(number))
        for number, game in enumerate(with_lines(games(count)))
    ]


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    return pack(records())[0]


@pytest.fixture
def file(packed: PackedGames, tmp_path: Path) -> Path:
    shards.write_file(tmp_path / "games.xgp", [("train", packed)], {})
    return tmp_path / "games.xgp"


def same(a: PackedGames, b: PackedGames) -> bool:
    found = a.arrays(), b.arrays()
    return (
        found[0].keys() == found[1].keys()
        and all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
        and a.source_names == b.source_names
    )


def test_a_file_gives_back_every_array_and_stays_on_disk(packed: PackedGames, file: Path) -> None:
    _, [(split, again)] = shards.read_file(file)
    assert split == "train"
    assert packed.soft is not None
    assert same(packed, again)
    assert fingerprint(again) == fingerprint(packed)
    for array in again.arrays().values():
        assert not array.flags.writeable
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        assert isinstance(base, np.memmap)


def test_a_ply_takes_at_most_8_bytes_with_everything(tmp_path: Path) -> None:
    whole = [g for g in games(400, seed=3) if g.plies >= 30]
    hard = pack(whole)[0]
    size = shards.write_file(tmp_path / "a.xgp", [("train", hard)], {})
    assert size - 3000 <= 8 * hard.plies  # but for the header


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut short": (lambda b: b[:-70], r"expected \d+ bytes, found \d+: the file was cut short"),
    "cut in the header": (
        lambda b: b[:40],
        r"expected a header of \d+ bytes, found 20: the file is cut short",
    ),
    "empty": (lambda b: b"", r"not a file of packed games: it begins with b''"),
    "longer": (lambda b: b + bytes(64), r"expected \d+ bytes, found \d+$"),
    "another version": (
        lambda b: b[:8] + b"\x09" + b[9:],
        "expected packed games of version 1, found version 9",
    ),
    "no such file": (lambda b: b"PAR1" + b[4:], "not a file of packed games: it begins with b'PAR1"),
    "header changed": (
        lambda b: b.replace(b'"games":', b'"gamez":', 1),
        "expected a header with the checksum",
    ),
    "a bit of the moves": (
        lambda b: b[:-2000] + bytes([b[-2000] ^ 4]) + b[-1999:],
        r"expected \d+ bytes with the checksum \d+, found \d+ with \d+",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(file: Path, name: str) -> None:
    damage, words = DAMAGE[name]
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(RecordError, match=words) as caught:
        shards.read_file(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": np.zeros(3, np.uint16)}, r"targets: expected <u2 \(\d+,\), found <u2 \(3,\)"),
        ({"scores": None}, "expected the arrays .*scores.*, found"),
        ({"moves": "plus 8100"}, "moves: expected numbers from 0 to 8099, found"),
        ({"offsets": "reversed"}, r"offsets: the numbers do not rise from 0 to \d+"),
        ({"start_of": "plus 8100"}, "start_of: expected numbers from 0 to"),
        ({"results": np.int64}, "results: expected .i1"),
    ],
)
def test_arrays_that_contradict_each_other(
    packed: PackedGames, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    arrays = packed.arrays()
    for name, change in changes.items():
        if change is None:
            del arrays[name]
        elif isinstance(change, np.ndarray):
            arrays[name] = change
        elif change == "plus 8100":
            arrays[name] = (arrays[name] + 8100).astype(arrays[name].dtype)
        elif change == "reversed":
            arrays[name] = arrays[name][::-1]
        else:
            arrays[name] = arrays[name].astype(np.int64)
    header = {"split": "train", "games": packed.games, "plies": packed.plies, "sources": ["a"] * 9}
    write_arrays(tmp_path / "x.xgp", [(header, arrays)], {"encoding": "raw"})
    with pytest.raises(RecordError, match=words):
        shards.read_file(tmp_path / "x.xgp")


def test_compact_is_the_same_games_in_another_order(packed: PackedGames, tmp_path: Path) -> None:
    path = tmp_path / "games.xgp"
    written = compact.write_compact(path, {"train": packed}, {})
    assert (written.games, written.plies, written.share) == (packed.games, packed.plies, 1.0)
    _, [(_, again)] = shards.read_file(path)
    assert again.soft is not None

    def bag(games: PackedGames) -> set[tuple[bytes, ...]]:
        one = [compact.select(games, np.array([number])) for number in range(games.games)]
        return {tuple(array.tobytes() for array in game.arrays().values()) for game in one}

    assert len(bag(packed)) == packed.games
    assert bag(again) == bag(packed)
    assert written.size < 0.75 * shards.write_file(tmp_path / "raw.xgp", [("train", packed)], {})


def test_compact_files_keep_their_limit_and_take_evenly_from_every_source(tmp_path: Path) -> None:
    many = [dataclasses.replace(g, file=("a.pgn", "b.pgn")[n % 7 == 0]) for n, g in enumerate(games(600, 5))]
    packed, _ = pack(many)
    whole = compact.write_compact(tmp_path / "whole.xgp", {"train": packed}, {}).size
    limit = whole * 2 // 3
    written = compact.write_compact(tmp_path / "part.xgp", {"train": packed}, {}, limit=limit, seed=4)
    assert 0.9 * limit < written.size <= limit
    _, [(_, part)] = shards.read_file(tmp_path / "part.xgp")
    assert part.sources is not None
    assert packed.sources is not None
    counts = np.bincount(part.sources) / np.bincount(packed.sources)
    assert np.ptp(counts) < 0.1
    again = compact.write_compact(tmp_path / "again.xgp", {"train": packed}, {}, limit=limit, seed=4)
    assert (tmp_path / "again.xgp").read_bytes() == (tmp_path / "part.xgp").read_bytes()
    assert again == written
    with pytest.raises(ConfigError, match="room for a hundredth of the games at least, found 1000 bytes"):
        compact.write_compact(tmp_path / "none.xgp", {"train": packed}, {}, limit=1000)


def test_a_damaged_compact_file_is_an_error(packed: PackedGames, tmp_path: Path) -> None:
    streams = compact.encode(packed)
    streams["moves"] = streams["moves"] + 100
    with pytest.raises(ValueError, match="larger than the number of legal moves"):
        compact.decode(streams, packed.source_names)
    streams = compact.encode(packed)
    streams["score_low"] = streams["score_low"][:-1]
    streams["score_high"] = streams["score_high"][:-1]
    with pytest.raises(ValueError, match=r"scores: expected \d+ numbers, found \d+"):
        compact.decode(streams, packed.source_names)


def test_shards_are_read_as_one_set(packed: PackedGames, tmp_path: Path) -> None:
    source = tmp_path / "games.parquet"
    write_games(source, records())
    report = pack_folder([source], tmp_path / "one", PackSettings())
    pack_folder([source], tmp_path / "many", PackSettings(), shard_plies=150)
    assert len(list((tmp_path / "many").glob("*.xgp"))) > 4
    one, many = (open_data([tmp_path / name], PackSettings()) for name in ("one", "many"))
    assert isinstance(many.train, PackedSet)
    assert (
        (many.train.games, many.train.plies)
        == (report.kept, report.plies)
        == (one.train.games, one.train.plies)
    )
    assert many.valid is not None
    assert many.valid.games == 4
    chosen = np.random.default_rng(0).permutation(report.kept)
    flips = chosen % 2 == 0
    a, b = (gather_windows(p, chosen, chosen % 5, 6, flips, soft_moves=3) for p in (one.train, many.train))
    for name, value in vars(a).items():
        assert np.array_equal(value, getattr(b, name)), name
    assert concatenate([one.train]) is one.train


def test_what_is_refused_is_said_and_counted(tmp_path: Path) -> None:
    write_games(
        tmp_path / "g.parquet", [*records(12), dataclasses.replace(games(1)[0], split="test", id="t")]
    )
    said: list[str] = []
    pack_folder([tmp_path / "g.parquet"], tmp_path / "p", PackSettings(), print_line=said.append)
    assert "1 of split 'test', 1 of split 'valid'" in said[-1]
    index = json.loads((tmp_path / "p" / "index.json").read_text(encoding="utf-8"))
    assert index["report"]["left_out"] == {"of split 'test'": 1, "of split 'valid'": 1}
    assert index["report"]["valid_games"] == 1


def test_a_folder_that_is_not_whole(tmp_path: Path) -> None:
    write_games(tmp_path / "g.parquet", records(12))
    folder = tmp_path / "p"
    pack_folder([tmp_path / "g.parquet"], folder, PackSettings())
    with pytest.raises(RecordError, match="the folder exists already"):
        pack_folder([tmp_path / "g.parquet"], folder, PackSettings())
    shard = folder / "00000.xgp"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-64])
    with pytest.raises(RecordError, match=f"00000.xgp: expected {len(whole)} bytes, found {len(whole) - 64}"):
        open_data([folder], PackSettings())
    shard.unlink()
    with pytest.raises(RecordError, match=r"00000.xgp: the shard is missing"):
        open_data([folder], PackSettings())
    index = folder / "index.json"
    index.write_text(
        index.read_text(encoding="utf-8").replace('"format": 1', '"format": 7'), encoding="utf-8"
    )
    with pytest.raises(RecordError, match=r"index.json: expected shards of version 1, found version 7"):
        open_data([folder], PackSettings())


def test_packed_data_of_other_settings_is_refused(tmp_path: Path) -> None:
    write_games(tmp_path / "g.parquet", records(12))
    pack_folder([tmp_path / "g.parquet"], tmp_path / "p", PackSettings(targets="teacher"))
    with pytest.raises(ConfigError, match=r"targets: the run needs data packed with 'mixed', .* 'teacher'"):
        open_data([tmp_path / "p"], PackSettings())


def test_the_cache_is_keyed_by_content_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, cache = tmp_path / "g.parquet", tmp_path / "cache"
    write_games(source, records(20))
    first = open_data([source], PackSettings(), cache=cache)
    calls: list[object] = []
    original = packing.read_games
    monkeypatch.setattr(packing, "read_games", lambda *a, **k: (calls.append(a), original(*a, **k))[1])
    os.utime(source, (1, 1))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "g.parquet").write_bytes(source.read_bytes())
    said: list[str] = []
    again = open_data([moved / "g.parquet"], PackSettings(), cache=cache, print_line=said.append)
    assert not calls
    assert "18 games" in said[0]
    assert fingerprint(first.train) == fingerprint(again.train)
    keys = {content_key([source], PackSettings()), content_key([source], PackSettings(extra=True))}
    write_games(source, records(19), force=True)
    assert len({*keys, content_key([source], PackSettings())}) == 3
    [entry] = cache.iterdir()
    shard = entry / "00000.xgp"
    shard.write_bytes(shard.read_bytes()[:-1])
    said.clear()
    mended = open_data([moved / "g.parquet"], PackSettings(), cache=cache, print_line=said.append)
    assert len(calls) == 1
    assert said[0].startswith("packed again: ")
    assert fingerprint(mended.train) == fingerprint(first.train)


def test_the_cache_keeps_what_was_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CACHED_ENTRIES", 2)
    sources = [tmp_path / f"{number}.parquet" for number in range(3)]
    cache = tmp_path / "cache"
    for number, source in enumerate(sources):
        write_games(source, records(8 + number))
    for number, source in enumerate(sources[:2]):
        open_data([source], PackSettings(), cache=cache)
        os.utime(cache / content_key([source], PackSettings()), (number + 1, number + 1))
    open_data([sources[0]], PackSettings(), cache=cache)  # used again, after the other one
    open_data([sources[2]], PackSettings(), cache=cache)
    kept = {content_key([source], PackSettings()) for source in (sources[0], sources[2])}
    assert {path.name for path in cache.iterdir()} == kept


def test_two_runs_that_pack_the_same_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_games(tmp_path / "g.parquet", records(12))
    original = packing.read_games
    again: list[int] = []

    def meanwhile(*arguments: object, **rest: object) -> object:
        if not again:
            again.append(
                open_data([tmp_path / "g.parquet"], PackSettings(), cache=tmp_path / "c").train.games
            )
        return original(*arguments, **rest)  # type: ignore[arg-type]

    def first(*arguments: object, **rest: object) -> object:
        monkeypatch.setattr(packing, "read_games", original)
        return meanwhile(*arguments, **rest)

    monkeypatch.setattr(packing, "read_games", first)
    said: list[str] = []
    data = open_data([tmp_path / "g.parquet"], PackSettings(), cache=tmp_path / "c", print_line=said.append)
    assert data.train.games == again[0] == 11
    assert not any("in memory" in line for line in said)
    assert len(list((tmp_path / "c").iterdir())) == 1


def test_without_room_for_a_cache_games_are_packed_in_memory(tmp_path: Path) -> None:
    write_games(tmp_path / "g.parquet", records(12))
    (tmp_path / "cache").write_text("no folder", encoding="utf-8")
    said: list[str] = []
    data = open_data(
        [tmp_path / "g.parquet"], PackSettings(), cache=tmp_path / "cache", print_line=said.append
    )
    assert said[0].startswith("packed in memory: ")
    assert data.train.games == 11


def test_nothing_half_written_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_games(tmp_path / "g.parquet", records(12))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards, "write_file", full)
    with pytest.raises(RecordError, match=r"p: expected to write it, found 'No space left on device'"):
        pack_folder([tmp_path / "g.parquet"], tmp_path / "p", PackSettings())
    assert [path.name for path in tmp_path.iterdir()] == ["g.parquet"]


def test_drafts_of_killed_runs_go_after_a_day(tmp_path: Path) -> None:
    old, young, other = (tmp_path / f".{name}.part" for name in ("p.xgp.old", "p.xgp.young", "q.xgp.old"))
    for draft in (old, young, other):
        draft.mkdir()
        (draft / "p.xgp").write_bytes(b"half")
    for draft in (old, other):
        os.utime(draft, (1, 1))
    with atomic_path(tmp_path / "p.xgp") as path:
        path.write_bytes(b"whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".p.xgp.young.part", ".q.xgp.old.part", "p.xgp"]


def test_labels_that_contradict_their_game(tmp_path: Path) -> None:
    game = next(g for g in games() if g.labels is not None)
    assert game.labels is not None
    best, cp = game.labels.best, game.labels.cp
    late = dataclasses.replace(
        game, labels=TeacherLabels(game.labels.first + 1, best, cp), file="a.pgn", number=3
    )
    with pytest.raises(
        RecordError, match=rf"a.pgn, game 3: expected .* at most the {game.plies} plies, found"
    ):
        pack([late])
    loud = dataclasses.replace(game, labels=TeacherLabels(game.labels.first, best, (31_000, *cp[1:])))
    with pytest.raises(RecordError, match="expected a score from -30000 to 30000 centipawns, found 31000"):
        pack([loud])
    with pytest.raises(ConfigError, match="no game to learn from"):
        pack([])


def test_lists_of_one_move_and_of_unknown_plies_are_hard_labels() -> None:
    packed, report = pack(with_lines(games(6)))
    assert packed.soft is not None
    assert report.soft_plies == len(set(zip(
        np.repeat(np.arange(packed.games), np.diff(packed.soft.offsets)).tolist(), packed.soft.plies.tolist(),
        strict=True,
    )))  # fmt: skip
    game = games(2)[1]
    assert game.labels is not None
    lines = tuple(((move, 5),) if move is not None else () for move in game.labels.best)
    only, _ = pack([dataclasses.replace(game, labels=dataclasses.replace(game.labels, lines=lines))])
    assert only.soft is None
    assert (only.targets != NO_MOVE).any()


def test_a_packed_file_trains_without_chess_pygame_and_pyarrow(packed: PackedGames, tmp_path: Path) -> None:
    compact.write_compact(tmp_path / "slot.xgp", {"train": packed}, packing.facts(PackSettings()))
    script = f"""
import sys
for name in ("chess", "pygame", "pyarrow"):
    sys.modules[name] = None
from pathlib import Path
from xiangqi_gpt.training.train_config import changed, preset
from xiangqi_gpt.training.loop import Trainer
from xiangqi_gpt.dataset.packed_file import write_arrays
from xiangqi_gpt.dataset.packing import PackSettings, open_data
data = open_data([{str(tmp_path / "slot.xgp")!r}], PackSettings())
config = changed(preset("tiny"), ["max_steps=1", "precision=no"])
print(Trainer(data.train, Path({str(tmp_path / "run")!r}), config, device="cpu").run().progress.step)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr


def test_a_compact_file_unpacks_to_no_more_than_it_states(packed: PackedGames, tmp_path: Path) -> None:
    """64 MB of zeros in 10 kB, in the place of a stream; the same with a header that states them."""
    path = tmp_path / "games.xgp"
    compact.write_compact(path, {"train": packed}, {})
    parts = packed_file.read_arrays(path)[1]
    part, arrays = parts[0]
    name = next(iter(arrays))
    arrays[name] = compact._lzma(np.zeros(1 << 26, np.uint8))
    assert arrays[name].nbytes < 20_000
    with pytest.raises(RecordError, match=f"{name}: the data does not hold .* bytes"):
        compact.unpacked(path, part, arrays)
    stated = {**part, "streams": {**part["streams"], name: ["|u1", [1 << 40]]}}
    with pytest.raises(RecordError, match=f"{name}: expected at most .* bytes of"):
        compact.unpacked(path, stated, arrays)
