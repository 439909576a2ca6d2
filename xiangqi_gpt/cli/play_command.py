"""`xiangqi-gpt play`: the window, or the board in the terminal."""

from __future__ import annotations

import os
import random
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.cli.position_options import board_of_fen, lenient_option
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.clock import PlayClock
from xiangqi_gpt.play.game_state import GameState, Notice
from xiangqi_gpt.play.results_of_person import ResultsOfPerson
from xiangqi_gpt.play.settings import THEME_NAMES, ThemeName, load_settings, save_settings
from xiangqi_gpt.play.wording import PIECE_SETS, PieceSet, split_temperature
from xiangqi_gpt.players import AHEAD, create_player, with_lookahead
from xiangqi_gpt.players.levels import ADAPTIVE, get_level
from xiangqi_gpt.players.player_spec import PlayerSpec
from xiangqi_gpt.rules import RULE_SETS, START_FEN, Color, ConfigError
from xiangqi_gpt.texts import LANGUAGES, Details, Language, Message

if TYPE_CHECKING:
    from xiangqi_gpt.play.thinker import Create

USUAL = ("gpt", f"gpt:{AHEAD}", "greedy", "random")
"""The opponents that the menu offers."""


@click.command("play")
@click.option("--terminal", is_flag=True, help="Play in the terminal, even if a window could be opened.")
@click.option(
    "--player",
    "spec",
    default="gpt",
    show_default=True,
    metavar="SPEC",
    help="The opponent. A GPT searches for half a second; gpt:lookahead=0 does not search.",
)
@click.option(
    "--level",
    metavar="LEVEL",
    help="Strength of the GPT: 1 to 10, novice to master, or adaptive, which follows your results.",
)
@click.option(
    "--color", type=click.Choice(["red", "black"]), default="red", show_default=True, help="Your side."
)
@click.option(
    "--fen", default=START_FEN, show_default="the standard start", help="The position to start from."
)
@lenient_option
@click.option("--pieces", type=click.Choice(list(PIECE_SETS)), help="Characters on the pieces; remembered.")
@click.option("--theme", type=click.Choice(THEME_NAMES), help="Colours of the window; remembered.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language; remembered.")
@click.option(
    "--temperature",
    type=float,
    help="0: the GPT plays its likeliest move; 1: it samples from its probabilities.",
)
@click.option("--seed", type=int, help="Random seed of the opponent.  [default: a new one for each game]")
@click.option(
    "--rules", type=click.Choice(list(RULE_SETS)), default="simple", show_default=True, help="Rule set."
)
@click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save a picture of the window to this PNG file and exit; needs no display.",
)
@click.option(
    "--after", type=click.IntRange(0), default=0, help="Plies that the opponent plays before the picture."
)
@click.option("--size", default="1180x820", show_default=True, metavar="WxH", help="Size of the picture.")
@click.option("--hint", is_flag=True, help="Show a hint in the picture.")
def command(
    terminal: bool,
    spec: str,
    level: str | None,
    color: str,
    fen: str,
    lenient: bool,
    pieces: PieceSet | None,
    theme: ThemeName | None,
    lang: Language | None,
    temperature: float | None,
    seed: int | None,
    rules: str,
    screenshot: Path | None,
    after: int,
    size: str,
    hint: bool,
) -> None:
    """Play against the GPT, or against any other player."""
    board = board_of_fen(fen, lenient=lenient)
    human = Color.RED if color == "red" else Color.BLACK
    if level is not None:
        spec = add_level(spec, level)
    if temperature is not None:
        spec = add_temperature(spec, temperature)
    base = random.SystemRandom().randrange(2**31) if seed is None else seed
    problems: list[Message] = []
    fallback = ""
    settings = load_settings(on_problem=problems.append)
    if _is_default("spec") and level is None and temperature is None and settings.opponent:
        # One that is gone by now must not keep the program from starting.
        spec, fallback = settings.opponent, spec
    if _is_default("rules"):
        rules = settings.rules
    spec = with_lookahead(spec)
    chosen = replace(
        settings,
        language=lang or settings.language,
        pieces=pieces or settings.pieces,
        theme=theme or settings.theme,
    )
    if chosen != settings and screenshot is None:
        save_settings(chosen)
    state = GameState(
        settings=chosen,
        board=board,
        humans=frozenset((human,)),
        flipped=human is Color.BLACK,
        spec=spec,
        rules=rules,
        fallback=with_lookahead(fallback) if fallback else "",
        specs=tuple(dict.fromkeys((*opponents(spec), *settings.engines))),
        outcome=board.outcome(rules),
    )
    if problems:
        state.notice = Notice(problems[0], "warn")
    if settings.clock and screenshot is None:
        state.clock = PlayClock(TimeControl.parse(settings.clock))
    state.announce = state.outcome is not None

    # Pickled to the processes of the players, so no function of this one.
    create = partial(create_player, seed=base)
    if screenshot is not None:
        from xiangqi_gpt.gui.screenshot import take_screenshot

        take_screenshot(screenshot, state, create, plies=after, size=parse_size(size), hint=hint)
        click.echo(f"Saved {screenshot}")
        return
    autosave = Autosave(results=ResultsOfPerson())
    if fen == START_FEN:
        state.offer = autosave.find_unfinished()
    if not terminal and _play_in_window(state, create, autosave):
        return
    _play_in_terminal(state, create, autosave)


