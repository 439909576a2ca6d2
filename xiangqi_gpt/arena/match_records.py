"""Played games as records, for the PGN writer."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

from xiangqi_gpt.arena.match import MatchConfig, PlayedGame
from xiangqi_gpt.records.record import GameRecord
from xiangqi_gpt.rules.rulesets import get_rule_set


def match_records(
    games: Iterable[PlayedGame], config: MatchConfig, *, date: datetime.date | None = None
) -> Iterator[GameRecord]:
    """The games of a match, their tags saying how each was played and ended.

    Args:
        date: None for today.
    """
    day = (date if date is not None else datetime.date.today()).strftime("%Y.%m.%d")
    for game in games:
        yield GameRecord(
            moves=game.moves,
            result=game.result,
            kind="engine",
            number=game.number,
            tags={
                "Event": "xiangqi-gpt match",
                "Date": day,
                "Round": str(game.number),
                "Red": game.red,
                "Black": game.black,
                "Opening": str(game.opening),
                "Termination": game.ending,
                "TerminationDetails": game.detail,
                "RuleSet": get_rule_set(config.rules).name,
                "Limit": str(config.limit),
            },
        )
