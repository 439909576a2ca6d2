"""JSON from files that nobody vouches for, and JSON that every program can read.

Python's own reader ends in a RecursionError at deep nesting and in a ValueError of its own at numbers of thousands of
digits, and its writer prints ``NaN``, which is no JSON.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from xiangqi_gpt.errors import FileError

_MOST_DIGITS: Final = 400  # of a number: every float has fewer
_LONE: Final = re.compile("[\ud800-\udfff]")


def parse_json(
    text: str | bytes, *, file: str = "", error: type[FileError] = FileError, what: str = "JSON"
) -> Any:
    """The value of a JSON text.

    Args:
        text: the text, or its bytes in UTF-8.
        file: where it comes from, for the message.
        error: type of the error to raise.
        what: what the text should be, for the message.

    Raises:
        FileError: no JSON, nested too deeply, or a number with more than 400 digits.
    """
    try:
        return json.loads(text, parse_int=_integer, parse_float=_real)
    except RecursionError:
        raise error(f"not {what}: nested too deeply", file=file) from None
    except ValueError as cause:  # of the decoder, the text's encoding or a number
        raise error(f"not {what}: {cause}", file=file) from None


def parse_json_object(
    text: str | bytes, *, file: str = "", error: type[FileError] = FileError
) -> dict[str, Any]:
    """The same for a text that has to be a JSON object."""
    found = parse_json(text, file=file, error=error)
    if not isinstance(found, dict):
        raise error(f"expected a JSON object, found a {type(found).__name__}", file=file)
    return found


def format_json(
    value: Any,
    *,
    indent: int | None = None,
    sort_keys: bool = False,
    ensure_ascii: bool = True,
    compact: bool = False,
) -> str:
    """*value* as JSON; numbers that are not finite, for which JSON has no words, become ``null``.

    Args:
        value: what JSON can hold.
        indent: spaces of each level; None for one line.
        sort_keys: whether keys come in order.
        ensure_ascii: whether other letters are escaped; lone surrogates, which no file can hold, always are.
        compact: whether there are no spaces between the values.
    """

    def text(of: Any, ascii_only: bool) -> str:
        separators = (",", ":") if compact else None
        return json.dumps(
            of,
            indent=indent,
            sort_keys=sort_keys,
            ensure_ascii=ascii_only,
            separators=separators,
            allow_nan=False,
        )

    try:
        found = text(value, ensure_ascii)
    except ValueError:
        value = _finite(value)
        found = text(value, ensure_ascii)
    return found if ensure_ascii or not _LONE.search(found) else text(value, ascii_only=True)


def round_trip(value: Any) -> Any:
    """*value* as it comes back from a JSON file: tuples as lists, keys as text."""
    return parse_json(format_json(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value


def _integer(digits: str) -> int:
    _check(digits)
    return int(digits)


def _real(digits: str) -> float:
    _check(digits)
    return float(digits)


def _check(digits: str) -> None:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits")
