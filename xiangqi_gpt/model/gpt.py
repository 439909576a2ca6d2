"""The GPT: a causal language model over move notation, with the board of every token given.

Letters in shapes: B batch, T tokens of this call, S tokens seen so far, P boards of this call, V vocabulary, W width,
C encoder channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.activations import GATED, PLAIN
from xiangqi_gpt.model.attention import BACKENDS, AttentionLayer, AttentionState, Context, parse_attention
from xiangqi_gpt.model.board_heads import (
    BoardCrossAttention,
    LegalHead,
    PairPointer,
    boards_of,
    group_by_board,
)
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.encoder import SQUARES, BagEncoder, ConvBlock, ConvEncoder, EncodedBoards, Summary
from xiangqi_gpt.model.move_table import (
    IMPOSSIBLE,
    MOVES,
    MoveTable,
    TableState,
    spoken_logits,
    state_after,
    whole_precision,
)
from xiangqi_gpt.model.positions import SCORE_BIASES, create_positions
from xiangqi_gpt.model.quantize import use_int8
from xiangqi_gpt.model.weights import write_model_folder
from xiangqi_gpt.tokens import MoveTokenizer, SquareTokenizer

if TYPE_CHECKING:
    from typing_extensions import Self

IGNORED = -100  # a label that no loss counts


@dataclass
class XiangqiGPTOutput:
    """logits (B, T, V); value_logits (B, T or N, 3): win, draw, loss of the side that makes the predicted move."""

    logits: Tensor | None = None
    value_logits: Tensor | None = None
    states: tuple[AttentionState, ...] | None = None
    legal_logits: Tensor | None = None  # (B, N, 2086): which possible moves are legal, above 0 meaning yes
    # (B, N, styles, specials + 2086): log-probabilities of the special tokens and of the possible moves as whole texts
    move_logprobs: Tensor | None = None


class FeedForward(nn.Module):
    """Two linear maps with an activation in between, or a gated one."""

    def __init__(self, width: int, hidden: int, activation: str = "gelu") -> None:
        super().__init__()
        self.gate: nn.Linear | None = None
        if activation in GATED:
            hidden = -(-2 * hidden // 3)  # three maps of two thirds the size: as many weights as two
            self.gate = nn.Linear(width, hidden, bias=False)
        self.activation = {**PLAIN, **GATED}[activation]
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up(x)
        y: Tensor = self.down(
            self.activation(up) if self.gate is None else self.activation(self.gate(x)) * up
        )
        return y


def _norm(config: XiangqiGPTConfig) -> nn.Module:
    kind = nn.RMSNorm if config.norm == "rms" else nn.LayerNorm
    return kind(config.width, eps=config.norm_eps)


Look = Callable[[Tensor], Tensor]


class Layer(nn.Module):
    """Attention and feed-forward, each behind a norm and beside the residual stream; a look at the board in between."""

    def __init__(self, config: XiangqiGPTConfig, name: str, options: Any) -> None:
        super().__init__()
        self.attention_norm = _norm(config)
        self.attention = AttentionLayer(config.width, config.heads, name, options)
        self.mlp_norm = _norm(config)
        self.mlp = FeedForward(config.width, int(config.width * config.mlp_ratio), config.activation)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        visible: Tensor | None,
        state: Any,
        context: Context,
        look: Look | None = None,
    ) -> tuple[Tensor, Any]:
        y, state = self.attention(self.attention_norm(x), positions, visible, state, context)
        x = x + self.dropout(y)
        if look is not None:
            x = look(x)
        return x + self.dropout(self.mlp(self.mlp_norm(x))), state


class _NoInitialization(TorchFunctionMode):
    """Leaves out the functions of ``torch.nn.init``: on the meta device they do nothing, and load a compiler for it."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


