"""The prefix tree and its cursor, against brute force over the sequences themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiangqi_gpt.tokens import TokenTrie

SEQUENCES = [(1, 2), (1, 3), (4, 2, 2), (5,)]


def tree() -> TokenTrie[str]:
    return TokenTrie((s, "".join(map(str, s))) for s in SEQUENCES)


def test_cursor_walks_to_values() -> None:
    cursor = tree().cursor()
    assert cursor.allowed() == [1, 4, 5]
    assert not cursor.is_complete()
    cursor.advance(1)
    assert cursor.allowed() == [2, 3]
    other = cursor.fork()
    cursor.advance(3)
    other.advance(2)
    assert (cursor.value, other.value) == ("13", "12")
    assert cursor.is_complete()
    assert cursor.allowed() == []


def test_cursor_refuses_what_may_not_follow() -> None:
    cursor = tree().cursor()
    with pytest.raises(ValueError, match=r"token id 2 may not follow \[\], allowed: \[1, 4, 5\]"):
        cursor.advance(2)
    cursor.advance(4)
    with pytest.raises(ValueError, match="not a complete sequence"):
        _ = cursor.value
    assert cursor.allowed() == [2]


def test_empty_tree_has_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no legal move"):
        TokenTrie[str]().cursor().allowed()


@pytest.mark.parametrize("bad", [(1,), (1, 2), (1, 2, 3), ()])
def test_prefix_freedom_is_kept(bad: tuple[int, ...]) -> None:
    trie = tree()
    with pytest.raises(ValueError, match=r"prefix|twice|at least one"):
        trie.add(bad, "x")


@given(st.sets(st.lists(st.integers(0, 3), min_size=3, max_size=3).map(tuple), min_size=1))
def test_allowed_equals_brute_force(sequences: set[tuple[int, ...]]) -> None:
    trie = TokenTrie((s, s) for s in sorted(sequences))
    assert len(trie) == len(sequences)
    for sequence in sequences:
        cursor = trie.cursor()
        for i, token in enumerate(sequence):
            assert set(cursor.allowed()) == {s[i] for s in sequences if s[:i] == sequence[:i]}
            cursor.advance(token)
        assert cursor.value == sequence
        assert trie.path(cursor.node) == list(sequence)
    assert {trie.path(node)[0] for node in trie.inner_nodes() if trie.depths[node] == 1} == {
        s[0] for s in sequences
    }
