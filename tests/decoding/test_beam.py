"""Beam search over plies: against exhaustive search, against known probabilities, at the ends of games and widths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.decoding.test_scorer import after, random_line
from tests.model.tiny import MODES, SIZES, tiny
from xiangqi_gpt.decoding import Scorer, beam_search
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.gpt import XiangqiGPTOutput
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

ENDGAME = "4k4/9/9/9/4P4/9/9/9/9/3K5 w - - 0 1"  # few legal moves on both sides


@pytest.mark.parametrize(
    "changes",
    [
        {"board": "spatial"},
        {"board": "bag", "tokenizer": "iccs"},
        {"board": "bag", "tokenizer": "wxf", "attention": "local(window=6)"},
        {"board": "spatial", "tokenizer": "move"},
        {"board": "bag", "attention": "linear"},
        {"board": "bag", "tokenizer": "iccs", "attention": ["linear_exp", "full"]},
        {"board": "spatial", "condition": "result"},
    ],
    ids=lambda changes: "-".join(str(v) for v in changes.values()),
)
@pytest.mark.parametrize("context_plies", [1, 8])
def test_a_wide_beam_by_plies_is_exhaustive_two_plies_deep(
    changes: dict[str, Any], context_plies: int
) -> None:
    model = tiny(**changes, context_plies=context_plies)
    board = Board(ENDGAME)
    lines = beam_search(Scorer(model), board, width=1000, plies=2, prune="ply")
    expected = {}
    scorer = Scorer(model)
    for first, logprob, share in _scored(scorer, board):
        reached = board.copy()
        reached.push(first)
        for second, more, other in _scored(scorer, reached):
            expected[first, second] = (logprob + more, share * other)
    assert {line.moves for line in lines} == expected.keys()
    assert len(lines) == len(expected)
    for line in lines:
        assert (line.logprob, line.joint) == pytest.approx(expected[line.moves], abs=1e-4)
    assert all(a.logprob >= b.logprob for a, b in pairwise(lines))
    assert sum(line.joint for line in lines) == pytest.approx(1, abs=1e-6)


def _scored(scorer: Scorer, board: Board) -> list[tuple[Move, float, float]]:
    scores = scorer.score(board)
    return list(zip(scores.moves, scores.logprobs.tolist(), scores.probs.tolist(), strict=True))


@pytest.mark.parametrize("prune", ["token", "ply"])
@pytest.mark.parametrize("mode", MODES)
def test_lines_are_legal_distinct_and_scored_as_their_moves_are(mode: str, prune: Any) -> None:
    model = tiny(**MODES[mode])
    board = after(random_line(11), 11)
    lines = beam_search(Scorer(model), board, width=6, plies=4, prune=prune)
    assert len({line.moves for line in lines}) == len(lines) == 6
    scorer = Scorer(model)
    for line in lines:
        reached, total = board.copy(), 0.0
        for move, share in zip(line.moves, line.probs, strict=True):
            scores = scorer.score(reached)
            at = scores.moves.index(move)
            total += float(scores.logprobs[at])
            assert share == pytest.approx(scores.probs[at], abs=1e-5)
            reached.push(move)
        assert line.logprob == pytest.approx(total, abs=1e-4)
    assert board == after(random_line(11), 11)


def test_width_one_by_plies_is_the_likeliest_move_every_time() -> None:
    model = tiny()
    (line,) = beam_search(Scorer(model), Board(), width=1, plies=9)
    board = Board()
    for move in line.moves:
        scores = Scorer(model).score(board)
        assert move == scores.moves[scores.ranked()[0]]
        board.push(move)


@pytest.mark.parametrize("prune", ["token", "ply"])
def test_fewer_moves_than_the_width_are_fewer_lines(prune: Any) -> None:
    board = Board("3k5/9/9/9/9/9/9/9/9/4K4 w - - 0 1")
    count = len(board.legal_moves())
    lines = beam_search(Scorer(tiny()), board, width=50, plies=1, prune=prune)
    assert {line.moves[0] for line in lines} == set(board.legal_moves())
    assert len(lines) == count


@pytest.mark.parametrize("prune", ["token", "ply"])
def test_a_mate_ends_its_line_and_stays(prune: Any) -> None:
    board = Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1")
    mate = Move.from_iccs("b0b9")
    assert mate in board.legal_moves()
    lines = beam_search(Scorer(tiny()), board, width=3000, plies=2, prune=prune)
    ended = [line for line in lines if line.ended]
    assert mate in {line.moves[-1] for line in ended}
    for line in lines:
        reached = board.copy()
        for move in line.moves:
            reached.push(move)
        assert line.ended == (not reached.legal_moves())
        assert line.ended or len(line.moves) == 2
    assert sum(line.joint for line in lines) == pytest.approx(1, abs=1e-6)


def test_bad_input_is_refused() -> None:
    scorer = Scorer(tiny())
    with pytest.raises(ValueError, match="There are no legal moves"):
        beam_search(scorer, Board("3k5/3R5/3R5/9/9/9/9/9/9/4K4 b - - 0 1"))
    with pytest.raises(ConfigError, match="expected a beam of at least 1, found 0"):
        beam_search(scorer, Board(), width=0)
    with pytest.raises(ConfigError, match="plies: expected at least 1, found 0"):
        beam_search(scorer, Board(), plies=0)
    prune: Any = "never"
    with pytest.raises(ConfigError, match="expected one of token, ply, found 'never'"):
        beam_search(scorer, Board(), prune=prune)
    scorer = Scorer(tiny(**MODES["none"]))
    with pytest.raises(ConfigError, match="must see the whole game: expected at most 59 plies, found 60"):
        beam_search(scorer, after(random_line(58), 58), plies=3)
    assert beam_search(scorer, after(random_line(58), 58), plies=2, width=2)
    with pytest.raises(ConfigError, match="expected a game from the standard start"):
        beam_search(scorer, Board(ENDGAME), plies=1)


@dataclass(frozen=True)
class NoState:
    length: int

    def reorder(self, index: Tensor) -> NoState:
        return self


class Table(XiangqiGPT):
    """Says what a table of P(next token | last token) says: all that the classical example needs."""

    table: dict[tuple[str, str], float]

    def forward(self, input_ids: Tensor, slots: Tensor, **rest: Any) -> XiangqiGPTOutput:  # type: ignore[override]
        vocab = self.tokenizer.vocab
        logits = torch.full((*input_ids.shape, len(vocab)), -50.0)
        for place in np.ndindex(*input_ids.shape):
            last = vocab.token(int(input_ids[place])) if slots[place] == 0 else ""
            for (before, token), share in self.table.items():
                if before == last:
                    logits[(*place, vocab.id(token))] = math.log(share)
        states = tuple(NoState(0) for _ in rest.get("states") or ())
        return XiangqiGPTOutput(logits=logits, value_logits=torch.zeros(*input_ids.shape, 3), states=states)


@pytest.mark.parametrize(("width", "expected"), [(1, "ab"), (2, "cd")])
def test_a_beam_of_two_finds_what_greed_misses(width: int, expected: str) -> None:
    """p(a) .6, p(c) .4; p(b|a) .55, p(d|a) .45; p(b|c) .1, p(d|c) .9: ab has .33, cd .36."""
    board = Board("3k5/9/9/8R/9/9/9/9/R8/4K4 w - - 0 1")
    # Rooks a1 and i6: a = a1, c = i6; both reach one square b and one square d.
    squares = {"a": "a1", "c": "i6", "b": "a6", "d": "i1"}
    torch.manual_seed(0)
    model = Table(XiangqiGPTConfig(**{**SIZES, "board": "bag"}))
    model.table = {
        (squares.get(before, ""), squares[token]): share
        for (before, token), share in {
            ("", "a"): 0.6,
            ("", "c"): 0.4,
            ("a", "b"): 0.55,
            ("a", "d"): 0.45,
            ("c", "b"): 0.1,
            ("c", "d"): 0.9,
        }.items()
    }
    text = squares[expected[0]] + squares[expected[1]]
    best = beam_search(Scorer(model), board, width=width, prune="token")[0]
    assert best.moves[0].iccs == text
    assert math.exp(best.logprob) == pytest.approx({"ab": 0.33, "cd": 0.36}[expected], abs=1e-4)
    # Exact scores of all moves need no beam to find it.
    assert beam_search(Scorer(model), board, width=1, prune="ply")[0].moves[0].iccs == "i6i1"
