"""Exact scores: the packed tree against running every move by itself, cached against fresh."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.decoding.lines import after, random_line
from tests.model.tiny import MODES, tiny
from xiangqi_gpt.decoding import MoveScores, Scorer, SymmetricScorer, choose
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import EncodedBoards, XiangqiGPT
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens import MOVE_NUMBER, POSSIBLE_MOVES


def rerun(model: XiangqiGPT, board: Board, move: Move) -> float:
    """The score of one move by the definition: one run of the whole context and the move's own tokens, uncached."""
    tokenizer, k = model.tokenizer, model.tokenizer.slots
    start = context_start(board.ply, model.config.context_plies)
    past = Board()
    ids, boards = [tokenizer.vocab.bos_id], []
    for ply, played in enumerate([*board.move_stack, move]):
        if ply >= start:
            boards.append(board_features(past))
            ids += tokenizer.encode(past, played)
        if ply < board.ply:
            past.push(played)
    length = len(ids) - 1
    positions = torch.arange(length)[None]
    slots = (positions - 1) % k
    slots[0, 0] = k
    encoded: EncodedBoards | None = None
    if model.encoder is not None:
        encoded = model.encode_boards(
            torch.from_numpy(np.stack([b for b, _ in boards]))[None],
            torch.from_numpy(np.stack([c for _, c in boards]))[None],
        )
    output = model(
        input_ids=torch.tensor(ids[:-1])[None],
        slots=slots,
        positions=positions,
        encoded=encoded,
        board_index=positions // k,
    )
    assert output.logits is not None
    logprobs = output.logits[0].double().log_softmax(-1)
    return float(sum(logprobs[length - k + j, ids[length - k + 1 + j]] for j in range(k)))


@pytest.mark.parametrize("mode", MODES)
@torch.inference_mode()
def test_scores_equal_running_every_move_by_itself(mode: str) -> None:
    model = tiny(**MODES[mode])
    line = random_line(21)
    scorer = Scorer(model)
    for ply in range(21):
        board = after(line, ply)
        scores = scorer.score(board)
        assert list(scores.moves) == board.legal_moves()
        if ply in (0, 1, 7, 8, 20):
            expected = [rerun(model, board, move) for move in scores.moves]
            assert np.abs(scores.logprobs - expected).max() < 1e-5
        assert scores.probs.sum() == pytest.approx(1, abs=1e-12)
        assert 0 <= scores.leak <= 1
        assert scores.value.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_cached_taken_back_and_batched_equal_fresh(mode: str) -> None:
    model = tiny(**MODES[mode])
    line = random_line(27)
    fresh = [Scorer(model).score(after(line, ply)) for ply in range(27)]
    scorer = Scorer(model)
    order = [*range(14), 12, 10, 3, 26, 25, 9, 24, *range(14, 27)]
    for ply in order:
        same(scorer.score(after(line, ply)), fresh[ply])
    for ply, scores in enumerate(Scorer(model).score_line(Board(), line, batch=2)):
        same(scores, fresh[ply])


def same(a: MoveScores, b: MoveScores) -> None:
    assert a.moves == b.moves
    assert np.abs(a.logprobs - b.logprobs).max() < 1e-5
    assert np.abs(a.value - b.value).max() < 1e-5
    assert a.greedy == b.greedy


def test_a_context_can_begin_at_any_position() -> None:
    board = Board("3k5/9/9/9/9/9/9/9/4R4/4K4 b - - 3 40")
    scores = Scorer(tiny()).score(board)
    assert list(scores.moves) == board.legal_moves()
    model = tiny(**MODES["none"])
    with pytest.raises(ConfigError, match="must see the whole game: expected a game from the standard start"):
        Scorer(model).score(board)
    with pytest.raises(ConfigError, match="expected at most 59 plies, found 60"):
        Scorer(model).score(after(random_line(60), 60))


def test_no_legal_move_is_said_so() -> None:
    mate = Board("3k5/3R5/3R5/9/9/9/9/9/9/4K4 b - - 0 1")
    assert not mate.legal_moves()
    with pytest.raises(ValueError, match="There are no legal moves"):
        Scorer(tiny()).score(mate)


