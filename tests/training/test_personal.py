"""An adapter for one person: its data, its training, what it gains, and how it is played against."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tests.model.tiny import tiny
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ConfigError, PlayerError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.gpt_player import as_analysis
from xiangqi_gpt.records import GameRecord, write_games
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.views import mirrored_board
from xiangqi_gpt.training.personal import PersonalSettings, PersonalTrainer, games_of, measure_gain, parted

HABIT = "h2e2 h9g7 h0g2 i9h9 i0h0 g6g5 h0h6 b9c7 b0a2 h7i7 h6g6 c6c5"


def game(number: int, player: str = "Li", side: int = 0, split: str = "train") -> GameRecord:
    """A game in which the person plays by habit; the other side's first move differs."""
    moves = [Move.from_iccs(text) for text in HABIT.split()]
    names = {"Red": player, "Black": "Wu"} if side == 0 else {"Red": "Wu", "Black": player}
    return GameRecord(moves=tuple(moves[: 12 - number % 3]), split=split, tags=names, kind="human")


@pytest.fixture(scope="module")
def games() -> list[GameRecord]:
    return [game(i, side=i % 2, split="test" if i % 4 == 3 else "train") for i in range(32)]


def test_games_are_found_by_name_and_held_out_by_split(games: list[GameRecord]) -> None:
    found = games_of([*games, game(1, "Zhao")], " li ")
    assert [side for _, side in found] == [0, 1] * 16
    train, held, by_split = parted(found, 0)
    assert by_split
    assert len(train) == 24
    assert all(one.split == "test" for one, _ in held)
    few = [(game(i), 0) for i in range(20)]
    train, held, by_split = parted(few, 0)
    assert not by_split
    assert (len(train), len(held)) == (16, 4)
    with pytest.raises(
        ConfigError, match=r"No games of 'Nobody'. Most frequent players: Li \(32\), Wu \(32\)\."
    ):
        games_of(games, "Nobody")


def test_rows_hold_the_moves_as_the_model_reads_them(games: list[GameRecord]) -> None:
    """The loss of a batch is what the model itself gives to the person's moves, on the board and on its mirror."""
    model = tiny()
    trainer = PersonalTrainer(model, games_of(games, "Li"), PersonalSettings(rank=2))
    trainer.adapted.eval()
    rows = trainer._train
    for mirrored in (False, True):
        with torch.inference_mode():
            loss, count = trainer._loss(rows.batch([(0, 0, mirrored)]))
        board, wanted = Board(), 0.0
        for ply, move in enumerate(games[0].moves[:8]):
            if ply % 2 == 0:
                seen = mirrored_board(board) if mirrored else board
                scores = Scorer(trainer.model).score(seen)
                wanted -= float(scores.logprobs[scores.moves.index(move.mirrored() if mirrored else move)])
            board.push(move)
        assert count == 4
        assert float(loss) == pytest.approx(wanted, rel=1e-4)
    shifted = rows.windows(np.random.default_rng(1))
    assert {number for number, _, _ in shifted} == set(range(len(rows.games)))


def test_an_adapter_learns_a_habit_and_is_an_opponent(games: list[GameRecord], tmp_path: Path) -> None:
    before = tiny()
    before.save_pretrained(tmp_path / "base")
    write_games(tmp_path / "games.jsonl", games)
    words = [
        "personalise",
        str(tmp_path / "games.jsonl"),
        "--player",
        "Li",
        "--out",
        str(tmp_path / "li"),
        "--json",
    ]
    options = [
        "--init",
        str(tmp_path / "base"),
        "--epochs",
        "12",
        "--learning-rate",
        "0.02",
        "--threads",
        "1",
    ]
    result = CliRunner().invoke(cli, [*words, *options])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["games"] == 8
    assert found["plies"] == sum(len(g.moves[i % 2 :: 2]) for i, g in enumerate(games) if g.split == "test")
    assert found["nats_after"]["mean"] < found["nats_before"]["mean"] / 2
    assert found["top1_gain"]["low"] > 0
    assert json.loads((tmp_path / "li" / "personal.json").read_text(encoding="utf-8"))["player"] == "Li"
    player = create_player(f"gpt:adapter={tmp_path / 'li'},symmetric=false")
    chances = {line.pv[0].iccs: line.prob or 0.0 for line in player.analyse(Board()).lines}
    player.close()
    habit = [
        line.prob or 0.0
        for line in as_analysis(Scorer(before).score(Board())).lines
        if line.pv[0].iccs == "h2e2"
    ]
    assert chances["h2e2"] > 2 * habit[0]
    again = CliRunner().invoke(cli, [*words, *options])
    assert again.exit_code == 2
    with pytest.raises(PlayerError, match="leave out model or adapter"):
        create_player(f"gpt:adapter={tmp_path / 'li'},model={tmp_path / 'base'}")
    held = [one for one in games_of(games, "Li") if one[0].split == "test"]
    same = measure_gain(before, load_model(tmp_path / "base"), held)
    assert (same.top1_gain.mean, same.nats_gain.mean) == (0, 0)


def test_settings_are_checked_before_records_are_read(tmp_path: Path) -> None:
    words = ["personalise", str(tmp_path / "missing.pgn"), "--player", "Li", "--out", str(tmp_path / "li")]
    result = CliRunner().invoke(cli, [*words, "--learning-rate", "2"])
    assert "learning_rate" in result.output
    result = CliRunner().invoke(cli, [*words, "--init", str(tmp_path / "nowhere")])
    assert "nowhere" in result.output
    assert "missing.pgn" not in result.output
