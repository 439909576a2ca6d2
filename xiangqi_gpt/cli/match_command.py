"""`xiangqi-gpt match`: two players, paired colours, Elo with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import click

from xiangqi_gpt.arena.match import MatchResult, check_games
from xiangqi_gpt.arena.referee import PLAYER_FAULTS, PlayedGame
from xiangqi_gpt.arena.series import match_tasks, play_series
from xiangqi_gpt.arena.sprt import Sprt, SprtProgress
from xiangqi_gpt.cli.arena_options import GameOptions, PlayerFacts, check_player, game_options
from xiangqi_gpt.cli.interrupts import exit_of, terminate_as_interrupt
from xiangqi_gpt.safe_json import format_json


@click.command()
@click.argument("first", metavar="PLAYER")
@click.argument("second", metavar="PLAYER")
@click.option("--games", type=click.IntRange(min=1), default=100, show_default=True, help="Games to play.")
@click.option(
    "--sprt",
    "test",
    metavar="ELO0,ELO1",
    help="End as soon as a sequential test accepts one of the two Elo differences.",
)
@game_options
def command(first: str, second: str, games: int, test: str | None, **options: Any) -> None:
    """Let two players play a match and print the result as the first one sees it.

    A PLAYER is gpt[:model=DIR,temperature=T], random, greedy or engine:CMD[,nodes=N][,time=S][,OptionName=V];
    an engine that does not use UCI needs protocol=ucci or protocol=cecp. Each opening is played with both colours.
    With --pgn each game is written when it ends, and --resume continues an interrupted match.
    """
    how = GameOptions(**options)
    config, sprt = how.config, Sprt.parse(test) if test is not None else None
    openings = how.load_openings()
    with ExitStack() as stack:
        stack.enter_context(terminate_as_interrupt())
        store = how.store(
            stack, openings, "xiangqi-gpt match", players=[first, second], games=games, sprt=test
        )
        players = (check_player(first, config.seed), check_player(second, config.seed))
        check_games(games, openings, *players)
        finished = {game.number: game for game in store.games()} if store is not None else {}
        report = _Report(players, games, how, sprt, finished)
        try:
            played = play_series(
                match_tasks(first, second, games, openings, config.seed),
                config,
                how.place,
                store=store,
                on_game=report.game,
                last_game=report.last_game if sprt is not None else None,
            )
        except KeyboardInterrupt as interrupt:
            report.stopped()
            raise exit_of(interrupt) from None
        if store is not None:
            store.finish([game.number for game in played])
        report.result(MatchResult(played))
        if store is not None:
            store.remove()


class _Report:
    """Prints one line for each game on standard error, and the result on standard output."""

    def __init__(
        self,
        players: tuple[PlayerFacts, PlayerFacts],
        games: int,
        how: GameOptions,
        sprt: Sprt | None,
        finished: dict[int, PlayedGame],
    ) -> None:
        self._players, self._games, self._how = players, games, how
        self._sprt = SprtProgress(sprt) if sprt is not None else None
        self._finished = finished
        if finished and not how.quiet:
            click.echo(f"{len(finished)} of {games} games are finished already", err=True)

    def game(self, game: PlayedGame) -> None:
        """A game has ended."""
        self._finished[game.number] = game
        if self._how.quiet:
            return
        so_far = self._so_far()
        elo = so_far.elo
        state = f", {self._sprt.look(self._finished)}" if self._sprt is not None else ""
        click.echo(
            f"game {game.number}/{self._games}: {game.red} - {game.black} {game.result} after {len(game.moves)} "
            f"plies, {game.detail} (+{so_far.wins} ={so_far.draws} -{so_far.losses}, Elo {elo.elo:+.0f} from "
            f"{elo.low:+.0f} to {elo.high:+.0f}{state})",
            err=True,
        )

    def last_game(self, games: Mapping[int, PlayedGame]) -> int | None:
        """The game with which the test is decided."""
        assert self._sprt is not None
        state = self._sprt.look(games)
        return state.games if state.accepted is not None else None

    def stopped(self) -> None:
        """The match was interrupted."""
        file = (
            f"; they are in {self._how.pgn}, --resume continues the match"
            if self._how.pgn is not None
            else ""
        )
        done = f"{len(self._finished)} of {self._games} games are finished"
        click.echo(f"stopped: {done}{file if self._finished else ''}", err=True)
        if self._finished:
            self.result(self._so_far())

    def result(self, result: MatchResult) -> None:
        """The result of the games played."""
        if self._how.as_json:
            click.echo(format_json(self._as_dict(result)))
            return
        first, second = self._players
        counts, elo = result.as_dict(), result.elo
        faults = ", ".join(f"{key} {counts[key]}" for key in ("capped", *PLAYER_FAULTS))
        click.echo(
            f"{first.name} against {second.name}: {len(result.games)} games, "
            f"+{result.wins} ={result.draws} -{result.losses}, score {100 * result.score:.1f} %\n"
            f"Elo {elo.elo:+.0f}, 95 % interval {elo.low:+.0f} to {elo.high:+.0f}; {faults}"
        )
        for player, is_first in ((first, True), (second, False)):
            own = [f"{key} {count}" for key, count in result.faults(first=is_first).items() if count]
            if own:
                click.echo(f"faults of {player.name}: {', '.join(own)}")
        pairs = " ".join(map(str, result.pentanomial))
        click.echo(f"pairs with 0 to 2 points: {pairs}; adjudication {self._how.config.adjudication}")
        if self._sprt is not None:
            click.echo(str(self._sprt.state))

    def _so_far(self) -> MatchResult:
        return MatchResult(tuple(self._finished[number] for number in sorted(self._finished)))

    def _as_dict(self, result: MatchResult) -> dict[str, Any]:
        return {
            **result.as_dict(),
            "players": [player.name for player in self._players],
            **self._how.summary(),
            "sprt": self._sprt.state.as_dict() if self._sprt is not None else None,
        }
