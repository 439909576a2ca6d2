"""Which game of a collection is most like this one? Ways to choose it, judged by opening, plan and result.

    python benchmarks/similar_games.py games.parquet vectors.npz --games 2000

Games of people with an ECCO code, a known result and 40 plies or more are drawn from the split train and turned so that
the first move that is not its own mirror image is on Red's right. A game is described by

- its opening: how many first moves it shares with another game, or until which ply both have the same position at the
  same ply, transpositions included; at most 40;
- its vectors: the bundled model's encoder gives 90 vectors of a board, averaged; whitened, of the boards after 24, 48
  and 72 plies and of the last one;
- its material: rooks, horses and cannons of both sides after 24, 36, 48 and 72 plies. The plan that is judged is the
  material after 60 plies, so it is not among them.

The nearest game by a weighted sum of the three is asked whether it has the same opening (the first two characters of
the ECCO code), the same plan and the same result. The weights are chosen on the first quarter of the games and the
table shows the rest, with paired bootstraps against the longest common beginning. Vectors are kept in the file named,
so that the encoder runs once.
"""

from __future__ import annotations

import argparse
import itertools
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from xiangqi_gpt.decoding.network import Network
from xiangqi_gpt.library.position_keys import game_positions, position_keys
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.context import counters
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.squares import SQUARES
from xiangqi_gpt.rules.views import mirrored_moves

Floats = NDArray[np.float32]

DEPTH = 40  # plies of the opening
VECTOR_PLIES = (24, 48, 72, 10_000)  # even, so that Red is to move; the last is the end of the game
MATERIAL_PLIES = (24, 36, 48, 72)
PLAN_PLY = 60
PIECES = (5, 6, 7, 12, 13, 14)  # rooks, horses, cannons of Red and Black
CRITERIA = ("opening", "plan", "result")


