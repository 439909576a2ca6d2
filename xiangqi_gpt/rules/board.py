"""`Board`: a position with its history."""

from __future__ import annotations

from collections.abc import Hashable
from random import Random

from xiangqi_gpt.errors import Illegality, IllegalMoveError, XiangqiError
from xiangqi_gpt.rules import movegen
from xiangqi_gpt.rules.explain import explain_move
from xiangqi_gpt.rules.fen import START_FEN, FenFields, format_fen, parse_fen
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.outcome import Outcome, Termination
from xiangqi_gpt.rules.pieces import Color, Piece
from xiangqi_gpt.rules.repetition import judge_cycle
from xiangqi_gpt.rules.rulesets import RuleSet, get_rule_set
from xiangqi_gpt.rules.squares import SQUARES, Square
from xiangqi_gpt.texts import Message

_random = Random(90)
_ZOBRIST: tuple[tuple[int, ...], ...] = tuple(
    tuple(_random.getrandbits(120) if code else 0 for code in range(15)) for _ in range(SQUARES)
)
_TURN_KEY = _random.getrandbits(120)
_OTHER = (Color.BLACK, Color.RED)
_start_fields: FenFields = parse_fen(START_FEN)


class Board:
    """A position, the moves that led to it, and the rules.

    Attributes (read them, do not write them):
        turn: side to move.
        squares: 90 piece codes by square (0 empty, Red 1-7, Black 8-14).
        halfmove_clock: plies since the last capture.
        fullmove_number: number of the move about to be played.
        move_stack: moves pushed so far.
        root_fen: the position before the first of them.
    """

    __slots__ = (
        "_hash",
        "_kings",
        "_undo",
        "fullmove_number",
        "halfmove_clock",
        "move_stack",
        "root_fen",
        "squares",
        "turn",
    )

    def __init__(self, fen: str = START_FEN, *, strict: bool = True) -> None:
        """Set up a position.

        Args:
            fen: the position; missing trailing fields are filled in.
            strict: reject impossible positions; otherwise only unreadable text is rejected.

        Raises:
            FenError: with the list of faults.
        """
        fields = _start_fields if fen == START_FEN else parse_fen(fen, strict=strict)
        self.squares: list[int] = list(fields.squares)
        self.turn: Color = fields.turn
        self.halfmove_clock: int = fields.halfmove_clock
        self.fullmove_number: int = fields.fullmove_number
        self.move_stack: list[Move] = []
        self.root_fen: str = self.fen()
        self._kings: list[int] = movegen.find_kings(self.squares)
        # one entry per pushed move: (captured code, half-move clock, hash, king squares) before it
        self._undo: list[tuple[int, int, int, list[int]]] = []
        self._hash = 0
        for sq, code in enumerate(self.squares):
            self._hash ^= _ZOBRIST[sq][code]
        if self.turn:
            self._hash ^= _TURN_KEY

    @property
    def ply(self) -> int:
        """Number of moves pushed so far."""
        return len(self.move_stack)

    def piece_at(self, sq: Square) -> Piece | None:
        """The piece on a square, None if it is empty."""
        code = self.squares[sq]
        return Piece.from_code(code) if code else None

    def king_square(self, color: Color) -> Square:
        """Square of the king of `color`; XiangqiError if there is none (lenient boards only)."""
        king = self._kings[color]
        if king < 0:
            raise XiangqiError(f"There is no {color.name_en.lower()} king in {self.fen()!r}.")
        return king

    def fen(self, letters: str = "NB") -> str:
        """The position as FEN; `letters` "NB" or "HE" spells horse and elephant."""
        return format_fen(self.squares, self.turn, self.halfmove_clock, self.fullmove_number, letters=letters)

    def copy(self) -> Board:
        """An independent board with the same position and history."""
        twin = Board.__new__(Board)
        twin.squares = self.squares.copy()
        twin.turn = self.turn
        twin.halfmove_clock = self.halfmove_clock
        twin.fullmove_number = self.fullmove_number
        twin.move_stack = self.move_stack.copy()
        twin.root_fen = self.root_fen
        twin._kings = self._kings
        twin._undo = self._undo.copy()
        twin._hash = self._hash
        return twin

    def push(self, move: Move) -> None:
        """Play a move. The caller must make sure that it is legal.

        Raises:
            IllegalMoveError: the from-square does not hold a piece of the side to move.
        """
        start, end = move.from_square, move.to_square
        squares, turn = self.squares, self.turn
        code = squares[start]
        if not code or (code > 7) != bool(turn):
            reason = self.explain(move)
            words = reason.text_en if reason is not None else ""
            raise IllegalMoveError(
                f"expected a move of a {turn.name_en.lower()} piece, found {move.iccs!r} ({words}) "
                f"in {self.fen()!r}",
                reason=reason,
            )
        captured = squares[end]
        self._undo.append((captured, self.halfmove_clock, self._hash, self._kings))
        squares[start] = 0
        squares[end] = code
        to_keys = _ZOBRIST[end]
        self._hash ^= _ZOBRIST[start][code] ^ to_keys[code] ^ to_keys[captured] ^ _TURN_KEY
        if captured:
            self.halfmove_clock = 0
        else:
            self.halfmove_clock += 1
        if code == 1 or code == 8 or captured == 1 or captured == 8:
            self._kings = movegen.find_kings(squares)
        if turn:
            self.fullmove_number += 1
        self.turn = _OTHER[turn]
        self.move_stack.append(move)

    def pop(self) -> Move:
        """Take back the last move and return it; XiangqiError if there is none."""
        if not self.move_stack:
            raise XiangqiError(
                f"There is no move to take back: the board stands at its first position, {self.root_fen!r}."
            )
        move = self.move_stack.pop()
        captured, self.halfmove_clock, self._hash, self._kings = self._undo.pop()
        squares = self.squares
        squares[move.from_square] = squares[move.to_square]
        squares[move.to_square] = captured
        self.turn = _OTHER[self.turn]
        if self.turn:
            self.fullmove_number -= 1
        return move

    def legal_indices(self) -> list[int]:
        """Legal moves as sorted indices `from * 90 + to`; faster than `legal_moves`."""
        moves = movegen.legal(self.squares, self.turn, self._kings[self.turn])
        moves.sort()
        return moves

    def legal_moves(self) -> list[Move]:
        """Legal moves, ordered by index."""
        return [MOVES[index] for index in self.legal_indices()]

    def pseudo_legal_moves(self) -> list[Move]:
        """Moves that obey piece movement, whether or not the own king is safe; ordered by index."""
        return [MOVES[index] for index in sorted(movegen.pseudo_legal(self.squares, self.turn))]

    def is_legal(self, move: Move) -> bool:
        """Whether the side to move may play `move`."""
        squares, turn = self.squares, self.turn
        code = squares[move.from_square]
        if not code or (code > 7) != bool(turn):
            return False
        moves: list[int] = []
        movegen.piece_moves(squares, move.from_square, moves)
        return move.index in moves and movegen.is_safe(squares, move.index, self._kings[turn], turn)

    def is_check(self) -> bool:
        """Whether the side to move is in check."""
        return movegen.king_attacked(self.squares, self._kings[self.turn], self.turn)

    def gives_check(self, move: Move) -> bool:
        """Whether `move`, which must be legal, attacks the opponent's king."""
        other = _OTHER[self.turn]
        return not movegen.is_safe(self.squares, move.index, self._kings[other], other)

    def gives_mate(self, move: Move) -> bool:
        """Whether `move`, which must be legal, checkmates."""
        if not self.gives_check(move):
            return False
        self.push(move)
        try:
            return not self.legal_indices()
        finally:
            self.pop()

    def is_attacked(self, sq: Square, by: Color) -> bool:
        """Whether a piece of `by` could capture on `sq` if an opponent's piece stood there (pins ignored)."""
        return bool(movegen.attackers(self.squares, sq, by))

    def can_attack(self, color: Color) -> bool:
        """Whether `color` has a piece that can cross the river: rook, horse, cannon or soldier."""
        return any(4 <= code - 7 * color <= 7 for code in self.squares)

    def is_capture(self, move: Move) -> bool:
        """Whether `move` takes a piece."""
        return bool(self.squares[move.to_square])

    def position_key(self) -> Hashable:
        """A key that is equal for equal placements with the same side to move."""
        return (bytes(self.squares), int(self.turn))

    def repetitions(self) -> int:
        """How often the present position has occurred since the last capture, including now."""
        undo, clock = self._undo, self.halfmove_clock
        count = 1
        for i in range(len(undo) - 4, max(-1, len(undo) - clock - 1), -2):
            if undo[i][2] == self._hash:
                count += 1
        return count

    def cycle(self, occurrences: int) -> list[Move]:
        """The moves since the `occurrences`-th most recent occurrence of the present position.

        The present occurrence is number one. The list is empty if there have not been that many occurrences since the
        last capture.
        """
        undo, found = self._undo, 1
        for i in range(len(undo) - 4, max(-1, len(undo) - self.halfmove_clock - 1), -2):
            if undo[i][2] == self._hash:
                found += 1
                if found == occurrences:
                    return self.move_stack[i:]
        return []

    def explain(self, move: Move) -> Illegality | None:
        """Why `move` is illegal, with a typed reason and a message, or None if it is legal."""
        return explain_move(self.squares, self.turn, self._kings[self.turn], move)

    def outcome(self, rules: str | RuleSet = "simple") -> Outcome | None:
        """How the game ended here under a rule set, or None if it is not over.

        Args:
            rules: a name of `RULE_SETS` or a RuleSet.

        Raises:
            ConfigError: unknown rule set.
        """
        return _outcome(self, get_rule_set(rules))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Board):
            return NotImplemented
        return (
            self.squares == other.squares
            and self.turn == other.turn
            and self.halfmove_clock == other.halfmove_clock
            and self.fullmove_number == other.fullmove_number
            and self.root_fen == other.root_fen
            and self.move_stack == other.move_stack
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Board({self.fen()!r})"

    def __str__(self) -> str:
        rows = self.fen().split(" ")[0].split("/")
        return "\n".join(" ".join("." * int(c) if c.isdigit() else c for c in row) for row in rows)


def _outcome(board: Board, rules: RuleSet) -> Outcome | None:
    """How the game of `board` ended at its present position under `rules`, or None if it is not over."""
    if not board.legal_indices():
        loser, winner = board.turn, board.turn.other
        if board.is_check():
            return Outcome(
                winner, Termination.CHECKMATE, rules.name, Message.of("end.checkmate", loser=loser)
            )
        return Outcome(winner, Termination.STALEMATE, rules.name, Message.of("end.stalemate", loser=loser))
    cycle = board.cycle(rules.repetitions) if board.halfmove_clock >= 4 * (rules.repetitions - 1) else []
    if cycle:
        start = board.copy()
        for _ in cycle:
            start.pop()
        return judge_cycle(start.squares, start.turn, cycle, rules)
    if rules.natural_limit and board.halfmove_clock >= 2 * rules.natural_limit:
        return Outcome(
            None,
            Termination.NATURAL_LIMIT,
            rules.name,
            Message.of("end.natural_limit", limit=rules.natural_limit),
        )
    if rules.insufficient_material and not any(map(board.can_attack, Color)):
        return Outcome(
            None,
            Termination.INSUFFICIENT_MATERIAL,
            rules.name,
            Message.of("end.insufficient_material"),
        )
    return None
