"""The prefix tree of legal moves as arrays, ready to be run behind a prompt in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.tokens import TokenTrie


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

    @classmethod
    def of(cls, trie: TokenTrie[Move]) -> PackedTree:
        """Pack the tree of the legal moves of one board."""
        inner = trie.inner_nodes()
        number = {node: i for i, node in enumerate(inner)}
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
        )

    def score(
        self, root: npt.NDArray[np.float64], inner: npt.NDArray[np.float64]
    ) -> tuple[list[Move], npt.NDArray[np.float64]]:
        """The moves and the sums of the log-probabilities of their tokens.

        *root* (V,) and *inner* (M, V) hold the log-probabilities of what follows the prompt and each inner node.
        """
        trie = self.trie
        rows = {0: root, **{node: inner[i] for i, node in enumerate(trie.inner_nodes())}}
        sums = {0: 0.0}
        for node in range(1, trie.node_count()):
            parent = trie.parents[node]
            sums[node] = sums[parent] + float(rows[parent][trie.tokens[node]])
        leaves = list(trie.leaves())
        return [move for _, move in leaves], np.array([sums[node] for node, _ in leaves], np.float64)

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
