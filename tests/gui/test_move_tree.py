"""Undo, redo, variations, and the offer of an unfinished game, by keys and clicks."""

from __future__ import annotations

from pathlib import Path

import pygame
import pytest

from tests.gui.desk import Desk
from tests.play.players import create_first
from xiangqi_gpt.gui.app import App
from xiangqi_gpt.gui.ink import Ink
from xiangqi_gpt.gui.move_list import MoveList, Row
from xiangqi_gpt.gui.theme import THEMES
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE, SMALLEST_SIZE, make_layout
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.game_state import GameState, SavedGame
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import Board, Color, Move, parse_square

CTRL, SHIFT = pygame.KMOD_LCTRL, pygame.KMOD_LSHIFT


@pytest.fixture
def desk() -> Desk:
    return Desk()


def played(*texts: str, fen: str = "") -> GameState:
    state = GameState(board=Board(fen) if fen else Board(), player_ready=True)
    for text in texts:
        actions.play(state, Move.from_iccs(text))
    return state


def rows(state: GameState, size: tuple[int, int] = DEFAULT_SIZE) -> list[Row]:
    return MoveList(Ink().width, Ink().wrap).rows(state, make_layout(*size))


def texts(found: list[Row]) -> list[tuple[int, str]]:
    return [(row.depth, " ".join(item.text for item in row.items)) for row in found]


@pytest.mark.parametrize(
    ("undo", "redo"),
    [
        ((pygame.K_u, 0), (pygame.K_y, 0)),
        ((pygame.K_z, CTRL), (pygame.K_z, CTRL | SHIFT)),
        ((pygame.K_z, CTRL), (pygame.K_y, CTRL)),
    ],
)
def test_keys_of_undo_and_redo(desk: Desk, undo: tuple[int, int], redo: tuple[int, int]) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    board = desk.state.board.fen()
    desk.key(*undo)
    assert desk.state.history == []
    desk.key(*redo)
    assert desk.state.board.fen() == board


def test_a_game_thrown_away_by_mistake_comes_back(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    old = [ply.move for ply in desk.state.history]
    desk.key(pygame.K_n)
    desk.key(pygame.K_RETURN)
    desk.pass_time()
    assert desk.state.history == []
    desk.button("undo")
    desk.pass_time()
    assert [ply.move for ply in desk.state.history] == old
    assert desk.state.player_ready
    desk.button("redo")
    assert desk.state.history == []


def test_the_list_shows_variations_below_the_pair_they_belong_to() -> None:
    state = played("h2e2", "h9g7", "h0g2")
    actions.go_to(state, 1)
    actions.add_variation(state, Move.from_iccs("b9c7"))
    actions.add_variation(state, Move.from_iccs("b0c2"))
    actions.go_to(state, 0)
    actions.add_variation(state, Move.from_iccs("c3c4"))
    assert texts(rows(state)) == [
        (0, "1 C2=5 H8+7"),
        (1, "1. P7+1"),
        (1, "1… H2+3 2. H8+7"),
        (0, "2 H2+3"),
    ]
    actions.go_to(state, 1)
    assert state.last_move == Move.from_iccs("c3c4"), "ply 1 of the line that is shown"
    actions.add_variation(state, Move.from_iccs("h9g7"))
    actions.go_to(state, 1)
    actions.add_variation(state, Move.from_iccs("g6g5"))
    assert texts(rows(state))[1:3] == [(1, "1. P7+1 H8+7"), (2, "1… P7+1")]


def test_comments_stand_below_and_marks_behind_their_moves() -> None:
    state = played("h2e2", "h9g7")
    state.tree.set_comment(state.tree.root, "开局")
    actions.set_comment(state, "a good reply " * 9)
    actions.set_mark(state, "!?")
    actions.go_to(state, 0)
    actions.add_variation(state, Move.from_iccs("c3c4"))
    actions.set_comment(state, "也可以")
    found = rows(state)
    assert texts(found)[:2] == [(0, "开局"), (0, "1 C2=5 H8+7!?")]
    assert [row.is_comment for row in found] == [True, False, *[True] * (len(found) - 4), False, True]
    assert texts(found)[-2:] == [(1, "1. P7+1"), (1, "也可以")]
    assert "".join(text for _, text in texts(found)[2:-2]).replace(" ", "") == "agoodreply" * 9
    Desk(state)


def test_a_game_begun_by_black_and_one_taken_back_to_its_beginning() -> None:
    state = played("h9g7", "h2e2", fen=Board().fen().replace(" w ", " b "))
    first, second = rows(state)
    assert [item.text for item in first.items] == ["1", "H8+7"]
    assert [item.text for item in second.items] == ["2", "C2=5"]
    layout = make_layout(*DEFAULT_SIZE)
    cell = layout.move_cell(0, 0, True)
    assert cell is not None
    assert first.items[1].x == cell.x - layout.move_rows.x
    state = played("h2e2")
    actions.go_to(state, 0)
    actions.play_on_from_here(state)
    assert texts(rows(state)) == [(0, "1 C2=5")]


@pytest.mark.parametrize("size", [SMALLEST_SIZE, DEFAULT_SIZE])
def test_long_variations_are_wrapped_and_stay_in_the_list(size: tuple[int, int]) -> None:
    state = played("h2e2", "h9g7")
    actions.go_to(state, 0)
    for _ in range(24):
        actions.add_variation(state, state.shown_board.legal_moves()[-1])
    found = rows(state, size)
    assert len(found) > 4
    layout = make_layout(*size)
    for row in found:
        assert all(item.x + item.w <= layout.move_rows.w for item in row.items)
    assert sum(item.node is not None for row in found for item in row.items) == 26


def test_a_click_in_a_variation_shows_it_and_the_keys_walk(desk: Desk) -> None:
    for text in ("h2e2", "h9g7"):
        actions.play(desk.state, Move.from_iccs(text))
    desk.key(pygame.K_HOME)
    desk.squares("c3", "c4")
    desk.pass_time(100)
    desk.key(pygame.K_END)
    assert desk.state.is_live
    move_list, layout = desk.app._renderer.move_list, desk.app.layout
    place = layout.list_row(1, desk.app.first_row)
    assert place is not None
    (item,) = move_list.rows(desk.state, layout)[1].items
    desk.click(place.x + item.x + 3, place.center[1])
    assert desk.state.last_move == Move.from_iccs("c3c4")
    desk.key(pygame.K_DOWN)
    assert desk.state.last_move == Move.from_iccs("h2e2")
    desk.key(pygame.K_UP)
    desk.key(pygame.K_b)
    assert [ply.move.iccs for ply in desk.state.history] == ["c3c4"]


def test_the_wheel_stops_at_both_ends(desk: Desk) -> None:
    for _ in range(80):
        actions.play(desk.state, desk.state.board.legal_moves()[0])
    desk.pass_time(100)
    shown = desk.app._renderer.panel_layout(
        desk.state, desk.app.layout
    )  # the game has ended: there is a card
    last = 40 - shown.visible_move_rows
    assert last > 0
    assert desk.app.first_row == last
    desk.mouse(pygame.MOUSEMOTION, *shown.move_rows.center)
    for up, first in ((-5, last), (3, last - 3), (999, 0), (1, 0), (-999, last)):
        desk.app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=up, x=0))
        assert desk.app.first_row == first


