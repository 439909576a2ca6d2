"""Files and folders that appear under their name complete or not at all, and files that are read within limits.

Every function takes the type of the error to raise, so that a full disk under a checkpoint is a ModelError and one
under a game record a RecordError. The OSError behind it is its ``__cause__``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from xiangqi_gpt.errors import FileError, XiangqiError

PathLike = str | os.PathLike[str]

_ABANDONED: Final = 86_400.0  # seconds after which a draft that nobody has touched is one of a killed program
_PARTIAL: Final = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.part")
_FULL: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_LONGEST_NAME: Final = 200  # bytes of a name that the draft's folder can repeat: a name may have 255 bytes
_NOT_OF_FILES: Final = (ConnectionError, TimeoutError, BlockingIOError, ChildProcessError, InterruptedError)
_IN_WORDS: Final = re.compile(r"\(os error (\d+)\)|\[errno (\d+)\]")


def check_free(
    path: PathLike, *, overwrite: bool = False, folder: bool = False, error: type[FileError] = FileError
) -> None:
    """Refuse a name that is taken.

    Args:
        path: file or folder to be written.
        overwrite: whether one of the same kind may be there.
        folder: whether a folder is to be written.
        error: type of the error to raise.
    """
    target = Path(path)
    with writing(path, error=error):
        if not _exists(target):
            return
    if target.is_dir() != folder:
        wanted, found = ("folder", "file") if folder else ("file", "folder")
        raise error(f"this is a {found}, not a {wanted}; choose another name", file=os.fspath(path))
    if not overwrite:
        raise error(
            f"the {'folder' if folder else 'file'} exists already (--force overwrites it)",
            file=os.fspath(path),
        )


def check_writable(path: PathLike, *, overwrite: bool = False, error: type[FileError] = FileError) -> None:
    """Refuse the name of a file that is taken, or one in a folder that does not exist; see :func:`check_free`."""
    check_free(path, overwrite=overwrite, error=error)
    parent = Path(path).parent
    if not parent.is_dir():
        raise error(_missing(parent), file=os.fspath(path))


@contextmanager
def atomic_path(
    path: PathLike,
    *,
    overwrite: bool = False,
    folder: bool = False,
    parents: bool = False,
    error: type[FileError] = FileError,
) -> Iterator[Path]:
    """A path to write to, which gets the name *path* when the block ends without an error.

    Until then, and after an error, what was there before is untouched. All data is on the disk before the name is
    given. The path lies in a hidden folder beside *path* and has the same last part, suffix and all; a draft that a
    killed program has left is removed by the next one that writes the same name a day later.

    Args:
        path: file or folder to be written.
        overwrite: whether one of the same kind may be replaced.
        folder: whether the block fills a folder, which exists when it begins.
        parents: whether missing folders above *path* are made.
        error: type of the error to raise.

    Raises:
        FileError: the name is taken, or the disk refuses to be written to (its cause is the OSError).
    """
    target = Path(path)
    check_free(target, overwrite=overwrite, folder=folder, error=error)
    try:
        if parents:
            target.parent.mkdir(parents=True, exist_ok=True)
        elif not target.parent.is_dir():
            raise error(_missing(target.parent), file=str(path))
        _remove_abandoned(target)
        room = Path(tempfile.mkdtemp(prefix=f".{_short(target)}.", suffix=".part", dir=target.parent))
    except OSError as cause:
        reason = f"expected a folder to write to, found {cause.strerror!r}"
        raise error(reason, file=str(path)) from cause
    draft = room / target.name
    try:
        if folder:
            draft.mkdir()
        yield draft
        _flush(draft)
        check_free(target, overwrite=overwrite, folder=folder, error=error)
        _publish(draft, target, room)
    except XiangqiError:
        raise
    except Exception as fault:
        found = system_error(fault)
        if found is None or not _is_ours(found, room, target):
            raise
        raise error(f"expected to write it, found {found.strerror!r}", file=str(path)) from found
    finally:
        _clear(room, target)


@contextmanager
def writing(path: PathLike, *, error: type[FileError] = FileError) -> Iterator[None]:
    """For what is appended to or made in place: whatever the disk refuses within the block is an error about *path*."""
    try:
        yield
    except OSError as cause:
        raise error(
            f"expected to write it, found {cause.strerror or str(cause)!r}", file=os.fspath(path)
        ) from cause


def append_whole(file: IO[bytes], data: bytes, size: int, *, sync: bool = False) -> None:
    """Append *data* to an unbuffered file of *size* bytes: all of it, or nothing.

    With *sync* it is on the disk before this returns. An OSError is raised when the file has its old size again.
    """
    try:
        written = 0
        while written < len(data):
            # A disk that fills up stores the first part and refuses the next.
            written += file.write(data[written:])
        if sync:
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(size)
        raise


def system_error(error: BaseException) -> OSError | None:
    """The OSError behind an error, with the plain words of the system; None if there is none.

    Libraries written in other languages report its number in the text of their own errors.
    """
    if isinstance(error, _NOT_OF_FILES):
        return None
    found = _IN_WORDS.search(str(error))
    if found is not None:
        number = int(found[1] or found[2])
        return OSError(number, os.strerror(number))
    return error if isinstance(error, OSError) else None


def remove_partial_files(folder: Path) -> None:
    """Remove what killed programs left half written in *folder*, and bring back what they were about to replace.

    Only for a folder that no other program writes to.
    """
    for path in list(folder.iterdir()):
        found = _PARTIAL.fullmatch(path.name)
        if found is not None and path.is_dir():
            _clear(path, folder / found[1])


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, or the one that caused it, says that the disk or the user's share of it is full."""
    found: BaseException | None = error
    while found is not None:
        # Writers in other languages pass the system's words on, without its number.
        if getattr(found, "errno", None) in _FULL or re.search(r"No space left|os error 28\b", str(found)):
            return True
        found = found.__cause__
    return False


