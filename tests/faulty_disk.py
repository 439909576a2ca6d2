"""A disk on which writing fails from the n-th time on, for tests of whatever writes.

Python's own files and system calls are replaced, and the functions by which pyarrow and safetensors write from C++ and
Rust, which raise what those really raise.
"""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class FaultyDisk:
    """Counts what is written under a folder; from the call *first* (0-based) on, each fails with *number*.

    Args:
        folder: the place that counts; other places work as ever.
        number: an errno, or 0 if nothing fails.
        first: the first call that fails.
        last: the last one; None if all the following fail as well.
    """

    def __init__(self, folder: Path, number: int = 0, first: int = 0, last: int | None = None) -> None:
        self._folder = os.path.realpath(folder)
        self._number, self._first, self._last = number, first, last
        self.calls: list[str] = []
        self.failed: list[str] = []

    def note(self, what: str, path: object) -> None:
        """Count a call; OSError if it has to fail."""
        name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        if not os.path.realpath(name).startswith(self._folder):
            return
        at = len(self.calls)
        self.calls.append(f"{what} {os.path.relpath(name, self._folder)}")
        if self._number and self._first <= at and (self._last is None or at <= self._last):
            self.failed.append(self.calls[-1])
            raise OSError(self._number, os.strerror(self._number), name)

    def note_open_file(self, what: str, path: object) -> None:
        """The same for a file that is open: the system names no path then."""
        try:
            self.note(what, path)
        except OSError as error:
            raise OSError(error.errno, error.strerror) from None


@contextmanager
def faulty_disk(
    folder: Path, number: int = 0, first: int = 0, last: int | None = None
) -> Iterator[FaultyDisk]:
    """Within the block the disk under *folder* is a `FaultyDisk`."""
    disk = FaultyDisk(folder, number, first, last)
    with pytest.MonkeyPatch.context() as patch:
        opened = _opener(disk)
        patch.setattr(builtins, "open", opened)
        patch.setattr(io, "open", opened)
        for name in ("mkdir", "replace", "rename"):
            patch.setattr(os, name, _path_call(disk, name, getattr(os, name)))
        fsync = os.fsync

        def checked_fsync(file: int) -> None:
            if hasattr(file, "fileno"):
                file = file.fileno()
            path = _path_of(file, disk)
            if not os.path.isdir(path):  # of a folder some file systems refuse it at all times
                disk.note_open_file("fsync", path)
            fsync(file)

        patch.setattr(os, "fsync", checked_fsync)
        _patch_native(patch, disk)
        yield disk


def _path_of(file: int, disk: FaultyDisk) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{file}")
    except OSError:  # not Linux: every file counts
        return disk._folder


def _opener(disk: FaultyDisk) -> Callable[..., Any]:
    real = io.open

    def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **options: Any) -> Any:
        if isinstance(file, int) or not set(mode) & set("wax+"):
            return real(file, mode, buffering, *args, **options)
        disk.note("open", file)

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                disk.note_open_file("write", file)
                return super().write(data)

        kind = mode.replace("b", "").replace("t", "")
        opener = options.pop("opener", None)
        raw = Raw(file, kind, opener=opener)
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in kind else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, *args, **options)

    return opened


def _path_call(disk: FaultyDisk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *args: Any, **options: Any) -> Any:
        disk.note(name, args[0] if name in ("replace", "rename") else path)
        return real(path, *args, **options)

    return call


def _patch_native(patch: pytest.MonkeyPatch, disk: FaultyDisk) -> None:
    import pyarrow.parquet
    import safetensors.torch
    from safetensors import SafetensorError

    serialize_file = safetensors.torch.serialize_file

    def serialized(tensors: Any, path: Any, *args: Any, **options: Any) -> None:
        try:
            disk.note("safetensors", path)
        except OSError as error:
            Path(path).write_bytes(b"half")  # what had been written when it failed
            raise SafetensorError(
                f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})"
            ) from None
        serialize_file(tensors, path, *args, **options)

    patch.setattr(safetensors.torch, "serialize_file", serialized)
    real = pyarrow.parquet.ParquetWriter

    class Writer(real):  # type: ignore[misc]
        def __init__(self, where: Any, *args: Any, **options: Any) -> None:
            self._path, self.is_open = where, False
            self._note("open")
            super().__init__(where, *args, **options)

        def _note(self, what: str) -> None:
            try:
                disk.note(f"parquet {what}", self._path)
            except OSError as error:
                reason = f"Error writing bytes to file. Detail: [errno {error.errno}] {error.strerror}"
                raise OSError(error.errno, reason) from None

        def write_table(self, *args: Any, **options: Any) -> Any:
            self._note("write")
            return super().write_table(*args, **options)

        def close(self) -> None:
            if self.is_open:
                try:
                    self._note("close")
                except OSError:
                    self.writer.close()
                    self.is_open = False
                    raise
            super().close()

    patch.setattr(pyarrow.parquet, "ParquetWriter", Writer)
