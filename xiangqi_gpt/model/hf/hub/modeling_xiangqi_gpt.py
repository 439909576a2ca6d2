"""A GPT that plays Xiangqi: a language model over moves that is also given the board.

Letters in shapes: B batch, T tokens, P boards of a row, C channels of the encoder, W width, M the possible moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, LogitsProcessor, LogitsProcessorList, PreTrainedModel
from transformers.utils.generic import ModelOutput

from .configuration_xiangqi_gpt import XiangqiGPTConfig
from .position_xiangqi_gpt import START_FEN, Position, move_text, parse_move
from .tokenization_xiangqi_gpt import FIRST_SQUARE, decode_move, encode_move

IMPOSSIBLE = -1e9  # the logit of a token that cannot follow


@cache
def possible_moves() -> tuple[tuple[int, int], ...]:
    """The 2,086 pairs of squares between which some piece can move, in order."""
    advisors = {3, 5, 13, 21, 23}
    elephants = {2, 6, 18, 22, 26, 38, 42}
    found = []
    for origin in range(90):
        for goal in range(90):
            df, dr = abs(origin % 9 - goal % 9), abs(origin // 9 - goal // 9)
            low = {origin, goal} if origin < 45 else {89 - origin, 89 - goal}
            if (
                (df == 0) != (dr == 0)
                or {df, dr} == {1, 2}
                or (df == dr == 1 and low <= advisors)
                or (df == dr == 2 and low <= elephants)
            ):
                found.append((origin, goal))
    return tuple(found)


@dataclass
class XiangqiGPTOutput(ModelOutput):
    """Logits (B, T, V) of the next token; value_logits (B, T, 3): win, draw, loss of the side that moves next."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    value_logits: Tensor | None = None
    move_logprobs: Tensor | None = None  # (B, 3 + M) behind the last token: special tokens, then whole moves


class LinePooling(nn.Module):
    """What stands elsewhere on the file and the rank of a point, and on the whole board."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.part = channels // 4
        self.by_file = nn.Linear(self.part, channels)
        self.by_rank = nn.Linear(self.part, channels)
        self.by_board = nn.Linear(2 * self.part, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 10, 9, C) -> what to add to it."""
        files, ranks, mean, top = x.split(self.part, -1)
        board = torch.cat([mean.mean((1, 2), keepdim=True), top.amax((1, 2), keepdim=True)], -1)
        pooled: Tensor = self.by_file(files.amax(1, keepdim=True)) + self.by_rank(ranks.amax(2, keepdim=True))
        return pooled + self.by_board(board)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions and line pooling beside the residual stream."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.pooling = LinePooling(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 10, 9, C) -> the same."""
        y = F.relu(self.first(self.norm(x).permute(0, 3, 1, 2)))
        last = y.permute(0, 2, 3, 1)
        pooled: Tensor = self.pooling(last)
        return x + self.second(y).permute(0, 2, 3, 1) + pooled


class ConvEncoder(nn.Module):
    """The 90 vectors of a board."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.pieces = nn.Linear(15, channels, bias=False)
        self.squares = nn.Parameter(torch.zeros(90, channels))
        self.counters = nn.Linear(2, channels)
        self.blocks = nn.ModuleList(ConvBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)

    def forward(self, boards: Tensor, counters: Tensor) -> Tensor:
        """boards (N, 90), counters (N, 2) -> (N, 90, C)."""
        x = F.embedding(boards, self.pieces.weight.mT) + self.squares + self.counters(counters)[:, None]
        x = x.unflatten(1, (10, 9))
        for block in self.blocks:
            x = block(x)
        return self.norm(x).flatten(1, 2)


class Summary(nn.Module):
    """Mean and maximum over the 90 vectors, (N, 90, C) -> (N, W)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(2 * channels, width)

    def forward(self, vectors: Tensor) -> Tensor:
        summary: Tensor = self.project(torch.cat([vectors.mean(1), vectors.amax(1)], -1))
        return summary


