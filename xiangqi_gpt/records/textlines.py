"""Lines of a text file as bytes, with bounded memory whatever the file holds."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol

MAX_LINE: Final = 1 << 20
"""Longest line taken, in bytes."""

_CHUNK: Final = 1 << 17
_UTF16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class ByteStream(Protocol):
    """What is needed of an open file."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""
        ...


class Line(NamedTuple):
    """One line without its end. ``whole`` is false where it was longer than `MAX_LINE` and has been cut."""

    number: int
    raw: bytes
    whole: bool = True


class TextLines:
    """Iterates over the lines of a stream.

    Ends of line are LF, CR LF or CR. A byte order mark is taken off; text with a UTF-16 mark comes as UTF-8,
    and ``marked``: a byte order mark has decided the encoding.
    """

    def __init__(self, stream: ByteStream, on_bytes: Callable[[int], None] | None = None) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._first = self._read()
        self._decoder: codecs.IncrementalDecoder | None = None
        self.marked = False
        if self._first.startswith(codecs.BOM_UTF8):
            self._first = self._first[len(codecs.BOM_UTF8) :]
            self.marked = True
        elif self._first[:2] in _UTF16:
            self._decoder = codecs.getincrementaldecoder(_UTF16[self._first[:2]])("replace")
            self._first = self._first[2:]
            self.marked = True

    def _read(self) -> bytes:
        chunk = self._stream.read(_CHUNK)
        if chunk and self._on_bytes is not None:
            self._on_bytes(len(chunk))
        return chunk

    def _chunks(self) -> Iterator[bytes]:
        chunk = self._first
        self._first = b""
        while chunk:
            if self._decoder is not None:
                # A lone surrogate cannot be written as UTF-8: it becomes a question mark.
                chunk = self._decoder.decode(chunk).encode("utf-8", "replace")
            yield chunk
            chunk = self._read()
        if self._decoder is not None:
            yield self._decoder.decode(b"", final=True).encode("utf-8", "replace")

    def __iter__(self) -> Iterator[Line]:
        number = 0
        pending = b""
        skipping = False  # inside a line that has been cut already
        for chunk in self._chunks():
            if len(pending) > MAX_LINE:
                if not skipping:
                    number += 1
                    yield Line(number, pending[:MAX_LINE], False)
                skipping = True
                pending = pending[-1:]  # it may be the CR of an end of line
            parts = (pending + chunk).splitlines(keepends=True)
            pending = b""
            # The last part may continue in the next chunk, and so may a CR whose LF has not come yet.
            if parts and not parts[-1].endswith(b"\n"):
                pending = parts.pop()
            for part in parts:
                if skipping:
                    skipping = False
                    continue
                number += 1
                raw = part.rstrip(b"\r\n")
                yield Line(number, raw[:MAX_LINE], len(raw) <= MAX_LINE)
        if pending and not skipping:
            raw = pending.rstrip(b"\r\n")
            yield Line(number + 1, raw[:MAX_LINE], len(raw) <= MAX_LINE)