class XiangqiGPT(nn.Module):
    """A GPT over the tokens of moves.

    Every input token carries the board on which the token that it predicts is played (``board_index``): BOS and the
    last token of a ply carry the next ply's board, a ply's inner tokens carry that ply's own.

    ``attention_backend`` is one of BACKENDS: what computes the softmax variants. With ``gradient_checkpointing`` the
    backward pass of training computes the layers and the encoder again instead of keeping what they computed: less
    memory, about a third more time.
    """

    attention_backend = "sdpa"
    gradient_checkpointing = False
    _gradient_checkpointing_func = staticmethod(
        partial(checkpoint, use_reentrant=False)
    )  # transformers sets its own
    config: XiangqiGPTConfig

    def __init__(self, config: XiangqiGPTConfig) -> None:
        super().__init__()
        self.config = config
        self._build(config)
        if self.device.type != "meta":
            self.apply(self._init_weights)
        self._finish()

    @classmethod
    def skeleton(cls, config: Any) -> Self:
        """A model without numbers, on the meta device: names and shapes to check weights against, or to fill."""
        with torch.device("meta"), _NoInitialization():
            return cls(config)

    def _build(self, config: XiangqiGPTConfig) -> None:
        """Make all modules; :meth:`_finish` follows when their weights are drawn."""
        self.tokenizer = config.build_tokenizer()
        slots = self.tokenizer.slots
        width = config.width
        self.tokens = nn.Embedding(config.vocab_size, width)
        self.slots = nn.Embedding(slots + 1, width)  # the last one is BOS's
        self.encoder: nn.Module | None = None
        self.looks: nn.ModuleList | None = None
        self.move_table: MoveTable | None = None
        if config.board == "bag":
            self.encoder = BagEncoder(width)
        elif config.board == "spatial":
            self.encoder = ConvEncoder(config.encoder_width, config.encoder_blocks)
            self.summary = Summary(config.encoder_width, width)
            if isinstance(self.tokenizer, SquareTokenizer):
                self.from_square = nn.Linear(config.encoder_width, width, bias=False)
            if config.move_head == "table":
                self.move_table = MoveTable(
                    width, config.encoder_width, config.pointer_width, max(1, len(config.style_names))
                )
            elif isinstance(self.tokenizer, SquareTokenizer):
                self.pointer_query = nn.Linear(width, config.pointer_width, bias=False)
                self.pointer_key = nn.Linear(config.encoder_width, config.pointer_width, bias=False)
            elif isinstance(self.tokenizer, MoveTokenizer):
                self.pair_pointer = PairPointer(width, config.encoder_width, config.pointer_width)
            else:  # characters
                self.looks = nn.ModuleList(
                    BoardCrossAttention(width, config.heads, config.encoder_width, config.norm_eps)
                    for _ in range(config.layers)
                )
        self.position = create_positions(
            config.position,
            width=width,
            heads=config.heads,
            max_positions=self.tokenizer.condition.length + 1 + config.context_plies * slots,
            rope_base=config.rope_base,
            scale=config.initializer_range,
        )
        self.layers = nn.ModuleList(
            Layer(config, name, options) for name, options in parse_attention(config.attention, config.layers)
        )
        self.norm = _norm(config)
        self.lm_head = nn.Linear(width, config.vocab_size, bias=False)
        self.value_hidden = nn.Linear(width, width // 2)
        self.value_head = nn.Linear(width // 2, 3)
        self.legal_head: LegalHead | None = None
        if config.legal_head:
            channels = config.encoder_width if config.board == "spatial" else None
            self.legal_head = LegalHead(width, channels, config.legal_head_size)

    def _finish(self) -> None:
        """Share the weights that are one, and put eight-bit maps where the configuration has them."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.tokens.weight
        if self.config.quantization == "int8":
            use_int8(self)

    def _init_weights(self, module: nn.Module) -> None:
        """Normal weights of ``initializer_range``; convolutions by He; every residual branch starts small."""
        scale = self.config.initializer_range
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=scale)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            nn.init.normal_(module.weight, std=scale)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        elif isinstance(module, ConvEncoder):
            nn.init.normal_(module.squares, std=scale)
            nn.init.normal_(module.pieces.weight, std=0.3)
            for block in module.blocks:
                with torch.no_grad():
                    assert isinstance(block, ConvBlock)
                    block.second.weight.mul_((2 * len(module.blocks)) ** -0.5)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.lm_head.weight.device

    def save_pretrained(self, folder: str | Path, *, max_shard_bytes: int | None = None) -> None:
        """Write the model to *folder*, as transformers lays a model out; :func:`load_model` reads it.

        Weights are in one file, or in shards of at most *max_shard_bytes*.
        """
        write_model_folder(Path(folder), self.config, self.state_dict(), max_shard_bytes)

    def init_states(self, batch: int) -> tuple[AttentionState, ...]:
        """The states of all layers before any token, for *batch* rows."""
        like = self.lm_head.weight
        states: tuple[AttentionState, ...] = tuple(
            layer.attention.init_state(batch, like) for layer in self.attention_layers()
        )
        if self.move_table is not None:
            states += (TableState(whole_precision(like.new_zeros(batch, MOVES))),)
        return states

    def attention_layers(self) -> list[AttentionLayer]:
        """The attention part of every layer, first to last."""
        return [layer.attention for layer in self.layers if isinstance(layer, Layer)]

    def encode_boards(
        self, boards: Tensor, counters: Tensor, board_rows: Tensor | None = None
    ) -> EncodedBoards:
        """boards (B, P, 90) piece codes seen by the side to move, counters (B, P, 2) -> what the GPT reads of them.

        *board_rows* (R,) names those of the B * P boards that are boards at all; the others are read as zeros.
        """
        if self.encoder is None:
            raise ValueError("this model has board='none': it cannot read boards")
        shape = boards.shape[:2]
        boards, counters = boards.flatten(0, 1), counters.flatten(0, 1)
        if board_rows is not None:
            boards, counters = boards[board_rows], counters[board_rows]

        def placed(rows: Tensor) -> Tensor:
            if board_rows is not None:
                empty = rows.new_zeros(shape.numel(), *rows.shape[1:])
                rows = empty.index_copy(0, board_rows, rows)
            return rows.unflatten(0, shape)

        vectors = self._run(self.encoder, boards, counters)
        if self.config.board == "bag":
            return EncodedBoards(placed(vectors))
        return EncodedBoards(placed(self.summary(vectors)), placed(vectors))

    def forward(
        self,
        input_ids: Tensor,
        slots: Tensor,
        positions: Tensor | None = None,
        boards: Tensor | None = None,
        counters: Tensor | None = None,
        board_index: Tensor | None = None,
        encoded: EncodedBoards | None = None,
        visible: Tensor | None = None,
        states: tuple[Any, ...] | None = None,
        legal_index: Tensor | None = None,
        value_index: Tensor | None = None,
        move_index: Tensor | None = None,
        board_rows: Tensor | None = None,
        style: int | None = None,
        with_logits: bool = True,
    ) -> XiangqiGPTOutput:
        """Logits of the token after each of T tokens.

        input_ids, slots (of each input token; BOS has slot ``tokenizer.slots``) and positions are (B, T); boards and
        counters as in :meth:`encode_boards`, or *encoded* in their place; board_index (B, T) names each token's board
        among the P given. *visible* (B or 1, T, S) and *states* as in the attention layers. Without
        *positions* the tokens follow each other, and those of *states*; some variants then have a faster way.
        *legal_index* (N,) names the tokens for whose boards the legal set is wanted; the model must have a legal head.
        *value_index* (N,) names the tokens whose value is wanted: value_logits are (B, N, 3) then, and the others are
        not computed.

        Of a model with a table of moves *move_index* (N,) names the tokens that predict a ply and whose move_logprobs
        are wanted. They are those of all styles, or of *style* alone, a number; logits are those of *style*, the first
        one by default. *board_rows* is that of :meth:`encode_boards`. ``with_logits=False`` leaves the logits out.
        """
        if encoded is None and boards is not None:
            assert counters is not None
            encoded = self.encode_boards(boards, counters, board_rows)
        if (encoded is None) != (self.config.board == "none"):
            raise ValueError(
                f"a model with board={self.config.board!r} was called {'without' if encoded is None else 'with'} boards"
            )
        consecutive = positions is None and states is None
        if positions is None:
            first = states[0].length if states else 0
            row = torch.arange(first, first + input_ids.shape[1], device=input_ids.device)
            positions = row.expand(len(input_ids), -1)
        x = self._embed(input_ids, slots, encoded, board_index)
        located = self.position.embed(positions)
        if located is not None:
            x = x + located.to(x.dtype)
        context = self._context(positions, consecutive)
        new_states = []
        vectors = None if encoded is None else encoded.vectors
        looks: list[Look | None] = [None] * len(self.layers)
        if self.looks is not None:
            assert vectors is not None
            assert board_index is not None
            groups = group_by_board(board_index, vectors.shape[1])
            looks = [
                partial(look, vectors=vectors, board_index=board_index, groups=groups) for look in self.looks
            ]
        before = [None] * len(self.layers) if states is None else states[: len(self.layers)]
        for layer, state, look in zip(self.layers, before, looks, strict=True):
            x, state = self._run(layer, x, positions, visible, state, context, look)
            new_states.append(state)
        x = self.norm(x)
        logits = move_logprobs = None
        said = states[-1] if states and isinstance(states[-1], TableState) else None
        if with_logits:
            logits, said = self._logits(
                x, vectors, input_ids, slots, positions, board_index, said, style or 0
            )
        if said is not None:
            new_states.append(said)
        if move_index is not None:
            move_logprobs = self._move_logprobs(x, vectors, board_index, move_index, style)
        valued = x if value_index is None else x[:, value_index]
        value_logits = self.value_head(F.relu(self.value_hidden(valued)))
        return XiangqiGPTOutput(
            logits=logits,
            value_logits=value_logits,
            states=tuple(new_states) if states is not None else None,
            legal_logits=None
            if legal_index is None
            else self._legal_set(x, vectors, board_index, legal_index),
            move_logprobs=move_logprobs,
        )

    def _run(self, module: nn.Module, *inputs: Any) -> Any:
        """*module* of *inputs*; in training with gradient checkpointing it keeps none of what it computes."""
        if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
            return self._gradient_checkpointing_func(module, *inputs)
        return module(*inputs)

    def _logits(
        self,
        x: Tensor,
        vectors: Tensor | None,
        input_ids: Tensor,
        slots: Tensor,
        positions: Tensor,
        board_index: Tensor | None,
        said: TableState | None,
        style: int,
    ) -> tuple[Tensor, TableState | None]:
        """(B, T, V), and the state of the current ply for the next call."""
        if self.move_table is None:
            logits = self.lm_head(x)
            if vectors is not None:
                assert board_index is not None
                logits = self._add_pointer(logits, x, vectors, board_index)
            return logits, None
        assert vectors is not None
        assert board_index is not None
        special = whole_precision(F.linear(x, self.lm_head.weight[: self.specials]))
        scores = self.move_table(x, boards_of(vectors, board_index))[:, :, style]  # (B, T, M)
        if isinstance(self.tokenizer, MoveTokenizer):
            return torch.cat([special, scores], -1), said
        squares = spoken_logits(scores, input_ids, slots, positions, self.specials, said)
        special = special.masked_fill((slots == 0)[..., None], IMPOSSIBLE)  # a move once begun is finished
        if said is not None:
            said = state_after(scores, slots, positions, said)
        return torch.cat([special, squares], -1), said

    def _move_logprobs(
        self, x: Tensor, vectors: Tensor | None, board_index: Tensor | None, at: Tensor, style: int | None
    ) -> Tensor:
        """(B, N, Y, specials + M) for the tokens *at* (N,)."""
        if self.move_table is None:
            raise ValueError(
                f"this model has no table of moves: it was made with move_head={self.config.move_head!r}"
            )
        assert vectors is not None
        assert board_index is not None
        x, boards = x[:, at], board_index[:, at]
        own = torch.arange(vectors.shape[1], device=at.device)
        in_order = boards.device.type == "cpu" and boards.shape[1] == len(own) and bool((boards == own).all())
        scores = self.move_table(x, vectors if in_order else boards_of(vectors, boards))
        if style is not None:
            scores = scores[:, :, style : style + 1]
        special = whole_precision(F.linear(x, self.lm_head.weight[: self.specials]))
        return torch.cat([special[:, :, None].expand(-1, -1, scores.shape[2], -1), scores], -1).log_softmax(
            -1
        )

    @property
    def specials(self) -> int:
        """How many tokens are no words of moves: special and condition tokens, which have the first ids."""
        if isinstance(self.tokenizer, MoveTokenizer):
            return self.tokenizer.first_move_id
        return self._first_square()

    def _legal_set(self, x: Tensor, vectors: Tensor | None, board_index: Tensor | None, at: Tensor) -> Tensor:
        """(B, N, 2086) for the boards of the tokens *at* (N,)."""
        if self.legal_head is None:
            raise ValueError("this model has no legal head: it was made with legal_head=False")
        if vectors is not None:
            assert board_index is not None
            vectors = boards_of(vectors, board_index[:, at])
        scores: Tensor = self.legal_head(x[:, at], vectors)
        return scores

    def _context(self, positions: Tensor, consecutive: bool) -> Context:
        """What all layers need to know of the positions of a call."""
        backend = self.attention_backend
        if backend not in BACKENDS:
            raise ConfigError(
                f"attn_implementation: expected one of {', '.join(BACKENDS)}, found {backend!r}"
            )
        return Context(
            consecutive=consecutive,
            rotation=self.position.rotation(positions),
            bias=self.position.bias if self.config.position in SCORE_BIASES else None,
            backend=backend,
        )

    def _embed(
        self, input_ids: Tensor, slots: Tensor, encoded: EncodedBoards | None, board_index: Tensor | None
    ) -> Tensor:
        x: Tensor = self.tokens(input_ids) + self.slots(slots)
        if encoded is None:
            return x
        assert board_index is not None
        x = x + _take(encoded.summary, board_index)
        if encoded.vectors is None or not isinstance(self.tokenizer, SquareTokenizer):
            return x
        # A from token also reads the vector of its own square, on the board that it carries.
        first = self._first_square()
        is_from = (slots == 0) & (input_ids >= first)
        square = (input_ids - first).clamp_min(0)
        vectors = _take(encoded.vectors.flatten(1, 2), board_index * SQUARES + square)
        return x + self.from_square(vectors) * is_from[..., None]

    def _add_pointer(self, logits: Tensor, x: Tensor, vectors: Tensor, board_index: Tensor) -> Tensor:
        """Add to the logits of square and move tokens what the vectors of the token's board contribute."""
        if isinstance(self.tokenizer, MoveTokenizer):
            first = self.tokenizer.first_move_id
            own = self.pair_pointer(x, vectors, board_index)  # (B, T, 2086)
            return torch.cat([logits[..., :first], logits[..., first:] + own], -1)
        if not isinstance(self.tokenizer, SquareTokenizer):
            return logits
        query, key = self.pointer_query(x), self.pointer_key(vectors)  # (B, T, K), (B, P, 90, K)
        scores = torch.einsum("btk,bpsk->btps", query, key) * key.shape[-1] ** -0.5
        index = board_index[:, :, None, None].expand(-1, -1, 1, SQUARES)
        own = scores.gather(2, index)[:, :, 0]  # (B, T, 90)
        first = self._first_square()
        return torch.cat([logits[..., :first], logits[..., first:] + own], -1)

    def _first_square(self) -> int:
        assert isinstance(self.tokenizer, SquareTokenizer)
        return self.tokenizer.first_square_id


def _take(rows: Tensor, index: Tensor) -> Tensor:
    """rows (B, N, C), index (B, T) -> (B, T, C)."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[-1]))
