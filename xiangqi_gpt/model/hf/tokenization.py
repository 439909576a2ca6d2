"""The tokenizer as transformers wants it: games as text, such as ``h2e2 h9g7 h0g2``."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizer

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation import parse_any
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens import Condition, create_tokenizer
from xiangqi_gpt.tokens.vocab import BOS, END, PAD


class XiangqiTokenizer(PreTrainedTokenizer):
    """Moves, in any notation and separated by spaces, to the ids of the tokenizer called *tokenizer*, and back.

    A text is a game from ``root_fen`` on. The ids begin with the condition tokens, if the tokenizer has any, all
    "unknown", and BOS. Decoded, moves are ICCS; tokens that make no move are written as they are.
    """

    vocab_files_names: dict[str, str] = {}  # noqa: RUF012 - the vocabulary follows from the name
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012
    padding_side = "right"

    def __init__(
        self,
        tokenizer: str = "square",
        view: Any = "mover",
        condition: str = "none",
        root_fen: str = START_FEN,
        **options: Any,
    ) -> None:
        self.moves = create_tokenizer(tokenizer, view, condition)
        self.root_fen = root_fen
        self._not_moves = {PAD, BOS, *self.moves.condition.tokens}
        for key in ("pad_token", "bos_token", "eos_token"):
            options.setdefault(key, {"pad_token": PAD, "bos_token": BOS, "eos_token": END}[key])
        options["token_type_ids_pattern"] = "all_zeros"
        super().__init__(tokenizer=tokenizer, view=view, condition=condition, root_fen=root_fen, **options)

    @property
    def vocab_size(self) -> int:
        return len(self.moves.vocab)

    def get_vocab(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.moves.vocab)}

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        """MoveError where a word is no legal move."""
        board, tokens = Board(self.root_fen, strict=False), list[str]()
        for word in text.split():
            move = parse_any(board, word)
            tokens += [self.moves.vocab.token(number) for number in self.moves.encode(board, move)]
            board.push(move)
        return tokens

    def _convert_token_to_id(self, token: str) -> int:
        return self.moves.vocab.id(token)

    def _convert_id_to_token(self, index: int) -> str:
        return self.moves.vocab.token(index)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        if token_ids_1 is not None:
            raise ValueError("A pair of texts was given; a game is one text.")
        result, strengths = Condition().seen_by_red(Color.RED)
        conditions: list[int] = self.moves.condition.ids([result], [strengths])[0].tolist()
        return [*conditions, self.moves.vocab.bos_id, *token_ids_0]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        board, words, k = Board(self.root_fen, strict=False), list[str](), self.moves.slots
        first = 0
        while first < len(tokens):
            if tokens[first] in self._not_moves:
                words.append(tokens[first])
                first += 1
                continue
            try:
                ids = [self.moves.vocab.id(token) for token in tokens[first : first + k]]
                move = self.moves.decode(board, ids)
                board.push(move)
            except (MoveError, KeyError, IndexError):
                words += tokens[first:]
                break
            words.append(move.iccs)
            first += k
        return " ".join(words)

    def _decode(  # type: ignore[override]
        self, token_ids: int | list[int], skip_special_tokens: bool = False, **options: Any
    ) -> str:
        ids = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        if skip_special_tokens:  # END is one of the tokens of a move in some notations, and stays
            ids = [number for number in ids if self.moves.vocab.token(number) not in self._not_moves]
        return str(super()._decode(ids, False, **options))

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """No file: the vocabulary follows from the tokenizer's name."""
        return ()
