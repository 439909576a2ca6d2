"""Exposure bias: what is replaced, where it stops, and that nothing happens when it is off."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.model.tiny import tiny
from tests.training.games import games
from tests.training.test_loop import config, log
from xiangqi_gpt.dataset.packed import NO_MOVE, NO_SCORE, PackedGames, pack
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.decoding.tree import PackedTree
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model import IGNORED, XiangqiGPT
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.batch import legal_mask
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.views import rotated_moves
from xiangqi_gpt.tokens import POSSIBLE_MOVES, TOKENIZERS, TokenTrie, create_tokenizer
from xiangqi_gpt.training.batches import collate, collate_table, condition_ids
from xiangqi_gpt.training.exposure import (
    ANY_MOVE,
    deviate,
    expose,
    replace_tokens,
    sample_plies,
    sample_texts,
    sampling_rate,
)
from xiangqi_gpt.training.loop import StepReport, Trainer
from xiangqi_gpt.training.penalty import embeddings_kept, gradient_penalty
from xiangqi_gpt.training.run_state import checkpoints
from xiangqi_gpt.training.train_config import TrainConfig, changed, preset

NAMES = sorted(TOKENIZERS)


def some_windows(count: int = 12, plies: int = 6, seed: int = 1) -> Windows:
    packed, _ = pack(games(24))
    chosen, first, flips = Sampler(packed=packed, plies=plies, seed=seed, mirror=True).epoch(0)
    return gather_windows(packed, chosen[:count], first[:count], plies, flips[:count])


def equal(a: Windows, b: Windows) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(Windows))


# Tokens


def test_no_token_is_replaced_at_rate_0() -> None:
    tokenizer = create_tokenizer("square")
    batch = collate(some_windows(), tokenizer, True)
    rng = np.random.default_rng(0)
    assert replace_tokens(batch, tokenizer, 0.0, 0.3, rng) is batch
    assert replace_tokens(batch, tokenizer, 0.5, 0.0, rng) is batch


@pytest.mark.parametrize("name", ["square", "move", "chinese"])
def test_tokens_are_replaced_as_often_as_asked_and_labels_stay(name: str) -> None:
    """0.5 of the rows, 0.3 of their tokens, but for those replaced by themselves."""
    tokenizer = create_tokenizer(name, condition="result")
    batch = collate(some_windows(30), tokenizer, True)
    first = tokenizer.vocab.end_id + 1 + len(tokenizer.condition.tokens)
    candidates = torch.zeros_like(batch.input_ids, dtype=torch.bool)
    candidates[:, tokenizer.condition.length + 1 :] = True
    same = 1 / (len(tokenizer.vocab) - first)  # P[a token is drawn in its own place]
    within = (batch.input_ids >= first) & candidates
    rng = np.random.default_rng(0)
    replaced, repeats = 0, 60
    for _ in range(repeats):
        noisy = replace_tokens(batch, tokenizer, 0.5, 0.3, rng)
        differs = noisy.input_ids != batch.input_ids
        assert not differs[~candidates].any()
        assert (noisy.input_ids[differs] >= first).all()
        assert noisy.labels is batch.labels
        replaced += int((differs & within).sum())
    share = replaced / (repeats * int(within.sum()))
    # Rows are drawn as a whole: the variance is that of rows, about 0.5 * 0.5 * 0.3 ** 2 each, and more for tokens.
    spread = math.sqrt((0.25 * 0.09 / (30 * repeats)) + 0.15 * 0.85 / (repeats * int(within.sum())))
    assert abs(share - 0.15 * (1 - same)) < 4 * spread


# Plies


def test_without_proposals_the_game_is_played_as_it_was() -> None:
    windows = some_windows(40)
    nothing = np.full(windows.moves.shape, NO_MOVE)
    assert equal(deviate(windows, nothing, np.zeros(windows.moves.shape)), windows)
    assert equal(deviate(windows, windows.moves, np.zeros(windows.moves.shape)), windows)


def test_replaced_plies_are_legal_and_nothing_is_learned_until_the_game_is_back() -> None:
    windows = some_windows(60, plies=8)
    rng = np.random.default_rng(3)
    shape = windows.moves.shape
    proposals = np.where(rng.random(shape) < 0.2, ANY_MOVE, NO_MOVE)
    other = deviate(windows, proposals, rng.random(shape))
    inside = other.moves != NO_MOVE
    # Every move is legal where it is played, and the next board is the one after it.
    boards, turns = other.boards[inside], other.turns[inside]
    legal = legal_mask(boards, np.zeros(len(boards), np.int8))
    assert legal[np.arange(len(boards)), rotated_moves(other.moves[inside], turns)].all()
    for row, ply in np.argwhere(inside[:, :-1] & inside[:, 1:]).tolist():
        move = int(rotated_moves(other.moves[row, ply], other.turns[row, ply]))
        after = other.boards[row, ply].copy()
        after[move % 90], after[move // 90] = after[move // 90], 0
        after = np.where(after == 0, 0, np.where(after > 7, after - 7, after + 7))[::-1]
        assert np.array_equal(other.boards[row, ply + 1], after)
        captured = (
            windows.clocks.dtype.type(0) if other.boards[row, ply][move % 90] else other.clocks[row, ply] + 1
        )
        assert other.clocks[row, ply + 1] == captured
    # Lessons are given on the boards of the game, and there alone.
    on_game = (other.boards == windows.boards).all(-1) & inside
    assert np.array_equal(other.targets, np.where(on_game, windows.targets, NO_MOVE))
    assert np.array_equal(other.scores, np.where(on_game, windows.scores, NO_SCORE))
    assert 0.1 < (inside & ~on_game).mean() < 0.7
    assert (other.moves != windows.moves)[
        on_game
    ].any()  # the replaced ply itself still learns the game's move


def test_the_game_is_found_again_and_learned_from_again() -> None:
    """Red's rook goes a point too far; where the game brings it home, it can still come home."""
    line = [Move.from_iccs(text) for text in ["a0a1", "a9a8", "a1a0", "a8a9", "h2e2", "h7e7"]]
    packed, _ = pack([GameRecord(moves=tuple(line), split="train", result="1-0")])
    windows = gather_windows(packed, np.array([0]), np.array([0]), 6, np.array([False]))
    proposals = np.full((1, 6), NO_MOVE)
    proposals[0, 0] = Move.from_iccs("a0a2").index
    other = deviate(windows, proposals, np.zeros((1, 6)))
    assert [MOVES[m].iccs for m in other.moves[0]] == ["a0a2", "a9a8", "a2a0", "a8a9", "h2e2", "h7e7"]
    assert (other.targets[0] != NO_MOVE).tolist() == [True, False, False, True, True, True]
    assert other.targets[0, 0] == line[0].index


