"""`generate` under the tree of legal moves, and our beam search: the same lines with the same scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.decoding.test_beam import ENDGAME
from tests.decoding.test_scorer import after, random_line
from tests.model.tiny import MODES, tiny
from xiangqi_gpt.decoding import Scorer, beam_search
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM
from xiangqi_gpt.model.hf.constrained import LegalMoves, generate_lines, prefix_allowed_tokens, prompt_ids
from xiangqi_gpt.rules.board import Board


@pytest.mark.parametrize(
    ("changes", "width", "plies"),
    [
        ({"board": "spatial"}, 4, 3),
        ({"board": "spatial"}, 1, 2),
        ({"board": "spatial", "context_plies": 2}, 3, 3),
        ({"board": "bag", "tokenizer": "chinese"}, 5, 2),
        ({"board": "bag", "tokenizer": "move", "attention": "linear"}, 3, 2),
        ({**MODES["none-iccs"]}, 4, 2),
        ({"board": "bag", "condition": "result+strength"}, 3, 2),
    ],
    ids=str,
)
def test_generate_finds_what_our_beam_by_tokens_finds(
    changes: dict[str, Any], width: int, plies: int
) -> None:
    model = tiny(**changes)
    board = after(random_line(9), 9)
    expected = beam_search(Scorer(model), board, width=width, plies=plies, prune="token")
    found = generate_lines(model, board, width=width, plies=plies)
    assert [moves for moves, _ in found] == [line.moves for line in expected]
    assert [score for _, score in found] == pytest.approx([line.logprob for line in expected], abs=1e-4)
    by_function = generate_lines(
        model,
        board,
        width=width,
        plies=plies,
        prefix_allowed_tokens_fn=prefix_allowed_tokens(model.tokenizer, board.root_fen),
    )
    assert [moves for moves, _ in by_function] == [moves for moves, _ in found]
    assert [score for _, score in by_function] == pytest.approx([score for _, score in found], abs=1e-5)


def test_as_many_beams_as_moves_rank_all_moves() -> None:
    model = tiny(seed=3)
    board = after(random_line(6), 6)
    scores = Scorer(model).score(board)
    found = generate_lines(model, board, width=len(scores.moves))
    assert [moves for moves, _ in found] == [(scores.moves[i],) for i in scores.ranked()]


def test_a_finished_line_keeps_its_score_and_fewer_moves_are_fewer_lines() -> None:
    board = Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1")
    model = tiny(board="bag")
    found = generate_lines(model, board, width=200, plies=2)
    expected = beam_search(Scorer(model), board, width=200, plies=2, prune="token")
    assert any(line.ended for line in expected)
    assert {moves for moves, _ in found} == {line.moves for line in expected}
    scores = {line.moves: line.logprob for line in expected}
    assert all(score == pytest.approx(scores[moves], abs=1e-4) for moves, score in found)


def test_sampling_by_generate_is_legal_and_survives_a_directory(tmp_path: Path) -> None:
    model = tiny()
    model.save_pretrained(tmp_path)
    model = XiangqiGPTForCausalLM.of(load_model(tmp_path))
    board = Board(ENDGAME)
    prompt = prompt_ids(model.tokenizer, board)
    torch.manual_seed(0)
    pad = model.tokenizer.vocab.pad_id
    ids: Any = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        root_fen=board.root_fen,
        logits_processor=[LegalMoves(model.tokenizer, board.root_fen)],
        do_sample=True,
        num_return_sequences=5,
        max_new_tokens=6,
        eos_token_id=pad,
        pad_token_id=pad,
    )
    for row in ids[:, prompt.shape[1] :].tolist():
        played = board.copy()
        for first in range(0, len(row), 2):
            if row[first] == pad:
                break
            move = model.tokenizer.decode(played, row[first : first + 2])
            assert played.is_legal(move)
            played.push(move)
    # Unmasked words may be no moves at all; generate goes on all the same.
    ids = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), root_fen=board.root_fen, max_new_tokens=7,
        do_sample=False, eos_token_id=None,
    )  # fmt: skip
    assert ids.shape == (1, prompt.shape[1] + 7)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="There are no legal moves"):
        generate_lines(tiny(), Board("3k5/3R5/3R5/9/9/9/9/9/9/4K4 b - - 0 1"))
    with pytest.raises(ConfigError, match="must see the whole game"):
        generate_lines(tiny(**MODES["none"]), Board(ENDGAME))
