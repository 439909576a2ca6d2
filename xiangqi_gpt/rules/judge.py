"""The end of a game: mate, stalemate, repetition, natural limit, bare positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xiangqi_gpt.rules.outcome import Outcome, Termination
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.repetition import judge_cycle
from xiangqi_gpt.rules.rulesets import RuleSet

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board


def judge(board: Board, rules: RuleSet) -> Outcome | None:
    """How the game of `board` ended at its present position under `rules`, None if it goes on."""
    if not board.legal_indices():
        loser, winner = board.turn, board.turn.other
        if board.is_check():
            return Outcome(
                winner,
                Termination.CHECKMATE,
                rules.name,
                f"{loser.name_en} is checkmated",
                f"{loser.name_zh}被将死",
            )
        return Outcome(
            winner,
            Termination.STALEMATE,
            rules.name,
            f"{loser.name_en} has no legal move (stalemate loses)",
            f"{loser.name_zh}无子可走，困毙判负",
        )
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
            f"Draw: {rules.natural_limit} moves by each side without a capture",
            f"双方连续 {rules.natural_limit} 回合未吃子，自然限着判和",
        )
    if rules.insufficient_material and not any(map(board.can_attack, Color)):
        return Outcome(
            None,
            Termination.INSUFFICIENT_MATERIAL,
            rules.name,
            "Draw: neither side has a piece that can attack",
            "双方均无可进攻的子力，判和",
        )
    return None
