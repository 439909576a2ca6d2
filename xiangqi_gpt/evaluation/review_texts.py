"""The words of a review: a key with arguments, one catalogue, rendered where they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from xiangqi_gpt import texts
from xiangqi_gpt.notation import chinese, wxf
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.texts import LANGUAGES as LANGUAGES
from xiangqi_gpt.texts import Language as Language
from xiangqi_gpt.texts import read_catalogue

_CATALOGUE = Path(__file__).with_name("review_texts.toml")


class Message(texts.Message):
    """A message whose key is a row of the catalogue of reviews; an argument may also be a `MoveText`."""

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
    return read_catalogue(_CATALOGUE)
