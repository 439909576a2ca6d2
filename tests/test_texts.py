"""The catalogue: complete in every language, every row used, every key that is used there."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import xiangqi_gpt
from xiangqi_gpt.evaluation.phases import Phase
from xiangqi_gpt.gui.view import TABS
from xiangqi_gpt.library.opening_names import DEFENCES, FIRST_MOVES, OTHER_CANNON, ROOKS
from xiangqi_gpt.play.actions import STYLES
from xiangqi_gpt.play.commands import COMMANDS, GROUPS
from xiangqi_gpt.play.handicaps import HANDICAPS
from xiangqi_gpt.play.settings import LABELS, LOOKS, THEME_NAMES
from xiangqi_gpt.play.wording import PIECE_SETS
from xiangqi_gpt.players.levels import ADAPTIVE, LEVEL_NAMES
from xiangqi_gpt.rules import RULE_SETS, Color, Piece, PieceKind, Reason
from xiangqi_gpt.texts import LANGUAGES, Details, Message, catalogue, has_text, t

PACKAGE = Path(xiangqi_gpt.__file__).parent
ROWS = catalogue()
PIECES = [f"{color}_{kind}" for color in ("red", "black") for kind in (k.name.lower() for k in PieceKind)]
FAULTS = {
    "king_missing",
    "king_doubled",
    "king_outside_palace",
    "kings_facing",
    "opponent_in_check",
    "advisor_point",
    "elephant_point",
    "pawn_behind_start",
    "pawn_off_file",
    "pawn_doubled",
    "too_many",
}
"""What can be wrong with pieces on a board; the other faults are those of a text."""
REASONS = ({reason.value for reason in Reason} - {"king_in_check"}) | {
    "before_river",
    "still_in_check",
    "into_check",
}
BUILT = {
    "side": {"red", "black"},
    "color": {"red", "black"},
    "piece": {*PIECES, "with_color"},
    "moves": {kind.name.lower() for kind in PieceKind},
    "illegal": REASONS,
    "end.why": {
        "any_repetition",
        "king_missing",
        "both_checked",
        "both_chased",
        "neither",
        "allowed",
        "both_attacked",
    },
    "end.strike": {"check", "mate", "chase"},
    "rules": set(RULE_SETS),
    "editor_fault": set(FAULTS),
    "phase": {phase.value for phase in Phase},
    "tab": set(TABS),
    "look": set(LOOKS),
    "theme": set(THEME_NAMES),
    "labels": set(LABELS),
    "handicap": set(HANDICAPS),
    "command": set(COMMANDS),
    "command_help": set(COMMANDS),
    "command_group": set(GROUPS),
    "level": {*LEVEL_NAMES, ADAPTIVE},
    "opening.red": {*FIRST_MOVES.values(), *OTHER_CANNON.values(), "opposing_pawns"},
    "opening.black": {*FIRST_MOVES.values(), *DEFENCES, "pawn_cannon"},
    "opening.rook": set(ROOKS),
}
"""Sections whose keys are built from names, and these names."""
MIXED = {"command.language", "terminal.help_moves"}
"""Rows that are not in the language of their column alone."""


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def constants() -> set[str]:
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def section(key: str) -> str:
    return key.rpartition(".")[0]


@pytest.mark.parametrize("key", ROWS)
def test_every_language_has_the_text_with_the_same_fields(key: str) -> None:
    row = ROWS[key]
    assert len(row) == len(LANGUAGES)
    assert all(text.strip() for text in row)
    # English readers are given Red's file as a digit.
    optional = {"number", "sign"} if key in {"file.red", "mistake.red_file"} else set()
    assert len({frozenset(fields(text) - optional) for text in row}) == 1


def test_every_row_is_used() -> None:
    used = constants() | {f"menu.{name}" for name in PIECE_SETS} | {key for key, _ in STYLES}
    used |= {"menu.greedy", "menu.random"}
    used |= {f"report.{name}" for name in used}
    literal = {key for key in ROWS if section(key) not in {*BUILT, "illegal_on_files"}}
    assert sorted(literal - used) == []


@pytest.mark.parametrize("name", BUILT)
def test_sections_of_built_keys_are_complete_and_hold_nothing_else(name: str) -> None:
    assert {key.removeprefix(f"{name}.") for key in ROWS if section(key) == name} == BUILT[name]


def test_a_board_with_file_numbers_knows_no_other_reasons() -> None:
    assert {key.partition(".")[2] for key in ROWS if section(key) == "illegal_on_files"} < REASONS


def test_every_key_in_the_sources_is_in_the_catalogue() -> None:
    sections = {section(key) for key in ROWS}
    keys = {text for text in constants() if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text)}
    keys = {key for key in keys if section(key) in sections and not key.endswith(".txt")}
    assert len(keys) > 50
    assert sorted(key for key in keys if not has_text(key)) == []


@pytest.mark.parametrize(("language", "encoding"), [("zh", "gb2312"), ("zh-TW", "big5")])
def test_scripts_are_not_mixed(language: str, encoding: str) -> None:
    column = LANGUAGES.index(language)  # type: ignore[arg-type]
    # Big5 lacks 俥, which stands on the pieces of the traditional set.
    wrong = {}
    for key, row in ROWS.items():
        bare = re.sub(r"\{[^}]*\}", "", row[column])
        bad = [char for char in bare if not char.isascii() and not encodable(char, encoding)]
        if bad and key not in {*MIXED, "piece.red_rook"}:
            wrong[key] = bad
    assert wrong == {}


def encodable(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


ALLOWED = {
    "UCI",
    "UCCI",
    "CECP",
    "Alt",
    "Esc",
    "FEN",
    "ICCS",
    "PGN",
    "DISPLAY",
    "continue",
    "WAYLAND_DISPLAY",
    "End",
    "help",
    "new",
    "undo",
    "quit",
    "all",
    "h2e2",
}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_english_in_the_chinese_columns(language: str) -> None:
    column = LANGUAGES.index(language)  # type: ignore[arg-type]
    for key, row in ROWS.items():
        if key not in MIXED:
            words = re.findall(r"[A-Za-z][A-Za-z_0-9]+", re.sub(r"\{[^}]*\}", "", row[column]))
            assert set(words) <= ALLOWED, key


def test_fields_are_filled_in() -> None:
    assert t("game.their_move", "en", side="Red") == "Red to move"
    assert t("game.their_move", "zh", side="红方") == "轮到红方走"
    assert t("mistake.better", "zh-TW", move="炮二平五") == "應走 炮二平五"


def test_messages_in_messages_follow_the_language() -> None:
    message = Message.of("game.check", side=Color.BLACK)
    assert [message.text(language) for language in LANGUAGES] == [
        "將! Black is in check",
        "将军！黑方被将军",
        "將軍！黑方被將軍",
    ]
    horse = Piece(PieceKind.HORSE, Color.RED).message_with_color
    assert [horse.text(language) for language in LANGUAGES] == ["red horse", "红方的马", "紅方的傌"]


def test_english_details_stay_out_of_other_languages() -> None:
    error = Details("it died", Message.of("error.player"))
    message = Message.of("game.player_failed", error=error)
    assert message.text("en") == "The opponent failed: it died"
    assert "died" not in message.text("zh")


def test_a_key_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        t("game.nothing", "en")
    with pytest.raises(KeyError):
        t("game.check", "en")
