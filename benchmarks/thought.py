"""How fast a move is thought of, against another checkout of this project.

    python benchmarks/thought.py OTHER [--model DIR] [--table DIR] [--threads 1] [--plies 60] [--games 3]

OTHER is the folder of the other checkout. Both score the same games with the same weights, turn by turn: those in
--model, by default the ones that OTHER brings along. With --table this checkout is measured with a second model as
well, and with --int8 also in eight bits (extra `fast`). Every way has a process of its own, which imports its own
checkout; OTHER needs its own requirements (transformers, for one from before the light core). Times are processor
seconds, so a machine that is busy with other things shifts them little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEARCHES = 12  # per limit
DESCENTS = 100


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plies", type=int, default=60)
    parser.add_argument("--games", type=int, default=3)
    parser.add_argument("--only", choices=list(QUESTIONS), help="By default all.")
    options = parser.parse_args()
    here, other = Path(__file__).resolve().parents[1], options.other.resolve()
    directory = (options.model or other / "assets" / "model").resolve()
    ways = {
        "old": Way(other, directory, options.threads),
        "new": Way(here, directory, options.threads, ("float32", "auto")),
    }
    if options.table is not None:
        ways["new, table"] = Way(here, options.table.resolve(), options.threads, ("float32", "auto"))
    if options.int8:
        ways["new, int8"] = Way(here, options.table or directory, options.threads, ("int8", "int8"))
    try:
        games = [ways["new"].ask("game", seed=seed, plies=options.plies)[0] for seed in range(options.games)]
        for name, question in QUESTIONS.items():
            if options.only in (None, name):
                question(ways, games)
    finally:
        for way in ways.values():
            way.close()


class Way:
    """A checkout with a model, in a process of its own.

    *precisions* are those to ask for where float32 and where bfloat16 is compared; () for a checkout without any.
    """

    def __init__(self, folder: Path, model: Path, threads: int, precisions: tuple[str, ...] = ()) -> None:
        self.precisions = precisions
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(folder), str(model), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )  # fmt: skip

    def ask(self, what: str, **values: Any) -> tuple[Any, float]:
        """The answer to a question, and the processor seconds that it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self._process.args[3]} has ended")  # type: ignore[index]
        answer = json.loads(line)
        return answer["found"], answer["seconds"]

    def precision(self, wanted: str) -> str | None:
        """What to ask this checkout for where *wanted*, float32 or auto, is compared."""
        return self.precisions[wanted == "auto"] if self.precisions else None

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(folder: str, model_dir: str, threads: str) -> None:
    """Answer the questions of the other side, with the package in *folder*: one JSON object per line."""
    import numpy as np
    import torch

    import xiangqi_gpt
    from xiangqi_gpt.decoding import Lookahead, Scorer, SymmetricScorer
    from xiangqi_gpt.model.checkpoint import load_model
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.rules.move import Move

    assert Path(str(xiangqi_gpt.__file__)).is_relative_to(folder), xiangqi_gpt.__file__
    torch.set_num_threads(int(threads))
    model = load_model(Path(model_dir))
    made: dict[str | None, Any] = {}
    searcher: Any = None

    def scorer(precision: str | None) -> Any:
        if precision not in made:
            made[precision] = SymmetricScorer(
                Scorer(model) if precision is None else Scorer(model, precision=precision)
            )
        return made[precision]

    def after(moves: list[str]) -> Any:
        board = Board()
        for text in moves:
            board.push(Move.from_iccs(text))
        return board

    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        found: Any = None
        if asked["what"] == "game":  # of the model with itself at temperature 1
            rng, one, board = np.random.default_rng(asked["seed"]), Scorer(model), Board()
            while board.ply < asked["plies"] and board.legal_moves():
                scores = one.score(board)
                board.push(scores.moves[int(rng.choice(len(scores.moves), p=scores.probs))])
            found = [move.iccs for move in board.move_stack]
        board = after(asked.get("moves", []))
        if asked["what"] == "forget":  # all encodings, with the scorers that hold them
            made.clear()
        way = scorer(asked.get("precision")) if asked["what"] in ("move", "line") else None
        if asked["what"] == "search":
            if searcher is None:
                leaves = asked.get("precision")
                searcher = Lookahead(
                    Scorer(model, leaf_precision=leaves) if leaves == "int8" else Scorer(model)
                )
            searcher.forget()
        began = time.process_time()
        if asked["what"] == "move":
            way.score(board)
        elif asked["what"] == "line":
            line_scores = way.score_line(Board(), list(board.move_stack))
        elif asked["what"] == "search":
            found = searcher.search(board, **asked["limit"]).nodes - 1
        seconds = time.process_time() - began
        if asked["what"] == "line":
            found = [scores.logprobs.tolist() for scores in line_scores]
        out.write(json.dumps({"found": found, "seconds": seconds}) + "\n")
        out.flush()


