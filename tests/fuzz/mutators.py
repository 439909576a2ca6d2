"""Ways to spoil an input that keep its structure, so that what is spoiled gets past the first check."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

NUMBERS: Final = (
    0,
    -1,
    1,
    2,
    89,
    90,
    127,
    255,
    256,
    8_100,
    2**31 - 1,
    2**31,
    -(2**31),
    2**40,
    2**63,
    2**64,
    10**30,
)
"""Numbers at which something ends."""

VALUES: Final = (
    None,
    True,
    False,
    0.5,
    -0.0,
    1e308,
    "",
    "x",
    "象",
    "\ud800",
    "a" * 5_000,
    [],
    {},
    [[]],
    {"x": []},
)

RAW: Final = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "[" * 3_000, '{"a":' * 3_000, "nul", "")
"""Texts in the place of a value: not all of them are JSON."""

_MARK: Final = "@raw@"
_MOST_RAW: Final = 20  # times that such a text is repeated in an input
_LARGE: Final = (
    20_000  # letters of an input that is not repeated any more: the input alone must not fill the memory
)


def spoil_json(text: str, random: Random) -> str:
    """A JSON text with a few of its values replaced, removed or repeated."""
    value = json.loads(text)
    raw = None
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        holder, key = _place(value, random)
        if holder is None:
            break
        kind = random.randrange(6)
        if kind == 0:
            holder[key] = random.choice(NUMBERS)
        elif kind == 1:
            holder[key] = copy.deepcopy(random.choice(VALUES))
        elif kind == 2:
            times = random.choice((1, 3, 500))
            holder[key] = [holder[key]] * (times if len(json.dumps(value)) < _LARGE else 1)
        elif kind == 3:
            del holder[key]
        elif kind == 4:
            raw, holder[key] = random.choice(RAW), _MARK
        elif isinstance(holder, dict):
            holder[random.choice(("x", "", "__class__", str(key) + " "))] = holder[key]
    spoiled = json.dumps(value)
    if raw is not None:
        spoiled = spoiled.replace(f'"{_MARK}"', raw, _MOST_RAW).replace(f'"{_MARK}"', "0")
    return spoiled


def _place(value: Any, random: Random) -> tuple[Any, Any]:
    """A list or an object within *value*, and the index or key of one of its values."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (dict, list)):
            places = list(one) if isinstance(one, dict) else list(range(len(one)))
            found += [(one, place) for place in places]
            waiting += [one[place] for place in places]
    return random.choice(found) if found else (None, None)


def spoil_words(lines: Sequence[str], spice: Sequence[str], random: Random) -> list[str]:
    """Lines with some of their words replaced, removed, repeated or moved, and some lines in another order."""
    found = [line.split(" ") for line in lines]
    for _ in range(random.choice((1, 2, 3, 6))):
        words = random.choice(found)
        at = random.randrange(len(words) + 1)
        kind = random.randrange(7)
        if kind == 0:
            words[at : at + 1] = [random.choice(spice)]
        elif kind == 1:
            words[at:at] = [random.choice(spice)] * random.choice((1, 1, 2, 200))
        elif kind == 2:
            del words[at : at + random.choice((1, 2, 9))]
        elif kind == 3:
            words[at:at] = random.choice(found)
        elif kind == 4 and at < len(words):
            words[at] = spoil_text(words[at], random)
        elif kind == 5:
            found.insert(random.randrange(len(found)), list(words))
        else:
            random.shuffle(found)
    return [" ".join(words) for words in found]


def spoil_text(text: str, random: Random) -> str:
    """A short text with a few of its letters replaced, removed or repeated."""
    letters = list(text)
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(letters) + 1)
        kind = random.randrange(5)
        if kind == 0:
            letters[at : at + 1] = [
                random.choice("0123456789 /-+=._wbrKkACNRPpx将帥一9９ 　\x00\u0660\ud800")
            ]
        elif kind == 1:
            del letters[at : at + random.choice((1, 3))]
        elif kind == 2:
            letters[at:at] = letters[at : at + 9] * random.choice((1, 2, 300))
        elif kind == 3:
            letters[at:at] = list(str(random.choice(NUMBERS)))
        elif letters:
            random.shuffle(letters)
    return "".join(letters)
