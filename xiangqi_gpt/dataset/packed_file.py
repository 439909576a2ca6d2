"""The file format of packed games: named arrays after a JSON header.

A file begins with a magic number, a version, and the header, which gives the type, shape, place and checksum of every
array. The arrays follow, aligned, so that they can be memory-mapped directly.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.dataset.packed import PackedGames
from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import open_regular
from xiangqi_gpt.safe_json import format_json, parse_json
from xiangqi_gpt.tokens.conditions import UNKNOWN_RESULT

FORMAT: Final = 1
"""The version of files and folders; other versions are not read."""

MAGIC: Final = b"XGPACK\r\n"
MAX_HEADER: Final = 1 << 24
_HEAD: Final = struct.Struct("<8sIII")  # magic, version, bytes of the header, its checksum
_ALIGN: Final = 64
_LAST_MOVE: Final = 8099

# Type and shape of every array, in units of P plies, G games, S starts and N soft entries.
SCHEMA: Final[dict[str, tuple[str, str]]] = {
    "moves": ("<u2", "P"),
    "targets": ("<u2", "P"),
    "scores": ("<i2", "P"),
    "offsets": ("<i8", "G+1"),
    "starts": ("|i1", "S,90"),
    "turns": ("|i1", "S"),
    "clocks": ("<i2", "S"),
    "start_of": ("<i4", "G"),
    "results": ("|i1", "G"),
    "strengths": ("<i2", "G,2"),
    "sources": ("<u2", "G"),
    "soft_offsets": ("<i8", "G+1"),
    "soft_plies": ("<u2", "N"),
    "soft_moves": ("<u2", "N"),
    "soft_scores": ("<i2", "N"),
}
_OPTIONAL: Final = {"strengths", "start_of", "sources"}
_SOFT: Final = {name for name in SCHEMA if name.startswith("soft_")}

Arrays = Mapping[str, npt.NDArray[Any]]


def write_arrays(
    path: Path, parts: Sequence[tuple[Mapping[str, Any], Arrays]], facts: Mapping[str, Any]
) -> int:
    """Write parts, each a header and its arrays, as one file; returns its size in bytes."""
    described: list[dict[str, Any]] = []
    at = 0
    for facts_of_part, arrays in parts:
        places = {}
        for name, array in arrays.items():
            data = np.ascontiguousarray(array)
            places[name] = {
                "type": data.dtype.str,
                "shape": list(data.shape),
                "at": at,
                "bytes": data.nbytes,
                "crc": crc32(_bytes(data)),
            }
            at = _aligned(at + data.nbytes)
        described.append({**facts_of_part, "arrays": places})
    header = format_json({**facts, "parts": described, "bytes": at}, compact=True).encode()
    with open(path, "wb") as file:
        file.write(_HEAD.pack(MAGIC, FORMAT, len(header), crc32(header)))
        file.write(header)
        for _, arrays in parts:
            for array in arrays.values():
                _pad(file)
                file.write(_bytes(np.ascontiguousarray(array)))
        _pad(file)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _bytes(array: npt.NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")


def _aligned(at: int) -> int:
    return -(-at // _ALIGN) * _ALIGN


def _pad(file: Any) -> None:
    file.write(bytes(_aligned(file.tell()) - file.tell()))


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The header of a packed file and the offset at which its arrays begin.

    Raises:
        RecordError: not a packed file, another version, or an incomplete file.
    """
    try:
        size = path.stat().st_size
        with open_regular(path, error=RecordError) as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or head[: len(MAGIC)] != MAGIC:
                raise fault(path, f"not a file of packed games: it begins with {head[: len(MAGIC)]!r}")
            _, version, length, checksum = _HEAD.unpack(head)
            if version != FORMAT:
                raise fault(path, f"expected packed games of version {FORMAT}, found version {version}")
            if length > MAX_HEADER:
                raise fault(path, f"expected a header of at most {MAX_HEADER} bytes, found {length}")
            raw = file.read(length)
    except OSError as error:
        raise fault(path, f"the file cannot be read: {error.strerror}") from error
    if len(raw) < length:
        raise fault(path, f"expected a header of {length} bytes, found {len(raw)}: the file is cut short")
    if crc32(raw) != checksum:
        raise fault(path, f"expected a header with the checksum {checksum}, found {crc32(raw)}")
    try:
        header = parse_json(raw)
        begin = _aligned(_HEAD.size + length)
        wanted = begin + header["bytes"]
        sound = isinstance(header["parts"], list) and isinstance(header["encoding"], str)
    except (ValueError, KeyError, TypeError) as error:
        raise fault(path, f"not a header of packed games: {error!r}") from error
    if not sound:
        raise fault(path, f"not a header of packed games: {str(header)[:60]!r}")
    if size != wanted:
        short = ": the file was cut short" if size < wanted else ""
        raise fault(path, f"expected {wanted} bytes, found {size}{short}")
    return header, begin


