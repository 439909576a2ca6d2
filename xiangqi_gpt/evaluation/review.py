"""Review of a game: what each move was worth beside the best one, and which moves gave something away."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from xiangqi_gpt.evaluation.motifs import explain_mistake
from xiangqi_gpt.evaluation.phases import Phase, phase_of
from xiangqi_gpt.evaluation.reviewers import Comparison, centipawns, compare_line
from xiangqi_gpt.players.base import Limit, Player
from xiangqi_gpt.plotting import save_plot, subplots
from xiangqi_gpt.records import GameRecord, Note, Variation
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.texts import Language, Message, t

MARKS = ((0.30, "??", 4), (0.20, "?", 2), (0.10, "?!", 6))
"""Expected points given away, at least; the sign of such a move; its glyph in PGN."""


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """A move of the game and what the reviewer thinks of it. Points are expected results, 0..1."""

    ply: int  # 0-based
    side: Color
    move: Move
    fen: str  # the position before the move
    phase: Phase
    comparison: Comparison
    words: Message | None  # what a move marked ? or ?? allowed

    @property
    def best(self) -> tuple[Move, ...]:
        """What should have been played, and what might have followed."""
        return self.comparison.best.pv

    @property
    def prob(self) -> float | None:
        """How likely the reviewer takes the move to be, 0..1, if it gives probabilities."""
        return self.comparison.prob

    @property
    def before(self) -> float:
        """Points that Red could expect with the best move."""
        return self._of_red(self.comparison.best.points)

    @property
    def after(self) -> float:
        """Points that Red can expect with the played move."""
        return self._of_red(self.comparison.played.points)

    @property
    def lost(self) -> float:
        """Points that the move gave away, 0..1; none where it is the reviewer's own."""
        return self.comparison.best.points - self.comparison.played.points

    @property
    def mark(self) -> str:
        """ "??", "?", "?!" or nothing."""
        return mark_of(self.lost)

    @property
    def lost_cp(self) -> float:
        """Centipawns given away, 0..2000; scores beyond +-1000 count as that."""
        return max(0.0, centipawns(self.comparison.best) - centipawns(self.comparison.played))

    def _of_red(self, points: float) -> float:
        return points if self.side == Color.RED else 1 - points


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What one side gave away, in the whole game or in one phase."""

    moves: int
    agreed: int  # moves that are the reviewer's own
    marks: Mapping[str, int]  # "?!", "?", "??" -> how many
    lost: float  # points, summed
    centipawns: float  # mean loss per move


def mark_of(lost: float) -> str:
    """The sign of a move that gave away so many points; "" for none."""
    return next((sign for least, sign, _ in MARKS if lost >= least), "")


def review(
    player: Player,
    game: GameRecord,
    limit: Limit | None = None,
    on_ply: Callable[[int], None] | None = None,
    *,
    known: Mapping[int, Comparison] | None = None,
    on_comparison: Callable[[int, Comparison], None] | None = None,
) -> list[Reviewed]:
    """What *player* thinks of every move of *game*.

    Moves are judged from the end of the game to its start, alike whichever moves were judged before; an engine's tables
    then hold what comes later.

    Args:
        limit: of each of the two searches of a move.
        on_ply: called with the number of moves that are done.
        known: comparisons of an earlier review by the same player, by ply (0-based); these are taken as they are.
        on_comparison: called with every new comparison and its ply.

    Raises:
        PlayerError: the player gives no evaluation of positions.
    """
    player.new_game()
    boards = [Board(game.start_fen, strict=False)]
    for move in game.moves:
        boards.append(boards[-1].copy())
        boards[-1].push(move)
    comparisons = dict(known or {})
    missing = [ply for ply in range(len(game.moves)) if ply not in comparisons]
    if comparisons and on_ply is not None:
        on_ply(len(comparisons))
    for ply, comparison in compare_line(player, boards, game.moves, missing, limit or Limit()):
        comparisons[ply] = comparison
        if on_comparison is not None:
            on_comparison(ply, comparison)
        if on_ply is not None:
            on_ply(len(comparisons))
    return [
        _reviewed(ply, board, move, comparisons[ply])
        for ply, (board, move) in enumerate(zip(boards, game.moves, strict=False))
    ]


def _reviewed(ply: int, board: Board, move: Move, comparison: Comparison) -> Reviewed:
    one = Reviewed(
        ply=ply,
        side=board.turn,
        move=move,
        fen=board.fen(),
        phase=phase_of(board),
        comparison=comparison,
        words=None,
    )
    return replace(one, words=explain_mistake(board, move, comparison)) if one.mark in ("?", "??") else one


def tally(reviewed: Sequence[Reviewed]) -> Tally:
    """The sums over some moves of one side."""
    return Tally(
        moves=len(reviewed),
        agreed=sum(one.move == one.best[0] for one in reviewed),
        marks={sign: sum(one.mark == sign for one in reviewed) for _, sign, _ in reversed(MARKS)},
        lost=sum(one.lost for one in reviewed),
        centipawns=float(np.mean([one.lost_cp for one in reviewed])) if reviewed else 0.0,
    )


def tallies(reviewed: Sequence[Reviewed]) -> dict[tuple[Color, Phase | None], Tally]:
    """By side and phase, None being the whole game; parts without moves are left out."""
    found = {}
    for side in Color:
        for phase in (*Phase, None):
            part = [one for one in reviewed if one.side == side and phase in (None, one.phase)]
            if part:
                found[side, phase] = tally(part)
    return found


def annotated(game: GameRecord, reviewed: Sequence[Reviewed], language: Language = "en") -> GameRecord:
    """*game* with a glyph at every marked move, the score and the reason behind it, and the better line beside it."""
    notes = dict(game.notes)
    for one in reviewed:
        if not one.mark:
            continue
        old = notes.get(one.ply + 1, Note())
        glyph = next(nag for _, sign, nag in MARKS if sign == one.mark)
        said = t("report.red_points", language, before=f"{one.before:.2f}", after=f"{one.after:.2f}")
        if one.words is not None:
            said += f"; {one.words.text(language)}"
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
    figure, axis = subplots(size=(9, 3.2))
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
        save_plot(figure, path)
