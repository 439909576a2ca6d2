"""A look into a GPT: what its heads attend to, and the board that a probe reads off it."""

from __future__ import annotations

import numpy as np
import torch

from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.model.board_probe import BoardProbe
from xiangqi_gpt.model.context import check_context, context_start, from_own_view, is_turned
from xiangqi_gpt.model.inspection import watch_attention, watch_residual
from xiangqi_gpt.model.layout import Row, pack_rows
from xiangqi_gpt.players.base import Mind
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.views import HALF_TURN


@torch.inference_mode()
def read_mind(scorer: Scorer, board: Board, probe: BoardProbe | None = None) -> Mind:
    """What the model of *scorer* attends to and believes where the next move of *board* is predicted.

    Raises:
        ConfigError: a model without boards that cannot see the whole game.
    """
    config, tokenizer = scorer.model.config, scorer.tokenizer
    check_context(config, board.root_fen, board.ply)
    text, boards = scorer.window(board, context_start(board.ply, config.context_plies))
    prefix, k = scorer.prefix(board.turn), tokenizer.slots
    rows = pack_rows([Row(prefix, text, [])], tokenizer.vocab.bos_id, k, scorer.device)
    model = scorer.network.model
    with watch_residual(model) as streams, watch_attention(model) as shares:
        scorer.network.read(rows, [boards], with_logits=False)
    first, count = len(prefix) + 1, len(text) // k
    # The last token is the one that predicts the move; what it reads of a move is what it reads of the move's tokens.
    read = torch.stack([share[0, :, -1, first:].unflatten(-1, (count, k)).sum(-1) for share in shares])
    belief: tuple[int, ...] | None = None
    sureness: tuple[float, ...] = ()
    if probe is not None:
        best = probe.logprobs(streams[probe.layer][0, -1:].cpu())[0].max(-1)
        codes = best.indices.numpy().astype(np.int8)
        chances = best.values.exp().numpy()
        if is_turned(config, board.turn):
            chances = chances[HALF_TURN]
        belief = tuple(from_own_view(config, codes, board.turn).tolist())
        sureness = tuple(chances.tolist())
    return Mind(
        moves=tuple(board.move_stack[board.ply - count :]),
        attention=tuple(tuple(map(tuple, layer)) for layer in read.tolist()),
        belief=belief,
        sureness=sureness,
    )