class MoveTable(nn.Module):
    """The scores of all possible moves on a board, one set per style."""

    def __init__(self, width: int, channels: int, size: int, styles: int) -> None:
        super().__init__()
        self.size, self.styles = size, styles
        self.squares = nn.Linear(channels, 4 * size, bias=False)
        self.queries = nn.Linear(width, styles * 3 * size)
        self.bias = nn.Linear(width, styles * len(possible_moves()), bias=False)

    def forward(self, x: Tensor, vectors: Tensor, style: int) -> Tensor:
        """x (B, T, W), vectors (B, T, 90, C) -> (B, T, M)."""
        moves = torch.tensor(possible_moves(), device=x.device)
        key, key_to, origin, goal = self.squares(vectors).unflatten(-1, (4, self.size)).unbind(-2)
        q, q_to, weigh = (
            self.queries(x).unflatten(-1, (self.styles, 3, self.size))[..., style, :, :].unbind(-2)
        )
        pairs = (origin * (1 + weigh).unsqueeze(-2)) @ goal.mT  # (B, T, 90, 90)
        leave = (key @ q.unsqueeze(-1)).squeeze(-1)
        reach = (key_to @ q_to.unsqueeze(-1)).squeeze(-1)
        scores = pairs[..., moves[:, 0], moves[:, 1]] + leave[..., moves[:, 0]] + reach[..., moves[:, 1]]
        bias = self.bias(x).unflatten(-1, (self.styles, -1))[..., style, :]
        return scores.float() * self.size**-0.5 + bias.float()


def rotate(x: Tensor, base: float) -> Tensor:
    """Rotary positions of queries or keys (B, H, T, D), whose pairs are neighbours."""
    size = x.shape[-1]
    speed = base ** -(torch.arange(0, size, 2, device=x.device, dtype=torch.float32) / size)
    angle = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)[:, None] * speed
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)
    return turned.flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Causal attention with rotary positions."""

    def __init__(self, config: XiangqiGPTConfig) -> None:
        super().__init__()
        self.heads, self.base = config.heads, config.rope_base
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> the same."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, self.base), rotate(k, self.base)
        y: Tensor = self.out(
            F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        )
        return y


class FeedForward(nn.Module):
    """Two linear maps with GELU in between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(F.gelu(self.up(x)))
        return y


def norm(config: XiangqiGPTConfig) -> nn.Module:
    """The norm that the configuration names."""
    return (nn.RMSNorm if config.norm == "rms" else nn.LayerNorm)(config.width, eps=config.norm_eps)


class Layer(nn.Module):
    """Attention and feed-forward, each behind a norm and beside the residual stream."""

    def __init__(self, config: XiangqiGPTConfig) -> None:
        super().__init__()
        self.attention_norm = norm(config)
        self.attention = Attention(config)
        self.mlp_norm = norm(config)
        self.mlp = FeedForward(config.width, int(config.width * config.mlp_ratio))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> the same."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        y: Tensor = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return y


class LegalMoves(LogitsProcessor):
    """Lets ``generate`` write legal moves only; behind the end of a game PAD follows."""

    def __init__(self, fen: str = START_FEN) -> None:
        self.fen = fen

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """input_ids (B, T), scores (B, V) -> scores with -inf where no legal move goes on."""
        masked = torch.full_like(scores, -torch.inf)
        for row, ids in enumerate(input_ids.tolist()):
            allowed = self._allowed(ids[1:])
            if allowed:
                masked[row, allowed] = scores[row, allowed]
            else:
                masked[row, 0] = 0.0
        return masked

    def _allowed(self, text: list[int]) -> list[int]:
        whole = len(text) - len(text) % 2
        position = positions_of(text[:whole], self.fen)[-1]
        if position is None:
            return []
        moves = [encode_move(move, position.turn) for move in position.legal_moves()]
        if whole == len(text):
            return sorted({origin for origin, _ in moves})
        return [goal for origin, goal in moves if origin == text[-1]]


