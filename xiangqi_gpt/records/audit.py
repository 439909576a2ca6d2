"""The account of a conversion: what became of every game, and the sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xiangqi_gpt.records.clean import CleanedGame, Status
from xiangqi_gpt.safe_json import format_json


@dataclass(slots=True)
class Summary:
    """The sums of a conversion. ``games`` is always the sum of the four fates.

    ``passed_over`` counts the files of the folders that have no name of a record.
    """

    files: int = 0
    unreadable: int = 0
    passed_over: int = 0
    games: int = 0
    kept: int = 0
    cut: int = 0
    duplicates: int = 0
    refused: int = 0
    dropped_fields: dict[str, int] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """Games in the output: whole ones and cut ones."""
        return self.kept + self.cut

    def count(self, status: Status) -> None:
        """Add one game."""
        self.games += 1
        if status is Status.KEPT:
            self.kept += 1
        elif status is Status.CUT:
            self.cut += 1
        elif status is Status.DUPLICATE:
            self.duplicates += 1
        else:
            self.refused += 1

    def balanced(self) -> bool:
        """Whether every game is accounted for."""
        return self.games == self.kept + self.cut + self.duplicates + self.refused

    def as_dict(self) -> dict[str, Any]:
        """The sums by name."""
        return {
            "files": self.files,
            "unreadable": self.unreadable,
            "passed_over": self.passed_over,
            "games": self.games,
            "kept": self.kept,
            "cut": self.cut,
            "duplicates": self.duplicates,
            "refused": self.refused,
            "written": self.written,
            "dropped_fields": dict(self.dropped_fields),
        }


def status_line(cleaned: CleanedGame, original: tuple[str, int] | None = None) -> str:
    """One game as a line of the report; ``original`` is the game that it is a copy or a part of."""
    entry: dict[str, Any] = {"file": cleaned.file, "game": cleaned.number, "outcome": cleaned.status.value}
    for name, value in (("line", cleaned.line), ("ply", cleaned.ply), ("reason", cleaned.reason or None)):
        if value is not None:
            entry[name] = value
    if original is not None:
        entry["duplicate_of"] = {"file": original[0], "game": original[1]}
    if cleaned.remarks:
        entry["remarks"] = list(cleaned.remarks)
    return _line(entry)


def file_line(file: str, reason: str) -> str:
    """A file of which nothing (or nothing more) could be read, as a line of the report."""
    return _line({"file": file, "outcome": "unreadable", "reason": reason})


def passed_over_line(file: str, reason: str) -> str:
    """A file of a folder that was not looked into, as a line of the report."""
    return _line({"file": file, "outcome": "passed over", "reason": reason})


def summary_line(summary: Summary) -> str:
    """The sums, as the last line of the report."""
    return _line({"summary": summary.as_dict()})


def _line(entry: Mapping[str, Any]) -> str:
    return format_json(dict(entry), ensure_ascii=False) + "\n"
