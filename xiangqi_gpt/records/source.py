"""Opening record files, with errors that name the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from xiangqi_gpt.errors import RecordError


@contextmanager
def open_source(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file open for reading bytes; RecordError where it cannot be opened or read."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError as error:
        raise RecordError("expected a file, found nothing of that name", file=name) from error
    except OSError as error:
        raise RecordError(f"expected a file that can be read: {error.strerror}", file=name) from error


def read_whole(path: str | os.PathLike[str], limit: int) -> bytes:
    """All bytes of a file; RecordError where there are more than ``limit``."""
    with open_source(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        reason = f"expected a file of at most {limit} bytes, found a larger one"
        raise RecordError(reason, file=os.fspath(path))
    return content
