"""Opening and reading record files; a fault of a file is a RecordError that names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import open_regular
from xiangqi_gpt.records.textlines import ByteStream


def open_source(path: str | os.PathLike[str]) -> AbstractContextManager[BinaryIO]:
    """A file open for reading bytes; RecordError where it cannot be opened or read."""
    return open_regular(path, error=RecordError)


def read_whole(
    stream: ByteStream, name: str, limit: int, on_bytes: Callable[[int], None] | None = None
) -> bytes:
    """All bytes of an open file that is called ``name`` in errors; RecordError where there are more than ``limit``."""
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise RecordError(f"expected a file of at most {limit:,} bytes, found a larger one", file=name)
    if on_bytes is not None:
        on_bytes(len(content))
    return content
