"""Played games as records, for the PGN writer."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

from xiangqi_gpt.arena.referee import MatchConfig, MoveInfo, PlayedGame
from xiangqi_gpt.records.record import GameRecord, Note
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.outcome import MATE_SCORE
from xiangqi_gpt.rules.rulesets import get_rule_set

_LONGEST_MATE = 1000


def match_records(
    games: Iterable[PlayedGame],
    config: MatchConfig,
    *,
    date: datetime.date | None = None,
    event: str = "xiangqi-gpt match",
) -> Iterator[GameRecord]:
    """The games of a match, their tags stating how each was played and ended.

    Args:
        date: None for today.
    """
    day = (date if date is not None else datetime.date.today()).strftime("%Y.%m.%d")
    for game in games:
        given = len(game.opening.moves)
        yield GameRecord(
            moves=game.moves,
            start_fen=game.opening.start_fen or START_FEN,
            result=game.result,
            kind="engine",
            number=game.number,
            notes={given + k: Note(info_text(info)) for k, info in enumerate(game.infos, start=1)},
            tags={
                "Event": event,
                "Date": day,
                "Round": str(game.number),
                "Red": game.red,
                "Black": game.black,
                "Opening": str(game.opening),
                "Termination": game.ending,
                "TerminationDetails": game.detail,
                "RuleSet": get_rule_set(config.rules).name,
                "Limit": str(config.limit),
                "TimeControl": str(config.clock) if config.clock is not None else "",
                "Adjudication": str(config.adjudication),
            },
        )


def info_text(info: MoveInfo) -> str:
    """Score, depth and time of a move as the comment behind it: ``+0.35/12 1.204s``, ``+M3 0.010s``, ``0.001s``.

    The score is in pawns for the mover; M3 is a mate in three moves.
    """
    time = f"{info.seconds:.3f}s"
    if info.score_cp is None:
        return time
    cp = info.score_cp
    sign = "-" if cp < 0 else "+"
    mate = MATE_SCORE - abs(cp)
    score = f"{sign}M{mate}" if 0 <= mate < _LONGEST_MATE else f"{cp / 100:+.2f}"
    return f"{score}/{info.depth} {time}" if info.depth is not None else f"{score} {time}"
