"""Frames drawn without a display, and looked at by their pixels."""

from __future__ import annotations

from dataclasses import replace

import pygame
import pytest

from tests.play.players import FirstMovePlayer, create_first
from xiangqi_gpt.gui.app import App
from xiangqi_gpt.gui.arrows import arrows_of, overlaps
from xiangqi_gpt.gui.ink import Ink
from xiangqi_gpt.gui.panel import evaluation_text, shown_lines
from xiangqi_gpt.gui.plates import captured
from xiangqi_gpt.gui.theme import THEMES
from xiangqi_gpt.gui.view import Slide
from xiangqi_gpt.gui.widgets import percent
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE, SMALLEST_SIZE, make_layout
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.settings import LOOKS, THEME_NAMES, Settings
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.play.wording import PIECE_SETS
from xiangqi_gpt.players.base import Analysis, Limit, Line, Mind, Value
from xiangqi_gpt.rules import Board, Color, Move, parse_square
from xiangqi_gpt.texts import LANGUAGES, Language


def played(plies: int, **settings: object) -> GameState:
    state = GameState(settings=Settings(**settings), player_ready=True)  # type: ignore[arg-type]
    player = FirstMovePlayer()
    for _ in range(plies):
        result = player.play(state.board, Limit())
        actions.play(state, result.move, Thought(state.board.copy(), result.analysis, result.move))
    return state


def frame(state: GameState, size: tuple[int, int] = DEFAULT_SIZE, **view: object) -> pygame.Surface:
    app = App(state, InlineThinker(create_first), pygame.Surface(size), save=lambda settings: None)
    for name, value in view.items():
        setattr(app.view, name, value)
    # The renderer itself: the app would bring what is animated and carried up to its own clock and mouse.
    canvas = app._renderer.draw(app.surface, app, app.layout)
    surface: pygame.Surface = canvas.surface
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
    state.hinted = state.tree.cursor
    for tab in ("moves", "analysis", "game"):
        frame(state, size, hover=(size[0] - 40, size[1] - 40), tab=tab)
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