def positions_of(text: Sequence[int], fen: str) -> list[Position | None]:
    """The positions before every ply of *text*, and after the last; None behind a move that is not legal."""
    found: list[Position | None] = [Position(fen)]
    for first in range(0, len(text) - 1, 2):
        position = found[-1]
        move = None if position is None else decode_move(list(text[first : first + 2]), position.turn)
        legal = position is not None and move in position.legal_moves()
        found.append(position.after(move) if legal and position is not None and move is not None else None)
    return found


class XiangqiGPTForCausalLM(PreTrainedModel, GenerationMixin):
    """The model. It takes the ids of a game so far (BOS and two squares per move) and replays the boards itself."""

    config_class = XiangqiGPTConfig
    config: XiangqiGPTConfig
    base_model_prefix = "gpt"
    main_input_name = "input_ids"
    _no_split_modules = ["Layer"]  # noqa: RUF012 - transformers reads it as a plain class attribute

    def __init__(self, config: XiangqiGPTConfig) -> None:
        super().__init__(config)
        self.tokens = nn.Embedding(config.vocab_size, config.width)
        self.slots = nn.Embedding(3, config.width)
        self.encoder = ConvEncoder(config.encoder_width, config.encoder_blocks)
        self.summary = Summary(config.encoder_width, config.width)
        self.from_square = nn.Linear(config.encoder_width, config.width, bias=False)
        styles = max(1, len(config.style_names))
        self.move_table = MoveTable(config.width, config.encoder_width, config.pointer_width, styles)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = norm(config)
        self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.value_hidden = nn.Linear(config.width, config.width // 2)
        self.value_head = nn.Linear(config.width // 2, 3)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.tokens

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def legal_moves(self, fen: str = START_FEN) -> LogitsProcessorList:
        """What to give to ``generate`` as its ``logits_processor``, so that it writes legal moves only."""
        return LogitsProcessorList([LegalMoves(fen)])

    @torch.inference_mode()
    def move_probabilities(
        self, moves: str = "", fen: str = START_FEN, style: str | None = None
    ) -> list[tuple[str, float]]:
        """The legal moves after *moves*, each with its probability among them, likeliest first.

        A model that learned from games and their mirror images alike is asked about both.
        """
        game = [parse_move(word) for word in moves.split()]
        position = Position(fen)
        for move in game:
            if move not in position.legal_moves():
                raise ValueError(f"{move_text(move)!r} is not legal")
            position = position.after(move)
        legal = position.legal_moves()
        shares = self._shares(game, fen, legal, position.turn, style)
        if self.config.symmetric:
            turned = [_mirrored(move) for move in game]
            there = [_mirrored(move) for move in legal]
            shares = (shares + self._shares(turned, _mirrored_fen(fen), there, position.turn, style)) / 2
        found = zip(map(move_text, legal), (shares / shares.sum()).tolist(), strict=True)
        return sorted(found, key=lambda pair: -pair[1])

    def _shares(
        self,
        game: list[tuple[int, int]],
        fen: str,
        legal: list[tuple[int, int]],
        turn: int,
        style: str | None,
    ) -> Tensor:
        ids, side = [1], Position(fen).turn
        for move in game:
            ids += encode_move(move, side)
            side = 1 - side
        output = self(torch.tensor([ids], device=self.device), fen=fen, style=style)
        number = {move: i for i, move in enumerate(possible_moves())}
        seen = [tuple(word - FIRST_SQUARE for word in encode_move(move, turn)) for move in legal]
        at = torch.tensor([FIRST_SQUARE + number[origin, goal] for origin, goal in seen], device=self.device)
        shares: Tensor = output.move_logprobs[0, at].double().exp()
        return shares

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        fen: str = START_FEN,
        style: str | None = None,
        **_: Any,
    ) -> XiangqiGPTOutput:
        """Logits of the token behind each of the last T tokens that fit into the context.

        input_ids (B, T) begin with BOS at the position *fen*; padding may stand at the right end. *labels* (B, T) are
        ids, or -100 for tokens that do not count; they need texts that fit into one context.
        """
        start = self._start((input_ids.shape[1] - 1) // 2)
        ids = torch.cat([input_ids[:, :1], input_ids[:, 1 + 2 * start :]], 1)
        length = ids.shape[1]
        places = torch.arange(length, device=ids.device)
        slots = torch.where(places == 0, 2, (places - 1) % 2)
        board_index = places // 2
        boards, counters = self._boards(input_ids, fen, start)
        vectors = self.encoder(boards.flatten(0, 1), counters.flatten(0, 1).to(self.lm_head.weight.dtype))
        summary = self.summary(vectors).unflatten(0, boards.shape[:2])
        vectors = vectors.unflatten(0, boards.shape[:2])[:, board_index]  # (B, T, 90, C)
        x = self.tokens(ids) + self.slots(slots) + summary[:, board_index]
        square = (ids - FIRST_SQUARE).clamp_min(0)
        own = vectors.gather(2, square[..., None, None].expand(-1, -1, 1, vectors.shape[-1]))[:, :, 0]
        is_from = (slots == 0) & (ids >= FIRST_SQUARE)
        x = x + self.from_square(own) * is_from[..., None]
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        scores = self.move_table(x, vectors, self.config.style_number(style))  # (B, T, M)
        special = F.linear(x, self.lm_head.weight[:FIRST_SQUARE]).float()
        logits = torch.cat([special, _square_logits(scores, square, slots)], -1)
        logits[..., :FIRST_SQUARE] = logits[..., :FIRST_SQUARE].masked_fill(
            (slots == 0)[:, None], IMPOSSIBLE
        )  # a move once begun is finished
        loss = None
        if labels is not None:
            if start:
                raise ValueError(f"labels need texts of fewer than {self.config.context_plies} plies")
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        return XiangqiGPTOutput(
            loss=loss,
            logits=logits,
            value_logits=self.value_head(F.relu(self.value_hidden(x))),
            move_logprobs=torch.cat([special[:, -1], scores[:, -1]], -1).log_softmax(-1),
        )

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, fen: str = START_FEN, style: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Nothing is cached: every step reads the whole context."""
        return {"input_ids": input_ids, "fen": fen, "style": style}

    def _start(self, ply: int) -> int:
        """The first ply that is read where ply *ply* is predicted: long games are windowed by whole plies."""
        size = self.config.context_plies
        if ply < size:
            return 0
        stride = max(1, size - size // 2)
        return ((ply - size) // stride + 1) * stride

    def _boards(self, input_ids: Tensor, fen: str, start: int) -> tuple[Tensor, Tensor]:
        """boards (B, P, 90) and counters (B, P, 2) of the plies from *start* on."""
        rows = []
        for ids in input_ids.tolist():
            line: list[Position] = []
            for position in positions_of(ids[1:], fen):
                line.append(line[-1] if position is None else position)
            rows.append([position.features() for position in line[start:]])
        boards = torch.tensor([[codes for codes, _ in row] for row in rows], device=input_ids.device)
        counters = torch.tensor([[counts for _, counts in row] for row in rows], device=input_ids.device)
        return boards, counters


def _square_logits(scores: Tensor, square: Tensor, slots: Tensor) -> Tensor:
    """The logits (B, T, 90) of the next square, of the scores (B, T, M) of whole moves on the board of each token."""
    moves = torch.tensor(possible_moves(), device=scores.device)
    grid = scores.new_full((*scores.shape[:2], 90, 90), -torch.inf)
    grid[..., moves[:, 0], moves[:, 1]] = scores
    first = grid.logsumexp(-1)
    # A token of slot 0 names the square left; what it may reach is scored by the token before it.
    before = torch.cat([grid[:, :1], grid[:, :-1]], 1)
    second = before.gather(2, square[..., None, None].expand(-1, -1, 1, 90))[:, :, 0]
    second = second.masked_fill(second == -torch.inf, IMPOSSIBLE)
    return torch.where((slots == 0)[:, None], second, first)


def _mirrored(move: tuple[int, int]) -> tuple[int, int]:
    """A move with left and right exchanged."""
    origin, goal = (square // 9 * 9 + 8 - square % 9 for square in move)
    return origin, goal


def _mirrored_fen(fen: str) -> str:
    rows, *rest = fen.split()
    return " ".join(["/".join(row[::-1] for row in rows.split("/")), *rest])
