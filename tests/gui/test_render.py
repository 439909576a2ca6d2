"""Frames drawn without a display, and looked at by their pixels."""

from __future__ import annotations

import pygame
import pytest

from tests.play.players import FirstMovePlayer
from xiangqi_gpt.gui.cards import chip_text
from xiangqi_gpt.gui.ink import Ink
from xiangqi_gpt.gui.panel import evaluation_text, percent, shown_lines
from xiangqi_gpt.gui.render import Renderer, Slide
from xiangqi_gpt.gui.theme import THEMES
from xiangqi_gpt.gui.window_layout import BUTTONS, DEFAULT_SIZE, SMALLEST_SIZE, make_layout, menu_layout
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.commands import COMMANDS
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.settings import THEME_NAMES, Settings
from xiangqi_gpt.play.wording import PIECE_SETS
from xiangqi_gpt.players.base import Analysis, Limit, Line
from xiangqi_gpt.rules import Board, Color, Move, parse_square
from xiangqi_gpt.texts import LANGUAGES, Language, t


def played(plies: int, **settings: object) -> GameState:
    state = GameState(settings=Settings(**settings), player_ready=True)  # type: ignore[arg-type]
    player = FirstMovePlayer()
    for _ in range(plies):
        result = player.play(state.board, Limit())
        actions.play(state, result.move, Thought(state.board.copy(), result.analysis, result.move))
    return state


def frame(state: GameState, size: tuple[int, int] = DEFAULT_SIZE, **marks: object) -> pygame.Surface:
    surface = pygame.Surface(size)
    Renderer().draw(surface, state, make_layout(*size), **marks)  # type: ignore[arg-type]
    return surface


def colors(surface: pygame.Surface, rect: tuple[int, int, int, int]) -> set[tuple[int, int, int]]:
    area = surface.subsurface(rect)
    return {tuple(area.get_at((x, y)))[:3] for x in range(area.get_width()) for y in range(area.get_height())}


def around(state: GameState, name: str, size: tuple[int, int] = DEFAULT_SIZE) -> tuple[int, int, int, int]:
    layout = make_layout(*size)
    x, y = layout.point(parse_square(name), state.flipped)
    half = layout.u // 3
    return x - half, y - half, 2 * half, 2 * half


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [SMALLEST_SIZE, DEFAULT_SIZE, (1600, 900)])
def test_every_state_can_be_drawn(size: tuple[int, int], language: Language) -> None:
    state = played(5, language=language)
    state.hint = Thought(state.board.copy(), FirstMovePlayer().analyse(state.board, Limit()))
    frame(state, size, hover=(size[0] - 40, size[1] - 40))
    actions.flip(state)
    actions.click_square(state, state.board.legal_moves()[0].from_square)
    frame(state, size)
    actions.open_menu(state)
    frame(state, size, hover=(300, 300))
    state.menu = None
    actions.go_to(state, 2)
    frame(state, size, scroll=0)
    state = GameState(board=Board("3k5/R8/9/9/9/9/9/9/4R4/4K4 w"), settings=Settings(language=language))
    actions.play(state, Move.from_iccs("e1d1"))
    assert state.announce
    frame(state, size)


@pytest.mark.parametrize("theme", THEME_NAMES)
@pytest.mark.parametrize("pieces", PIECE_SETS)
def test_pieces_have_the_colour_of_their_side(theme: str, pieces: str) -> None:
    state = played(0, theme=theme, pieces=pieces)
    surface = frame(state)
    inks = THEMES[state.settings.theme]
    assert inks.red in colors(surface, around(state, "h2"))
    assert inks.black not in colors(surface, around(state, "h2")) or theme == "contrast"
    assert inks.black in colors(surface, around(state, "h7"))
    assert inks.red not in colors(surface, around(state, "h7"))
    assert inks.face not in colors(surface, around(state, "e4")) or theme == "contrast"


def test_glyphs_are_centred_on_their_ink() -> None:
    layout = make_layout(*DEFAULT_SIZE)
    surface = frame(played(0))
    for name in ("a0", "b0", "c0", "d0", "e0", "b2", "a3"):
        x, y = layout.point(parse_square(name), False)
        half = round(0.35 * layout.u)
        red = [
            (dx, dy)
            for dx in range(-half, half)
            for dy in range(-half, half)
            if surface.get_at((x + dx, y + dy))[1] < 120 < surface.get_at((x + dx, y + dy))[0]
        ]
        middle = [(min(values) + max(values)) / 2 for values in zip(*red, strict=True)]
        assert abs(middle[0]) <= 2, name
        assert abs(middle[1]) <= 2, name


def test_the_last_move_is_marked_on_both_points() -> None:
    state = played(0)
    actions.play(state, Move.from_iccs("h2e2"))
    surface = frame(state)
    amber = THEMES["light"].last
    layout = make_layout(*DEFAULT_SIZE)
    for name, marked in (("h2", True), ("e2", True), ("b2", False)):
        x, y = layout.point(parse_square(name), False)
        corner = round(0.44 * layout.u)
        assert (amber in colors(surface, (x + corner - 3, y - corner - 3, 7, 7))) is marked, name


