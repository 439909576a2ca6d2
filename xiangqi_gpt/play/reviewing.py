"""Review of the whole game at the board: the moves judged by the reviewer, marked and commented in the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xiangqi_gpt.play.wording import MARKS
from xiangqi_gpt.players.base import Limit, Player
from xiangqi_gpt.records.edits import Assign, Edit, Insert
from xiangqi_gpt.records.game_tree import GameTree, Node
from xiangqi_gpt.rules import Board, Move
from xiangqi_gpt.texts import Language, Message


@dataclass(frozen=True, kw_only=True)
class MoveReview:
    """What a reviewer thinks of a played move.

    Attributes:
        ply: of the move, from 0.
        before, after: Red's expected points, 0..1, with the best move and with the one that was played.
        mark: "??", "?", "?!" or "".
        best: the reviewer's line instead, the move first.
        words: why the move is a mistake; None where nothing is to be told.
        prob: how likely the reviewer takes the move to be, 0..1; None where it gives no probabilities.
    """

    ply: int
    before: float
    after: float
    mark: str
    best: tuple[Move, ...]
    words: Message | None = None
    prob: float | None = None


def review_moves(
    player: Player, board: Board, limit: Limit, on_done: Callable[[int], None]
) -> tuple[MoveReview, ...]:
    """What a player thinks of every move that led to a board.

    Args:
        limit: of each of the two searches of a move.
        on_done: called with the number of moves that are judged.

    Raises:
        PlayerError: the player does not tell what a position is worth.
    """
    # Imported here because it comes with arrays, and only workers review.
    from xiangqi_gpt.evaluation.review import review
    from xiangqi_gpt.records.record import GameRecord

    game = GameRecord(
        moves=tuple(board.move_stack), start_fen=board.root_fen, result="*", tags={}, kind="unknown"
    )
    return tuple(
        MoveReview(
            ply=one.ply,
            before=one.before,
            after=one.after,
            mark=one.mark,
            best=one.best,
            words=one.words,
            prob=one.prob,
        )
        for one in review(player, game, limit, on_done)
    )


def annotate(tree: GameTree, line: Sequence[Node], reviews: Sequence[MoveReview], language: Language) -> None:
    """Write a review into the tree as one step that can be undone: marks, words, and the better lines as variations.

    Args:
        line: the nodes that were reviewed, from the first move.
    """
    edits: list[Edit] = []
    marks = set(MARKS.values())
    for one in reviews:
        node = line[one.ply]
        others = tuple(nag for nag in node.nags if nag not in marks)
        nags = ((MARKS[one.mark],) if one.mark else ()) + others
        if nags != node.nags:
            edits.append(Assign(node, "nags", nags))
        words = one.words.text(language) if one.mark and one.words is not None else ""
        if words and words not in node.comment:
            edits.append(Assign(node, "comment", "\n".join(filter(None, (node.comment, words)))))
        if one.mark and node.parent is not None and node.parent.child(one.best[0]) is None:
            edits.append(Insert(node.parent.children, len(node.parent.children), _chain(node.parent, one)))
    if edits:
        tree.change(edits)


def _chain(parent: Node, one: MoveReview) -> Node:
    """The better line as a variation below `parent`."""
    first = node = Node(one.best[0], parent)
    for move in one.best[1:]:
        after = Node(move, node)
        node.children.append(after)
        node = after
    return first


def tally(reviews: Sequence[MoveReview]) -> dict[str, int]:
    """How many moves have each mark."""
    names = {"?!": "inaccuracies", "?": "mistakes", "??": "blunders"}
    return {name: sum(one.mark == mark for one in reviews) for mark, name in names.items()}
