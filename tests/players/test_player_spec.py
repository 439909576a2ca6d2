"""Players as text: read, changed, written."""

from __future__ import annotations

import pytest

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.players import PlayerSpec, create_player


@pytest.mark.parametrize(
    "text",
    ["gpt", "gpt:model=a b,temperature=0.5", "engine:fairy-stockfish", "engine:a -b,nodes=100,Use NNUE=true"],
)
def test_a_text_is_read_and_written(text: str) -> None:
    assert str(PlayerSpec.parse(text)) == text


def test_spaces_do_not_matter() -> None:
    spec = PlayerSpec.parse(" gpt : model = x , lookahead=2s ")
    assert (spec.name, spec.settings) == ("gpt", {"model": "x", "lookahead": "2s"})
    assert str(spec) == "gpt:model=x,lookahead=2s"
    assert spec == PlayerSpec.parse(str(spec))
    assert hash(spec) == hash(PlayerSpec.parse(str(spec)))


def test_settings_are_replaced_added_and_removed() -> None:
    spec = PlayerSpec.parse("gpt:temperature=1,model=x")
    assert str(spec.replace(temperature=0.5)) == "gpt:temperature=0.5,model=x"
    assert str(spec.replace(lookahead="2s")) == "gpt:temperature=1,model=x,lookahead=2s"
    assert str(spec.replace(temperature=None, model=None)) == "gpt"
    assert str(spec.replace(seed=3, style=None)) == "gpt:temperature=1,model=x,seed=3"
    assert str(spec) == "gpt:temperature=1,model=x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gpt:", "no key=value after the colon of 'gpt:'"),
        ("gpt:model", "expected key=value in .* found 'model'"),
        ("gpt:model=x,model=y", "'model' once"),
        ("engine", "expected engine:COMMAND"),
        ("engine:,nodes=1", "expected engine:COMMAND"),
    ],
)
def test_what_is_no_spec_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlayerError, match=words):
        PlayerSpec.parse(text)


def test_a_player_is_made_of_a_spec() -> None:
    assert create_player(PlayerSpec("random").replace(seed=3)).name == "random"
