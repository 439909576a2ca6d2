"""The board as text. Chinese pieces are two columns wide, so everything on their board is."""

from __future__ import annotations

from rich.text import Text

from xiangqi_gpt.play.wording import BLACK_FILES, PIECE_SETS, RED_FILES, RIVER, PieceSet
from xiangqi_gpt.rules import Board, Move, square

_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_EMPTY = "・"


def draw_board(board: Board, *, pieces: PieceSet, flipped: bool = False, last: Move | None = None) -> Text:
    """The board in 12 to 14 lines.

    Args:
        pieces: Chinese glyphs, or letters with Black's in lower case.
        flipped: Black at the bottom.
        last: the last move; its two points stand in brackets.

    Returns: text whose marks need no colour to be understood.
    """
    chinese = pieces != "letters"
    files = range(8, -1, -1) if flipped else range(9)
    ranks = range(10) if flipped else range(9, -1, -1)
    marked = (last.from_square, last.to_square) if last is not None else ()
    text = Text()
    if chinese:
        text.append(_file_line(files, RED_FILES if flipped else BLACK_FILES.translate(_WIDE)), style="dim")
    for i, rank in enumerate(ranks):
        if i == 5:
            text.append(_river_line(chinese), style="dim")
        text.append(f"{rank} ", style="dim")
        for file in files:
            sq = square(file, rank)
            _append_point(text, board.squares[sq], pieces, sq in marked)
        text.append("\n")
    if chinese:
        text.append(_file_line(files, BLACK_FILES.translate(_WIDE) if flipped else RED_FILES), style="dim")
    cell = " {}  " if chinese else " {} "
    text.append("  " + "".join(cell.format("abcdefghi"[file]) for file in files).rstrip(), style="dim")
    return text


def _append_point(text: Text, code: int, pieces: PieceSet, marked: bool) -> None:
    glyph = PIECE_SETS[pieces][code]
    if pieces == "letters":
        glyph = glyph.lower() if code > 7 else glyph
    empty = "." if pieces == "letters" else _EMPTY
    before, after = ("[", "]") if marked else (" ", " ")
    text.append(before, style="bold yellow" if marked else "")
    if not code:
        text.append(empty, style="dim")
    else:
        text.append(glyph, style="bold red" if code <= 7 else "bold")
    text.append(after, style="bold yellow" if marked else "")


def _file_line(files: range, labels: str) -> str:
    return "  " + " ".join(f" {labels[file]}" for file in files) + "\n"


def _river_line(chinese: bool) -> str:
    if not chinese:
        return "  " + "~" * 27 + "\n"
    return f"  ~~~~~~ {'　'.join(RIVER[0])} ~~~~~~~ {'　'.join(RIVER[1])} ~~~~~~~\n"
