"""Every tokenizer in batches: what is learned where, conditions, legal sets, and what may depend on what."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.model.combinations import NAMES, combinations
from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.dataset.packed import NO_MOVE, pack
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import IGNORED
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import format_fen
from xiangqi_gpt.rules.move import MOVES
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens import POSSIBLE_MOVES, create_tokenizer
from xiangqi_gpt.training.batches import collate, condition_ids


def some_windows(count: int = 12, plies: int = 6) -> Windows:
    packed, _ = pack(games(24))
    chosen, first, flips = Sampler(packed=packed, plies=plies, seed=1, mirror=True).epoch(0)
    return gather_windows(packed, chosen[:count], first[:count], plies, flips[:count])


def seen_board(codes: np.ndarray, turn: int) -> Board:
    """The board that the side to move sees, as Red sees it."""
    squares = codes.tolist()
    if turn == Color.BLACK:
        squares = [0 if c == 0 else c + 7 if c < 8 else c - 7 for c in squares[::-1]]
    return Board(format_fen(squares, Color(turn), 0, 1), strict=False)


@pytest.mark.parametrize("condition", ["none", "result+strength"])
@pytest.mark.parametrize("name", NAMES)
def test_labels_spell_the_target_behind_its_own_prefix(name: str, condition: str) -> None:
    tokenizer = create_tokenizer(name, condition=condition)
    windows = some_windows()
    batch = collate(windows, tokenizer, with_boards=True)
    k, c, plies = tokenizer.slots, tokenizer.condition.length, windows.moves.shape[1]
    visible = batch.visible[0].numpy()
    slots, positions, ids = batch.slots[0].numpy(), batch.positions[0].numpy(), batch.input_ids.numpy()
    learned = 0
    for row, ply in np.argwhere(windows.targets != NO_MOVE).tolist():
        board = seen_board(windows.boards[row, ply], int(windows.turns[row, ply]))
        text = tokenizer.encode(board, MOVES[windows.targets[row, ply]])
        start = c + ply * k  # the position that predicts slot 0
        for j, token in enumerate(text):
            places = [
                i
                for i in np.flatnonzero(positions == start + j)
                if batch.labels[row, i] != IGNORED and batch.board_index[row, i] == ply
            ]
            assert len(places) == 1
            assert batch.labels[row, places[0]] == token
            seen = [i for i in np.flatnonzero(visible[places[0]]) if positions[i] > start]
            assert ids[row, seen].tolist() == list(text[:j])
            assert slots[seen].tolist() == list(range(j))
            learned += 1
    assert learned == int((batch.labels != IGNORED).sum()) > 50
    assert batch.value_index.tolist() == [c + p * k for p in range(plies)]
    assert (slots[: c + 1] == k).all()


@pytest.mark.parametrize(("name", "board", "attention"), combinations())
@torch.inference_mode()
def test_nothing_later_moves_what_predicts_a_ply(name: str, board: str, attention: str) -> None:
    """Changing the last token of ply p, and every later token and board, moves no logit that predicts ply p."""
    model = tiny(tokenizer=name, board=board, attention=attention, condition="result", legal_head=True)
    batch = collate(some_windows(4), model.tokenizer, board != "none", legal_sets=True)
    plies, k, c = 6, model.tokenizer.slots, model.tokenizer.condition.length
    before = model(**batch.model_inputs())
    generator = torch.Generator().manual_seed(0)
    for p in range(plies):
        main, at = c + plies * k, c + p * k  # at: the token that predicts the first slot of ply p
        later = torch.zeros(batch.input_ids.shape[1], dtype=torch.bool)
        later[at + k : main] = True
        later[main + (p + 1) * (k - 1) :] = True
        noise = torch.randint(3, len(model.tokenizer.vocab), batch.input_ids.shape, generator=generator)
        changes = {"input_ids": torch.where(later, noise, batch.input_ids)}
        if batch.boards is not None and batch.counters is not None:
            other, counters = batch.boards.clone(), batch.counters.clone()
            other[:, p + 1 :] = other[:, p + 1 :].roll(1, 0).flip(-1)
            counters[:, p + 1 :] += 0.25
            changes |= {"boards": other, "counters": counters}
        after = model(**dataclasses.replace(batch, **changes).model_inputs())
        mine = [*range(at, at + k), *range(main + p * (k - 1), main + (p + 1) * (k - 1))]
        assert (before.logits[:, mine] - after.logits[:, mine]).abs().max() < 1e-5
        assert (before.value_logits[:, at] - after.value_logits[:, at]).abs().max() < 1e-5
        assert (before.legal_logits[:, p] - after.legal_logits[:, p]).abs().max() < 1e-5
        if p + 1 < plies and not attention.startswith(("atrous", "local")):
            assert (before.logits[:, at + k] - after.logits[:, at + k]).abs().max() > 1e-3


def test_legal_sets_are_those_of_the_rules() -> None:
    windows = some_windows(10)
    batch = collate(windows, create_tokenizer("square"), True, legal_sets=True)
    assert batch.legal_targets is not None
    assert batch.legal_known is not None
    inside = 0
    for row in range(10):
        for ply in range(6):
            codes = windows.boards[row, ply]
            assert bool(batch.legal_known[row, ply]) == bool(codes.any())
            found = POSSIBLE_MOVES[batch.legal_targets[row, ply].numpy()].tolist()
            if codes.any():
                assert found == [m.index for m in seen_board(codes, Color.RED).legal_moves()]
                inside += 1
    assert batch.legal_plies == inside
    assert "legal_index" not in collate(windows, create_tokenizer("square"), True).model_inputs()


def test_condition_tokens() -> None:
    windows = some_windows(40)
    strengths = np.zeros((40, 2), np.int16)
    strengths[:, 0] = np.arange(40) * 100
    windows = dataclasses.replace(windows, strengths=strengths)
    tokenizer = create_tokenizer("square", condition="result+strength")
    ids = condition_ids(windows, tokenizer)
    words = np.array([[tokenizer.vocab.token(i) for i in row] for row in ids.tolist()])
    names = {1: "<red wins>", 0: "<drawn>", -1: "<black wins>", 2: "<?>"}
    assert words[:, 0].tolist() == [names[int(r)] for r in windows.results]
    assert words[[0, 1, 9, 10, 14, 26, 39], 1].tolist() == [
        f"<red {c}>" for c in ("?", "1+", "1+", "1000+", "1400+", "2600+", "2600+")
    ]
    assert set(words[:, 2]) == {"<black ?>"}
    hidden = condition_ids(windows, tokenizer, 1.0, np.random.default_rng(0))
    assert {tokenizer.vocab.token(i) for i in hidden.ravel().tolist()} == {"<?>", "<red ?>", "<black ?>"}
    # The tokens stand before the squares: their ids are where the pointer expects them.
    assert tokenizer.vocab.token(tokenizer.first_square_id) == "a0"  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"condition: expected one of none, result, .* found 'elo'"):
        create_tokenizer("square", condition="elo")
