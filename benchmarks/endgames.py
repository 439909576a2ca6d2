"""Composed endgames: how many of the 119 positions of XiangqiBench does a player win as Red, against an engine?

    python benchmarks/endgames.py --player gpt:lookahead=400,threads=1 --results endgames.jsonl [--jobs 2]

Red is to mate (or stalemate) within --plies plies; a draw by the rules or a longer game is a failure. Every finished
game is a line of the file of results and is not played again: a command that was stopped continues there. Several
players and defenders can share one file. The table counts what the file holds, with Wilson's 95 % interval.

The positions (benchmarks/xiangqibench.json) come from the package xiangqibench (MIT); they are in the public domain,
from books of 1570 and later. No model may be trained on them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from xiangqi_gpt.cli.output import table
from xiangqi_gpt.evaluation.intervals import wilson
from xiangqi_gpt.players import Player, create_player
from xiangqi_gpt.rules.lenient import lenient_board
from xiangqi_gpt.rules.pieces import Color

POSITIONS = Path(__file__).with_name("xiangqibench.json")
DEFENDER = "engine:fairy-stockfish,nodes=100000,Hash=16"
_players: dict[str, Player] = {}  # of this process


def play(task: dict[str, Any]) -> dict[str, Any]:
    """Play one position out; *task* has its id and fen, the specs of player and defender, and the limit in plies."""
    red, black = (_player(task[key]) for key in ("player", "defender"))
    for player in (red, black):
        player.new_game()
    board, _ = lenient_board(task["fen"])
    spent, began = 0.0, time.process_time()
    while board.outcome() is None and board.ply < task["plies"]:
        started = time.monotonic()
        mover = red if board.turn == Color.RED else black
        board.push(mover.play(board).move)
        spent += (time.monotonic() - started) * (mover is red)
    end = board.outcome()
    won = end is not None and end.winner == Color.RED
    return {
        **{key: task[key] for key in ("id", "player", "defender", "plies")},
        "won": won,
        "end": "limit" if end is None else end.termination.value,
        "moves": " ".join(move.iccs for move in board.move_stack),
        "seconds": round(spent, 2),  # of Red, by the clock
        "processor_seconds": round(
            time.process_time() - began, 2
        ),  # of the process, that is without the defender
    }


def _player(spec: str) -> Player:
    if spec not in _players:
        _players[spec] = create_player(spec)
    return _players[spec]


def finished(path: Path) -> list[dict[str, Any]]:
    """The games in a file of results; a line that a killed program left half written is passed over."""
    games = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            games.append(json.loads(line))
        except ValueError:
            continue
    return games


def report(games: list[dict[str, Any]]) -> None:
    """One line per player and defender."""
    rows = []
    for player, defender, plies in dict.fromkeys((g["player"], g["defender"], g["plies"]) for g in games):
        own = [g for g in games if (g["player"], g["defender"], g["plies"]) == (player, defender, plies)]
        won = sum(g["won"] for g in own)
        low, high = wilson(won, len(own))
        moves = sum((len(g["moves"].split()) + 1) // 2 for g in own)
        spent = sum(g["processor_seconds"] for g in own)
        rows.append(
            (
                player, defender, str(plies), f"{won} of {len(own)}", f"{100 * won / len(own):.1f} %",
                f"{100 * low:.1f}-{100 * high:.1f}", f"{spent / max(1, moves):.2f}",
            )
        )  # fmt: skip
    table(("Red", "Black", "plies", "won", "share", "95 %", "processor s/move"), rows, left=2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--player", action="append", help="Red; may be repeated. Without it, only the table.")
    parser.add_argument("--defender", default=DEFENDER, help=f"Default: {DEFENDER}")
    parser.add_argument("--plies", type=int, default=40)
    parser.add_argument("--positions", type=Path, default=POSITIONS)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=int, help="Play the first positions only.")
    options = parser.parse_args()
    positions = json.loads(options.positions.read_text(encoding="utf-8"))[: options.limit]
    keys = ("id", "player", "defender", "plies")
    done = {tuple(game[key] for key in keys) for game in finished(options.results)}
    tasks = [
        {**one, "player": player, "defender": options.defender, "plies": options.plies}
        for player in options.player or ()
        for one in positions
    ]
    tasks = [task for task in tasks if tuple(task[key] for key in keys) not in done]
    # One process per job even for a single one, and fresh ones: numba and torch do not survive a fork.
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        for game in as_completed([pool.submit(play, task) for task in tasks]):
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(game.result()) + "\n")
    report(finished(options.results))


if __name__ == "__main__":
    main()