def read_arrays(
    path: Path,
) -> tuple[dict[str, Any], list[tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]]:
    """The header of a packed file, and the header and arrays of each of its parts, memory-mapped and checked."""
    header, begin = read_header(path)
    mapped = np.memmap(path, np.uint8, mode="r").view(np.ndarray)
    parts = []
    for part in header["parts"]:
        arrays = {}
        try:
            for name, place in part["arrays"].items():
                raw = mapped[begin + place["at"] : begin + place["at"] + place["bytes"]]
                if len(raw) != place["bytes"] or crc32(raw.data) != place["crc"]:
                    raise fault(
                        path, f"{name}: expected {place['bytes']} bytes with the checksum {place['crc']}, "
                        f"found {len(raw)} with {crc32(raw.data)}",
                    )  # fmt: skip
                arrays[str(name)] = raw.view(np.dtype(str(place["type"]))).reshape(place["shape"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, RecordError):
                raise
            raise fault(path, f"the header lists no arrays of packed games: {error!r}") from error
        parts.append((part, arrays))
    return header, parts


def checked(path: Path, part: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> PackedGames:
    """The games in *arrays*; RecordError if they contradict each other."""
    try:
        sizes = {
            "P": int(part["plies"]),
            "G": int(part["games"]),
            "G+1": int(part["games"]) + 1,
            "90": 90,
            "2": 2,
        }
        names = [str(name) for name in part["sources"]]
    except (KeyError, TypeError, ValueError) as error:
        raise fault(path, f"the header lacks the numbers of games and plies: {error!r}") from error
    wanted = set(SCHEMA) - _OPTIONAL - (_SOFT - set(arrays) if not _SOFT & set(arrays) else set())
    if set(arrays) - set(SCHEMA) or wanted - set(arrays):
        raise fault(
            path, f"expected the arrays {', '.join(sorted(wanted))}, found {', '.join(sorted(arrays))}"
        )
    sizes["S"] = len(arrays["starts"])
    sizes["N"] = len(arrays.get("soft_plies", ()))
    for name, array in arrays.items():
        kind, shape = SCHEMA[name]
        expected = tuple(sizes[size] for size in shape.split(","))
        if array.dtype.str != kind or array.shape != expected:
            raise fault(path, f"{name}: expected {kind} {expected}, found {array.dtype.str} {array.shape}")
    for offsets, end in (("offsets", sizes["P"]), ("soft_offsets", sizes["N"])):
        if offsets in arrays:
            bounds = arrays[offsets]
            if bounds[0] != 0 or bounds[-1] != end or (np.diff(bounds) < (offsets == "offsets")).any():
                raise fault(path, f"{offsets}: the numbers do not rise from 0 to {end}")
    limits = {
        "moves": (0, _LAST_MOVE),
        "targets": (0, _LAST_MOVE),
        "starts": (0, 14),
        "turns": (0, 1),
        "results": (-1, UNKNOWN_RESULT),
        "start_of": (0, sizes["S"] - 1),
        "sources": (0, len(names) - 1),
        "soft_moves": (0, _LAST_MOVE),
    }
    for name, (low, high) in limits.items():
        found = arrays.get(name)
        if found is not None and found.size and not (low <= found.min() and found.max() <= high):
            raise fault(
                path, f"{name}: expected numbers from {low} to {high}, found {found.min()} to {found.max()}"
            )
    return PackedGames.from_arrays(dict(arrays), names)


def fault(path: Path, reason: str) -> RecordError:
    """An error that names the file."""
    return RecordError(reason, file=str(path))
