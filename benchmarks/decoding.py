"""How fast moves are scored and searched, and whether memory stays flat.

    python benchmarks/decoding.py [--model DIR] [--threads 2] [--clock wall|cpu]

Without --model the weights of the package are used. Games are played by the model itself at temperature 1. "cpu" counts
processor seconds over the number of threads, which is what a quiet machine would take at best; use it on a busy one.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from xiangqi_gpt.decoding import Lookahead, LookaheadConfig, Sampling, Scorer, beam_search, choose
from xiangqi_gpt.decoding.hf import generate_lines, prefix_allowed_tokens
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.players.gpt_player import open_model
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

PLY = 80


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--games", type=int, default=8)
    parser.add_argument("--memory-plies", type=int, default=600)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    now: Callable[[], float] = time.perf_counter
    if options.clock == "cpu":

        def now() -> float:
            return time.process_time() / options.threads

    scorer = Scorer(open_model(options.model))
    config = scorer.model.config
    print(
        f"{sum(p.numel() for p in scorer.model.parameters()) / 1e6:.1f} M parameters, board={config.board}, "
        f"tokenizer={config.tokenizer}, context {config.context_plies} plies; {options.threads} threads, "
        f"{options.clock} time"
    )
    games = [played_game(scorer, seed, PLY + 20) for seed in range(options.games)]
    all_moves(scorer, games, now)
    one_move(scorer, games, now)
    lines_of_play(scorer, games, now)
    lookahead(scorer, games)
    memory(scorer, options.memory_plies)


def played_game(scorer: Scorer, seed: int, plies: int) -> list[Move]:
    """A game of the model with itself; those that end sooner are begun again."""
    rng = np.random.default_rng(seed)
    sampling = Sampling(temperature=1.0)
    while True:
        board = Board()
        while board.ply < plies and board.outcome() is None:
            scores = scorer.score(board)
            board.push(scores.moves[choose(board, scores, rng=rng, sampling=sampling)])
        if board.ply == plies:
            return list(board.move_stack)


def at(moves: list[Move], ply: int) -> Board:
    board = Board()
    for move in moves[:ply]:
        board.push(move)
    return board


@torch.inference_mode()
def rerun_every_move(scorer: Scorer, board: Board) -> list[Move]:
    """Every legal move scored by a run of its own over the whole context: nothing is shared; likeliest first."""
    model, tokenizer, k = scorer.model, scorer.tokenizer, scorer.tokenizer.slots
    start = context_start(board.ply, model.config.context_plies)
    past, boards, text = board.copy(), [board], []
    while past.ply > start:
        move = past.pop()
        text.append(tokenizer.encode(past, move))
        boards.append(past.copy())
    prefix = [*scorer.prefix(board.turn), tokenizer.vocab.bos_id]
    prompt = [*prefix, *(token for ids in reversed(text) for token in ids)]
    features = [board_features(b) for b in reversed(boards)]
    totals = []
    for move in board.legal_moves():
        said = tokenizer.encode(board, move)
        ids = torch.tensor([[*prompt, *said[:-1]]])
        positions = torch.arange(ids.shape[1])[None]
        c = len(prefix) - 1
        output = model(
            input_ids=ids,
            slots=((positions - c - 1) % k).masked_fill(positions <= c, k),
            positions=positions,
            encoded=scorer.network.encodings([features]),
            board_index=(positions - c).clamp_min(0) // k,
        )
        rows = output.logits[0, -k:].double().log_softmax(-1)
        totals.append((float(sum(rows[j, token] for j, token in enumerate(said))), move))
    return [move for _, move in sorted(totals, key=lambda pair: -pair[0])]


def all_moves(scorer: Scorer, games: list[list[Move]], now: Callable[[], float]) -> None:
    """All legal moves at one ply, four ways."""
    ways: dict[str, list[float]] = {name: [] for name in ("next", "fresh", "generate", "rerun")}
    counts, same_generate, same_rerun = [], 0, 0
    for moves in games[:4]:
        board = at(moves, PLY)
        counts.append(len(board.legal_moves()))
        scorer.forget()
        scorer.score(at(moves, PLY - 1))
        began = now()
        scores = scorer.score(board)
        ways["next"].append(now() - began)
        scorer.forget()
        began = now()
        scorer.score(board)
        ways["fresh"].append(now() - began)
        ranking = [scores.moves[i] for i in scores.ranked()]
        allowed = prefix_allowed_tokens(scorer.tokenizer, board.root_fen)
        began = now()
        lines = generate_lines(scorer.model, board, width=len(ranking), prefix_allowed_tokens_fn=allowed)
        ways["generate"].append(now() - began)
        same_generate += [line[0] for line, _ in lines] == ranking
        began = now()
        rerun = rerun_every_move(scorer, board)
        ways["rerun"].append(now() - began)
        same_rerun += rerun == ranking
    mean = {name: 1000 * statistics.median(times) for name, times in ways.items()}
    n = len(counts)
    print(
        f"\nall legal moves at ply {PLY} ({statistics.fmean(counts):.0f} of them on average, {n} positions), ms:"
    )
    print(f"  the next ply of a game           {mean['next']:9.1f}")
    print(f"  a game loaded afresh             {mean['fresh']:9.1f}   {mean['fresh'] / mean['next']:6.1f}x")
    print(
        f"  generate, as many beams as moves {mean['generate']:9.1f}   {mean['generate'] / mean['next']:6.1f}x  "
        f"({mean['generate'] / mean['fresh']:.1f}x of afresh; same ranking {same_generate}/{n})"
    )
    print(
        f"  every move by a run of its own   {mean['rerun']:9.1f}   {mean['rerun'] / mean['next']:6.1f}x  "
        f"({mean['rerun'] / mean['fresh']:.1f}x of afresh; same ranking {same_rerun}/{n})"
    )


def one_move(scorer: Scorer, games: list[list[Move]], now: Callable[[], float]) -> None:
    """One ply after another, from ply 80 on."""
    times = []
    for moves in games:
        board = at(moves, PLY - 1)
        scorer.score(board)
        for move in moves[PLY - 1 : -1]:
            board.push(move)
            began = now()
            scorer.score(board)
            times.append(1000 * (now() - began))
    low, high = np.percentile(times, [50, 99])
    print(
        f"\none move from ply {PLY} on, {len(times)} moves: median {low:.1f} ms, 99th percentile {high:.1f} ms"
    )


def lines_of_play(scorer: Scorer, games: list[list[Move]], now: Callable[[], float]) -> None:
    """Beams of 8, 6 plies deep."""
    for prune in ("ply", "token"):
        times = []
        for moves in games:
            began = now()
            beam_search(scorer, at(moves, PLY), width=8, plies=6, prune=prune)  # type: ignore[arg-type]
            times.append(1000 * (now() - began))
        print(f"beam of 8, 6 plies, pruned by {prune}: median {statistics.median(times):.0f} ms")


def lookahead(scorer: Scorer, games: list[list[Move]]) -> None:
    """Half a second of lookahead; by the clock on the wall, which is what it keeps to."""
    descents, spent = [], []
    for moves in games:
        search = Lookahead(scorer, LookaheadConfig(seconds=0.5))
        began = time.perf_counter()
        descents.append(search.search(at(moves, PLY)).nodes)
        spent.append(1000 * (time.perf_counter() - began))
    print(
        f"lookahead of 500 ms: {statistics.median(descents):.0f} descents, answers after "
        f"{statistics.median(spent):.0f} ms, {max(spent):.0f} ms at most"
    )


def memory(scorer: Scorer, plies: int) -> None:
    """Resident memory while game after game is played with a short lookahead."""
    rng = np.random.default_rng(0)
    search = Lookahead(scorer, LookaheadConfig(nodes=8))
    board, seen = Board(), []
    for number in range(plies):
        if board.ply > 150 or board.outcome() is not None:
            board = Board()
        search.search(board)
        board.push(board.legal_moves()[int(rng.integers(len(board.legal_moves())))])
        if number % max(1, plies // 10) == 0:
            seen.append(resident_megabytes())
    shown = " ".join(f"{mb:.0f}" for mb in seen)
    print(f"\nresident MB over {plies} plies with lookahead: {shown}")


def resident_megabytes() -> float:
    """Memory of this process now (Linux), else its peak, in MB."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
