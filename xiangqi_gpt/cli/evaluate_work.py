"""The work of each process of `evaluate`: functions that load a model or a player once and measure one item after
another. What is drawn depends on the seed and the number of an item, never on the process.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import ConfigError


def _scorer(
    model_dir: Path | None, device: str, threads: int, precision: str, style: str | None, seed: int = 0
) -> Any:
    import torch

    from xiangqi_gpt.decoding import Scorer
    from xiangqi_gpt.players.gpt_player import open_model

    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ConfigError(f"--device {device}: this machine has no such device.")
    torch.set_num_threads(threads)
    return Scorer(open_model(model_dir), device, seed, style=style, precision=precision)


def _as_played(scorer: Any, plain: bool) -> Any:
    """The scorer that players use: with both sides of the mirror if the model was trained so."""
    from xiangqi_gpt.decoding import SymmetricScorer

    return SymmetricScorer(scorer) if scorer.model.config.symmetric and not plain else scorer


def accuracy_work(
    model_dir: Path | None, device: str, threads: int, precision: str, style: str | None, plain: bool
) -> Callable[[Any], Any]:
    """Games to `GameFacts`."""
    from xiangqi_gpt.evaluation.accuracy import game_facts

    scorer = _as_played(_scorer(model_dir, device, threads, precision, style), plain)
    return lambda game: game_facts(scorer, game)


def calibration_work(
    model_dir: Path | None, device: str, threads: int, precision: str, style: str | None, plain: bool
) -> Callable[[Any], Any]:
    """Games to `GameForecasts`."""
    from xiangqi_gpt.evaluation.calibration import game_forecasts

    scorer = _as_played(_scorer(model_dir, device, threads, precision, style), plain)
    return lambda game: game_forecasts(scorer, game)


def legality_work(
    model_dir: Path | None,
    device: str,
    threads: int,
    precision: str,
    style: str | None,
    why: bool,
    off_book: int,
    seed: int,
) -> Callable[[Any], Any]:
    """(number, game) to `LegalityFacts`."""
    from xiangqi_gpt.evaluation.legality import game_legality

    def measure(item: tuple[int, Any]) -> Any:
        number, game = item
        own = _own_seed(seed, number)
        scorer = _scorer(model_dir, device, threads, precision, style, own)
        return game_legality(scorer, game, why=why, off_book=off_book, seed=own)

    return measure


def board_work(
    model_dir: Path | None, device: str, threads: int, precision: str, style: str | None, why: bool, seed: int
) -> Callable[[Any], Any]:
    """(number, board) to `LegalityFacts`."""
    from xiangqi_gpt.evaluation.legality import board_legality

    def measure(item: tuple[int, Any]) -> Any:
        number, board = item
        scorer = _scorer(model_dir, device, threads, precision, style, _own_seed(seed, number))
        return board_legality(scorer, board, why=why)

    return measure


def free_run_work(
    model_dir: Path | None, device: str, threads: int, precision: str, style: str | None, seed: int
) -> Callable[[int], Any]:
    """The number of a free-running game to its plies, and whether it ended without an illegal text."""
    from xiangqi_gpt.evaluation.legality import free_run

    return lambda number: free_run(
        _scorer(model_dir, device, threads, precision, style, _own_seed(seed, number))
    )


def _own_seed(seed: int, number: int) -> int:
    return 1_000_003 * seed + number


def puzzle_work(player: str, seed: int) -> Callable[[Any], bool]:
    """Puzzles to whether they are solved."""
    from xiangqi_gpt.evaluation.puzzles import is_solved
    from xiangqi_gpt.players import create_player

    solver = create_player(player, seed=seed)
    atexit.register(solver.close)
    return lambda puzzle: is_solved(solver, puzzle)


def make_puzzles_work(engine: str | None, seed: int, margin: float) -> Callable[[Any], Any]:
    """Games to lists of puzzles."""
    from xiangqi_gpt.evaluation.puzzle_making import puzzles_of_game
    from xiangqi_gpt.players import create_player

    asked = None if engine is None else create_player(engine, seed=seed)
    if asked is not None:
        atexit.register(asked.close)
    return lambda game: puzzles_of_game(game, engine=asked, margin=margin)
