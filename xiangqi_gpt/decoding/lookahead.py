"""Lookahead: a tree of the likeliest moves and replies, its leaves judged by the value head.

Best first (PUCT): every descent goes to the move with the greatest value plus a bonus for what the policy finds likely
and the search has seldom tried. Descents are gathered into batches, each leaf counting as lost until its score is
there, and values are backed up as means. A position is looked at by few moves at first and by more as the visits grow.
Positions that are reached by another order of moves are not scored again. Ends of games are known from the rules: mate,
stalemate, repetition, the natural limit, and mates that the side to move can force by checks alone, which are looked
for at the root and briefly at every leaf; a move that wins by force is never missed inside the tree, and one that loses
by force is played only where all do.

A search limited by descents comes out the same however fast the machine is. One limited by time begins nothing that it
does not expect to finish. It can be stopped at any time: between two batches it looks at its clock and at whoever wants
it to stop.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np

from xiangqi_gpt.decoding.sampling import open_moves
from xiangqi_gpt.decoding.scorer import MoveScores, Scorer
from xiangqi_gpt.decoding.search_tree import (
    Node,
    back_up,
    choose,
    is_settled,
    minimax,
    principal_line,
    ranked,
)
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.context import check_context
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.mates import LONGEST, ForcedMate, Loading, MateFinder
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.rulesets import RULE_SETS, RuleSet

_LEAST = 4  # leaves of a batch, but for the last ones before a limit
_SPREAD = 8  # and at most one for so many visits of the root: more would go where the search would not
_RESERVE = 1.2  # a batch is begun where the time left is at least this many times what it should take
_FASTER = 1.5  # at most so many times as fast as so far a search is expected to go on
_UNKNOWN = 0.05  # seconds that a root is taken to cost before the first one has been scored
_REPORT = 0.25  # seconds between two reports of progress
_MAX_PLIES = 64  # from the root; forced lines are no deeper
_LEAF_POSITIONS = 300  # that are looked at for a mate at a leaf: a millisecond at most, mostly far less
_ROOT_POSITIONS = 20_000  # and at most at the root,
_POSITIONS_PER_SECOND = 25_000  # where that is a tenth of the time
_POSITIONS_PER_DESCENT = 200
_NARROW = 12  # moves of a position that a search is limited to where depth is its only limit


@dataclass(frozen=True, kw_only=True)
class LookaheadConfig:
    """How to search. Without any limit a search goes on until it is stopped, or nothing is left to search."""

    seconds: float | None = None
    nodes: int | None = None  # descents
    depth: int | None = None  # plies; a tree that has been searched out is judged by minimax
    k: int | None = (
        None  # the likeliest moves of a position are looked at, no others; None: more as visits grow
    )
    exploration: float = 1.6  # weight of the policy's bonus against values of -1..1
    reduction: float = 0.25  # how much worse than its position an untried move is taken to be
    batch: int = 16  # leaves scored together, at most
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
class SearchResult:
    """The result of a search."""

    scores: MoveScores  # of the root, exact
    candidates: tuple[Candidate, ...]  # the moves looked at, best first
    value: tuple[float, float, float]  # win, draw, loss of the side to move, backed up
    nodes: int  # descents of this search, and the root
    depth: int  # plies of the deepest descent
    complete: bool  # whether nothing was left to search


Steps = Generator[list[Board], list[MoveScores], SearchResult]
"""A search that yields the boards to score next, is sent their scores, and returns its result."""


def search_together(scorer: Scorer, searches: Sequence[Steps], batch: int = 32) -> list[SearchResult]:
    """The results of several searches of one scorer, whose leaves are scored in common batches of *batch* boards."""
    results: dict[int, SearchResult] = {}
    given: dict[int, list[MoveScores] | None] = dict.fromkeys(range(len(searches)))
    while given:
        asked: dict[int, list[Board]] = {}
        for i, scores in given.items():
            try:
                asked[i] = next(searches[i]) if scores is None else searches[i].send(scores)
            except StopIteration as ended:
                results[i] = ended.value
        boards = [board for part in asked.values() for board in part]
        scored: list[MoveScores] = []
        for first in range(0, len(boards), batch):
            scored += scorer.score_leaves(boards[first : first + batch])
        given = {}
        for i, part in asked.items():
            given[i], scored = scored[: len(part)], scored[len(part) :]
    return [results[i] for i in range(len(searches))]


class _Limits:
    """What ends one search."""

    def __init__(self, seconds: float | None, nodes: int | None, plies: int) -> None:
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.nodes, self.plies = nodes, plies
        self.exhaust = seconds is None and nodes is None

    def seconds_left(self) -> float | None:
        return None if self.deadline is None else self.deadline - time.monotonic()


def _seconds_for(leaves: int, batch: tuple[int, float]) -> float:
    """What a batch of *leaves* takes, after another *batch*; half of what a batch costs it costs at any size."""
    known, seconds = batch
    return seconds * (0.5 + 0.5 * leaves / known)


class Lookahead:
    """Searches with one scorer; keeps the part of its tree that the game continues in."""

    def __init__(self, scorer: Scorer, config: LookaheadConfig | None = None) -> None:
        self.scorer = scorer
        self.config = config or LookaheadConfig()
        # Once more than before is enough to judge a cycle in the tree: it would come out the same a time later.
        self._rules = dataclasses.replace(self.config.rule_set, repetitions=2)
        self._root: Node | None = None
        self._at: tuple[str, list[Move]] = ("", [])
        self._positions: WeakValueDictionary[Hashable, Node] = WeakValueDictionary()
        self._root_seconds = _UNKNOWN  # what it costs to score a root
        self._batches: deque[tuple[int, float]] = deque(maxlen=3)  # leaves and seconds of the last batches
        self._mates = MateFinder()
        self._with_mates = False  # whether the search for them is loaded
        Loading.begin()

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
        on_progress: Callable[[SearchResult], None] | None = None,
    ) -> SearchResult:
        """Look ahead from *board*; limits given here take the place of those of the configuration.

        A limit of no time, or of time that is over, has the policy's move as its answer. *score* scores the root in
        place of the scorer, unless there is no time for it. *root_moves* are the only moves of the root to look at;
        those that are not legal do not count. *on_progress* is called with what has been found so far, several times a
        second.

        Raises:
            ValueError: no legal moves, or none among *root_moves*.
            ConfigError: a game too long for a model with board="none".
        """
        steps = self.steps(
            board,
            seconds=seconds,
            nodes=nodes,
            depth=depth,
            stop=stop,
            score=score,
            root_moves=root_moves,
            on_progress=on_progress,
        )
        return search_together(self.scorer, [steps])[0]

    def steps(
        self,
        board: Board,
        *,
        seconds: float | None = None,
        nodes: int | None = None,
        depth: int | None = None,
        stop: threading.Event | None = None,
        score: Callable[[Board], MoveScores] | None = None,
        root_moves: Sequence[Move] | None = None,
        on_progress: Callable[[SearchResult], None] | None = None,
    ) -> Steps:
        """The same search as a generator that yields the boards to score next, for `search_together`."""
        if seconds is None and nodes is None and depth is None:
            seconds, nodes, depth = self.config.seconds, self.config.nodes, self.config.depth
        limits = _Limits(seconds, nodes, min(depth or _MAX_PLIES, _MAX_PLIES, self._room(board)))
        if len(self._batches) > 1:  # a hiccup of the machine ends with the search that it came in
            self._batches.remove(max(self._batches, key=lambda batch: _seconds_for(_LEAST, batch)))
        # A search by the clock does not wait; one by descents always comes out the same.
        self._with_mates = Loading.is_done(wait=limits.deadline is None, stop=stop)
        scores = self._root_scores(board, score, limits)
        root = self._opened_root(board, scores, root_moves, limits, limited=depth is not None)
        forced = (
            len(root.children) == 1 and root_moves is None and not limits.exhaust
        )  # one look is enough then
        position, searched, deepest, reported = board.copy(), 1, 0, time.monotonic()
        while not root.done and not (stop is not None and stop.is_set()):
            room = self._leaves(root, searched, limits)
            if room < 1 or (forced and searched > 1) or self._is_settled(root, searched, limits):
                break
            count, plies = yield from self._round(root, position, room, searched, limits)
            searched, deepest = searched + count, max(deepest, plies)
            if not plies:
                break
            if on_progress is not None and time.monotonic() - reported >= _REPORT:
                on_progress(self._found(root, scores, searched, deepest))
                reported = time.monotonic()
        if searched == 1 and self._batches:
            self._batches.popleft()  # nor believe for ever that no batch can be finished in time
        self._root, self._at = root, (board.root_fen, board.move_stack.copy())
        if root_moves is not None:  # a tree of some moves alone is no good for the next question
            self.forget()
        return self._found(root, scores, searched, deepest)

    def _room(self, board: Board) -> int:
        """How many plies ahead the model can see."""
        config = self.scorer.model.config
        if config.board != "none":
            return _MAX_PLIES
        check_context(config, board.root_fen, board.ply)
        return config.context_plies - 1 - board.ply

    def _root_scores(
        self, board: Board, score: Callable[[Board], MoveScores] | None, limits: _Limits
    ) -> MoveScores:
        """The scores of the root, exact where there is time for that."""
        left = limits.seconds_left()
        if left is not None and not left >= _RESERVE * self._root_seconds:
            self._root_seconds *= 0.5  # it may have been a hiccup of the machine: do not believe it for ever
            return self.scorer.score_leaves([board])[0]
        began = time.monotonic()
        scores = (score or self.scorer.score)(board)
        self._root_seconds = max(time.monotonic() - began, 0.5 * self._root_seconds)
        return scores

    def _opened_root(
        self,
        board: Board,
        scores: MoveScores,
        root_moves: Sequence[Move] | None,
        limits: _Limits,
        *,
        limited: bool,
    ) -> Node:
        """The node to search from, in the last tree if it holds one."""
        allowed = open_moves(
            board.copy(),
            scores,
            guard=self.config.guard,
            rules=None if self.config.rules == "simple" else self.config.rule_set,
        )
        if root_moves is not None:
            asked = np.array([move in root_moves for move in scores.moves])
            if not asked.any():
                texts = " ".join(move.iccs for move in root_moves)
                raise ValueError(f"None of the moves to search is legal in {board.fen()!r}: {texts}")
            allowed = asked & allowed if (asked & allowed).any() else asked
        root = self._kept(board, limited=limited or root_moves is not None)
        self._open(root, scores, allowed, exhaust=limits.exhaust)
        mate = self._root_mate(board, root_moves, limits) if self.config.k != 1 else None
        if mate is not None:
            root.mates_by(mate.line, mate.plies)
        if limits.plies == 0:
            root.done = True
        return root

    def _root_mate(
        self, board: Board, root_moves: Sequence[Move] | None, limits: _Limits
    ) -> ForcedMate | None:
        """A mate that can be forced from the root, if one is found in a small part of the limit."""
        positions = _ROOT_POSITIONS
        left = limits.seconds_left()
        if left is not None and left < positions / _POSITIONS_PER_SECOND:
            positions = max(_LEAF_POSITIONS, int(_POSITIONS_PER_SECOND * left))
        if limits.nodes is not None:
            positions = min(positions, _POSITIONS_PER_DESCENT * limits.nodes)
        plies = self._mate_plies(board, limits)
        if not self._with_mates or plies <= 1:
            return _mate_in_one(board.copy(), root_moves)
        return self._mates.find_short(board, positions, plies=plies, among=root_moves)

    def _mate_plies(self, board: Board, limits: _Limits) -> int:
        """How long a mate from *board* may take: before the natural limit; one move where a tree is searched out."""
        if limits.exhaust:
            return 1
        natural = 2 * self._rules.natural_limit
        return min(LONGEST, natural - board.halfmove_clock) if natural else LONGEST

    def _leaves(self, root: Node, searched: int, limits: _Limits) -> int:
        """How many leaves the next batch may have."""
        size = min(self.config.batch, max(_LEAST, root.visits // _SPREAD))
        if limits.nodes is not None:
            size = min(size, limits.nodes - searched)
        left = limits.seconds_left()
        if left is None:
            return size
        if not left > 0:  # so is the time that is not a number
            return 0
        while size > 0 and left < _RESERVE * self._seconds_of(size):
            size -= 1
        return size

    def _seconds_of(self, leaves: int) -> float:
        """What a batch of *leaves* takes."""
        if not self._batches:
            return 0.5 * self._root_seconds
        return max(_seconds_for(leaves, batch) for batch in self._batches)

    def _is_settled(self, root: Node, searched: int, limits: _Limits) -> bool:
        """Whether the time left cannot change the move, since the first one is too far ahead."""
        seconds = limits.seconds_left()
        if seconds is None or not math.isfinite(seconds) or not self._batches:
            return False
        leaves = sum(count for count, _ in self._batches)
        expected = _FASTER * seconds * leaves / max(sum(took for _, took in self._batches), 1e-6)
        if limits.nodes is not None:
            expected = min(expected, limits.nodes - searched)
        return is_settled(root, int(expected))

    def _kept(self, board: Board, *, limited: bool) -> Node:
        """The node of *board* in the last tree, else a new one. Trees of limited depth are never gone on with."""
        root_fen, moves = self._at
        new = board.move_stack[len(moves) :]
        if (
            self._root is None
            or limited
            or root_fen != board.root_fen
            or board.move_stack[: len(moves)] != moves
        ):
            return Node()
        node: Node | None = self._root
        for move in new:
            if node is None or node.moves is None or move not in node.moves:
                return Node()
            node = node.children[node.moves.index(move)]
        if node is None or node.moves is None or node.done:
            return Node()
        return node

    def _open(
        self, node: Node, scores: MoveScores, allowed: np.ndarray | None = None, *, exhaust: bool
    ) -> None:
        """Give *node* the moves of its position, likeliest first; what is known of them already stays."""
        order = np.argsort(-scores.logprobs, kind="stable")
        if allowed is not None:
            order = order[allowed[order]]
        order = order[: self.config.k or (_NARROW if exhaust else None)]
        known = dict(zip(node.moves or (), node.children, strict=True))
        shares = scores.probs[order] / scores.probs[order].sum()
        node.moves = tuple(scores.moves[i] for i in order.tolist())
        node.priors = shares.tolist()
        node.children = [known.get(move) for move in node.moves]
        node.whole = len(order) == len(scores.moves)
        if not node.visits:
            win, _, loss = scores.value.tolist()
            node.visits, node.win, node.loss = 1, win, loss

    def _round(
        self, root: Node, position: Board, room: int, searched: int, limits: _Limits
    ) -> Generator[list[Board], list[MoveScores], tuple[int, int]]:
        """One batch of descents: how many there were, and how deep the deepest went."""
        began = time.monotonic()
        leaves: list[tuple[list[Node], Board]] = []
        blocked: set[Node] = set()
        deepest = count = 0
        # Descents that end in what is known already cost no scoring; there is an end to them all the same.
        most = 4 * room if limits.nodes is None else min(4 * room, limits.nodes - searched)
        while count < most and len(leaves) < room and not root.done:
            path = self._descend(root, position, blocked, limits)
            if path is None:
                break
            count += 1
            deepest = max(deepest, len(path) - 1)
            worth = self._known_worth(path, position, limits)
            if worth is None:
                for node in path:
                    node.pending += 1
                leaves.append((path, position.copy()))
            else:
                back_up(path, *worth)
            for _ in path[1:]:
                position.pop()
        if leaves:
            scored = yield [board for _, board in leaves]
            self._take(leaves, scored, limits)
            self._batches.append((len(leaves), time.monotonic() - began))
        return count, deepest

    def _take(
        self, leaves: list[tuple[list[Node], Board]], scored: Sequence[MoveScores], limits: _Limits
    ) -> None:
        """Give the last nodes of all paths their scores."""
        for (path, board), scores in zip(leaves, scored, strict=True):
            for node in path:
                node.pending -= 1
            leaf = path[-1]
            win, _, loss = scores.value.tolist()
            if leaf.moves is None:
                self._open(leaf, scores, exhaust=limits.exhaust)
                leaf.visits, leaf.win, leaf.loss = 0, 0.0, 0.0
                leaf.done = len(path) - 1 >= limits.plies
                self._positions[board.position_key()] = leaf
            back_up(path, win, loss)

    def _known_worth(self, path: list[Node], position: Board, limits: _Limits) -> tuple[float, float] | None:
        """Win and loss of the last node of *path*, at *position*, where they need no scoring; it is opened then."""
        leaf = path[-1]
        if leaf.done:
            return max(0.0, leaf.value), max(0.0, -leaf.value)
        twin = self._positions.get(position.position_key())
        if (
            limits.exhaust
            or len(path) - 1 >= limits.plies
            or twin is None
            or twin.done
            or not twin.visits
            or twin.moves is None
        ):
            return None
        leaf.moves, leaf.priors, leaf.whole = twin.moves, twin.priors, twin.whole
        leaf.children = [None] * len(leaf.moves)
        return twin.win / twin.visits, twin.loss / twin.visits

    def _descend(self, root: Node, position: Board, blocked: set[Node], limits: _Limits) -> list[Node] | None:
        """From the root to a position not scored yet, or one with nothing left to search; *position* is played along.

        A node below which all is under way already is *blocked* from then on, and the descent begins anew; None where
        that is the root. To exhaust the tree, only go where something is left.
        """
        path, exhaust = [root], limits.exhaust
        while True:
            node = path[-1]
            at = choose(
                node,
                blocked,
                exploration=self.config.exploration,
                reduction=self.config.reduction,
                widen=self.config.k is None and not exhaust,
                exhaust=exhaust,
            )
            if at is None:
                for _ in path[1:]:
                    position.pop()
                if node is root:
                    return None
                blocked.add(node)
                path = [root]
                continue
            assert node.moves is not None
            position.push(node.moves[at])
            child = node.children[at]
            if child is None:
                child = node.children[at] = self._new(position, limits)
                path.append(child)
                return path
            path.append(child)
            if child.done or child.moves is None:
                return path

    def _new(self, position: Board, limits: _Limits) -> Node:
        """The node of a position seen for the first time, decided where the rules decide it."""
        node = Node()
        outcome = position.outcome(self._rules)
        if outcome is not None:
            node.settle(0 if outcome.winner is None else 1 if outcome.winner == position.turn else -1, 0)
            return node
        plies = self._mate_plies(position, limits)
        if self._with_mates and plies > 1:
            mate = self._mates.find(position, _LEAF_POSITIONS, plies=plies)
        else:
            mate = _mate_in_one(position)
        if mate is not None:
            node.mates_by(mate.line, mate.plies)
        return node

    def _found(self, root: Node, scores: MoveScores, nodes: int, depth: int) -> SearchResult:
        assert root.moves is not None
        by_minimax = root.done
        order = ranked(root, by_minimax=by_minimax)
        candidates = []
        for i in order:
            child, move = root.children[i], root.moves[i]
            if child is None or not child.known:
                candidates.append(Candidate(move, (move,), 0, None, None))
                continue
            mate = None
            if child.proven:
                assert child.mate is not None
                mate = -child.proven * ((child.mate + 2) // 2)
            value = -(minimax(child) if by_minimax else child.value)
            pv = (move, *principal_line(child, by_minimax=by_minimax))
            candidates.append(Candidate(move, pv, child.visits, value, mate))
        best = root.children[order[0]]
        if root.proven is not None:
            win, loss = float(root.proven == 1), float(root.proven == -1)
        elif by_minimax and best is not None:
            # What the principal line ends in is one value; its draws are those of the mean.
            value = candidates[0].value or 0.0
            draw = max(0.0, min(1 - abs(value), 1 - (root.win + root.loss) / root.visits))
            win, loss = (1 - draw + value) / 2, (1 - draw - value) / 2
        else:
            win, loss = root.win / root.visits, root.loss / root.visits
        return SearchResult(
            scores, tuple(candidates), (win, max(0.0, 1 - win - loss), loss), nodes, depth, by_minimax
        )


def _mate_in_one(board: Board, among: Sequence[Move] | None = None) -> ForcedMate | None:
    """The first legal move that checkmates, *among* those given, if there is one."""
    for move in board.legal_moves():
        if (among is None or move in among) and board.gives_mate(move):
            return ForcedMate((move,), 1)
    return None
