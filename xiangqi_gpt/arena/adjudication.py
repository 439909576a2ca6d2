"""Ends of games by the scores that the players themselves state; off unless asked for."""

from __future__ import annotations

from dataclasses import dataclass

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color


@dataclass(frozen=True, kw_only=True)
class Adjudication:
    """When a game is ended early. With the defaults never.

    A side resigns after `resign_moves` of its moves in a row with a score of at most minus `resign_score`. A game is
    drawn from full move `draw_from` on, after `draw_moves` moves of each side in a row with scores of at most
    `draw_score` for either side. A move without a score begins the count again.
    """

    resign_score: int | None = None  # centipawns, above 0; None: no side resigns
    resign_moves: int = 3
    draw_score: int | None = None  # centipawns, 0 or more; None: no game is drawn
    draw_moves: int = 8
    draw_from: int = 40

    def __post_init__(self) -> None:
        if self.resign_score is not None and self.resign_score < 1:
            raise ConfigError(f"expected resignation at 1 centipawn or more, found {self.resign_score!r}")
        if self.draw_score is not None and self.draw_score < 0:
            raise ConfigError(f"expected draws at 0 centipawns or more, found {self.draw_score!r}")
        if min(self.resign_moves, self.draw_moves, self.draw_from) < 1:
            raise ConfigError("expected adjudication after 1 move or more")

    def __str__(self) -> str:
        parts = []
        if self.resign_score is not None:
            parts.append(f"resign at -{self.resign_score} cp for {self.resign_moves} moves")
        if self.draw_score is not None:
            parts.append(
                f"draw at {self.draw_score} cp for {self.draw_moves} moves from move {self.draw_from}"
            )
        return ", ".join(parts) or "off"

    @classmethod
    def parse(cls, resign: str | None, draw: str | None) -> Adjudication:
        """The rules of ``600,3`` (score, moves) and ``10,8,40`` (score, moves, first full move).

        What is left out of a text has its default; None is off. ConfigError for other texts.
        """
        values: dict[str, int] = {}
        for option, text, names in (
            ("--resign", resign, ("resign_score", "resign_moves")),
            ("--draw", draw, ("draw_score", "draw_moves", "draw_from")),
        ):
            numbers = text.split(",") if text is not None else []
            if len(numbers) > len(names) or not all(n.isdecimal() and len(n) < 6 for n in numbers):
                example = "600,3" if option == "--resign" else "10,8,40"
                raise ConfigError(f"{option}: expected whole numbers such as {example}, found {text!r}")
            values |= dict(zip(names, map(int, numbers), strict=False))
        return cls(**values)


@dataclass(frozen=True)
class Ruling:
    """An end that the scores bring about."""

    winner: Color | None
    text: str


class Adjudicator:
    """Follows the scores of one game."""

    def __init__(self, rules: Adjudication) -> None:
        self._rules = rules
        self._losing = [0, 0]
        self._level = 0

    def after(self, mover: Color, score_cp: int | None, fullmove: int) -> Ruling | None:
        """The end after a move with this score for its mover, in full move `fullmove`; None to play on."""
        rules = self._rules
        if rules.resign_score is not None:
            is_losing = score_cp is not None and score_cp <= -rules.resign_score
            self._losing[mover] = self._losing[mover] + 1 if is_losing else 0
            if self._losing[mover] >= rules.resign_moves:
                return Ruling(mover.other, f"{_NAMES[mover]} resigns at {score_cp} cp")
        if rules.draw_score is not None:
            is_level = score_cp is not None and abs(score_cp) <= rules.draw_score
            self._level = self._level + 1 if is_level else 0
            if fullmove >= rules.draw_from and self._level >= 2 * rules.draw_moves:
                return Ruling(None, f"adjudicated a draw at {score_cp} cp")
        return None


_NAMES = ("Red", "Black")
