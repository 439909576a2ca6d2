"""An evening in a real window, by real mouse and key events: play, branch, save, a crash, resume, open another file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xiangqi_gpt.gui.window_layout import make_layout
from xiangqi_gpt.records import read_games
from xiangqi_gpt.rules import parse_square

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool"
    ),
]

PLACE = (60, 40, 1180, 820)
PATIENCE = 120.0  # seconds; a busy machine is slow to start players


class Evening:
    """A window on a display of its own, with folders of its own."""

    def __init__(self, display: str, home: Path) -> None:
        self.home = home
        self.layout = make_layout(*PLACE[2:])
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "SDL_VIDEODRIVER"},
            "DISPLAY": display,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "SDL_AUDIODRIVER": "dummy",
            "LC_ALL": "C.UTF-8",
        }
        settings = home / "config" / "xiangqi-gpt" / "play.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"window": PLACE, "language": "en", "animation_ms": 0}))
        self.program: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "xiangqi_gpt.cli.main", "play", "--player", "greedy"]
        self.program = subprocess.Popen(command, env=self.environment)
        self.until(lambda: self.has_window(), "no window")

    def has_window(self) -> bool:
        search = ["xdotool", "search", "--onlyvisible", "--class", "."]
        return bool(subprocess.run(search, env=self.environment, capture_output=True).stdout.strip())

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, otherwise
            time.sleep(0.2)

    def do(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.environment, check=True)
        time.sleep(0.3)

    def squares(self, *names: str) -> None:
        for name in names:
            x, y = self.layout.point(parse_square(name), False)
            self.do("mousemove", str(PLACE[0] + x), str(PLACE[1] + y), "click", "1")

    def saved(self) -> list[dict[str, object]]:
        """The games that are kept, oldest first."""
        files = sorted((self.home / "data" / "xiangqi-gpt" / "games").glob("*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in files]

    def moves(self) -> list[str]:
        games = self.saved()
        return [row[1] for row in games[-1]["moves"]] if games else []  # type: ignore[attr-defined]

    def close(self) -> None:
        if self.program is not None:
            self.program.kill()
            self.program.wait()


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    display = f":{90 + os.getpid() % 900}"
    server = subprocess.Popen(
        ["Xvfb", display, "-screen", "0", "1400x950x24"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(1)
    found = Evening(display, tmp_path)
    try:
        yield found
    finally:
        found.close()
        server.terminate()
        server.wait()


def test_an_evening(evening: Evening) -> None:
    evening.start()
    evening.squares("h2", "e2")
    evening.until(lambda: len(evening.moves()) == 2, "the opponent does not answer")
    evening.squares("h0", "g2")
    evening.until(lambda: len(evening.moves()) == 4, "the opponent does not answer")

    evening.do("key", "Home")
    evening.squares("b2", "e2")
    evening.until(lambda: "b2e2" in evening.moves(), "the variation is not kept")
    evening.do("key", "End")

    evening.do("key", "ctrl+shift+s")
    evening.do("key", "ctrl+BackSpace")
    evening.do("type", "evening.pgn")
    evening.do("key", "Return")
    evening.until(lambda: bool(list(evening.home.rglob("evening.pgn"))), "not saved")
    (path,) = evening.home.rglob("evening.pgn")
    (record,) = read_games(path)
    assert record.plies == 4
    assert [v.moves[0].iccs for note in record.notes.values() for v in note.variations] == ["b2e2"]

    assert evening.program is not None
    evening.program.send_signal(signal.SIGKILL)
    evening.program.wait()
    before = evening.moves()
    evening.start()
    evening.do("key", "Return")
    evening.squares("a0", "a1")
    evening.until(lambda: len(evening.moves()) == len(before) + 2, "the game does not go on")
    assert "a0a1" in evening.moves()

    other = evening.home / "other.pgn"
    other.write_text("1. C3-C4 G6-G5 *\n", encoding="utf-8")
    evening.do("key", "ctrl+o")
    evening.do("key", "ctrl+BackSpace")
    evening.do("type", str(other))
    evening.do("key", "Return")
    evening.until(lambda: evening.moves()[:2] == ["c3c4", "g6g5"], "the file is not opened")

    evening.do("key", "ctrl+q")
    assert evening.program.wait(PATIENCE) == 0
    settings = json.loads((evening.home / "config" / "xiangqi-gpt" / "play.json").read_text())
    assert settings["window"] == list(PLACE)
