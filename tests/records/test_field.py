"""Small files of the kinds that common programs write, each with what it holds (``field/cases.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from xiangqi_gpt.records.formats import read_file

from .conftest import iccs

FIELD: Final = Path(__file__).with_name("field")
CASES: Final = json.loads((FIELD / "cases.json").read_text(encoding="utf-8"))
RED_TWICE: Final = "F09_moves_then_fen.txt"
"""A composed line in which Red moves twice: the second move cannot be a ply of a game."""


@pytest.mark.parametrize("case", CASES, ids=[case["file"] for case in CASES])
def test_field(case: dict[str, Any]) -> None:
    found = list(read_file(FIELD / case["file"]))
    if "games" not in case:
        # Read whole, which is better than a refusal that names the kind.
        assert [reading.error for reading in found] == [None] * 47
        return
    assert len(found) == len(case["games"])
    for reading, game in zip(found, case["games"], strict=True):
        assert reading.record is not None
        moves = game["moves"]
        if case["file"] == RED_TWICE:
            assert reading.error is not None
            assert (reading.error.ply, moves) == (1, "b2e2 h0g2")
            assert "'h0g2': it is Black's turn" in reading.error.reason
            moves = "b2e2"
        else:
            assert reading.error is None
        assert iccs(reading.record) == moves
        assert reading.record.result == game.get("result", "*")
        if "start" in game:
            assert reading.record.start_fen.startswith(game["start"])


def test_the_library_of_2001_is_read_to_its_end() -> None:
    games = [reading.record for reading in read_file(FIELD / "F14_old_kind.cbl")]
    assert [game.number for game in games if game is not None] == list(range(1, 48))
    first = games[0]
    assert first is not None
    assert first.tags["Title"] == "让先屏风马破当头直车局  局一"
    assert (first.plies, first.result, first.from_start) == (52, "0-1", True)
    assert iccs(first).startswith("h2e2 h9g7 h0g2 b9c7 i0h0")
