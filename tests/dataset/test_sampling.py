"""What is seen how often: sources in their proportions, openings no more often than they deserve."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

import numpy as np
import pytest

from tests.training.games import games
from xiangqi_gpt.dataset.packed import Packed, PackedGames, PackedSet, pack
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.training.train_config import mix_weights


def sampler(packed: Packed, **settings: object) -> Sampler:
    given = {"plies": 5, "seed": 3, "mirror": True, **settings}
    return Sampler(packed=packed, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    """Twenty human games and ten of a teacher, of two files."""
    records = [
        dataclasses.replace(g, file="club.pgn" if g.kind == "human" else "noisy.parquet") for g in games(30)
    ]
    return pack(records)[0]


def test_sources_are_files_and_kinds(packed: PackedGames) -> None:
    assert packed.source_names == ("club/human", "noisy/teacher")
    assert packed.sources is not None
    assert np.bincount(packed.sources).tolist() == [20, 10]


@pytest.mark.parametrize(
    ("mix", "human", "teacher"),
    [
        ("", 1, 1),
        ("human=2,noisy=0.5", 2, 0.5),
        ("teacher=0", 1, 0),
        ("club/human=1.5,club=9,human=7", 1.5, 1),
    ],
)
def test_a_source_is_tiled_as_often_as_it_weighs(
    packed: PackedGames, mix: str, human: float, teacher: float
) -> None:
    assert packed.sources is not None

    def windows(order: Sampler) -> np.ndarray:
        """How many windows of each source an epoch has, in the mean."""
        seen = np.concatenate([order.epoch(epoch)[0] for epoch in range(200)])
        return np.bincount(packed.sources[seen], minlength=2) / 200

    found = windows(sampler(packed, mix=mix)) / windows(sampler(packed))
    assert found == pytest.approx([human, teacher], abs=0.05)


def test_a_mix_that_names_nothing_is_refused(packed: PackedGames) -> None:
    with pytest.raises(
        ConfigError, match=r"mix: expected some of club, club/human, human, .* found 'humans'"
    ):
        sampler(packed, mix="humans=1").epoch(0)
    with pytest.raises(ConfigError, match=r"mix: .*leaves no games to learn from"):
        sampler(packed, mix="human=0,teacher=0").epoch(0)


@pytest.mark.parametrize("text", ["human", "human=", "=1", "human=-1", "human=1,human=2", "a=nan", "a=1001"])
def test_a_mix_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"mix: expected each source once, with a weight from 0 to 1000"):
        mix_weights(text)


def opening_games(count: int, common: int = 6) -> list[GameRecord]:
    """Games of 40 plies, of which the first *common* are the same in all."""
    rng = random.Random(1)
    book = Board()
    for _ in range(common):
        book.push(book.legal_moves()[7])
    made = []
    for _ in range(count):
        board = book.copy()
        while len(board.move_stack) < 40 and board.legal_moves():
            board.push(rng.choice(board.legal_moves()))
        made.append(GameRecord(moves=tuple(board.move_stack), split="train", result="1-0"))
    return made


def test_shared_openings_are_counted_as_they_are() -> None:
    records = [*opening_games(30), *games(12)]
    packed, _ = pack(records)
    limit = 3
    shared = sampler(packed, opening_limit=limit).shared
    starts = [(r.start_fen, *r.moves) for r in records]
    for ply in (0, 1, 2, 5, 6, 7, 9, 20):
        counts = Counter(s[: ply + 1] for s in starts if len(s) > ply + 1)
        for number, start in enumerate(starts):
            if len(start) <= ply + 1:
                continue
            wanted = counts[start[: ply + 1]]
            assert shared[number, ply] == (wanted if wanted > limit else 1), (number, ply)


def test_openings_do_not_drown_the_rest() -> None:
    packed, _ = pack(opening_games(300))
    plain, limited = sampler(packed), sampler(packed, opening_limit=20)
    before, after = ([order.epoch(e)[1] for e in range(20)] for order in (plain, limited))
    all_before, all_after = np.concatenate(before), np.concatenate(after)
    # A ply that all 300 games share is worth 20 / 300; windows that begin behind the book are all kept.
    at_start = (all_after == 0).sum() / (all_before == 0).sum()
    assert at_start == pytest.approx(20 / 300, abs=0.02)
    assert (all_after >= 7).sum() == pytest.approx((all_before >= 7).sum(), rel=0.01)
    assert 1.5 * np.mean(all_after < 6) < np.mean(all_before < 6)


def test_the_order_depends_on_seed_and_epoch_alone(packed: PackedGames) -> None:
    half = packed.games // 2
    for settings in ({}, {"mix": "human=1.5,teacher=0.3"}, {"opening_limit": 2, "mix": "human=0.5"}):
        a, b = (sampler(packed, **settings).epoch(2) for _ in range(2))
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        assert not np.array_equal(a[0], sampler(packed, **settings).epoch(3)[0])
        # Shards of the same games in the same order are the same data.
        from xiangqi_gpt.dataset.compact import select

        shards = PackedSet((select(packed, np.arange(half)), select(packed, np.arange(half, packed.games))))
        c = sampler(shards, **settings).epoch(2)
        assert all(np.array_equal(x, y) for x, y in zip(a, c, strict=True))


def test_a_plain_epoch_is_what_it_always_was(packed: PackedGames) -> None:
    """Runs of older versions go on with the order that they began with."""
    rng = np.random.default_rng((3, 1))
    order = sampler(packed)
    phase = rng.integers(0, 5, packed.games)
    counts = -(-(order.lengths - order.begins + phase) // 5)
    tiled = np.repeat(np.arange(packed.games), counts)
    place = np.arange(len(tiled)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.maximum(order.begins[tiled] - phase[tiled] + place * 5, 0)
    shuffled = rng.permutation(len(tiled))
    mirrored = rng.random(len(tiled)) < 0.5
    for mine, its in zip((tiled[shuffled], first[shuffled], mirrored), order.epoch(1), strict=True):
        assert np.array_equal(mine, its)
