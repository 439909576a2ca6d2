"""Each fault of an engine, over both transports: named, bounded in time and memory, nothing left behind."""

from __future__ import annotations

import asyncio.base_subprocess
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engines.faults import bad_engine, ends, is_running
from xiangqi_gpt.engines.client import EngineClient
from xiangqi_gpt.engines.pipes import PipeEngine
from xiangqi_gpt.engines.spec import EngineSpec, Limit
from xiangqi_gpt.players import PlayerCrashError, PlayerError, PlayerIllegalMoveError, PlayerTimeoutError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.teacher.teacher_engine import BadEngineAnswerError, Game, TeacherEngine

PROTOCOLS = ("uci", "ucci", "cecp")
Ask = Callable[[], object]


@contextmanager
def client(spec: EngineSpec) -> Iterator[EngineClient]:
    engine = EngineClient(spec, "bad")
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def asking(how: str, spec: EngineSpec) -> Iterator[Ask]:
    """One question to an engine: as a player plays, as a review analyses, or as labelling asks."""
    if how == "label":
        teacher = TeacherEngine(spec)
        try:
            yield lambda: teacher.label(Game(Board(), teacher.ranks))
        finally:
            teacher.close()
        return
    with client(spec) as engine:
        if how == "play":
            yield lambda: engine.play(Board(), Limit(depth=1), "game")
        else:
            yield lambda: engine.analyse(Board(), Limit(depth=1), "game", 1)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


WAYS = [
    ("play", "uci"),
    ("analyse", "uci"),
    ("label", "uci"),
    ("play", "ucci"),
    ("label", "ucci"),
    ("play", "cecp"),
]
ways = pytest.mark.parametrize(("how", "protocol"), WAYS)


@ways
@pytest.mark.parametrize("fault", ["none", "noise", "stderr"])
def test_what_an_engine_may_do(how: str, protocol: str, fault: str) -> None:
    with within(10), asking(how, bad_engine(fault, protocol=protocol)) as ask:
        ask()
        ask()


@ways
@pytest.mark.parametrize("fault", ["illegal", "garbage", "empty"])
def test_a_bad_answer_is_reported_at_once(how: str, protocol: str, fault: str) -> None:
    with within(10), asking(how, bad_engine(fault, protocol=protocol)) as ask:
        answer = {"illegal": "move h2h8", "garbage": "move castle", "empty": "move"}[fault]
        error = BadEngineAnswerError if how == "label" else PlayerIllegalMoveError
        with pytest.raises(error, match=rf"(found|answered) '(best)?{answer}'"):
            ask()


@pytest.mark.parametrize("how", ["play", "analyse", "label"])
@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("none-given", r"bestmove \(none\)"),
        ("misspelt", "Bestmove: h2e2"),
        ("other-protocol", "move h2e2"),
    ],
)
def test_an_answer_of_no_protocol_is_reported_at_once(how: str, fault: str, answer: str) -> None:
    with within(10), asking(how, bad_engine(fault)) as ask:
        error = BadEngineAnswerError if how == "label" else PlayerIllegalMoveError
        with pytest.raises(error, match=f"(found|answered) '{answer}'"):
            ask()


@ways
def test_death_is_reported_with_the_last_words(how: str, protocol: str) -> None:
    with within(10), asking(how, bad_engine("crash", protocol=protocol)) as ask:
        with pytest.raises(PlayerCrashError, match=r"exit code:? 3\).*its last words: 'out of ideas'"):
            ask()
        with pytest.raises(PlayerCrashError):
            ask()


@ways
def test_silence_ends_in_time(how: str, protocol: str) -> None:
    spec = bad_engine("hang", protocol=protocol, timeout=1.0)
    with (
        within(10),
        asking(how, spec) as ask,
        pytest.raises(PlayerTimeoutError, match="silence in"),
    ):
        ask()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_engine_that_never_greets_is_refused(protocol: str) -> None:
    with within(10), pytest.raises(PlayerError, match=r"no answer to '(uci|ucci|xboard)'|lacks|declare"):
        EngineClient(bad_engine("mute", protocol=protocol, timeout=0.5), "bad")


@ways
@pytest.mark.parametrize(("fault", "last"), [("flood", "(info|3 17 1)"), ("endless-line", "")])
def test_a_flood_without_an_answer_is_named(how: str, protocol: str, fault: str, last: str) -> None:
    with (
        within(15),
        asking(how, bad_engine(fault, protocol=protocol, timeout=1.0)) as ask,
        pytest.raises(PlayerTimeoutError, match=rf"\d MB of other output, the last line '{last}"),
    ):
        ask()


@pytest.mark.parametrize(("how", "protocol"), [("analyse", "uci"), ("label", "uci"), ("play", "cecp")])
@pytest.mark.parametrize("fault", ["flood-then-answer", "long-line-then-answer"])
def test_a_flood_is_bounded_in_memory(how: str, protocol: str, fault: str) -> None:
    with within(30), asking(how, bad_engine(fault, protocol=protocol)) as ask:
        tracemalloc.start()
        try:
            ask()
            assert tracemalloc.get_traced_memory()[1] < 15e6  # of 40 MB that the engine prints
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(("how", "protocol"), [("play", "uci"), ("label", "uci"), ("play", "cecp")])
def test_an_engine_that_ignores_quit_is_killed(how: str, protocol: str) -> None:
    with within(10), asking(how, bad_engine("stubborn", protocol=protocol)) as ask:
        ask()