def row(title: str, unit: str, found: dict[str, float], *, more_is_better: bool) -> None:
    cells = []
    for name, value in found.items():
        over, under = (value, found["old"]) if more_is_better else (found["old"], value)
        cells.append(
            f"{name} {value:.1f}" + ("" if name == "old" or not under else f" ({over / under:.1f}x)")
        )
    print(f"{title} ({unit}): " + " | ".join(cells), flush=True)


def percentile(values: list[float], share: float) -> float:
    """The value below which *share* (0..1) of *values* lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def moves(ways: dict[str, Way], games: list[list[str]]) -> None:
    """The policy's next move of a game, board and mirror image."""
    for precision in ("float32", "auto"):
        times: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way.ask("forget")
        for game in games:
            for ply in range(len(game)):
                for name, way in ways.items():
                    _, spent = way.ask("move", moves=game[:ply], precision=way.precision(precision))
                    if ply:
                        times[name].append(1000 * spent)
        for title, share in (("median", 0.5), ("99th percentile", 0.99)):
            found = {name: percentile(spent, share) for name, spent in times.items()}
            row(f"next move, {precision}, {title}", "ms", found, more_is_better=False)


def lines(ways: dict[str, Way], games: list[list[str]]) -> None:
    """Every position of a game at once, as an evaluation does."""
    for precision in ("float32", "auto"):
        spent = dict.fromkeys(ways, 0.0)
        for way in ways.values():
            way.ask("forget")
        for game in games:
            for name, way in ways.items():
                spent[name] += way.ask("line", moves=game, precision=way.precision(precision))[1]
        plies = sum(len(game) for game in games)
        found = {name: plies / took for name, took in spent.items()}
        row(f"score_line, {precision}", "plies/s", found, more_is_better=True)


def searches(ways: dict[str, Way], games: list[list[str]]) -> None:
    """Descents of the lookahead: per processor second, and within limits by the clock, if the machine is quiet."""
    for limit in ({"nodes": DESCENTS}, {"seconds": 0.5}, {"seconds": 0.1}):
        counts: dict[str, list[float]] = {name: [] for name in ways}
        spent = dict.fromkeys(ways, 0.0)
        for number in range(SEARCHES + 1):
            game = games[number % len(games)][: 4 + 4 * number]
            for name, way in ways.items():
                nodes, seconds = way.ask("search", moves=game, limit=limit, precision=way.precision("auto"))
                if number:  # the first one warms up
                    counts[name].append(nodes)
                    spent[name] += seconds
        title = " ".join(f"{key} {value}" for key, value in limit.items())
        found = {name: sum(counts[name]) / spent[name] for name in ways}
        row(f"descents, {title}", "per processor second", found, more_is_better=True)
        if "seconds" in limit:
            found = {name: percentile(counts[name], 0.5) for name in ways}
            row(f"descents, {title}", "per search", found, more_is_better=True)


def agreement(ways: dict[str, Way], games: list[list[str]]) -> None:
    """Whether the fast precision chooses the same move, and how far scores are from those of the other checkout."""
    for name, way in ways.items():
        if not way.precisions:
            continue
        same, count, apart = 0, 0, 0.0
        for game in games:
            exact, _ = way.ask("line", moves=game, precision="float32")
            fast, _ = way.ask("line", moves=game, precision=way.precision("auto"))
            old, _ = ways["old"].ask("line", moves=game)
            count += len(exact)
            same += sum(a.index(max(a)) == b.index(max(b)) for a, b in zip(exact, fast, strict=True))
            gaps = [abs(x - y) for a, b in zip(exact, old, strict=True) for x, y in zip(a, b, strict=True)]
            apart = max(apart, *gaps)
        print(f"{name}: {way.precision('auto')} and float32 choose the same move on {same} of {count}")
        if name == "new":
            print(f"{name}: scores in float32 are at most {apart:.1e} from the old ones")


QUESTIONS: dict[str, Callable[[dict[str, Way], list[list[str]]], None]] = {
    "moves": moves, "lines": lines, "searches": searches, "agreement": agreement,
}  # fmt: skip

if __name__ == "__main__":
    main()
