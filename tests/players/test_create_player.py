from __future__ import annotations

import subprocess
import sys

import pytest

from xiangqi_gpt.players import Limit, PlayerError, create_player, is_deterministic, player_names
from xiangqi_gpt.rules.board import Board


def test_names() -> None:
    assert set(player_names()) == {"gpt", "random", "greedy", "engine"}
    assert create_player("random").name == "random"
    assert not is_deterministic(create_player("greedy"))


def test_seed_of_the_spec_wins() -> None:
    board = Board()

    def moves(spec: str, seed: int) -> list[str]:
        player = create_player(spec, seed=seed)
        return [player.play(board, Limit()).move.iccs for _ in range(8)]

    assert moves("random:seed=4", 1) == moves("random:seed=4", 2) == moves("random", 4)
    assert moves("random", 1) != moves("random", 2)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("stockfish", "expected a player of gpt, random, greedy, engine, found 'stockfish'"),
        ("", "expected a player of gpt"),
        ("random:colour=red", "expected a key of seed.*found 'colour'"),
        ("gpt:temprature=1", "expected a key of model, adapter, temperature, .*found 'temprature'"),
        ("gpt:temperature=hot", "expected a number for temperature.*'hot'"),
        ("gpt:temperature=nan", "expected a number for temperature.*'nan'"),
        ("gpt:temperature=-1", "temperature of at least 0"),
        ("gpt:threads=0", "at least 1 thread"),
        ("random:seed=x", "expected a whole number for seed"),
        ("random:seed", "expected key=value .*found 'seed'"),
        ("random:", "no key=value"),
        ("random:seed=1,seed=2", "'seed' once"),
        ("engine", "expected engine:COMMAND"),
        ("engine:,nodes=1", "expected engine:COMMAND"),
        ("engine:no-such-engine", "no program 'no-such-engine'"),
        ("engine:'unclosed", "command line"),
        ("engine:python,nodes=many", "expected a whole number for nodes"),
        ("engine:python,nodes=0", "nodes of at least 1"),
        ("engine:python,time=-1", "time of at least 0"),
        ("engine:python,ranks=2", "expected ranks=0-9 or ranks=1-10"),
        ("engine:python,timeout=0", "timeout above 0"),
    ],
)
def test_bad_specs_speak(spec: str, words: str) -> None:
    with pytest.raises(PlayerError, match=words):
        create_player(spec)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    script = (
        "import sys; from xiangqi_gpt.players import create_player; create_player('greedy');"
        "print([m for m in ('torch', 'numpy', 'chess', 'asyncio', 'click', 'pygame') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
