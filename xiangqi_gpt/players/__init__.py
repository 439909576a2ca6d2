"""Players by name: `create_player("greedy")`, `create_player("engine:fairy-stockfish,nodes=100")`.

A spec is `name` or `name:key=value,key=value`. The spec of an engine names its command first:
`engine:COMMAND,nodes=N,time=S,depth=D,protocol=uci,ranks=0-9,timeout=S,name=NAME,OptionName=VALUE`. Nothing heavy is
imported, and no process started, before a player that needs it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from xiangqi_gpt.errors import (
    ConfigError,
    PlayerCrashError,
    PlayerError,
    PlayerIllegalMoveError,
    PlayerTimeoutError,
)
from xiangqi_gpt.players.base import (
    Analysis,
    EngineSpec,
    Limit,
    Line,
    Player,
    PlayResult,
    Value,
    is_deterministic,
)
from xiangqi_gpt.players.levels import ADAPTIVE, LEVELS, SEARCH_KEYS, Level, with_level
from xiangqi_gpt.players.player_spec import PlayerSpec

if TYPE_CHECKING:
    from xiangqi_gpt.decoding import LookaheadConfig

__all__ = [
    "ADAPTIVE",
    "LEVELS",
    "Analysis",
    "EngineSpec",
    "Level",
    "Limit",
    "Line",
    "PlayResult",
    "Player",
    "PlayerCrashError",
    "PlayerError",
    "PlayerIllegalMoveError",
    "PlayerSpec",
    "PlayerTimeoutError",
    "Value",
    "create_player",
    "is_deterministic",
    "parse_engine",
    "player_names",
    "with_lookahead",
]

AHEAD = "lookahead=0.5s"
"""How a GPT searches while a person waits for its move."""

_N = TypeVar("_N", int, float)


@dataclass(frozen=True)
class _Entry:
    """How a name becomes a player.

    `keys` maps each key of the spec to what it means; `open_keys` lets others through (options of an engine).
    """

    build: Callable[[_Request], Player]
    keys: Mapping[str, str]
    open_keys: bool = False


@dataclass(frozen=True)
class _Request:
    """A parsed spec."""

    spec: str
    command: str
    values: Mapping[str, str]
    seed: int
    stated: frozenset[str]  # keys of the spec itself; the other values are those of its level

    def text(self, key: str) -> str | None:
        return self.values.get(key)

    def number(self, key: str, kind: type[_N]) -> _N | None:
        text = self.values.get(key)
        if text is None:
            return None
        wanted = "a whole number" if kind is int else "a number"
        try:
            value = kind(text)
        except ValueError:
            raise PlayerError(f"expected {wanted} for {key} in {self.spec!r}, found {text!r}") from None
        if not float("-inf") < value < float("inf"):
            raise PlayerError(f"expected {wanted} for {key} in {self.spec!r}, found {text!r}")
        return value

    def flag(self, key: str) -> bool | None:
        text = self.values.get(key)
        if text not in (None, "true", "false"):
            raise PlayerError(f"expected true or false for {key} in {self.spec!r}, found {text!r}")
        return None if text is None else text == "true"

    def seed_value(self) -> int:
        own = self.number("seed", int)
        return self.seed if own is None else own


def _build_random(request: _Request) -> Player:
    from xiangqi_gpt.players.baselines import RandomPlayer

    return RandomPlayer(seed=request.seed_value())


def _build_greedy(request: _Request) -> Player:
    from xiangqi_gpt.players.baselines import GreedyPlayer

    return GreedyPlayer(seed=request.seed_value())


def _build_gpt(request: _Request) -> Player:
    if (request.text("level") or "").lower() == ADAPTIVE:
        from xiangqi_gpt.players.adaptive import AdaptivePlayer

        spec = PlayerSpec.parse(request.spec)
        return AdaptivePlayer(lambda level: create_player(spec.replace(level=level.key), seed=request.seed))
    temperature = request.number("temperature", float)
    threads = request.number("threads", int)
    if "model" in request.values and "adapter" in request.values:
        raise PlayerError(f"{request.spec!r}: an adapter names its model itself; leave out model or adapter")
    if temperature is not None and temperature < 0:
        raise PlayerError(f"expected a temperature of at least 0 in {request.spec!r}, found {temperature:g}")
    if threads is not None and threads < 1:
        raise PlayerError(f"expected at least 1 thread in {request.spec!r}, found {threads}")
    from xiangqi_gpt.players.gpt_player import GPTPlayer, open_model

    model, style = request.text("adapter") or request.text("model"), request.text("style")
    if "style" not in request.stated and not open_model(model).config.style_names:
        style = None  # a level plays with the one style that the model has
    return GPTPlayer(
        model_dir=model,
        temperature=temperature,
        top_k=request.number("top_k", int),
        top_p=request.number("top_p", float),
        min_p=request.number("min_p", float),
        rules=request.text("rules"),
        result=request.text("result"),
        strength=request.number("strength", int),
        style=style,
        care=request.number("care", float),
        lookahead=_lookahead(request),
        max_descents=request.number("max_descents", int),
        symmetric=request.flag("symmetric"),
        precision=request.text("precision"),
        probe=request.text("probe"),
        seed=request.seed_value(),
        device=request.text("device") or "cpu",
        threads=threads,
        name=request.text("name") or request.spec,
    )


def _lookahead(request: _Request) -> LookaheadConfig | None:
    """How to search, None where no key of the spec asks for it."""
    text = request.text("lookahead")
    others = [key for key in SEARCH_KEYS[1:] if key in request.values]
    if text is None and not others:
        return None
    if text == "0":
        if others:
            raise PlayerError(
                f"{request.spec!r} asks for no search: leave out {', '.join(others)} or lookahead=0"
            )
        return None
    from xiangqi_gpt.decoding import LookaheadConfig
    from xiangqi_gpt.players.gpt_player import parse_lookahead

    seconds, nodes = (None, None) if text is None else parse_lookahead(text)
    depth = request.number("depth", int)
    if text is None and depth is None:
        raise PlayerError(
            f"expected lookahead=TIME or depth=PLIES with {', '.join(SEARCH_KEYS[2:])}, found {request.spec!r}"
        )
    given = {"k": request.number("k", int), "exploration": request.number("exploration", float)}
    try:
        return LookaheadConfig(
            seconds=seconds,
            nodes=nodes,
            depth=depth,
            rules=request.text("rules") or "simple",
            **{key: value for key, value in given.items() if value is not None},  # type: ignore[arg-type]
        )
    except ConfigError as error:
        raise PlayerError(f"{error}, in {request.spec!r}") from None


def _engine_spec(request: _Request) -> EngineSpec:
    own = _ENTRIES["engine"].keys
    return EngineSpec(
        command=request.command,
        limit=Limit(
            nodes=request.number("nodes", int),
            time=request.number("time", float),
            depth=request.number("depth", int),
        ),
        options={key: value for key, value in request.values.items() if key not in own},
        ranks=request.text("ranks"),
        timeout=request.number("timeout", float),
        protocol=request.text("protocol") or "uci",
    )


def _build_engine(request: _Request) -> Player:
    from xiangqi_gpt.players.engine_player import EnginePlayer

    spec = _engine_spec(request)
    return EnginePlayer(
        spec.command,
        limit=spec.limit,
        options=spec.options,
        ranks=spec.ranks,
        timeout=spec.patience,
        protocol=spec.protocol,
        name=request.text("name"),
    )


_SEED = {"seed": "whole number; default: the seed of the run"}
_ENTRIES: dict[str, _Entry] = {
    "gpt": _Entry(
        _build_gpt,
        {
            "model": "model directory; default: the weights of the package",
            "adapter": "folder of an adapter, such as `personalise` makes; it names the model that it belongs to",
            "temperature": "0 plays the most probable move",
            "top_k": "draw from that many likeliest moves only",
            "top_p": "draw from the likeliest moves that hold this share of the probability",
            "min_p": "draw from moves at least this likely, in units of the likeliest",
            "rules": "simple, asian or chinese: never lose by its perpetual check or chase if there is another move",
            "result": "win, draw or loss: move as the side that ends so (models with result tokens)",
            "strength": "move as a side of this Elo rating (models with strength tokens)",
            "level": "1 to 10, or a name from novice to master; adaptive: follows your results",
            "style": "human or teacher: whose moves to play (models that learned both)",
            "lookahead": "500ms, 2s: search that long; 400: that many descents; 0: do not search",
            "max_descents": "most descents of a search, whatever the clock allows",
            "care": "0 to 1: how often a drawn move that gives away a horse or cannon is noticed; a rook always is",
            "depth": "plies that a search looks ahead",
            "k": "the likeliest moves of a position, which a search looks at",
            "exploration": "weight of the policy in a search",
            "symmetric": "true or false: also look at the mirror image; default: if the model was trained so",
            "precision": "float32, bfloat16, int8 (extra `fast`) or auto; default: float32, in a search auto",
            "probe": "file that `probe` has made for the model: the board shows what the model believes",
            "device": "auto, cpu, cuda or mps",
            "threads": "processor threads",
            "name": "how it is called; default: its spec",
            **_SEED,
        },
    ),
    "random": _Entry(_build_random, _SEED),
    "greedy": _Entry(_build_greedy, _SEED),
    "engine": _Entry(
        _build_engine,
        {
            "nodes": "positions a move",
            "time": "seconds a move",
            "depth": "plies a move",
            "protocol": "uci, ucci or cecp (the protocol of XBoard); default: uci",
            "ranks": "0-9 or 1-10; default: decided by the engine's options",
            "timeout": "seconds without an answer that lose",
            "name": "how it is called; default: its program with limit and options",
        },
        open_keys=True,
    ),
}


def player_names() -> tuple[str, ...]:
    """The names that a spec may begin with."""
    return tuple(_ENTRIES)


def create_player(spec: str | PlayerSpec = "gpt", *, seed: int = 0) -> Player:
    """Build the player that `spec` describes; whoever asks for it closes it.

    Args:
        spec: `name[:key=value,...]`, see the module's text, or the same as a `PlayerSpec`.
        seed: for players that draw random numbers, unless the spec holds its own.

    Raises:
        PlayerError: unknown name or key (the known ones are listed), a value of the wrong kind, a model or an
            engine that cannot be started.
    """
    entry, request = _parse(spec, seed)
    return entry.build(request)


def with_lookahead(spec: str) -> str:
    """The spec of a GPT with the search that suits a person who waits; unchanged where it has a search or a level.

    Specs of other players are unchanged as well.
    """
    parsed = PlayerSpec.parse(spec)
    if parsed.name != "gpt" or not parsed.settings.keys().isdisjoint(("level", *SEARCH_KEYS)):
        return spec
    return str(parsed.replace(lookahead=AHEAD.partition("=")[2]))


def parse_engine(text: str) -> EngineSpec:
    """The engine that a spec without its leading `engine:` describes; no process is started.

    Raises:
        PlayerError: as in `create_player`.
    """
    return _engine_spec(_parse(f"engine:{text}", 0)[1])


def _parse(spec: str | PlayerSpec, seed: int) -> tuple[_Entry, _Request]:
    text = str(spec)
    name = text.partition(":")[0].strip()
    entry = _ENTRIES.get(name)
    if entry is None:
        raise PlayerError(f"expected a player of {', '.join(_ENTRIES)}, found {name!r} in {text!r}")
    parsed = PlayerSpec.parse(text)
    for key in parsed.settings:
        if key not in entry.keys and not entry.open_keys:
            raise PlayerError(f"expected a key of {', '.join(entry.keys)} in {text!r}, found {key!r}")
    values = dict(parsed.settings)
    if name == "gpt" and values.get("level", ADAPTIVE).lower() != ADAPTIVE:
        values = with_level(values)
    return entry, _Request(text, parsed.command, values, seed, frozenset(parsed.settings))
