from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xiangqi_gpt.cli import play_command
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.play import autosave as autosave_module
from xiangqi_gpt.play import settings as settings_module
from xiangqi_gpt.play.settings import Settings, load_settings, save_settings
from xiangqi_gpt.rules import START_FEN, ConfigError, PlayerError

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No display, settings of its own, and a folder of games for each session."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(settings_module, "settings_path", lambda: tmp_path / "config" / "play.json")
    sessions = count()
    monkeypatch.setattr(autosave_module, "games_path", lambda: tmp_path / f"games {next(sessions)}")


def run(*arguments: str, lines: str = "") -> Result:
    return CliRunner().invoke(cli, ["play", *arguments], input=lines)


def test_the_terminal_board_plays_a_scripted_game() -> None:
    result = run("--terminal", "--player", "greedy", "--seed", "1", lines="h2e2\nh0g2\nmoves\nquit\n")
    assert result.exit_code == 0, result.output
    assert "You play Red against greedy" in result.output
    assert result.output.count("greedy plays") == 2
    assert "No display" not in result.output


def test_without_a_display_it_says_so_and_plays_in_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    result = run("--player", "random", "--seed", "1")
    assert result.exit_code == 0
    assert "No display found" in result.output
    assert "You play Red" in result.output


def test_a_display_that_does_not_open_falls_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    result = run("--player", "random", "--seed", "1")
    assert result.exit_code == 0
    assert "The window cannot be opened" in result.output
    assert "You play Red" in result.output


def test_the_same_seed_gives_the_same_game() -> None:
    script = "h2e2\nh0g2\nb0c2\nmoves\n"
    outputs = [run("--terminal", "--player", "random", "--seed", seed, lines=script).output for seed in "778"]
    assert outputs[0] == outputs[1]
    assert outputs[0] != outputs[2]


def test_black_language_pieces_and_position() -> None:
    fen = "3k5/9/9/9/9/9/9/9/4R4/4K4 b - - 0 1"
    result = run(
        "--terminal", "--player", "random", "--color", "black", "--lang", "zh", "--fen", fen, lines="fen\n"
    )
    assert "你执黑方" in result.output
    assert fen in result.output
    assert "Red" not in result.output
    composed = "3k1p3/4P4/9/9/6CCR/3n4c/2Pn5/8B/5p3/4K4 w - - 0 1"
    arguments = ("--terminal", "--player", "random", "--seed", "1", "--fen", composed)
    assert run(*arguments).exit_code == 2
    result = run(*arguments, "--lenient", lines="e8d8\nfen\n")
    assert "odd position: expected the black soldier" in result.stderr
    assert result.exit_code == 0
    letters = run("--terminal", "--player", "random", "--pieces", "letters")
    assert "r  h  e  a  k" in letters.output


