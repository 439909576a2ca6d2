"""The set of tokens of a language and their integer ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from xiangqi_gpt.errors import ConfigError

PAD: Final = "<pad>"
BOS: Final = "<bos>"
END: Final = "<end>"
SPECIALS: Final = (PAD, BOS, END)


class Vocab:
    """An ordered set of tokens; a token's id is its place in it, and the special tokens come first.

    ``pad_id`` pads short rows and is ignored by every loss; ``bos_id`` starts a context; ``end_id`` closes the text of
    a move in notations that are not prefix-free by themselves.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = (*SPECIALS, *tokens)
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        if len(self._ids) != len(self._tokens):
            doubled = sorted({t for t in self._tokens if self._tokens.count(t) > 1})
            raise ConfigError(f"a vocabulary needs distinct tokens, found twice: {', '.join(doubled)}")
        self.pad_id = self._ids[PAD]
        self.bos_id = self._ids[BOS]
        self.end_id = self._ids[END]

    def __len__(self) -> int:
        return len(self._tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def id(self, token: str) -> int:
        """The id of *token*; KeyError if it is not in the vocabulary."""
        return self._ids[token]

    def token(self, token_id: int) -> str:
        """The token of an id; IndexError if there is none."""
        if token_id < 0:
            raise IndexError(f"token ids run from 0 to {len(self) - 1}, found {token_id}")
        return self._tokens[token_id]
