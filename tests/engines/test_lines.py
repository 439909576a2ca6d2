"""Lines of engines: options and thinking."""

from __future__ import annotations

import os
import threading
import time

import pytest

from xiangqi_gpt.engines.dialects import UCCI, is_no_answer
from xiangqi_gpt.engines.guard import _serve, kill_group
from xiangqi_gpt.engines.info import OutputLog, last_line, parse_info
from xiangqi_gpt.engines.options import EngineOption, parse_option
from xiangqi_gpt.engines.process import ErrorTail, split_command


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (
            "option name Skill Level type spin default 20 min -20 max 20",
            EngineOption(name="Skill Level", kind="spin", least=-20, most=20, default="20"),
        ),
        (
            "option name Style type combo default Very Solid var Very Solid var Wild",
            EngineOption(name="Style", kind="combo", choices=("Very Solid", "Wild"), default="Very Solid"),
        ),
        ("option name Clear Hash type button", EngineOption(name="Clear Hash", kind="button")),
        (
            "option name Path type string default <empty>",
            EngineOption(name="Path", kind="string", default="<empty>"),
        ),
        ("option name Odd type spin min few max " + "9" * 5000, EngineOption(name="Odd", kind="spin")),
        ("option name", EngineOption(name="option name", kind="")),
    ],
)
def test_options_are_read(line: str, option: EngineOption) -> None:
    assert parse_option(line) == option


@pytest.mark.parametrize(
    "line",
    [
        f"info depth 3 score cp {'9' * 5000} pv h2e2",
        f"info depth 3 score cp {'9' * 12} pv h2e2",
        "info multipv 0 score cp 3 pv h2e2",
        "info multipv",
        "info score cp 3 pv",
        "info score mate pv h2e2",
        "info wdl 1 2 pv h2e2",
    ],
)
def test_lines_that_nobody_should_believe(line: str) -> None:
    assert parse_info(line) is None


def test_chances_that_are_none() -> None:
    for wdl in ("0 0 0", "500 -1 501"):
        info = parse_info(f"info score cp 3 wdl {wdl} pv h2e2")
        assert info is not None
        assert info.wdl is None


def test_a_log_keeps_the_newest_lines() -> None:
    log = OutputLog()
    assert log.summary == "silence"
    for number in range(5000):
        log.add(f"info {number} {'x' * 20_000 if number == 4999 else ''}", is_thinking=True)
    assert len(log.lines) == 2048
    assert log.lines[0].startswith("info 2952 ")
    assert len(log.lines[-1]) < 10_000
    assert "of other output, the last line 'info 4999 x" in log.summary
    log.clear()
    assert (log.lines, log.summary) == ((), "silence")


@pytest.mark.parametrize(
    ("line", "is_none"),
    [
        ("bestmove h2e2", False),
        ("info string bestmove", False),
        ("moves so far", False),
        ("bestmoves", True),
        ("best move: h2e2", True),
        ("move h2e2", True),
        ("Error (unknown command): go", True),
        ("resign", True),
    ],
)
def test_what_wants_to_be_an_answer(line: str, is_none: bool) -> None:
    assert is_no_answer(line) == is_none


@pytest.mark.parametrize(
    ("uci", "ucci"),
    [
        ("uci", "ucci"),
        ("setoption name hashsize value 16", "setoption hashsize 16"),
        ("setoption name newgame", "setoption newgame"),
        ("go depth 3 movetime 250", "go depth 3 time 250 movestogo 1"),
        ("position fen 9/9 w - - 0 1 moves a0a1", "position fen 9/9 w - - 0 1 moves a0a1"),
    ],
)
def test_ucci_is_said(uci: str, ucci: str) -> None:
    assert UCCI.say(uci) == ucci


@pytest.mark.parametrize(
    ("ucci", "uci"),
    [
        ("ucciok", "uciok"),
        ("option style type combo var solid", "option name style type combo var solid"),
        ("option name Style type string", "option name Style type string"),
        ("info depth 2 score -30 pv a0a1", "info depth 2 score cp -30 pv a0a1"),
        ("info depth 2 score mate 3 pv a0a1", "info depth 2 score mate 3 pv a0a1"),
        ("bye", "bye"),
    ],
)
def test_ucci_is_heard(ucci: str, uci: str) -> None:
    assert UCCI.to_uci(ucci) == uci


def test_the_last_words_are_few() -> None:
    tail = ErrorTail()
    assert str(tail) == ""
    for _ in range(100):
        tail.add(b"x" * 10_000 + b"\nthe \xff end\n")
    assert str(tail) == "; its last words: 'the \ufffd end'"
    assert len(tail._data) <= 2000


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"\ninfo depth 3\ninf", "info depth 3"),  # killed in the middle of a line
        (b"\ninfo depth 3\n \n", "info depth 3"),
        (b"\nthinking", "thinking"),
        (b"\n \n ", ""),
        (b"", ""),
    ],
)
def test_the_last_line_is_a_whole_one(output: bytes, line: str) -> None:
    assert last_line(output) == line


def test_the_last_words_may_come_after_the_end() -> None:
    ours, theirs = os.pipe()
    tail = ErrorTail()
    tail.follow(os.fdopen(ours, "rb"))

    def speak_late() -> None:
        time.sleep(0.1)
        os.write(theirs, b"out of ideas\n")
        os.close(theirs)

    threading.Thread(target=speak_late).start()
    tail.wait()
    assert str(tail) == "; its last words: 'out of ideas'"


def test_the_guard_kills_what_was_not_released(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("xiangqi_gpt.engines.guard.kill_group", killed.append)
    _serve(["+12\n", "+13\n", "-12\n"])
    assert killed == [13]


def test_on_windows_the_whole_tree_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("os.name", "nt")
    monkeypatch.setattr("xiangqi_gpt.engines.guard.apart", dict)
    monkeypatch.setattr("subprocess.run", lambda command, **arguments: commands.append(command))
    kill_group(4711)
    assert commands == [["taskkill", "/T", "/F", "/PID", "4711"]]


def test_a_path_with_spaces_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.name", "nt")
    monkeypatch.setattr("xiangqi_gpt.engines.process.find_engine", lambda program: program)
    assert split_command('"C:\\Program Files\\fairy.exe" -x') == ("C:\\Program Files\\fairy.exe", "-x")
