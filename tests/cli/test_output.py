"""Tables, numbers and JSON as commands print them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from xiangqi_gpt.cli.output import (
    ProgressLine,
    pairs,
    print_json,
    progress,
    report_refused,
    table,
    text_of,
)


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


def test_progress_without_a_terminal_is_a_line_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine() as line:
        for second in range(0, 100, 10):
            line.show("step", f"at {second} s", second, total=200, seconds=second)
        line.note("measured")
        line.show("step", "the last", 200, total=200, seconds=95, is_last=True)
    with ProgressLine(is_shown=False) as silent:
        silent.show("step", "at 40 s", 1, total=2, seconds=40)
        silent.note("measured")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "step  at 30 s  3 min left",
        "step  at 60 s  2 min left",
        "step  at 90 s  2 min left",
        "measured",
        "step  the last  0 min left",
    ]


def test_games_that_break_the_rules_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    report_refused([])
    report_refused([ValueError("first"), ValueError("second")], "puzzles")
    assert capsys.readouterr().err == "left out 2 puzzles that break the rules; the first: first\n"
