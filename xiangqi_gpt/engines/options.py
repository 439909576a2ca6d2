"""Options of engines: what an engine offers, and whether a value fits before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xiangqi_gpt.engines.spec import EngineSpec
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.texts import Message

MANAGED = ("uci_variant", "multipv", "ponder", "usemillisec", "uci_chess960", "uci_analysemode")
"""Options that the client sets itself, in lower case."""

_KEYS = ("default", "min", "max", "var")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOption:
    """An option as its engine offers it."""

    name: str
    kind: str  # spin, check, combo, string, button and others
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()  # values of a combo
    default: str | None = None

    def takes(self, value: str) -> bool:
        """Whether a value fits."""
        if self.kind == "spin":
            try:
                number = int(value)
            except ValueError:
                return False
            return (self.least is None or self.least <= number) and (self.most is None or number <= self.most)
        if self.kind == "check":
            return value in ("true", "false")
        return self.kind != "combo" or value in self.choices


def parse_option(line: str) -> EngineOption:
    """A line `option name NAME type TYPE ...`; what it does not state is None or empty."""
    head, _, rest = line.partition(" type ")
    facts: dict[str, list[list[str]]] = {}
    words = rest.split()
    for word in words[1:]:
        if word in _KEYS:
            facts.setdefault(word, []).append([])
            key = word
        elif facts:
            facts[key][-1].append(word)
    return EngineOption(
        name=head.removeprefix("option name ").strip(),
        kind=words[0] if words else "",
        least=_number(facts.get("min")),
        most=_number(facts.get("max")),
        choices=tuple(" ".join(value) for value in facts.get("var", [])),
        default=" ".join(facts["default"][0]) if "default" in facts else None,
    )


def _number(values: list[list[str]] | None) -> int | None:
    try:
        return int("".join(values[0])) if values else None
    except ValueError:
        return None


def check_option(engine: str, offered: Mapping[str, EngineOption], name: str, value: str) -> None:
    """Whether an engine takes a value; `offered` has its options by name in lower case.

    Raises:
        PlayerError: the engine has no such option, the client manages it, or the value does not fit.
    """
    if name.lower() in MANAGED:
        raise PlayerError(f"The option {name} of {engine} is set by xiangqi-gpt and cannot be changed.")
    check_value(engine, offered, name, value)


def check_value(engine: str, offered: Mapping[str, EngineOption], name: str, value: str) -> None:
    """As `check_option`, for an option that the client sets itself."""
    option = offered.get(name.lower())
    if option is None:
        message = Message.of("error.no_option", program=engine.strip("'"), name=name)
        raise PlayerError(f"{engine} has no option {name!r}.", message=message)
    if not option.takes(value):
        expected = {
            "spin": f"a number from {option.least} to {option.most}",
            "check": "true or false",
        }.get(option.kind, f"one of {', '.join(option.choices)}")
        message = Message.of("error.bad_option", program=engine.strip("'"), name=name, value=value)
        raise PlayerError(
            f"Option {name} of {engine}: expected {expected}, found {value!r}.", message=message
        )


def ranks_of(engine: str, offered: Mapping[str, EngineOption], spec: EngineSpec) -> RankConvention:
    """How an engine counts ranks: from 1 where it knows several games, from 0 where it plays Xiangqi alone.

    UCCI and CECP count from 0.

    Args:
        engine: its name, for the message.
        offered: its options by name in lower case.
        spec: its `ranks` overrule the guess.

    Raises:
        PlayerError: it plays other games only.
    """
    variant = offered.get("uci_variant")
    if variant is not None and "xiangqi" not in variant.choices:
        found = ", ".join(variant.choices) or "none"
        raise PlayerError(
            f"{engine} does not play Xiangqi: its UCI_Variant offers {found}.",
            message=Message.of("error.no_xiangqi", program=engine.strip("'")),
        )
    if spec.ranks is not None:
        return "0-9" if spec.ranks == "0-9" else "1-10"
    knows_others = variant is not None and len(variant.choices) > 1
    return "1-10" if knows_others and spec.protocol == "uci" else "0-9"
