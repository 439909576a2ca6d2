"""Calibration: bins and errors, recomputed position by position."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.evaluation.calibration import BINS, Calibration, measure_calibration, plot
from xiangqi_gpt.rules.board import Board


def test_bins_hold_every_position() -> None:
    model, records = tiny(initializer_range=0.3), games(9)
    result = measure_calibration(Scorer(model), records)
    said, came, sure, hits = [], [], [], []
    for game in records:
        board = Board(game.start_fen)
        for move in game.moves:
            scores = Scorer(model).score(board)
            best = scores.ranked()[0]
            if game.kind != "teacher":
                sure.append(scores.probs[best])
                hits.append(scores.moves[best] == move)
            if game.result != "*":
                red = {"1-0": 1.0, "1/2-1/2": 0.5, "0-1": 0.0}[game.result]
                said.append(scores.value[0] + 0.5 * scores.value[1])
                came.append(red if board.turn == 0 else 1 - red)
            board.push(move)
    for reliability, expected, truth in ((result.value, said, came), (result.policy, sure, hits)):
        assert reliability is not None
        places = np.digitize(expected, np.arange(1, BINS) / BINS)
        assert [b.count for b in reliability.bins] == [n for n in np.bincount(places, minlength=BINS) if n]
        error = 0.0
        for b, place in zip(reliability.bins, sorted(set(places)), strict=True):
            assert b.expected == pytest.approx(np.mean(np.array(expected)[places == place]), abs=1e-5)
            assert b.found == pytest.approx(np.mean(np.array(truth, float)[places == place]), abs=1e-9)
            error += b.count * abs(b.expected - b.found)
        assert reliability.error == pytest.approx(error / len(truth))


def test_games_without_a_result_say_nothing_of_the_value() -> None:
    records = [g for g in games(9) if g.kind != "teacher" and g.result == "*"]
    assert records
    result = measure_calibration(Scorer(tiny()), records)
    assert result.value is None
    assert result.policy is not None


def test_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    result = measure_calibration(Scorer(tiny()), games(2))
    plot(result, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    plot(Calibration(value=None, policy=result.policy), tmp_path / "b.png")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match="pip install"):
        plot(result, tmp_path / "c.png")
