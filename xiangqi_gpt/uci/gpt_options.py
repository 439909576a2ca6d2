"""What other programs may set of the GPT, and the player that comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from xiangqi_gpt.engines.options import EngineOption
from xiangqi_gpt.players import AHEAD, create_player
from xiangqi_gpt.players.adaptive import level_of
from xiangqi_gpt.players.base import THINKING_THREADS, Player
from xiangqi_gpt.players.levels import LEVEL_NAMES, SEARCH_KEYS
from xiangqi_gpt.rules.rulesets import RULE_SETS
from xiangqi_gpt.uci.offered_options import OfferedOptions

_MEMORY = 512  # megabytes
_VARIED_MOVES = 4  # moves of each side
_KEYS = {
    "Level": "level",
    "Model": "model",
    "Style": "style",
    "Temperature": "temperature",
    "Lookahead": "lookahead",
    "Threads": "threads",
    "Rules": "rules",
}
"""Options of the player by their keys in a spec."""

_OF_LEVELS = ("Temperature", "Lookahead")
_UNSET = "default"


def offered_options(spec: str, *, seed: int) -> OfferedOptions:
    """The options of the player that *spec* describes; what it states is their default.

    Players other than a GPT have the options of the session alone. Nothing is built before it is asked for.
    """
    name, _, rest = spec.partition(":")
    if name.strip() != "gpt":
        return OfferedOptions(lambda values: create_player(spec, seed=seed))
    items = [item for item in rest.split(",") if item.strip()]
    stated = {key.strip(): value.strip() for key, _, value in (item.partition("=") for item in items)}
    if "level" in stated:
        stated["level"] = level_of(stated["level"]).key
    searches = not stated.keys().isdisjoint(("level", *SEARCH_KEYS))
    options = _options(stated, searches=searches)
    # A level decides these where nobody has set them.
    by_level = {o.name: o.default for o in options if o.name in _OF_LEVELS and _KEYS[o.name] not in stated}

    def make_player(values: Mapping[str, str]) -> Player:
        kept = [item for item in items if item.partition("=")[0].strip() not in _KEYS.values()]
        for option, key in _KEYS.items():
            value = values[option]
            if values["Level"] != _UNSET and by_level.get(option) == value:
                continue
            if value and value != _UNSET:
                kept.append(f"{key}={value}")
        return create_player(f"gpt:{','.join(kept)}" if kept else "gpt", seed=seed)

    return OfferedOptions(make_player, options)


def _options(stated: Mapping[str, str], *, searches: bool) -> list[EngineOption]:
    cores = os.cpu_count() or 1
    threads = stated.get("threads", str(THINKING_THREADS))
    ahead = stated.get("lookahead", "" if searches else AHEAD.partition("=")[2])
    return [
        EngineOption(
            name="Level", kind="combo", choices=(_UNSET, *LEVEL_NAMES), default=stated.get("level", _UNSET)
        ),
        EngineOption(name="Model", kind="string", default=stated.get("model", "")),
        EngineOption(
            name="Style",
            kind="combo",
            choices=(_UNSET, "human", "teacher"),
            default=stated.get("style", _UNSET),
        ),
        EngineOption(name="Temperature", kind="string", default=stated.get("temperature", "0")),
        EngineOption(name="Lookahead", kind="string", default=ahead),
        EngineOption(
            name="Rules", kind="combo", choices=tuple(RULE_SETS), default=stated.get("rules", "simple")
        ),
        EngineOption(name="Threads", kind="spin", default=threads, least=1, most=max(512, cores)),
        EngineOption(name="Hash", kind="spin", default=str(_MEMORY), least=16, most=1 << 20),
        EngineOption(name="Opening Variety", kind="spin", default=str(_VARIED_MOVES), least=0, most=20),
    ]
