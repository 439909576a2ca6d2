"""Copy and paste: positions, moves in any notation and whole games as text, recognised by what they are."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Literal, TypeAlias

from xiangqi_gpt.notation import parse_any
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.opening import open_game
from xiangqi_gpt.play.saving import save_game
from xiangqi_gpt.rules import Board, FenError, Move, MoveError, RecordError

Pasted: TypeAlias = Literal["position", "moves", "game"]

MAX_PASTE = 2_000_000  # characters
MAX_MOVES = 1_000  # that are looked for in a text without tags
_NUMBER = re.compile(r"^\d+(\.+|…)")
_CHINESE_MOVE = re.compile(r"[^\s\d.,;()（）][^\s.,;()（）][进退平進上下][^\s.,;()（）]")


def paste(state: GameState, text: str) -> Pasted:
    """Take in a text of the clipboard: begin at a position (FEN), add moves, or show a game (PGN, DhtmlXQ, ...).

    Moves that are legal in the position shown are added there as a variation, or played where both sides are the
    person's.

    Raises:
        FenError: the text is none of these; the state is unchanged.
    """
    if len(text) > MAX_PASTE:
        raise FenError(f"expected at most {MAX_PASTE:,} characters, found {len(text):,}", fen=text[:80])
    try:
        actions.new_game(state, fen=" ".join(text.split()))
    except FenError as error:
        reason = error
    else:
        return "position"
    moves = read_moves(state.shown_board, text)
    if moves:
        _add(state, moves)
        return "moves"
    try:
        _paste_game(state, text)
    except RecordError:
        raise reason from None
    return "game"


def read_moves(board: Board, text: str) -> list[Move]:
    """The moves of a text without tags, played from a board; empty where it holds anything else."""
    words = [_NUMBER.sub("", word) for word in text.split()]
    words = [word for word in words if word and not word.isdigit()]
    words = [move for word in words for move in _CHINESE_MOVE.findall(word) or [word]]
    if not 0 < len(words) <= MAX_MOVES:
        return []
    walk, found = board.copy(), []
    for word in words:
        try:
            move = parse_any(walk, word)
        except MoveError:
            return []
        found.append(move)
        walk.push(move)
    return found


def _add(state: GameState, moves: list[Move]) -> None:
    for move in moves:
        if state.is_live and state.is_human_turn:
            actions.play(state, move)
        else:
            actions.add_variation(state, move)


def _paste_game(state: GameState, text: str) -> None:
    with tempfile.TemporaryDirectory(prefix="xiangqi-gpt-") as folder:
        name = "pasted.dhtmlxq" if "[DhtmlXQ" in text else "pasted.pgn"
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", errors="replace")
        open_game(state, path, is_whole=True)


def copy_moves(state: GameState) -> str:
    """The moves that lead to the position shown, as readers of the language write them."""
    return " ".join(ply.text(state.language) for ply in state.shown_plies)


def copy_game(state: GameState) -> str:
    """The whole game with its variations and comments, as PGN."""
    with tempfile.TemporaryDirectory(prefix="xiangqi-gpt-") as folder:
        path = save_game(state, Path(folder) / "copied-game.pgn")
        return path.read_text(encoding="utf-8")
