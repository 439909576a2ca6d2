"""What engines print while they think: lines `info ...`, read here and nowhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from xiangqi_gpt.rules.outcome import mate_score

_MOST_LINES = 2048
_LONGEST_LINE = 8192
_MOST_DIGITS = 9
_FEW_BYTES = 200


@dataclass(frozen=True, slots=True)
class InfoLine:
    """An `info` line with a variation.

    Attributes:
        number: its multipv number, from 1.
        cp: centipawns for the side to move, a mate in n as `mate_score(n)`; None without a score.
        is_mate: `cp` stands for a mate.
        is_bound: the score is a lower or an upper bound.
        wdl: wins, draws and losses, whole numbers with a sum above 0; None without them.
        pv: the moves of the variation as they are written, at least one.
        text: the whole line.
        depth: plies searched; None where it is not told.
    """

    number: int
    cp: int | None
    is_mate: bool
    is_bound: bool
    wdl: tuple[int, int, int] | None
    pv: tuple[str, ...]
    text: str
    depth: int | None = None


def parse_info(text: str) -> InfoLine | None:
    """An `info` line; None for one without a variation and for what does not parse: engines print all sorts."""
    words = text.split()
    if not words or words[0] != "info" or "pv" not in words:
        return None
    at = words.index("pv")
    head, pv = words[1:at], words[at + 1 :]
    if not pv or "string" in head:
        return None
    try:
        number = _number(head[head.index("multipv") + 1]) if "multipv" in head else 1
        cp, is_mate = _score(head)
        wdl = _wdl(head)
        depth = _number(head[head.index("depth") + 1]) if "depth" in head else None
    except (ValueError, IndexError):
        return None
    if number < 1:
        return None
    is_bound = "lowerbound" in head or "upperbound" in head
    return InfoLine(number, cp, is_mate, is_bound, wdl, tuple(pv), text, depth)


def _number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(text)
    return int(text)


def _score(words: list[str]) -> tuple[int | None, bool]:
    if "score" not in words:
        return None, False
    at = words.index("score")
    kind, number = words[at + 1], _number(words[at + 2])
    if kind == "mate":
        return mate_score(number), True
    return (number if kind == "cp" else None), False


def _wdl(words: list[str]) -> tuple[int, int, int] | None:
    if "wdl" not in words:
        return None
    at = words.index("wdl")
    win, draw, loss = (_number(word) for word in words[at + 1 : at + 4])
    return (win, draw, loss) if min(win, draw, loss) >= 0 < win + draw + loss else None


def score_of(lines: Iterable[str], best: str) -> InfoLine | None:
    """The line whose score is that of the best move; None where there is none.

    The newest line counts, a bound too where the search stopped on one: it holds more than the line before it.
    """
    fallback = None
    for text in reversed(list(lines)):
        line = parse_info(text)
        if line is not None and line.cp is not None and line.number == 1:
            if line.pv[0] == best:
                return line
            fallback = fallback or line
    return fallback


def newest_lines(lines: Iterable[str]) -> list[InfoLine]:
    """The newest line with a score of each number, in their order.

    Where the search stopped on a bound, the move's last exact score stands in its place: it comes from the depth of
    the other lines, and only scores of one depth can be set against each other.
    """
    newest: dict[int, InfoLine] = {}
    exact: dict[str, InfoLine] = {}
    for line in map(parse_info, lines):
        if line is not None and line.cp is not None:
            newest[line.number] = line
            if not line.is_bound:
                exact[line.pv[0]] = line
    found = [newest[number] for number in sorted(newest)]
    return [
        replace(line, cp=exact[line.pv[0]].cp, is_mate=exact[line.pv[0]].is_mate)
        if line.is_bound and line.pv[0] in exact
        else line
        for line in found
    ]


class OutputLog:
    """The output of one search, bounded in memory however much an engine prints."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._last = ""
        self._bytes = 0

    @property
    def lines(self) -> tuple[str, ...]:
        """The newest lines of thinking, oldest first."""
        return tuple(self._lines)

    def clear(self) -> None:
        """Forget everything: a new search begins."""
        self._lines.clear()
        self._last, self._bytes = "", 0

    def add(self, line: str, *, is_thinking: bool = False) -> None:
        """One line of output, with or without the engine's evaluation."""
        self._bytes += len(line) + 1
        if line:
            self._last = line = line[:_LONGEST_LINE]
            if is_thinking:
                self._lines.append(line)

    def skip(self, size: int) -> None:
        """Bytes that are dropped without being read."""
        self._bytes += size

    @property
    def summary(self) -> str:
        """What came in place of an answer, for messages."""
        return without_answer(self._bytes, self._last)


def last_line(output: bytes) -> str:
    """The last line of an engine's output that is not blank; one without its end only where there is no other."""
    *whole, unfinished = output[-500:].decode("utf-8", "replace").split("\n")
    return next((line for line in reversed(whole) if line.strip()), unfinished.strip())


def without_answer(size: int, last: str) -> str:
    """How `size` bytes of output without an answer are described in a message; `last` is their last line."""
    if size < _FEW_BYTES:
        return f"silence behind {last!r}" if last else "silence"
    amount = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size} bytes"
    return f"{amount} of other output, the last line {last[:200]!r},"
