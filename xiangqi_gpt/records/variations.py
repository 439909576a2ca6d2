"""Lines with comments, glyphs and side lines as they are read, and how they become moves and notes.

Nothing here recurses deeper than `MAX_DEPTH`, whatever a file claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.records.record import Note, Variation
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

MAX_DEPTH: Final = 64
"""How deep side lines may be nested."""

MAX_NODES: Final = 200_000
"""How many moves a game may hold, its side lines included."""

MAX_COMMENT: Final = 1 << 18
"""Longest comment taken, in characters."""


@dataclass(slots=True)
class RawNote:
    """What was read beside one move."""

    comments: list[str] = field(default_factory=list)
    nags: list[int] = field(default_factory=list)
    lines: list[RawLine] = field(default_factory=list)


@dataclass(slots=True)
class RawLine:
    """Moves as text (or as a move index) and what stands beside them.

    ``notes`` is keyed as in `GameRecord.notes`: k for what follows the k-th move, 0 for what precedes the first.
    """

    tokens: list[str | int] = field(default_factory=list)
    notes: dict[int, RawNote] = field(default_factory=dict)

    def note(self, ply: int | None = None) -> RawNote:
        """The note at a ply (by default after the last move so far), made if there is none."""
        return self.notes.setdefault(len(self.tokens) if ply is None else ply, RawNote())

    def has_lines(self) -> bool:
        """Whether any side line hangs on this line."""
        return any(note.lines for note in self.notes.values())


class TreeBuilder:
    """Builds a line with its side lines from moves in the order in which the binary formats store them.

    There each move has flags: a next move follows, an alternative to it is stored; the
    alternative comes behind everything that follows the move.
    """

    def __init__(self) -> None:
        self.main = RawLine()
        self.moves = 0
        self._line = self.main
        self._host: tuple[RawLine, int] | None = None  # what the line is a side line of
        self._promised: list[tuple[RawLine, int]] = []

    @property
    def in_main(self) -> bool:
        """Whether the next move belongs to the main line."""
        return self._line is self.main

    def add(self, move: int, comment: str, has_next: bool, has_alternative: bool) -> bool:
        """Take the next move; returns whether more of them must follow."""
        self.moves += 1
        line = self._line
        line.tokens.append(move)
        ply = len(line.tokens)
        if comment:
            line.note(ply).comments.append(comment)
        if has_alternative:
            # An alternative to the first move of a side line is one more side line of the same move.
            self._promised.append(self._host if ply == 1 and self._host is not None else (line, ply))
        if has_next:
            return True
        if not self._promised:
            return False
        self._host = self._promised.pop()
        host, ply = self._host
        self._line = RawLine()
        host.note(ply).lines.append(self._line)
        return True


Parse = Callable[[Board, "str | int"], Move]
"""(board, token) -> the move, legal or not; MoveError where the token names none."""


@dataclass(slots=True)
class Resolved:
    """A line whose tokens have become moves; ``fault`` is why it stops before its end, or ""."""

    moves: list[Move]
    notes: dict[int, Note]
    fault: str = ""
    fault_is_illegal: bool = False


def plain_notes(line: RawLine) -> dict[int, Note]:
    """The notes of a line without side lines."""
    return {ply: _note(raw, ()) for ply, raw in line.notes.items() if raw.comments or raw.nags}


def resolve(line: RawLine, board: Board, parse: Parse, remarks: list[str]) -> Resolved:
    """Turn tokens into moves, side lines included; ``board`` is left as it was.

    The main line stops at the first token that is no legal move (an illegal one is its last move). A side line
    that goes wrong is kept up to there, and ``remarks`` reports it.
    """
    return _resolve(line, board, parse, remarks, 0)


def _resolve(line: RawLine, board: Board, parse: Parse, remarks: list[str], depth: int) -> Resolved:
    found = Resolved([], {})
    start = len(board.move_stack)
    if 0 in line.notes:
        found.notes[0] = _note(line.notes[0], ())
    for ply, token in enumerate(line.tokens, 1):
        try:
            move = parse(board, token)
        except MoveError as error:
            found.fault = str(error)
            break
        if not board.is_legal(move):
            found.moves.append(move)
            found.fault_is_illegal = True
            break
        raw = line.notes.get(ply)
        if raw is not None:
            variations = [_variation(other, board, parse, remarks, depth + 1) for other in raw.lines]
            found.notes[ply] = _note(raw, tuple(v for v in variations if v is not None))
        board.push(move)
        found.moves.append(move)
    while len(board.move_stack) > start:
        board.pop()
    return found


def _variation(line: RawLine, board: Board, parse: Parse, remarks: list[str], depth: int) -> Variation | None:
    ply = len(board.move_stack)
    if depth > MAX_DEPTH:
        remarks.append(f"side line at ply {ply} left out: nested deeper than {MAX_DEPTH}")
        return None
    found = _resolve(line, board, parse, remarks, depth)
    if found.fault_is_illegal:
        move = found.moves.pop()
        found.notes.pop(len(found.moves) + 1, None)
        reason = board_reason(board, found.moves, move)
        remarks.append(f"side line at ply {ply} cut after {len(found.moves)} moves: {reason}")
    elif found.fault:
        remarks.append(f"side line at ply {ply} cut after {len(found.moves)} moves: {found.fault}")
    if not found.moves and not found.notes:
        return None
    return Variation(tuple(found.moves), found.notes)


def board_reason(board: Board, moves: list[Move], move: Move) -> str:
    """Why ``move`` is against the rules after ``moves`` on ``board``, which is left as it was."""
    for earlier in moves:
        board.push(earlier)
    illegality = board.explain(move)
    for _ in moves:
        board.pop()
    words = illegality.text_en if illegality is not None else "the rules forbid it"
    return f"expected a legal move, found {move.iccs!r}: {words}"


def _note(raw: RawNote, variations: tuple[Variation, ...]) -> Note:
    comment = "\n".join(text for text in (comment.strip() for comment in raw.comments) if text)
    return Note(comment[:MAX_COMMENT], tuple(raw.nags), variations)


def depth_of(notes: Mapping[int, Note]) -> int:
    """How deep the side lines of a game are nested; 0 where there are none."""
    deepest = 0
    pending = [(notes, 0)]
    while pending:
        level, depth = pending.pop()
        deepest = max(deepest, depth)
        for note in level.values():
            pending.extend((variation.notes, depth + 1) for variation in note.variations)
    return deepest
