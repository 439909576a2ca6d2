from __future__ import annotations

from itertools import combinations

import pytest

from xiangqi_gpt.gui.scale import FREE_MARGIN, SMALLEST_TEXT, make_scale
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE, SMALLEST_SIZE, Rect, make_layout
from xiangqi_gpt.rules import parse_square

SIZES = [SMALLEST_SIZE, DEFAULT_SIZE, (1366, 700), (800, 1200), (2560, 1440), (3840, 2160)]


def overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


@pytest.mark.parametrize("percent", [80, 100, 200])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_or_leaves_the_window(size: tuple[int, int], percent: int) -> None:
    layout = make_layout(*size, percent)
    parts = [layout.board, layout.value, *layout.plates, layout.tabs, layout.content, layout.curve]
    parts += [layout.status, layout.toolbar]
    window = Rect(0, 0, *size)
    for part in parts:
        assert part.w > 0
        assert part.h > 0
        assert window.holds(part)
    for a, b in combinations(parts, 2):
        assert not overlap(a, b), (a, b)


@pytest.mark.parametrize("percent", [80, 100, 200])
@pytest.mark.parametrize("size", SIZES)
def test_panel_text_and_lists_have_room(size: tuple[int, int], percent: int) -> None:
    layout = make_layout(*size, percent)
    assert 0.26 <= layout.toolbar.w / size[0] <= 0.301
    assert layout.scale.small >= SMALLEST_TEXT
    assert layout.visible_move_rows >= 3
    free = round(FREE_MARGIN * layout.u)
    assert layout.board.x - layout.value.right >= free
    assert layout.tabs.x - layout.board.right >= free
    assert layout.board.y - layout.plates[0].bottom >= free * 0.9
    assert layout.plates[1].y - layout.board.bottom >= free * 0.9


def test_everything_grows_with_the_window_and_with_the_taste() -> None:
    small, large = make_scale(1280, 800), make_scale(3840, 2160)
    assert large.u > 2.5 * small.u
    assert large.text > 2.5 * small.text
    assert make_scale(1920, 1080, percent=150).text > make_scale(1920, 1080).text
    assert make_scale(1920, 1080, percent=80).text < make_scale(1920, 1080).text
    assert make_scale(1920, 1080, percent=9_000) == make_scale(1920, 1080, percent=200)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_points_and_squares_agree(size: tuple[int, int], flipped: bool) -> None:
    layout = make_layout(*size)
    reach = round(0.4 * layout.u)
    for sq in range(90):
        x, y = layout.point(sq, flipped)
        for dx, dy in ((0, 0), (reach, 0), (0, -reach)):
            assert layout.square_at(x + dx, y + dy, flipped) == sq
        assert layout.square_at(x + layout.u / 2, y + layout.u / 2, flipped) is None


def test_red_is_at_the_bottom_unless_the_board_is_turned() -> None:
    layout = make_layout(*DEFAULT_SIZE)
    a0, i9 = parse_square("a0"), parse_square("i9")
    assert layout.point(a0, False) == layout.point(i9, True)
    assert layout.point(a0, False)[1] > layout.point(i9, False)[1]
    assert layout.point(a0, False)[0] < layout.point(i9, False)[0]


def test_outside_the_board_there_is_no_square() -> None:
    layout = make_layout(*DEFAULT_SIZE)
    assert layout.square_at(0, 0, False) is None
    assert layout.square_at(layout.board.right - 2, layout.board.y + 2, False) is None
    assert layout.square_at(layout.tabs.x, layout.tabs.y, False) is None


def test_cells_of_the_move_list() -> None:
    layout = make_layout(*DEFAULT_SIZE)
    first, second, third = (layout.move_cell(ply, 0, False) for ply in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.y == second.y < third.y
    assert first.x == third.x < second.x
    assert layout.move_cell(0, 1, False) is None
    begun_by_black = layout.move_cell(0, 0, True)
    assert begun_by_black == second
    assert layout.move_cell(2 * layout.visible_move_rows, 0, False) is None
