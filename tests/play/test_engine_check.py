"""Engines are asked before they are added: what answers, under which name, and why another cannot be used."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import pytest

from xiangqi_gpt.play.engine_check import EngineCheck, ask_engine, plain_name
from xiangqi_gpt.play.wording import error_text, player_name
from xiangqi_gpt.players import create_player
from xiangqi_gpt.rules import PlayerError

ENGINE = Path(__file__).parents[1] / "engines" / "told_engine.py"
UCI = "uci=id name Told, the 1st = best|option name Hash type spin default 1 min 1 max 9|uciok"
UCCI = "ucci=id name Told|ucciok"


def spec(tmp_path: Path, *rules: str) -> str:
    return "engine:" + shlex.join([sys.executable, "-S", str(ENGINE), str(tmp_path / "log"), *rules]).replace(
        ",", ""
    )


def test_an_engine_gets_the_name_that_it_gives(tmp_path: Path) -> None:
    asked = spec(tmp_path, UCI)
    found = ask_engine(f"{asked},Hash=2")
    assert found == f"{asked},Hash=2,name=Told the 1st best"
    assert player_name(found, "en") == "Told the 1st best, Hash=2"
    player = create_player(found)
    player.close()
    assert player.name == "Told the 1st best"


def test_a_protocol_that_is_not_named_is_found(tmp_path: Path) -> None:
    asked = spec(tmp_path, UCCI)
    found = ask_engine(f"{asked},timeout=1")
    assert found == f"{asked},timeout=1,protocol=ucci,name=Told"
    assert player_name(found, "en") == "Told, timeout=1"


@pytest.mark.parametrize(
    ("rules", "settings", "told"),
    [
        (
            (),
            "timeout=0.5",
            ("does not answer as an engine (UCI)", "没有作为引擎应答（UCI）", "沒有作為引擎回應（UCI）"),
        ),
        ((UCI,), "Threads=2", ("has no option Threads", "没有选项 Threads", "沒有選項 Threads")),
        ((UCI,), "Hash=99", ("does not take 99 for its option Hash", "不接受 99", "不接受 99")),
        (
            ("uci=option name UCI_Variant type combo default chess var chess var shogi|uciok",),
            "timeout=9",
            ("does not play Xiangqi", "不会下象棋", "不會下象棋"),
        ),
    ],
)
def test_the_reason_is_told_in_each_language(
    tmp_path: Path, rules: tuple[str, ...], settings: str, told: tuple[str, ...]
) -> None:
    with pytest.raises(PlayerError) as caught:
        ask_engine(f"{spec(tmp_path, *rules)},{settings}")
    for language, words in zip(("en", "zh", "zh-TW"), told, strict=True):
        assert words in error_text(caught.value).text(language)  # type: ignore[arg-type]


def test_a_program_that_is_not_there_is_told_before_anything_is_started() -> None:
    with pytest.raises(PlayerError) as caught:
        EngineCheck("engine:/usr/games/nope")
    assert "找不到程序 /usr/games/nope" in error_text(caught.value).text("zh")


@pytest.mark.parametrize(("rules", "ending"), [((UCI,), ",name=Told the 1st best"), ((), "")])
def test_the_answer_comes_from_another_process(tmp_path: Path, rules: tuple[str, ...], ending: str) -> None:
    asked = spec(tmp_path, *rules) + ",timeout=20,protocol=uci" * bool(rules) + ",timeout=0.5" * (not rules)
    check = EngineCheck(asked)
    while not check.advance():
        assert not check.is_done
        time.sleep(0.01)
    assert check.is_done
    if rules:
        assert (check.spec, check.problem) == (asked.replace(",protocol=uci", "") + ending, None)
    else:
        assert check.problem is not None


def test_a_question_can_be_dropped(tmp_path: Path) -> None:
    check = EngineCheck(spec(tmp_path))
    check.close()
    assert check.is_done
    assert not check.advance()


def test_a_name_has_no_signs_of_a_spec() -> None:
    assert plain_name("  A=1,\tb\x00 ") == "A 1 b"