@pytest.mark.parametrize("plies", [1, 6])
def test_a_proposal_that_is_not_legal_is_passed_over(plies: int) -> None:
    windows = some_windows(20, plies=plies)
    wrong = np.full(windows.moves.shape, MOVES[46].index)  # a0-b5: nobody moves so
    assert equal(deviate(windows, wrong, np.zeros(windows.moves.shape)), windows)


def test_a_replaced_ply_that_mates_ends_the_window() -> None:
    board = Board("3k5/9/4R4/9/9/9/9/9/4R4/4K4 w - - 0 1")
    quiet, reply = Move.from_iccs("e7e6"), Move.from_iccs("d9d8")
    packed, _ = pack(
        [
            GameRecord(
                moves=(quiet, reply, Move.from_iccs("e6e7")),
                start_fen=board.fen(),
                split="train",
                result="1-0",
            )
        ]
    )
    windows = gather_windows(packed, np.array([0]), np.array([0]), 3, np.array([False]))
    board.push(Move.from_iccs("e7d7"))
    assert board.legal_moves() == []
    proposals = np.full((1, 3), NO_MOVE)
    proposals[0, 0] = Move.from_iccs("e7d7").index
    other = deviate(windows, proposals, np.zeros((1, 3)))
    assert [int(m) for m in other.moves[0]] == [Move.from_iccs("e7d7").index, NO_MOVE, NO_MOVE]
    assert (other.targets[0] != NO_MOVE).tolist() == [True, False, False]
    assert not other.boards[0, 1:].any()


# Scheduled sampling


def gumbel(model: XiangqiGPT, windows: Windows, seed: int = 0) -> Tensor:
    shape = (*windows.moves.shape, model.tokenizer.slots, len(model.tokenizer.vocab))
    return torch.from_numpy(np.random.default_rng(seed).gumbel(size=shape).astype(np.float32))


