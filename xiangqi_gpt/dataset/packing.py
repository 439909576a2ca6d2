"""From game records to packed data: streamed into shards, cached, or used as it is.

The key of packed data is made from its inputs: the content of every file and the settings. A second run on the same
files finds it, even if the files were moved or touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiangqi_gpt.dataset import shards
from xiangqi_gpt.dataset.packed import Packed, Packer, PackReport, nothing_to_learn
from xiangqi_gpt.dataset.packed_file import FORMAT
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import atomic_path, open_regular
from xiangqi_gpt.records import GameRecord, read_games
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.safe_json import format_json

TARGETS = ("mixed", "human", "teacher")
SHARD_PLIES = 8_000_000  # per shard, about 50 MB; the limit of what is in memory while packing
CACHED_BYTES = 1 << 20  # smaller files are packed each time, which takes less than a second
CACHED_ENTRIES = 16  # packed forms that the cache keeps, the most recently used ones
_SHOWN_ERRORS = 5

PrintLine = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PackSettings:
    """What is packed: moves of people, of a teacher, or both; with or without rows of split "extra"."""

    targets: str = "mixed"
    extra: bool = False

    def __post_init__(self) -> None:
        if self.targets not in TARGETS:
            raise ConfigError(f"targets: expected one of {', '.join(TARGETS)}, found {self.targets!r}")

    def packers(self) -> dict[str, Packer]:
        """The packer of each split: "train" for training, "valid" for measurements."""
        human, teacher = self.targets != "teacher", self.targets != "human"
        splits = ("train", "extra") if self.extra else ("train",)
        return {
            "train": Packer(splits, human=human, teacher=teacher),
            "valid": Packer(("valid",), human=human, teacher=teacher),
        }


@dataclass(frozen=True, kw_only=True)
class Data:
    """The data that a run reads."""

    train: Packed
    valid: Packed | None  # the split measured during training, if the data has one


def content_key(paths: Sequence[Path], settings: PackSettings) -> str:
    """A key for the packed form of *paths*: equal for equal bytes, order and settings."""
    digest = hashlib.sha256(format_json([FORMAT, dataclasses.asdict(settings)], sort_keys=True).encode())
    for path in paths:
        # The name determines the source of a game and, for some formats, how a file is read.
        digest.update(f"\n{path.name}\n{path.stat().st_size}\n".encode())
        with open_regular(path, error=RecordError) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:32]


def default_cache() -> Path:
    """The user's folder for packed data."""
    return user_folder("cache") / "packed"


