"""Named sets of rules for the end of a game."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xiangqi_gpt.errors import ConfigError

JUDGES = ("simple", "asian", "chinese")


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """How repetitions, long games and bare positions end.

    `dataclasses.replace(RULE_SETS["asian"], natural_limit=50)` is the league variant.
    """

    name: str
    judge: str = "simple"  # how a repetition is judged: simple (always a draw), asian or chinese
    repetitions: int = 3  # occurrences of a position after which it is judged
    natural_limit: int = 60  # moves by each side without a capture that make a draw; 0 = no limit
    insufficient_material: bool = True  # a draw if neither side has a piece that can attack

    def __post_init__(self) -> None:
        if self.judge not in JUDGES:
            raise ConfigError(f"expected a repetition judge of {', '.join(JUDGES)}, found {self.judge!r}")
        if self.repetitions < 2:
            raise ConfigError(f"expected repetitions of at least 2, found {self.repetitions!r}")
        if self.natural_limit < 0:
            raise ConfigError(f"expected a natural limit of 0 or more moves, found {self.natural_limit!r}")


RULE_SETS: Mapping[str, RuleSet] = MappingProxyType(
    {
        "simple": RuleSet(name="simple"),
        "asian": RuleSet(name="asian", judge="asian"),
        "chinese": RuleSet(name="chinese", judge="chinese"),
    }
)
"""The rule sets by name."""


def get_rule_set(rules: str | RuleSet) -> RuleSet:
    """The rule set with this name, or the one given; ConfigError for an unknown name."""
    if isinstance(rules, RuleSet):
        return rules
    found = RULE_SETS.get(rules)
    if found is None:
        raise ConfigError(f"expected a rule set of {', '.join(RULE_SETS)}, found {rules!r}")
    return found
