"""The shape of a model, as data: everything needed to build it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.activations import ACTIVATIONS
from xiangqi_gpt.model.attention import check_attention, parse_attention
from xiangqi_gpt.model.move_table import STYLES
from xiangqi_gpt.model.positions import POSITIONS
from xiangqi_gpt.model.quantize import QUANTIZATIONS
from xiangqi_gpt.tokens import Tokenizer, create_tokenizer

BOARD_MODES = ("none", "bag", "spatial")
ENCODERS = ("conv",)
NORMS = ("layer", "rms")
MOVE_HEADS = ("table", "pointer", "tokens")


_LARGEST = {  # of what sets the size of a model: far above what anybody trains, far below what no machine holds
    "encoder_width": 8_192,
    "encoder_blocks": 256,
    "pointer_width": 8_192,
    "legal_head_size": 8_192,
    "width": 16_384,
    "layers": 256,
    "heads": 512,
    "context_plies": 4_096,
    "vocab_size": 1_000_000,
}
_RANGES = {  # both ends allowed
    "mlp_ratio": (1e-3, 64.0),
    "rope_base": (1.0, 1e9),
    "norm_eps": (0.0, 1.0),
    "initializer_range": (0.0, 100.0),
}
_LONGEST_TEXT = 200  # characters
# What transformers writes into config.json: nothing of it changes what is built here.
OF_TRANSFORMERS = frozenset(
    (
        "_commit_hash",
        "_name_or_path",
        "architectures",
        "auto_map",
        "bos_token_id",
        "chunk_size_feed_forward",
        "dtype",
        "eos_token_id",
        "id2label",
        "is_encoder_decoder",
        "label2id",
        "model_type",
        "name_or_path",
        "num_labels",
        "output_attentions",
        "output_hidden_states",
        "pad_token_id",
        "problem_type",
        "return_dict",
        "torch_dtype",
        "transformers_version",
        "use_cache",
    )
)


@dataclass(kw_only=True)
class XiangqiGPTConfig:
    """Configuration of :class:`XiangqiGPT`.

    The text side: ``tokenizer`` (name), ``view`` (whose side of the board coordinates are seen from), ``condition``
    (tokens before BOS with the result or the players' strength).
    The board side: ``board`` (none: the model must replay the game in its head; bag: a sum of piece-square vectors;
    spatial: an encoder's 90 vectors and a summary), ``encoder`` and its size.
    The GPT: ``width``, ``layers``, ``heads``, ``attention`` (one name, or a list that is repeated over the layers, each
    entry a name or ``name(option=value)``), ``position``, ``activation``, ``norm``.
    ``context_plies`` is the longest context in plies; with a board mode longer games are windowed.
    ``move_head`` selects what scores the next tokens: a ``table`` of whole moves (tokenizers square and move, on a
    spatial board), a ``pointer`` to squares (older models), or the language-model head (``tokens``).
    With ``styles`` a table has one set of queries for people's moves and one for a teacher's.
    ``symmetric``: the model has learned from games and their mirror images alike.
    ``legal_head`` adds a head that predicts which moves are legal; nothing else reads its output.
    """

    model_type: ClassVar[str] = "xiangqi_gpt"

    tokenizer: str = "square"  # how a move is written: square, iccs, wxf, chinese or move
    view: str = "mover"  # whose side of the board coordinates are seen from: mover or red
    condition: str = "none"  # none, result, strength or result+strength
    vocab_size: int = 0  # 0: that of the tokenizer; anything else is checked against it

    board: str = "spatial"  # none: no board; bag: a sum of piece-square vectors; spatial: an encoder
    encoder: str = "conv"  # kind of the encoder of boards
    encoder_width: int = 128  # channels
    encoder_blocks: int = 6  # residual blocks of two 3x3 convolutions
    pointer_width: int = 128  # size of the vectors whose dot product scores a square or a move
    move_head: str = "auto"  # table, pointer or tokens; auto: table where the model can have one
    styles: str = (
        "none"  # none; human+teacher: separate queries for their moves; auto: both if there is a table
    )
    default_style: str = ""  # used unless another one is asked for; by default the first
    legal_head: bool = False  # a head that predicts which moves are legal
    legal_head_size: int = 64  # size of the vectors; their dot product predicts whether a move is legal

    width: int = 256  # size of the vectors of tokens
    layers: int = 4  # layers of the GPT
    heads: int = 4  # heads of attention; a divisor of the width
    mlp_ratio: float = 4.0  # hidden size of the feed-forward part, in units of width
    attention: str | list[str] = "full"  # a variant, or a list that is repeated over the layers
    position: str = "rope"  # rope, learned, sinusoidal, alibi, t5 or none
    rope_base: float = 10000.0  # base of the speeds of rotary positions
    activation: str = "gelu"  # of the feed-forward part: gelu, gelu_tanh, squareplus or swiglu
    norm: str = "layer"  # layer or rms
    norm_eps: float = 1e-6  # added to the variance in norms
    dropout: float = 0.0  # share of activations dropped in training
    initializer_range: float = 0.02  # standard deviation of new weights
    context_plies: int = 8  # longest context; with a board longer games are windowed
    symmetric: bool = False  # learned from games and their mirror images; training sets it
    tie_word_embeddings: bool = False  # one matrix for reading and writing tokens
    quantization: str = "none"  # int8: large maps have weights of eight bits, to play with and not to train

    def __post_init__(self) -> None:
        if isinstance(self.attention, tuple):
            self.attention = list(self.attention)
        self._check_types()
        self._check_ranges()
        tokenizer = self.build_tokenizer()
        if self.vocab_size == 0:
            self.vocab_size = len(tokenizer.vocab)
        _expect(
            "vocab_size",
            self.vocab_size == len(tokenizer.vocab),
            f"{len(tokenizer.vocab)}, the size of the vocabulary of {self.tokenizer!r}",
            self.vocab_size,
        )
        _expect("board", self.board in BOARD_MODES, f"one of {', '.join(BOARD_MODES)}", self.board)
        _expect("encoder", self.encoder in ENCODERS, f"one of {', '.join(ENCODERS)}", self.encoder)
        self._check_head()
        _expect("position", self.position in POSITIONS, f"one of {', '.join(POSITIONS)}", self.position)
        _expect(
            "activation", self.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}", self.activation
        )
        _expect(
            "quantization",
            self.quantization in QUANTIZATIONS,
            f"one of {', '.join(QUANTIZATIONS)}",
            self.quantization,
        )
        _expect("norm", self.norm in NORMS, f"one of {', '.join(NORMS)}", self.norm)
        _expect("heads", self.width % self.heads == 0, f"a divisor of the width, {self.width}", self.heads)
        _expect(
            "width",
            self.position != "rope" or (self.width // self.heads) % 2 == 0,
            "an even head size for rope",
            self.width,
        )
        _expect(
            "width",
            self.position != "sinusoidal" or self.width % 2 == 0,
            "an even width for sinusoids",
            self.width,
        )
        _expect("encoder_width", self.encoder_width % 4 == 0, "a multiple of 4", self.encoder_width)
        _expect("dropout", 0 <= self.dropout < 1, "a share from 0 to below 1", self.dropout)
        if self.board != "none" and self.view != "mover":
            raise ConfigError(
                f"board={self.board!r} needs view='mover': boards are seen by the side to move, found {self.view!r}"
            )
        check_attention(
            parse_attention(self.attention, self.layers),
            position=self.position,
            head_size=self.width // self.heads,
            slots=tokenizer.slots,
            read=tokenizer.condition.length + 1,
        )

    @property
    def style_names(self) -> tuple[str, ...]:
        """The styles that the model distinguishes; empty for a model without styles."""
        return STYLES[self.styles]

    def style_number(self, name: str | None = None) -> int:
        """The number of the style *name*; by default that of the default style.

        Raises:
            ConfigError: the model has no such style, or none at all.
        """
        names = self.style_names
        if name is None:
            return names.index(self.default_style) if self.default_style else 0
        if not names:
            raise ConfigError(f"style={name!r}: this model has no styles; leave out the style")
        if name not in names:
            raise ConfigError(
                f"style={name!r}: this model has the styles {', '.join(names)}; choose one of them"
            )
        return names.index(name)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> XiangqiGPTConfig:
        """A configuration from its JSON; models from before there was ``move_head`` have the older heads.

        Raises:
            ConfigError: a key that is not known, or a value that makes no sense.
        """
        return cls(**own_settings(data))

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON can hold it, with its ``model_type``."""
        names = [field.name for field in dataclasses.fields(XiangqiGPTConfig)]
        return {"model_type": self.model_type, **{name: getattr(self, name) for name in names}}

    def special_token_ids(self) -> dict[str, int]:
        """The ids of the special tokens under the names that transformers has for them."""
        vocab = self.build_tokenizer().vocab
        return {"pad_token_id": vocab.pad_id, "bos_token_id": vocab.bos_id, "eos_token_id": vocab.end_id}

    def _check_head(self) -> None:
        """Settle ``move_head``; ConfigError where the model cannot have it, or no styles."""
        with_table = self.board == "spatial" and self.tokenizer in _TABLE_TOKENIZERS
        if self.move_head == "auto":
            self.move_head = "table" if with_table else "tokens"
        _expect("move_head", self.move_head in MOVE_HEADS, f"one of {', '.join(MOVE_HEADS)}", self.move_head)
        if with_table and self.move_head == "tokens":
            raise ConfigError(
                "move_head='tokens' reads no squares of a spatial board; choose table or pointer, or board='bag'"
            )
        if not with_table and self.move_head != "tokens":
            raise ConfigError(
                f"move_head={self.move_head!r} scores moves by the squares of a board: it needs board='spatial' and "
                f"tokenizer='square' or 'move', not board={self.board!r} and tokenizer={self.tokenizer!r}; "
                f"choose move_head='tokens'"
            )
        if self.styles == "auto":
            self.styles = "human+teacher" if self.move_head == "table" else "none"
        _expect("styles", self.styles in STYLES, f"one of {', '.join(STYLES)}", self.styles)
        if self.style_names and self.move_head != "table":
            raise ConfigError(
                f"styles={self.styles!r} needs move_head='table', not {self.move_head!r}; choose styles='none'"
            )
        if self.default_style:
            self.style_number(self.default_style)

    def _check_types(self) -> None:
        """ConfigError where a plain field does not have the type of its default."""
        for field in dataclasses.fields(XiangqiGPTConfig):
            key, default, value = field.name, field.default, getattr(self, field.name)
            texts = value if key == "attention" and isinstance(value, list) else [value]
            if key == "attention":
                _expect(key, isinstance(value, (str, list)), "a name or a list of names", value)
                _expect(key, len(texts) <= _LARGEST["layers"], "at most as many as layers", len(texts))
            elif isinstance(default, (bool, int, float, str)):
                numeric = type(default) is float and type(value) is int
                _expect(key, type(value) is type(default) or numeric, f"a {type(default).__name__}", value)
            for text in texts:
                short = not isinstance(text, str) or len(text) <= _LONGEST_TEXT
                _expect(key, short, f"at most {_LONGEST_TEXT} characters", str(text)[:20] + "...")

    def _check_ranges(self) -> None:
        """ConfigError where a number is outside of what a model can be built with."""
        for key, largest in _LARGEST.items():
            value, least = getattr(self, key), 0 if key == "vocab_size" else 1
            _expect(key, value >= least, "a positive number", value)
            _expect(key, value <= largest, f"at most {largest}", value)
        for key, (low, high) in _RANGES.items():
            value = getattr(self, key)
            _expect(key, low <= value <= high, f"a number from {low:g} to {high:g}", value)

    def build_tokenizer(self) -> Tokenizer:
        """The tokenizer that the model reads and writes."""
        view: Any = self.view  # checked by the tokenizer itself
        return create_tokenizer(self.tokenizer, view, self.condition)


_TABLE_TOKENIZERS = ("square", "move")


def own_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a configuration in its JSON, without what transformers adds; ConfigError at any other key."""
    fields = {field.name for field in dataclasses.fields(XiangqiGPTConfig)}
    for key, value in data.items():
        if key not in fields and key not in OF_TRANSFORMERS:
            raise ConfigError(f"expected the settings of a model, found {_shown(key)} = {_shown(value)}")
    own = {key: value for key, value in data.items() if key in fields}
    if "move_head" not in own:
        board, tokenizer = own.get("board", "spatial"), own.get("tokenizer", "square")
        own["move_head"] = "pointer" if board == "spatial" and tokenizer in _TABLE_TOKENIZERS else "tokens"
    return own


def _expect(key: str, holds: bool, expected: str, found: object) -> None:
    if not holds:
        raise ConfigError(f"{key}: expected {expected}, found {_shown(found)}")


def _shown(value: object) -> str:
    """A value of any size, in few characters."""
    if type(value) is int and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
