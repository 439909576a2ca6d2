"""Tokens of results and strengths: names, classes, ids, and what a request of the side to move becomes for Red."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules import Color
from xiangqi_gpt.tokens.conditions import UNKNOWN_RESULT, UNKNOWN_STRENGTH, Condition, ConditionTokens
from xiangqi_gpt.tokens.vocab import SPECIALS, Vocab

STRENGTHS = {0: "?", 1: "1+", 999: "1+", 1000: "1000+", 1399: "1000+", 1400: "1400+", 1799: "1400+"}
STRENGTHS |= {1800: "1800+", 2199: "1800+", 2200: "2200+", 2599: "2200+", 2600: "2600+", 9999: "2600+"}


@pytest.mark.parametrize(
    ("kind", "length", "tokens"),
    [("none", 0, 0), ("result", 1, 4), ("strength", 2, 14), ("result+strength", 3, 18)],
)
def test_every_kind_has_its_tokens(kind: str, length: int, tokens: int) -> None:
    condition = ConditionTokens(kind, first_id=7)
    assert (condition.length, len(condition.tokens), len(set(condition.tokens))) == (length, tokens, tokens)
    ids = condition.ids([1, 0, -1, UNKNOWN_RESULT], [[0, 1500]] * 4)
    assert ids.shape == (4, length)
    assert ids.dtype == np.int64


@pytest.mark.parametrize("first", [0, 5, 40])
def test_ids_name_the_result_and_the_class_of_each_rating(first: int) -> None:
    condition = ConditionTokens("result+strength", first_id=first)
    names = {1: "<red wins>", 0: "<drawn>", -1: "<black wins>", UNKNOWN_RESULT: "<?>"}
    rows = [(r, a, b) for r in names for a in STRENGTHS for b in STRENGTHS]
    ids = condition.ids([r for r, _, _ in rows], [(a, b) for _, a, b in rows])
    for (result, red, black), row in zip(rows, ids, strict=True):
        assert [condition.tokens[i - first] for i in row] == [
            names[result],
            f"<red {STRENGTHS[red]}>",
            f"<black {STRENGTHS[black]}>",
        ]


def test_ids_of_the_strength_alone_begin_with_red() -> None:
    condition = ConditionTokens("strength", first_id=3)
    assert condition.ids([0], [2000, 1200]).tolist() == [
        [3 + condition.tokens.index("<red 1800+>"), 3 + condition.tokens.index("<black 1000+>")]
    ]


@pytest.mark.parametrize(
    ("result", "turn", "seen"),
    [
        ("win", Color.RED, 1),
        ("win", Color.BLACK, -1),
        ("loss", Color.RED, -1),
        ("loss", Color.BLACK, 1),
        ("draw", Color.RED, 0),
        ("draw", Color.BLACK, 0),
        (None, Color.RED, UNKNOWN_RESULT),
        (None, Color.BLACK, UNKNOWN_RESULT),
    ],
)
def test_a_request_is_turned_to_reds_point_of_view(result: Any, turn: Color, seen: int) -> None:
    assert Condition(result=result).seen_by_red(turn) == (seen, (UNKNOWN_STRENGTH, UNKNOWN_STRENGTH))
    ratings = (1700, UNKNOWN_STRENGTH) if turn is Color.RED else (UNKNOWN_STRENGTH, 1700)
    assert Condition(result=result, strength=1700).seen_by_red(turn) == (seen, ratings)


@pytest.mark.parametrize("strength", [1, 9999])
def test_the_ends_of_the_scale_are_ratings(strength: int) -> None:
    assert Condition(strength=strength).strength == strength


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"result": "won"}, "result"),
        ({"result": ""}, "result"),
        ({"strength": 0}, "strength"),
        ({"strength": -5}, "strength"),
        ({"strength": 10_000}, "strength"),
    ],
)
def test_what_cannot_be_asked_for(values: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: "):
        Condition(**values)


def test_unknown_kinds_list_the_known() -> None:
    with pytest.raises(ConfigError, match=r"none, result, strength, result\+strength, found 'elo'"):
        ConditionTokens("elo")


def test_a_vocabulary_numbers_its_tokens_after_the_special_ones() -> None:
    vocab = Vocab("abc")
    assert [vocab.token(i) for i in range(len(vocab))] == [*SPECIALS, "a", "b", "c"] == list(vocab)
    assert [vocab.id(token) for token in vocab] == list(range(6))
    assert (vocab.pad_id, vocab.bos_id, vocab.end_id) == (0, 1, 2)
    assert "a" in vocab
    assert "d" not in vocab
    for wrong in (-1, 6):
        with pytest.raises(IndexError):
            vocab.token(wrong)


def test_a_vocabulary_names_the_tokens_that_occur_twice() -> None:
    with pytest.raises(ConfigError, match=r"found twice: b, c$"):
        Vocab("abcbcd")
