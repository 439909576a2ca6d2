"""The tree of a lookahead: what each position is worth so far, where to look next, what is decided."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from xiangqi_gpt.rules.move import Move

_FIRST_WIDTH, _WIDENING = 6, 1.5  # a position with n visits is looked at by 6 + 1.5 * sqrt(n) of its moves
_DOUBT = 0.5  # a value of -1..1 is believed but for this much over the root of its visits
_FEW = 8  # moves with fewer than an eighth of the most visits are no match for the others


class Node:
    """A position of the tree. Values are those of its own side to move."""

    __slots__ = (
        "__weakref__", "children", "done", "loss", "mate", "moves", "pending", "priors", "proven", "visits", "whole",
        "win",
    )  # fmt: skip

    def __init__(self) -> None:
        self.moves: tuple[Move, ...] | None = None  # likeliest first; None: not scored yet
        self.priors: list[float] = []
        self.children: list[Node | None] = []
        self.whole = False  # whether the moves are all legal ones
        self.visits = 0
        self.win = self.loss = 0.0  # sums over the visits
        self.pending = 0  # descents under way
        self.proven: int | None = None  # 1 won, 0 drawn, -1 lost, whatever is played
        self.mate: int | None = None  # plies to the end of a forced win or loss
        self.done = False  # nothing below is left to search

    @property
    def value(self) -> float:
        """The expected result, -1..1; 0 where nothing is known."""
        if self.proven is not None:
            return float(self.proven)
        return (self.win - self.loss) / self.visits if self.visits else 0.0

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self.visits > 0 or self.proven is not None

    def settle(self, result: int, plies: int) -> None:
        """Decide it: a win, draw or loss, the first and the last in *plies* plies."""
        self.proven, self.done = result, True
        self.mate = plies if result else None

    def mates_by(self, line: Sequence[Move], plies: int) -> None:
        """Decide a position whose side to move mates by *line*, or as much as is known of it, in *plies* plies."""
        node, result = self, 1
        for move in line:
            child = Node()
            node.moves, node.priors, node.children = (move,), [1.0], [child]
            node.settle(result, plies)
            node, result, plies = child, -result, plies - 1
        node.settle(result, plies)


def choose(
    node: Node, blocked: Collection[Node], *, exploration: float, reduction: float, widen: bool, exhaust: bool
) -> int | None:
    """The move of *node* to look at next; None where there is nothing to be had below.

    PUCT: the value of a move, plus a bonus for what the policy finds likely and the search has seldom tried.
    *reduction* is how much worse than its position an untried move is taken to be. With *widen* only the likeliest
    moves are looked at, more of them as the visits grow; to *exhaust* a tree, only go where something is left. Nodes
    that are *blocked* wait for scores that are under way.
    """
    parent = node.value if node.visits else 0.0
    tried = sum(
        prior
        for prior, child in zip(node.priors, node.children, strict=True)
        if child is not None and child.visits
    )
    untried = parent - reduction * math.sqrt(tried)
    scale = exploration * math.sqrt(node.visits + node.pending)
    width = _FIRST_WIDTH + int(_WIDENING * math.sqrt(node.visits)) if widen else len(node.children)
    best, found = -math.inf, None
    for i, (prior, child) in enumerate(zip(node.priors, node.children, strict=True)):
        if i >= width and found is not None:
            break
        visits, value = 0, untried
        if child is not None:
            if child.proven == 1 or (child.done and exhaust):
                continue
            if (child.moves is None and child.pending) or child in blocked:
                continue
            visits = child.visits + child.pending
            if visits:
                # A descent under way counts as lost, so that the next one goes elsewhere.
                value = (child.loss - child.win - child.pending) / visits
        score = value + scale * prior / (1 + visits)
        if score > best:
            best, found = score, i
    return found


def back_up(path: list[Node], win: float, loss: float) -> None:
    """Add what the last node of *path* is worth, for its own side to move, to all of them; settle what is decided."""
    for node in reversed(path):
        node.visits += 1
        node.win += win
        node.loss += loss
        win, loss = loss, win
    for node in reversed(path):
        if node.proven is None and node.moves is not None:
            _settle(node)


def _settle(node: Node) -> None:
    children = node.children
    lost = [c.mate or 0 for c in children if c is not None and c.proven == -1]
    if lost:
        node.settle(1, 1 + min(lost))
    elif all(c is not None and c.done for c in children) and children:
        node.done = True
        if node.whole and all(c is not None and c.proven is not None for c in children):
            won = [c.proven for c in children if c is not None]
            if all(result == 1 for result in won):
                node.settle(-1, 1 + max(c.mate or 0 for c in children if c is not None))
            else:
                node.settle(0, 0)


def minimax(node: Node) -> float:
    """The value of *node* where both sides play the best of the moves looked at."""
    if node.proven is not None:
        return float(node.proven)
    values = [-minimax(child) for child in node.children if child is not None and child.known]
    return max(values, default=node.value)


Rank = tuple[float, float, float]


def _rank(node: Node, i: int, by_minimax: bool) -> Rank:
    """What the moves of a node are ordered by, greatest first: forced wins, then visits or minimax, forced losses."""
    child = node.children[i]
    if child is None:
        return (0.0, -math.inf, node.priors[i])
    if child.proven:
        plies = child.mate or 0
        return (1.0, -plies, 0.0) if child.proven == -1 else (-1.0, plies, 0.0)
    return (0.0, -minimax(child) if by_minimax else child.visits, -child.value)


def ranked(root: Node, *, by_minimax: bool) -> list[int]:
    """The moves of *root* by number, the one to play first.

    Moves that have been looked into are compared by the least that they can be expected to be worth (a lower confidence
    bound): visits alone repeat what the policy thought before.
    """
    order = sorted(range(len(root.children)), key=lambda i: _rank(root, i, by_minimax), reverse=True)
    if by_minimax:
        return order
    open_ = [child for child in root.children if child is not None and not child.proven and child.visits]
    most = max((child.visits for child in open_), default=0)

    def confident(i: int) -> Rank:
        child = root.children[i]
        if child is None or child.proven or _FEW * child.visits < most or not child.visits:
            return _rank(root, i, by_minimax)
        return (0.5, -child.value - _DOUBT / math.sqrt(child.visits), 0.0)

    return sorted(order, key=confident, reverse=True)


def is_settled(root: Node, left: int) -> bool:
    """Whether *left* more descents cannot make another move of *root* as well tried as the one that leads."""
    visits = sorted((child.visits if child is not None else 0 for child in root.children), reverse=True)
    if len(visits) < 2:
        return False
    leader = root.children[ranked(root, by_minimax=False)[0]]
    return leader is not None and leader.visits == visits[0] and visits[0] - visits[1] > left


def principal_line(node: Node, *, by_minimax: bool) -> list[Move]:
    """The moves that the search expects from *node* on."""
    moves: list[Move] = []
    while node.moves and any(child is not None and child.known for child in node.children):
        at = max(range(len(node.moves)), key=lambda i, n=node: _rank(n, i, by_minimax))  # type: ignore[misc]
        child = node.children[at]
        if child is None:
            break
        moves.append(node.moves[at])
        node = child
    return moves
