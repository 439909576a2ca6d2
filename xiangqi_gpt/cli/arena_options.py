"""Options of `match` and `tournament`: how and where games are played and stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.arena.adjudication import Adjudication
from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.arena.game_store import GameStore
from xiangqi_gpt.arena.openings import Opening, load_openings
from xiangqi_gpt.arena.referee import MAX_PLIES, MOVE_OVERHEAD, MatchConfig
from xiangqi_gpt.arena.series import Place
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.players import Limit, create_player
from xiangqi_gpt.players.base import is_deterministic
from xiangqi_gpt.rules.rulesets import RULE_SETS, get_rule_set

_OPTIONS = (
    click.option(
        "--nodes", type=click.IntRange(min=1), help="Positions per move, for players without a limit."
    ),
    click.option("--time", "seconds", type=float, help="Seconds per move, for players without a limit."),
    click.option("--depth", type=click.IntRange(min=1), help="Plies per move, for players without a limit."),
    click.option("--tc", "clock", metavar="TIME+INC", help="Clock of each side: 10s+0.1s, 5m+3s or 1:30+1."),
    click.option(
        "--move-overhead",
        type=click.FloatRange(0, 10),
        default=MOVE_OVERHEAD,
        show_default=True,
        help="Seconds of each move that the clock does not charge.",
    ),
    click.option(
        "--openings",
        type=click.Path(path_type=Path),
        help="File of openings: moves, PGN, FEN or EPD.  [default: the bundled ones]",
    ),
    click.option(
        "--opening-plies", type=click.IntRange(0, 60), help="Use only the first plies of each opening."
    ),
    click.option("--rules", type=click.Choice(list(RULE_SETS)), default="simple", show_default=True),
    click.option(
        "--max-plies",
        type=click.IntRange(min=1),
        default=MAX_PLIES,
        show_default=True,
        help="A longer game is a draw.",
    ),
    click.option(
        "--resign",
        metavar="CP[,MOVES]",
        help="A side whose score is -CP or less for MOVES (3) moves loses. Off by default.",
    ),
    click.option(
        "--draw",
        metavar="CP[,MOVES[,FROM]]",
        help="A draw if both scores stay within CP for MOVES (8) moves, from move FROM (40). Off by default.",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Random seed of openings and players."
    ),
    click.option("--concurrency", type=click.IntRange(1, 1024), help="Games at the same time.  [default: 1]"),
    click.option(
        "--cluster",
        is_flag=False,
        flag_value="auto",
        metavar="[ADDRESS]",
        help="Play on a Ray cluster, by default the one this machine belongs to.",
    ),
    click.option("--pgn", type=click.Path(path_type=Path), help="Write each game to this file when it ends."),
    click.option(
        "--resume", is_flag=True, help="Continue after an interruption, with otherwise the same options."
    ),
    click.option(
        "--force",
        is_flag=True,
        help="Overwrite the file of --pgn, and delete the games of an interrupted run.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    click.option("--quiet", is_flag=True, help="Show no progress on standard error."),
)


def game_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options of `GameOptions`; a command takes them as keywords."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True)
class GameOptions:
    """The values of the options."""

    nodes: int | None
    seconds: float | None
    depth: int | None
    clock: str | None
    move_overhead: float
    openings: Path | None
    opening_plies: int | None
    rules: str
    max_plies: int
    resign: str | None
    draw: str | None
    seed: int
    concurrency: int | None
    cluster: str | None
    pgn: Path | None
    resume: bool
    force: bool
    as_json: bool
    quiet: bool

    def __post_init__(self) -> None:
        if self.resume and self.pgn is None:
            raise ConfigError("--resume needs the file of the games: --pgn FILE.")
        if self.resume and self.force:
            raise ConfigError(
                "--resume continues a match and --force deletes its games: give only one of them."
            )

    @property
    def config(self) -> MatchConfig:
        """How games are played."""
        return MatchConfig(
            limit=Limit(nodes=self.nodes, time=self.seconds, depth=self.depth),
            clock=TimeControl.parse(self.clock) if self.clock is not None else None,
            rules=self.rules,
            max_plies=self.max_plies,
            move_overhead=self.move_overhead,
            adjudication=Adjudication.parse(self.resign, self.draw),
            seed=self.seed,
        )

    @property
    def place(self) -> Place:
        """Where games are played."""
        return Place(concurrency=self.concurrency, cluster=self.cluster)

    def load_openings(self) -> tuple[Opening, ...]:
        """The openings; RecordError as in `load_openings`."""
        return load_openings(self.openings, plies=self.opening_plies)

    def store(
        self, stack: ExitStack, openings: Sequence[Opening], event: str, **settings: Any
    ) -> GameStore | None:
        """The open file of the games, None without one. Errors as in `GameStore`."""
        if self.pgn is None:
            return None
        text = "\n".join(map(str, openings))
        everything = {
            "event": event,
            **settings,
            **self.summary(),
            "openings": hashlib.sha256(text.encode()).hexdigest()[:16],
        }
        return stack.enter_context(
            GameStore(self.pgn, everything, self.config, resume=self.resume, force=self.force, event=event)
        )

    def summary(self) -> dict[str, Any]:
        """How games are played, in words, for JSON and for the journal."""
        config = self.config
        return {
            "seed": config.seed,
            "limit": str(config.limit),
            "clock": str(config.clock) if config.clock is not None else None,
            "move_overhead": config.move_overhead,
            "rules": get_rule_set(config.rules).name,
            "max_plies": config.max_plies,
            "adjudication": str(config.adjudication),
        }


@dataclass(frozen=True)
class PlayerFacts:
    """Facts about a player, known before the first game."""

    spec: str
    name: str
    deterministic: bool


def check_player(spec: str, seed: int) -> PlayerFacts:
    """Build a player once, so that one that cannot be built is refused before anything is played.

    Raises PlayerError as in `create_player`.
    """
    player = create_player(spec, seed=seed)
    try:
        return PlayerFacts(spec, player.name, is_deterministic(player))
    finally:
        player.close()
