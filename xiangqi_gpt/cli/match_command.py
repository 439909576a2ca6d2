"""`xiangqi-gpt match`: two players, paired colours, Elo with its interval."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from xiangqi_gpt.arena.match import MatchConfig, MatchResult, PlayedGame, play_match
from xiangqi_gpt.arena.openings import load_openings
from xiangqi_gpt.files import check_writable
from xiangqi_gpt.players import Limit, create_player
from xiangqi_gpt.rules.rulesets import RULE_SETS
from xiangqi_gpt.safe_json import format_json


@click.command()
@click.argument("first", metavar="PLAYER")
@click.argument("second", metavar="PLAYER")
@click.option("--games", type=click.IntRange(min=1), default=100, show_default=True, help="Games to play.")
@click.option("--nodes", type=click.IntRange(min=1), help="Positions a move, for players without own limit.")
@click.option("--time", "seconds", type=float, help="Seconds a move, for players without own limit.")
@click.option("--depth", type=click.IntRange(min=1), help="Plies a move, for players without own limit.")
@click.option("--openings", type=click.Path(path_type=Path), help="Default: the openings of the package.")
@click.option("--rules", type=click.Choice(list(RULE_SETS)), default="simple", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="For openings and players.")
@click.option("--pgn", type=click.Path(path_type=Path), help="Write the games to this file.")
@click.option("--force", is_flag=True, help="Overwrite the file of --pgn.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def command(
    first: str,
    second: str,
    games: int,
    nodes: int | None,
    seconds: float | None,
    depth: int | None,
    openings: Path | None,
    rules: str,
    seed: int,
    pgn: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Let two players play a match and print the result from the first one's view.

    A PLAYER is gpt[:model=DIR,temperature=T], random, greedy or engine:CMD[,nodes=N][,time=S][,OptionName=V];
    an engine that does not use UCI needs protocol=ucci or protocol=cecp. Each opening is played with both colours.
    """
    config = MatchConfig(limit=Limit(nodes=nodes, time=seconds, depth=depth), rules=rules, seed=seed)
    lines = load_openings(openings)
    if pgn is not None:
        check_writable(pgn, overwrite=force)
    played: list[PlayedGame] = []

    def on_game(game: PlayedGame) -> None:
        played.append(game)
        if not quiet:
            click.echo(_progress(game, MatchResult(tuple(played)), games), err=True)

    with contextlib.ExitStack() as stack:
        player = create_player(first, seed=seed)
        stack.callback(player.close)
        # Another stream of random numbers: two players with the same one would shadow each other.
        opponent = create_player(second, seed=seed + 1)
        stack.callback(opponent.close)
        try:
            result = play_match(player, opponent, games, config=config, openings=lines, on_game=on_game)
        finally:
            # An interrupted match keeps the games that it finished.
            if pgn is not None and played:
                _write(pgn, played, config, force)
    if as_json:
        click.echo(format_json(result.as_dict()))
    else:
        click.echo(_summary(result, player.name, opponent.name))


def _write(path: Path, played: list[PlayedGame], config: MatchConfig, force: bool) -> None:
    from xiangqi_gpt.arena.match_records import match_records
    from xiangqi_gpt.records.formats.pgn import pgnwrite

    pgnwrite.write(path, match_records(played, config), force=force)


def _progress(game: PlayedGame, so_far: MatchResult, games: int) -> str:
    return (
        f"game {game.number}/{games}: {game.red} - {game.black} {game.result} after {len(game.moves)} plies, "
        f"{game.detail} (+{so_far.wins} ={so_far.draws} -{so_far.losses})"
    )


def _summary(result: MatchResult, first: str, second: str) -> str:
    counts = result.as_dict()
    elo = result.elo
    faults = ", ".join(f"{key} {counts[key]}" for key in ("capped", "illegal", "crashes", "timeouts"))
    return (
        f"{first} against {second}: {len(result.games)} games, "
        f"+{result.wins} ={result.draws} -{result.losses}, score {100 * result.score:.1f} %\n"
        f"Elo {elo.elo:+.0f}, 95 % interval {elo.low:+.0f} to {elo.high:+.0f}; {faults}"
    )