@contextmanager
def open_regular(path: PathLike, *, error: type[FileError] = FileError) -> Iterator[BinaryIO]:
    """A regular file open for reading bytes.

    Raises:
        FileError: there is none of that name, it cannot be read, or it is a folder, a pipe or a device.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise error("not a regular file but a pipe or a device", file=name)
            yield file
    except FileNotFoundError as cause:
        raise error("there is no such file", file=name) from cause
    except OSError as cause:
        raise error(f"the file cannot be read: {cause.strerror}", file=name) from cause


def read_limited(path: PathLike, limit: int, *, error: type[FileError] = FileError) -> bytes:
    """All bytes of a regular file; as :func:`open_regular`, and an error where there are more than *limit*."""
    with open_regular(path, error=error) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        reason = f"expected a file of at most {limit:,} bytes, found a larger one"
        raise error(reason, file=os.fspath(path))
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a path; a pipe that nobody writes to would keep a plain `open` waiting."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _missing(folder: Path) -> str:
    with contextlib.suppress(OSError):
        if _exists(folder):
            return f"{str(folder)!r} is no folder"
    return f"there is no folder {str(folder)!r}; make it first"


def _exists(target: Path) -> bool:
    """As `Path.exists`, which before Python 3.12 raises some errors and hides others."""
    try:
        target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _short(target: Path) -> str:
    """A name, or the beginning of a long one, so that one made of it is not too long for the system."""
    name = target.name
    return name if len(os.fsencode(name)) <= _LONGEST_NAME else name[: _LONGEST_NAME // 4]


def _remove_abandoned(target: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(_short(target))}\.[^.]+\.part")
    for room in list(target.parent.iterdir()):
        if pattern.fullmatch(room.name):
            with contextlib.suppress(OSError):  # its owner may remove it meanwhile
                if time.time() - room.stat().st_mtime > _ABANDONED:
                    _clear(room, target)


def _clear(room: Path, target: Path) -> None:
    """Remove the folder of a draft; what was about to be replaced, and was not, gets its name back."""
    old = _old(room, target)
    if old.exists() and not target.exists():
        os.replace(old, target)
    shutil.rmtree(room, ignore_errors=True)


def _old(room: Path, target: Path) -> Path:
    return room / f"old-{_short(target)}"


def _is_ours(cause: OSError, room: Path, target: Path) -> bool:
    """Whether an error in the block is one of writing, and not of a file that the block reads."""
    if cause.filename is None:
        return True  # an open file; what is read raises errors of our own
    return Path(os.fsdecode(cause.filename)) == target or os.fsdecode(cause.filename).startswith(str(room))


def _flush(draft: Path) -> None:
    """Make sure that all of a file, or of the files in a folder, is on the disk."""
    for file in sorted(draft.rglob("*")) if draft.is_dir() else [draft]:
        if file.is_file():
            with open(file, "rb+") as handle:
                os.fsync(handle.fileno())


def _publish(draft: Path, target: Path, room: Path) -> None:
    """Give *draft* its name, in the place of what has it now."""
    if draft.is_dir():
        with contextlib.suppress(FileNotFoundError):
            os.replace(target, _old(room, target))
    os.replace(draft, target)
    if hasattr(os, "O_DIRECTORY"):  # the new name itself: a power cut must not lose it
        parent = os.open(target.parent, os.O_DIRECTORY)
        with contextlib.suppress(OSError):
            os.fsync(parent)
        os.close(parent)
