"""How far apart the levels are: `python -m benchmarks.ladder --results docs/ladder.json`.

Neighbours of the ladder meet in pairs of games, from the openings of the package, each with both colours. The games of
a link are played at the same time in one process, so that the network scores their positions in common batches. So the
same processor time plays several times as many games as `xiangqi-gpt tournament --chain` does, by the same rules.

An engine has a process for each game, and loses where it fails. Games that are in the file of results are not played
again: only those that are missing to --games.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import torch

from xiangqi_gpt.arena.elo import estimate_from_pairs
from xiangqi_gpt.arena.match import opening_order
from xiangqi_gpt.arena.openings import load_openings
from xiangqi_gpt.arena.referee import MAX_PLIES
from xiangqi_gpt.arena.series import player_seed
from xiangqi_gpt.decoding import MoveScores
from xiangqi_gpt.decoding.lookahead import Lookahead, search_together
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.base import Player
from xiangqi_gpt.players.gpt_player import GPTPlayer
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.players.player_spec import WITH_COMMAND, PlayerSpec
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

_SAVED_AFTER = 60  # games
DEFAULT_CHAIN = ("greedy", *(level.spec for level in LEVELS))


@dataclass
class Game:
    """One game that is being played."""

    board: Board
    red: int  # the player with Red: 0 or 1
    points: float | None = None  # of the second player
    trees: dict[int, Lookahead] = field(default_factory=dict)
    engines: dict[int, Player] = field(default_factory=dict)

    def advance(self) -> None:
        """See whether it is over."""
        outcome = self.board.outcome("simple")
        if outcome is not None and outcome.winner is not None:
            winner = self.red if outcome.winner == 0 else 1 - self.red
            self.points = float(winner == 1)
        elif outcome is not None or self.board.ply >= MAX_PLIES:
            self.points = 0.5

    def close(self) -> None:
        """End the engines of the game."""
        for engine in self.engines.values():
            engine.close()

    @property
    def mover(self) -> int:
        return self.red if self.board.turn == 0 else 1 - self.red


def is_engine(spec: str) -> bool:
    """Whether a spec names a program of its own, which plays one game at a time."""
    return PlayerSpec.parse(spec).name == WITH_COMMAND


def engine_move(spec: str, side: int, game: Game) -> Move | None:
    """What an engine moves; None where it fails."""
    try:
        if side not in game.engines:
            game.engines[side] = create_player(spec)
        return game.engines[side].play(game.board).move
    except PlayerError as error:
        print(f"{spec} loses: {error}", flush=True)
        return None


def moves_of(spec: str, player: Player | None, side: int, games: Sequence[Game]) -> Sequence[Move | None]:
    """What a player moves in games that wait for it; an engine has no *player*, and no move where it fails."""
    if player is None:
        return [engine_move(spec, side, game) for game in games]
    if not isinstance(player, GPTPlayer):
        return [player.play(game.board).move for game in games]
    scored = player.score_many([game.board for game in games])
    if player.lookahead is None:
        return [player.chosen(game.board, scores) for game, scores in zip(games, scored, strict=True)]
    steps = []
    for game, scores in zip(games, scored, strict=True):
        tree = game.trees.setdefault(side, Lookahead(player.scorer, player.lookahead.config))
        steps.append(tree.steps(game.board, score=given(scores)))
    return [player.drawn(found) for found in search_together(player.scorer, steps)]


def given(scores: MoveScores) -> Callable[[Board], MoveScores]:
    """What scores a root whose scores are known."""
    return lambda board: scores


def play_link(weaker: str, stronger: str, played: int, games: int, seed: int, at_once: int) -> list[float]:
    """The points of *stronger* from *games* games after the *played* ones; games 2k and 2k + 1 are a pair."""
    specs = (weaker, stronger)
    players = [
        None if is_engine(spec) else create_player(spec, seed=player_seed(seed, played, i))
        for i, spec in enumerate(specs)
    ]
    share_networks(players)
    order = opening_order(load_openings(), seed)
    for _ in range(played // 2):
        next(order)
    openings = (next(order) for _ in range((games + 1) // 2))
    waiting = [Game(opening.board(), red) for opening in openings for red in (0, 1)]
    all_games = waiting = waiting[:games]
    active: list[Game] = []
    while waiting or active:
        active, waiting = [*active, *waiting[: at_once - len(active)]], waiting[at_once - len(active) :]
        for side, player in enumerate(players):
            turn = [game for game in active if game.points is None and game.mover == side]
            if not turn:
                continue
            for game, move in zip(turn, moves_of(specs[side], player, side, turn), strict=True):
                if move is None:
                    game.points = float(side == 0)
                else:
                    game.board.push(move)
                    game.advance()
                if game.points is not None:
                    game.close()
        active = [game for game in active if game.points is None]
    for player in players:
        if player is not None:
            player.close()
    return [game.points for game in all_games if game.points is not None]


def share_networks(players: Sequence[Player | None]) -> None:
    """Let both players keep one set of encodings: they see the same positions."""
    scorers = [player.scorer for player in players if isinstance(player, GPTPlayer)]
    for scorer in scorers[1:]:
        scorer.network = scorers[0].network
        scorer.leaf_network = scorers[0].leaf_network


def link_of(weaker: str, stronger: str, points: Sequence[float]) -> dict[str, Any]:
    """A link as it is kept."""
    pairs = [points[i] + points[i + 1] for i in range(0, len(points) - 1, 2)]
    elo = estimate_from_pairs(points, pairs)
    return {
        "weaker": weaker,
        "stronger": stronger,
        "points": list(points),
        "wins": points.count(1.0),
        "draws": points.count(0.5),
        "losses": points.count(0.0),
        "elo": round(elo.elo),
        "elo_ci": [round(elo.low), round(elo.high)],
    }


@click.command()
@click.argument("chain", nargs=-1)
@click.option("--games", default=40, show_default=True, help="Games of each link.")
@click.option("--results", type=click.Path(path_type=Path), required=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--at-once", default=20, show_default=True, help="Games that are played at the same time.")
def main(chain: tuple[str, ...], games: int, results: Path, seed: int, at_once: int) -> None:
    """Play the links of a CHAIN of players, weakest first (default: greedy and all levels)."""
    torch.set_num_threads(1)
    found: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else []
    for weaker, stronger in pairwise(chain or DEFAULT_CHAIN):
        players = {"weaker": weaker, "stronger": stronger}
        link = next(
            (link for link in found if link.items() >= players.items()), link_of(**players, points=[])
        )
        while (missing := games - len(link["points"])) > 0:
            began, used = time.monotonic(), time.process_time()
            points = play_link(
                **players,
                played=len(link["points"]),
                games=min(missing, _SAVED_AFTER),
                seed=seed,
                at_once=at_once,
            )
            found = [other for other in found if other is not link]
            link = link_of(**players, points=[*link["points"], *points])
            found.append(link)
            with atomic_path(results, overwrite=True) as draft:
                draft.write_text(json.dumps(found) + "\n", encoding="utf-8")
            low, high = link["elo_ci"]
            print(
                f"{weaker} - {stronger}: +{link['wins']} ={link['draws']} -{link['losses']}, "
                f"{link['elo']:+d} ({low:+d} to {high:+d}), "
                f"{time.process_time() - used:.0f} s of processor time, {time.monotonic() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
