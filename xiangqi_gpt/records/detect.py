"""What holds for a whole text file: its encoding, its rank convention, its notation where texts are alike.

Nothing is decided by looks where playing the games can decide it: of several encodings the one wins in which
most of the first games decode and replay.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, Generic, TypeVar

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation import (
    Dialect,
    RankConvention,
    detect_dialect,
    detect_rank_convention,
    san,
    vietnamese,
)
from xiangqi_gpt.notation.common import plain
from xiangqi_gpt.records.movereader import MAX_TOKEN, MoveReader, looks_like_coordinates
from xiangqi_gpt.records.replay import ParsedGame, replay_games, start_of
from xiangqi_gpt.rules.board import Board

ENCODINGS: Final = ("utf-8", "gb18030", "big5hkscs")
"""Tried in this order; the first one wins a draw."""

SAMPLE: Final = 24
"""How many games decide for a file."""

_SHORT: Final = 1 << 16  # longer games are not used as samples

_T = TypeVar("_T")


class Lookahead(Generic[_T]):
    """An iterator whose next items can be looked at."""

    def __init__(self, items: Iterable[_T]) -> None:
        self._items = iter(items)
        self._waiting: list[_T] = []

    def peek(self, count: int) -> Sequence[_T]:
        """Up to ``count`` items that come next; they stay in the iterator."""
        self._waiting.extend(islice(self._items, max(0, count - len(self._waiting))))
        return self._waiting[:count]

    def __iter__(self) -> Iterator[_T]:
        return self

    def __next__(self) -> _T:
        return self._waiting.pop(0) if self._waiting else next(self._items)


def decode(raw: bytes, encoding: str) -> str | None:
    """The text in an encoding, or ``None`` where it is no text in that encoding."""
    try:
        return raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def decode_somehow(raw: bytes) -> tuple[str, bool]:
    """The text in the first encoding that takes it, and whether one did (else bad bytes become U+FFFD)."""
    for encoding in ENCODINGS:
        text = decode(raw, encoding)
        if text is not None:
            return text, True
    return raw.decode("utf-8", "replace"), False


def decode_start(raw: bytes, size: int) -> str:
    """The first ``size`` bytes as text; a character that this cuts in two is left out."""
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            return decoder.decode(raw[:size], final=len(raw) <= size)
        except UnicodeDecodeError:
            continue
    return raw[:size].decode("utf-8", "replace")


def shown(raw: bytes, size: int = 16) -> str:
    """The start of some bytes for a message: as text where they are text, else as hexadecimal numbers."""
    text = " ".join(decode_start(raw, size).split())
    return repr(text) if text.isprintable() and "\ufffd" not in text else f"bytes {raw[:size].hex(' ')}"


def choose_encoding(samples: Sequence[bytes], candidate: Callable[[str], ParsedGame]) -> str:
    """The encoding in which most of the samples decode and replay.

    ``candidate`` makes a game of a decoded sample. If the moves do not decide (they may be plain ASCII), the
    encoding that decodes more wins, then the one whose double bytes are more often everyday characters.
    """
    samples = [raw for raw in samples if not raw.isascii()]
    samples = [raw for raw in samples if len(raw) <= _SHORT] or samples[:1]
    best = ENCODINGS[0]
    best_score: tuple[int, int, float] | None = None
    for encoding in ENCODINGS:
        texts = [text for text in (decode(raw, encoding) for raw in samples) if text is not None]
        if not texts:
            continue
        plies = legal_plies(candidate(text) for text in texts)
        score = (plies, len(texts), round(_everyday(samples, encoding), 1))
        if best_score is None or score > best_score:
            best, best_score = encoding, score
    return best


def legal_plies(candidates: Iterable[ParsedGame]) -> int:
    """How many plies of some games are legal."""
    records = ((reading.lenient or reading).record for reading in replay_games(candidates, ""))
    return sum(record.plies for record in records if record is not None)


def _everyday(samples: Iterable[bytes], encoding: str) -> float:
    """Share of double bytes that stand for common characters: GB2312 level 1, or Big5 level 1."""
    if encoding == "utf-8":
        return 1.0
    low, high, trail = (0xB0, 0xD7, 0xA1) if encoding == "gb18030" else (0xA4, 0xC6, 0x40)
    common = pairs = 0
    for raw in samples:
        position = 0
        while position < len(raw) - 1:
            if raw[position] < 0x81:
                position += 1
                continue
            pairs += 1
            common += low <= raw[position] <= high and raw[position + 1] >= trail
            position += 2
    return common / pairs if pairs else 0.0


def choose_ranks(games: Sequence[Sequence[str]], starts: Sequence[str]) -> RankConvention:
    """The rank convention of a file, from the move texts and start positions of some of its games."""
    coordinates = [[token for token in game if looks_like_coordinates(token)] for game in games]
    try:
        found = detect_rank_convention(chain.from_iterable(coordinates))
    except MoveError:
        found = None  # both occur: the games decide, and those of the other kind will be reported
    if found is not None:
        return found
    for tokens, fen in zip(coordinates, starts, strict=True):
        if tokens:
            try:
                found = detect_rank_convention(tokens, Board(fen, strict=False) if fen else Board())
            except (MoveError, ValueError):
                continue
            if found is not None:
                return found
    return "0-9"


def choose_reader(games: Sequence[Sequence[str]], starts: Sequence[str]) -> MoveReader:
    """The reader of a file's moves, its conventions taken from the move texts and start positions of some games."""
    ranks = choose_ranks(games, starts)
    algebraic = _choose_algebraic(games, starts)
    vietnamese_file = any(
        vietnamese.looks_like(token, only=True) for game in games for token in game if len(token) <= MAX_TOKEN
    )
    return MoveReader(
        algebraic or ranks, choose_dialect(games), algebraic=algebraic, is_vietnamese=vietnamese_file
    )


def _choose_algebraic(games: Sequence[Sequence[str]], starts: Sequence[str]) -> RankConvention | None:
    """The ranks of a file of algebraic texts such as Cbe2; None where it holds none, "0-9" if it is ambiguous."""
    tokens = {plain(token) for game in games for token in game if len(token) <= MAX_TOKEN}
    if not any(san.looks_like(token.rstrip("+#!?"), piece=True) for token in tokens):
        return None
    zero = any(re.search(r"[a-i]0", token) for token in tokens)
    ten = any(re.search(r"[a-i]10", token) for token in tokens)
    if zero != ten:
        return "0-9" if zero else "1-10"
    plies: dict[RankConvention, int] = {"0-9": 0, "1-10": 0}
    for ranks in plies:
        reader = MoveReader(ranks, algebraic=ranks)
        for game, fen in zip(games, starts, strict=True):
            start = start_of(fen)
            plies[ranks] += len(reader.resolve(start, list(game))[0]) if not start.fault else 0
    return "1-10" if plies["1-10"] > plies["0-9"] else "0-9"


def choose_dialect(games: Iterable[Sequence[str]]) -> Dialect | None:
    """The WXF dialect of a file, ``None`` where nothing in these games settles it."""
    texts = (token for game in games for token in game if len(token) <= MAX_TOKEN and token.isascii())
    try:
        return detect_dialect(texts)
    except MoveError:
        return None  # both occur: each text is then read by its own looks
