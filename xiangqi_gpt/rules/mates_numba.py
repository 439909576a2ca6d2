"""Forced mates by checks, compiled by numba. Called through `mates.py`.

Depth-first proof-number search (df-pn): the attacker plays checks only, the defender every legal move. The proof number
of a position is the least number of positions that must still be proven to prove it; the disproof number likewise. The
search always continues where the fewest are missing, so long lines with few replies cost little.

Boards, turns and moves are those of `batch_numba.py`. Attacker's positions are at even depths.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from xiangqi_gpt.rules.batch_numba import SCRATCH, Array, _attacked, _generate, _king_square, compiled

BUILT_ON: Final = "e7c47ffdc0c2cfe6"
"""The checksum of `batch_numba.py`. The cache of numba does not notice changes in other files, so a test asks to
change this line with them."""

PLIES: Final = 60  # of the longest line
_WIDTH = 128  # moves of a position; a position with more is left unsolved
_NEVER = 1 << 28  # the proof number of a position that is disproven

_random = np.random.default_rng(90)
_KEYS = _random.integers(1, 2**63 - 1, size=(15, 90), dtype=np.int64)
_TURN = np.int64(_random.integers(1, 2**63 - 1))
_KEYS[0] = 0


@compiled
def _key(board: Array, turn: int) -> int:
    key = _TURN if turn else np.int64(0)
    for square in range(90):
        key ^= _KEYS[board[square], square]
    return int(key)


@compiled
def _replies(board: Array, turn: int, checks: bool, moves: Array, care: Array) -> int:
    """Write the legal moves, or with *checks* those that give check; return their number."""
    count = _generate(board, turn, moves, care, False)
    if not checks:
        return count
    king = _king_square(board, 1 - turn)
    kept = 0
    for i in range(count):
        move = np.int64(moves[i])
        origin = move // 90
        target = move - origin * 90
        taken = board[target]
        board[target] = board[origin]
        board[origin] = 0
        gives = _attacked(board, king, 1 - turn)
        board[origin] = board[target]
        board[target] = taken
        if gives:
            moves[kept] = move
            kept += 1
    return kept


@compiled
def find_mate(
    board: Array,
    turn: int,
    past: Array,
    first: Array,
    limit: int,
    plies: int,
    salt: int,
    table: Array,
    line: Array,
) -> tuple[int, int, int]:
    """Look for a mate by checks of the side to move.

    Args:
        board: int8 (90,); changed and restored. Both kings are on it.
        turn: the attacker, 0 or 1.
        past: the moves since the last capture, the latest last. A line never returns to one of their positions.
        first: the only moves to begin with; empty: all.
        limit: of the positions to look at.
        plies: of the longest line, at most `PLIES`.
        salt: differs between calls that use the same table.
        table: int64 (2**n, 4), what is known of positions: key, proof number, disproof number, plies to mate.
        line: uint16 (PLIES,), receives the mate.

    Returns:
        The moves in *line* (0: no mate found), the plies to mate at most, and the positions looked at. The line can be
        shorter than the mate where the table has lost a part of it.
    """
    mask = np.int64(table.shape[0] - 1)
    moves = np.empty((plies + 2, _WIDTH), dtype=np.uint16)
    scratch = np.empty(SCRATCH, dtype=np.uint16)
    counts = np.zeros(plies + 2, dtype=np.int64)
    proof = np.zeros(plies + 2, dtype=np.int64)  # thresholds
    disproof = np.zeros(plies + 2, dtype=np.int64)
    played = np.zeros(plies + 2, dtype=np.int64)
    taken = np.zeros(plies + 2, dtype=np.int8)
    keys = np.zeros(plies + 2, dtype=np.int64)
    care = np.empty(90, dtype=np.uint8)
    gone = np.empty(len(past), dtype=np.int64)
    keys[0] = _key(board, turn) ^ salt
    key = keys[0]
    for i in range(len(past)):
        move = np.int64(past[len(past) - 1 - i])
        origin = move // 90
        target = move - origin * 90
        piece = board[target]
        board[target] = 0
        board[origin] = piece
        key ^= _KEYS[piece, origin] ^ _KEYS[piece, target] ^ _TURN
        gone[i] = key
    for i in range(len(past)):
        move = np.int64(past[i])
        origin = move // 90
        target = move - origin * 90
        board[target] = board[origin]
        board[origin] = 0
    depth = 0
    looked = 0
    proof[0] = disproof[0] = _NEVER
    entering = True
    side = turn
    while True:
        attacks = depth & 1 == 0
        if entering:
            looked += 1
            count = _replies(board, side, attacks, scratch, care)
            if depth == 0 and len(first) > 0:
                kept = 0
                for i in range(count):
                    for j in range(len(first)):
                        if scratch[i] == first[j]:
                            scratch[kept] = scratch[i]
                            kept += 1
                            break
                count = kept
            if count > _WIDTH or (count > 0 and depth >= plies):
                count = -1
            counts[depth] = count
            for i in range(count):
                moves[depth, i] = scratch[i]
            entering = False
        # What is known of the moves: the numbers of this position, and the best move with its thresholds.
        best = -1
        lowest = second = np.int64(
            _NEVER
        )  # of proof numbers of moves where we attack, else of disproof numbers
        total = np.int64(0)  # of the others
        best_other = np.int64(0)
        mate = -1
        for i in range(counts[depth]):
            move = np.int64(moves[depth, i])
            origin = move // 90
            target = move - origin * 90
            piece = board[origin]
            key = (
                keys[depth]
                ^ _KEYS[piece, origin]
                ^ _KEYS[piece, target]
                ^ _KEYS[board[target], target]
                ^ _TURN
            )
            pn = dn = np.int64(1)
            length = np.int64(0)
            slot = key & mask
            if table[slot, 0] == key:
                pn = table[slot, 1]
                dn = table[slot, 2]
                length = table[slot, 3]
            if board[target] == 0 and pn > 0:
                for j in range(depth - 1, -1, -2):
                    if keys[j] == key:
                        pn, dn = np.int64(_NEVER), np.int64(0)
                for j in range(len(gone)):
                    if gone[j] == key:
                        pn, dn = np.int64(_NEVER), np.int64(0)
            own, other = (pn, dn) if attacks else (dn, pn)
            total = min(np.int64(_NEVER), total + other)
            if pn == 0 and (mate < 0 or (length < mate) == attacks):
                mate = length
            if own < lowest:
                best, second, lowest, best_other = i, lowest, own, other
            elif own < second:
                second = own
        if counts[depth] < 0:  # too deep or too wide: given up
            pn, dn = np.int64(_NEVER), np.int64(0)
        elif attacks:
            pn, dn = lowest, total
            if counts[depth] == 0:
                dn = np.int64(0)
        else:
            pn, dn = total, lowest
        if pn == 0:
            dn = np.int64(_NEVER)
        finished = looked >= limit
        if finished or pn >= proof[depth] or dn >= disproof[depth] or pn == 0 or dn == 0:
            slot = keys[depth] & mask
            table[slot, 0] = keys[depth]
            table[slot, 1] = pn
            table[slot, 2] = dn
            table[slot, 3] = mate + 1
            if depth == 0:
                break
            depth -= 1
            side = 1 - side
            move = played[depth]
            origin = move // 90
            target = move - origin * 90
            board[origin] = board[target]
            board[target] = taken[depth]
            continue
        # Somewhat more than the second best is allowed, so that the search does not go back and forth.
        own_limit = min(proof[depth] if attacks else disproof[depth], second + 1 + second // 4)
        other_limit = (disproof[depth] if attacks else proof[depth]) - total + best_other
        move = np.int64(moves[depth, best])
        origin = move // 90
        target = move - origin * 90
        piece = board[origin]
        keys[depth + 1] = (
            keys[depth] ^ _KEYS[piece, origin] ^ _KEYS[piece, target] ^ _KEYS[board[target], target] ^ _TURN
        )
        played[depth] = move
        taken[depth] = board[target]
        board[target] = piece
        board[origin] = 0
        depth += 1
        side = 1 - side
        if attacks:
            proof[depth], disproof[depth] = own_limit, other_limit
        else:
            proof[depth], disproof[depth] = other_limit, own_limit
        entering = True
    if table[keys[0] & mask, 1] != 0 or table[keys[0] & mask, 0] != keys[0]:
        return 0, 0, looked
    length = table[keys[0] & mask, 3]
    return _mating_line(board, turn, keys[0], first, length, table, scratch, care, line), length, looked


@compiled
def _mating_line(
    board: Array,
    turn: int,
    key: int,
    first: Array,
    length: int,
    table: Array,
    moves: Array,
    care: Array,
    line: Array,
) -> int:
    """Write the line that is proven in the table: the shortest mate found against the longest defence."""
    mask = np.int64(table.shape[0] - 1)
    taken = np.empty(len(line), dtype=np.int8)
    side = turn
    found = 0
    while found < len(line) and found < length:
        attacks = found & 1 == 0
        count = _replies(board, side, attacks, moves, care)
        best = chosen = np.int64(-1)
        next_key = key
        for i in range(count):
            move = np.int64(moves[i])
            if found == 0 and len(first) > 0 and not (first == move).any():
                continue
            origin = move // 90
            target = move - origin * 90
            piece = board[origin]
            child = key ^ _KEYS[piece, origin] ^ _KEYS[piece, target] ^ _KEYS[board[target], target] ^ _TURN
            slot = child & mask
            if table[slot, 0] != child or table[slot, 1] != 0:
                if not attacks:
                    best = chosen = np.int64(-1)
                    break
                continue
            if chosen < 0 or (table[slot, 3] < best if attacks else table[slot, 3] > best):
                best, chosen, next_key = table[slot, 3], move, child
        if chosen < 0:
            break
        origin = chosen // 90
        target = chosen - origin * 90
        taken[found] = board[target]
        board[target] = board[origin]
        board[origin] = 0
        line[found] = chosen
        found += 1
        key = next_key
        side = 1 - side
    for i in range(found - 1, -1, -1):
        move = np.int64(line[i])
        origin = move // 90
        target = move - origin * 90
        board[origin] = board[target]
        board[target] = taken[i]
    return found
