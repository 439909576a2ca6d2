"""A position of Xiangqi: FEN, legal moves, and the position as the model reads it.

Squares are numbers: rank * 9 + file, files a to i from Red's left, ranks 0 to 9 from Red's side. Pieces are numbers:
0 for an empty point, 1-7 for Red's king, advisor, elephant, horse, rook, cannon and pawn, 8-14 for Black's.
"""

from __future__ import annotations

import re

START_FEN = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1"
LETTERS = " KABNRCPkabnrcp"
KING, ADVISOR, ELEPHANT, HORSE, ROOK, CANNON, PAWN = range(1, 8)
NATURAL_LIMIT = 120  # plies without a capture after which a game is drawn

Move = tuple[int, int]
STRAIGHT = ((0, 1), (0, -1), (1, 0), (-1, 0))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def move_text(move: Move) -> str:
    """``h2e2`` for a move (from, to)."""
    return "".join(f"{'abcdefghi'[square % 9]}{square // 9}" for square in move)


def parse_move(text: str) -> Move:
    """The move that ``h2e2`` names; ValueError for anything else."""
    if not re.fullmatch(r"([a-i]\d){2}", text):
        raise ValueError(f"{text!r} is not a move: write four characters such as h2e2")
    origin, goal = (int(text[i + 1]) * 9 + "abcdefghi".index(text[i]) for i in (0, 2))
    return origin, goal


class Position:
    """The pieces on the 90 points, the side to move (0 Red, 1 Black) and the plies since the last capture."""

    def __init__(self, fen: str = START_FEN) -> None:
        fields = fen.split()
        rows = fields[0].replace("h", "n").replace("H", "N").replace("e", "b").replace("E", "B").split("/")
        rows = [re.sub(r"\d", lambda found: " " * int(found[0]), row) for row in rows]
        if [len(row) for row in rows] != [9] * 10 or not set("".join(rows)) <= set(LETTERS):
            raise ValueError(f"{fen!r} is not a position of Xiangqi: it needs ten ranks of nine points")
        self.squares = [LETTERS.index(letter) for row in reversed(rows) for letter in row]
        self.turn = int(len(fields) > 1 and fields[1] == "b")
        self.clock = int(fields[4]) if len(fields) > 4 and fields[4].isdigit() else 0

    def after(self, move: Move) -> Position:
        """The position behind *move*, whether it is legal or not."""
        made = object.__new__(Position)
        made.squares = list(self.squares)
        made.clock = 0 if self.squares[move[1]] else self.clock + 1
        made.squares[move[1]] = made.squares[move[0]]
        made.squares[move[0]] = 0
        made.turn = 1 - self.turn
        return made

    def legal_moves(self) -> list[Move]:
        """All legal moves; none where the side to move has lost."""
        return [move for move in self._reach(self.turn) if not self.after(move)._can_take_king()]

    def features(self) -> tuple[list[int], tuple[float, float]]:
        """What the encoder reads: 90 codes as the side to move sees them, the side, and the clock."""
        codes = self.squares
        if self.turn:
            codes = [0 if code == 0 else (code + 6) % 14 + 1 for code in reversed(codes)]
        return list(codes), (float(self.turn), min(self.clock, NATURAL_LIMIT) / NATURAL_LIMIT)

    def _can_take_king(self) -> bool:
        """Whether the side to move could take the other king, along an open file included."""
        king = KING + 7 * (1 - self.turn)
        if any(self.squares[goal] == king for _, goal in self._reach(self.turn)):
            return True
        red, black = self.squares.index(KING), self.squares.index(KING + 7)
        return red % 9 == black % 9 and not any(self.squares[min(red, black) + 9 : max(red, black) : 9])

    def _reach(self, turn: int) -> list[Move]:
        """The moves of the pieces of *turn*, whether they leave their own king en prise or not."""
        found: list[Move] = []
        for origin, code in enumerate(self.squares):
            if code and (code > 7) == bool(turn):
                found += [(origin, goal) for goal in self._goals(origin, (code - 1) % 7 + 1, turn)]
        return found

    def _at(self, file: int, rank: int) -> int | None:
        """The piece on a point, None outside of the board."""
        return self.squares[rank * 9 + file] if 0 <= file < 9 and 0 <= rank < 10 else None

    def _goals(self, origin: int, kind: int, turn: int) -> list[int]:
        rank, file = divmod(origin, 9)
        goals: list[int] = []

        def add(to_file: int, to_rank: int) -> None:
            code = self._at(to_file, to_rank)
            if code is not None and (code == 0 or (code > 7) != bool(turn)):
                goals.append(to_rank * 9 + to_file)

        if kind in (KING, ADVISOR):
            for df, dr in STRAIGHT if kind == KING else DIAGONAL:
                depth = 9 - (rank + dr) if turn else rank + dr
                if 3 <= file + df <= 5 and 0 <= depth <= 2:
                    add(file + df, rank + dr)
        elif kind == ELEPHANT:
            for df, dr in DIAGONAL:
                depth = 9 - (rank + 2 * dr) if turn else rank + 2 * dr
                if depth <= 4 and self._at(file + df, rank + dr) == 0:
                    add(file + 2 * df, rank + 2 * dr)
        elif kind == HORSE:
            for df, dr in STRAIGHT:
                if self._at(file + df, rank + dr) == 0:
                    for side in (1, -1):
                        add(file + 2 * df + side * dr, rank + 2 * dr + side * df)
        elif kind == PAWN:
            forward = -1 if turn else 1
            add(file, rank + forward)
            if (rank <= 4) if turn else (rank >= 5):
                add(file - 1, rank)
                add(file + 1, rank)
        else:
            for df, dr in STRAIGHT:
                to_file, to_rank, screens = file + df, rank + dr, 0
                while (code := self._at(to_file, to_rank)) is not None:
                    if code == 0:
                        if screens == 0:
                            add(to_file, to_rank)
                    else:
                        screens += 1
                        if screens == (2 if kind == CANNON else 1):
                            add(to_file, to_rank)
                            break
                    to_file, to_rank = to_file + df, to_rank + dr
        return goals
