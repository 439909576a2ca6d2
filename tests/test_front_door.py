"""`from xiangqi_gpt import ...`: every name is there, known to type checkers, and costs nothing before its use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xiangqi_gpt
from xiangqi_gpt import Board, create_player, parse, render
from xiangqi_gpt.errors import ConfigError, MoveError

PACKAGE = Path(xiangqi_gpt.__file__).parent


def test_every_name_is_there() -> None:
    for name in xiangqi_gpt.__all__:
        assert getattr(xiangqi_gpt, name) is getattr(xiangqi_gpt, name)
    assert set(xiangqi_gpt.__all__) <= set(dir(xiangqi_gpt))
    with pytest.raises(AttributeError, match="no attribute 'Bord'"):
        xiangqi_gpt.Bord  # noqa: B018


def test_type_checkers_are_told_the_same() -> None:
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    told = {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == xiangqi_gpt._HOMES
    assert (PACKAGE / "py.typed").is_file()


def test_a_game_from_the_front_door() -> None:
    board, player = Board(), create_player("greedy")
    board.push(parse(board, "炮二平五"))
    move = player.play(board).move
    assert (
        parse(board, render(board, move, "wxf"))
        == parse(board, render(board, move, "chinese"), "chinese")
        == move
    )
    with pytest.raises(ConfigError, match="notation: expected one of iccs, uci, wxf, chinese, found 'san'"):
        render(board, move, "san")
    with pytest.raises(MoveError):
        parse(board, "h2e2", "wxf")


def test_the_board_needs_no_library() -> None:
    script = (
        "import sys; from xiangqi_gpt import Board, Move, parse, render, create_player; parse(Board(), 'h2e2');"
        "print([m for m in ('torch', 'numpy', 'transformers', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
