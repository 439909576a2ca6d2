"""The page for browsers: its rules against the rules of the package, and games in a real browser."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.chromium import Chromium
from tools.web_page import FIRST_CHARACTER, as_characters, build, cached_runtime, page
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.gpt_player import bundled_model
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.tokens import POSSIBLE_MOVES

ROOT = Path(__file__).parents[2]
WEB = ROOT / "tools" / "web"
PERFT = json.loads((ROOT / "tests" / "rules" / "data" / "perft.json").read_text(encoding="utf-8"))
NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium")

needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def node(code: str) -> str:
    """What a module prints."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", code], capture_output=True, encoding="utf-8", cwd=WEB, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_node
def test_the_rules_of_the_page_count_as_perft_does() -> None:
    cases = [
        (case["fen"], depth, count)
        for case in PERFT
        for depth in (1, 2)
        if (count := case["perft"].get(str(depth))) is not None
    ]
    cases += [(PERFT[0]["fen"], 3, PERFT[0]["perft"]["3"])]
    code = (
        'import { Position, perft } from "./rules.mjs";\n'
        f"for (const [fen, depth] of {json.dumps([case[:2] for case in cases])})"
        " console.log(perft(new Position(fen), depth));"
    )
    assert [int(line) for line in node(code).split()] == [count for _, _, count in cases]


@needs_node
def test_the_page_knows_the_same_possible_moves_ends_and_choices() -> None:
    mate = "3k5/3R5/3R5/9/9/9/9/9/9/4K4 b - - 0 1"
    shuffle = ["a0a1", "a9a8", "a1a0", "a8a9"] * 2
    code = f"""
import {{ Position, moveText, START }} from "./rules.mjs";
import {{ possibleMoves, outcome, choose }} from "./policy.mjs";
const at = (text) => "abcdefghi".indexOf(text[0]) + 9 * text[1];
const move = (text) => at(text) * 90 + at(text.slice(2));
const found = {{ moves: [move("a0a1"), move("b0c2")], probs: [0.9, 0.1], value: [0.3, 0.4, 0.3] }};
const losing = {{ ...found, value: [0.1, 0.1, 0.8] }};
const moves = {json.dumps(shuffle[:4])}.map(move), root = new Position();
console.log(JSON.stringify([
  [...possibleMoves().keys()],
  outcome(new Position({json.dumps(mate)}), []),
  outcome(new Position(), {json.dumps(shuffle)}.map(move)),
  outcome(new Position(), []),
  outcome(new Position(START.replace("0 1", "120 90")), []),
  [choose(found, root, moves, 0), choose(losing, root, moves, 0), choose(found, root, [], 1, () => 0.95)],
  moveText(move("h2e2")),
]));"""
    possible, mated, repeated, going_on, natural, choices, text = json.loads(node(code))
    assert possible == POSSIBLE_MOVES.tolist()
    assert mated == {"winner": 0, "reason": "checkmate"}
    assert repeated == {"winner": None, "reason": "repetition"}
    assert natural == {"winner": None, "reason": "natural"}
    assert going_on is None
    assert choices == [
        1,
        0,
        1,
    ]  # a0a1 would repeat a position; a side that is losing may; a draw at temperature 1
    assert text == "h2e2"


@needs_node
def test_bytes_survive_their_way_through_characters() -> None:
    source = (WEB / "page.mjs").read_text(encoding="utf-8")
    function = source[source.index("function bytesOf") :].partition("\n}\n")[0] + "\n}\n"
    for content in (b"", b"\xff", bytes(range(256)) * 3, b"\x00" * 15, b"\x80" * 31):
        text = as_characters(content)
        assert all(FIRST_CHARACTER <= ord(c) < 0xD800 for c in text.partition(":")[2])
        printed = node(f"{function}console.log(JSON.stringify([...bytesOf({json.dumps(text)})]))")
        assert bytes(json.loads(printed)) == content


def test_the_page_is_one_module_in_two_languages() -> None:
    text = page(ROOT / "assets" / "fonts" / "XiangqiPieces-Bold.otf")
    assert "@CODE@" not in text
    assert "@FONT@" not in text
    code = text[text.index('<script type="module">') :]
    assert "import " not in code
    assert "export " not in code
    source = (WEB / "page.mjs").read_text(encoding="utf-8")
    english, chinese = source[source.index("  en: {") : source.index("const GLYPHS")].split("  zh: {")
    keys = re.findall(r"[{,]\s+(\w+): [\"(]", "{" + english)
    assert len(keys) > 20
    assert re.findall(r"[{,]\s+(\w+): [\"(]", "{" + chinese) == keys
    assert set(re.findall(r'data-text="(\w+)"', text)) <= set(keys)


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32" or CHROMIUM is None, reason="Chromium is not installed, or has no pipes here"
)
@pytest.mark.skipif(not cached_runtime().is_dir(), reason="onnxruntime-web is not in the cache")
@pytest.mark.skipif(importlib.util.find_spec("onnxscript") is None, reason="the extra onnx is not installed")
def test_a_whole_game_in_chromium_begins_as_the_policy_plays(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    assert build(tmp_path / "page", cached_runtime(), bundled_model()) < 12_000_000
    with Chromium(CHROMIUM, tmp_path / "profile", tmp_path / "errors") as browser:
        browser.open((tmp_path / "page" / "index.html").as_uri())
        browser.evaluate("window.xiangqi.ready.then(() => 0)")
        clicked = browser.evaluate(
            "(async () => { const { state, click } = window.xiangqi; click(25); click(22);"
            " while (state.moves.length < 2) await new Promise((done) => setTimeout(done, 20));"
            " return document.getElementById('moves').textContent; })()"
        )
        game = json.loads(browser.evaluate("window.xiangqi.selfPlay(400).then(JSON.stringify)"))
        assert browser.errors == []
    assert clicked.startswith("1. h2e2 ")
    board, player = Board(), create_player("gpt:lookahead=0")
    for ply, text in enumerate(game["moves"]):
        move = Move.from_iccs(text)
        assert board.is_legal(move)
        if ply < 10:
            assert player.play(board).move == move
        board.push(move)
    assert game["outcome"] is not None
