"""Tags and move text of one PGN game, from its decoded text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from xiangqi_gpt.records.replay import MAX_PLIES
from xiangqi_gpt.records.results import ENDS
from xiangqi_gpt.records.variations import MAX_DEPTH, MAX_NODES, RawLine

MAX_WORDS: Final = 2 * MAX_PLIES
"""How many words of a move text without comments are looked at."""

_TAG: Final = re.compile(r"\s*\[\s*([A-Za-z]\w*)\s*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^\]\"']*))\s*\]")
_LOOSE_TAG: Final = re.compile(r"\s*\[\s*([A-Za-z]\w*)\s+[\"“'](.*)[\"”']\s*\]\s*$")
_ESCAPE: Final = re.compile(r"\\([\"\\])")
_SPECIAL: Final = re.compile(r"[{}();$!?（）#]")
_NUMBER: Final = re.compile(r"(?<!\S)\d{1,4}\s?(?:[.．、]+|…+)(?!\d)")
_TOKEN: Final = re.compile(
    r"\{([^}]*)(\}|\Z)"  # 1 comment, 2 its end
    r"|;([^\n]*)"  # 3 comment to the end of the line
    r"|（([^）]*)）"  # 4 comment in full-width parentheses
    r"|\$(\d{1,3})(?!\d)"  # 5 glyph number
    r"|([()])"  # 6 side line
    r"|([^\s{}();$（）]+)"  # 7 word
    r"|(\S)"  # 8 anything else
)
_SUFFIX: Final = {"!": 1, "?": 2, "!!": 3, "??": 4, "!?": 5, "?!": 6}
_DOTS: Final = frozenset(
    (*(dot * count for dot in ".…．" for count in range(1, 9)), "-", "--", "—", "——", "、")
)


@dataclass(slots=True)
class MoveText:
    """A move text taken apart. ``fault`` says what is wrong behind the last move that could be read."""

    line: RawLine = field(default_factory=RawLine)
    result: str = ""
    fault: str = ""


def read_tags(lines: list[str]) -> tuple[dict[str, str], str]:
    """The tags of a game, and what stands behind the last of them on its line."""
    tags: dict[str, str] = {}
    rest = ""
    for text in lines:
        loose = _LOOSE_TAG.match(text)
        if loose is not None and text.count("[") == 1:
            tags.setdefault(loose[1], _ESCAPE.sub(r"\1", loose[2]).strip())
            continue
        position = 0
        while match := _TAG.match(text, position):
            value = next((group for group in match.groups()[1:] if group is not None), "")
            tags.setdefault(match[1], _ESCAPE.sub(r"\1", value).strip())
            position = match.end()
        rest = text[position:]
    return tags, rest


def read_moves(text: str) -> MoveText:
    """Take a move text apart: main line, side lines, comments, glyphs, result."""
    if _SPECIAL.search(text) is None:
        return _plain(text)
    return _annotated(text)


def _plain(text: str) -> MoveText:
    """A move text of nothing but numbers, moves and a result."""
    found = MoveText()
    words = _NUMBER.sub(" ", text).split()
    if not ENDS.isdisjoint(words):
        end = next(position for position, word in enumerate(words) if word in ENDS)
        found.result = words[end]
        behind = next((word for word in words[end:] if word != words[end]), None)
        if behind is not None:
            found.fault = f"expected the end of the game after {words[end]!r}, found {behind[:20]!r}"
        words = words[:end]
    words = words[:MAX_WORDS]  # what is beyond is beyond the longest game
    found.line.tokens.extend([word for word in words if word not in _DOTS and not word.isdecimal()])
    return found


def _annotated(text: str) -> MoveText:
    found = MoveText()
    line = found.line
    stack: list[RawLine] = []
    words = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastindex
        if kind == 2:
            line.note().comments.append(match[1])
            if not match[2]:
                return _stop(found, "expected the end of a comment, found the end of the game")
        elif kind in (3, 4):
            line.note().comments.append(match[kind])
        elif kind == 5:
            line.note().nags.append(int(match[5]))
        elif kind == 6 and match[6] == "(":
            if not line.tokens:
                return _stop(found, "expected a move before a side line, found '('")
            if len(stack) >= MAX_DEPTH:
                return _stop(found, f"expected side lines nested at most {MAX_DEPTH} deep, found more")
            side = RawLine()
            line.note().lines.append(side)
            stack.append(line)
            line = side
        elif kind == 6:
            if not stack:
                return _stop(found, "expected '(' before ')', found none")
            line = stack.pop()
        elif kind == 7:
            words += 1
            if words > MAX_NODES:
                return _stop(found, f"expected at most {MAX_NODES} words, found more")
            if found.result and not stack and match[7] != found.result:
                return _stop(found, f"expected the end of the game after its result, found {match[7][:20]!r}")
            _word(match[7], line, found, bool(stack))
        else:
            return _stop(found, f"expected a move, found {match[8]!r}")
    if stack:
        return _stop(found, "expected ')' at the end of a side line, found the end of the game")
    return found


def _word(word: str, line: RawLine, found: MoveText, aside: bool) -> None:
    if word in ENDS:
        if not aside:
            found.result = word
        return
    number = _NUMBER.match(word)
    if number is not None:
        word = word[number.end() :]
    bare = word.rstrip("!?#")
    if bare and bare not in _DOTS and not bare.isdecimal():
        line.tokens.append(bare)
    suffix = word[len(bare) :].replace("#", "")
    if suffix in _SUFFIX and line.tokens:
        line.note().nags.append(_SUFFIX[suffix])


def _stop(found: MoveText, reason: str) -> MoveText:
    found.fault = reason
    return found


def line_of_ply(text: str, ply: int) -> int:
    """How many lines below the first line of a move text the main-line move ``ply`` (0-based) stands."""
    line, sink, depth = RawLine(), MoveText(), 0
    for match in _TOKEN.finditer(text):
        kind = match.lastindex
        if kind == 6:
            depth += 1 if match[6] == "(" else -1
        elif kind == 7 and depth == 0:
            _word(match[7], line, sink, False)
            if len(line.tokens) > ply:
                return text.count("\n", 0, match.start())
        elif kind == 8:
            return text.count("\n", 0, match.start())
    return text.count("\n")
