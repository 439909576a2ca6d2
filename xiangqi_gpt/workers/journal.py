"""Finished games on disk during a run, one line per game, so that a kill at any moment loses no finished game.

A folder `NAME.parts` beside the file to be written holds the settings of the run and the lines. A run with the same
settings continues from them. The folder is removed when the file is written.
"""

from __future__ import annotations

import contextlib
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import append_whole, atomic_path, read_limited
from xiangqi_gpt.lock import RunLock
from xiangqi_gpt.safe_json import format_json, parse_json, round_trip

Row = dict[str, Any]
"""A finished game as JSON can hold it."""

_SYNC_SECONDS = 5.0
_LARGEST_SETTINGS = 1 << 24  # bytes


def parts_folder(out: Path) -> Path:
    """The folder with the finished games of a run that writes `out`."""
    return out.with_name(f"{out.name}.parts")


class Journal:
    """The finished games of one run; open it with `with`.

    Args:
        out: the file that the run will write.
        settings: everything that the games depend on; a folder with other settings is refused.
        force: delete a folder with other settings instead.
        continue_with: what continues the run, for messages.

    Raises:
        ConfigError: the folder belongs to a run with other settings, or another process is using it.
        RecordError: the folder cannot be written.
    """

    def __init__(
        self,
        out: Path,
        settings: Mapping[str, Any],
        *,
        force: bool = False,
        continue_with: str = "the same command",
    ) -> None:
        self.folder = parts_folder(out)
        self._settings = round_trip(dict(settings))
        self._force = force
        self._continue_with = continue_with
        self._places: dict[int, int] = {}
        self._size = 0
        self._synced = time.monotonic()
        self._file: IO[bytes] | None = None
        self._lock: RunLock | None = None

    def __enter__(self) -> Journal:
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = self._locked()
            self._check_settings()
            self._file = open(self.folder / "games.jsonl", "a+b", buffering=0)
            self._read()
        except OSError as error:
            self._release()
            raise self.unwritable(error) from error
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._places or self._file is None:
            self._release()
        else:
            # Nothing to resume, so there is no reason to refuse other settings.
            self.remove()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def add(self, number: int, row: Row) -> None:
        """Store a finished game.

        Raises RecordError if the disk is full; games stored earlier are kept.
        """
        assert self._file is not None
        text = format_json({"number": number, "row": row}, compact=True).encode()
        line = b"%08x %b\n" % (zlib.crc32(text), text)
        is_due = time.monotonic() - self._synced > _SYNC_SECONDS
        try:
            append_whole(self._file, line, self._size, sync=is_due)
        except OSError as error:
            raise self.unwritable(error) from error
        if is_due:
            self._synced = time.monotonic()
        self._places[number] = self._size
        self._size += len(line)

    def numbers(self) -> list[int]:
        """The numbers of the stored games, in order."""
        return sorted(self._places)

    def row(self, number: int) -> Row:
        """One of the stored games."""
        assert self._file is not None
        self._file.seek(self._places[number])
        found = _parsed(self._file.readline())
        if found is None:
            name = str(self.folder / "games.jsonl")
            raise RecordError("the stored game has been changed", file=name, game=number + 1)
        return found[1]

    def clear(self) -> None:
        """Delete the stored games and start over."""
        assert self._file is not None
        self._file.truncate(0)
        self._places.clear()
        self._size = 0

    def remove(self) -> None:
        """Delete the folder once the output file is written."""
        self._release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _locked(self) -> RunLock:
        """Keeps other processes out while this journal is open."""
        try:
            return RunLock(self.folder)
        except ConfigError as error:
            raise ConfigError(
                f"Another run is writing into {str(self.folder)!r}; wait for it, or choose another --out."
            ) from error

    def _check_settings(self) -> None:
        path = self.folder / "settings.json"
        if path.exists():
            try:
                found = parse_json(read_limited(path, _LARGEST_SETTINGS, error=RecordError))
            except ValueError:
                found = None
            if found == self._settings:
                return
            games = self.folder / "games.jsonl"
            if not self._force and games.exists() and games.stat().st_size:
                raise ConfigError(self._difference(found))
            games.unlink(missing_ok=True)
        with atomic_path(path, overwrite=True, error=RecordError) as draft:
            draft.write_text(format_json(self._settings, indent=1, sort_keys=True), encoding="utf-8")

    def _difference(self, found: Any) -> str:
        head = f"{str(self.folder)!r} was begun with other settings"
        tail = "--force starts over and deletes its games."
        if not isinstance(found, dict):
            return f"{head}, which cannot be read. {tail}"
        keys = [key for key in {**found, **self._settings} if found.get(key) != self._settings.get(key)]
        what = ", ".join(f"{key} {found.get(key)!r}, now {self._settings.get(key)!r}" for key in keys)
        return f"{head}: {what}. {tail}"

    def _read(self) -> None:
        """Find the stored games; a last line that was cut short by a kill is removed."""
        assert self._file is not None
        self._file.seek(0)
        position = 0
        with open(self.folder / "games.jsonl", "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    self._file.truncate(position)
                    break
                found = _parsed(line)
                if found is not None:
                    self._places[found[0]] = position
                position += len(line)
        self._size = position

    def unwritable(self, error: OSError, path: Path | None = None) -> RecordError:
        """The error of a disk that refuses a finished game at *path* (the folder), with the number of games kept."""
        kept = (
            f"; {len(self)} finished games are kept, and {self._continue_with} continues with the others"
            if len(self)
            else ""
        )
        return RecordError(
            f"finished games cannot be written: {error.strerror or str(error)}{kept}",
            file=str(path or self.folder),
        )

    def _release(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        if self._lock is not None:
            self._lock.release()
        self._file = self._lock = None


def _parsed(line: bytes) -> tuple[int, Row] | None:
    """Number and row of a line; None if it is damaged."""
    check, _, text = line.rstrip(b"\n").partition(b" ")
    try:
        if int(check, 16) != zlib.crc32(text):
            return None
        found = parse_json(text)
        number, row = found["number"], found["row"]
        return (number, row) if type(number) is int and isinstance(row, dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def rows_in_order(journal: Journal, below: int | None = None) -> Iterator[tuple[int, Row]]:
    """Number and row of every stored game below a number, in order of the numbers."""
    for number in journal.numbers():
        if below is None or number < below:
            yield number, journal.row(number)
