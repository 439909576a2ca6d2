"""Evenings in a real window, by real mouse and key events.

The first: play, branch, save, a crash, resume, open another file. The second: set up a position, lose, review, branch,
play on, save, a crash, resume, open a collection and a game of it.
"""

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

from tests.library.games import write_pgn
from xiangqi_gpt.gui.window_layout import make_layout
from xiangqi_gpt.library import collect
from xiangqi_gpt.records import read_games
from xiangqi_gpt.rules import parse_square

ImageGrab = pytest.importorskip("PIL.ImageGrab")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool"
    ),
]

PLACE = (60, 40, 1180, 820)
TRAP = "r2k5/9/9/9/2P1R4/9/9/9/8r/R3K4 w"
"""Red can take a rook with check. If Red does not, Black takes a rook and mates."""
PATIENCE = 300.0  # seconds; a busy machine is slow to start players


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
        self.until(self.is_drawn, "no window")

    def is_drawn(self) -> bool:
        """Whether the window stands at its place with something in it; before that, clicks would miss it."""
        with ImageGrab.grab(xdisplay=self.environment["DISPLAY"]) as screen:
            corners = [screen.getpixel((PLACE[0] + x, PLACE[1] + y)) for x in (3, 1170) for y in (3, 810)]
        return all(corner != (0, 0, 0) for corner in corners)

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

    def game(self) -> list[str]:
        """The moves that lead to the present position, without variations."""
        if not self.saved():
            return []
        found, rows = [], self.saved()[-1]["moves"]
        number = self.saved()[-1]["live"]
        while number:
            number, move, *_ = rows[number - 1]  # type: ignore[index, operator]
            found.append(move)
        return found[::-1]

    def marks(self) -> dict[str, list[int]]:
        """The marks of moves, by move."""
        rows = self.saved()[-1]["moves"]
        return {row[1]: row[3] for row in rows if row[3]}  # type: ignore[attr-defined]

    def close(self) -> None:
        if self.program is not None:
            self.program.kill()
            self.program.wait()


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    ready, told = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-noreset", "-displayfd", str(told), "-screen", "0", "1400x950x24"],
        stderr=subprocess.DEVNULL,
        pass_fds=[told],
    )
    os.close(told)
    with os.fdopen(ready) as numbers:  # it names the display once it can be used
        found = Evening(f":{numbers.readline().strip()}", tmp_path)
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


def test_an_evening_with_a_lost_game(evening: Evening) -> None:
    collect([write_pgn(evening.home)], evening.home / "games.db")
    evening.start()
    evening.do("key", "e")
    evening.do("key", "ctrl+BackSpace")
    evening.do("type", TRAP)
    evening.do("key", "Return")
    evening.squares("c5", "c6")
    evening.until(lambda: evening.game() == ["c5c6", "a9a0"], "the opponent does not mate")
    evening.until(lambda: evening.saved()[-1]["over"] is True, "the end is not kept")

    evening.do("key", "r")
    evening.until(lambda: evening.marks() == {"c5c6": [4]}, "the review does not mark the mistake")

    evening.do("key", "Home")
    evening.squares("a0", "a9")
    evening.do("key", "b")
    evening.until(lambda: evening.game() == ["a0a9", "d9d8"], "the game is not played on")
    evening.do("key", "ctrl+shift+s")
    evening.do("key", "ctrl+BackSpace")
    evening.do("type", "lost.pgn")
    evening.do("key", "Return")
    evening.until(lambda: bool(list(evening.home.rglob("lost.pgn"))), "not saved")
    (path,) = evening.home.rglob("lost.pgn")
    (record,) = read_games(path)
    assert [move.iccs for move in record.moves[:2]] == ["a0a9", "d9d8"]
    (lost,) = (v for v in record.notes[1].variations if v.moves[0].iccs == "c5c6")
    assert lost.moves[1].iccs == "a9a0"
    assert lost.notes[1].nags == (4,)

    assert evening.program is not None
    evening.program.send_signal(signal.SIGKILL)
    evening.program.wait()
    evening.start()
    evening.do("key", "Return")
    evening.squares("e5", "e6")
    evening.until(lambda: evening.game()[:3] == ["a0a9", "d9d8", "e5e6"], "the game does not go on")
    evening.until(lambda: len(evening.game()) == 4, "the opponent does not answer")

    evening.do("key", "ctrl+o")
    evening.do("key", "ctrl+BackSpace")
    evening.do("type", str(evening.home / "games.db"))
    evening.do("key", "Return")
    evening.do("key", "ctrl+f")
    evening.do("type", "C45")
    wanted = ["h2e2", "h9g7", "h0g2", "i9h9", "i0h0"]

    def is_opened() -> bool:
        evening.do("key", "Return")  # it does nothing until the game is found
        return evening.game() == wanted

    evening.until(is_opened, "the game of the collection is not opened")
    evening.do("key", "ctrl+q")
    assert evening.program.wait(PATIENCE) == 0
    settings = json.loads((evening.home / "config" / "xiangqi-gpt" / "play.json").read_text())
    assert settings["collection"] == str(evening.home / "games.db")
