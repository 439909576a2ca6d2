"""What a conversion keeps of a game, and how it reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from xiangqi_gpt.records.record import GameRecord
from xiangqi_gpt.records.replay import Reading
from xiangqi_gpt.rules.pieces import Color

_PLACEHOLDERS: Final = frozenset(
    ("?", "-", "????.??.??", "0000-00-00", "0000.00.00", "未知", "不详", "NULL", "null")
)


class Status(str, Enum):
    """What became of one game."""

    KEPT = "kept"
    CUT = "cut"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CleanedGame:
    """The status of one game. ``record`` is what is kept of it; ``ply`` and ``reason`` are why it is not whole."""

    status: Status
    record: GameRecord | None
    file: str
    number: int
    line: int | None = None
    ply: int | None = None
    reason: str = ""
    remarks: tuple[str, ...] = ()


def clean(reading: Reading, file: str, number: int) -> CleanedGame:
    """Decide on one game of a file: a sound one is kept, a broken one cut at its first fault.

    A game of which no move is left is refused. Tags without information are dropped. Where the last move mates and
    the source gives no result, the result is filled in; a result that contradicts a mate is only noted.
    """
    error, record = reading.error, reading.record
    if record is None or not record.moves:
        reason = error.reason if error is not None else "the game has no moves"
        line, ply = (error.line, error.ply) if error is not None else (None, None)
        return CleanedGame(Status.REFUSED, None, file, number, line, ply, reason, reading.remarks)
    remarks = list(reading.remarks)
    if reading.lost is not None:
        record = _with_mate(record, reading.lost, remarks)
    tags = clean_tags(record.tags)
    if len(tags) != len(record.tags):
        record = replace(record, tags=tags)
    if error is not None:
        return CleanedGame(
            Status.CUT, record, file, number, error.line, error.ply, error.reason, tuple(remarks)
        )
    return CleanedGame(Status.KEPT, record, file, number, remarks=tuple(remarks))


def _with_mate(record: GameRecord, lost: Color, remarks: list[str]) -> GameRecord:
    result = "0-1" if lost is Color.RED else "1-0"
    if record.result == result:
        return record
    if record.result == "*":
        remarks.append(f"result {result} filled in: {lost.name_en} has no move left")
        return replace(record, result=result)
    remarks.append(f"result {record.result} as in the source, although {lost.name_en} has no move left")
    return record


def clean_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags with information."""
    return {tag: value for tag, value in tags.items() if value and value not in _PLACEHOLDERS}