def drawn(file: Path, count: int, seed: int) -> tuple[list[NDArray[np.uint16]], list[str], list[str]]:
    """The moves, turned, the ECCO codes and the results of *count* games."""
    columns = ["split", "kind", "subtype", "start_fen", "moves", "result", "opening", "plies", "clean"]
    rows = pq.read_table(file, columns=columns).to_pylist()
    kept = [
        row
        for row in rows
        if row["split"] == "train"
        and row["clean"]
        and row["plies"] >= DEPTH
        and not row["start_fen"]
        and re.match(r"[A-E]\d\d", row["opening"] or "")
    ]
    chosen = np.random.default_rng(seed).permutation(len(kept))[:count]
    games = []
    for index in chosen:
        moves = np.array([Move.from_iccs(text).index for text in kept[index]["moves"].split()], np.uint16)
        other = mirrored_moves(moves)
        which = int(np.argmax(other != moves))
        games.append(moves if moves[which] // SQUARES % 9 > 4 else other.astype(np.uint16))
    return games, [kept[i]["opening"][:2] for i in chosen], [kept[i]["result"] for i in chosen]


def described(file: Path, count: int, seed: int) -> dict[str, NDArray[Any]]:
    """Keys (G, 41) of the opening, vectors (G, 4, C), material (G, 5, 6) and what is judged."""
    games, openings, results = drawn(file, count, seed)
    start = np.array(Board().squares, np.int8)
    offsets = np.cumsum([0, *(len(g) for g in games)])
    found = game_positions(
        np.tile(start, (len(games), 1)), np.zeros(len(games), np.int8), np.concatenate(games), offsets
    )
    assert (found.illegal < 0).all()
    first = offsets[:-1] + np.arange(
        len(games)
    )  # of every game among its positions, one more than it has moves
    last = np.diff(offsets)

    def at(plies: tuple[int, ...], even: bool = False) -> NDArray[np.int64]:
        ply = np.minimum(np.array(plies), last[:, None])
        places: NDArray[np.int64] = first[:, None] + (ply - ply % 2 if even else ply)
        return places

    opening = at(tuple(range(DEPTH + 1)))
    keys = position_keys(found.boards[opening].reshape(-1, SQUARES), found.turns[opening].ravel()).keys
    counts = [
        np.stack([(found.boards[places] == piece).sum(-1) for piece in PIECES], -1)
        for places in (at(MATERIAL_PLIES), at((PLAN_PLY,)))
    ]
    boards = found.boards[at(VECTOR_PLIES, even=True)].reshape(-1, SQUARES)
    return {
        "keys": keys.reshape(len(games), DEPTH + 1),
        "moves": np.stack([g[:DEPTH] for g in games]),
        "vectors": encoded(boards).reshape(len(games), len(VECTOR_PLIES), -1),
        "material": counts[0].astype(np.int8),
        "plan": counts[1][:, 0].astype(np.int8),
        "opening": np.array(openings),
        "result": np.array(results),
    }


@torch.inference_mode()
def encoded(boards: NDArray[np.int8], batch: int = 256) -> Floats:
    """(N, C) the mean over squares of what the encoder gives for boards (N, 90) with Red to move."""
    model = Network(load_model(resource_path("assets/model")), "auto", torch.device("cpu")).model
    began, found = time.process_time(), []
    for rows in np.split(boards, range(batch, len(boards), batch)):
        given = torch.from_numpy(counters(np.zeros(len(rows)), np.zeros(len(rows))))
        vectors = model.encode_boards(torch.from_numpy(rows)[:, None], given[:, None]).vectors
        assert vectors is not None
        found.append(vectors[:, 0].float().mean(1).numpy())
    print(f"{len(boards):,} boards, {time.process_time() - began:.1f} s of processor time")
    return np.concatenate(found)


def whitened(vectors: Floats) -> Floats:
    """(N, C) with mean 0 and covariance 1, of length 1."""
    centred = vectors - vectors.mean(0)
    values, axes = np.linalg.eigh(np.cov(centred.T))
    white = centred @ axes / np.sqrt(np.maximum(values, values[-1] * 1e-6))
    unit: Floats = (white / np.linalg.norm(white, axis=1, keepdims=True)).astype(np.float32)
    return unit


def depth_of(columns: NDArray[Any], prefix: bool) -> NDArray[np.int16]:
    """(N, N) the last column in which two rows of (N, D) agree; with *prefix* the number of equal columns in front."""
    depth = np.zeros((len(columns), len(columns)), np.int16)
    so_far = np.ones_like(depth, bool)
    for column in range(columns.shape[1]):
        same = columns[:, column, None] == columns[None, :, column]
        so_far &= same
        depth[so_far if prefix else same] = column + prefix
    return depth


def interval(differences: NDArray[np.float64], seed: int = 0) -> str:
    """The mean of paired differences with its 95 % bootstrap interval, in points."""
    rng = np.random.default_rng(seed)
    means = differences[rng.integers(len(differences), size=(2000, len(differences)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{100 * differences.mean():+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def judge(data: dict[str, NDArray[Any]]) -> None:
    """Choose the weights on the first quarter, and print the table of the rest."""
    count = len(data["opening"])
    choice, shown = np.arange(count // 4), np.arange(count // 4, count)
    same = np.stack(
        [
            data["opening"][:, None] == data["opening"],
            (data["plan"][:, None] == data["plan"]).all(-1),
            data["result"][:, None] == data["result"],
        ],
        -1,
    ).astype(np.float64)  # (N, N, 3)
    chance = (same.sum(1) - 1) / (count - 1)
    prefix, depth = depth_of(data["moves"], True), depth_of(data["keys"], False)
    parts = [whitened(data["vectors"][:, i]) for i in range(len(VECTOR_PLIES))]
    cosines = np.stack([part @ part.T for part in parts])
    vectors, late = cosines.mean(0), cosines[-2:].mean(0)
    flat = data["material"].reshape(count, -1).astype(np.float32)
    material = -torch.cdist(torch.from_numpy(flat), torch.from_numpy(flat), p=1).numpy() / flat.shape[1]
    tie = 1e-4 * vectors

    def nearest(score: Floats, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(rows, 3) the criteria of the best game for each of *rows*, by their scores (rows, N)."""
        own = score.copy()
        own[np.arange(len(rows)), rows] = -np.inf
        hits: NDArray[np.float64] = same[rows, own.argmax(1)]
        return hits

    def combined(
        rows: NDArray[np.int64],
        by_position: bool,
        cap: int,
        by_opening: float,
        by_material: float,
        late_only: bool,
    ) -> Floats:
        score: Floats = (
            by_opening / cap * np.minimum((depth if by_position else prefix)[rows], cap).astype(np.float32)
            + by_material * material[rows]
            + (late if late_only else vectors)[rows]
        )
        return score

    beginning = nearest((prefix + tie)[choice], choice)
    best, chosen = -np.inf, (False, 8, 1.0, 0.0, False)
    grid = ((False, True), (6, 8, 12, 16, 24), (1.0, 2.0, 4.0, 8.0), (0.0, 1.0, 2.0), (False, True))
    for settings in itertools.product(*grid):
        differences = nearest(combined(choice, *settings), choice) - beginning
        errors = differences.std(0) / np.sqrt(len(choice)) + 1e-3
        worst = float((differences.mean(0) / errors).min())  # the criterion that gains the least
        if worst > best:
            best, chosen = worst, settings
    print(f"chosen on {len(choice)} games (worst gain {best:.1f} standard errors): {chosen}")
    ways = {
        "chance": chance[shown],
        "longest common beginning": nearest((prefix + tie)[shown], shown),
        "deepest common position": nearest((depth + tie)[shown], shown),
        "vectors": nearest(vectors[shown], shown),
        "material": nearest((material + tie)[shown], shown),
        "combined": nearest(combined(shown, *chosen), shown),
        "combined, with more material": nearest(
            combined(shown, *chosen[:3], chosen[3] + 1.0, chosen[4]), shown
        ),
    }
    print("| nearest game by | same opening | same plan | same result | sum |\n|---|---:|---:|---:|---:|")
    for name, hits in ways.items():
        cells = " | ".join(f"{100 * value:.1f} %" for value in hits.mean(0))
        print(f"| {name} | {cells} | {hits.mean(0).sum():.2f} |")
    for name in ("combined", "combined, with more material"):
        for baseline in ("longest common beginning", "chance"):
            differences = ways[name] - ways[baseline]
            cells = ", ".join(f"{c} {interval(differences[:, i])}" for i, c in enumerate(CRITERIA))
            print(f"{name} against {baseline}: {cells}")


def main() -> None:
    """Describe the games if the file is missing, and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("games_file", type=Path, help="a table of games with the columns of data/README.md")
    parser.add_argument("vectors", type=Path, help="where the description of the games is kept")
    parser.add_argument("--games", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.vectors.exists():
        np.savez(options.vectors, **described(options.games_file, options.games, options.seed))  # type: ignore[arg-type]
    judge(dict(np.load(options.vectors, allow_pickle=False)))


if __name__ == "__main__":
    main()
