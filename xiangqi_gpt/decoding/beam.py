"""Beam search over lines of play: what would both sides say next, and next?

Every hypothesis carries its board, a cursor in the prefix tree of that board's legal moves, and its place in a batch of
states. At the end of a ply the tree is built anew from the board that has been reached.

Hypotheses are ranked by the sum of the raw log-probabilities of their tokens; nothing is renormalised on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xiangqi_gpt.decoding.frontier import Frontier
from xiangqi_gpt.decoding.scorer import Scorer
from xiangqi_gpt.decoding.tree import PackedTree
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.context import check_context
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.tokens import Cursor, legal_tree

PRUNES = ("token", "ply")
_MANY = 64  # positions scored together for the shares shown with the lines


@dataclass(frozen=True)
class BeamLine:
    """A line of play, as one hypothesis of the search ended."""

    moves: tuple[Move, ...]
    logprob: (
        float  # the sum of the raw log-probabilities of all its tokens, in nats: what lines are ranked by
    )
    probs: tuple[float, ...]  # of every move: its share among the legal moves of its position, 0..1
    ended: bool  # whether its last move mates or stalemates; a line may end before the others

    @property
    def joint(self) -> float:
        """The probability of the line, if both sides draw every move from the legal ones: the product of ``probs``."""
        return float(np.prod(self.probs))


@dataclass(frozen=True)
class _Candidate:
    """One more token of a hypothesis."""

    parent: int  # which hypothesis
    token: int
    score: float  # of the hypothesis, this token included
    cursor: Cursor[Move]  # behind this token


def _continuations(
    scores: Sequence[float], cursors: Sequence[Cursor[Move]], logprobs: np.ndarray
) -> list[_Candidate]:
    """All allowed continuations of all hypotheses; *logprobs* is (H, V)."""
    found = []
    for parent, (score, cursor) in enumerate(zip(scores, cursors, strict=True)):
        for token in cursor.allowed():
            after = cursor.fork()
            after.advance(token)
            found.append(_Candidate(parent, token, score + float(logprobs[parent, token]), after))
    return found


@dataclass(frozen=True)
class _Line:
    """A hypothesis between two plies."""

    board: Board
    moves: tuple[Move, ...]
    score: float
    probs: tuple[float, ...] = ()  # filled by the search where it knows them


def beam_search(
    scorer: Scorer,
    board: Board,
    *,
    width: int = 8,
    plies: int = 1,
    prune: Literal["token", "ply"] = "ply",
    n_best: int | None = None,
) -> list[BeamLine]:
    """The most probable lines of *plies* plies from *board*, best first: *n_best* of them, *width* by default.

    *prune* says when hypotheses are compared. ``"token"``: after every token, the classical constrained beam search,
    the same as Hugging Face's ``generate`` finds with :class:`~xiangqi_gpt.model.hf.constrained.LegalMoves`.
    ``"ply"``: after every move, each hypothesis expanded by the exact scores of all its legal moves; a wide beam is
    exhaustive then, and at width 1 every move is the most probable one.

    A line that mates or stalemates is finished and kept; it takes no place from the others. There may be fewer lines
    than *width* where there are fewer legal moves.

    Raises:
        ValueError: no legal moves.
        ConfigError: a width, number of plies or *prune* that makes no sense; a game too long for a model with
            board="none".
    """
    _check_width(width)
    if prune not in PRUNES:
        raise ConfigError(f"prune: expected one of {', '.join(PRUNES)}, found {prune!r}")
    if plies < 1:
        raise ConfigError(f"plies: expected at least 1, found {plies!r}")
    if n_best is not None and n_best < 1:
        raise ConfigError(f"n_best: expected at least 1, found {n_best!r}")
    # The last ply is predicted on the board before it.
    check_context(scorer.model.config, board.root_fen, board.ply + plies - 1)
    trees = [_tree(scorer, board)]
    if not len(trees[0].trie):
        raise ValueError(f"There are no legal moves in {board.fen()!r}: the game is over.")
    expand = _by_tokens if prune == "token" else _by_plies
    frontier, live, finished = Frontier.at(scorer, board), [_Line(board, (), 0.0)], []
    for ply in range(1, plies + 1):
        frontier, parents, texts, found = expand(frontier, live, trees, width)
        trees = [_tree(scorer, line.board) for line in found]
        finished += [line for line, tree in zip(found, trees, strict=True) if not len(tree.trie)]
        going = [i for i, tree in enumerate(trees) if len(tree.trie)]
        live, trees = [found[i] for i in going], [trees[i] for i in going]
        if not live or ply == plies:
            break
        frontier = frontier.play(
            [parents[i] for i in going], [texts[i] for i in going], [line.board for line in live]
        )
    ended = {id(line) for line in finished}
    best = sorted([*finished, *live], key=lambda line: -line.score)[: n_best or width]
    shares = [line.probs for line in best] if prune == "ply" else _shares(scorer, board, best)
    return [
        BeamLine(line.moves, line.score, probs, id(line) in ended)
        for line, probs in zip(best, shares, strict=True)
    ]


_Expanded = tuple[Frontier, list[int], list[tuple[int, ...]], list[_Line]]


def _by_tokens(frontier: Frontier, live: list[_Line], trees: list[PackedTree], width: int) -> _Expanded:
    """One ply, pruned after every token; the last token of every move is still to be run."""
    scores = [line.score for line in live]
    cursors = [tree.trie.cursor() for tree in trees]
    owners = list(range(len(live)))  # the line that every hypothesis comes from
    for _ in range(frontier.scorer.tokenizer.slots - 1):
        kept = _best(_continuations(scores, cursors, frontier.next_logprobs()), width)
        frontier = frontier.step([c.parent for c in kept], [c.token for c in kept])
        scores, cursors = [c.score for c in kept], [c.cursor for c in kept]
        owners = [owners[c.parent] for c in kept]
    kept = _best(_continuations(scores, cursors, frontier.next_logprobs()), width)
    lines = [_after(live[owners[c.parent]], c.cursor.value, c.score) for c in kept]
    return frontier, [c.parent for c in kept], [(c.token,) for c in kept], lines


def _by_plies(frontier: Frontier, live: list[_Line], trees: list[PackedTree], width: int) -> _Expanded:
    """One ply by the exact scores of all legal moves; the tokens of every move are still to be run."""
    found: list[tuple[float, int, Move, float]] = []
    for i, (tree, (root, inner)) in enumerate(zip(trees, frontier.tree_logprobs(trees), strict=True)):
        moves, sums = tree.score(root, inner)
        weights = np.exp(sums - sums.max())
        for move, logprob, share in zip(moves, sums, weights / weights.sum(), strict=True):
            found.append((live[i].score + float(logprob), i, move, float(share)))
    kept = sorted(found, key=lambda candidate: -candidate[0])[:width]
    lines = [_after(live[i], move, score, share) for score, i, move, share in kept]
    encode = frontier.scorer.tokenizer.encode
    texts = [encode(live[i].board, move) for _, i, move, _ in kept]
    return frontier, [i for _, i, _, _ in kept], texts, lines


def _after(line: _Line, move: Move, score: float, share: float | None = None) -> _Line:
    board = line.board.copy()
    board.push(move)
    probs = line.probs if share is None else (*line.probs, share)
    return _Line(board, (*line.moves, move), score, probs)


def _shares(scorer: Scorer, board: Board, lines: Sequence[_Line]) -> list[tuple[float, ...]]:
    """Of every move of every line, its share among the legal moves; positions that lines share are scored once."""
    before: dict[tuple[Move, ...], Board] = {}
    for line in lines:
        position = board.copy()
        for ply, move in enumerate(line.moves):
            before.setdefault(line.moves[:ply], position.copy())
            position.push(move)
    keys, scores = list(before), []
    for first in range(0, len(keys), _MANY):
        scores += scorer.score_many([before[key] for key in keys[first : first + _MANY]])
    known = {
        key: dict(zip(s.moves, s.probs.tolist(), strict=True)) for key, s in zip(keys, scores, strict=True)
    }
    return [tuple(known[line.moves[:ply]][move] for ply, move in enumerate(line.moves)) for line in lines]


def _tree(scorer: Scorer, board: Board) -> PackedTree:
    return PackedTree.of(legal_tree(board, scorer.tokenizer))


def _best(found: list[_Candidate], width: int) -> list[_Candidate]:
    """The *width* best candidates, best first; ties in the order they were found in."""
    return sorted(found, key=lambda candidate: -candidate.score)[:width]


def _check_width(width: int) -> None:
    if width < 1:
        raise ConfigError(f"width: expected a beam of at least 1, found {width!r}")