def shortened(windows: Windows, plies: int) -> Windows:
    fields = {f.name: getattr(windows, f.name) for f in dataclasses.fields(Windows)}
    whole = ("results", "strengths")
    return Windows(**{k: v if v is None or k in whole else v[:, :plies] for k, v in fields.items()})


@pytest.mark.parametrize("name", NAMES)
def test_all_plies_at_once_say_what_each_says_by_itself(name: str) -> None:
    """Token by token, each fed back, on a row that ends there: the same draws."""
    model = tiny(tokenizer=name, context_plies=8, condition="result")
    tokenizer, k = model.tokenizer, model.tokenizer.slots
    windows = some_windows(3, plies=4)
    noise, prefix = gumbel(model, windows), condition_ids(windows, model.tokenizer)
    texts = sample_texts(model, windows, tokenizer, prefix, noise)
    for ply in range(4):
        batch = collate(shortened(windows, ply + 1), tokenizer, True)
        inputs = batch.model_inputs()
        length = prefix.shape[1] + 1 + ply * k
        ids = batch.input_ids[:, :length]
        said: list[Tensor] = []
        for j in range(k):
            row = torch.arange(length + j)
            slots = torch.cat([batch.slots[0, :length], torch.arange(j)])
            with torch.no_grad():
                logits = model(
                    input_ids=ids,
                    slots=slots.expand(3, -1),
                    positions=row.expand(3, -1),
                    boards=inputs["boards"],
                    counters=inputs["counters"],
                    board_index=((row - prefix.shape[1]).clamp(0, ply * k) // k).expand(3, -1),
                ).logits
            said.append((logits[:, -1] + noise[:, ply, j]).argmax(-1))
            ids = torch.cat([ids, said[-1][:, None]], 1)
        assert torch.stack(said, 1).tolist() == texts[:, ply].tolist()


def lawful(**changes: Any) -> XiangqiGPT:
    """A model of whole moves that nearly always says legal ones, which ones depending on all that it reads."""
    model = tiny(tokenizer="move", context_plies=8, **changes)

    def favour(module: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        boards = kwargs["boards"]
        known = boards.any(-1)
        legal = torch.zeros(*boards.shape[:2], 2086)
        mask = legal_mask(boards[known].numpy(), np.zeros(int(known.sum()), np.int8))[:, POSSIBLE_MOVES]
        legal[known] = torch.from_numpy(mask).float()
        output.logits[..., 3:] += 30 * legal[torch.arange(len(boards))[:, None], kwargs["board_index"]]

    model.register_forward_hook(favour, with_kwargs=True)
    return model


def run_config(**changes: Any) -> TrainConfig:
    return dataclasses.replace(TrainConfig(), **changes)


def exposed(model: XiangqiGPT, windows: Windows, seed: int, **changes: Any) -> Windows:
    return expose(
        windows,
        run_config(**changes),
        np.random.default_rng(seed),
        step=0,
        model=model,
        tokenizer=model.tokenizer,
        prefix=condition_ids(windows, model.tokenizer),
    )


def test_nothing_is_sampled_at_rate_0() -> None:
    windows = some_windows()
    assert exposed(lawful(), windows, 0, sample_plies=0.0, sample_passes=5) is windows


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_as_many_passes_as_plies_are_sequential_sampling(rate: float) -> None:
    """Ply by ply, every draw behind the plies already decided, with the same noise."""
    model, windows, plies = lawful(), some_windows(10), 6
    rng = np.random.default_rng(7)
    shape = windows.moves.shape
    draws = rng.random(shape)
    rng.random(shape)
    mixed = rng.random(shape) < rate
    noise = torch.from_numpy(rng.gumbel(size=(*shape, 1, 2089)).astype(np.float32))
    decided = np.full(shape, NO_MOVE)
    current = windows
    for ply in range(plies):
        part = shortened(current, ply + 1)
        prefix = condition_ids(part, model.tokenizer)
        drawn = sample_plies(model, part, model.tokenizer, prefix, noise[:, : ply + 1])[:, ply]
        decided[:, ply] = np.where(mixed[:, ply], drawn, NO_MOVE)
        current = deviate(windows, decided, draws)
    assert (decided != NO_MOVE).sum() > 15
    assert (current.moves != windows.moves).mean() > 0.2
    results = [exposed(model, windows, 7, sample_plies=rate, sample_passes=n) for n in (1, plies, plies + 2)]
    assert equal(results[1], current)
    assert equal(results[2], current)
    assert not equal(results[0], current)


def test_the_share_of_sampled_plies_grows_over_the_ramp() -> None:
    ramp = run_config(sample_plies=0.4, sample_ramp=100)
    assert [sampling_rate(ramp, step) for step in (0, 50, 100, 900)] == pytest.approx([0, 0.2, 0.4, 0.4])
    assert sampling_rate(run_config(sample_plies=0.4), 0) == 0.4


def test_greedy_is_not_exact() -> None:
    """The post's example: the likeliest first token begins the less likely text."""
    p = {"": {"a": 0.6, "c": 0.4}, "a": {"b": 0.55, "d": 0.45}, "c": {"b": 0.1, "d": 0.9}}
    texts = {text: MOVES[i + 1] for i, text in enumerate(("ab", "ad", "cb", "cd"))}
    tree = PackedTree.of(TokenTrie(([ord(c) - 97 for c in text], move) for text, move in texts.items()))

    def row(prefix: str) -> np.ndarray:
        found = np.full(4, -np.inf)
        for token, probability in p[prefix].items():
            found[ord(token) - 97] = math.log(probability)
        return found

    rows = np.stack([row(""), row("a"), row("c")])
    moves, scores = tree.score(rows[0], rows[1:])
    best = moves[int(scores.argmax())]
    assert best == texts["cd"]
    assert np.exp(scores.max()) == pytest.approx(0.36)
    assert tree.follow(rows.argmax(1).tolist()) == texts["ab"]
    assert np.exp(scores[moves.index(texts["ab"])]) == pytest.approx(0.33)


# The gradient by the embeddings


def loss_of(model: XiangqiGPT, batch: Any) -> Tensor:
    """The loss per ply in the model's own precision, float64 here: the loop's is in float32."""
    logits = model(**batch.model_inputs()).logits
    summed = F.cross_entropy(
        logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return summed / batch.target_plies


def penalised(model: XiangqiGPT, batch: Any) -> tuple[Tensor, Tensor]:
    with embeddings_kept(model) as embeddings:
        loss = loss_of(model, batch)
        assert len(embeddings) == 1
        return loss, gradient_penalty(loss, embeddings[0])


@pytest.mark.parametrize("attention", ["full", "linear"])
def test_the_penalty_is_the_squared_gradient_by_every_occurrence(attention: str) -> None:
    model = tiny(attention=attention)
    module: torch.nn.Module = model
    module.double()
    batch = collate(some_windows(4), model.tokenizer, True)
    loss, penalty = penalised(model, batch)
    # By finite differences: nudge one occurrence of a token, not its row of the table.
    table: Any = model.tokens
    clean = table(batch.input_ids).detach()
    rng = torch.Generator().manual_seed(0)
    direction = torch.randn(clean.shape, generator=rng, dtype=torch.float64)
    values = []
    for sign in (1, -1):
        hook = table.register_forward_hook(lambda _, __, output, sign=sign: output + sign * 1e-5 * direction)
        values.append(loss_of(model, batch).item())
        hook.remove()
    with embeddings_kept(model) as embeddings:
        (gradient,) = torch.autograd.grad(loss_of(model, batch), embeddings[0])
    assert (gradient * direction).sum().item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4)
    assert penalty.item() == pytest.approx(gradient.square().sum().item(), rel=1e-6)
    (by_table,) = torch.autograd.grad(loss, table.weight)
    assert abs(by_table.square().sum().item() / penalty.item() - 1) > 0.01  # occurrences add up there


def test_the_penalty_can_be_learned_from() -> None:
    """Its own gradient by a weight, against finite differences: attention is differentiated twice."""
    model = tiny()
    module: torch.nn.Module = model
    module.double()
    batch = collate(some_windows(3), model.tokenizer, True)
    weight = model.attention_layers()[0].qkv.weight
    _, penalty = penalised(model, batch)
    (slope,) = torch.autograd.grad(penalty, weight)
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = []
    for step in (1e-5, -2e-5):
        with torch.no_grad():
            weight += step * direction
        values.append(penalised(model, batch)[1].item())
    assert (slope * direction).sum().item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-3)


# In the training loop


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    return pack(games(40))[0]


EVERYTHING: dict[str, Any] = {
    "replace_rows": 0.5,
    "replace_plies": 0.1,
    "sample_plies": 0.5,
    "sample_passes": 2,
    "gradient_penalty": 0.5,
    "condition": "result",
}


def test_all_off_is_the_plain_run(packed: PackedGames, tmp_path: Path) -> None:
    trainer = Trainer(packed, tmp_path, config(), device="cpu")
    order = trainer.loader.sampler.epoch(0)
    windows = gather_windows(packed, order[0][:8], order[1][:8], trainer.config.plies, order[2][:8])
    _, [batch] = next(trainer.loader.steps())
    plain = collate_table(windows, trainer.tokenizer)
    assert all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b
        for a, b in zip(vars(batch).values(), vars(plain).values(), strict=True)
    )


