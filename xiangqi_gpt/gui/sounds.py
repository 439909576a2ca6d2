"""Short woody sounds, made when the program starts: no files, and none needed where there is no sound device."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import pygame

Sound: TypeAlias = Literal["move", "capture", "check", "end", "refused"]
SOUNDS: tuple[Sound, ...] = get_args(Sound)
RATE = 44_100  # samples per second


@dataclass(frozen=True)
class _Knock:
    """One knock on wood: when (s), its lowest tone (Hz), how fast it fades (1/s), how loud (0..1)."""

    at: float
    tone: float
    fade: float
    loud: float


_KNOCKS: dict[Sound, tuple[_Knock, ...]] = {
    "move": (_Knock(0.0, 430, 48, 0.8),),
    "capture": (_Knock(0.0, 300, 34, 1.0), _Knock(0.028, 520, 60, 0.6)),
    "check": (_Knock(0.0, 520, 30, 0.8), _Knock(0.11, 780, 24, 0.8)),
    "end": (_Knock(0.0, 390, 14, 0.7), _Knock(0.14, 520, 14, 0.7), _Knock(0.28, 650, 9, 0.8)),
    "refused": (_Knock(0.0, 170, 40, 0.6), _Knock(0.07, 150, 40, 0.5)),
}
_PARTIALS = ((1.0, 1.0), (2.76, 0.45), (5.4, 0.2))
"""Frequency and loudness of the tones of a struck wooden bar, against its lowest."""


def synthesize(sound: Sound) -> Any:
    """The samples of a sound: (n, 2) int16, both channels alike, within the range of the type."""
    import numpy as np

    knocks = _KNOCKS[sound]
    length = max(knock.at + 7 / knock.fade for knock in knocks)
    time = np.arange(round(length * RATE)) / RATE
    wave = np.zeros_like(time)
    noise = np.random.default_rng(7).standard_normal(len(time))
    for knock in knocks:
        since = time - knock.at
        struck = since >= 0
        age = np.where(struck, since, 0.0)
        attack = np.minimum(1.0, age / 0.0015)
        for ratio, loud in _PARTIALS:
            tone = np.sin(2 * np.pi * knock.tone * ratio * age)
            wave += struck * attack * knock.loud * loud * tone * np.exp(-age * knock.fade * ratio**0.7)
        wave += struck * 0.25 * knock.loud * noise * np.exp(-age * 420)
    wave *= np.minimum(1.0, (time[-1] - time) / 0.01)
    wave *= 0.5 * 32_767 / np.abs(wave).max()
    return np.repeat(wave.astype(np.int16)[:, None], 2, axis=1)


class SoundBox:
    """Plays sounds; silent where no device answers.

    The device is opened and the sounds are made when the first one is played, so that the first frame does not wait.
    """

    def __init__(self) -> None:
        self._made: dict[Sound, Any] | None = None

    def play(self, sound: Sound) -> bool:
        """Play a sound without waiting for its end; whether there was a device."""
        if self._made is None:
            self._made = self._prepare()
        if sound not in self._made:
            return False
        self._made[sound].play()
        return True

    @staticmethod
    def _prepare() -> dict[Sound, Any]:
        try:
            pygame.mixer.init(RATE, -16, 2, 512)
            return {sound: pygame.mixer.Sound(buffer=synthesize(sound).tobytes()) for sound in SOUNDS}
        except (pygame.error, NotImplementedError, ImportError) as error:
            logging.getLogger(__name__).info("no sound: %s", error)
            return {}
