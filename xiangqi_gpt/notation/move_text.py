"""Moves in the notation of a reader: WXF in English, Chinese notation in Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from xiangqi_gpt.notation import chinese, wxf
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.texts import Language


def move_text(language: Language, board: Board, move: Move) -> str:
    """A legal move as its readers write it: "C2=5" in English, "炮二平五" in Chinese.

    `board` is the position before the move.
    """
    if language == "en":
        return wxf.render(board, move)
    script: chinese.Script = "traditional" if language == "zh-TW" else "simplified"
    return chinese.render(board, move, script=script, digits="full")


@dataclass(frozen=True)
class MoveText:
    """Legal moves from a position, to be rendered in a language: "C2=5 h8+7", "炮二平五 马8进7"."""

    fen: str
    moves: tuple[Move, ...]

    def text(self, language: Language) -> str:
        """The moves in the notation of a language."""
        board, words = Board(self.fen, strict=False), []
        for move in self.moves:
            words.append(move_text(language, board, move))
            board.push(move)
        return " ".join(words)
