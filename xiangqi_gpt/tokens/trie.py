"""The prefix tree of a set of token sequences, and a cursor in it.

The tree holds token ids and does not depend on models or boards. Nodes are numbered from 0, the root, in order of
insertion; a parent's number is always smaller than its children's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")


class TokenTrie(Generic[V]):
    """A prefix tree from token sequences to values.

    No sequence may be a prefix of another, or be added twice: a complete sequence always ends in a leaf.
    """

    def __init__(self, items: Iterable[tuple[Sequence[int], V]] = ()) -> None:
        self.children: list[dict[int, int]] = [{}]
        self.parents: list[int] = [-1]
        self.tokens: list[int] = [-1]
        self.depths: list[int] = [0]
        self._values: dict[int, V] = {}
        for ids, value in items:
            self.add(ids, value)

    def add(self, ids: Sequence[int], value: V) -> None:
        """Add a sequence with its value; ValueError if a sequence would become a prefix of another."""
        if not ids:
            raise ValueError("A prefix tree cannot hold an empty sequence.")
        node = 0
        for token in ids:
            if node in self._values:
                raise ValueError(f"{list(ids)} has a prefix that is already complete")
            child = self.children[node].get(token)
            if child is None:
                child = len(self.children)
                self.children[node][token] = child
                self.children.append({})
                self.parents.append(node)
                self.tokens.append(token)
                self.depths.append(self.depths[node] + 1)
            node = child
        if self.children[node] or node in self._values:
            raise ValueError(f"{list(ids)} is given twice or is a prefix of another sequence")
        self._values[node] = value

    def __len__(self) -> int:
        """Number of complete sequences in the tree."""
        return len(self._values)

    def node_count(self) -> int:
        """Number of nodes in the tree, including the root."""
        return len(self.children)

    def leaves(self) -> Iterator[tuple[int, V]]:
        """Node and value of every complete sequence, in order of insertion."""
        return iter(self._values.items())

    def inner_nodes(self) -> list[int]:
        """The nodes that are neither the root nor a leaf, parents before children."""
        return [n for n in range(1, len(self.children)) if self.children[n]]

    def path(self, node: int) -> list[int]:
        """The tokens from the root to *node*."""
        ids: list[int] = []
        while node > 0:
            ids.append(self.tokens[node])
            node = self.parents[node]
        return ids[::-1]

    def cursor(self) -> Cursor[V]:
        """A cursor at the root."""
        return Cursor(self)

    def value_at(self, node: int) -> V:
        """The value of a leaf; KeyError for other nodes."""
        return self._values[node]


class Cursor(Generic[V]):
    """A place in a tree. ``advance`` moves it, ``fork`` copies it."""

    __slots__ = ("node", "trie")

    def __init__(self, trie: TokenTrie[V], node: int = 0) -> None:
        self.trie = trie
        self.node = node

    def allowed(self) -> list[int]:
        """The ids that may come next, in order of insertion; empty exactly if the sequence is complete.

        Raises ValueError at the root of an empty tree, where no token is allowed.
        """
        ids = list(self.trie.children[self.node])
        if not ids and not self.is_complete():
            raise ValueError("the prefix tree is empty: there is no legal move in this position")
        return ids

    def advance(self, token_id: int) -> None:
        """Advance by one token; ValueError (which lists the allowed tokens) if it is not allowed here."""
        child = self.trie.children[self.node].get(token_id)
        if child is None:
            allowed = sorted(self.trie.children[self.node])
            raise ValueError(
                f"token id {token_id} may not follow {self.trie.path(self.node)}, allowed: {allowed}"
            )
        self.node = child

    def fork(self) -> Cursor[V]:
        """An independent cursor at the same place."""
        return Cursor(self.trie, self.node)

    def is_complete(self) -> bool:
        """Whether the tokens so far are a complete sequence."""
        return self.node in self.trie._values

    @property
    def value(self) -> V:
        """The value of the complete sequence; ValueError if the sequence is not complete."""
        if not self.is_complete():
            raise ValueError(f"{self.trie.path(self.node)} is not a complete sequence")
        return self.trie.value_at(self.node)