def test_a_run_with_everything_resumes_as_if_never_stopped(packed: PackedGames, tmp_path: Path) -> None:
    settings = {**EVERYTHING, "max_steps": 6}
    Trainer(packed, tmp_path / "whole", config(**settings), device="cpu").run()
    Trainer(packed, tmp_path / "parts", config(**settings), device="cpu").run(time_limit=0)
    Trainer(packed, tmp_path / "parts", config(**settings), resume=True, device="cpu").run()
    assert log(tmp_path / "whole") == log(tmp_path / "parts")
    Trainer(packed, tmp_path / "plain", config(condition="result", max_steps=6), device="cpu").run()
    assert log(tmp_path / "plain") != log(tmp_path / "whole")


@pytest.mark.parametrize("name", NAMES)
def test_every_tokenizer_trains(name: str, packed: PackedGames, tmp_path: Path) -> None:
    settings = {
        "tokenizer": name,
        "legal_head": True,
        "max_steps": 25,
        "learning_rate": 0.01,
        "warmup_steps": 3,
        "legality_weight": 0.0,
        "final_legality_weight": 0.0,
    }
    reports: list[StepReport] = []
    Trainer(packed, tmp_path, config(**settings), device="cpu").run(on_step=reports.append)
    assert reports[-1].loss < 0.9 * reports[0].loss
    legal = [report.legal_loss for report in reports]
    assert legal[0] is not None
    assert legal[-1] is not None
    assert legal[0] == pytest.approx(math.log(1 + 2046) + math.log(1 + 40), abs=0.3)
    assert legal[-1] < 0.85 * legal[0]


