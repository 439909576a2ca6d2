"""How one `go` is answered: by the search of a GPT, or by whatever another player plays."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from xiangqi_gpt.players.base import Analysis, Limit, Line, Player, stop_event_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.uci.info_lines import Progress

if TYPE_CHECKING:
    from xiangqi_gpt.decoding.lookahead import SearchResult
    from xiangqi_gpt.players.gpt_player import GPTPlayer

_STEP = 32  # descents between two looks at how deep the principal line is
_NODES_FOR_DEPTH = 25  # depth d is reached after 25 * d * d descents at the latest
_NODES_FOR_MATE = 3000  # descents for each move of a mate that is asked for, at most
_OPENING_PIECES = 30  # on the board, at least, for a position to belong to the opening
_NEARLY_BEST = 0.08  # of expected results of -1..1: moves so much worse than the best are played for variety
_SELDOM = 0.15  # but none that is this much less tried than the most tried one


class StopEvent(threading.Event):
    """Ends one search; a player that has an event of its own has that set as well."""

    def __init__(self) -> None:
        super().__init__()
        self._also: threading.Event | None = None

    def set(self) -> None:
        """Stop."""
        super().set()
        if self._also is not None:
            self._also.set()

    def pass_on_to(self, event: threading.Event) -> None:
        """Clear *event*, and set it whenever this one is set."""
        event.clear()
        self._also = event
        if self.is_set():
            event.set()


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a player.

    Attributes:
        limit: what ends the search; the player's own limit where it is empty.
        endless: search on until stopped.
        root_moves: the only moves to look at; None for all.
        mate: search for a mate in so many moves.
        most_nodes: what fits into memory.
        variety: move number up to which good moves are drawn instead of the best one played.
        stop: ends the search at once.
    """

    limit: Limit = field(default_factory=Limit)
    endless: bool = False
    root_moves: Sequence[Move] | None = None
    mate: int | None = None
    most_nodes: int | None = None
    variety: int = 0
    stop: StopEvent = field(default_factory=StopEvent)


@dataclass(frozen=True)
class Answer:
    """A move, the reply expected to it, and what was thought; the move's line is the first."""

    move: Move
    analysis: Analysis | None = None
    progress: Progress | None = None

    @property
    def reply(self) -> Move | None:
        """What the opponent is expected to play; None where nothing is known."""
        line = self.analysis.lines[0] if self.analysis is not None and self.analysis.lines else None
        return line.pv[1] if line is not None and line.move == self.move and len(line.pv) > 1 else None


class Searcher(Protocol):
    """Answers questions."""

    def answer(self, board: Board, question: Question, report: Callable[[Answer], None]) -> Answer:
        """A move for *board*, whose side to move has one; *report* is called while thinking."""


def searcher_of(player: Player, rng: random.Random) -> Searcher:
    """What makes the best of a player."""
    if getattr(player, "lookahead", None) is not None:
        from xiangqi_gpt.players.gpt_player import GPTPlayer

        if isinstance(player, GPTPlayer):
            return GPTSearcher(player, rng)
    return PlayerSearcher(player)


class PlayerSearcher:
    """Any player: one move, nothing in between."""

    def __init__(self, player: Player) -> None:
        self._player = player

    def answer(self, board: Board, question: Question, report: Callable[[Answer], None]) -> Answer:
        """The move that the player plays, or of the moves asked for the one that it likes best."""
        stop = stop_event_of(self._player)
        if stop is not None:
            question.stop.pass_on_to(stop)
        if question.root_moves is None:
            result = self._player.play(board, question.limit)
            return Answer(result.move, _first(result.analysis, result.move))
        analysis = self._player.analyse(board, question.limit)
        liked = [line.move for line in analysis.lines if line.move in question.root_moves]
        lines = tuple(line for line in analysis.lines if line.move in question.root_moves)
        move = liked[0] if liked else question.root_moves[0]
        return Answer(move, Analysis(lines, analysis.value, analysis.leak))


