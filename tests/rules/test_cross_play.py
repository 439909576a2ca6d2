"""Our legal moves against those of pyffish, an independent program.

It takes over a millisecond a call, so the ordinary run compares a part of the plies.
"""

from __future__ import annotations

from random import Random

import pytest

from rules.positions import fairy, play_random


def cross_play(games: int, plies: int, seed: int, share: float) -> None:
    pyffish = pytest.importorskip("pyffish", reason="pyffish is the oracle; install the dev extra")
    for game in range(games):
        chooser = Random(game)
        for board in play_random(Random(seed + game), plies):
            if chooser.random() >= share:
                continue
            fen = board.fen()
            theirs = set(pyffish.legal_moves("xiangqi", fen, []))
            ours = {fairy(m) for m in board.legal_moves()}
            assert ours == theirs, (
                f"game {game}, {fen}: only ours {ours - theirs}, only theirs {theirs - ours}"
            )
            if chooser.random() < 0.1:
                assert board.is_check() == pyffish.gives_check("xiangqi", fen, []), fen


def test_random_games() -> None:
    cross_play(games=200, plies=60, seed=1, share=0.1)


def test_two_games_ply_by_ply() -> None:
    cross_play(games=2, plies=200, seed=5000, share=1.0)


@pytest.mark.slow
def test_random_games_ply_by_ply() -> None:
    cross_play(games=200, plies=300, seed=9000, share=1.0)
