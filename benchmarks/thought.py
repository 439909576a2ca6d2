"""How fast a move is thought of, against another checkout of this project in the same process.

    python benchmarks/thought.py OTHER [--model DIR] [--table DIR] [--threads 1] [--plies 60] [--games 3]

OTHER is the folder of the other checkout. Both score the same games with the same weights, turn by turn: those in
--model, by default the ones that OTHER brings along. With --table this checkout is measured with a second model as
well. Times are processor seconds, so a machine that is busy with other things shifts them little.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

PACKAGE = "xiangqi_gpt"
SEARCHES = 12  # per limit
DESCENTS = 100


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plies", type=int, default=60)
    parser.add_argument("--games", type=int, default=3)
    parser.add_argument("--only", choices=list(QUESTIONS), help="By default all.")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    new = checkout(Path(__file__).resolve().parents[1])
    old = checkout(options.other.resolve())
    directory = options.model or options.other / "assets" / "model"
    ways: dict[str, tuple[SimpleNamespace, Any]] = {
        "old": (old, old.load_model(directory)),
        "new": (new, new.load_model(directory)),
    }
    if options.table is not None:
        ways["new, table"] = (new, new.load_model(options.table))
    games = [played_game(new, ways["new"][1], seed, options.plies) for seed in range(options.games)]
    for name, question in QUESTIONS.items():
        if options.only in (None, name):
            question(ways, games)


def checkout(folder: Path) -> SimpleNamespace:
    """What is measured of the package in *folder*; several can live in one process, each with its own modules."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == PACKAGE}
    sys.path.insert(0, str(folder))
    try:
        decoding = importlib.import_module(f"{PACKAGE}.decoding")
        assert Path(str(decoding.__file__)).is_relative_to(folder), decoding.__file__
        return SimpleNamespace(
            load_model=importlib.import_module(f"{PACKAGE}.model.checkpoint").load_model,
            Board=importlib.import_module(f"{PACKAGE}.rules.board").Board,
            Move=importlib.import_module(f"{PACKAGE}.rules.move").Move,
            Scorer=decoding.Scorer,
            SymmetricScorer=decoding.SymmetricScorer,
            Lookahead=decoding.Lookahead,
        )
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        sys.modules.update(before)


def played_game(way: SimpleNamespace, model: Any, seed: int, plies: int) -> list[str]:
    """A game of *model* with itself at temperature 1, cut off after *plies*."""
    rng, scorer, board = np.random.default_rng(seed), way.Scorer(model), way.Board()
    while board.ply < plies and board.legal_moves():
        scores = scorer.score(board)
        board.push(scores.moves[int(rng.choice(len(scores.moves), p=scores.probs))])
    return [move.iccs for move in board.move_stack]


def board_after(way: SimpleNamespace, game: list[str]) -> Any:
    board = way.Board()
    for text in game:
        board.push(way.Move.from_iccs(text))
    return board


def seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def row(title: str, unit: str, found: dict[str, float], *, more_is_better: bool) -> None:
    cells = []
    for name, value in found.items():
        over, under = (value, found["old"]) if more_is_better else (found["old"], value)
        cells.append(
            f"{name} {value:.1f}" + ("" if name == "old" or not under else f" ({over / under:.1f}x)")
        )
    print(f"{title} ({unit}): " + " | ".join(cells), flush=True)


def scorers(ways: dict[str, tuple[SimpleNamespace, Any]], precision: str) -> dict[str, Any]:
    """The scorers to compare; the old one has one precision."""
    made = {}
    for name, (way, model) in ways.items():
        scorer = way.Scorer(model) if name == "old" else way.Scorer(model, precision=precision)
        made[name] = way.SymmetricScorer(scorer)
    return made


