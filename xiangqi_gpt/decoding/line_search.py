"""A search of every position of a game at once: what its moves were worth beside the best ones.

A search that is held to a played move is a search of the position behind it. That one serves twice, since the next move
of the game is judged from there. The positions of a chunk are searched together, so that their leaves share batches, at
a third of the cost of searches one after the other. Where a played move then looks worse than another one, both
positions are searched further.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from xiangqi_gpt.decoding.lookahead import (
    Candidate,
    Lookahead,
    LookaheadConfig,
    SearchResult,
    search_together,
)
from xiangqi_gpt.decoding.scorer import MoveScores, Scorer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

CHUNK = 16
"""Plies whose positions are searched together."""

_LEAVES = 2  # of one position in a batch; with more they would go where its search would not
_SUSPECT = 0.12  # expected result, -1..1, that a played move must lose to be looked into
_FURTHER = 2  # times as many descents more where a move is looked into


@dataclass(frozen=True)
class JudgedMove:
    """The best move of a position and the one that was played there, each with as many descents behind it."""

    best: Candidate
    played: Candidate  # the same object where the played move is the best one
    prob: float  # of the played move among the legal ones, 0..1


def search_line(
    scorer: Scorer,
    config: LookaheadConfig,
    boards: Sequence[Board],
    moves: Sequence[Move],
    scores: Sequence[MoveScores],
    *,
    nodes: int,
    plies: Collection[int],
    stop: threading.Event | None = None,
) -> Iterator[tuple[int, JudgedMove]]:
    """Judge moves of a game by searches of its positions.

    What is found of a move does not depend on which other *plies* are asked for: the chunks are always the same.

    Args:
        config: how to search; its limits, batch and guard do not count.
        boards: before each move, and after the last one.
        scores: of the positions before each move, exact.
        nodes: descents from each position, and twice as many more where a move looks bad.
        plies: of the moves to judge, 0-based.
        stop: ends the searches when it is set; what they have found so far counts.

    Yields:
        Ply and result, chunk by chunk from the end of the game to its start.
    """
    config = dataclasses.replace(config, guard=False, batch=_LEAVES, seconds=None, nodes=None, depth=None)
    for first in reversed(range(0, len(moves), CHUNK)):
        last = min(first + CHUNK, len(moves))
        if not any(first <= ply < last for ply in plies):
            continue
        known = list(scores[first : last + 1])
        if last == len(moves) and boards[last].legal_indices():
            known.append(scorer.score(boards[last]))
        chunk = _Chunk(scorer, config, boards[first : last + 1], known, stop)
        for at, judged in enumerate(chunk.judged(moves[first:last], nodes), first):
            if at in plies:
                yield at, judged


class _Chunk:
    """Positions in a row; without scores of the last one, the game has ended there."""

    def __init__(
        self,
        scorer: Scorer,
        config: LookaheadConfig,
        boards: Sequence[Board],
        scores: Sequence[MoveScores],
        stop: threading.Event | None,
    ) -> None:
        self._scorer, self._boards, self._scores, self._stop = scorer, boards, scores, stop
        self._trees = [Lookahead(scorer, config) for _ in scores]
        self._found: dict[int, SearchResult] = {}

    def judged(self, moves: Sequence[Move], nodes: int) -> list[JudgedMove]:
        """What the searches find of a move in each position but the last."""
        self._search(range(len(self._trees)), nodes)
        lost = [(one.best.value or 0.0) - (one.played.value or 0.0) for one in self._compared(moves)]
        further = {at for i, loss in enumerate(lost) if loss >= _SUSPECT for at in (i, i + 1)}
        self._search([i for i in sorted(further) if i in self._found], _FURTHER * nodes)
        return self._compared(moves)

    def _search(self, positions: Sequence[int], nodes: int) -> None:
        """*nodes* more descents from some positions, unless all is decided there."""
        open_ = [i for i in positions if i not in self._found or not self._found[i].complete]
        # The first descent of a search is its root.
        steps = [
            self._trees[i].steps(self._boards[i], nodes=nodes + 1, stop=self._stop, score=self._known(i))
            for i in open_
        ]
        self._found.update(zip(open_, search_together(self._scorer, steps), strict=True))

    def _known(self, i: int) -> Callable[[Board], MoveScores]:
        return lambda board: self._scores[i]

    def _compared(self, moves: Sequence[Move]) -> list[JudgedMove]:
        return [self._compare(i, move) for i, move in enumerate(moves)]

    def _compare(self, i: int, move: Move) -> JudgedMove:
        found, scores = self._found[i], self._scores[i]
        prob = float(scores.probs[scores.moves.index(move)])
        best, played = found.candidates[0], _behind(move, self._found.get(i + 1))
        if best.move == move or best.value is None or (played.value or 0.0) > best.value:
            best = played  # two searches with a limit disagree by a little
        return JudgedMove(best, played, prob)


def _behind(move: Move, reply: SearchResult | None) -> Candidate:
    """What *move* is worth by the search of the position behind it; None: it has ended the game, and won."""
    if reply is None:
        return Candidate(move, (move,), 0, 1.0, 1)
    answer = reply.candidates[0]
    mate = None
    if answer.mate is not None:
        mate = -answer.mate if answer.mate > 0 else 1 - answer.mate
    win, _, loss = reply.value
    return Candidate(move, (move, *answer.pv), reply.nodes, loss - win, mate)
