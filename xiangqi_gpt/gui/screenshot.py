"""A picture of the window without a window."""

from __future__ import annotations

from pathlib import Path

import pygame

from xiangqi_gpt.gui.app import App
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE, SMALLEST_SIZE
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.thinker import Create, InlineThinker
from xiangqi_gpt.players.base import Limit
from xiangqi_gpt.rules import XiangqiError


def take_screenshot(
    path: Path,
    state: GameState,
    create: Create,
    *,
    plies: int = 0,
    size: tuple[int, int] = DEFAULT_SIZE,
    hint: bool = False,
) -> None:
    """Let the opponent play both sides for some plies and save a frame.

    Args:
        path: file to write, ending in .png.
        state: the game to begin with; it is played on.
        create: builds the player of `state.spec`.
        plies: how many moves to play; fewer where the game ends before.
        size: width and height in pixels.
        hint: ask for a hint at the end and show it.

    Raises:
        XiangqiError: a path or size that cannot be used, or a player that cannot be had.
    """
    if path.suffix.lower() != ".png":
        raise XiangqiError(f"expected a picture's name ending in .png, found {str(path)!r}")
    if size[0] < SMALLEST_SIZE[0] or size[1] < SMALLEST_SIZE[1]:
        raise XiangqiError(
            f"expected a size of at least {SMALLEST_SIZE[0]}x{SMALLEST_SIZE[1]}, found {size[0]}x{size[1]}"
        )
    if plies or hint:
        player = create(state.spec)
        try:
            for _ in range(plies):
                if state.outcome is not None:
                    break
                result = player.play(state.board.copy(), Limit())
                thought = None
                if result.analysis is not None and state.board.turn not in state.humans:
                    thought = Thought(state.board.copy(), result.analysis, result.move)
                actions.play(state, result.move, thought)
            if hint and state.outcome is None:
                state.hint = Thought(state.board.copy(), player.analyse(state.board.copy(), Limit()))
                state.hinted = state.tree.cursor
        finally:
            player.close()
    app = App(state, InlineThinker(create), pygame.Surface(size), save=lambda settings: None)
    if hint:
        app.view.tab = "analysis"
    app.draw(0)
    try:
        pygame.image.save(app.surface, str(path))
    except (pygame.error, OSError) as error:
        raise XiangqiError(
            f"expected a picture file that can be written, found {str(path)!r}: {error}"
        ) from error
