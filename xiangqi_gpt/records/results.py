"""Words for the result of a game, as programs and people write them."""

from __future__ import annotations

import unicodedata
from typing import Final

_WORDS: Final = {
    "1-0": "1-0 红胜 紅勝 红先胜 紅先勝 先胜 先勝 红方胜 紅方勝 红方胜利 黑方认输 黑负 黑負 后负 後負 胜 勝 red",
    "0-1": "0-1 黑胜 黑勝 红先负 紅先負 先负 先負 黑方胜 黑方勝 黑方胜利 红方认输 红负 紅負 后胜 後勝 负 負 black",
    "1/2-1/2": "1/2-1/2 1/2 ½-½ ½ 0.5-0.5 和棋 和 和局 红先和 紅先和 先和 双方议和 双方和棋 作和 draw",
    "*": "* ? - 未知 不详 未完 未定 unknown ongoing",
}
_RESULTS: Final = {word: result for result, words in _WORDS.items() for word in words.split()}

_DASHES: Final = "-－‐‑‒–—−"
_WIDE: Final = str.maketrans("012/*", "０１２／＊")
_PLAIN: Final = str.maketrans(dict.fromkeys(_DASHES, "-") | {"：": "-", ":": "-", "⁄": "/"})

ENDS: Final = frozenset(
    word for word in _RESULTS if word not in {"red", "black", "draw", "?", "-", "unknown", "ongoing"}
).union(
    written.replace("-", dash)
    for word in ("1-0", "0-1", "1/2-1/2", "½-½", "*")
    for written in (word, word.translate(_WIDE))
    for dash in _DASHES
)
"""Words that end a move text; the rest of the known ones are taken in tags only."""


def result_of(word: str) -> str | None:
    """``"1-0"``, ``"0-1"``, ``"1/2-1/2"`` or ``"*"`` for a word with this meaning, ``None`` for any other."""
    word = word.strip()
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word.replace("½", "1/2"))
    word = word.translate(_PLAIN)
    return _RESULTS.get(word.lower(), "*" if not word else None)


def agreed(*results: str) -> str | None:
    """The one result that several sources of a game agree on; ``None`` where two of them contradict.

    ``"*"`` agrees with everything.
    """
    known = {result for result in results if result != "*"}
    if len(known) > 1:
        return None
    return known.pop() if known else "*"
