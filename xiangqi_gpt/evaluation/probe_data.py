"""What a probe learns from: the residual stream where each move is predicted, and the board there.

Letters in shapes: P positions of a game, N positions of several games, L layers of the model, W its width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.decoding.network import Features
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.context import (
    board_as_seen,
    board_features,
    check_context,
    context_start,
    from_own_view,
)
from xiangqi_gpt.model.inspection import watch_residual
from xiangqi_gpt.model.layout import Row, pack_rows, ply_root
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board

Boards = npt.NDArray[np.int8]


@dataclass(frozen=True)
class ProbeData:
    """N positions of several games."""

    streams: npt.NDArray[np.float32]  # (L + 1, N, W): the embeddings, then the stream behind each layer
    boards: Boards  # (N, 90) piece codes as the model sees the board
    changed: npt.NDArray[np.bool_]  # (N, 90) whether a square differs from the start of the game
    plies: npt.NDArray[np.int64]  # (N,) since the start of the game, 0-based
    games: npt.NDArray[np.int64]  # (N,) number of the game

    def of(self, chosen: npt.NDArray[np.bool_]) -> ProbeData:
        """The *chosen* (N,) positions."""
        return ProbeData(
            self.streams[:, chosen],
            self.boards[chosen],
            self.changed[chosen],
            self.plies[chosen],
            self.games[chosen],
        )

    @staticmethod
    def joined(parts: Sequence[ProbeData]) -> ProbeData:
        """The positions of all *parts*, in order."""
        rows = [(part.boards, part.changed, part.plies, part.games) for part in parts]
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        return ProbeData(np.concatenate([part.streams for part in parts], 1), *columns)


def can_read(config: XiangqiGPTConfig, game: GameRecord) -> bool:
    """Whether a model can be given *game*: without boards it reads games from the standard start alone."""
    return config.board != "none" or game.from_start


def longest(config: XiangqiGPTConfig, plies: int | None) -> int | None:
    """How many plies of a game are read, if at most *plies* are wanted; None for all."""
    if config.board != "none":
        return plies
    return config.context_plies if plies is None else min(plies, config.context_plies)


@torch.inference_mode()
def game_data(scorer: Scorer, game: GameRecord, *, plies: int | None = None, number: int = 0) -> ProbeData:
    """The positions before the first *plies* moves of one game, which the model can read."""
    config, tokenizer = scorer.model.config, scorer.tokenizer
    moves = game.moves[: longest(config, plies)]
    board = Board(game.start_fen, strict=False)
    check_context(config, board.root_fen, len(moves) - 1)
    features: list[Features] = []
    texts: list[list[int]] = []
    seen: list[Boards] = []
    windows: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for ply, move in enumerate(moves):
        place = (context_start(ply, config.context_plies), scorer.prefix(board.turn))
        windows.setdefault(place, []).append(ply)
        features.append(board_features(board))
        seen.append(board_as_seen(config, board))
        texts.append(list(tokenizer.encode(board, move)))
        board.push(move)
    streams = np.zeros((config.layers + 1, len(moves), config.width), np.float32)
    for (start, prefix), asked in windows.items():
        text = [token for ids in texts[start : asked[-1]] for token in ids]
        found = streams_of(scorer, prefix, text, features[start : asked[-1] + 1])
        at = [ply_root(ply - start, tokenizer.slots, len(prefix)) for ply in asked]
        streams[:, asked] = found[:, at].numpy()
    boards = np.stack(seen)
    first = Board(game.start_fen, strict=False)
    codes = np.array(first.squares, np.int8)
    before = np.stack([from_own_view(config, codes, (first.turn + ply) % 2) for ply in range(len(moves))])
    return ProbeData(
        streams, boards, boards != before, np.arange(len(moves)), np.full(len(moves), number, np.int64)
    )


@torch.inference_mode()
def streams_of(
    scorer: Scorer, prefix: Sequence[int], text: Sequence[int], boards: Sequence[Features]
) -> torch.Tensor:
    """(L + 1, T, W) of one context: condition tokens, BOS, and the tokens of plies, with the boards of *boards*."""
    rows = pack_rows(
        [Row(tuple(prefix), text, [])], scorer.tokenizer.vocab.bos_id, scorer.tokenizer.slots, scorer.device
    )
    network = scorer.network
    with watch_residual(network.model) as found:
        network.read(rows, [boards], with_logits=False)
    return torch.stack([stream[0].float().cpu() for stream in found])