class GPTSearcher:
    """A GPT that looks ahead."""

    def __init__(self, player: GPTPlayer, rng: random.Random) -> None:
        self._player = player
        self._rng = rng

    def answer(self, board: Board, question: Question, report: Callable[[Answer], None]) -> Answer:
        """The move that the search prefers; drawn at the player's temperature, or for variety in the opening."""
        found, answer = self._search(board, question, report)
        if question.root_moves is not None or question.endless:
            return answer
        move = answer.move
        if self._player.temperature > 0:
            move = self._player.drawn(found)
        elif question.variety and _is_opening(board, question.variety):
            move = self._varied(found)
        if move == answer.move:
            return answer
        return Answer(move, _first(answer.analysis, move), answer.progress)

    def _search(
        self, board: Board, question: Question, report: Callable[[Answer], None]
    ) -> tuple[SearchResult, Answer]:
        began, nodes, depth = time.monotonic(), 0, 0
        limit = question.limit
        seconds, most = self._limits(question)

        def seen(found: SearchResult) -> Progress:
            nonlocal depth
            depth = max(depth, len(found.candidates[0].pv))
            return Progress(depth, found.depth, nodes + found.nodes, time.monotonic() - began)

        stepwise = limit.depth is not None or question.mate is not None
        while True:
            room = None if most is None else most - nodes
            step = room if not stepwise else min(_STEP, room if room is not None else _STEP)
            found = self._player.look_ahead(
                board,
                seconds=None if seconds is None else seconds - (time.monotonic() - began),
                nodes=step,
                stop=question.stop,
                root_moves=question.root_moves if not question.endless else _asked(board, question),
                on_progress=lambda found: report(self._answer_of(found, seen(found), question)),
            )
            progress = seen(found)
            nodes += found.nodes
            answer = self._answer_of(found, progress, question)
            report(answer)
            if not stepwise or step is None or found.nodes < step or question.stop.is_set():
                return found, answer
            if most is not None and nodes >= most:
                return found, answer
            if limit.depth is not None and progress.depth >= limit.depth:
                return found, answer
            mate = found.candidates[0].mate
            if question.mate is not None and mate is not None and 0 < mate <= question.mate:
                return found, answer

    def _limits(self, question: Question) -> tuple[float | None, int | None]:
        """Seconds and descents; without both the player's own limits count."""
        limit = question.limit
        seconds = None if limit.time is None else max(0.0, 0.95 * limit.time - 0.005)
        caps = [limit.nodes]
        if limit.depth is not None:
            caps.append(_NODES_FOR_DEPTH * limit.depth**2 + _STEP)
        if question.mate is not None:
            caps.append(_NODES_FOR_MATE * question.mate)
        if seconds is not None or question.endless or any(caps):
            caps.append(self._player.max_descents)
        known = [cap for cap in caps if cap is not None]
        if question.endless and seconds is None and not known:
            seconds = math.inf
        if (known or seconds is not None) and question.most_nodes is not None:
            known.append(question.most_nodes)
        return seconds, min(known, default=None)

    def _answer_of(self, found: SearchResult, progress: Progress, question: Question) -> Answer:
        from xiangqi_gpt.players.gpt_player import search_analysis

        analysis = search_analysis(found)
        if question.root_moves is not None:
            lines = tuple(line for line in analysis.lines if line.move in question.root_moves)
            analysis = Analysis(lines, analysis.value, analysis.leak)
        return Answer(found.candidates[0].move, analysis, progress)

    def _varied(self, found: SearchResult) -> Move:
        """One of the moves that are nearly as good as the best, the more often tried the likelier."""
        best = found.candidates[0]
        if best.value is None or best.mate is not None:
            return best.move
        most = max(candidate.visits for candidate in found.candidates)
        good = [
            candidate
            for candidate in found.candidates
            if candidate.mate is None
            and candidate.value is not None
            and candidate.value >= best.value - _NEARLY_BEST
            and candidate.visits >= _SELDOM * most
        ]
        return self._rng.choices([c.move for c in good], weights=[c.visits for c in good])[0]


def _asked(board: Board, question: Question) -> Sequence[Move]:
    """The moves of an analysis: named, all of them are looked at for as long as wanted, even a single one."""
    return question.root_moves if question.root_moves is not None else board.legal_moves()


def _first(analysis: Analysis | None, move: Move) -> Analysis | None:
    """*analysis* with the line of *move* first."""
    if analysis is None or not analysis.lines or analysis.lines[0].move == move:
        return analysis
    own = [line for line in analysis.lines if line.move == move] or [Line((move,))]
    others = [line for line in analysis.lines if line.move != move]
    return Analysis((*own, *others), analysis.value, analysis.leak)


def _is_opening(board: Board, until: int) -> bool:
    fen = board.fen()
    pieces = sum(letter.isalpha() for letter in fen.split()[0])
    return pieces >= _OPENING_PIECES and int(fen.split()[-1]) <= until
