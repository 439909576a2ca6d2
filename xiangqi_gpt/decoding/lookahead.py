"""Lookahead: a tree of the likeliest moves and replies, its leaves judged by the value head.

Best first (PUCT): every descent goes to the move with the greatest value plus a bonus for what the policy finds likely
and the search has seldom tried. Descents are gathered into batches, each leaf counting as lost until its score is
there, and values are backed up as means. Ends of games are known from the rules: mate, stalemate, repetition, the
natural limit, and mates in one move of the side to move; a move that wins by force is never missed inside the tree, and
one that loses by force is played only where all do.

A search can be stopped at any time; between two batches it looks at its clock and at whoever wants it to stop.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from xiangqi_gpt.decoding.sampling import open_moves
from xiangqi_gpt.decoding.scorer import MoveScores, Scorer
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.context import check_context
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.rulesets import RULE_SETS, RuleSet

_LONG, _SHORT = (
    0.04,
    0.02,
)  # seconds: a batch that takes longer is halved, after a shorter one more leaves go along
_RESERVE = 1.2  # a batch is begun where the time left is at least this many times what it should take
_MAX_PLIES = 64  # from the root; forced lines are no deeper


@dataclass(frozen=True, kw_only=True)
class LookaheadConfig:
    """How to search. Without any limit a search goes on until it is stopped, or nothing is left to search."""

    seconds: float | None = None
    nodes: int | None = None  # descents
    depth: int | None = None  # plies; a tree that has been searched out is judged by minimax
    k: int = 12  # the likeliest moves of a position are looked at, no others
    exploration: float = 1.6  # weight of the policy's bonus against values of -1..1
    reduction: float = 0.25  # how much worse than its position an untried move is taken to be
    batch: int = 8  # leaves scored together, at most
    guard: bool = True  # do not bring back positions of the game unless losing
    rules: str | RuleSet = "simple"

    def __post_init__(self) -> None:
        for key, least in (
            ("seconds", 0.0),
            ("nodes", 1),
            ("depth", 1),
            ("k", 1),
            ("batch", 1),
            ("exploration", 0),
        ):
            value = getattr(self, key)
            if value is not None and not least <= value < math.inf:
                raise ConfigError(f"{key}: expected at least {least}, found {value!r}")
        if isinstance(self.rules, str) and self.rules not in RULE_SETS:
            raise ConfigError(f"rules: expected one of {', '.join(RULE_SETS)}, found {self.rules!r}")

    @property
    def rule_set(self) -> RuleSet:
        return RULE_SETS[self.rules] if isinstance(self.rules, str) else self.rules


@dataclass(frozen=True)
class Candidate:
    """What the search found of one move of the root."""

    move: Move
    pv: tuple[Move, ...]  # the move first
    visits: int  # descents that began with it
    value: float | None  # expected result for the side to move, -1..1; None if never tried
    mate: int | None  # moves to mate, negative where it is the side to move that is mated; None if not forced


@dataclass(frozen=True)
class Found:
    """The result of a search."""

    scores: MoveScores  # of the root, exact
    candidates: tuple[Candidate, ...]  # the moves looked at, best first
    value: tuple[float, float, float]  # win, draw, loss of the side to move, backed up
    nodes: int  # descents of this search, and the root
    depth: int  # plies of the deepest descent
    complete: bool  # whether nothing was left to search


class _Node:
    """A position of the tree. Values are those of its own side to move."""

    __slots__ = (
        "children", "done", "loss", "mate", "moves", "pending", "priors", "proven", "visits", "whole", "win",
    )  # fmt: skip

    def __init__(self) -> None:
        self.moves: tuple[Move, ...] | None = None  # None: not scored yet
        self.priors: list[float] = []
        self.children: list[_Node | None] = []
        self.whole = False  # whether the moves are all legal ones
        self.visits = 0
        self.win = self.loss = 0.0  # sums over the visits
        self.pending = 0  # descents under way
        self.proven: int | None = None  # 1 won, 0 drawn, -1 lost, whatever is played
        self.mate: int | None = None  # plies to the end of a forced win or loss
        self.done = False  # nothing below is left to search

    @property
    def value(self) -> float:
        if self.proven is not None:
            return float(self.proven)
        return (self.win - self.loss) / self.visits if self.visits else 0.0

    def settle(self, result: int, plies: int) -> None:
        self.proven, self.done = result, True
        self.mate = plies if result else None

    def mates_by(self, move: Move) -> None:
        """Settle a position in which *move* mates."""
        mated = _Node()
        mated.settle(-1, 0)
        self.moves, self.priors, self.children = (move,), [1.0], [mated]
        self.settle(1, 1)


class Lookahead:
    """Searches with one scorer; keeps the part of its tree that the game goes on in."""

    def __init__(self, scorer: Scorer, config: LookaheadConfig | None = None) -> None:
        self.scorer = scorer
        self.config = config or LookaheadConfig()
        # Once more than before is enough to judge a cycle in the tree: it would come out the same a time later.
        self._rules = dataclasses.replace(self.config.rule_set, repetitions=2)
        self._root: _Node | None = None
        self._at: tuple[str, list[Move]] = ("", [])
        self._size = min(4, self.config.batch)  # leaves of the next batch
        self._last = (0, 0.0)  # leaves of the last batch, and the seconds that it took
        self._autocast = _fast_autocast(scorer)

    def forget(self) -> None:
        """Drop the tree."""
        self._root = None

    def search(
        self,
        board: Board,
        *,
        seconds: float | None = None,
        nodes: int | None = None,
        depth: int | None = None,
        stop: threading.Event | None = None,
        score: Callable[[Board], MoveScores] | None = None,
        root_moves: Sequence[Move] | None = None,
    ) -> Found:
        """Look ahead from *board*; limits given here take the place of those of the configuration.

        *score* scores the root in place of the scorer. With *root_moves* only these legal moves of *board* are looked
        at; such a search neither takes up a tree nor leaves one.

        Raises:
            ValueError: no legal moves, or none of *root_moves* is legal.
            ConfigError: a game too long for a model with board="none".
        """
        began = time.monotonic()
        given = (seconds, nodes, depth)
        if all(limit is None for limit in given):
            given = (self.config.seconds, self.config.nodes, self.config.depth)
        seconds, nodes, depth = given
        deadline = None if seconds is None else began + seconds
        scores = (score or self.scorer.score)(board)
        if not self._last[0]:
            self._last = (1, time.monotonic() - began)  # all that is known of this machine yet
        depth = min(depth or _MAX_PLIES, _MAX_PLIES, self._room(board))
        root = self._kept(board, limited=given[2] is not None or root_moves is not None)
        allowed = self._allowed(board, scores, root_moves)
        self._open(root, board, scores, allowed)
        mate = _mating_move(board.copy()) if self.config.k > 1 and root_moves is None else None
        if mate is not None:
            root.mates_by(mate)
        if depth == 0:
            root.done = True
        position, searched, deepest = board.copy(), 1, 0
        while not root.done and not (stop is not None and stop.is_set()):
            room = self._batch(None if deadline is None else deadline - time.monotonic())
            room = room if nodes is None else min(room, nodes - searched)
            if room < 1:
                break
            count, plies = self._round(root, position, room, depth, exhaust=seconds is None and nodes is None)
            searched, deepest = searched + count, max(deepest, plies)
            if not plies:
                break
        self._root, self._at = root, (board.root_fen, board.move_stack.copy())
        if root_moves is not None:
            self.forget()
        return self._found(root, scores, searched, deepest, by_minimax=root.done)

    def _allowed(
        self, board: Board, scores: MoveScores, root_moves: Sequence[Move] | None
    ) -> np.ndarray | None:
        """Which moves of the root are looked at; None for all."""
        if root_moves is None:
            rules = None if self.config.rules == "simple" else self.config.rule_set
            return open_moves(board.copy(), scores, guard=self.config.guard, rules=rules)
        wanted = set(root_moves)
        chosen = np.array([move in wanted for move in scores.moves])
        if not chosen.any():
            raise ValueError(f"expected a legal move among the root moves, found none in {board.fen()!r}")
        return chosen

    def _room(self, board: Board) -> int:
        """How many plies ahead the model can see."""
        config = self.scorer.model.config
        if config.board != "none":
            return _MAX_PLIES
        check_context(config, board.root_fen, board.ply)
        return config.context_plies - 1 - board.ply

    def _batch(self, left: float | None) -> int:
        """How many leaves the next batch may have, with *left* seconds to go."""
        leaves, seconds = self._last
        if left is None:
            return self._size
        if left <= 0:
            return 0
        # Half of what a batch costs it costs at any size.
        for size in range(self._size, 0, -1):
            if left >= _RESERVE * seconds * (0.5 + 0.5 * size / leaves):
                return size
        return 0

    def _kept(self, board: Board, *, limited: bool) -> _Node:
        """The node of *board* in the last tree, else a new one. Trees of limited depth are never gone on with."""
        root_fen, moves = self._at
        new = board.move_stack[len(moves) :]
        if (
            self._root is None
            or limited
            or root_fen != board.root_fen
            or board.move_stack[: len(moves)] != moves
        ):
            return _Node()
        node: _Node | None = self._root
        for move in new:
            if node is None or node.moves is None or move not in node.moves:
                return _Node()
            node = node.children[node.moves.index(move)]
        if node is None or node.moves is None or node.done:
            return _Node()
        return node

    def _open(self, node: _Node, board: Board, scores: MoveScores, allowed: np.ndarray | None = None) -> None:
        """Give *node* the likeliest moves of its position; what is known of them already stays."""
        order = [i for i in scores.ranked() if allowed is None or allowed[i]][: self.config.k]
        known = dict(zip(node.moves or (), node.children, strict=True))
        shares = scores.probs[order] / scores.probs[order].sum()
        node.moves = tuple(scores.moves[i] for i in order)
        node.priors = shares.tolist()
        node.children = [known.get(move) for move in node.moves]
        node.whole = len(order) == len(scores.moves)
        if not node.visits:
            win, _, loss = scores.value.tolist()
            node.visits, node.win, node.loss = 1, win, loss

    def _round(
        self, root: _Node, position: Board, room: int, depth: int, *, exhaust: bool
    ) -> tuple[int, int]:
        """One batch of descents: how many there were, and how deep the deepest went."""
        began = time.monotonic()
        leaves: list[tuple[list[_Node], Board]] = []
        deepest = count = 0
        # Descents that end in what is known already cost no scoring; there is an end to them all the same.
        while count < 4 * room and len(leaves) < room and not root.done:
            path = self._descend(root, position, exhaust=exhaust)
            if path is None:
                break
            count += 1
            deepest = max(deepest, len(path) - 1)
            leaf = path[-1]
            if leaf.moves is None and not leaf.done:
                for node in path:
                    node.pending += 1
                leaves.append((path, position.copy()))
            else:
                value = leaf.value
                _back_up(path, max(0.0, value), max(0.0, -value))
            for _ in path[1:]:
                position.pop()
        if not leaves:
            return count, deepest
        with self._autocast:
            scored = self.scorer.score_many([board for _, board in leaves])
        for (path, board), scores in zip(leaves, scored, strict=True):
            for node in path:
                node.pending -= 1
            leaf = path[-1]
            win, _, loss = scores.value.tolist()
            if leaf.moves is None:
                self._open(leaf, board, scores)
                leaf.visits, leaf.win, leaf.loss = 0, 0.0, 0.0
                leaf.done = len(path) - 1 >= depth
            _back_up(path, win, loss)
        self._last = (len(leaves), time.monotonic() - began)
        if self._last[1] > _LONG:
            self._size = max(1, len(leaves) // 2)
        elif self._last[1] < _SHORT and len(leaves) == self._size:
            self._size = min(self.config.batch, self._size + 1)
        return count, deepest

    def _descend(self, root: _Node, position: Board, *, exhaust: bool) -> list[_Node] | None:
        """From the root to a position not scored yet, or one with nothing left to search; *position* is played along.

        None where all that is left is under way already. To *exhaust* the tree, only go where something is left.
        """
        path = [root]
        while True:
            node = path[-1]
            at = self._choose(node, exhaust=exhaust)
            if at is None:
                for _ in path[1:]:
                    position.pop()
                return None
            assert node.moves is not None
            position.push(node.moves[at])
            child = node.children[at]
            if child is None:
                child = node.children[at] = self._new(position)
                path.append(child)
                return path
            path.append(child)
            if child.done or child.moves is None:
                return path

    def _new(self, position: Board) -> _Node:
        """The node of a position seen for the first time, decided where the rules decide it."""
        node = _Node()
        outcome = position.outcome(self._rules)
        if outcome is not None:
            node.settle(0 if outcome.winner is None else 1 if outcome.winner == position.turn else -1, 0)
        elif (mate := _mating_move(position)) is not None:
            node.mates_by(mate)
        return node

    def _choose(self, node: _Node, *, exhaust: bool) -> int | None:
        """The move of *node* to go on with; None where there is nothing to be had below."""
        parent = node.value if node.visits else 0.0
        tried = sum(p for p, c in zip(node.priors, node.children, strict=True) if c is not None and c.visits)
        untried = parent - self.config.reduction * math.sqrt(tried)
        scale = self.config.exploration * math.sqrt(node.visits + node.pending)
        best, found = -math.inf, None
        for i, (prior, child) in enumerate(zip(node.priors, node.children, strict=True)):
            visits, value = 0, untried
            if child is not None:
                if child.proven == 1 or (child.done and exhaust) or (child.moves is None and child.pending):
                    continue
                visits = child.visits + child.pending
                if visits:
                    # A descent under way counts as lost, so that the next one goes elsewhere.
                    value = (child.loss - child.win - child.pending) / visits
            score = value + scale * prior / (1 + visits)
            if score > best:
                best, found = score, i
        return found

    def _found(self, root: _Node, scores: MoveScores, nodes: int, depth: int, *, by_minimax: bool) -> Found:
        assert root.moves is not None
        ranked = sorted(range(len(root.moves)), key=lambda i: _rank(root, i, by_minimax), reverse=True)
        candidates = []
        for i in ranked:
            child, move = root.children[i], root.moves[i]
            if child is None or not (child.visits or child.proven is not None):
                candidates.append(Candidate(move, (move,), 0, None, None))
                continue
            mate = None
            if child.proven:
                assert child.mate is not None
                mate = -child.proven * ((child.mate + 2) // 2)
            value = -(_minimax(child) if by_minimax else child.value)
            pv = (move, *_line(child, by_minimax))
            candidates.append(Candidate(move, pv, child.visits, value, mate))
        best = root.children[ranked[0]]
        if root.proven is not None:
            win, loss = float(root.proven == 1), float(root.proven == -1)
        elif by_minimax and best is not None:
            # What the principal line ends in is one value; its draws are those of the mean.
            value = candidates[0].value or 0.0
            draw = max(0.0, min(1 - abs(value), 1 - (root.win + root.loss) / root.visits))
            win, loss = (1 - draw + value) / 2, (1 - draw - value) / 2
        else:
            win, loss = root.win / root.visits, root.loss / root.visits
        return Found(
            scores, tuple(candidates), (win, max(0.0, 1 - win - loss), loss), nodes, depth, by_minimax
        )


def _back_up(path: list[_Node], win: float, loss: float) -> None:
    """Add what the last node of *path* is worth, for its own side to move, to all of them; settle what is decided."""
    for node in reversed(path):
        node.visits += 1
        node.win += win
        node.loss += loss
        win, loss = loss, win
    for node in reversed(path):
        if node.proven is None and node.moves is not None:
            _settle(node)


def _settle(node: _Node) -> None:
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


def _minimax(node: _Node) -> float:
    """The value of *node* where both sides play the best of the moves looked at."""
    if node.proven is not None:
        return float(node.proven)
    values = [-_minimax(c) for c in node.children if c is not None and (c.visits or c.proven is not None)]
    return max(values, default=node.value)


def _rank(node: _Node, i: int, by_minimax: bool) -> tuple[float, float, float]:
    """What the moves of a node are ordered by, greatest first: forced wins, then visits or minimax, forced losses."""
    child = node.children[i]
    if child is None:
        return (0.0, -math.inf, node.priors[i])
    if child.proven:
        plies = child.mate or 0
        return (1.0, -plies, 0.0) if child.proven == -1 else (-1.0, plies, 0.0)
    return (0.0, -_minimax(child) if by_minimax else child.visits, -child.value)


def _line(node: _Node, by_minimax: bool) -> list[Move]:
    """The moves that the search expects from *node* on."""
    moves: list[Move] = []
    while node.moves and any(c is not None and (c.visits or c.proven is not None) for c in node.children):
        at = max(range(len(node.moves)), key=lambda i, n=node: _rank(n, i, by_minimax))  # type: ignore[misc]
        child = node.children[at]
        if child is None:
            break
        moves.append(node.moves[at])
        node = child
    return moves


def _mating_move(board: Board) -> Move | None:
    """The first legal move that checkmates, if there is one."""
    return next((move for move in board.legal_moves() if board.gives_mate(move)), None)


def _fast_autocast(scorer: Scorer) -> AbstractContextManager[object]:
    """bfloat16 where the processor is fast at it: a leaf's value need not be exact."""
    fast = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    if scorer.device.type == "cpu" and fast:
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
