"""Tables, numbers and JSON as commands print them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from xiangqi_gpt.cli.output import pairs, print_json, progress, table, text_of


@dataclass
class Point:
    x: int


def test_numbers() -> None:
    assert [text_of(value) for value in (None, 0.5, 12_345, "a", True)] == [
        "-",
        "0.5000",
        "12,345",
        "a",
        "True",
    ]


def test_json_of_dataclasses(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"points": [Point(1)], "name": "马"})
    assert json.loads(capsys.readouterr().out) == {"points": [{"x": 1}], "name": "马"}
    with pytest.raises(TypeError, match="no JSON for object"):
        print_json(object())


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name", "share"), [("first", "1 %"), ("x", "100 %")], title="shares")
    pairs({"games": 1200, "top1": None})
    shown = capsys.readouterr().out
    assert "│ x     │ 100 % │" in shown
    assert "│ first │   1 % │" in shown
    assert "1,200" in shown


def test_progress_stays_off_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("games", 3) as done:
        for number in range(1, 4):
            done(number)
    assert capsys.readouterr().out == ""
