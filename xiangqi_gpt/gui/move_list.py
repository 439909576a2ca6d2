"""The move list as rows: the game in pairs, and below each pair the variations of its moves, indented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.wording import mark_text
from xiangqi_gpt.records.game_tree import Node
from xiangqi_gpt.rules import Color

Width = Callable[[str, int], int]
"""(text, size) -> its width in pixels."""

Wrap = Callable[[str, int, int, int], list[str]]
"""(text, size, room in pixels, lines) -> the lines."""

DEEPEST = 4  # levels of variations that are indented further
COMMENT_ROWS = 4


@dataclass(frozen=True)
class Item:
    """A text of a row: a move, or a number where there is no node; the rectangle is relative to the row."""

    text: str
    x: int
    w: int
    node: Node | None = None
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the move list; `depth` 0 for the game, 1 and more for variations."""

    items: tuple[Item, ...]
    depth: int = 0
    is_comment: bool = False


class MoveList:
    """The rows of the list and where they stand, kept until the game changes."""

    def __init__(self, width: Width, wrap: Wrap) -> None:
        self._width = width
        self._wrap = wrap
        self._key: tuple[object, ...] = ()
        self._rows: list[Row] = []

    def rows(self, state: GameState, layout: Layout) -> list[Row]:
        """All rows."""
        key = (state.tree.uid, state.tree.version, state.language, layout)
        if key != self._key:
            self._key = key
            self._rows = list(_Builder(state, layout, self._width, self._wrap).rows())
        return self._rows

    def first_row(self, state: GameState, layout: Layout) -> int:
        """First row of the list that keeps the move shown in sight."""
        at = 0
        for number, row in enumerate(self.rows(state, layout)):
            if any(item.node is state.tree.cursor for item in row.items):
                at = number
        return max(0, at - layout.visible_move_rows + 1)


class _Builder:
    def __init__(self, state: GameState, layout: Layout, width: Width, wrap: Wrap) -> None:
        self._state = state
        self._layout = layout
        self._measure = width
        self._wrap = wrap
        board = state.tree.board(state.tree.root)
        self._offset = int(board.turn is Color.BLACK)
        self._number = board.fullmove_number

    def rows(self) -> Iterator[Row]:
        """The game in pairs, each followed by the variations of its two moves."""
        line = self._state.tree.line(self._state.tree.live)
        yield from self._comment(self._state.tree.root, 0)
        pair: list[Node] = []
        for ply, node in enumerate(line):
            pair.append(node)
            if (ply + self._offset) % 2 or ply == len(line) - 1:
                yield self._pair(ply - len(pair) + 1, pair)
                for played in pair:
                    yield from self._comment(played, 1)
                for played in pair:
                    yield from self._variations(played, 1)
                pair = []
        if not line:
            yield from self._children(self._state.tree.root.children, 1)

    def _pair(self, ply: int, nodes: list[Node]) -> Row:
        text = self._layout.text
        items = [Item(f"{self._number + (ply + self._offset) // 2}", 0, round(text * 1.7))]
        for i, node in enumerate(nodes):
            cell = self._layout.move_cell((ply + self._offset) % 2 + i, 0, False)
            if cell is not None:
                x = cell.x - self._layout.move_rows.x
                items.append(Item(self._text(node), x, cell.w, node, mark_text(node.nags)))
        return Row(tuple(items))

    def _variations(self, played: Node, depth: int) -> Iterator[Row]:
        if played.parent is not None:
            yield from self._children([node for node in played.parent.children if node is not played], depth)

    def _children(self, nodes: list[Node], depth: int) -> Iterator[Row]:
        for node in nodes:
            line = [node]
            while line[-1].children:
                line.append(line[-1].children[0])
            self._state.plies(line[-1])  # the texts of the whole line at once
            yield from self._wrapped(line, depth)
            for step in line:
                yield from self._comment(step, depth)
            for later in line[1:]:
                yield from self._variations(later, depth + 1)

    def _wrapped(self, line: list[Node], depth: int) -> Iterator[Row]:
        """A variation in as many rows as it takes."""
        size = self._layout.text
        left, room = self._left(depth), self._layout.move_rows.w
        gap, x = size // 2, left
        items: list[Item] = []
        for text, node in self._words(line):
            w = self._measure(text, size)
            if items and x + w > room:
                yield Row(tuple(items), depth)
                items, x = [], left
            items.append(Item(text, x, w, node, mark_text(node.nags)))
            x += w + gap
        yield Row(tuple(items), depth)

    def _left(self, depth: int) -> int:
        return round(self._layout.text * (1.2 + 0.9 * min(depth, DEEPEST))) if depth else 0

    def _comment(self, node: Node, depth: int) -> Iterator[Row]:
        """The comment on a move, at most `COMMENT_ROWS` rows of it."""
        text = " ".join(node.comment.split())
        left = self._left(depth)
        room = self._layout.move_rows.w - left
        for line in self._wrap(text, self._layout.text, room, COMMENT_ROWS):
            yield Row((Item(line, left, room),), depth, is_comment=True)

    def _words(self, line: list[Node]) -> Iterator[tuple[str, Node]]:
        for i, node in enumerate(line):
            ply = line[0].ply - 1 + i + self._offset
            number = f"{self._number + ply // 2}"
            before = f"{number}. " if ply % 2 == 0 else f"{number}… " if i == 0 else ""
            yield before + self._text(node), node

    def _text(self, node: Node) -> str:
        return self._state.ply_of(node).text(self._state.language) + mark_text(node.nags)