def test_settings_younger_than_a_run_stand_at_their_defaults(packed: PackedGames, tmp_path: Path) -> None:
    Trainer(packed, tmp_path, config(), device="cpu").run(time_limit=0)
    state = checkpoints(tmp_path)[-1] / "training.json"
    saved = json.loads(state.read_text())
    for key in ("legal_weight", "replace_rows", "sample_plies", "gradient_penalty", "condition_dropout"):
        del saved["settings"]["config"][key]
    state.write_text(json.dumps(saved))
    with pytest.raises(ConfigError, match=r"replace_rows: expected 0\.0 as in the run so far, found 0\.5"):
        Trainer(packed, tmp_path, config(replace_rows=0.5), resume=True, device="cpu")
    assert Trainer(packed, tmp_path, config(), resume=True, device="cpu").progress.step == 1


def test_a_gradient_that_is_not_finite_stops_the_run_before_it_is_saved(
    packed: PackedGames, tmp_path: Path
) -> None:
    trainer = Trainer(packed, tmp_path, config(checkpoint_every=1, max_steps=9), device="cpu")
    trainer.run(time_limit=0)
    model = trainer.model
    model.lm_head.weight.register_hook(lambda gradient: gradient * math.inf)  # the loss itself is as ever
    words = r"step 2: .* gradient norm (nan|inf)\) in the batch of windows 8 to 15; .*checkpoint-0000001$"
    with pytest.raises(ModelError, match=words):
        trainer.run()
    [kept] = checkpoints(tmp_path)
    assert kept.name == "checkpoint-0000001"
    assert all(torch.isfinite(weight).all() for weight in load_model(kept).state_dict().values())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("replace_rows=1.5", "replace_rows: expected a share from 0 to 1, found 1.5"),
        ("sample_plies=-0.1", "sample_plies: expected a share from 0 to 1"),
        ("sample_passes=0", "sample_passes: expected a whole number of at least 1, found 0"),
        ("gradient_penalty=-1", "gradient_penalty: expected a number of at least 0"),
        ("legal_weight=-1", "legal_weight: expected a number of at least 0"),
    ],
)
def test_bad_settings_are_refused(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        changed(preset("tiny"), [setting])
