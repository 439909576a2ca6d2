"""JSON of strangers, and JSON that every program can read."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path

import pytest

import xiangqi_gpt
from xiangqi_gpt.errors import FileError, RecordError
from xiangqi_gpt.safe_json import format_json, parse_json, parse_json_object, round_trip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * 5_000, "a number of 5,000 digits"),
        ("-" + "9" * 401, "a number of 402 digits"),
        ("1" + "0" * 5_000 + ".5", "a number of 5,003 digits"),
        ("{", "Expecting property name"),
        (b"\xff\xfe\x00", "codec"),
        ("", "Expecting value"),
    ],
)
def test_what_is_no_json_is_a_typed_error(text: str | bytes, words: str) -> None:
    with pytest.raises(RecordError, match=words) as caught:
        parse_json(text, file="games.json", error=RecordError)
    assert str(caught.value).startswith("games.json: not JSON: ")
    assert len(str(caught.value)) < 200


def test_values_are_those_of_json() -> None:
    value = {"a": [1, -2.5, 1e300, None, True, "象"], "b": {}}
    assert parse_json(json.dumps(value)) == value
    assert parse_json(format_json(value, ensure_ascii=False).encode()) == value
    assert parse_json_object("{}") == {}
    with pytest.raises(FileError, match="expected a JSON object, found a list"):
        parse_json_object("[]")


def test_numbers_without_words_are_null() -> None:
    value = {"loss": math.nan, "elo": [math.inf, -math.inf, 1.5], "rows": ({"x": math.nan},)}
    assert json.loads(format_json(value)) == {"loss": None, "elo": [None, None, 1.5], "rows": [{"x": None}]}


def test_nothing_reads_or_writes_json_in_another_way() -> None:
    """Plain `json` writes NaN, and ends in a RecursionError at what it reads."""
    package, found = Path(xiangqi_gpt.__file__).parent, set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("json.loads", "json.load", "json.dumps", "json.dump"):
                found.add(file.relative_to(package).as_posix())
    assert found == {"safe_json.py"}


def test_lone_surrogates_are_escaped() -> None:
    """No file can hold them; a JSON text names them."""
    text = format_json({"Red": "象\ud800"}, ensure_ascii=False)
    assert text.encode() == b'{"Red": "\\u8c61\\ud800"}'
    assert parse_json(text) == {"Red": "象\ud800"}


def test_what_comes_back_from_a_file() -> None:
    assert round_trip({"a": (1, math.nan), 2: "b"}) == {"a": [1, None], "2": "b"}
