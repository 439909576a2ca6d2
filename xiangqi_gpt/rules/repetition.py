"""The repetition judge: which side loses, if any, when a position has occurred too often.

Only the moves between the first and the last of the counted occurrences count: the *cycle*.

Asian rules: a side that gave check on each of its moves checks perpetually. A side that chased one and the same piece
(see `chase`) on each of its moves chases perpetually. Perpetual check takes precedence over perpetual chase, and a
chase by new attacks over one by exposure. If both sides do the same, it is a draw, and so is everything else.

Chinese rules: one-sided perpetual check loses. Otherwise a side that strikes on every move (checks, begins to threaten
mate on the next move, or chases one or several pieces) plays forbidden moves and loses, unless the other side does so
too. The attack of a king or soldier is idle, but a soldier's attack counts if both sides strike. An attack is also idle
if its capture would be answered by mate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from xiangqi_gpt.rules.chase import SOLDIERS_TOO, Threats, attacks, mates_in_one, new_chases
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.movegen import find_kings, king_attacked
from xiangqi_gpt.rules.outcome import Outcome, Termination
from xiangqi_gpt.rules.pieces import Color, Piece
from xiangqi_gpt.rules.rulesets import RuleSet
from xiangqi_gpt.rules.squares import SQUARE_NAMES
from xiangqi_gpt.texts import Message

ChasedPiece = tuple[Piece, int]
"""A chased piece and the square on which it stands now."""

_STRIKES = ("check", "mate", "chase")


@dataclass(frozen=True, kw_only=True)
class SideBehaviour:
    """The behaviour of one side in a cycle.

    Attributes:
        moves: number of its moves.
        checks: whether each of them gave check.
        chased: the piece that each of them chased by a new attack, or None.
        exposed: the piece that each of them chased by removing its protection, or None.
        strikes: whether each of them gave check, threatened mate or chased something; set for Chinese rules only.
        strikes_back: the same, also counting the attacks of soldiers.
        strike_kinds: which of "check", "mate" (a threat of mate) and "chase" they used; set for Chinese rules only.
    """

    moves: int
    checks: bool
    chased: ChasedPiece | None = None
    exposed: ChasedPiece | None = None
    strikes: bool = False
    strikes_back: bool = False
    strike_kinds: tuple[str, ...] = ()


def judge_cycle(squares: Sequence[int], turn: Color, moves: Sequence[Move], rules: RuleSet) -> Outcome:
    """The outcome of a game that ends because of the cycle `moves`.

    Args:
        squares: 90 piece codes by square before the first move.
        turn: side that plays the first move.
        moves: the moves of the cycle, the sides alternating, without captures.
        rules: gives the judge and the number of occurrences.
    """
    if rules.judge == "simple":
        return _draw(rules, "any_repetition")
    if -1 in find_kings(list(squares)):
        return _draw(rules, "king_missing")
    conduct = conducts(squares, turn, moves, chinese=rules.judge == "chinese")
    checking = [side.checks for side in conduct]
    if any(checking):
        if all(checking):
            return _draw(rules, "both_checked")
        offender = Color(checking.index(True))
        n = conduct[offender].moves
        return Outcome(
            offender.other,
            Termination.PERPETUAL_CHECK,
            rules.name,
            Message.of("end.perpetual_check", offender=offender, count=n),
        )
    return _judge_chinese(conduct, rules) if rules.judge == "chinese" else _judge_asian(conduct, rules)


def _judge_asian(conduct: tuple[SideBehaviour, SideBehaviour], rules: RuleSet) -> Outcome:
    chased = [side.chased for side in conduct]
    exposed = [side.exposed for side in conduct]
    prey = chased if any(chased) else exposed
    if all(prey):
        return _draw(rules, "both_chased")
    for offender in Color:
        victim = prey[offender]
        if victim is not None:
            return _chase(offender, conduct[offender].moves, victim, rules, by_exposure=prey is exposed)
    return _draw(rules, "neither")


def _judge_chinese(conduct: tuple[SideBehaviour, SideBehaviour], rules: RuleSet) -> Outcome:
    striking = [side.strikes for side in conduct]
    if not any(striking):
        return _draw(rules, "allowed")
    offender = Color(striking.index(True))
    if conduct[offender.other].strikes_back:
        return _draw(rules, "both_attacked")
    side = conduct[offender]
    if side.chased is not None:
        return _chase(offender, side.moves, side.chased, rules)
    how = reduce(
        lambda first, second: Message.of("join.or", first=first, second=second),
        (Message.of(f"end.strike.{strike}") for strike in side.strike_kinds),
    )
    return Outcome(
        offender.other,
        Termination.PERPETUAL_ATTACK,
        rules.name,
        Message.of("end.perpetual_attack", offender=offender, how=how, count=side.moves),
    )


def _chase(
    offender: Color, n: int, victim: ChasedPiece, rules: RuleSet, *, by_exposure: bool = False
) -> Outcome:
    piece, sq = victim
    key = "end.perpetual_exposure" if by_exposure else "end.perpetual_chase"
    return Outcome(
        offender.other,
        Termination.PERPETUAL_CHASE,
        rules.name,
        Message.of(key, offender=offender, piece=piece.message_with_color, point=SQUARE_NAMES[sq], count=n),
    )


def _draw(rules: RuleSet, why: str) -> Outcome:
    return Outcome(
        None,
        Termination.REPETITION,
        rules.name,
        Message.of("end.repetition", count=rules.repetitions, why=Message.of(f"end.why.{why}")),
    )


class _Side:
    """What is known about one side during the pass over the cycle."""

    def __init__(self) -> None:
        self.moves = 0
        self.checks = True
        self.strikes = True
        self.strikes_back = True
        self.strike_kinds: set[str] = set()
        # squares, at the start of the cycle, of the pieces that every move so far has chased (by attack, by exposure)
        self.prey: list[set[int] | None] = [None, None]


def conducts(
    squares: Sequence[int], turn: Color, moves: Sequence[Move], *, chinese: bool = False
) -> tuple[SideBehaviour, SideBehaviour]:
    """The behaviour of Red and Black in a cycle without captures.

    Args:
        squares: 90 piece codes by square before the first move, both kings among them.
        turn: side that plays the first move.
        moves: the moves, the sides alternating.
        chinese: also look for strikes, which Chinese rules need.
    """
    board = list(squares)
    kings = find_kings(board)
    place = list(range(90))  # place[sq] = where the piece now on sq stood at the start of the cycle
    sides = (_Side(), _Side())
    color = int(turn)
    for move in moves:
        start, end = move.from_square, move.to_square
        side = sides[color]
        before = attacks(board, kings, color)
        soldiers_before = attacks(board, kings, color, SOLDIERS_TOO) if chinese else {}
        mate_before = chinese and mates_in_one(board, kings, color)
        board[start], board[end] = 0, board[start]
        place[end] = place[start]
        if start in kings:
            kings = find_kings(board)
        check = king_attacked(board, kings[1 - color], 1 - color)
        after = attacks(board, kings, color)
        side.moves += 1
        side.checks = side.checks and check
        for i, victims in enumerate(new_chases(before, after, start, end, retreats=not chinese)):
            now = {place[sq] for sq in victims}
            seen = side.prey[i]
            side.prey[i] = now if seen is None else seen & now
        if chinese:
            strike = ""
            if check:
                strike = "check"
            elif not mate_before and mates_in_one(board, kings, color):
                strike = "mate"
            elif _gains_something(board, kings, color, before, after, start, end):
                strike = "chase"
            if strike:
                side.strike_kinds.add(strike)
            side.strikes = side.strikes and bool(strike)
            side.strikes_back = side.strikes_back and (
                bool(strike)
                or _gains_something(
                    board,
                    kings,
                    color,
                    soldiers_before,
                    attacks(board, kings, color, SOLDIERS_TOO),
                    start,
                    end,
                )
            )
        color = 1 - color
    present = {place[sq]: sq for sq in range(90) if board[sq]}

    def conduct(side: _Side) -> SideBehaviour:
        chased, exposed = (
            (Piece.from_code(board[present[min(prey)]]), present[min(prey)]) if prey else None
            for prey in side.prey
        )
        return SideBehaviour(
            moves=side.moves,
            checks=side.checks and side.moves > 0,
            chased=chased,
            exposed=exposed,
            strikes=chinese and side.strikes and side.moves > 0,
            strikes_back=chinese and side.strikes_back and side.moves > 0,
            strike_kinds=tuple(kind for kind in _STRIKES if kind in side.strike_kinds),
        )

    return conduct(sides[0]), conduct(sides[1])


def _gains_something(
    board: list[int], kings: list[int], color: int, before: Threats, after: Threats, start: int, end: int
) -> bool:
    """Whether a move chases under Chinese rules: a new threat whose capture would not be answered by mate."""
    victims = set().union(*new_chases(before, after, start, end, retreats=False))
    for (attacker, victim), threat in after.items():
        if threat and victim in victims:
            piece, captured = board[attacker], board[victim]
            board[attacker], board[victim] = 0, piece
            mated = mates_in_one(board, kings, 1 - color)
            board[attacker], board[victim] = piece, captured
            if not mated:
                return True
    return False
