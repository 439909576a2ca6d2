"""What a GPT attends to and believes: a list in the panel, arrows and marks on the board."""

from __future__ import annotations

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.arrows import ArrowArt
from xiangqi_gpt.gui.bar_rows import bar_row
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import faded, stamp
from xiangqi_gpt.gui.sprites import Sprites
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import percent
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play import mind
from xiangqi_gpt.play.commands import COMMANDS
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.players.base import Line
from xiangqi_gpt.rules import Piece
from xiangqi_gpt.rules.squares import SQUARE_NAMES

_FAINT = 0.55  # of a piece that is only believed in
_MAKE_PROBE = "xiangqi-gpt probe RECORDS --out DIR"
_USE_PROBE = "--player gpt:probe=DIR/probe.safetensors"


def draw_mind_panel(canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
    """The list of the view that is on."""
    found = mind.mind(state)
    if found is None:
        canvas.paragraph(rect, canvas.t("window.mind_waits"), color=canvas.theme.secondary_text, lines=3)
    elif state.mind.shows == "attention":
        _attention(canvas, state, rect, front)
    else:
        _belief(canvas, state, rect)


def draw_mind_board(
    canvas: Canvas, state: GameState, layout: Layout, sprites: Sprites, arrows: ArrowArt
) -> None:
    """Arrows of the moves that are attended to most, or marks where the belief differs from the board.

    A believed piece is faint; a ring alone stands around a piece that is believed to be gone.
    """
    if state.mind.shows == "attention":
        lines = [Line((ply.move,), prob=share) for ply, share in mind.attended(state)]
        arrows.draw(canvas, layout, lines, state.flipped)
        return
    for square, code in mind.differences(state) or ():
        place = layout.point(square, state.flipped)
        if code:
            stamp(canvas.surface, faded(sprites.piece(code), _FAINT), *place)
        stamp(canvas.surface, sprites.mark("premove"), *place)


def _attention(canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
    theme, scale, row = canvas.theme, canvas.scale, canvas.scale.row
    found = mind.mind(state)
    assert found is not None
    layer, heads, head = mind.shown_layer(state.mind, found), len(found.attention[0]), state.mind.head
    who = canvas.t("window.all_heads", heads=heads)
    if head is not None:
        who = canvas.t("window.one_head", number=head + 1, heads=heads)
    title = canvas.t("window.attention", layer=layer + 1, layers=len(found.attention), head=who)
    used = canvas.paragraph(rect, title, size=scale.small, color=theme.secondary_text, lines=2)
    gap = max(3, scale.text // 3)
    buttons = Rect(rect.x, rect.y + used + gap, rect.w, scale.button)
    for place, name in zip(buttons.columns(2, gap), ("next_layer", "next_head"), strict=True):
        command = COMMANDS[name]
        widgets.button(
            canvas,
            place,
            command.label.text(canvas.language),
            lambda name=name: front.press(name),  # type: ignore[misc]
            is_enabled=command.enabled(state),
            tip=command.tooltip(canvas.language),
            name=f"command:{name}",
        )
    attended = mind.attended(state)
    rows = [(ply.text(canvas.language), share, ply.move.iccs) for ply, share in attended]
    rest = max(0.0, 1.0 - sum(share for _, share in attended))
    y, bottom = buttons.bottom + gap, rect.bottom - row
    for text, share, detail in rows:
        if y + row > bottom:
            break
        bar_row(canvas, Rect(rect.x, y, rect.w, row), share, theme.arrow, percent(share), text, detail)
        y += row
    place = Rect(rect.x, y, rect.w, row)
    bar_row(canvas, place, rest, theme.divider, percent(rest), canvas.t("window.beginning"), "")


def _belief(canvas: Canvas, state: GameState, rect: Rect) -> None:
    theme, row = canvas.theme, canvas.scale.row
    wrong = mind.differences(state)
    if wrong is None:
        text = canvas.t("window.no_probe", command=_MAKE_PROBE, option=_USE_PROBE)
        canvas.paragraph(rect, text, color=theme.secondary_text, lines=8)
        return
    key = "window.belief_wrong" if wrong else "window.belief_right"
    used = canvas.paragraph(rect, canvas.t(key, count=len(wrong)), color=theme.secondary_text, lines=2)
    squares, y = state.shown_board.squares, rect.y + used
    for square, code in wrong:
        if y + row > rect.bottom:
            break
        text = canvas.t(
            "window.believes",
            point=SQUARE_NAMES[square],
            believed=_content(canvas, code),
            truth=_content(canvas, squares[square]),
        )
        canvas.text(Rect(rect.x, y, rect.w, row), text, size=canvas.scale.small)
        y += row


def _content(canvas: Canvas, code: int) -> str:
    if not code:
        return canvas.t("window.nothing")
    return Piece.from_code(code).message_with_color.text(canvas.language)