class Wishing:
    """Noise that makes one entry of every array by far the largest."""

    def __init__(self, from_the_end: int) -> None:
        self._from_the_end = from_the_end

    def gumbel(self, size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        noise = np.zeros(size)
        noise[-self._from_the_end] = 1e6
        return noise


@pytest.mark.parametrize("tokenizer", ["square", "move"])
def test_the_drawn_text_is_a_move_of_the_table(monkeypatch: pytest.MonkeyPatch, tokenizer: str) -> None:
    """The table ends with the possible moves, below them are the special tokens."""
    scorer, board = Scorer(tiny(tokenizer=tokenizer)), Board()
    for move in board.legal_moves()[::7]:
        wish = Wishing(len(POSSIBLE_MOVES) - int(MOVE_NUMBER[move.index]))
        monkeypatch.setattr(scorer, "_rng", wish)
        assert scorer.score(board).sampled == move
    monkeypatch.setattr(scorer, "_rng", Wishing(len(POSSIBLE_MOVES) + 1))
    assert scorer.score(board).sampled is None


def test_unmasked_words_are_judged_on_the_whole_vocabulary() -> None:
    """With one token far above all others the greedy text is that token repeated: no move at all."""
    model = tiny(move_head="pointer")
    assert model.lm_head.weight.shape[0] == len(model.tokenizer.vocab)
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.pointer_query.weight.zero_()
    board = Board()
    flat = Scorer(model).score(board)
    size = len(model.tokenizer.vocab)
    assert np.allclose(flat.logprobs, -2 * np.log(size))
    assert flat.leak == pytest.approx(1 - len(flat.moves) / size**2)
    assert flat.greedy is None
    scorer = Scorer(model)
    legal = [scorer.score(board).sampled for _ in range(300)]
    assert sum(move is not None for move in legal) <= 8  # 44 of 8649 texts: 1.5 are expected


def test_the_context_moves_by_whole_plies() -> None:
    for size in (1, 2, 3, 8, 9):
        starts = [context_start(ply, size) for ply in range(60)]
        assert starts == sorted(starts)
        for ply, start in enumerate(starts):
            assert 0 <= ply - start < size
            assert ply < size or ply - start >= size // 2 - (size == 1)


def test_features_turn_with_the_mover() -> None:
    board = Board("5k3/9/9/9/9/9/9/9/R8/4K4 w - - 30 1")
    codes, counters = board_features(board)
    assert (codes[9], codes[4], codes[86]) == (5, 1, 8)
    assert counters.tolist() == [0, 0.25]
    board = Board("4k4/8r/9/9/9/9/9/9/9/3K5 b - - 240 1", strict=False)
    codes, counters = board_features(board)
    assert board.turn == Color.BLACK
    assert (codes[9], codes[4], codes[86]) == (5, 1, 8)
    assert counters.tolist() == [1, 1]


def scores_of(board: Board, probs: dict[str, float], value: tuple[float, float, float]) -> MoveScores:
    moves = tuple(board.legal_moves())
    logs = np.log([probs.get(m.iccs, 1e-9) for m in moves])
    return MoveScores(moves=moves, logprobs=logs, value=np.array(value), greedy=None, sampled=None)


def test_temperature() -> None:
    board = Board()
    scores = scores_of(board, {"h2e2": 0.6, "b0c2": 0.3, "c3c4": 0.1}, (0.4, 0.3, 0.3))
    assert scores.moves[choose(board, scores)].iccs == "h2e2"
    rng = np.random.default_rng(0)
    drawn = [scores.moves[choose(board, scores, temperature=1.0, rng=rng)].iccs for _ in range(3000)]
    shares = {text: drawn.count(text) / 3000 for text in set(drawn)}
    assert shares == pytest.approx({"h2e2": 0.6, "b0c2": 0.3, "c3c4": 0.1}, abs=0.03)
    drawn = [scores.moves[choose(board, scores, temperature=0.5, rng=rng)].iccs for _ in range(3000)]
    assert drawn.count("h2e2") / 3000 == pytest.approx(0.36 / 0.46, abs=0.03)
    with pytest.raises(ValueError, match="needs a random generator"):
        choose(board, scores, temperature=1.0)


def test_the_guard_leaves_out_repetitions_unless_losing() -> None:
    board = Board()
    for text in ("b0c2", "b9c7", "c2b0"):
        board.push(Move.from_iccs(text))
    back = scores_of(board, {"c7b9": 0.9, "h9g7": 0.1}, (0.4, 0.4, 0.2))
    assert back.moves[choose(board, back)].iccs == "c7b9"  # too early in the game to be a shuffle
    board = Board()
    for text in ("b0c2", "b9c7", "a0b0", "a9b9", "c2a1", "c7a8", "a1c2"):
        board.push(Move.from_iccs(text))
    back = scores_of(board, {"a8c7": 0.9, "h9g7": 0.1}, (0.4, 0.4, 0.2))
    assert back.moves[choose(board, back)].iccs == "h9g7"
    assert back.moves[choose(board, back, guard=False)].iccs == "a8c7"
    losing = scores_of(board, {"a8c7": 0.9, "h9g7": 0.1}, (0.1, 0.2, 0.7))
    assert losing.moves[choose(board, losing)].iccs == "a8c7"


def test_no_board_is_encoded_twice() -> None:
    model = tiny()
    assert model.encoder is not None
    seen: list[int] = []
    handle = model.encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    line = random_line(20)
    scorer = Scorer(model, leaf_precision="float32")
    for ply in range(20):  # the window of the context moves on several times
        scorer.score(after(line, ply))
    assert seen == [1] * 20
    scorer.score_line(Board(), line)
    scorer.score_leaves([after(line, 19), after(line, 18)])
    assert seen == [1] * 20
    scorer.forget()
    SymmetricScorer(scorer).score(after(line, 1))
    assert seen == [1] * 20 + [3]  # the start is its own mirror image
    handle.remove()


def test_a_leaf_reads_the_last_move_only() -> None:
    scorer = Scorer(tiny(), leaf_precision="float32")
    line = random_line(9)
    board = after(line, 9)
    root = after(line, 8)
    short = Board(root.fen())
    short.push(line[8])
    (leaf,), exact = scorer.score_leaves([board]), scorer.score(short)
    assert np.abs(leaf.logprobs - exact.logprobs).max() < 1e-5
    assert np.abs(leaf.logprobs - scorer.score(board).logprobs).max() > 1e-5
    assert leaf.greedy is None


def test_precisions() -> None:
    exact, half = Scorer(tiny()), Scorer(tiny(), precision="bfloat16")
    one, two = exact.score(Board()), half.score(Board())
    assert exact.network.model is exact.model
    assert next(half.network.model.parameters()).dtype == torch.bfloat16
    assert next(half.model.parameters()).dtype == torch.float32
    assert 0 < np.abs(one.probs - two.probs).max() < 0.05
    with pytest.raises(
        ConfigError, match="precision: expected one of auto, float32, bfloat16, int8, found 'half'"
    ):
        Scorer(tiny(), precision="half")
