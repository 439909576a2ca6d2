"""`xiangqi-gpt tournament`: many players, one table of ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.arena.match import check_games
from xiangqi_gpt.arena.referee import PlayedGame
from xiangqi_gpt.arena.series import play_series
from xiangqi_gpt.arena.tournament import Link, Schedule, TournamentResult, links, rate
from xiangqi_gpt.cli.arena_options import GameOptions, check_player, game_options
from xiangqi_gpt.cli.interrupts import exit_of, terminate_as_interrupt
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.files import check_writable
from xiangqi_gpt.safe_json import format_json


@click.command()
@click.argument("players", metavar="PLAYER...", nargs=-1, required=True)
@click.option(
    "--games", type=click.IntRange(min=1), default=20, show_default=True, help="Games of each pairing."
)
@click.option("--gauntlet", is_flag=True, help="Only the first player meets the others.")
@click.option(
    "--chain", is_flag=True, help="Each player meets only its neighbours, in the order given: weakest first."
)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="PLAYER=ELO",
    help="Fix the rating of a player; may be repeated.",
)
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Plot the ratings to this file.")
@game_options
def command(
    players: tuple[str, ...],
    games: int,
    gauntlet: bool,
    chain: bool,
    anchors: tuple[str, ...],
    picture: Path | None,
    **options: Any,
) -> None:
    """Let players meet each other and print their ratings.

    The ratings are those of the Bradley-Terry model, with 95 % intervals. A PLAYER is given as for match. With --pgn
    each game is written when it ends, and --resume continues an interrupted tournament.
    """
    how = GameOptions(**options)
    config = how.config
    schedule = Schedule(players=players, games=games, gauntlet=gauntlet, chain=chain)
    fixed = dict(map(_anchor, anchors))
    rate(schedule, (), fixed)  # refuses strangers
    if picture is not None:
        from xiangqi_gpt.arena.ratings_plot import plot_ratings
        from xiangqi_gpt.plotting import check_matplotlib

        check_matplotlib()  # a missing library is reported before anything is played
        check_writable(picture, overwrite=how.force or how.resume)
    openings = how.load_openings()
    with ExitStack() as stack:
        stack.enter_context(terminate_as_interrupt())
        pairing: dict[str, Any] = {"gauntlet": gauntlet, **({"chain": True} if chain else {})}
        store = how.store(
            stack, openings, "xiangqi-gpt tournament", players=list(players), games=games, **pairing
        )
        facts = [check_player(spec, config.seed) for spec in players]
        for first, second in schedule.pairings:
            check_games(games, openings, facts[first], facts[second])
        finished = {game.number: game for game in store.games()} if store is not None else {}
        if finished and not how.quiet:
            click.echo(f"{len(finished)} of {schedule.total} games are finished already", err=True)

        def on_game(game: PlayedGame) -> None:
            finished[game.number] = game
            if not how.quiet:
                click.echo(
                    f"game {game.number}/{schedule.total}: {game.red} - {game.black} {game.result} after "
                    f"{len(game.moves)} plies, {game.detail}",
                    err=True,
                )

        try:
            played = play_series(
                schedule.tasks(openings, config.seed), config, how.place, store=store, on_game=on_game
            )
        except KeyboardInterrupt as interrupt:
            file = f"; they are in {how.pgn}, --resume continues" if how.pgn is not None and finished else ""
            click.echo(f"stopped: {len(finished)} of {schedule.total} games are finished{file}", err=True)
            if finished:
                _show(rate(schedule, finished.values(), fixed), schedule, how, _links(schedule, finished))
            raise exit_of(interrupt) from None
        result = rate(schedule, played, fixed)
        if store is not None:
            store.finish([game.number for game in played])
        if picture is not None:
            plot_ratings(result.standings, picture, overwrite=how.force or how.resume)
        _show(result, schedule, how, _links(schedule, finished))
        if store is not None:
            store.remove()


def _anchor(text: str) -> tuple[str, float]:
    # A spec may hold equals signs of its own.
    spec, _, number = text.rpartition("=")
    try:
        elo = float(number)
    except ValueError:
        elo = float("nan")
    if not spec or not -10_000 <= elo <= 10_000:
        raise ConfigError(f"--anchor: expected PLAYER=ELO such as random=0, found {text!r}")
    return spec, elo


def _links(schedule: Schedule, games: Mapping[int, PlayedGame]) -> tuple[Link, ...]:
    return links(schedule, games.values()) if schedule.chain else ()


def _show(result: TournamentResult, schedule: Schedule, how: GameOptions, chain: Sequence[Link]) -> None:
    if how.as_json:
        about = {
            "games": result.games,
            "players": [standing.as_dict() for standing in result.standings],
            "order": list(schedule.players),
            "points": result.points.tolist(),
            "gauntlet": schedule.gauntlet,
            **({"links": [link.as_dict() for link in chain]} if schedule.chain else {}),
            **how.summary(),
        }
        click.echo(format_json(about))
        return
    rows = [("", "player", "Elo", "95 % interval", "games", "+ = -", "score", "faults")]
    for place, one in enumerate(result.standings, start=1):
        spread = "fixed" if one.is_anchor else f"{one.rating.low:+.0f} to {one.rating.high:+.0f}"
        faults = ", ".join(f"{key} {count}" for key, count in one.faults.items() if count)
        record = f"+{one.wins} ={one.draws} -{one.losses}"
        score = f"{100 * one.score:.1f} %"
        rows.append(
            (str(place), one.player, f"{one.rating.elo:+.0f}", spread, str(one.games), record, score, faults)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for link in chain:
        elo = f"{link.elo.elo:+.0f} ({link.elo.low:+.0f} to {link.elo.high:+.0f})"
        click.echo(f"{link.stronger} against {link.weaker}: {elo} in {link.games} games")
    click.echo(f"adjudication {how.config.adjudication}; seed {how.seed}")