def child_of(folder: Path) -> int:
    return int((folder / "child").read_text())


@pytest.mark.parametrize(("how", "protocol"), [("play", "uci"), ("label", "uci"), ("play", "cecp")])
@pytest.mark.parametrize("fault", ["parent", "parent-stubborn"])
def test_what_an_engine_has_started_ends_with_it(how: str, protocol: str, fault: str, tmp_path: Path) -> None:
    with within(15), asking(how, bad_engine(fault, protocol=protocol, folder=tmp_path)) as ask:
        ask()
        assert is_running(child_of(tmp_path))
    assert ends(child_of(tmp_path))


@ways
@pytest.mark.parametrize(
    ("fault", "error"), [("parent-crash", PlayerCrashError), ("parent-hang", PlayerTimeoutError)]
)
def test_what_an_engine_has_started_ends_with_a_bad_end(
    how: str, protocol: str, fault: str, error: type[PlayerError], tmp_path: Path
) -> None:
    spec = bad_engine(fault, protocol=protocol, folder=tmp_path, timeout=3.0)
    with within(15), asking(how, spec) as ask, pytest.raises(error):
        ask()
    assert ends(child_of(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="daemons leave their group by a call of POSIX")
@pytest.mark.parametrize(("how", "protocol"), [("analyse", "uci"), ("label", "uci"), ("play", "cecp")])
@pytest.mark.parametrize(("fault", "error"), [("crash", PlayerCrashError), ("hang", PlayerTimeoutError)])
def test_a_daemon_that_holds_the_pipes_keeps_nobody_waiting(
    how: str, protocol: str, fault: str, error: type[PlayerError], tmp_path: Path
) -> None:
    spec = bad_engine(f"parent-daemon-{fault}", protocol=protocol, folder=tmp_path, timeout=2.0)
    try:
        with within(12), asking(how, spec) as ask, pytest.raises(error):
            ask()
    finally:
        os.kill(child_of(tmp_path), signal.SIGKILL)


OWNER = """
import sys, time
from pathlib import Path
from tests.engines.faults import bad_engine
from xiangqi_gpt.engines.client import EngineClient
from xiangqi_gpt.engines.pipes import PipeEngine
spec = bad_engine("parent-stubborn", folder=Path(sys.argv[2]))
engine = (EngineClient if sys.argv[1] == "client" else PipeEngine)(spec, "bad")
print("ready", flush=True)
if sys.argv[3] == "sleep":
    time.sleep(60)
"""


def owner(transport: str, folder: Path, how: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, transport, str(folder), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("transport", ["client", "pipes"])
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_no_engine_outlives_a_killed_owner(transport: str, number: str, tmp_path: Path) -> None:
    with owner(transport, tmp_path, "sleep") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        child = child_of(tmp_path)
        assert is_running(child)
        process.send_signal(getattr(signal, number))
    assert ends(child)


@pytest.mark.parametrize("transport", ["client", "pipes"])
def test_a_forgotten_engine_does_not_keep_the_interpreter(transport: str, tmp_path: Path) -> None:
    with within(20), owner(transport, tmp_path, "leave") as process:
        out, errors = process.communicate(timeout=20)
        assert (out, errors, process.returncode) == ("ready\n", "", 0)
    assert ends(child_of(tmp_path))


TALKER = """
from tests.engines.faults import bad_engine
from xiangqi_gpt.engines.client import EngineClient
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.engines.spec import Limit
import sys
engine = EngineClient(bad_engine(sys.argv[2], protocol=sys.argv[1], timeout=1.0), "bad")
arguments = (Board(), Limit(depth=1), "game")
try:
    engine.play(*arguments) if sys.argv[1] == "cecp" else engine.analyse(*arguments, 1)
except ValueError:
    pass
engine.close()
"""


@pytest.mark.parametrize(
    ("protocol", "fault"),
    [
        ("uci", "stderr"),
        ("uci", "noise"),
        ("uci", "hang"),
        ("uci", "stubborn"),
        ("cecp", "noise"),
        ("cecp", "crash"),
    ],
)
def test_nothing_of_an_engine_reaches_the_terminal(protocol: str, fault: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", TALKER, protocol, fault],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_labels_are_not_asked_of_an_engine_behind_cecp() -> None:
    with pytest.raises(PlayerError, match="labels need a UCI or UCCI engine"):
        PipeEngine(bad_engine("none", protocol="cecp"), "bad")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere there are no process groups")
def test_the_exit_code_of_a_killed_engine_is_left_to_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else looks whether the process has ended takes the code, and asyncio complains on the terminal."""
    engine = EngineClient(bad_engine("hang"), "bad")
    looked: list[object] = []
    monkeypatch.setattr(
        asyncio.base_subprocess.BaseSubprocessTransport, "kill", lambda self: looked.append(self)
    )
    engine.kill()
    assert engine.returncode.result(timeout=10) == -signal.SIGKILL
    assert looked == []
