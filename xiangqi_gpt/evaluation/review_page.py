"""A review as one HTML page: board, curve, moves to click through, mistakes as diagrams. It needs no network, and it
can be printed: diagrams, moves and tables are in the page itself, scripts only move the large board.
"""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from pathlib import Path

from xiangqi_gpt.evaluation.phases import Phase
from xiangqi_gpt.evaluation.review import Reviewed, tallies
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.library.opening_names import name_opening
from xiangqi_gpt.notation.move_text import MoveText, move_text
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import SYMBOLS, Color
from xiangqi_gpt.safe_json import format_json
from xiangqi_gpt.texts import Language, t

_TEMPLATE = Path(__file__).with_name("review_page.html")
_HTML_LANGUAGES = {"en": "en", "zh": "zh-CN", "zh-TW": "zh-TW"}
_PIECES = {"zh": " 帅仕相马车炮兵将士象马车炮卒", "zh-TW": " 帥仕相傌俥炮兵將士象馬車砲卒"}
_MARK_CLASSES = {"": "", "?!": "m1", "?": "m2", "??": "m3"}
_WIDTH, _HEIGHT = 1000, 180  # of the curve
_SHOWN_PLIES = 5  # of a better line


def write_page(
    path: Path,
    game: GameRecord,
    reviewed: Sequence[Reviewed],
    *,
    reviewer: str,
    language: Language = "en",
    force: bool = False,
) -> None:
    """Write the page of a review.

    Raises:
        FileError: the name is taken, or the disk refuses to be written to.
    """
    with atomic_path(path, overwrite=force) as draft:
        draft.write_text(page(game, reviewed, reviewer=reviewer, language=language), encoding="utf-8")


