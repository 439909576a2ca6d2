"""Opening record files: what is wrong with a file is a RecordError that names it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import BinaryIO

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import open_regular, read_limited


def open_source(path: str | os.PathLike[str]) -> AbstractContextManager[BinaryIO]:
    """A file open for reading bytes; RecordError where it cannot be opened or read."""
    return open_regular(path, error=RecordError)


def read_whole(path: str | os.PathLike[str], limit: int) -> bytes:
    """All bytes of a file; RecordError where there are more than ``limit``."""
    return read_limited(path, limit, error=RecordError)
