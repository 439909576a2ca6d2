"""Random repetitions, judged by us and by pyffish.

    python tests/rules/repetition_cases.py --cases 20000 --seed 1

draws as many cases of each kind (checks, chases, mixed, idle), prints how often the two agree and sorts the
disagreements into the classes that docs/rules.md discusses. The kind of a case is read off the moves alone and never
off a verdict, so that neither judge chooses what it is asked.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest.mock import patch

from xiangqi_gpt.rules import Board, Color, Move, fen_faults, format_fen
from xiangqi_gpt.rules import chase as chase_module
from xiangqi_gpt.rules import repetition as repetition_module
from xiangqi_gpt.rules.attacks import ADVISOR_POINTS, ELEPHANT_POINTS, in_palace, on_own_half
from xiangqi_gpt.rules.move import MOVES
from xiangqi_gpt.rules.movegen import attackers

KINDS = ("checks", "chases", "mixed", "idle")


@dataclass(frozen=True)
class Case:
    """A game that ends with the third occurrence of its first position, and what kind of cycle it is."""

    kind: str
    board: Board


def random_cases(rng: Random) -> Iterator[Case]:
    """Endless repetitions, the four kinds in turn, either side moving first."""
    while True:
        for kind in KINDS:
            case = None
            while case is None:
                case = _case_of(kind, rng)
            yield case


def _case_of(kind: str, rng: Random) -> Case | None:
    """A case of that kind from one random position, None if a few tries find none."""
    squares, turn = _from_game(rng) if rng.random() < 0.5 else _from_pieces(rng)
    board = Board(format_fen(squares, turn))
    for _ in range(6):
        cycle = _cycle(board, rng, rng.choice(STYLES[kind]))
        if cycle is None or _kind(board, cycle) != kind:
            continue
        for move in cycle * 2:
            board.push(move)
        return Case(kind, board) if board.legal_indices() else None
    return None


def _from_game(rng: Random) -> tuple[list[int], Color]:
    board = Board()
    for _ in range(rng.randrange(4, 160)):
        moves = board.legal_moves()
        if not moves:
            break
        captures = [m for m in moves if board.is_capture(m)]
        board.push(rng.choice(captures) if captures and rng.random() < 0.35 else rng.choice(moves))
    return board.squares, board.turn


def _from_pieces(rng: Random) -> tuple[list[int], Color]:
    while True:
        squares = [0] * 90
        for color in (0, 1):
            squares[rng.choice([sq for sq in range(90) if in_palace(color, sq)])] = 1 + 7 * color
            homes = {2: sorted(ADVISOR_POINTS[color]), 3: sorted(ELEPHANT_POINTS[color])}
            for kind, most in ((2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (7, 3)):
                for _ in range(rng.choice((0, 0, 1, 1, most))):
                    sq = rng.choice(homes.get(kind, range(90)))
                    if not squares[sq]:
                        squares[sq] = kind + 7 * color
        turn = Color(rng.randrange(2))
        if not fen_faults(format_fen(squares, turn)):
            return squares, turn


def _back(move: Move) -> Move:
    return MOVES[move.to_square * 90 + move.from_square]


def _owner(board: Board, sq: int) -> int | None:
    code = board.squares[sq]
    return None if not code else int(code > 7)


def _pick(board: Board, rng: Random, style: str) -> Move | None:
    """A move without capture: any, one that checks, one that attacks something, or one of an attacked piece."""
    moves = [m for m in board.legal_moves() if not board.is_capture(m)]
    rng.shuffle(moves)
    if style == "check":
        moves = [m for m in moves if board.gives_check(m)]
    elif style == "flee":
        prey = {sq for _, sq in _bare_attacks(board, 1 - board.turn)}
        moves.sort(key=lambda m: m.from_square not in prey)
    elif style == "attack":
        side = int(board.turn)
        old = _bare_attacks(board, side)
        for move in moves[:25]:
            board.push(move)
            new = _bare_attacks(board, side) - old
            board.pop()
            if new:
                return move
    return moves[0] if moves else None


STYLES = {
    "checks": (("check", "any"), ("check", "flee"), ("check", "check"), ("any", "check")),
    "chases": (("attack", "flee"), ("attack", "flee"), ("flee", "attack"), ("attack", "attack")),
    "mixed": (("check", "any"), ("check", "flee"), ("attack", "check"), ("check", "attack")),
    "idle": (("any", "any"), ("any", "flee"), ("attack", "any"), ("flee", "attack")),
}
"""How the two sides choose their moves on the way out, by the kind of case wanted."""


def _cycle(board: Board, rng: Random, styles: tuple[str, str]) -> list[Move] | None:
    """A legal cycle of 4 or 8 plies without capture that starts at `board`, or None; `board` is left as it was."""
    played: list[Move] = []

    def play(move: Move | None) -> bool:
        if move is None or board.is_capture(move) or not board.is_legal(move):
            return False
        board.push(move)
        played.append(move)
        return True

    out = all(play(_pick(board, rng, style)) for style in styles * rng.choice((1, 1, 2)))
    if out and len(played) == 2:
        orders = [(0, 1)]
    else:
        orders = [(2, 3, 0, 1), (0, 3, 2, 1), (2, 1, 0, 3), (0, 1, 2, 3)]
        rng.shuffle(orders)
    going = len(played)
    cycle = None
    for order in orders if out else []:
        if all(play(_back(played[i])) for i in order):
            cycle = list(played)
            break
        while len(played) > going:
            played.pop()
            board.pop()
    for _ in played:
        board.pop()
    return cycle


def _kind(board: Board, cycle: list[Move]) -> str:
    """The kind of a cycle, from attacks by movement alone.

    checks: a side checks on every move; chases: every move of a side attacks one and the same bare piece, with the
    moved piece or with another that did not attack it before, and every answer moves the piece or ends the attack;
    mixed: neither, but there are checks; idle: the rest.
    """
    board = board.copy()
    place = list(range(90))
    checks: list[list[bool]] = [[], []]
    prey = [set(range(90)), set(range(90))]
    for move in cycle:
        side = int(board.turn)
        before = _bare_attacks(board, side)
        board.push(move)
        after = _bare_attacks(board, side)
        place[move.to_square] = place[move.from_square]
        checks[side].append(board.is_check())
        prey[side] &= {place[sq] for by, sq in after if by == move.to_square or (by, sq) not in before}
        hanging = {place[sq] for _, sq in _bare_attacks(board, 1 - side)} - {place[move.to_square]}
        prey[1 - side] -= hanging
    if any(all(side) for side in checks):
        return "checks"
    if any(prey):
        return "chases"
    return "mixed" if any(any(side) for side in checks) else "idle"


def _bare_attacks(board: Board, color: int) -> set[tuple[int, int]]:
    """(attacker, victim) where `color` attacks something bare with something other than a king or soldier.

    Kings, soldiers before the river and pieces of the attacker's own kind are not looked at as victims.
    """
    found = set()
    for sq in range(90):
        if (
            _owner(board, sq) != 1 - color
            or board.squares[sq] in (1, 8)
            or attackers(board.squares, sq, 1 - color)
        ):
            continue
        if board.squares[sq] in (7, 14) and on_own_half(1 - color, sq):
            continue
        for by in attackers(board.squares, sq, color):
            if board.squares[by] not in (1, 7, 8, 14) and board.squares[by] % 7 != board.squares[sq] % 7:
                found.add((by, sq))
    return found


def our_verdict(board: Board) -> str:
    """red, black or draw, by Asian rules."""
    outcome = board.outcome("asian")
    assert outcome is not None
    return "draw" if outcome.winner is None else outcome.winner.name.lower()


def pyffish_verdict(board: Board) -> str:
    """red, black or draw, or none if pyffish sees no end of the game."""
    import pyffish

    moves = [f"{m[0]}{int(m[1]) + 1}{m[2]}{int(m[3]) + 1}" for m in map(str, board.move_stack)]
    ends, value = pyffish.is_optional_game_end("xiangqi", board.root_fen, moves)
    if not ends:
        return "none"
    if value == 0:
        return "draw"
    return (board.turn if value > 0 else board.turn.other).name.lower()


def _with_king_roots() -> AbstractContextManager[Any]:
    original = chase_module._recaptures

    def patched(squares: Any, kings: Any, color: int, start: int, end: int, checks: Any) -> bool:
        return start == kings[color] or original(squares, kings, color, start, end, checks)

    return patch.object(chase_module, "_recaptures", patched)


def _with_pinned_attackers() -> AbstractContextManager[Any]:
    recaptures = chase_module._recaptures
    exposed = chase_module._exposed
    depth = [0]

    def patched_recaptures(*args: Any) -> bool:
        depth[0] += 1
        try:
            return recaptures(*args)
        finally:
            depth[0] -= 1

    def patched_exposed(*args: Any) -> bool:
        return bool(depth[0]) and exposed(*args)

    return patch.multiple(chase_module, _recaptures=patched_recaptures, _exposed=patched_exposed)


def _without_exposure() -> AbstractContextManager[Any]:
    original = repetition_module.new_chases

    def patched(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)[0], set()

    return patch.object(repetition_module, "new_chases", patched)


CLASSES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "pinned attacker": _with_pinned_attackers,
    "king as a root": _with_king_roots,
    "protection taken away": _without_exposure,
    "pin without a new threat, or other": nullcontext,
}
"""The change that would make our verdict equal to pyffish's, by name; the last one takes what is left."""


