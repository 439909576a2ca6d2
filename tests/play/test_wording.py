from __future__ import annotations

import pytest

from xiangqi_gpt.notation.move_text import move_text
from xiangqi_gpt.play.wording import (
    BLACK_FILES,
    PIECE_SETS,
    RED_FILES,
    default_language,
    player_label,
    split_temperature,
    whole_percents,
    with_temperature,
)
from xiangqi_gpt.rules import Board, Move


def test_every_piece_set_has_a_glyph_for_every_code() -> None:
    for glyphs in PIECE_SETS.values():
        assert len(glyphs) == 15
        assert glyphs[0] == " "
    assert PIECE_SETS["chinese"][1] == "帥"
    assert PIECE_SETS["chinese"][8:] == "將士象馬車砲卒"
    assert PIECE_SETS["simplified"][4:7] == "马车炮"


def test_file_labels_count_from_each_players_right() -> None:
    assert RED_FILES[0] == "九"
    assert RED_FILES[8] == "一"
    assert BLACK_FILES[0] == "1"


def test_moves_are_written_for_their_readers() -> None:
    board, move = Board(), Move.from_iccs("h2e2")
    assert move_text("en", board, move) == "C2=5"
    assert move_text("zh", board, move) == "炮二平五"
    board.push(move)
    assert move_text("zh", board, Move.from_iccs("h9g7")) == "马８进７"


@pytest.mark.parametrize(
    ("shares", "percents"),
    [
        ((0.996, 0.002, 0.002), [100, 0, 0]),
        ((1 / 3, 1 / 3, 1 / 3), [34, 33, 33]),
        ((0.005, 0.005, 0.99), [1, 0, 99]),
        ((1.0, 0.0, 0.0), [100, 0, 0]),
    ],
)
def test_percents_sum_to_a_hundred(shares: tuple[float, ...], percents: list[int]) -> None:
    assert whole_percents(shares) == percents


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("gpt", "GPT"),
        ("gpt:temperature=0.5", "GPT (T=0.5)"),
        ("gpt:temperature=0.5, lookahead=500ms", "GPT 500ms (T=0.5)"),
        ("gpt:model=/some/where,seed=3", "GPT"),
        ("greedy", "greedy"),
        ("engine:/usr/games/fairy-stockfish,nodes=100", "fairy-stockfish, nodes=100"),
    ],
)
def test_players_have_short_names(spec: str, label: str) -> None:
    assert player_label(spec) == label


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("gpt", ("gpt", 0.0)),
        ("gpt:temperature=0.5", ("gpt", 0.5)),
        ("gpt:model=x,temperature=1,seed=3", ("gpt:model=x,seed=3", 1.0)),
        ("gpt:temperature=warm", ("gpt:temperature=warm", None)),
        ("engine:x,temperature=1", ("engine:x,temperature=1", None)),
    ],
)
def test_temperature_is_taken_out_of_a_spec(spec: str, parts: tuple[str, float | None]) -> None:
    assert split_temperature(spec) == parts
    if parts[1] is not None:
        assert split_temperature(with_temperature(spec, 0.7)) == (parts[0], 0.7)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_language_of_the_machine(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_language() == language
