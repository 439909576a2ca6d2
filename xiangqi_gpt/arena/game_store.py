"""Games on disk during a match: each one is in a journal and in the PGN file as soon as it is finished.

The journal, a folder `NAME.parts` beside the PGN file, holds the settings of the match and all that is known of its
games. It is removed when the match is complete. A match that is resumed rewrites its PGN file from the journal,
so that neither file can hold half a game.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from xiangqi_gpt.arena.match_records import match_records
from xiangqi_gpt.arena.openings import Opening
from xiangqi_gpt.arena.referee import MatchConfig, MoveInfo, PlayedGame
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import append_whole, atomic_path, check_writable
from xiangqi_gpt.records.formats.pgn.pgnwrite import FORMATS, game_text, renderer
from xiangqi_gpt.rules.move import MOVES
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.workers.journal import Journal, Row, parts_folder


class GameStore:
    """The games of one match on disk; open it with `with`.

    Args:
        pgn: the PGN file to write.
        settings: everything the games depend on; a match that began with others is refused.
        config: how the games are played.
        resume: continue a match that was stopped, if there is one.
        force: start over: overwrite the file and delete the games of an interrupted match.
        event: the Event tag of the games.

    Raises:
        ConfigError: a stopped match is there and neither `resume` nor `force` is given; it was begun with other
            settings; another process is playing it; or `resume` is given and the file is complete.
        RecordError: the file is there, or cannot be written.
    """

    def __init__(
        self,
        pgn: Path,
        settings: Mapping[str, Any],
        config: MatchConfig,
        *,
        resume: bool = False,
        force: bool = False,
        event: str = "xiangqi-gpt match",
    ) -> None:
        self.pgn = pgn
        self._config = config
        self._event = event
        self._begin_anew = force and not resume
        try:
            self._check_place(resume=resume, force=force)
        except OSError as error:
            reason = f"expected a file that can be written: {error.strerror or error}"
            raise RecordError(reason, file=str(pgn)) from error
        self._journal = Journal(
            pgn, settings, force=self._begin_anew, continue_with="the same command with --resume"
        )
        self._file: IO[bytes] | None = None
        self._size = 0
        self._written: list[int] = []

    def _check_place(self, *, resume: bool, force: bool) -> None:
        """Refuse a name that is no file's or is taken, and what `resume` and `force` do not fit."""
        pgn = self.pgn
        if not pgn.name:
            raise RecordError(f"expected the name of a file to write, found {str(pgn)!r}")
        is_begun = games_kept(pgn)
        if is_begun and not resume and not force:
            raise ConfigError(
                f"{parts_folder(pgn)} holds the games of a match that was stopped: --resume continues it, "
                "--force deletes them"
            )
        if resume and not is_begun and pgn.exists():
            raise ConfigError(
                f"There is nothing to resume: {pgn} is not the file of a stopped match (--force overwrites it)."
            )
        if not is_begun:
            check_writable(pgn, overwrite=force, error=RecordError)

    def __enter__(self) -> GameStore:
        self._journal.__enter__()
        try:
            if self._begin_anew:
                self._journal.clear()
            elif len(self._journal):
                self._rewrite(self._journal.numbers())
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        self._journal.__exit__(kind, error, trace)

    def __len__(self) -> int:
        return len(self._journal)

    def games(self) -> Iterator[PlayedGame]:
        """The games kept, in the order of their numbers."""
        for number in self._journal.numbers():
            yield _game(number, self._journal.row(number))

    def add(self, game: PlayedGame) -> None:
        """Keep a finished game. RecordError where the disk refuses it; the games before are kept whole."""
        self._journal.add(game.number, _row(game))
        if self._file is None:
            self._rewrite(self._journal.numbers())
            return
        text = self._text(game.number)
        try:
            append_whole(self._file, text, self._size)
        except OSError as error:
            raise self._journal.unwritable(error, self.pgn) from error
        self._size += len(text)
        self._written.append(game.number)

    def finish(self, numbers: Collection[int]) -> None:
        """Make sure that the PGN file holds these games in their order. The journal stays until :meth:`remove`."""
        if self._written != sorted(numbers):
            self._rewrite(sorted(numbers))

    def remove(self) -> None:
        """Remove the journal: the match is complete."""
        self._close()
        self._journal.remove()

    def _rewrite(self, numbers: Collection[int]) -> None:
        """Rewrite the PGN file with these games, and leave it open for more."""
        self._close()
        try:
            with (
                atomic_path(self.pgn, overwrite=True, error=RecordError) as draft,
                open(draft, "wb") as file,
            ):
                for number in numbers:
                    file.write(self._text(number))
            self._file = open(self.pgn, "ab", buffering=0)  # noqa: SIM115  closed with the store
        except RecordError as error:
            if isinstance(error.__cause__, OSError):
                raise self._journal.unwritable(error.__cause__, self.pgn) from error
            raise
        except OSError as error:
            raise self._journal.unwritable(error, self.pgn) from error
        self._size = os.fstat(self._file.fileno()).st_size
        self._written = list(numbers)

    def _text(self, number: int) -> bytes:
        row = self._journal.row(number)
        date = datetime.date.fromisoformat(row["date"])
        (record,) = match_records([_game(number, row)], self._config, date=date, event=self._event)
        return (game_text(record, renderer("iccs"), FORMATS["iccs"]) + "\n").encode()

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def games_kept(pgn: Path) -> bool:
    """Whether a match that writes this file was stopped and has left finished games."""
    games = parts_folder(pgn) / "games.jsonl"
    return games.is_file() and games.stat().st_size > 0


def _row(game: PlayedGame) -> Row:
    """A game as the journal keeps it."""
    return {
        "opening": [game.opening.start_fen, len(game.opening.moves), game.opening.line],
        "moves": [move.index for move in game.moves],
        "red": game.red,
        "black": game.black,
        "first_is_red": game.first_is_red,
        "winner": None if game.winner is None else int(game.winner),
        "ending": game.ending,
        "detail": game.detail,
        "infos": [[info.seconds, info.score_cp, info.depth] for info in game.infos],
        "date": datetime.date.today().isoformat(),
    }


def _game(number: int, row: Row) -> PlayedGame:
    moves = tuple(MOVES[index] for index in row["moves"])
    fen, given, line = row["opening"]
    return PlayedGame(
        number=number,
        opening=Opening(moves[:given], line, fen),
        moves=moves,
        red=row["red"],
        black=row["black"],
        first_is_red=row["first_is_red"],
        winner=None if row["winner"] is None else Color(row["winner"]),
        ending=row["ending"],
        detail=row["detail"],
        infos=tuple(MoveInfo(*info) for info in row["infos"]),
    )
