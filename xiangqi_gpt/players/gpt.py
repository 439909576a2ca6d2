"""The GPT as a player: the likeliest legal move, or one drawn at a temperature."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from xiangqi_gpt.decoding import MoveScores, Scorer, choose
from xiangqi_gpt.model import XiangqiGPTForCausalLM
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.players.base import Analysis, Limit, Line, PlayResult, Value, legal_moves_or_error
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.errors import PlayerError

BUNDLED = "assets/model"


def bundled_model() -> Path:
    """The directory of the model that comes with the package."""
    return resource_path(BUNDLED)


@lru_cache(maxsize=4)
def _load(directory: Path, modified: float) -> XiangqiGPTForCausalLM:
    return load_model(directory)


def open_model(model_dir: str | Path | None = None) -> XiangqiGPTForCausalLM:
    """The model in *model_dir*, or the bundled one; loaded once however often it is asked for."""
    directory = bundled_model() if model_dir is None else Path(model_dir)
    config = directory / "config.json"
    return _load(directory.resolve(), config.stat().st_mtime if config.is_file() else 0.0)


def thinking_threads() -> int:
    """How many threads to think with: all cores but one, which is left to the window."""
    return max(1, (os.cpu_count() or 2) - 1)


class GPTPlayer:
    """A GPT that plays what it says.

    *temperature* 0 plays the likeliest legal move; above it moves are drawn. With *guard* positions are not repeated
    as long as the player is not losing.
    """

    def __init__(
        self,
        model_dir: str | Path | None = None,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        device: str = "cpu",
        threads: int | None = None,
        guard: bool = True,
        name: str | None = None,
    ) -> None:
        if not 0.0 <= temperature <= 100.0:
            raise PlayerError(f"gpt: expected a temperature from 0 to 100, found {temperature!r}")
        if threads is not None and threads < 1:
            raise PlayerError(f"gpt: expected at least one thread, found {threads!r}")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
            raise PlayerError(f"gpt: expected a device that is there, found {device!r}")
        self.scorer = Scorer(open_model(model_dir), device, seed)
        self.temperature = temperature
        self.guard = guard
        self.threads = threads or thinking_threads()
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        what = "bundled" if model_dir is None else str(model_dir)
        self._name = name or f"gpt({what}, temperature={temperature:g})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def deterministic(self) -> bool:
        return self.temperature <= 0

    def scores(self, board: Board) -> MoveScores:
        """The exact scores of all legal moves; PlayerError where there are none."""
        legal_moves_or_error(board)
        torch.set_num_threads(self.threads)
        return self.scorer.score(board)

    def play(self, board: Board, limit: Limit) -> PlayResult:
        scores = self.scores(board)
        index = choose(board.copy(), scores, temperature=self.temperature, rng=self._rng, guard=self.guard)
        return PlayResult(scores.moves[index], as_analysis(scores))

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        return as_analysis(self.scores(board), multipv)

    def new_game(self) -> None:
        self.scorer.forget()

    def close(self) -> None:
        self.scorer.forget()


def as_analysis(scores: MoveScores, multipv: int | None = None) -> Analysis:
    """Scores as the lines that people and protocols read, likeliest first."""
    lines = tuple(
        Line((scores.moves[i],), prob=float(scores.probs[i]), logprob=float(scores.logprobs[i]))
        for i in scores.ranked()[:multipv]
    )
    win, draw, loss = (float(p) for p in scores.value)
    return Analysis(lines, Value(win, draw, loss), scores.leak)
