"""A game with its variations, comments and marks as one tree with a cursor; every edit can be undone.

`GameRecord` is how a game lies in a file; this is how it is played, looked through and changed. The moves of the game
lead from the root to the *live* node, which holds the present position. The *cursor* is the node that is
looked at; moving it is no edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from secrets import token_hex

from xiangqi_gpt.errors import IllegalMoveError
from xiangqi_gpt.records.edits import Assign, Edit, Insert, Journal, Remove, Step
from xiangqi_gpt.records.record import GameRecord, Note, Variation
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move


class Node:
    """A position of a game and the move that led to it.

    Attributes:
        move: the move, None at the root.
        parent: the position before the move, None at the root.
        children: the positions after it, that of the main continuation first.
        comment: words about the move.
        nags: numeric marks, such as 2 for "?".
    """

    __slots__ = ("__weakref__", "children", "comment", "move", "nags", "parent")

    def __init__(self, move: Move | None = None, parent: Node | None = None) -> None:
        self.move = move
        self.parent = parent
        self.children: list[Node] = []
        self.comment = ""
        self.nags: tuple[int, ...] = ()

    @property
    def path(self) -> list[Node]:
        """The nodes from the root's child to this one; empty for the root."""
        found: list[Node] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            found.append(node)
            node = node.parent
        return found[::-1]

    @property
    def ply(self) -> int:
        """How many moves lead here."""
        return len(self.path)

    def child(self, move: Move) -> Node | None:
        """The node that a move leads to, None where it has not been played here."""
        return next((child for child in self.children if child.move == move), None)

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents before children and main continuations first."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))


