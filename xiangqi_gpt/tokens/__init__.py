"""Floor 2: vocabularies, tokenizers, the prefix tree and the tree of a board's legal moves."""

from __future__ import annotations

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.errors import ConfigError
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.tokens.tokenizer import CoordinateTokenizer, IccsTokenizer, SquareTokenizer, Tokenizer, View
from xiangqi_gpt.tokens.trie import Cursor, TokenTrie
from xiangqi_gpt.tokens.vocab import Vocab

TOKENIZERS: dict[str, type[CoordinateTokenizer]] = {t.name: t for t in (SquareTokenizer, IccsTokenizer)}


def create_tokenizer(name: str, view: View = "mover") -> CoordinateTokenizer:
    """The tokenizer called *name*; ConfigError listing the known names where there is none."""
    if name not in TOKENIZERS:
        raise ConfigError(f"tokenizer: expected one of {', '.join(sorted(TOKENIZERS))}, found {name!r}")
    return TOKENIZERS[name](view)


def legal_tree(board: Board, tokenizer: Tokenizer) -> TokenTrie[Move]:
    """The prefix tree of the legal moves of *board*; empty at mate and stalemate."""
    return TokenTrie((tokenizer.encode(board, move), move) for move in board.legal_moves())


__all__ = [
    "TOKENIZERS",
    "CoordinateTokenizer",
    "Cursor",
    "IccsTokenizer",
    "SquareTokenizer",
    "TokenTrie",
    "Tokenizer",
    "View",
    "Vocab",
    "create_tokenizer",
    "legal_tree",
]