def test_the_last_move_has_a_faint_disc_behind_it_and_corners_round_it() -> None:
    state = played(0)
    actions.play(state, Move.from_iccs("h2e2"))
    surface = frame(state)
    inks = THEMES["light"]
    layout = make_layout(*DEFAULT_SIZE)
    for name, marked in (("h2", False), ("e2", True), ("b2", False)):
        x, y = layout.point(parse_square(name), False)
        corner = round(0.44 * layout.u)
        assert (inks.last in colors(surface, (x + corner - 3, y - corner - 3, 7, 7))) is marked, name
    x, y = layout.point(parse_square("h2"), False)
    beside = tuple(surface.get_at((x + round(0.1 * layout.u), y + round(0.1 * layout.u))))[:3]
    assert beside not in (inks.board, inks.line)
    # The corners never touch those of a neighbouring point.
    x, y = layout.point(parse_square("e2"), False)
    assert inks.last not in colors(surface, (x + layout.u // 2 - 1, y - layout.u // 2, 2, layout.u))


@pytest.mark.parametrize("theme", THEME_NAMES)
@pytest.mark.parametrize("look", LOOKS)
def test_the_sides_differ_without_colour(look: str, theme: str) -> None:
    """Black's pieces have two rings and Red's one: counted on the way from the edge inwards, in greyscale."""
    state = played(0, look=look, theme=theme)
    grey = pygame.transform.grayscale(frame(state, (1920, 1080)))
    layout = make_layout(1920, 1080)

    def rings(name: str) -> int:
        x, y = layout.point(parse_square(name), False)
        shades = [grey.get_at((x, y - round(r * layout.u)))[0] for r in (i / 200 for i in range(60, 84))]
        middle = (max(shades) + min(shades)) / 2
        dark = [shade < middle for shade in shades]
        return sum(now and not before for before, now in zip([False, *dark], dark, strict=False))

    assert rings("d9") - rings("d0") == 1


def test_captured_pieces_are_counted_against_the_start() -> None:
    state = played(0)
    for text in ("h2e2", "a9a8", "e2e6"):
        actions.play(state, Move.from_iccs(text))
    assert captured(state, Color.RED) == [14]
    assert captured(state, Color.BLACK) == []
    actions.go_to(state, 1)
    assert captured(state, Color.RED) == []
    odd = GameState(board=Board("3k5/9/9/9/9/9/9/9/4R4/4K4 w"))
    assert captured(odd, Color.RED) == []


def test_arrows_on_one_line_are_set_apart_and_others_are_not() -> None:
    moves = [Move.from_iccs(text) for text in ("a0a1", "a0a2", "h2e2", "b0c2")]
    arrows = arrows_of([Line((move,), prob=0.2) for move in moves])
    assert [arrow.number for arrow in arrows] == [1, 2, 3, 4]
    assert [arrow.aside for arrow in arrows] == [0, 1, 0, 0]
    assert overlaps(Move.from_iccs("h2e2"), Move.from_iccs("b2g2"))
    assert not overlaps(Move.from_iccs("h2e2"), Move.from_iccs("e2e6")), "they only meet"
    faint = arrows_of([Line((moves[0],), prob=0.9), Line((moves[2],), prob=0.001)])
    assert len(faint) == 1


def test_the_value_is_shown_only_where_one_is_known() -> None:
    layout = make_layout(*DEFAULT_SIZE)
    inside = tuple(layout.value.inset(2, 2))
    empty = colors(frame(played(0)), inside)  # type: ignore[arg-type]
    assert empty == {THEMES["light"].table}
    assert THEMES["light"].side_red in colors(frame(played(4)), inside)  # type: ignore[arg-type]


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


def test_attention_and_belief_are_drawn() -> None:
    state = played(4)
    plain = frame(state)
    moves = tuple(state.board.move_stack)
    belief = list(state.board.squares)
    moved, empty = moves[-1].to_square, parse_square("e4")
    belief[moved], belief[empty] = 0, 6
    shares = ((0.1, 0.1, 0.1, 0.6),)
    state.minds[state.tree.cursor] = (state.spec, Mind(moves, (shares,), tuple(belief), (0.9,) * 90))
    for shows in ("attention", "belief"):
        state.mind.shows = shows  # type: ignore[assignment]
        shown = frame(state, tab="analysis")
        layout = make_layout(*DEFAULT_SIZE)
        assert (
            shown.subsurface(layout.board).get_buffer().raw != plain.subsurface(layout.board).get_buffer().raw
        )
    assert colors(shown, around(state, "e4")) != colors(plain, around(state, "e4"))
    assert colors(shown, around(state, "a5")) == colors(plain, around(state, "a5"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [SMALLEST_SIZE, DEFAULT_SIZE])
@pytest.mark.parametrize("shows", ["attention", "belief"])
@pytest.mark.parametrize("known", ["nothing", "attention", "all"])
def test_the_texts_of_a_mind_fit(language: Language, size: tuple[int, int], shows: str, known: str) -> None:
    state = played(6, language=language)
    state.mind.shows, state.mind.head = shows, 1  # type: ignore[assignment]
    moves = tuple(state.board.move_stack)
    if known != "nothing":
        share = tuple(1 / 7 for _ in moves)
        belief = (0,) * 90 if known == "all" else None
        found = Mind(moves, ((share,) * 8,) * 8, belief, (0.9,) * 90)
        state.minds[state.tree.cursor] = (state.spec, found)
    app = App(state, InlineThinker(create_first), pygame.Surface(size), save=lambda settings: None)
    app.view.tab = "analysis"
    app.draw(0)
    assert [text.text for text in app.canvas.texts if text.is_cut] == []


def test_what_a_search_expects_is_shown_beside_how_likely_a_move_is() -> None:
    moves = Board().legal_moves()[:6]
    values = (0.6, 0.5, None, None, None, None)
    probs = (0.1, 0.45, 0.2, 0.01, 0.0004, 0.0003)
    lines = tuple(
        Line((move,), prob=prob, value=None if value is None else Value(value, 0, 1 - value))
        for move, prob, value in zip(moves, probs, values, strict=True)
    )
    assert [evaluation_text(line) for line in lines[:3]] == ["60 %", "50 %", "20 %"]
    thought = Thought(Board(), Analysis(lines))
    assert [line.move for line in shown_lines(thought, 6)] == moves[:4], "the last two are hardly ever played"
    assert shown_lines(replace(thought, played=moves[5]), 6)[-1].move == moves[5]
    widths = [arrow.line.prob or 0 for arrow in arrows_of(lines)]
    assert widths == sorted(widths, reverse=True), "the best one has the widest arrow"
