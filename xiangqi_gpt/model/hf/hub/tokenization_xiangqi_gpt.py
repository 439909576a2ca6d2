"""Games as text, such as ``h2e2 h9g7 h0g2``, to token ids and back: two squares per move."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizer

from .position_xiangqi_gpt import START_FEN, Position, move_text, parse_move

SPECIALS = ("<pad>", "<bos>", "<end>")
FIRST_SQUARE = len(SPECIALS)
TOKENS = (*SPECIALS, *("abcdefghi"[square % 9] + str(square // 9) for square in range(90)))


def encode_move(move: tuple[int, int], turn: int) -> list[int]:
    """The two ids of a move, as its mover sees the board."""
    return [FIRST_SQUARE + (89 - square if turn else square) for square in move]


def decode_move(ids: list[int], turn: int) -> tuple[int, int] | None:
    """The move that two ids name; None where one of them is no square."""
    origin, goal = (number - FIRST_SQUARE for number in ids)
    if origin < 0 or goal < 0:
        return None
    return (89 - origin, 89 - goal) if turn else (origin, goal)


class XiangqiTokenizer(PreTrainedTokenizer):
    """Moves such as ``h2e2``, separated by spaces, from *root_fen* on; ids begin with BOS."""

    vocab_files_names: dict[str, str] = {}  # noqa: RUF012 - transformers reads plain class attributes
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012
    padding_side = "right"

    def __init__(self, root_fen: str = START_FEN, **options: Any) -> None:
        self.root_fen = root_fen
        for key, token in zip(("pad_token", "bos_token", "eos_token"), SPECIALS, strict=True):
            options.setdefault(key, token)
        options["token_type_ids_pattern"] = "all_zeros"
        super().__init__(root_fen=root_fen, **options)

    @property
    def vocab_size(self) -> int:
        return len(TOKENS)

    def get_vocab(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(TOKENS)}

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        """ValueError where a word is no legal move."""
        position, tokens = Position(self.root_fen), list[str]()
        for word in text.split():
            move = parse_move(word)
            if move not in position.legal_moves():
                raise ValueError(f"{word!r} is not legal after {len(tokens) // 2} plies")
            tokens += [TOKENS[number] for number in encode_move(move, position.turn)]
            position = position.after(move)
        return tokens

    def _convert_token_to_id(self, token: str) -> int:
        return TOKENS.index(token)

    def _convert_id_to_token(self, index: int) -> str:
        return TOKENS[index]

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        if token_ids_1 is not None:
            raise ValueError("a game is one text, not a pair")
        return [1, *token_ids_0]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        turn, words, first = Position(self.root_fen).turn, list[str](), 0
        while first < len(tokens):
            ids = [TOKENS.index(token) for token in tokens[first : first + 2]]
            move = decode_move(ids, turn) if len(ids) == 2 and ids[0] >= FIRST_SQUARE else None
            if move is None:
                words.append(tokens[first])
                first += 1
                continue
            words.append(move_text(move))
            turn, first = 1 - turn, first + 2
        return " ".join(words)

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """No file: the tokens are the special ones and the 90 squares."""
        return ()