def moves(ways: dict[str, tuple[SimpleNamespace, Any]], games: list[list[str]]) -> None:
    """The policy's next move of a game, board and mirror image."""
    for precision in ("float32", "auto"):
        asked = scorers(ways, precision)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for game in games:
            boards = {name: ways[name][0].Board() for name in ways}
            for ply, text in enumerate(game):
                for name, scorer in asked.items():
                    spent = seconds(partial(scorer.score, boards[name]))
                    if ply:
                        times[name].append(1000 * spent)
                    boards[name].push(ways[name][0].Move.from_iccs(text))
        for title, share in (("median", 50), ("99th percentile", 99)):
            found = {name: float(np.percentile(spent, share)) for name, spent in times.items()}
            row(f"next move, {precision}, {title}", "ms", found, more_is_better=False)


def lines(ways: dict[str, tuple[SimpleNamespace, Any]], games: list[list[str]]) -> None:
    """Every position of a game at once, as an evaluation does."""
    for precision in ("float32", "auto"):
        asked = scorers(ways, precision)
        spent = dict.fromkeys(ways, 0.0)
        for game in games:
            for name, scorer in asked.items():
                line = [ways[name][0].Move.from_iccs(text) for text in game]
                spent[name] += seconds(partial(scorer.score_line, ways[name][0].Board(), line))
        plies = sum(len(game) for game in games)
        row(
            f"score_line, {precision}",
            "plies/s",
            {name: plies / took for name, took in spent.items()},
            more_is_better=True,
        )


def searches(ways: dict[str, tuple[SimpleNamespace, Any]], games: list[list[str]]) -> None:
    """Descents of the lookahead: per processor second, and within limits by the clock, if the machine is quiet."""
    for limit in ({"nodes": DESCENTS}, {"seconds": 0.5}, {"seconds": 0.1}):
        counts: dict[str, list[int]] = {name: [] for name in ways}
        spent = dict.fromkeys(ways, 0.0)
        asked = {name: way.Lookahead(way.Scorer(model)) for name, (way, model) in ways.items()}
        for number in range(SEARCHES + 1):
            game = games[number % len(games)][: 4 + 4 * number]
            for name, lookahead in asked.items():
                board = board_after(ways[name][0], game)
                lookahead.forget()
                began = time.process_time()
                found = lookahead.search(board, **limit)
                if number:  # the first one warms up
                    counts[name].append(found.nodes - 1)
                    spent[name] += time.process_time() - began
        title = " ".join(f"{key} {value}" for key, value in limit.items())
        row(
            f"descents, {title}",
            "per processor second",
            {name: sum(counts[name]) / spent[name] for name in ways},
            more_is_better=True,
        )
        if "seconds" in limit:
            row(
                f"descents, {title}",
                "per search",
                {name: float(np.median(counts[name])) for name in ways},
                more_is_better=True,
            )


def agreement(ways: dict[str, tuple[SimpleNamespace, Any]], games: list[list[str]]) -> None:
    """Whether bfloat16 chooses the same move, and how far scores are from those of the other checkout."""
    old_way, old_model = ways["old"]
    old = old_way.SymmetricScorer(old_way.Scorer(old_model))
    for name, (way, model) in ways.items():
        if name == "old":
            continue
        exact = way.SymmetricScorer(way.Scorer(model))
        half = way.SymmetricScorer(way.Scorer(model, precision="bfloat16"))
        same, apart = [], 0.0
        for game in games:
            line = [way.Move.from_iccs(text) for text in game]
            one = exact.score_line(way.Board(), line)
            two = half.score_line(way.Board(), line)
            same += [a.logprobs.argmax() == b.logprobs.argmax() for a, b in zip(one, two, strict=True)]
            if model is ways["new"][1]:
                other = old.score_line(old_way.Board(), [old_way.Move.from_iccs(text) for text in game])
                apart = max(
                    apart,
                    *(float(abs(a.logprobs - b.logprobs).max()) for a, b in zip(one, other, strict=True)),
                )
        print(
            f"{name}: bfloat16 and float32 choose the same move on {100 * np.mean(same):.1f} % of {len(same)}"
        )
        if model is ways["new"][1]:
            print(f"{name}: scores in float32 are at most {apart:.1e} from the old ones")


QUESTIONS = {"moves": moves, "lines": lines, "searches": searches, "agreement": agreement}

if __name__ == "__main__":
    main()
