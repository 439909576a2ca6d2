"""Exposure bias: in training a model reads games as they were played, at play time it reads its own moves.

There are three ways to show it other contexts, all off by default (TrainConfig): tokens replaced by random ones; plies
replaced by random legal moves; plies replaced by the model's own moves (parallel scheduled sampling, Duckworth et al.
2019, arXiv 1906.04331). A replaced ply is played on the board, so the boards after it differ from the game's, and there
are no targets for them. Nothing is learned there until the game is back on its own board (except the legal set, which
every board has).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xiangqi_gpt.dataset.legal import legal_texts
from xiangqi_gpt.dataset.packed import NO_MOVE, NO_SCORE
from xiangqi_gpt.dataset.windows import Windows
from xiangqi_gpt.rules.batch import legal_mask
from xiangqi_gpt.rules.squares import SQUARES
from xiangqi_gpt.rules.views import other_side, rotated_moves
from xiangqi_gpt.tokens import Tokenizer
from xiangqi_gpt.tokens.vocab import SPECIALS
from xiangqi_gpt.training.batches import Batch, collate
from xiangqi_gpt.training.train_config import TrainConfig

ANY_MOVE = 65535  # a proposal: any legal move, selected by the draw

Moves = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def replace_tokens(
    batch: Batch, tokenizer: Tokenizer, rows: float, tokens: float, rng: np.random.Generator
) -> Batch:
    """The batch with input tokens replaced; its labels do not change.

    A fraction *rows* of the rows is affected. In them, every token of a move, on the main line and on branches, is
    replaced with probability *tokens* by a random token of moves (possibly the same one).
    """
    if not rows or not tokens:
        return batch
    c = tokenizer.condition.length
    first = len(SPECIALS) + len(tokenizer.condition.tokens)
    shape = batch.input_ids.shape
    chosen = (rng.random((shape[0], 1)) < rows) & (rng.random(shape) < tokens)
    chosen[:, : c + 1] = False  # conditions and BOS
    drawn = rng.integers(first, len(tokenizer.vocab), shape)
    ids = torch.where(torch.from_numpy(chosen), torch.from_numpy(drawn), batch.input_ids)
    return dataclasses.replace(batch, input_ids=ids)


def deviate(windows: Windows, proposals: npt.NDArray[np.integer[Any]], draws: Floats) -> Windows:
    """Replay the windows, with *proposals* (B, P) in place of their moves if they are legal.

    A proposal is a move as Red sees it, ANY_MOVE or NO_MOVE (keep the game's). *draws* (B, P), 0..1, select among legal
    moves. If the board differs from the game's, the move is the proposal, else one that leads back to the game's next
    board, else the game's move, else any legal one. Such boards have no target move and no score.
    """
    rows, plies = windows.moves.shape
    boards, clocks = windows.boards.copy(), windows.clocks.copy()
    moves, targets, scores = windows.moves.copy(), windows.targets.copy(), windows.scores.copy()
    human = None if windows.human_moves is None else windows.human_moves.copy()
    now, clock = windows.boards[:, 0].copy(), windows.clocks[:, 0].astype(np.int64)
    every = np.arange(rows)
    over = np.zeros(rows, bool)  # the changed game has ended, by mate
    for p in range(plies):
        turns = windows.turns[:, p]
        live = (windows.moves[:, p] != NO_MOVE) & ~over
        gold = windows.boards[:, p]
        apart = live & (now != gold).any(1)
        legal = np.zeros((rows, SQUARES * SQUARES), bool)
        asked = live & (apart | (proposals[:, p] != NO_MOVE))
        legal[asked] = legal_mask(now[asked], np.zeros(int(asked.sum()), np.int8))
        over |= asked & ~legal.any(1)
        live &= ~over
        played = rotated_moves(windows.moves[:, p], turns)
        back = _way_back(now, _after(gold, played))
        drawn = _drawn(legal, draws[:, p])
        proposed = np.where(
            proposals[:, p] == ANY_MOVE, drawn, rotated_moves(proposals[:, p] % (SQUARES * SQUARES), turns)
        )
        proposed = np.where((proposals[:, p] != NO_MOVE) & legal[every, proposed], proposed, -1)
        lost = np.where(legal[every, back], back, np.where(legal[every, played], played, drawn))
        chosen = np.where(proposed >= 0, proposed, np.where(apart, lost, played))
        boards[:, p] = np.where(live[:, None], now, 0)
        clocks[:, p] = np.where(live, clock, 0)
        moves[:, p] = np.where(live, rotated_moves(chosen, turns), NO_MOVE)
        lesson = live & ~apart
        targets[:, p] = np.where(lesson, targets[:, p], NO_MOVE)
        scores[:, p] = np.where(lesson, scores[:, p], NO_SCORE)
        if human is not None:
            human[:, p] = np.where(lesson, human[:, p], NO_MOVE)
        clock = np.where(now[every, chosen % SQUARES] > 0, 0, clock + 1)
        now = other_side(_after(now, chosen))
    return dataclasses.replace(
        windows,
        boards=boards,
        clocks=clocks,
        moves=moves,
        targets=targets,
        scores=scores,
        human_moves=human,
    )


def _after(boards: npt.NDArray[np.int8], moves: Moves) -> npt.NDArray[np.int8]:
    """The boards (B, 90) after the moves (B,), still seen by the side that moved."""
    rows, after = np.arange(len(boards)), boards.copy()
    after[rows, moves % SQUARES] = boards[rows, moves // SQUARES]
    after[rows, moves // SQUARES] = 0
    return after


def _way_back(now: npt.NDArray[np.int8], wanted: npt.NDArray[np.int8]) -> Moves:
    """The move (B,) that leads from *now* to *wanted*, 0 if there is none."""
    rows = np.arange(len(now))
    differs = now != wanted
    origin = (differs & (wanted == 0)).argmax(1)
    goal = (differs & (wanted != 0)).argmax(1)
    leads = (differs.sum(1) == 2) & (wanted[rows, origin] == 0) & (wanted[rows, goal] == now[rows, origin])
    return np.where(leads & (now[rows, origin] != 0), origin * SQUARES + goal, 0)


def _drawn(legal: npt.NDArray[np.bool_], draws: Floats) -> Moves:
    """One of the legal moves (B, 8100) of each row, 0 if there is none."""
    counts = legal.sum(1)
    wanted = np.minimum((draws * counts).astype(np.int64), np.maximum(counts - 1, 0))
    return np.where(counts > 0, (legal.cumsum(1, dtype=np.int16) > wanted[:, None]).argmax(1), 0)


def sample_plies(
    model: Any, windows: Windows, tokenizer: Tokenizer, prefix: npt.NDArray[np.int64], noise: Tensor
) -> Moves:
    """The moves (B, P), as Red sees them, of :func:`sample_texts`; NO_MOVE if a text is not a legal move."""
    return _legal_moves_of(windows, tokenizer, sample_texts(model, windows, tokenizer, prefix, noise))


@torch.no_grad()
def sample_texts(
    model: Any, windows: Windows, tokenizer: Tokenizer, prefix: npt.NDArray[np.int64], noise: Tensor
) -> Moves:
    """The model's own text for every ply (B, P, slots), all at once, each after the moves in the windows.

    *noise* (B, P, slots, V) is Gumbel noise: with it the largest logit is a sample at temperature 1, over the whole
    vocabulary.
    """
    rows, plies = windows.moves.shape
    k, c = tokenizer.slots, tokenizer.condition.length
    device = next(model.parameters()).device
    batch = collate(windows, tokenizer, model.config.board != "none", prefix=prefix).to(device)
    ids = batch.input_ids.clone()
    branches = c + k * plies + torch.arange(plies, device=device) * (k - 1)
    text = torch.zeros(rows, plies, k, dtype=torch.long, device=device)
    was_training = model.training
    model.eval()
    for j in range(k):
        logits = model(**{**batch.model_inputs(), "input_ids": ids}).logits
        at = batch.value_index if j == 0 else branches + j - 1
        text[:, :, j] = (logits[:, at].float() + noise[:, :, j].to(device)).argmax(-1)
        if j < k - 1:  # the next token is sampled after this one, on the branch of its ply
            ids[:, branches + j] = text[:, :, j]
    model.train(was_training)
    texts: Moves = text.cpu().numpy()
    return texts


def _legal_moves_of(windows: Windows, tokenizer: Tokenizer, texts: Moves) -> Moves:
    """The legal moves (B, P) with the given texts (B, P, slots), NO_MOVE if a text is not a legal move."""
    known = windows.boards.any(-1)
    moves, ids = legal_texts(windows, tokenizer)
    matches = (ids == texts[known][:, None]).all(-1) & (moves != NO_MOVE)
    found = np.full(windows.moves.shape, NO_MOVE, np.int64)
    found[known] = np.where(matches.any(1), moves[np.arange(len(moves)), matches.argmax(1)], NO_MOVE)
    return found


def sampling_rate(config: TrainConfig, step: int) -> float:
    """The fraction of plies that the model plays itself at step *step*: it grows linearly over the ramp."""
    return config.sample_plies * (min(1.0, step / config.sample_ramp) if config.sample_ramp else 1.0)


def expose(
    windows: Windows,
    config: TrainConfig,
    rng: np.random.Generator,
    *,
    step: int,
    model: Any,
    tokenizer: Tokenizer,
    prefix: npt.NDArray[np.int64],
) -> Windows:
    """Windows with plies replaced according to *config* at step *step*.

    Every pass of scheduled sampling samples all plies at once after the moves of the previous pass, with the same noise
    and the same plies to replace. After as many passes as plies, the result equals that of sampling ply by ply.
    """
    rate = sampling_rate(config, step)
    if not config.replace_plies and not rate:
        return windows
    shape = windows.moves.shape
    draws = rng.random(shape)
    fixed = np.where(rng.random(shape) < config.replace_plies, ANY_MOVE, NO_MOVE)
    mixed = rng.random(shape) < rate
    current = deviate(windows, fixed, draws)
    if rate:
        noise = torch.from_numpy(
            rng.gumbel(size=(*shape, tokenizer.slots, len(tokenizer.vocab))).astype(np.float32)
        )
        for _ in range(config.sample_passes):
            drawn = sample_plies(model, current, tokenizer, prefix, noise)
            current = deviate(windows, np.where(mixed & (fixed == NO_MOVE), drawn, fixed), draws)
    return current
