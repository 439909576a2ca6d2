"""What a GPT attends to and believes, against the model itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ConfigError, ModelError, PlayerError
from xiangqi_gpt.model.board_probe import BoardProbe, fingerprint
from xiangqi_gpt.model.generation import prompt_ids, text_inputs
from xiangqi_gpt.model.inspection import watch_attention
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.base import mind_of
from xiangqi_gpt.players.gpt_mind import read_mind
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

LINE = ["h2e2", "h9g7", "h0g2", "i9h9", "i0h0"]


def played(plies: int = 5) -> Board:
    board = Board()
    for text in LINE[:plies]:
        board.push(Move.from_iccs(text))
    return board


@pytest.mark.parametrize(
    "changes",
    [{"board": "none", "context_plies": 60}, {"context_plies": 4}, {"tokenizer": "iccs", "board": "bag"}],
)
def test_the_shares_are_those_of_the_last_token(changes: dict[str, object]) -> None:
    model, board = tiny(**changes), played()
    found = read_mind(Scorer(model), board)
    with torch.no_grad(), watch_attention(model) as shares:
        model(**text_inputs(model, prompt_ids(model.tokenizer, board), board.root_fen))
    k = model.tokenizer.slots
    count = (shares[0].shape[-1] - 1) // k
    assert [move.iccs for move in found.moves] == LINE[5 - count :]
    for layer, share in enumerate(shares):
        for head in range(2):
            row = share[0, head, -1]
            expected = [float(row[1 + n * k : 1 + (n + 1) * k].sum()) for n in range(count)]
            assert found.attention[layer][head] == pytest.approx(expected, abs=1e-5)
            assert sum(found.attention[layer][head]) == pytest.approx(1 - float(row[0]), abs=1e-5)
    assert found.belief is None


def test_before_the_first_move_only_the_beginning_is_read() -> None:
    found = read_mind(Scorer(tiny(board="none", context_plies=60)), Board())
    assert (found.moves, found.attention) == ((), (((), ()), ((), ())))


def test_the_belief_is_turned_to_reds_view(tmp_path: Path) -> None:
    # A probe that reads the same from every stream: the start as the side to move sees it.
    model = tiny(board="none", context_plies=60)
    start = torch.tensor(list(Board().squares))
    bias = torch.nn.functional.one_hot(start, 15).float() * 9
    bias[0] = 0.0
    bias[0, 5] = 2.0  # less sure of the near left corner
    probe = BoardProbe(1, torch.zeros(32, 90, 15), bias, fingerprint(model))
    probe.save(tmp_path / "probe.safetensors")
    model.save_pretrained(tmp_path / "model")
    player = create_player(f"gpt:model={tmp_path / 'model'},probe={tmp_path / 'probe.safetensors'}")
    for plies, corner in ((0, 0), (1, 89)):
        found = mind_of(player, played(plies))
        assert found.belief == tuple(Board().squares)
        assert min(range(90), key=lambda square: found.sureness[square]) == corner
    player.close()
    # The probe of one model says nothing of another.
    tiny(seed=1, board="none", context_plies=60).save_pretrained(tmp_path / "other")
    with pytest.raises(ModelError, match="made for another model"):
        create_player(f"gpt:model={tmp_path / 'other'},probe={tmp_path / 'probe.safetensors'}")


def test_who_has_nothing_to_show() -> None:
    with pytest.raises(PlayerError, match="Only a GPT"):
        mind_of(create_player("random"), Board())
    with pytest.raises(ConfigError, match="must see the whole game"):
        read_mind(Scorer(tiny(board="none", context_plies=3)), played())