def _is_default(name: str) -> bool:
    """Whether an option was left out on the command line."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.DEFAULT


def opponents(spec: str) -> tuple[str, ...]:
    """What the menu offers: the usual ones, one of them in the form given, or the one given besides."""
    bare = split_temperature(spec)[0]
    parsed = PlayerSpec.parse(bare)
    name = parsed.name
    if name == "gpt" and "level" in parsed.settings:
        return (bare, *USUAL)
    if name == "gpt":
        own = parsed.settings.get("lookahead")
        searching = with_lookahead(str(parsed.replace(lookahead=None))) if own in (None, "0") else str(parsed)
        policy = str(parsed) if own == "0" else str(parsed.replace(lookahead=None))
        return (policy, searching, *USUAL[2:])
    return tuple(bare if usual == name else usual for usual in USUAL) if name in USUAL else (bare, *USUAL)


def add_level(spec: str, level: str) -> str:
    """The spec of a GPT with its level; ConfigError for a player that has none, PlayerError for an unknown level."""
    parsed = PlayerSpec.parse(spec)
    if parsed.name != "gpt":
        raise ConfigError(f"--level is for the GPT. Leave it out with --player {spec}.")
    if "level" in parsed.settings:
        raise ConfigError(f"--player {spec} and --level both name a level. Give one of them.")
    if level.strip().lower() == ADAPTIVE:
        return str(parsed.replace(level=ADAPTIVE))
    return str(parsed.replace(level=get_level(level).key))


def add_temperature(spec: str, temperature: float) -> str:
    """The spec of a GPT with its temperature; ConfigError for a player that has none."""
    parsed = PlayerSpec.parse(spec)
    if parsed.name != "gpt":
        raise ConfigError(f"--temperature needs a gpt player, not {spec!r}.")
    if "temperature" in parsed.settings:
        raise ConfigError(f"The temperature is given twice: in --player {spec!r} and by --temperature.")
    return str(parsed.replace(temperature=float(temperature)))


def parse_size(text: str) -> tuple[int, int]:
    """ "1180x820" as two numbers; ConfigError for anything else."""
    width, _, height = text.partition("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= 5 for part in (width, height)):
        raise ConfigError(f"expected a size such as 1180x820, found {text!r}")
    return int(width), int(height)


def has_display() -> bool:
    """Whether a window can be hoped for: on Linux and the BSDs a display server must be named."""
    if sys.platform in ("win32", "darwin", "cygwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))


def _play_in_window(state: GameState, create: Create, autosave: Autosave) -> bool:
    """Play in the window; False, having said why, where there can be none."""
    if not has_display():
        _show(state, Message.of("terminal.no_display"))
        return False
    try:
        from xiangqi_gpt.gui import app
        from xiangqi_gpt.gui.display import DisplayError
    except ImportError as error:
        _tell_no_window(state, error)
        return False
    try:
        app.run(state, create, autosave=autosave)
    except DisplayError as error:
        _tell_no_window(state, error)
        return False
    return True


def _tell_no_window(state: GameState, error: Exception) -> None:
    reason = Details(str(error), Message.of("error.system"))
    _show(state, Message.of("terminal.no_window", error=reason))


def _show(state: GameState, message: Message) -> None:
    click.echo(message.text(state.language if _can_show_chinese() else "en"))


def _play_in_terminal(state: GameState, create: Create, autosave: Autosave) -> None:
    from rich.console import Console

    from xiangqi_gpt.terminal.game import TerminalGame, without_chinese

    if not _can_show_chinese():
        state.settings = without_chinese(state.settings)
        _show(state, Message.of("terminal.plain_letters"))
    # A character that the terminal lacks is a question mark there, not the end of the game.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    console = Console(highlight=False)
    interactive = sys.stdin.isatty()
    if interactive:
        with suppress(ImportError):
            import readline  # noqa: F401  (gives the prompt its line editing and history)

    def read(prompt: str) -> str | None:
        try:
            line = input(prompt)
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return None
        if not interactive:
            click.echo(line)
        return line

    TerminalGame(state, create, console, read, save=save_settings, autosave=autosave).run()


def _can_show_chinese() -> bool:
    try:
        "帥炮・".encode(cast(str, sys.stdout.encoding or "ascii"))
    except (UnicodeEncodeError, LookupError):
        return False
    return True
