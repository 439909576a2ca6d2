"""The ONNX form, run by ONNX Runtime, against the model; and the page that says how to use it."""

from __future__ import annotations

import importlib.util
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.model.onnx import export_onnx
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

PAGE = Path(__file__).parents[2] / "docs" / "compression.md"
HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
needs_onnx = pytest.mark.skipif(
    not HAS_ONNX, reason="ONNX needs .*Install it with: pip install 'xiangqi-gpt.onnx.'"
)
quiet = pytest.mark.filterwarnings("ignore")  # of the exporter, about itself


def played(plies: int, seed: int) -> Board:
    board, rng = Board(), random.Random(seed)
    for _ in range(plies):
        board.push(rng.choice(board.legal_moves()))
    return board


def example() -> Callable[..., dict[tuple[int, int], float]]:
    """The function that docs/compression.md shows."""
    found = re.search(
        r"^<!-- numpy -->\n+```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    function: Callable[..., dict[tuple[int, int], float]] = names["chances"]
    return function


def seen(move: Move, turn: int) -> tuple[int, int]:
    own = move.rotated() if turn else move
    return own.from_square, own.to_square


@needs_onnx
@quiet
def test_the_same_chances_as_the_model_by_the_code_of_the_page(tmp_path: Path) -> None:
    import onnxruntime

    model = tiny(layers=1)
    file = tmp_path / "model.onnx"
    assert export_onnx(model, file) == file.stat().st_size
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["xiangqi_gpt.tokens"]) == list(model.tokenizer.vocab)
    chances = example()
    scorer = Scorer(model)
    for board in (Board(), played(1, 0), played(7, 1), played(30, 2)):
        past, boards, moves = board.copy(), [board_features(board)], []
        while past.ply > context_start(board.ply, model.config.context_plies):
            move = past.pop()
            boards.append(board_features(past))
            moves.append(seen(move, past.turn))
        legal = [seen(move, board.turn) for move in board.legal_moves()]
        found = chances(
            session,
            np.stack([codes for codes, _ in boards[::-1]]),
            np.stack([counts for _, counts in boards[::-1]]),
            moves[::-1],
            legal,
        )
        wanted = scorer.score(board)
        assert [found[seen(move, board.turn)] for move in wanted.moves] == pytest.approx(
            wanted.probs, abs=1e-4
        )
    with pytest.raises(ModelError, match="the file exists already"):
        export_onnx(model, file)
    rounded = tmp_path / "int8.onnx"
    export_onnx(model, rounded, int8=True)
    session = onnxruntime.InferenceSession(str(rounded), providers=["CPUExecutionProvider"])
    assert sum(chances(session, *_start()).values()) == pytest.approx(1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["int8.onnx", "model.onnx"]


def _start() -> tuple[Any, ...]:
    board = Board()
    codes, counts = board_features(board)
    return codes[None], counts[None], [], [seen(move, board.turn) for move in board.legal_moves()]


@needs_onnx
def test_what_onnx_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="use an attention of the softmax family"):
        export_onnx(tiny(attention="linear"), tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="there is no folder"):
        export_onnx(tiny(), tmp_path / "nowhere" / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(HAS_ONNX, reason="the packages are here")
def test_missing_packages_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"pip install 'xiangqi-gpt\[onnx\]'"):
        export_onnx(tiny(), tmp_path / "model.onnx")
