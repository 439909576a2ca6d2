"""How well a reviewer finds blunders: `python -m benchmarks.review GAMES --labels docs/review_labels.json`.

The truth is a strong reference engine. Its judgement of each game, the expected points that each move gave away, is
kept in the file of labels, so only games that are not in it are searched again. The file holds no moves.

Recall: the share of the moves that the reference marks ?? which the reviewer marks ??, or ? or ??.
Precision: the share of the moves that the reviewer marks ?? which the reference marks ??, or ? or ??.
The table also shows the time per 100 plies. With --thresholds the reviewer's own limit for ?? is varied.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xiangqi_gpt.cli.output import table
from xiangqi_gpt.evaluation.games import chosen_games
from xiangqi_gpt.evaluation.review import MARKS, mark_of, review
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.players import create_player
from xiangqi_gpt.records import GameRecord

Labels = dict[str, list[float]]
"""Points that each move gave away, 0..1, by the key of the game."""

_BLUNDER = MARKS[0][0]


def key_of(game: GameRecord) -> str:
    """A short name of a game by its moves."""
    text = f"{game.start_fen}|{' '.join(move.iccs for move in game.moves)}"
    return hashlib.sha1(text.encode()).hexdigest()[:12]


def judged(spec: str, games: Sequence[GameRecord], kept: Path | None) -> tuple[Labels, float | None]:
    """What each move gave away; seconds per 100 plies of the games that were reviewed now.

    Games are added to the file of labels one by one.
    """
    labels: Labels = {}
    if kept is not None and kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["reference"] != spec:
            raise SystemExit(f"{kept} has labels of {found['reference']}; name another file for {spec}.")
        labels = found["lost"]
    missing = [game for game in games if key_of(game) not in labels]
    if not missing:
        return labels, None
    player, began = create_player(spec), time.monotonic()
    try:
        for game in missing:
            labels[key_of(game)] = [round(one.lost, 3) for one in review(player, game)]
            if kept is not None:
                text = json.dumps({"reference": spec, "lost": labels}) + "\n"
                with atomic_path(kept, overwrite=True) as draft:
                    draft.write_text(text, encoding="utf-8")
    finally:
        player.close()
    plies = sum(len(game.moves) for game in missing)
    return labels, 100 * (time.monotonic() - began) / plies


def chosen(options: argparse.Namespace) -> list[GameRecord]:
    """The games to measure on."""
    if options.games is None and options.labels is not None and options.labels.is_file():
        known = json.loads(options.labels.read_text(encoding="utf-8"))["lost"]
        found = [game for game in chosen_games(options.data, split=options.split) if key_of(game) in known]
        return list({key_of(game): game for game in found}.values())
    return chosen_games(options.data, split=options.split, games=options.games or 20, seed=options.seed)


def share(hits: np.ndarray) -> str:
    """A share with its counts, and a 95 % interval (Wilson)."""
    count, n = int(hits.sum()), len(hits)
    if not n:
        return "none"
    p, z = count / n, 1.959964
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return f"{count} of {n} ({100 * p:.0f} %, {100 * low:.0f} to {100 * high:.0f} %)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", help="records of any format")
    parser.add_argument("--player", default="gpt:lookahead=30")
    parser.add_argument("--reference", default="engine:fairy-stockfish,nodes=200000,Hash=64,timeout=600")
    parser.add_argument("--labels", type=Path, help="file of the reference's labels")
    parser.add_argument("--own", type=Path, help="file of the player's labels, to compare thresholds later")
    parser.add_argument("--split", default="valid")
    parser.add_argument(
        "--games", type=int, help="default: those of the file of labels, 20 where it has none"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--thresholds", action="store_true")
    options = parser.parse_args()
    games = chosen(options)
    truth_by_game, reference_seconds = judged(options.reference, games, options.labels)
    own_by_game, seconds = judged(options.player, games, options.own)
    truth = np.array([lost for game in games for lost in truth_by_game[key_of(game)]])
    own = np.array([lost for game in games for lost in own_by_game[key_of(game)]])
    blunders, marked = truth >= _BLUNDER, own >= _BLUNDER
    mistake = MARKS[1][0]
    rows = [
        ("plies", f"{len(own):,}"),
        ("?? of the reference", f"{blunders.sum()}"),
        ("recall of ??, as ??", share(marked[blunders])),
        ("recall of ??, as ? or ??", share(own[blunders] >= mistake)),
        ("precision of ??, as ??", share(blunders[marked])),
        ("precision of ??, as ? or ??", share(truth[marked] >= mistake)),
        ("same mark", share(np.array([mark_of(a) == mark_of(b) for a, b in zip(own, truth, strict=True)]))),
    ]
    for spec, taken in ((options.player, seconds), (options.reference, reference_seconds)):
        if taken is not None:
            rows.append((f"seconds per 100 plies, {spec}", f"{taken:.1f}"))
    table(("measured", "value"), rows)
    if options.thresholds:
        limits = np.arange(0.1, 0.46, 0.05)
        table(
            ("limit for ??", "recall", "precision"),
            [(f"{x:.2f}", share(own[blunders] >= x), share(blunders[own >= x])) for x in limits],
        )


if __name__ == "__main__":
    main()
