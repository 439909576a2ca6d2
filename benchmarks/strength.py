"""How strong the bundled model is: the policy and the lookahead against a ladder of opponents.

    python -m benchmarks.strength --results docs/strength.json --plot docs/images/strength.png
    python tools/figures.py

Every match is from the openings of the package, each with both colours, at temperature 0. Finished matches are in the
file of results and are not played again: the command goes on where it was stopped. Fairy-Stockfish plays at skill 20
with 16 MB of hash; the number is its nodes a move. The second command writes the table into docs/strength.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tools.figures import nodes_of, strength_row
from xiangqi_gpt.arena.match import play_match
from xiangqi_gpt.arena.openings import load_openings
from xiangqi_gpt.arena.referee import MatchConfig
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.players import create_player
from xiangqi_gpt.plotting import save_plot, subplots

POLICY, AHEAD = "gpt:lookahead=0", "gpt:lookahead={nodes}"


@dataclass(frozen=True, kw_only=True)
class Match:
    """A line of the table."""

    player: str
    opponent: str
    games: int


def ladder(engine: str, games: int, search_games: int, nodes: int) -> list[Match]:
    """The matches, cheap ones first."""

    def fish(n: int) -> str:
        return f"engine:{engine},nodes={n},Hash=16"

    ahead = AHEAD.format(nodes=nodes)
    return [
        *(Match(player=POLICY, opponent=o, games=games) for o in ("random", "greedy")),
        *(Match(player=POLICY, opponent=fish(n), games=games) for n in (1, 30, 100, 300, 1000, 3000)),
        Match(player=ahead, opponent=POLICY, games=search_games),
        *(Match(player=ahead, opponent=fish(n), games=search_games) for n in (30, 100, 300, 1000, 3000)),
    ]


@click.command()
@click.option("--engine", default="/usr/games/fairy-stockfish", show_default=True)
@click.option("--games", default=200, show_default=True, help="Games a match of the policy.")
@click.option("--search-games", default=60, show_default=True, help="Games a match of the lookahead.")
@click.option("--nodes", default=100, show_default=True, help="Descents a move of the lookahead.")
@click.option("--results", type=click.Path(path_type=Path), required=True)
@click.option("--plot", "picture", type=click.Path(path_type=Path))
@click.option("--only", help="Matches with this text in a player's or an opponent's name.")
def main(
    engine: str,
    games: int,
    search_games: int,
    nodes: int,
    results: Path,
    picture: Path | None,
    only: str | None,
) -> None:
    """Play what is missing and draw the plot."""
    found: dict[str, dict[str, Any]] = (
        json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
    )
    for match in ladder(engine, games, search_games, nodes):
        key = f"{match.player} - {match.opponent} ({match.games})"
        if key in found or (only and only not in key):
            continue
        player, opponent = create_player(match.player, seed=0), create_player(match.opponent, seed=1)
        try:
            played = play_match(
                player, opponent, match.games, config=MatchConfig(seed=0), openings=load_openings(None)
            )
        finally:
            player.close()
            opponent.close()
        found[key] = {"player": match.player, "opponent": match.opponent, **played.as_dict()}
        with atomic_path(results, overwrite=True) as draft:
            draft.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        click.echo(" ".join(strength_row(found[key])))
    if picture is not None:
        draw(list(found.values()), picture)


def draw(matches: list[dict[str, Any]], path: Path) -> None:
    """Score against Fairy-Stockfish by its nodes, with intervals."""

    def share(elo: float) -> float:
        return 100 / (1 + 10 ** (-elo / 400))

    figure, axis = subplots(size=(7, 4.2))
    for player in dict.fromkeys(m["player"] for m in matches):
        points = sorted(
            ((n, m) for m in matches if m["player"] == player and (n := nodes_of(m["opponent"])) is not None),
            key=lambda point: point[0],
        )
        if not points:
            continue
        scores = [100 * m["score"] for _, m in points]
        spread = [
            [max(0.0, s - share(m["elo_ci"][0])) for s, (_, m) in zip(scores, points, strict=True)],
            [max(0.0, share(m["elo_ci"][1]) - s) for s, (_, m) in zip(scores, points, strict=True)],
        ]
        axis.errorbar([n for n, _ in points], scores, spread, marker="o", capsize=3, label=player)
    axis.set(
        xscale="log", xlabel="nodes a move of Fairy-Stockfish", ylabel="score, %", ylim=(0, 100),
        title="Score against Fairy-Stockfish 11.1",
    )  # fmt: skip
    axis.axhline(50, color="0.8", linewidth=1)
    axis.legend()
    axis.grid(alpha=0.3)
    save_plot(figure, path)


if __name__ == "__main__":
    main()
