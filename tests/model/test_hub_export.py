"""A model repository loads and plays where this package is not installed, and gives the numbers of the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open

from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Scorer, SymmetricScorer
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.generation import prompt_ids, text_inputs
from xiangqi_gpt.model.hub_export import CODE_FILES, export_hub, read_figures
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move

ROOT = Path(__file__).parents[2]
GAME = "b2e2 b9c7 b0c2 a9b9 a0b0 h9g7 h2h6 g6g5 b0b6 c6c5 b6c6"  # longer than one context
CHECKED = ("4k4/9/9/9/9/9/9/4r4/9/3K5 w - - 0 1", "3k5/2P1P4/9/9/9/9/9/9/9/4K4 b - - 7 1", START_FEN)

OUTSIDE = """
import json, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "xiangqi_gpt":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
folder, game = sys.argv[1:3]
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, dtype="float32").eval()
batch = tokenizer(game, return_tensors="pt")
with torch.inference_mode():
    output = model(**batch)
short = tokenizer(" ".join(game.split()[:3]), return_tensors="pt")
line = model.generate(**short, max_new_tokens=12, logits_processor=model.legal_moves())
module = sys.modules[type(model).__module__]
print(json.dumps({
    "ids": batch.input_ids.tolist(),
    "logits": output.logits[0].tolist(),
    "values": output.value_logits[0].tolist(),
    "moves": [model.move_probabilities(game, style=style) for style in ("human", "teacher")],
    "line": tokenizer.decode(line[0], skip_special_tokens=True),
    "loss": float(model(**short, labels=short.input_ids).loss),
    "text": tokenizer.decode(batch.input_ids[0]),
    "possible": module.possible_moves(),
    "legal": [sorted(map(module.move_text, module.Position(fen).legal_moves())) for fen in sys.argv[3:]],
    "packages": sorted({name.partition(".")[0] for name in sys.modules} & {"xiangqi_gpt", "numba", "chess"}),
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hub") / "model"
    figures = read_figures(ROOT / "assets" / "figures.json")
    model = tiny(styles="human+teacher", symmetric=True, initializer_range=0.1)
    export_hub(model, path, figures=figures, with_onnx=False)
    return path


def outside(arguments: list[str], folder: Path, cache: Path) -> str:
    """What a Python prints that is offline and where this package cannot be imported by its path."""
    environment = {**os.environ, "HF_MODULES_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def played(moves: str) -> Board:
    board = Board()
    for text in moves.split():
        board.push(Move.from_iccs(text))
    return board


def test_the_folder_gives_the_numbers_of_the_package(folder: Path, tmp_path: Path) -> None:
    found = json.loads(outside(["-c", OUTSIDE, str(folder), GAME, *CHECKED], folder, tmp_path))
    assert found["packages"] == []
    model, board = load_model(folder), played(GAME)
    assert found["ids"] == prompt_ids(model.tokenizer, board).tolist()
    assert found["text"] == "<bos> " + GAME
    with torch.inference_mode():
        wanted = model(**text_inputs(model, prompt_ids(model.tokenizer, board)))
    torch.testing.assert_close(torch.tensor(found["logits"]), wanted.logits[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.tensor(found["values"]), wanted.value_logits[0], rtol=1e-4, atol=1e-4)
    for style, moves in zip(("human", "teacher"), found["moves"], strict=True):
        scores = SymmetricScorer(Scorer(model, style=style)).score(board)
        chances = dict(moves)
        shares = [chances[move.iccs] for move in scores.moves]
        assert len(chances) == len(shares)
        probs = scores.probs / scores.probs.sum()
        assert shares == pytest.approx(list(probs), abs=1e-5)
        assert max(chances, key=chances.__getitem__) == scores.moves[int(probs.argmax())].iccs
    line = played(found["line"])  # raises nothing: every move of it is legal
    assert line.ply == 9
    assert found["line"].startswith(" ".join(GAME.split()[:3]))
    assert found["loss"] > 0
    assert [origin * 90 + goal for origin, goal in found["possible"]] == _possible()
    for fen, moves in zip(CHECKED, found["legal"], strict=True):
        assert moves == sorted(move.iccs for move in Board(fen, strict=False).legal_moves())


def _possible() -> list[int]:
    from xiangqi_gpt.tokens import POSSIBLE_MOVES

    moves: list[int] = POSSIBLE_MOVES.tolist()
    return moves


def test_legal_moves_of_the_folder_are_those_of_the_rules() -> None:
    from xiangqi_gpt.model.hf.hub.position_xiangqi_gpt import Position, move_text

    for moves in ("", GAME, "h2e2 h9g7 e2e6", "b0c2 h7e7 c2e1 e7e3"):
        board = played(moves)
        position = Position(board.fen())
        assert sorted(map(move_text, position.legal_moves())) == sorted(m.iccs for m in board.legal_moves())
    with pytest.raises(ValueError, match="ten ranks of nine points"):
        Position("9/9 w")


def test_the_folder_holds_what_a_repository_needs(folder: Path, tmp_path: Path) -> None:
    assert set(CODE_FILES) | {"config.json", "generation_config.json", "tokenizer_config.json"} <= {
        file.name for file in folder.iterdir()
    }
    card = (folder / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    figures = read_figures(ROOT / "assets" / "figures.json")
    assert front["license_name"] == figures["licence"]["name"]
    assert [each["metrics"][0]["value"] for each in front["model-index"][0]["results"]] == [
        row["value"] for row in figures["measured"]
    ]
    for text in (*figures["limits"], *figures["data"], figures["licence"]["text"]):
        assert text in card
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert int(weights.metadata()["parameters"]) == sum(
            v.numel() for v in load_model(folder).parameters()
        )
    example = (folder / "example.py").read_text(encoding="utf-8")
    assert f"```python\n{example}```" in card
    printed = outside(["example.py"], folder, tmp_path).splitlines()
    assert len(printed) == 4
    assert played(printed[-1]).ply == 6


def test_what_the_code_does_not_cover_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs tokenizer='square'; this one has 'iccs'"):
        export_hub(tiny(tokenizer="iccs"), tmp_path / "hub")
    (tmp_path / "figures.json").write_text('{"measured": [{"what": "top-1"}]}', encoding="utf-8")
    with pytest.raises(ModelError, match="a list 'measured'"):
        read_figures(tmp_path / "figures.json")
    assert not (tmp_path / "hub").exists()