class GameTree:
    """A tree of moves from one position.

    Attributes:
        start_fen: the position of the root.
        root: the root.
        live: where the game stands.
        cursor: what is looked at; set it freely.
        uid: name of the game, unique to it.
        journal: the edits so far.
        version: grows with every edit, undo and redo.
    """

    def __init__(self, start_fen: str = START_FEN) -> None:
        self.start_fen = start_fen
        self.root = Node()
        self.live = self.root
        self.cursor = self.root
        self.uid = f"{datetime.now():%Y%m%d-%H%M%S}-{token_hex(4)}"
        self.journal = Journal()
        self.version = 0

    def board(self, node: Node | None = None) -> Board:
        """A new board at a node, by default the live one, with its history."""
        board = Board(self.start_fen, strict=False)
        for step in (self.live if node is None else node).path:
            if step.move is not None:
                board.push(step.move)
        return board

    def line(self, node: Node | None = None) -> list[Node]:
        """The nodes from the root through a node, by default the cursor, and on.

        The line of a position of the game is the game, and behind its end the main continuation; another
        line ends as its own main continuation does.
        """
        node = self.cursor if node is None else node
        game = self.live.path
        if node is self.root or node in game:
            node = self.live
        found = node.path
        while node.children:
            node = node.children[0]
            found.append(node)
        return found

    # Edits -----------------------------------------------------------------------------------------

    def play(self, move: Move, label: object = None) -> Node:
        """Play a move at the live node and look at the new position if the present one was looked at.

        What had been undone is kept: it becomes a variation beside the move.

        Raises:
            IllegalMoveError: the rules forbid it; nothing is changed.
        """
        self._check(self.live, move)
        kept = self._keep_undone()
        live = self.live
        node = live.child(move)
        edits: list[Edit] = []
        if node is None:
            node = Node(move, live)
            edits.append(Insert(live.children, 0, node))
        elif live.children[0] is not node:
            edits += [Remove(live.children, live.children.index(node)), Insert(live.children, 0, node)]
        edits.append(Assign(self, "live", node))
        follows = self.cursor is live
        if follows:
            edits.append(Assign(self, "cursor", node))
        self._do(edits, label, kept)
        return node

    def add(self, node: Node, move: Move, label: object = None) -> Node:
        """Add a move to a node as its last variation and look at it; a move that is there is only looked at.

        Raises:
            IllegalMoveError: the rules forbid it; nothing is changed.
        """
        found = node.child(move)
        if found is not None:
            self.cursor = found
            return found
        self._check(node, move)
        kept = self._keep_undone()
        found = node.child(move) or Node(move, node)
        edits: list[Edit] = [Assign(self, "cursor", found)]
        if found not in node.children:
            edits.insert(0, Insert(node.children, len(node.children), found))
        self._do(edits, label, kept)
        return found

    def add_line(self, node: Node, moves: Sequence[Move], label: object = None) -> list[Node]:
        """Add moves below a node, the first as its last variation, in one step, and look at the first of them.

        Moves that are there already are used again. Returns the nodes of the line.

        Raises:
            IllegalMoveError: the rules forbid one; nothing is changed.
        """
        board = self.board(node)
        for move in moves:
            self._explain(board, move)
            board.push(move)
        line: list[Node] = []
        while len(line) < len(moves):
            found = (line[-1] if line else node).child(moves[len(line)])
            if found is None:
                break
            line.append(found)
        if len(line) == len(moves):
            self.cursor = line[0] if line else self.cursor
            return line
        kept = self._keep_undone()
        edits: list[Edit] = []
        for move in moves[len(line) :]:
            parent = line[-1] if line else node
            found = parent.child(move)
            if found is None:
                found = Node(move, parent)
                edits.append(Insert(parent.children, len(parent.children), found))
            line.append(found)
        self._do([*edits, Assign(self, "cursor", line[0])], label, kept)
        return line

    def remove(self, node: Node, label: object = None) -> None:
        """Take a move and all that follows it out of the tree; ValueError for the root.

        The live node and the cursor move to its parent where they stood in what is removed.
        """
        parent = self._parent(node)
        kept = self._keep_undone()
        edits: list[Edit] = [Remove(parent.children, parent.children.index(node))]
        edits += [
            Assign(self, name, parent) for name in ("live", "cursor") if node in getattr(self, name).path
        ]
        self._do(edits, label, kept)

    def set_comment(self, node: Node, comment: str, label: object = None) -> None:
        """Write words about a move, or take them away with ""."""
        self._do([Assign(node, "comment", comment)], label, self._keep_undone())

    def set_nags(self, node: Node, nags: tuple[int, ...], label: object = None) -> None:
        """Mark a move."""
        self._do([Assign(node, "nags", nags)], label, self._keep_undone())

    def change(self, edits: Sequence[Edit], label: object = None) -> None:
        """Make edits of nodes of this tree as one step."""
        self._do(list(edits), label, self._keep_undone())

    def set_live(self, node: Node, label: object = None) -> None:
        """Go on with the game from a node, whose line becomes the main one."""
        kept = self._keep_undone()
        edits: list[Edit] = [Assign(self, "live", node), Assign(self, "cursor", node)]
        for step in node.path:
            siblings = self._parent(step).children
            if siblings[0] is not step:
                edits += [Remove(siblings, siblings.index(step)), Insert(siblings, 0, step)]
        self._do(edits, label, kept)

    def replace(self, other: GameTree, label: object = None, also: tuple[Edit, ...] = ()) -> None:
        """Put another game in the place of this one, and apply further edits in the same step.

        `other` must not be used afterwards.
        """
        edits: list[Edit] = [
            Assign(self, name, getattr(other, name)) for name in ("start_fen", "root", "live", "uid")
        ]
        self._do([*edits, Assign(self, "cursor", other.live), *also], label, self._keep_undone())

    def undo(self) -> Step | None:
        """Take the last edit back and return its step; None where there is none."""
        return self._moved(self.journal.undo())

    def redo(self) -> Step | None:
        """Do again what was undone last and return its step; None where there is nothing."""
        return self._moved(self.journal.redo())

    def _moved(self, step: Step | None) -> Step | None:
        self.version += step is not None
        return step

    def _do(self, edits: list[Edit], label: object, kept: list[Edit]) -> None:
        """Make edits, which `kept` of this step already precede, one step."""
        self.version += 1
        # Moving the cursor is no edit; undoing this one brings it back to where it was, which is in the tree then.
        self.journal.do([Assign(self, "cursor", self.cursor), *edits], label)
        if kept:
            last = self.journal.done.pop()
            self.journal.done.append(Step((*last.edits, *kept), label))

    def _keep_undone(self) -> list[Edit]:
        """Bring undone moves back as variations; returns what takes them out again.

        Those of a game that is no longer here go to the tree of that game, which nobody sees.
        """
        inverse: list[Edit] = []
        for step in reversed(self.journal.undone):
            for edit in step.edits:
                if isinstance(edit, Insert) and isinstance(edit.item, Node):
                    siblings = self._parent(edit.item).children
                    if edit.item not in siblings:
                        inverse.insert(0, Insert(siblings, len(siblings), edit.item).apply())
        return inverse

    @contextmanager
    def undone_as_variations(self) -> Iterator[None]:
        """While the block runs, the tree also holds what has been undone, as a play after it would keep it."""
        kept = self._keep_undone()
        try:
            yield
        finally:
            for edit in kept:
                edit.apply()

    def _check(self, node: Node, move: Move) -> None:
        self._explain(self.board(node), move)

    @staticmethod
    def _explain(board: Board, move: Move) -> None:
        reason = board.explain(move)
        if reason is not None:
            raise IllegalMoveError(f"{move.iccs} in {board.fen()!r}: {reason.text_en}", reason=reason)

    @staticmethod
    def _parent(node: Node) -> Node:
        if node.parent is None:
            raise ValueError("The position at the root of the tree has no move.")
        return node.parent

    # Records ---------------------------------------------------------------------------------------

    @classmethod
    def from_record(cls, record: GameRecord) -> GameTree:
        """The tree of a record; the live node is the end of its moves."""
        tree = cls(record.start_fen or START_FEN)
        tree.live = tree.cursor = _grow(tree.root, record.moves, record.notes)
        return tree

    def moves_and_notes(self) -> tuple[tuple[Move, ...], dict[int, Note]]:
        """The game and its main continuation as a record holds them: moves, and notes with the variations."""
        line = self.line(self.live)
        notes = _notes(line, is_variation=False)
        if self.root.comment:
            notes[0] = Note(self.root.comment)
        return tuple(node.move for node in line if node.move is not None), notes


