"""The configuration of a GPT that plays Xiangqi."""

from __future__ import annotations

from transformers import PreTrainedConfig


class XiangqiGPTConfig(PreTrainedConfig):
    """Sizes of the model; the files of the project xiangqi_gpt describe every setting.

    This code runs one kind of model: two tokens per move (``tokenizer="square"``), a convolutional encoder of the board
    (``board="spatial"``), full attention with rotary positions, and a table of moves (``move_head="table"``).
    """

    model_type = "xiangqi_gpt"
    attribute_map = {  # noqa: RUF012 - transformers reads it as a plain class attribute
        "hidden_size": "width",
        "num_hidden_layers": "layers",
        "num_attention_heads": "heads",
    }

    tokenizer: str = "square"
    view: str = "mover"
    condition: str = "none"
    vocab_size: int = 93
    board: str = "spatial"
    encoder: str = "conv"
    encoder_width: int = 128
    encoder_blocks: int = 6
    pointer_width: int = 128
    move_head: str = "table"
    styles: str = "none"
    default_style: str = ""
    legal_head: bool = False
    legal_head_size: int = 64
    width: int = 256
    layers: int = 4
    heads: int = 4
    mlp_ratio: float = 4.0
    attention: str | list[str] = "full"
    position: str = "rope"
    rope_base: float = 10000.0
    activation: str = "gelu"
    norm: str = "layer"
    norm_eps: float = 1e-6
    dropout: float = 0.0
    initializer_range: float = 0.02
    context_plies: int = 8
    symmetric: bool = False
    tie_word_embeddings: bool = False
    quantization: str = "none"
    pad_token_id: int = 0
    bos_token_id: int = 1
    eos_token_id: int = 2

    @property
    def style_names(self) -> tuple[str, ...]:
        """Whose moves the model tells apart."""
        return () if self.styles == "none" else tuple(self.styles.split("+"))

    def style_number(self, name: str | None = None) -> int:
        """The number of a style, by default the one that the model speaks; ValueError if it has no such style."""
        name = name or self.default_style
        if not name:
            return 0
        if name not in self.style_names:
            raise ValueError(
                f"this model has the styles {', '.join(self.style_names) or 'none'}, not {name!r}"
            )
        return self.style_names.index(name)
