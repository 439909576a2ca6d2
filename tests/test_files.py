"""Files appear complete or not at all, and only regular files of a known size are read."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from xiangqi_gpt.errors import FileError, ModelError, RecordError
from xiangqi_gpt.files import (
    atomic_path,
    check_free,
    check_writable,
    is_disk_full,
    open_regular,
    read_limited,
    remove_partial_files,
)


def write(path: Path, text: str, fault: BaseException | None = None, **options: Any) -> None:
    """Write a file, and fail before it is complete where there is a fault."""
    with atomic_path(path, **options) as draft:
        draft.write_text(text)
        if fault is not None:
            raise fault


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.txt") as draft:
        draft.write_text("whole")
        assert draft.name == "a.txt"
        assert not (tmp_path / "a.txt").exists()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_after_an_error_the_old_file_is_untouched(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyError):
        write(tmp_path / "a.txt", "half", KeyError(), overwrite=True)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").write_text("old")
    with atomic_path(tmp_path / "model", overwrite=True, folder=True) as draft:
        (draft / "new.txt").write_text("new")
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["new.txt"]


def test_an_old_folder_comes_back_when_the_new_one_cannot_take_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").write_text("old")
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(source).parent.suffix == ".part" and Path(source).name == "model":
            raise OSError(errno.EIO, "Input/output error", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with (
        pytest.raises(FileError, match="Input/output error"),
        atomic_path(tmp_path / "model", overwrite=True, folder=True) as draft,
    ):
        (draft / "new.txt").write_text("new")
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["old.txt"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, folder: bool) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    taken, other = ("folder", "file") if folder else ("file", "folder")
    with pytest.raises(FileError, match="--force"), atomic_path(tmp_path / taken, folder=folder):
        pass
    with pytest.raises(FileError, match=f"this is a {other}, not a {taken}"):
        check_free(tmp_path / other, overwrite=True, folder=folder)
    check_free(tmp_path / taken, overwrite=True, folder=folder)


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(atomic_path(tmp_path / "a.txt")).write_text("ours")
        (tmp_path / "a.txt").write_text("theirs")
        with pytest.raises(FileError, match="the file exists already"):
            stack.close()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "theirs"


def test_missing_folders_are_made_only_where_asked(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no folder"), atomic_path(tmp_path / "no" / "a.txt"):
        pass
    with pytest.raises(FileError, match="there is no folder"):
        check_writable(tmp_path / "no" / "a.txt")
    with atomic_path(tmp_path / "no" / "a.txt", parents=True) as draft:
        draft.write_text("")
    assert names(tmp_path / "no") == ["a.txt"]


def test_a_full_disk_is_a_typed_error_with_path_and_cause(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ModelError, match=r"a\.txt: .*'No space left on device'") as caught:
        write(tmp_path / "a.txt", "half", full, error=ModelError)
    assert caught.value.file == str(tmp_path / "a.txt")
    assert caught.value.__cause__ is full
    assert is_disk_full(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.EACCES, "Permission denied", "/elsewhere/data.pgn"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
    ],
)
def test_an_error_of_something_else_passes_through(tmp_path: Path, cause: OSError) -> None:
    with pytest.raises(OSError, match=cause.strerror) as caught, atomic_path(tmp_path / "a.txt"):
        raise cause
    assert caught.value is cause
    assert not is_disk_full(cause)


@pytest.mark.skipif(not hasattr(errno, "EDQUOT"), reason="no quotas here")
def test_a_full_share_of_the_disk_is_known_by_the_cause(tmp_path: Path) -> None:
    with pytest.raises(RecordError) as caught:
        write(tmp_path / "a.txt", "half", OSError(errno.EDQUOT, "Disk quota exceeded"), error=RecordError)
    assert is_disk_full(caught.value)


def test_a_full_disk_is_known_by_the_words_of_other_languages() -> None:
    assert is_disk_full(RuntimeError("Error while serializing: I/O error: (os error 28)"))
    assert not is_disk_full(RuntimeError("os error 2"))


def test_what_a_killed_program_left_is_removed_or_brought_back(tmp_path: Path) -> None:
    half = tmp_path / ".log.txt.abcd1234.part"
    half.mkdir()
    (half / "log.txt").write_text("half")
    replaced = tmp_path / ".model.abcd1234.part"
    (replaced / "old-model").mkdir(parents=True)
    (replaced / "old-model" / "config.json").write_text("{}")
    (tmp_path / ".notes.part").write_text("somebody's own")
    (tmp_path / ".old-notes").write_text("somebody's own")
    remove_partial_files(tmp_path)
    assert names(tmp_path) == [".notes.part", ".old-notes", "model"]
    assert names(tmp_path / "model") == ["config.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordError, match="regular file"), open_regular(tmp_path / "pipe", error=RecordError):
        pass


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_a_device_is_refused() -> None:
    with pytest.raises(FileError, match="regular file"):
        read_limited("/dev/zero", 10)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.txt: there is no such file") as caught:
        read_limited(tmp_path / "none.txt", 10)
    assert caught.value.file == str(tmp_path / "none.txt")
    with pytest.raises(FileError, match="the file cannot be read"):
        read_limited(tmp_path, 10)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    assert read_limited(tmp_path / "a", 4) == b"1234"
    with pytest.raises(FileError, match="at most 3 bytes"):
        read_limited(tmp_path / "a", 3)
