"""The end of a game: mate, stalemate, repetition, natural limit, bare positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xiangqi_gpt.rules.outcome import Outcome, Termination
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.repetition import judge_cycle
from xiangqi_gpt.rules.rulesets import RuleSet
from xiangqi_gpt.texts import Message

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board


def judge(board: Board, rules: RuleSet) -> Outcome | None:
    """How the game of `board` ended at its present position under `rules`, None if it goes on."""
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
