"""A level that follows the person: their rating, kept on disk, and the player that is about as strong."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from xiangqi_gpt.errors import FileError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.players.base import (
    NO_LIMIT,
    Analysis,
    HumanProb,
    Limit,
    Mind,
    Player,
    PlayResult,
    human_prob_of,
    mind_of,
    stop_event_of,
    warm_up,
)
from xiangqi_gpt.players.levels import ADAPTIVE, Level, get_level, nearest_level
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.safe_json import format_json, parse_json

FIRST_ELO = float(get_level("improver").elo)
"""What somebody without games is taken to be worth; on the ladder of the levels."""

_LARGEST_FILE = 65_536  # bytes
_FIRST_STEP, _LAST_STEP = 320.0, 40.0  # Elo at stake: in the first game, and once the rating has settled
_LOWEST, _HIGHEST = -500.0, 4000.0  # Elo


@dataclass(frozen=True, kw_only=True)
class PersonRating:
    """The rating of the person at the board, on the ladder of the levels."""

    elo: float = FIRST_ELO
    games: int = 0

    @property
    def level(self) -> Level:
        """The level against which the person is expected to score nearest to half of the points."""
        return nearest_level(self.elo)

    def after(self, level: Level, points: float) -> PersonRating:
        """The rating after one more game.

        Args:
            level: the opponent.
            points: of the person: 1 for a win, 0.5 for a draw, 0 for a loss.
        """
        expected = 1 / (1 + 10 ** ((level.elo - self.elo) / 400))
        step = max(_LAST_STEP, _FIRST_STEP / (1 + self.games / 2))
        elo = min(_HIGHEST, max(_LOWEST, self.elo + step * (points - expected)))
        return PersonRating(elo=elo, games=self.games + 1)


def rating_path() -> Path:
    """The file of the rating on this machine."""
    return user_folder("data") / "rating.json"


def load_rating(path: Path | None = None) -> PersonRating:
    """The rating that is kept; that of a newcomer where there is none or it cannot be read."""
    path = rating_path() if path is None else path
    try:
        found = parse_json(read_limited(path, _LARGEST_FILE))
    except ValueError:
        return PersonRating()
    if not isinstance(found, dict):
        return PersonRating()
    elo, games = found.get("elo"), found.get("games")
    if (
        isinstance(elo, bool)
        or not isinstance(elo, (int, float))
        or not math.isfinite(elo)
        or not _LOWEST <= elo <= _HIGHEST
        or isinstance(games, bool)
        or not isinstance(games, int)
        or games < 0
    ):
        return PersonRating()
    return PersonRating(elo=float(elo), games=games)


def record_game(level: Level, points: float, path: Path | None = None) -> PersonRating:
    """Take a finished game of the person into account and keep the new rating, which is returned.

    A folder that cannot be written to is no reason to stop: the rating then stays as it was.

    Args:
        level: the level that the person has played against.
        points: of the person: 1, 0.5 or 0.
    """
    path = rating_path() if path is None else path
    rating = load_rating(path).after(level, points)
    text = format_json(asdict(rating)) + "\n"
    with suppress(FileError), atomic_path(path, overwrite=True, parents=True) as draft:
        draft.write_text(text, encoding="utf-8")
    return rating


def level_of(name: str) -> Level:
    """The level of a number or a name; for "adaptive" the one that suits the person now.

    Raises:
        PlayerError: there is no such level.
    """
    return load_rating().level if name.strip().lower() == ADAPTIVE else get_level(name)


class AdaptivePlayer:
    """The player of the level that suits the person; it is chosen anew for each game.

    Args:
        create: builds the player of a level.
        path: the file of the rating; None for that of this machine.

    Attributes:
        level: the level of the present game.
    """

    deterministic = False

    def __init__(self, create: Callable[[Level], Player], path: Path | None = None) -> None:
        self._create, self._path = create, path
        self.level = load_rating(path).level
        self._player = create(self.level)

    @property
    def name(self) -> str:
        return f"gpt:level=adaptive ({self.level.key})"

    @property
    def stop_event(self) -> threading.Event | None:
        """Ends the thinking at once when it is set."""
        return stop_event_of(self._player)

    @property
    def human_prob(self) -> HumanProb | None:
        """How likely people are to play a move, where the player of the level knows."""
        return human_prob_of(self._player)

    def warm_up(self) -> None:
        """Let the player of the level do beforehand what its first answer would wait for."""
        warm_up(self._player)

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        return self._player.play(board, limit)

    def analyse(self, board: Board, limit: Limit = NO_LIMIT, multipv: int | None = None) -> Analysis:
        return self._player.analyse(board, limit, multipv)

    def mind(self, board: Board) -> Mind:
        """What the GPT of the level attends to and believes; PlayerError where it shows nothing."""
        return mind_of(self._player, board)

    def record(self, points: float) -> PersonRating:
        """Take a finished game into account; `points` are those of the person, 1, 0.5 or 0."""
        return record_game(self.level, points, self._path)

    def new_game(self) -> None:
        level = load_rating(self._path).level
        if level == self.level:
            self._player.new_game()
            return
        self._player.close()
        self.level = level
        self._player = self._create(level)

    def close(self) -> None:
        self._player.close()