def test_targets_are_dots_and_captures_rings() -> None:
    state = GameState(board=Board("4k4/9/9/9/9/4p4/9/9/4R4/3K5 w"), player_ready=True)
    actions.click_square(state, parse_square("e1"))
    surface = frame(state)
    green = THEMES["light"].target
    layout = make_layout(*DEFAULT_SIZE)
    assert tuple(surface.get_at(layout.point(parse_square("e3"), False)))[:3] == green
    x, y = layout.point(parse_square("e4"), False)
    assert tuple(surface.get_at((x, y)))[:3] != green
    edge = round(0.46 * layout.u * 0.7071)
    assert green in colors(surface, (x + edge - 3, y - edge - 3, 7, 7))


def test_a_sliding_piece_is_between_its_points() -> None:
    state = played(0)
    move = Move.from_iccs("h2e2")
    actions.play(state, move)
    at_start = frame(state, slide=Slide(move, 0, 0.0))
    under_way = frame(state, slide=Slide(move, 0, 0.2))
    at_end = frame(state, slide=Slide(move, 0, 1.0))
    red = THEMES["light"].red
    assert red in colors(at_start, around(state, "h2"))
    assert red not in colors(at_start, around(state, "e2"))
    assert red not in colors(under_way, around(state, "e2"))
    assert red in colors(at_end, around(state, "e2"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [SMALLEST_SIZE, DEFAULT_SIZE, (900, 1100), (3840, 2160)])
def test_words_fit_their_places(size: tuple[int, int], language: Language) -> None:
    layout, ink, state = make_layout(*size), Ink(), played(0, language=language)
    for command, rect in zip((COMMANDS[name] for name in BUTTONS), layout.buttons, strict=True):
        keys = ink.width(command.key, max(12, layout.text - 4)) + layout.text // 2
        label = command.label.text(language)
        assert ink.width(label, layout.text) <= rect.w - keys - layout.text // 2, label
    actions.open_menu(state)
    places = menu_layout(layout, state)
    for chip in places.chips:
        assert ink.width(chip_text(state, chip.row, chip.number), layout.text) <= chip.rect.w - 6
    for name, rect in places.labels:
        assert ink.width(t(name, language), layout.text) < rect.w
    # A row of the candidates: name, detail and value side by side.
    text, width = layout.text, layout.candidates.w
    name_at = round(text * 0.9) + round(width * 0.30) + round(text * 0.8)
    assert ink.width("R1+1" if language == "en" else "前卒５平４", text) < text * 5.2
    detail_end = name_at + round(text * 5.2) + ink.width("h2h9", text)
    assert detail_end + text // 2 <= width - ink.width("<0.1 %", text)
    # The longest refusal of the rules, and the end of a game.
    longest = (
        "The soldier on i3 does not reach e9: it moves one point forward, and sideways once it has crossed"
    )
    assert not ink.wrap(longest + " the river", text, layout.status.w, 3)[-1].endswith("…")
    value = t("game.value", language, red=100, draw=100, black=100)
    assert ink.width(value, max(12, layout.text - 2)) <= layout.candidates.w


def test_long_texts_are_wrapped_and_cut() -> None:
    ink = Ink()
    english = "The elephant on g0 does not reach g4: it moves two points diagonally"
    lines = ink.wrap(english, 16, 320, 2)
    assert len(lines) == 2
    assert " ".join(lines) == english
    assert all(ink.width(line, 16) <= 320 for line in lines)
    chinese = "炮须隔一个棋子（炮架）吃子，a0 与 b0 之间有 3 个，所以这一步不合规则"
    lines = ink.wrap(chinese, 16, 320, 3)
    assert "".join(lines).replace(" ", "") == chinese.replace(" ", "")
    assert all(line[0] not in "，。：；）" for line in lines)
    cut = ink.wrap(english * 5, 16, 320, 2)
    assert len(cut) == 2
    assert cut[1].endswith("…")
    assert ink.wrap("", 16, 320, 2) == []


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.344, "34 %"), (0.0995, "10 %"), (0.034, "3.4 %"), (0.0001, "<0.1 %"), (0.0, "0 %")],
)
def test_percentages(share: float, text: str) -> None:
    assert percent(share) == text


def test_candidates_end_with_the_move_that_was_played() -> None:
    board = Board()
    moves = board.legal_moves()
    analysis = Analysis(tuple(Line((move,), prob=1 / 44) for move in moves))
    assert [line.move for line in shown_lines(Thought(board, analysis, moves[30]), 3)] == [
        moves[0],
        moves[1],
        moves[30],
    ]
    assert [line.move for line in shown_lines(Thought(board, analysis, moves[1]), 3)] == moves[:3]
    assert evaluation_text(Line((moves[0],), score_cp=-125)) == "-1.25"
    assert evaluation_text(Line((moves[0],))) == ""


def test_labels_follow_the_side_they_are_seen_from() -> None:
    red_below, black_below = played(0), played(0)
    black_below.flipped = True
    layout = make_layout(*DEFAULT_SIZE)
    strip = (layout.board.x + 3, layout.board.bottom - layout.u // 2, layout.board.w - 6, layout.u // 3)
    one, other = (frame(state).subsurface(strip) for state in (red_below, black_below))
    assert pygame.image.tobytes(one, "RGB") != pygame.image.tobytes(other, "RGB")
    assert black_below.shown_board.turn is Color.RED