def _grow(node: Node, moves: tuple[Move, ...], notes: Mapping[int, Note]) -> Node:
    """Add a line with its notes below a node; returns the end of the line."""
    before = notes.get(0)
    if before is not None:
        node.comment = "\n".join(filter(None, (node.comment, before.comment)))
    for ply, move in enumerate(moves, 1):
        parent, note = node, notes.get(ply)
        found = parent.child(move)
        if found is None:
            found = Node(move, parent)
            parent.children.append(found)
        node = found
        if note is not None:
            node.comment, node.nags = note.comment or node.comment, note.nags or node.nags
            for variation in note.variations:
                _grow(parent, variation.moves, variation.notes)
    return node


def _notes(line: list[Node], *, is_variation: bool) -> dict[int, Note]:
    """The notes of a line. The other moves beside the first move of a variation belong to the line it hangs on."""
    notes: dict[int, Note] = {}
    for ply, node in enumerate(line, 1):
        siblings = [] if node.parent is None or (is_variation and ply == 1) else node.parent.children
        variations = tuple(_variation(other) for other in siblings if other is not node)
        if node.comment or node.nags or variations:
            notes[ply] = Note(node.comment, node.nags, variations)
    return notes


def _variation(node: Node) -> Variation:
    line = [node]
    while line[-1].children:
        line.append(line[-1].children[0])
    moves = tuple(step.move for step in line if step.move is not None)
    return Variation(moves, _notes(line, is_variation=True))
