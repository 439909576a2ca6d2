"""Sounds: short, audible, different; no device is no error."""

from __future__ import annotations

import numpy as np
import pygame
import pytest

from tests.gui.desk import Desk
from xiangqi_gpt.gui import sounds as sounds_module
from xiangqi_gpt.gui.sounds import RATE, SOUNDS, Sound, SoundBox, synthesize
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.rules import Board, Move


class Recorder(SoundBox):
    def __init__(self) -> None:
        super().__init__()
        self.played: list[Sound] = []

    def play(self, sound: Sound) -> bool:
        self.played.append(sound)
        return True


@pytest.mark.parametrize("sound", SOUNDS)
def test_a_sound_is_short_and_fades(sound: Sound) -> None:
    samples = synthesize(sound)
    assert samples.dtype == np.int16
    assert samples.shape[1] == 2
    assert 0.05 < len(samples) / RATE < 1.2
    loudest = np.abs(samples.astype(int)).max()
    assert 8_000 < loudest < 32_767
    assert np.abs(samples[-50:].astype(int)).max() < loudest / 50


def test_no_two_sounds_are_alike() -> None:
    assert len({synthesize(sound).tobytes() for sound in SOUNDS}) == len(SOUNDS)


def test_no_device_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise pygame.error("no such device")

    monkeypatch.setattr(sounds_module.pygame.mixer, "init", fail)
    box = SoundBox()
    assert not box.play("move")
    assert not box.play("end")


def test_a_device_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    try:
        assert SoundBox().play("move")
    finally:
        pygame.mixer.quit()


@pytest.mark.parametrize(
    ("fen", "moves", "expected"),
    [
        (None, ["h2e2"], ["move"]),
        (None, ["h2e2", "a9a8", "e2e6"], ["move", "move", "capture"]),
        ("4k4/9/9/9/9/9/4p4/9/4R4/3K5 w", ["e1e3"], ["check"]),
        ("3k5/R8/9/9/9/9/9/9/4R4/4K4 w", ["e1d1"], ["end"]),
    ],
)
def test_each_kind_of_move_has_its_sound(fen: str | None, moves: list[str], expected: list[str]) -> None:
    board = Board() if fen is None else Board(fen)
    desk = Desk(GameState(board=board, humans=frozenset(board_sides()), settings=Settings(animation_ms=0)))
    desk.app._sounds = recorder = Recorder()
    for text in moves:
        actions.play(desk.state, Move.from_iccs(text))
        desk.pass_time(100)
    assert recorder.played == expected
    actions.undo(desk.state)
    desk.pass_time(100)
    assert recorder.played == expected


def board_sides() -> tuple[object, ...]:
    from xiangqi_gpt.rules import Color

    return tuple(Color)


def test_a_refusal_is_heard_unless_the_sound_is_off() -> None:
    desk = Desk()
    desk.app._sounds = recorder = Recorder()
    desk.squares("h0", "f1")
    assert recorder.played == ["refused"]
    desk.key(pygame.K_m)
    desk.squares("h0", "h0", "f1")
    desk.pass_time(100)
    assert recorder.played == ["refused"]
    assert desk.saved[-1].sound is False