def test_taste_given_on_the_command_line_is_remembered() -> None:
    assert load_settings() == Settings()
    run("--terminal", "--player", "random", "--lang", "zh", "--pieces", "simplified", "--theme", "dark")
    assert load_settings() == Settings(language="zh", pieces="simplified", theme="dark")
    assert "你执红方" in run("--terminal", "--player", "random").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fen", "nonsense"), "expected 10 ranks"),
        (("--player", "stockfish"), "expected a player of gpt"),
        (("--player", "greedy:depth=3"), "expected a key of seed"),
        (("--player", "gpt:model=/no/such/folder"), "/no/such/folder"),
        (("--player", "engine:/no/such/engine"), "/no/such/engine"),
        (("--player", "greedy", "--temperature", "1"), "--temperature"),
        (("--temperature", "-1"), "temperature of at least 0"),
        (("--screenshot", "x.png", "--size", "wide"), "size such as 1180x820"),
        (("--screenshot", "x.gif"), "ending in .png"),
        (("--color", "green"), "green"),
        (("--after", "-1"), "--after"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    result = run("--terminal", *arguments, lines="quit\n")
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "Traceback" not in result.output


def test_the_opponent_chosen_last_comes_back_and_does_not_keep_the_program_from_starting() -> None:
    save_settings(Settings(opponent="greedy", rules="chinese", engines=("engine:none",)))
    assert "You play Red against greedy" in run("--terminal", lines="quit\n").output
    assert "against random" in run("--terminal", "--player", "random", lines="quit\n").output
    save_settings(Settings(opponent="engine:/no/such/engine"))
    result = run("--terminal", lines="quit\n")
    assert result.exit_code == 0, result.output
    assert " plays in place of " in result.output
    assert "You play Red against GPT" in result.output


def test_broken_settings_are_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "config" / "play.json"
    path.parent.mkdir()
    path.write_text("{")
    result = run("--terminal", "--player", "random", lines="quit\n")
    assert "The settings could not be read; they are kept as" in result.output
    assert len(list(path.parent.glob("play.json.broken-*"))) == 1


def test_a_screenshot_is_taken_without_a_display(tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    result = run(
        "--screenshot", str(path), "--after", "6", "--player", "greedy", "--seed", "2", "--size", "800x600"
    )
    assert result.exit_code == 0, result.output
    assert path.read_bytes().startswith(PNG)
    assert str(path) in result.output


def test_temperature_is_added_to_the_spec() -> None:
    assert play_command.add_temperature("gpt", 0.5) == "gpt:temperature=0.5"
    assert play_command.add_temperature("gpt:model=x", 1.0) == "gpt:model=x,temperature=1"
    with pytest.raises(ConfigError, match="greedy"):
        play_command.add_temperature("greedy", 0.5)


def test_a_level_is_added_to_the_spec() -> None:
    assert play_command.add_level("gpt", "4") == "gpt:level=improver"
    assert play_command.add_level("gpt:model=x", "adaptive") == "gpt:model=x,level=adaptive"
    assert play_command.with_lookahead("gpt:level=improver") == "gpt:level=improver"
    for spec, words in (("greedy", "--level is for the GPT"), ("gpt:level=2", "Give one of them")):
        with pytest.raises(ConfigError, match=words):
            play_command.add_level(spec, "4")
    with pytest.raises(PlayerError, match="Levels are 1 to 10"):
        play_command.add_level("gpt", "11")
    assert play_command.opponents("gpt:level=improver")[0] == "gpt:level=improver"


@pytest.mark.parametrize(
    "text", ["", "800", "800x", "x600", "800X600", "-1x5", "800x600x3", "８００x600", "1" * 9 + "x1"]
)
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a size"):
        play_command.parse_size(text)


def test_the_menu_offers_the_opponent_that_was_given() -> None:
    others = ("greedy", "random")
    assert play_command.opponents("gpt") == ("gpt", "gpt:lookahead=0.5s", *others)
    assert play_command.opponents("gpt:model=x,temperature=0.3") == (
        "gpt:model=x",
        "gpt:model=x,lookahead=0.5s",
        *others,
    )
    assert play_command.opponents("gpt:lookahead=2s,model=x") == (
        "gpt:model=x",
        "gpt:lookahead=2s,model=x",
        *others,
    )
    assert play_command.opponents("gpt:lookahead=0,model=x") == (
        "gpt:lookahead=0,model=x",
        "gpt:model=x,lookahead=0.5s",
        *others,
    )
    fish = "engine:fish,nodes=1"
    assert play_command.opponents(fish) == (fish, *play_command.opponents("greedy"))


def test_an_ascii_terminal_gets_letters_and_piped_lines_end_cleanly(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONIOENCODING": "ascii",
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "LC_ALL": "zh_CN.UTF-8",
    }
    command = [sys.executable, "-m", "xiangqi_gpt.cli.main", "play", "--terminal", "--player", "random"]
    done = subprocess.run(
        command, input=b"h2e2\nfen\n", capture_output=True, env=environment, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert b"cannot show Chinese" in done.stdout
    assert b"C  .  .  .  .  ." in done.stdout
    assert done.stdout.isascii()


def test_the_command_does_not_load_what_it_does_not_need() -> None:
    code = (
        "import sys; import xiangqi_gpt.cli.play_command, xiangqi_gpt.terminal.game;"
        "print(sorted({'torch', 'pygame', 'numpy', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


ALONE = """
import sys
from pathlib import Path
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.play import autosave, settings
autosave.games_path = lambda: Path(sys.argv[1]) / "games"
settings.settings_path = lambda: Path(sys.argv[1]) / "play.json"
cli(["play", "--terminal", "--player", "greedy", "--seed", "1"])
"""
"""A session in a process of its own that keeps its files in a folder of the test."""


def test_a_game_survives_a_kill_and_is_resumed(tmp_path: Path) -> None:
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8"
    ) as killed:
        assert killed.stdin is not None
        assert killed.stdout is not None
        killed.stdin.write("h2e2\nfen\n")
        killed.stdin.flush()
        lines = iter(killed.stdout.readline, "")
        fen = next(found for found in (re.search(r"\S+/\S+ w - - \d+ 2", line) for line in lines) if found)
        killed.kill()
    done = subprocess.run(
        command,
        input="continue\nfen\nmoves\nundo\n",
        capture_output=True,
        env=environment,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    assert "The last game, against greedy, is not finished (2 plies): continue resumes it." in done.stdout
    assert "The game goes on. Red to move" in done.stdout
    assert fen[0] in done.stdout
    assert "  1. C2=5  " in done.stdout


def test_an_offer_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autosave_module, "games_path", lambda: tmp_path / "games")
    assert "not finished" not in run("--terminal", "--player", "greedy", lines="h2e2\nquit\n").output
    second = run("--terminal", "--player", "greedy", lines="b2e2\ncontinue\nquit\n").output
    assert "is not finished" in second
    assert "There is no unfinished game." in second, "the new game has begun"
    assert len(list((tmp_path / "games").glob("*.json"))) == 2
    fen = "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"
    assert "not finished" not in run("--terminal", "--player", "greedy", "--fen", fen).output


def test_the_start_is_the_usual_one() -> None:
    assert START_FEN in run("--terminal", "--player", "random", lines="fen\n").output