def offered() -> SavedGame:
    tree = GameTree()
    tree.play(Move.from_iccs("c3c4"))
    return SavedGame(tree, frozenset((Color.BLACK,)), True, "greedy", "simple")


@pytest.mark.parametrize("by_key", [True, False])
def test_an_unfinished_game_is_resumed(desk: Desk, by_key: bool) -> None:
    desk.state.offer = offered()
    desk.squares("h2", "e2")
    assert desk.state.history == [], "the card lies over the board"
    if by_key:
        desk.key(pygame.K_RETURN)
    else:
        desk.press("offer:go_on")
    assert [ply.move.iccs for ply in desk.state.history] == ["c3c4"]
    assert desk.state.flipped
    assert desk.state.offer is None


@pytest.mark.parametrize("by_key", [True, False])
def test_an_offer_is_declined(desk: Desk, by_key: bool) -> None:
    desk.state.offer = offered()
    if by_key:
        desk.key(pygame.K_ESCAPE)
    else:
        desk.press("offer:leave")
    assert desk.state.offer is None
    desk.squares("h2", "e2")
    assert len(desk.state.history) == 1


def test_every_move_is_kept_on_disk(tmp_path: Path) -> None:
    state = GameState()
    keeper = Autosave(tmp_path)
    app = App(
        state,
        InlineThinker(create_first),
        pygame.Surface(DEFAULT_SIZE),
        save=lambda settings: None,
        autosave=keeper,
    )
    actions.play(state, Move.from_iccs("h2e2"))
    for now in range(0, 2000, 100):
        app.advance(now)
    found = keeper.find_unfinished()
    assert found is not None
    assert found.tree.live.ply == 2


def test_the_piece_in_the_way_is_marked() -> None:
    state = played()
    for name in ("h0", "f1"):
        actions.click_square(state, parse_square(name))
    desk = Desk(state)
    layout = desk.app.layout
    x, y = layout.point(parse_square("g0"), False)
    corner = x - round(0.62 * layout.u), y
    for marked in (True, False):
        assert (tuple(desk.canvas.surface.get_at(corner))[:3] == THEMES["light"].warn) is marked
        desk.squares("h0")


def test_a_dropped_file_is_opened_and_a_pasted_game_shown(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "game.pgn"
    path.write_text("1. H2-E2 H9-G7 *\n", encoding="utf-8")
    desk.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(path)))
    desk.wait_until(lambda: not desk.app.view.dialogs)
    assert len(desk.state.history) == 2
    desk.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path / "none.pgn")))
    desk.wait_until(lambda: not desk.app.view.dialogs)
    assert desk.state.status()[0].startswith("Not opened: ")
    assert len(desk.state.history) == 2
    monkeypatch.setattr(pygame.scrap, "get_text", lambda: "1. C3-C4 *\n")
    desk.key(pygame.K_v, CTRL)
    desk.pass_time()
    assert [ply.move.iccs for ply in desk.state.history] == ["c3c4"]
    desk.key(pygame.K_u)
    assert len(desk.state.history) == 2
