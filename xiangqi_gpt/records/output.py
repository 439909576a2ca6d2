"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xiangqi_gpt.errors import RecordError


def check_free(path: str | os.PathLike[str], *, force: bool = False) -> None:
    """RecordError where a file must not be written under this name."""
    target = Path(path)
    if target.is_dir():
        raise RecordError("expected the name of a file to write, found a folder", file=str(path))
    if target.exists() and not force:
        raise RecordError(
            "expected a name that is free, found a file (--force overwrites it)", file=str(path)
        )
    if not target.parent.is_dir():
        raise RecordError(f"expected a folder {str(target.parent)!r}, found none", file=str(path))


@contextmanager
def fresh_file(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its name when the block ends without an error.

    Raises RecordError where ``path`` exists and ``force`` is false, or where nothing can be written there.
    After an error in the block nothing is left behind and an older file is untouched.
    """
    target = Path(path)
    check_free(path, force=force)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        reason = f"expected a folder to write to, found {error.strerror!r}"
        raise RecordError(reason, file=str(path)) from error
    os.close(handle)
    temporary = Path(name)
    try:
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        yield temporary
        if not force and target.exists():
            raise RecordError("expected a name that is free, found a file written meanwhile", file=str(path))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
