"""The words of a review: a key with arguments, one catalogue, rendered where they are shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from xiangqi_gpt.notation import chinese, wxf
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Language: TypeAlias = Literal["en", "zh", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh", "zh-TW")
"""English, simplified and traditional Chinese, in the order of the catalogue's columns."""

_CATALOGUE = Path(__file__).with_name("review_texts.toml")


@dataclass(frozen=True)
class Message:
    """A text in no language yet: the key of a row of the catalogue, and its arguments."""

    key: str
    arguments: tuple[tuple[str, object], ...] = ()

    @classmethod
    def of(cls, key: str, /, **arguments: object) -> Message:
        """The message of a key; an argument may be a message or a `MoveText`."""
        return cls(key, tuple(arguments.items()))

    def text(self, language: Language) -> str:
        """The message in a language."""
        return t(self.key, language, **dict(self.arguments))


@dataclass(frozen=True)
class MoveText:
    """Legal moves from a position, in the notation of the reader: "C2=5 h8+7", "炮二平五 马8进7"."""

    fen: str
    moves: tuple[Move, ...]

    def text(self, language: Language) -> str:
        """The moves in the notation of a language."""
        board, words = Board(self.fen, strict=False), []
        for move in self.moves:
            words.append(move_text(language, board, move))
            board.push(move)
        return " ".join(words)


def move_text(language: Language, board: Board, move: Move) -> str:
    """A legal move as its readers write it: "C2=5" in English, "炮二平五" in Chinese."""
    if language == "en":
        return wxf.render(board, move)
    script: chinese.Script = "traditional" if language == "zh-TW" else "simplified"
    return chinese.render(board, move, script=script, digits="full")


def t(key: str, language: Language, /, **arguments: object) -> str:
    """The text of a key in a language, with its arguments filled in.

    Raises:
        KeyError: the catalogue has no such key, or the text wants an argument that is missing.
    """
    filled = {
        name: value.text(language) if isinstance(value, (Message, MoveText)) else value
        for name, value in arguments.items()
    }
    return catalogue()[key][LANGUAGES.index(language)].format(**filled)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, tuple[str, ...]]:
    """All texts: key -> one text for each of `LANGUAGES`."""
    with _CATALOGUE.open("rb") as file:
        return {
            f"{section}.{name}": tuple(row)
            for section, rows in _table(tomllib.load(file))
            for name, row in rows.items()
        }


def _table(table: dict[str, Any]) -> list[tuple[str, dict[str, list[str]]]]:
    return list(table.items())