def disagreement_class(board: Board, theirs: str) -> str:
    """Name of the first class whose change makes our verdict equal to theirs."""
    for name, change in CLASSES.items():
        with change():
            if our_verdict(board) == theirs:
                return name
    return name


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=2, help="examples printed of each class")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    decisive: Counter[str] = Counter()
    decisive_equal: Counter[str] = Counter()
    sides: Counter[str] = Counter()
    classes: dict[str, list[str]] = {}
    for _, case in zip(range(options.cases), random_cases(Random(options.seed)), strict=False):
        ours, theirs = our_verdict(case.board), pyffish_verdict(case.board)
        total[case.kind] += 1
        equal[case.kind] += ours == theirs
        sides[theirs] += 1
        if {ours, theirs} != {"draw"}:
            decisive[case.kind] += 1
            decisive_equal[case.kind] += ours == theirs
        if ours != theirs:
            moves = " ".join(map(str, case.board.move_stack[: case.board.ply // 2]))
            line = f"{case.board.root_fen}: {moves}: ours {ours}, pyffish {theirs}"
            classes.setdefault(disagreement_class(case.board, theirs), []).append(line)
    print(f"{'kind':8} {'cases':>7} {'equal':>7} {'share':>9} {'decisive':>9} {'equal':>7}")
    for kind in (*KINDS, "all"):
        sums = [c.total() if kind == "all" else c[kind] for c in (total, equal, decisive, decisive_equal)]
        print(f"{kind:8} {sums[0]:7} {sums[1]:7} {sums[1] / max(1, sums[0]):9.4%} {sums[2]:9} {sums[3]:7}")
    print("pyffish says:", dict(sides))
    for name, lines in sorted(classes.items(), key=lambda item: -len(item[1])):
        print(f"{len(lines):5} {name}")
        for line in lines[: options.show]:
            print(f"      {line}")


if __name__ == "__main__":
    main()
