"""The legal moves of a board as arrays: inner nodes of their tree to run behind a prompt, or places in a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.views import rotated_moves
from xiangqi_gpt.tokens import POSSIBLE_MOVES, TokenTrie
from xiangqi_gpt.tokens.move_vocabulary import MOVE_NUMBER


@dataclass(frozen=True)
class PackedTree:
    """The inner nodes of a tree (neither root nor leaf), parents before children, numbered from 0.

    The logits of an inner node score its children; those of the prompt's last token score the root's.
    """

    trie: TokenTrie[Move]
    tokens: npt.NDArray[np.int64]  # (M,) the token of each node
    depths: npt.NDArray[np.int64]  # (M,) 1 for children of the root
    parents: npt.NDArray[np.int64]  # (M,) number of the parent, -1 for children of the root
    ancestors: npt.NDArray[np.bool_]  # (M, M) whether the column's node is the row's or one of its ancestors
    moves: tuple[Move, ...]  # (N,) in the order of Board.legal_moves
    texts: npt.NDArray[np.int64]  # (N, k) their tokens
    scored_by: npt.NDArray[np.int64]  # (N, k) what scores each token: 0 the prompt, 1 + i the inner node i

    @classmethod
    def of(cls, trie: TokenTrie[Move]) -> PackedTree:
        """Pack the tree of the legal moves of one board."""
        inner = trie.inner_nodes()
        number = {node: i for i, node in enumerate(inner)}
        leaves = sorted(trie.leaves(), key=lambda leaf: leaf[1].index)
        scored_by = []
        for node, _ in leaves:
            path = []
            while node:
                node = trie.parents[node]
                path.append(1 + number.get(node, -1))
            scored_by.append(path[::-1])
        parents = np.array([number.get(trie.parents[node], -1) for node in inner], np.int64)
        ancestors = np.eye(len(inner), dtype=bool)
        for i, parent in enumerate(parents):
            if parent >= 0:
                ancestors[i] |= ancestors[parent]
        return cls(
            trie=trie,
            tokens=np.array([trie.tokens[node] for node in inner], np.int64),
            depths=np.array([trie.depths[node] for node in inner], np.int64),
            parents=parents,
            ancestors=ancestors,
            moves=tuple(move for _, move in leaves),
            texts=np.array([trie.path(node) for node, _ in leaves], np.int64),
            scored_by=np.array(scored_by, np.int64),
        )

    def score(
        self, root: npt.NDArray[np.float64], inner: npt.NDArray[np.float64]
    ) -> tuple[tuple[Move, ...], npt.NDArray[np.float64]]:
        """The moves, in the order of Board.legal_moves, and the sums of the log-probabilities of their tokens.

        *root* (V,) and *inner* (M, V) hold the log-probabilities of what follows the prompt and each inner node.
        """
        rows = np.concatenate([root[None], inner])
        return self.moves, rows[self.scored_by, self.texts].sum(-1)

    def follow(self, choose: list[int]) -> Move | None:
        """The move reached by taking token ``choose[0]`` at the root and ``choose[1 + i]`` at inner node i.

        None as soon as a chosen token leaves the tree: whatever came after it, the text could not be a legal move.
        """
        cursor = self.trie.cursor()
        number = {node: i for i, node in enumerate(self.trie.inner_nodes())}
        while True:
            token = choose[0] if cursor.node == 0 else choose[1 + number[cursor.node]]
            if token not in self.trie.children[cursor.node]:
                return None
            cursor.advance(token)
            if cursor.is_complete():
                return cursor.value


@dataclass(frozen=True)
class TableMoves:
    """The legal moves of one board for a model with a table of moves: nothing has to be run behind the prompt.

    It stands where a :class:`PackedTree` without inner nodes would.
    """

    moves: tuple[Move, ...]
    places: npt.NDArray[np.int64]  # (len(moves),) among POSSIBLE_MOVES, seen by the mover
    tokens: ClassVar[npt.NDArray[np.int64]] = np.zeros(0, np.int64)
    depths: ClassVar[npt.NDArray[np.int64]] = tokens
    ancestors: ClassVar[npt.NDArray[np.bool_]] = np.zeros((0, 0), bool)

    @classmethod
    def of(cls, board: Board) -> TableMoves:
        """The legal moves of *board*."""
        moves = tuple(board.legal_moves())
        seen = rotated_moves(np.array([move.index for move in moves], np.int64), np.array(board.turn))
        return cls(moves, MOVE_NUMBER[seen])

    def score(self, logprobs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The log-probabilities of the moves, of those of special tokens and possible moves (specials + 2086)."""
        scores: npt.NDArray[np.float64] = logprobs[len(logprobs) - len(POSSIBLE_MOVES) + self.places]
        return scores

    def move_at(self, place: int) -> Move | None:
        """The legal move with number *place* among POSSIBLE_MOVES; None where it is not legal, or below 0."""
        found = np.flatnonzero(self.places == place)
        return self.moves[int(found[0])] if place >= 0 and len(found) else None

    def spoken(self, logprobs: npt.NDArray[np.float64], two_words: bool) -> Move | None:
        """The likeliest text as its speaker finds it: the square to leave first, where a move has *two_words*.

        *logprobs* (specials + 2086) are those of special tokens and moves; None where the text is no legal move.
        """
        specials = len(logprobs) - len(POSSIBLE_MOVES)
        if not two_words:
            return self.move_at(int(logprobs.argmax()) - specials)
        chances = np.exp(logprobs[specials:])
        first = np.bincount(POSSIBLE_MOVES // 90, chances, 90)
        if specials and np.exp(logprobs[:specials]).max() > first.max():
            return None
        chances[first.argmax() != POSSIBLE_MOVES // 90] = -1.0
        return self.move_at(int(chances.argmax()))
