"""Tags and move text of one PGN game, from its decoded text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from xiangqi_gpt.records.replay import MAX_PLIES
from xiangqi_gpt.records.results import ENDS, agreed, result_of
from xiangqi_gpt.records.variations import MAX_DEPTH, MAX_NODES, RawLine

MAX_WORDS: Final = 2 * MAX_PLIES
"""How many words of a move text without comments are looked at."""

_TAG: Final = re.compile(r"\s*\[\s*([A-Za-z]\w*)\s*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^\]\"']*))\s*\]")
_LOOSE_TAG: Final = re.compile(r"\s*\[\s*([A-Za-z]\w*)\s+[\"“'](.*)[\"”']\s*\]\s*$")
_ESCAPE: Final = re.compile(r"\\([\"\\])")
_SPECIAL: Final = re.compile(r"[{}();$!?（）#\[]")
_NUMBER: Final = re.compile(r"(?<!\S)\d{1,4}\s?(?:[.．、]+|…+)(?!\d)")
_INLINE: Final = r"\[\s*[A-Za-z]\w*\s*\"[^\"]*\"\s*\]"  # a tag among the moves, such as [Score "12"]
_TOKEN: Final = re.compile(
    r"\{([^}]*)(\}|\Z)"  # 1 comment, 2 its end
    r"|;([^\n]*)"  # 3 comment to the end of the line
    r"|（([^）]*)）"  # 4 comment in full-width parentheses
    r"|\$(\d{1,3})(?!\d)"  # 5 glyph number
    r"|([()])"  # 6 side line
    rf"|([^\s{{}}();$（）\[]+|(?!{_INLINE})\[[^\s{{}}();$（）]*)"  # 7 word
    rf"|({_INLINE})"  # 8 tag among the moves
    r"|(\S)"  # 9 anything else
)
_MOVE_SHAPE: Final = re.compile(
    r"[A-Ia-i](?:10|[0-9])-?[A-Ia-i](?:10|[0-9])"
    r"|[KAEBHNRCPkaebhnrcp1-9+\-][1-9+\-.A-Ea-eKAEBHNRCP]?[+\-=.][1-9]"
    r"|[一-鿿１-９1-9]{2,3}[进進退平上下][1-9１-９一二三四五六七八九]"
)
_LETTERS: Final = re.compile(
    r"[A-Za-z0-9+\-=.!?#０-９一二三四五六七八九帅帥将將仕士相象马馬傌车車俥炮砲包兵卒前中后後进進退平上下]+"
)
_RULE: Final = re.compile(r"[=\-_*#~—]{3,}")
_SHOWN: Final = 40  # characters that a remark shows of a text
_SUFFIX: Final = {"!": 1, "?": 2, "!!": 3, "??": 4, "!?": 5, "?!": 6}
_DOTS: Final = frozenset(
    (*(dot * count for dot in ".…．" for count in range(1, 9)), "-", "--", "—", "——", "、")
)


@dataclass(slots=True)
class MoveText:
    """A parsed move text. ``fault`` is what is wrong after the last move that could be read, or "".

    ``first`` and ``last`` are the first and the last move number of the main line, each with the number of
    moves before it; ``bare_numbers`` are those of the main line that no dot follows; ``remarks`` name the text that
    was passed over.
    """

    line: RawLine = field(default_factory=RawLine)
    result: str = ""
    fault: str = ""
    first: tuple[int, int] | None = None
    last: tuple[int, int] | None = None
    remarks: list[str] = field(default_factory=list)
    bare_numbers: list[str] = field(default_factory=list)

    def number_remarks(self, turn: int, number: int) -> list[str]:
        """What is odd about the move numbers of a game that begins with side ``turn`` at move ``number``.

        Numbers may count moves of both sides or plies; they may begin with 1 or with the position's number.
        """
        remarks = _bare_number_remarks(self.bare_numbers)
        if self.first is None or self.last is None:
            return remarks
        (first, before), (last, played) = self.first, self.last
        moves, plies = (before + turn) // 2, before
        if first not in (1 + moves, number + moves, 1 + plies, 0):
            remarks.append(f"the first move number is {first}")
        passed = (played + turn) // 2 - moves, played - plies
        if all(abs(last - first - count) > 1 for count in passed):
            remarks.append(f"the last move number is {last}, behind {played} moves")
        return remarks


def read_tags(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """The tags of a game, and what stands behind them on their lines, blanks left out."""
    tags: dict[str, str] = {}
    rests: list[str] = []
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
        if rest := text[position:].strip():
            rests.append(rest)
    return tags, rests


def holds_move(text: str) -> bool:
    """Whether a word of a text has the shape of a move, behind a move number perhaps."""
    return any(_MOVE_SHAPE.match(word) for word in _NUMBER.sub(" ", text).split())


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
        _end(found, words[end:])
        text = text[: _word_at(text, words[end], last=len(words) == end + 1)]
        words = words[:end]
    words = words[:MAX_WORDS]  # what is beyond is beyond the longest game
    tokens = [word for word in words if word not in _DOTS]
    found.bare_numbers = [word for word in tokens if word.isdecimal()]
    if found.bare_numbers:
        tokens = [word for word in tokens if not word.isdecimal()]
    found.line.tokens.extend(tokens)
    number = _NUMBER.search(text)
    if number is not None:
        found.first = _value(number), _count(text[: number.start()])
        number = [number, *_NUMBER.finditer(text, max(number.end(), len(text) - 300))][-1]
        found.last = _value(number), len(tokens) - _count(text[number.end() :])
    return found


def _value(number: re.Match[str]) -> int:
    return int(number[0].rstrip(" .．、…\n\t\u3000"))


def _count(text: str) -> int:
    return sum(word not in _DOTS and not word.isdecimal() for word in text.split())


def _word_at(text: str, word: str, *, last: bool) -> int:
    """Where a word stands in a text: the last such word, or the first."""
    if last:
        return text.rindex(word)
    match = re.search(rf"(?<!\S){re.escape(word)}(?!\S)", text)
    return match.start() if match is not None else text.index(word)


def _bare_number_remarks(numbers: Sequence[str]) -> list[str]:
    """Numbers without a dot count moves; the first that does not is no part of a game and is named."""
    before = 0
    for text in numbers:
        number = int(text) if len(text) < 5 else -1
        if not before <= number <= before + 1:
            return [f"number {text[:_SHOWN]!r} among the moves passed over"]
        before = number
    return []


def _end(found: MoveText, words: Sequence[str]) -> None:
    """Take the result that ends a game, ``words[0]``, and what stands behind it.

    Nothing behind the result can damage a game: programs write their name and address there. A move or another
    result there is no such text: it contradicts the result, and that is a fault.
    """
    found.result = words[0]
    for position, word in enumerate(words):
        result = agreed(result_of(found.result) or "*", result_of(word) or "*") if word in ENDS else None
        if result is not None:
            found.result = found.result if result_of(word) == "*" else word
        elif word in ENDS or _MOVE_SHAPE.match(word):
            found.fault = f"expected the end of the game after {found.result!r}, found {word[:20]!r}"
            return
        else:
            behind = " ".join(words[position : position + _SHOWN])
            found.remarks.append(f"text behind the result passed over: {behind[:_SHOWN]!r}")
            return


def _annotated(text: str) -> MoveText:
    found = MoveText()
    line = found.line
    stack: list[RawLine] = []
    ahead: list[str] = []  # tags that stand before their move
    words = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastindex
        if kind == 2:
            line.note().comments.append(match[1])
            if not match[2]:
                return _stop(found, "the game ends inside a comment: '}' is missing")
        elif kind in (3, 4):
            line.note().comments.append(match[kind])
        elif kind == 5:
            line.note().nags.append(int(match[5]))
        elif kind == 6 and match[6] == "(":
            if not line.tokens:
                return _stop(found, "a side line begins before the first move")
            if len(stack) >= MAX_DEPTH:
                return _stop(found, f"side lines are nested more than {MAX_DEPTH} deep")
            side = RawLine()
            line.note().lines.append(side)
            stack.append(line)
            line = side
        elif kind == 6:
            if not stack:
                return _stop(found, "')' without a '(' before it")
            line = stack.pop()
        elif kind == 7:
            words += 1
            if words > MAX_NODES:
                return _stop(found, f"the game has more than {MAX_NODES} words")
            if found.result and not stack:
                _end(found, [found.result, *text[match.start() : match.start() + 1000].split()])
                return found
            _word(match[7], line, found, bool(stack))
            if ahead and line.tokens:
                line.note().comments.extend(ahead)
                ahead = []
        elif kind == 8:
            ahead.append(match[8][1:-1].strip())
        else:
            return _stop(found, f"expected a move, found {match[9]!r}")
    if ahead:
        line.note().comments.extend(ahead)
    if stack:
        return _stop(found, "the game ends inside a side line: ')' is missing")
    return found


def _word(word: str, line: RawLine, found: MoveText, aside: bool) -> None:
    if word in ENDS:
        if not aside:
            found.result = word
        return
    number = _NUMBER.match(word)
    if number is not None:
        word = word[number.end() :]
        if not aside:
            found.last = _value(number), len(line.tokens)
            found.first = found.first or found.last
    bare = word.rstrip("!?#")
    if bare.isdecimal():
        if not aside:
            found.bare_numbers.append(bare)
    elif bare and bare not in _DOTS:
        line.tokens.append(bare)
    suffix = word[len(bare) :].replace("#", "")
    if suffix in _SUFFIX and line.tokens:
        line.note().nags.append(_SUFFIX[suffix])


def _stop(found: MoveText, reason: str) -> MoveText:
    """Say why nothing more is read; behind the result of the game that is no fault of it."""
    if found.result:
        found.remarks.append(f"text behind the result passed over: {reason}")
    else:
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
        elif kind == 9:
            return text.count("\n", 0, match.start())
    return text.count("\n")


def footer_at(text: str, ply: int) -> str:
    """What stands below the moves from the line of the main-line move ``ply`` (0-based) on, "" unless no move is there.

    Such text begins a line of its own, with a word that no notation has letters for, or a ruled line.
    """
    lines = text.split("\n")[line_of_ply(text, ply) :]
    rest = " ".join(" ".join(lines).split())
    first = rest.partition(" ")[0]
    if not ply or not first or _NUMBER.match(first) or holds_move(rest):
        return ""
    return rest if _RULE.match(first) or not _LETTERS.fullmatch(first) else ""
