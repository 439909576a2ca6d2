"""The HTML page of a review: what is in it, and that a browser shows it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evaluation.test_review import MOVES, Oracle, game
from xiangqi_gpt.evaluation.review import Reviewed, review
from xiangqi_gpt.evaluation.review_page import page, write_page
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.texts import LANGUAGES, Language

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = '</script><script>document.title="broken"</script>{{data}}<b>'


def reviewed(record: GameRecord) -> list[Reviewed]:
    return review(Oracle([0.5, 0.2, 0.45, 0.4, 0.75, 0.75], "b0c2"), record)  # type: ignore[arg-type]


def write(path: Path, record: GameRecord | None = None, language: Language = "en") -> Path:
    record = record or game(*MOVES)
    write_page(path, record, reviewed(record), reviewer="an oracle", language=language)
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_else(language: Language) -> None:
    record = replace(game(*MOVES), tags={"Red": "胡荣华", "Event": HOSTILE})
    text = page(record, reviewed(record), reviewer="an oracle", language=language)
    assert "{{" not in text.replace(
        HOSTILE.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"), ""
    )
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert text.count("<script") == 2  # the data and ours
    assert "胡荣华" in text
    assert text.count('<div class="card"') == 3
    assert text.count("data-ply=") == len(MOVES)
    assert text.count('<svg class="board') == 4
    assert len(text) < 300_000


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "review.html"
    path.write_text("mine")
    with pytest.raises(Exception, match="the file exists already"):
        write(path)
    assert path.read_text() == "mine"


def browser(tmp_path: Path, page: Path, *arguments: str, ply: int = 0) -> str:
    assert CHROMIUM is not None
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    return subprocess.run(
        [CHROMIUM, "--headless", *quiet, profile, *arguments, f"{page.as_uri()}#{ply}"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    ).stdout


def main_board(dom: str) -> str:
    return dom[dom.index('<g id="pieces">') : dom.index("<nav>")]


@pytest.mark.skipif(CHROMIUM is None, reason="the browser chromium is not installed")
def test_a_browser_shows_the_position_and_the_words(tmp_path: Path) -> None:
    path = write(tmp_path / "review.html")
    dom = browser(tmp_path, path, "--dump-dom", ply=2)
    assert 'data-ply="2"' in dom[dom.index("<body") : dom.index("<body") + 60]
    board = main_board(dom)
    assert len(re.findall("<use ", board)) == 32
    # The cannon stands on e2, the horse has moved from h9 to g7; the better move is an arrow.
    assert '<use href="#p6" x="280" y="460"' in board
    assert '<use href="#p11" x="400" y="160"' in board
    assert 'class="arrow best"' in board
    said = re.search(r'<div class="said".*?>(.*?)</div></div>', dom, re.DOTALL)
    assert said is not None
    assert "Red's points 0.20 → 0.45" in said[1]


@pytest.mark.skipif(CHROMIUM is None, reason="the browser chromium is not installed")
def test_clicks_and_keys_move_through_the_game(tmp_path: Path) -> None:
    path = write(tmp_path / "review.html")
    actions = """
      const seen = [];
      const note = () => seen.push(document.body.dataset.ply);
      byId("forward").click(); note();
      byId("end").click(); note();
      byId("back").click(); note();
      document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"})); note();
      document.querySelector("#moves button").click(); note();
      document.querySelector("[data-show='4']").click(); note();
      byId("first").click(); byId("back").click(); note();
      document.title = "seen " + seen.join(" ");
    """
    path.write_text(
        path.read_text(encoding="utf-8").replace("</body>", f"<script>{actions}</script></body>"), "utf-8"
    )
    assert "<title>seen 1 5 4 3 1 4 0</title>" in browser(tmp_path, path, "--dump-dom")


@pytest.mark.skipif(CHROMIUM is None, reason="the browser chromium is not installed")
def test_names_are_text_and_never_code(tmp_path: Path) -> None:
    path = write(tmp_path / "review.html", replace(game(*MOVES), tags={"Red": HOSTILE, "Event": HOSTILE}))
    dom = browser(tmp_path, path, "--dump-dom", ply=1)
    assert "<title>broken" not in dom
    assert len(re.findall("<use ", main_board(dom))) == 32
