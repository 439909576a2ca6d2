"""The moves of a game as lines of text: pairs, and below them their variations, indented."""

from __future__ import annotations

from collections.abc import Iterator

from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.wording import mark_text
from xiangqi_gpt.records.game_tree import Node
from xiangqi_gpt.rules import Color


def move_lines(state: GameState) -> list[str]:
    """The game with its variations, a pair of moves on each line."""
    return list(_game(state))


def _game(state: GameState) -> Iterator[str]:
    line = state.tree.line(state.tree.live)
    yield from _comment(state.tree.root, 0)
    if not line:
        yield from _variations(state, state.tree.root.children, 1)
    pair: list[Node] = []
    for node in line:
        pair.append(node)
        if _color(state, node) is Color.BLACK or node is line[-1]:
            words = "  ".join(_text(state, played) for played in pair)
            first = "…  " if _color(state, pair[0]) is Color.BLACK else ""
            yield f"{_number(state, node):3}. {first}{words}"
            for played in pair:
                yield from _comment(played, 1)
            for played in pair:
                if played.parent is not None:
                    others = [other for other in played.parent.children if other is not played]
                    yield from _variations(state, others, 1)
            pair = []


def _variations(state: GameState, nodes: list[Node], depth: int) -> Iterator[str]:
    for node in nodes:
        line = [node]
        while line[-1].children:
            line.append(line[-1].children[0])
        words = []
        for step in line:
            if _color(state, step) is Color.RED:
                words.append(f"{_number(state, step)}. {_text(state, step)}")
            elif step is node:
                words.append(f"{_number(state, step)}… {_text(state, step)}")
            else:
                words.append(_text(state, step))
        yield "     " + "  " * depth + "( " + "  ".join(words) + " )"
        for step in line:
            yield from _comment(step, depth)
        for step in line[1:]:
            if step.parent is not None:
                others = [other for other in step.parent.children if other is not step]
                yield from _variations(state, others, depth + 1)


def _comment(node: Node, depth: int) -> Iterator[str]:
    for line in node.comment.splitlines():
        yield "     " + "  " * depth + line


def _text(state: GameState, node: Node) -> str:
    return state.ply_of(node).text(state.language) + mark_text(node.nags)


def _color(state: GameState, node: Node) -> Color:
    return state.ply_of(node).color


def _number(state: GameState, node: Node) -> int:
    """Number of the move that leads to a node."""
    board = state.tree.board(state.tree.root)
    return board.fullmove_number + (node.ply - 1 + int(board.turn)) // 2