def sources_of(paths: Sequence[Path]) -> list[Path]:
    """The paths to read: packed data, files, and the files of other folders in order of their names.

    Raises:
        RecordError: a path that does not exist, or an empty folder.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise RecordError("there is no such file or folder", file=str(path))
        if path.is_dir() and not shards.is_packed(path):
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            if not inside:
                raise RecordError("the folder is empty", file=str(path))
            found += inside
        else:
            found.append(path)
    return found


def pack_folder(
    paths: Sequence[Path],
    folder: Path,
    settings: PackSettings,
    *,
    force: bool = False,
    shard_plies: int = SHARD_PLIES,
    print_line: PrintLine = lambda line: None,
) -> PackReport:
    """Pack the games of *paths* into a folder of shards; *print_line* is called with what was refused and left out.

    At most one shard is in memory at any time.

    Raises:
        ConfigError: no game has a target.
        RecordError: a file cannot be read, or the folder cannot be written to.
    """
    with atomic_path(folder, overwrite=force, folder=True, parents=True, error=RecordError) as draft:
        written: list[dict[str, Any]] = []
        packers = settings.packers()

        def flush(split: str) -> None:
            games = packers[split].take()
            path = draft / f"{len(written):05d}.xgp"
            size = shards.write_file(path, [(split, games)], facts(settings))
            written.append(
                {"file": path.name, "bytes": size, "split": split, "games": games.games, "plies": games.plies}
            )

        for record in _records(paths, print_line):
            split = _add(packers, record)
            if packers[split].plies >= shard_plies:
                flush(split)
        report = packers["train"].report
        if not report.kept:
            raise nothing_to_learn(report)
        for split, packer in packers.items():
            if packer.plies:
                flush(split)
        index = {
            "format": FORMAT,
            **facts(settings),
            "inputs": [{"name": path.name, "bytes": path.stat().st_size} for path in paths],
            "report": _as_dict(report, packers["valid"].report),
            "shards": written,
        }
        (draft / shards.INDEX_FILE).write_text(format_json(index, indent=1), encoding="utf-8")
    print_line(str(report))
    return report


def pack_memory(
    paths: Sequence[Path], settings: PackSettings, print_line: PrintLine
) -> tuple[dict[str, Packed], PackReport]:
    """The packed games of *paths* by split, in memory."""
    packers = settings.packers()
    for record in _records(paths, print_line):
        _add(packers, record)
    report = packers["train"].report
    if not report.kept:
        raise nothing_to_learn(report)
    print_line(str(report))
    return {split: packer.take() for split, packer in packers.items() if packer.plies}, report


def _add(packers: dict[str, Packer], record: GameRecord) -> str:
    """Pass a game to the packer of its split; return the name of the split."""
    split = "valid" if record.split == "valid" else "train"
    packers[split].add(record)
    if split == "valid":
        packers["train"].report.left_out["of split 'valid'"] += 1
    return split


def _as_dict(report: PackReport, valid: PackReport) -> dict[str, Any]:
    found = dataclasses.asdict(report)
    found["left_out"] = dict(report.left_out)
    return {**found, "valid_games": valid.kept, "valid_plies": valid.plies, "words": str(report)}


def _records(paths: Sequence[Path], print_line: PrintLine) -> Iterator[GameRecord]:
    refused: list[RecordError] = []
    count = 0

    def on_error(error: RecordError) -> None:
        nonlocal count
        count += 1
        if len(refused) < _SHOWN_ERRORS:
            refused.append(error)
            print_line(f"left out: {error}")

    for path in paths:
        try:
            yield from read_games(path, on_error=on_error)
        except RecordError as error:  # a file that cannot be opened
            on_error(error)
    if count > len(refused):
        print_line(f"left out: {count - len(refused)} more games that break the rules")


def open_data(
    paths: Sequence[str | os.PathLike[str]],
    settings: PackSettings,
    *,
    cache: Path | None = None,
    print_line: PrintLine = lambda line: None,
) -> Data:
    """The data that a run reads from *paths*: packed files and folders directly, records through the cache.

    *cache* is the folder of the cache; the default is the user's, for records above a minimum size. If it is not
    writable, the games are packed in memory.

    Raises:
        ConfigError: no game has a target, or the packed data was made with other settings.
        RecordError: a file cannot be read, is truncated or contradicts itself.
    """
    found = sources_of([Path(path) for path in paths])
    records = [path for path in found if not shards.is_packed(path)]
    parts = [
        part for path in found if shards.is_packed(path) for part in _read_packed(path, settings, print_line)
    ]
    if records:
        small = cache is None and sum(path.stat().st_size for path in records) < CACHED_BYTES
        if small:
            parts += _in_memory(records, settings, print_line)
        else:
            parts += _cached(records, settings, cache if cache is not None else default_cache(), print_line)
    by_split = shards.by_split(parts)
    if "train" not in by_split:
        raise ConfigError(f"No games of split 'train' to learn from in {', '.join(map(str, paths))}.")
    return Data(train=by_split["train"], valid=by_split.get("valid"))


def open_splits(paths: Sequence[Path], settings: PackSettings, print_line: PrintLine) -> dict[str, Packed]:
    """The games of *paths*, packed data or records, by split, without using the cache."""
    parts = [
        part for path in paths if shards.is_packed(path) for part in _read_packed(path, settings, print_line)
    ]
    records = [path for path in paths if not shards.is_packed(path)]
    if records:
        parts += _in_memory(records, settings, print_line)
    return shards.by_split(parts)


def facts(settings: PackSettings) -> dict[str, Any]:
    """The settings that packed data stores about how it was made."""
    return {"settings": dataclasses.asdict(settings)}


def _read_packed(path: Path, settings: PackSettings, print_line: PrintLine) -> list[Any]:
    header, parts = shards.read_folder(path) if path.is_dir() else shards.read_file(path)
    for key, value in dataclasses.asdict(settings).items():
        packed_with = header.get("settings", {}).get(key)
        if packed_with != value:
            raise ConfigError(
                f"{path}: {key}: the run needs data packed with {value!r}, not with {packed_with!r}; "
                "pack the records again"
            )
    words = header.get("report", {}).get("words")
    print_line(f"{path}: {words}" if words else f"{path}: packed games")
    return parts


def _cached(paths: list[Path], settings: PackSettings, cache: Path, print_line: PrintLine) -> list[Any]:
    folder = cache / content_key(paths, settings)
    if folder.is_dir():
        try:
            index, parts = shards.read_folder(folder)
            with contextlib.suppress(OSError):  # a cache that is read-only
                os.utime(folder)
            print_line(index["report"]["words"])
            return parts
        except RecordError as error:
            print_line(f"packed again: {error}")
            shutil.rmtree(folder, ignore_errors=True)
    try:
        pack_folder(paths, folder, settings, print_line=print_line)
    except RecordError as error:
        if error.file != str(folder):
            raise
        if not folder.is_dir():  # otherwise another run has packed the same in the meantime
            print_line(f"packed in memory: {error}")
            return _in_memory(paths, settings, print_line)
    with contextlib.suppress(OSError):  # another run may be trimming too
        _trim(cache)
    return shards.read_folder(folder)[1]


def _trim(cache: Path) -> None:
    """Keep the most recently used entries; a run that reads another one has its files mapped and can continue."""
    entries = [path for path in cache.iterdir() if path.is_dir() and not path.name.startswith(".")]
    entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in entries[CACHED_ENTRIES:]:
        shutil.rmtree(path, ignore_errors=True)


def _in_memory(paths: list[Path], settings: PackSettings, print_line: PrintLine) -> list[Any]:
    by_split, _ = pack_memory(paths, settings, print_line)
    return [(split, part) for split, packed in by_split.items() for part in packed.parts]