def page(game: GameRecord, reviewed: Sequence[Reviewed], *, reviewer: str, language: Language = "en") -> str:
    """The page as text."""
    names = [game.tags.get(side, "") or t(f"side.{side.lower()}", language) for side in ("Red", "Black")]
    opening = name_opening(game.moves, game.start_fen)
    parts = [game.tags.get("Event", ""), game.tags.get("Date", ""), game.result.replace("*", "")]
    parts.append("" if opening is None else opening.message.text(language))
    subtitle = " · ".join([*filter(None, parts), t("report.reviewer", language, name=reviewer)])
    font = resource_path("assets/fonts/XiangqiPieces-Bold.otf").read_bytes()
    filled = {
        "lang": _HTML_LANGUAGES[language],
        "title": html.escape(f"{names[0]} – {names[1]}"),
        "subtitle": html.escape(subtitle),
        "font": base64.b64encode(font).decode(),
        "symbols": _symbols(language),
        "board": _board('<g id="pieces"></g>', names="board main"),
        "moves_title": t("report.moves", language),
        "moves": _moves(reviewed, language),
        "curve_title": t("report.curve", language),
        "curve": _curve(reviewed),
        "summary_title": t("report.summary", language),
        "summary": _summary(reviewed, language),
        "mistakes_title": t("report.mistakes", language),
        "mistakes": _mistakes(reviewed, language),
        "data": format_json(_data(game, reviewed, language), ensure_ascii=False).replace("<", "\\u003c"),
        **{key: t(f"report.{key}", language) for key in ("start", "previous", "next")},
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    before, *rest = text.split("{{")
    pieces = [before]
    for part in rest:  # in one pass: inserted text is not searched again
        name, _, literal = part.partition("}}")
        pieces += [filled[name], literal]
    return "".join(pieces)


def said(one: Reviewed, language: Language) -> list[str]:
    """The lines of text about a move: the move with its mark, the points, the reason, the better line."""
    played = MoveText(one.fen, (one.move,)).text(language)
    lines = [f"{_number(one)} {played} {one.mark}".strip()]
    before, after = f"{one.before:.2f}", f"{one.after:.2f}"
    lines.append(t("report.red_points", language, before=before, after=after).replace("->", "→"))
    if one.words is not None:
        lines.append(one.words.text(language))
    if one.mark:
        better = MoveText(one.fen, one.best[:_SHOWN_PLIES]).text(language)
        lines.append(f"{t('report.better', language)}: {better}")
    return lines


def _number(one: Reviewed) -> str:
    number = one.fen.rsplit(" ", 1)[-1]
    return f"{number}." if one.side == Color.RED else f"{number}…"


def _data(game: GameRecord, reviewed: Sequence[Reviewed], language: Language) -> dict[str, object]:
    board = Board(game.start_fen, strict=False)
    boards = [_letters(board)]
    for one in reviewed:
        board.push(one.move)
        boards.append(_letters(board))
    moves = [
        {
            "squares": [one.move.from_square, one.move.to_square],
            "best": [one.best[0].from_square, one.best[0].to_square],
            "mark": one.mark,
            "said": said(one, language),
        }
        for one in reviewed
    ]
    return {
        "letters": SYMBOLS,
        "boards": boards,
        "moves": moves,
        "start": t("report.start", language),
        "step": _WIDTH / max(1, len(reviewed)),
    }


def _letters(board: Board) -> str:
    return "".join(SYMBOLS[code] if code else "." for code in board.squares)


def _symbols(language: Language) -> str:
    """One drawing for each piece code, used by all boards."""
    glyphs = _PIECES.get(language, _PIECES["zh-TW"])
    return "".join(
        f'<g id="p{code}"><circle r="26" fill="#fff6df" stroke="#7a5a2c" stroke-width="2"/>'
        f'<text class="{"red" if code < 8 else "black"}" font-size="34" text-anchor="middle" '
        f'dominant-baseline="central" font-family="Xiangqi Pieces, serif">{glyphs[code]}</text></g>'
        for code in range(1, 15)
    )


def _board(inside: str, names: str = "board") -> str:
    lines = "".join(f"M40 {y}h480" for y in range(40, 581, 60))
    lines += "".join(f"M{x} 40v240M{x} 340v240" for x in range(100, 461, 60))
    lines += "M40 40v540M520 40v540M220 40l120 120M340 40l-120 120M220 460l120 120M340 460l-120 120"
    return (
        f'<svg class="{names}" viewBox="0 0 560 620" role="img"><path class="lines" d="{lines}"/>'
        '<text class="river" x="160" y="311">楚河</text><text class="river" x="400" y="311">漢界</text>'
        f"{inside}</svg>"
    )


def _point(sq: int) -> tuple[int, int]:
    return 40 + 60 * (sq % 9), 40 + 60 * (9 - sq // 9)


def diagram(fen: str, played: Move, best: Move) -> str:
    """A position as SVG, with the played move and the better one as arrows."""
    board = Board(fen, strict=False)
    inside = [
        f'<use href="#p{code}" x="{_point(sq)[0]}" y="{_point(sq)[1]}"/>'
        for sq, code in enumerate(board.squares)
        if code
    ]
    return _board("".join([*inside, _arrow(best, "best"), _arrow(played, "played")]))


def _arrow(move: Move, kind: str) -> str:
    (x1, y1), (x2, y2) = _point(move.from_square), _point(move.to_square)
    length = math.hypot(x2 - x1, y2 - y1)
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    tip = [
        (x2 - 2 * dx, y2 - 2 * dy),
        (x2 - 24 * dx - 11 * dy, y2 - 24 * dy + 11 * dx),
        (x2 - 24 * dx + 11 * dy, y2 - 24 * dy - 11 * dx),
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in tip)
    return (
        f'<line class="arrow {kind}" x1="{x1}" y1="{y1}" x2="{x2 - 22 * dx:.1f}" y2="{y2 - 22 * dy:.1f}"/>'
        f'<polygon class="{kind}" opacity="0.75" points="{points}"/>'
    )


def _moves(reviewed: Sequence[Reviewed], language: Language) -> str:
    rows: list[str] = []
    for one in reviewed:
        board = Board(one.fen, strict=False)
        text = html.escape(move_text(language, board, one.move))
        button = (
            f'<button data-ply="{one.ply + 1}" class="{_MARK_CLASSES[one.mark]}">{text} {one.mark}</button>'
        )
        if one.side == Color.RED or not rows:
            gap = "" if one.side == Color.RED else "<span>…</span>"
            rows.append(f"<div><span>{board.fullmove_number}.</span>{gap}{button}")
        else:
            rows[-1] += button
    return "".join(f"{row}</div>" for row in rows)


def _curve(reviewed: Sequence[Reviewed]) -> str:
    step = _WIDTH / max(1, len(reviewed))
    points = [(0.0, reviewed[0].before), *((step * (one.ply + 1), one.after) for one in reviewed)]
    line = " ".join(f"{x:.1f},{_HEIGHT * (1 - y):.1f}" for x, y in points)
    middle = _HEIGHT / 2
    area = f"0,{middle} {line} {_WIDTH},{middle}"
    dots = "".join(
        f'<circle cx="{step * (one.ply + 1):.1f}" cy="{_HEIGHT * (1 - one.after):.1f}" r="5" fill="{color}">'
        f"<title>{one.mark}</title></circle>"
        for one in reviewed
        if (color := {"??": "#b3261e", "?": "#d08020", "?!": "#c0b040"}.get(one.mark))
    )
    return (
        f'<svg class="curve" id="curve" viewBox="-2 -6 {_WIDTH + 10} {_HEIGHT + 12}" role="img">'
        f'<clipPath id="up"><rect width="{_WIDTH}" height="{middle}"/></clipPath>'
        f'<clipPath id="down"><rect y="{middle}" width="{_WIDTH}" height="{middle}"/></clipPath>'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fafafa" stroke="#ccc"/>'
        f'<polygon points="{area}" fill="#e3a49d" clip-path="url(#up)"/>'
        f'<polygon points="{area}" fill="#a8a8a8" clip-path="url(#down)"/>'
        f'<line x2="{_WIDTH}" y1="{middle}" y2="{middle}" stroke="#999"/>'
        f'<polyline points="{line}" fill="none" stroke="#333" stroke-width="1.5"/>{dots}'
        f'<line id="cursor" y1="0" y2="{_HEIGHT}" stroke="#2b6cb0" stroke-width="2"/></svg>'
    )


def _summary(reviewed: Sequence[Reviewed], language: Language) -> str:
    titles = [
        t(f"report.{key}", language) for key in ("side", "phase", "moves", "agreed", "lost", "centipawns")
    ]
    head = "".join(f"<th>{title}</th>" for title in [*titles, "?!", "?", "??"])
    rows = "".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in summary_rows(reviewed, language)
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def summary_rows(reviewed: Sequence[Reviewed], language: Language) -> list[list[str]]:
    """Side, phase, moves, share as the reviewer, points given away, mean centipawns lost, and the marks."""
    rows = []
    for (side, phase), part in tallies(reviewed).items():
        name = "report.whole" if phase is None else f"phase.{Phase(phase).value}"
        rows.append(
            [
                t(f"side.{side.name.lower()}", language),
                t(name, language),
                str(part.moves),
                f"{100 * part.agreed / part.moves:.0f} %",
                f"{part.lost:.2f}",
                f"{part.centipawns:.0f}",
                *(str(count) for count in part.marks.values()),
            ]
        )
    return rows


def _mistakes(reviewed: Sequence[Reviewed], language: Language) -> str:
    marked = [one for one in reviewed if one.mark in ("?", "??")]
    if not marked:
        return f"<p>{t('report.none', language)}</p>"
    cards = []
    for one in marked:
        first, *rest = (html.escape(line) for line in said(one, language))
        words = "".join(f"<p>{line}</p>" for line in rest)
        cards.append(
            f'<div class="card" data-show="{one.ply + 1}">{diagram(one.fen, one.move, one.best[0])}'
            f'<p class="{_MARK_CLASSES[one.mark]}"><b>{first}</b></p>{words}</div>'
        )
    return f'<div class="cards">{"".join(cards)}</div>'
