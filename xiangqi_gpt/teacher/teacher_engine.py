"""The teacher's engine: asked for the best move and its score in one position after another."""

from __future__ import annotations

import time
from dataclasses import dataclass

from xiangqi_gpt.engines.info import InfoLine, newest_lines, score_of
from xiangqi_gpt.engines.pipes import PipeEngine
from xiangqi_gpt.engines.spec import EngineSpec, engine_name
from xiangqi_gpt.errors import MoveError, PlayerError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

MAX_SCORE = 20_000
"""Stored scores other than mates are clipped to this number of centipawns."""


class BadEngineAnswerError(PlayerError):
    """An engine whose answer cannot be a label: an illegal best move, none, or no score.

    Attributes:
        engine: its name.
        fen: the position.
        answer: its text.
    """

    def __init__(self, message: str, engine: str, fen: str, answer: str) -> None:
        super().__init__(message)
        self.engine = engine
        self.fen = fen
        self.answer = answer

    def __reduce__(self) -> tuple[type[BadEngineAnswerError], tuple[str, ...]]:
        # The error travels between processes; default pickling would lose the attributes.
        return type(self), (str(self), self.engine, self.fen, self.answer)


@dataclass(frozen=True, slots=True)
class Label:
    """The engine's evaluation of a position.

    Attributes:
        best: its best move.
        cp: centipawns for the side to move; a mate in n moves is 30000 - n or -(30000 - n), other scores lie
            within +-20000.
        lines: its best moves with their scores, best first; one unless more were requested.
    """

    best: Move
    cp: int
    lines: tuple[tuple[Move, int], ...]


class Game:
    """A game in progress: the board, and the position text for the engine.

    The engine gets the position after the last capture and the moves since then: no repetition reaches further back,
    and engines read long lists of moves slowly.
    """

    def __init__(self, board: Board, ranks: RankConvention) -> None:
        self.board = board
        self._ranks: RankConvention = ranks
        self._root = board.fen()
        self._moves = ""

    def push(self, move: Move) -> None:
        """Play a legal move."""
        capture = self.board.is_capture(move)
        self.board.push(move)
        if capture:
            self._root, self._moves = self.board.fen(), ""
        else:
            self._moves += f" {uci.render(self.board, move, ranks=self._ranks)}"

    @property
    def position(self) -> str:
        """The UCI command `position` for the present position."""
        return f"position fen {self._root}" + (f" moves{self._moves}" if self._moves else "")


class TeacherEngine:
    """A running engine.

    Args:
        spec: how to start it; without a limit the default limit is used.
        multipv: number of best moves per label.

    Attributes:
        name: the program with its limit and options.
        identity: the name that the engine reports.
        ranks: its rank convention.
        searches: positions labelled so far.
        seconds: total time between requests and answers.

    Raises:
        PlayerError: the program is missing, does not implement the protocol, does not play Xiangqi, or rejects an
            option.
    """

    def __init__(self, spec: EngineSpec, *, multipv: int = 1) -> None:
        self.name = teacher_name(spec)
        self.searches = 0
        self.seconds = 0.0
        self._multipv = multipv
        limit = spec.default_limit if spec.limit.is_empty else spec.limit
        self._go = "go" + "".join(
            f" {key} {value}"
            for key, value in (
                ("nodes", limit.nodes),
                ("depth", limit.depth),
                ("movetime", round(1000 * limit.time) if limit.time is not None else None),
            )
            if value is not None
        )
        self._engine = PipeEngine(spec, self.name, multipv=multipv)
        self.identity = self._engine.identity
        self.ranks: RankConvention = self._engine.ranks

    def new_game(self) -> None:
        """Clear the engine's memory, so that a game's labels depend on that game alone."""
        self._engine.new_game()

    def label(self, game: Game) -> Label:
        """Best move and score of the present position, which must have a legal move.

        Raises:
            BadEngineAnswerError: the answer cannot be a label.
            PlayerCrashError, PlayerTimeoutError: the engine has died, or was killed because it did not answer.
        """
        started = time.perf_counter()
        fen = game.board.fen()
        self._engine.send(f"{game.position}\n{self._go}", fen)
        lines = self._engine.read_until("bestmove", fen)
        self.seconds += time.perf_counter() - started
        self.searches += 1
        return self._label(game.board, lines[-1], lines[:-1])

    def kill(self) -> None:
        """End the process at once."""
        self._engine.kill()

    def close(self) -> None:
        """End the process; it is killed if it does not quit by itself."""
        self._engine.close()

    def _label(self, board: Board, answer: str, lines: list[str]) -> Label:
        words = answer.split()
        move = words[1] if len(words) > 1 and words[0] == "bestmove" else ""
        best = self._legal(board, move, "a legal best move", answer)
        if self._multipv == 1:
            found = score_of(lines, uci.render(board, best, ranks=self.ranks))
            if found is None:
                raise self._bad("a score for the best move", board, _last_words(lines, answer))
            cp = stored_score(found)
            return Label(best, cp, ((best, cp),))
        scores: dict[Move, int] = {}
        for line in newest_lines(lines):
            move_of_line = self._legal(board, line.pv[0], "legal moves in its lines", line.text)
            scores.setdefault(move_of_line, stored_score(line))
        if best not in scores:
            raise self._bad("a score for the best move", board, _last_words(lines, answer))
        first = scores.pop(best)
        return Label(best, first, ((best, first), *scores.items()))

    def _legal(self, board: Board, text: str, expected: str, answer: str) -> Move:
        try:
            return uci.parse(board, text, ranks=self.ranks)
        except MoveError as error:
            raise self._bad(expected, board, answer, str(error)) from error

    def _bad(self, expected: str, board: Board, answer: str, why: str = "") -> BadEngineAnswerError:
        fen, because = board.fen(), f" ({why})" if why else ""
        message = f"{self.name}: expected {expected} in {fen!r}, found {answer[:500]!r}{because}"
        return BadEngineAnswerError(message, self.name, fen, answer)


def teacher_name(spec: EngineSpec) -> str:
    """The program with its limit (also if it is the default) and its options, for display."""
    return engine_name(spec, limit=spec.default_limit if spec.limit.is_empty else spec.limit)


def stored_score(line: InfoLine) -> int:
    """The score of a line, which has one, as labels hold it."""
    assert line.cp is not None
    return line.cp if line.is_mate else max(-MAX_SCORE, min(MAX_SCORE, line.cp))


def _last_words(lines: list[str], answer: str) -> str:
    return "; ".join([*[line for line in lines if line.strip()][-1:], answer])
