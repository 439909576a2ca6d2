"""Floor 2: vocabularies, tokenizers, the prefix tree and the tree of a board's legal moves."""

from __future__ import annotations

from xiangqi_gpt.errors import ConfigError, MoveError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.tokens.conditions import CONDITIONS, Condition, ConditionTokens
from xiangqi_gpt.tokens.move_vocabulary import MOVE_NUMBER, POSSIBLE_MOVES
from xiangqi_gpt.tokens.text import ChineseTokenizer, TextTokenizer, WxfTokenizer
from xiangqi_gpt.tokens.tokenizer import (
    CoordinateTokenizer,
    IccsTokenizer,
    MoveTokenizer,
    SquareTokenizer,
    Tokenizer,
    View,
)
from xiangqi_gpt.tokens.trie import Cursor, TokenTrie
from xiangqi_gpt.tokens.vocab import Vocab

TOKENIZERS: dict[str, type[Tokenizer]] = {
    t.name: t for t in (MoveTokenizer, SquareTokenizer, IccsTokenizer, WxfTokenizer, ChineseTokenizer)
}


def create_tokenizer(name: str, view: View = "mover", condition: str = "none") -> Tokenizer:
    """The tokenizer called *name*; an unknown name raises ConfigError, which lists the known names."""
    if name not in TOKENIZERS:
        raise ConfigError(f"tokenizer: expected one of {', '.join(sorted(TOKENIZERS))}, found {name!r}")
    return TOKENIZERS[name](view, condition)


def legal_tree(board: Board, tokenizer: Tokenizer) -> TokenTrie[Move]:
    """The prefix tree of the legal moves of *board*; empty for checkmate and stalemate.

    Raises MoveError if the notation cannot distinguish two of them, which happens only on impossible boards (three
    rooks on a file in WXF).
    """
    try:
        return TokenTrie((tokenizer.encode(board, move), move) for move in board.legal_moves())
    except MoveError:
        raise
    except ValueError:
        raise MoveError(
            f"{tokenizer.name!r} notation writes two legal moves alike in {board.fen()!r}"
        ) from None


__all__ = [
    "CONDITIONS",
    "MOVE_NUMBER",
    "POSSIBLE_MOVES",
    "TOKENIZERS",
    "ChineseTokenizer",
    "Condition",
    "ConditionTokens",
    "CoordinateTokenizer",
    "Cursor",
    "IccsTokenizer",
    "MoveTokenizer",
    "SquareTokenizer",
    "TextTokenizer",
    "TokenTrie",
    "Tokenizer",
    "View",
    "Vocab",
    "WxfTokenizer",
    "create_tokenizer",
    "legal_tree",
]
