"""Review of a game: the score move by move, and the moves that gave something away."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.evaluation.plotting import pyplot
from xiangqi_gpt.players.base import Analysis, Limit, Player, Value
from xiangqi_gpt.players.scores import PIKAFISH
from xiangqi_gpt.records import GameRecord, Note, Variation
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

MARKS = ((0.30, "??", 4), (0.20, "?", 2), (0.10, "?!", 6))
"""Expected points given away, at least; the sign of such a move; its glyph in PGN."""


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """A move of the game and what the reviewer thinks of it. Points are expected results, 0..1."""

    ply: int  # 0-based
    side: Color
    move: Move
    best: tuple[Move, ...]  # what should have been played, and what might have followed
    before: float  # points that Red could expect before the move
    after: float  # and after it
    prob: float | None  # how likely the reviewer takes the move to be, 0..1, if it says

    @property
    def lost(self) -> float:
        """Points that the move gave away, 0..1; none where it is the reviewer's own."""
        if self.move == self.best[0]:
            return 0.0
        change = self.before - self.after
        return max(0.0, change if self.side == Color.RED else -change)

    @property
    def mark(self) -> str:
        """ "??", "?", "?!" or nothing."""
        return next((sign for least, sign, _ in MARKS if self.lost >= least), "")


def review(
    player: Player, game: GameRecord, limit: Limit | None = None, on_ply: Callable[[int], None] | None = None
) -> list[Reviewed]:
    """What *player* thinks of every move of *game*; *on_ply* hears how many are done.

    Raises:
        PlayerError: the player says nothing of what a position is worth.
    """
    player.new_game()
    board = Board(game.start_fen, strict=False)
    analyses: list[Analysis] = []
    points = []
    for ply, move in enumerate((*game.moves, None)):
        if board.legal_moves():
            analysis = player.analyse(board.copy(), limit or Limit())
            analyses.append(analysis)
            points.append(_points_of_red(analysis, board))
        else:
            points.append(float(board.turn == Color.BLACK))  # the side to move has lost
        if move is not None:
            board.push(move)
        if on_ply is not None:
            on_ply(ply)
    first = Board(game.start_fen, strict=False).turn
    return [
        Reviewed(
            ply=ply,
            side=Color((first + ply) % 2),
            move=move,
            best=analyses[ply].lines[0].pv,
            before=points[ply],
            after=points[ply + 1],
            prob=next((line.prob for line in analyses[ply].lines if line.move == move), None),
        )
        for ply, move in enumerate(game.moves)
    ]


def _points_of_red(analysis: Analysis, board: Board) -> float:
    if analysis.value is not None:
        own = analysis.value.expectation
    elif analysis.lines and (cp := analysis.lines[0].score_cp) is not None:
        own = Value(*PIKAFISH.chances(cp).tolist()).expectation
    else:
        raise PlayerError(
            "review: expected a player that says what a position is worth, found one that does not"
        )
    return own if board.turn == Color.RED else 1 - own


def annotated(game: GameRecord, reviewed: Sequence[Reviewed]) -> GameRecord:
    """*game* with a glyph at every marked move, the score behind it in words, and the better line beside it."""
    notes = dict(game.notes)
    for one in reviewed:
        if not one.mark:
            continue
        old = notes.get(one.ply + 1, Note())
        glyph = next(nag for _, sign, nag in MARKS if sign == one.mark)
        said = f"Red's points {one.before:.2f} -> {one.after:.2f}"
        notes[one.ply + 1] = replace(
            old,
            comment=f"{old.comment} {said}".strip(),
            nags=(*old.nags, glyph),
            variations=(*old.variations, Variation(one.best)),
        )
    return replace(game, notes=notes)


def plot(reviewed: Sequence[Reviewed], path: Path, title: str = "") -> None:
    """The points that Red could expect, ply by ply, marked moves as dots, as a PNG.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
    plies = [one.ply + 1 for one in reviewed]
    scores = [one.after for one in reviewed]
    axis.fill_between(
        plies, scores, 0.5, where=[s >= 0.5 for s in scores], color="#b03020", alpha=0.5, interpolate=True
    )
    axis.fill_between(
        plies, scores, 0.5, where=[s <= 0.5 for s in scores], color="#303030", alpha=0.5, interpolate=True
    )
    axis.plot(plies, scores, color="0.2", linewidth=1)
    for sign, color in (("??", "#b03020"), ("?", "#d08020"), ("?!", "#c0b040")):
        marked = [one for one in reviewed if one.mark == sign]
        if marked:
            axis.scatter(
                [o.ply + 1 for o in marked], [o.after for o in marked], color=color, zorder=3, label=sign
            )
    axis.axhline(0.5, color="0.6", linewidth=0.8)
    axis.set(xlabel="ply", ylabel="Red's points", ylim=(0, 1), xlim=(1, max(2, len(reviewed))))
    # Names are Chinese as a rule, which the fonts of matplotlib are not.
    axis.set_title(title, font=resource_path("assets/fonts/XiangqiSans-Regular.otf"))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper right", fontsize=8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a rare character of a name is a box
        figure.savefig(path, dpi=110)
    plt.close(figure)
