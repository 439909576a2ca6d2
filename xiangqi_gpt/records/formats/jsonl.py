"""JSON lines: one object per game, also the shape of 2020 (`fen`, `iccs`, `items`), also one array of objects.

Ours: ``{"start_fen", "moves", "result", "split", "kind", "subtype", "id", "tags", "labels", "notes"}``, the
moves as ICCS text with blanks between (a list is read as well), ``labels`` as ``{"first", "best", "cp"}``
(and ``"lines"``, for each label a list of ``[move, cp]``, where the teacher was asked for several moves),
``notes`` by ply as ``{"comment", "nags", "variations": [{"moves", "notes"}]}``. Only moves are needed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xiangqi_gpt.errors import MoveError, RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.records.detect import (
    SAMPLE,
    Lookahead,
    choose_reader,
    decode,
    decode_somehow,
)
from xiangqi_gpt.records.formats.pgn.pgnsplit import MAX_GAME
from xiangqi_gpt.records.movereader import MoveReader, digits_remarks
from xiangqi_gpt.records.record import KINDS, RESULTS, SPLITS, GameRecord, Note, TeacherLabels, split_of
from xiangqi_gpt.records.replay import ParsedGame, start_of
from xiangqi_gpt.records.results import result_of
from xiangqi_gpt.records.start_positions import refused
from xiangqi_gpt.records.textlines import ByteStream, TextLines
from xiangqi_gpt.records.variations import MAX_DEPTH, RawLine, depth_of, plain_notes, resolve
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import MATE_SCORE
from xiangqi_gpt.safe_json import format_json

_RUN: Final = re.compile(r"(?:[a-i][0-9][a-i][0-9])+")
_NUMBERED_RESULTS: Final = {"2": "1-0", "1": "1/2-1/2", "0": "0-1", "-1": "*"}
_ITEMS: Final = {
    "红方棋手": "Red", "黑方棋手": "Black", "红方单位": "RedTeam", "黑方单位": "BlackTeam", "比赛名称": "Event",
    "比赛地点": "Site", "日期": "Date", "轮次": "Round", "开局": "Opening", "变例": "Variation", "Ecco": "ECCO",
}  # fmt: skip


class _ShapeError(ValueError):
    """The object is not of the expected shape; the message names the place."""


@dataclass(slots=True)
class _Game:
    """One object of a file, or why it is none, and the length of its text."""

    line: int
    value: dict[str, Any]
    fault: str = ""
    size: int = 0


def games(
    stream: ByteStream, name: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[ParsedGame]:
    """The games of an open file; see `Format.reader`."""
    objects = Lookahead(_objects(TextLines(stream, on_bytes)))
    reader: MoveReader | None = None
    for number, game in enumerate(objects, 1):
        if reader is None:
            sample = [game.value, *(ahead.value for ahead in objects.peek(SAMPLE))]
            texts = [_tokens_or_none(value) for value in sample]
            reader = choose_reader(texts, [_fen(value) for value in sample])
        candidate = ParsedGame(moves=(), number=number, line=game.line, size=game.size)
        if game.fault:
            yield refused(candidate, game.fault)
            continue
        try:
            _fill(candidate, game.value, reader)
        except _ShapeError as error:
            refused(candidate, str(error))
        yield candidate


def _objects(lines: TextLines) -> Iterator[_Game]:
    """The objects of a file: one a line, or the members of one array, each on lines of its own or not."""
    decoder = json.JSONDecoder()
    pending = ""
    begun = wait = 0  # line on which the pending object begins; length from which it is worth a try
    in_array: bool | None = None
    for line in lines:
        text = decode(line.raw, "utf-8")
        text = text if text is not None else decode_somehow(line.raw)[0]
        if not line.whole:
            yield _Game(
                line.number, {}, f"expected lines of at most {len(line.raw)} bytes, found a longer one"
            )
            pending = ""
            continue
        if in_array is None and text.strip():
            in_array = text.lstrip().startswith("[")
            text = text.lstrip()[1:] if in_array else text
        if not in_array:
            if text.strip():
                yield _object(decoder, text.strip(), line.number)
            continue
        if not pending:
            begun = line.number
        pending += text + "\n"
        if len(pending) > MAX_GAME:
            yield _Game(begun, {}, f"expected games of at most {MAX_GAME} characters, found a longer one")
            pending = ""
            wait = 0
        if len(pending) < wait:
            continue
        while pending := pending.lstrip(" \t\n,]"):
            try:
                value, end = decoder.raw_decode(pending)
            except (ValueError, RecursionError):
                break  # it may continue in the next line
            yield _checked(value, begun, end)
            pending = pending[end:]
            begun = line.number
        wait = 2 * len(pending)  # what is not whole yet is not read again line by line
    while pending := pending.lstrip(" \t\n,]"):
        try:
            value, end = decoder.raw_decode(pending)
        except (ValueError, RecursionError) as error:
            yield _Game(begun, {}, f"expected JSON, found {pending[:30]!r}: {error}")
            break
        yield _checked(value, begun, end)
        pending = pending[end:]


def _object(decoder: json.JSONDecoder, text: str, line: int) -> _Game:
    try:
        value = decoder.decode(text)
    except RecursionError:
        return _Game(line, {}, "expected JSON of a few levels, found one nested too deep")
    except ValueError as error:
        return _Game(line, {}, f"expected JSON, found {text[:30]!r}: {error}")
    return _checked(value, line, len(text))


def _checked(value: Any, line: int, size: int) -> _Game:
    if not isinstance(value, dict):
        return _Game(line, {}, f"expected a JSON object, found {str(value)[:30]!r}")
    return _Game(line, value, "", size)


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        raise _ShapeError(f"expected text as {key!r}, found {str(found)[:30]!r}")
    return str(found)


def _fen(value: Mapping[str, Any]) -> str:
    found = value.get("start_fen", value.get("fen"))
    return found.strip() if isinstance(found, str) else ""


def _tokens(found: Any) -> list[str]:
    if isinstance(found, str):
        words = found.replace(",", " ").split()
        return (
            [word[at : at + 4] for word in words for at in range(0, len(word), 4)]
            if all(_RUN.fullmatch(word) for word in words)
            else words
        )
    if isinstance(found, list) and all(isinstance(token, str) for token in found):
        return found
    raise _ShapeError(f"expected moves as text or as a list of texts, found {str(found)[:30]!r}")


def _tokens_or_none(value: Mapping[str, Any]) -> list[str]:
    try:
        return _tokens(value.get("moves", value.get("iccs")))
    except _ShapeError:
        return []


def _fill(game: ParsedGame, value: dict[str, Any], reader: MoveReader) -> None:
    if "moves" not in value and "iccs" not in value:
        raise _ShapeError(f"expected 'moves' or 'iccs', found {sorted(value)[:8]!r}")
    game.start_fen = _fen(value)
    game.kind = _one_of(_text(value, "kind") or "human", KINDS, "kind")
    game.split = _text(value, "split") and _one_of(_text(value, "split"), SPLITS, "split")
    game.subtype = _text(value, "subtype")
    game.id = _text(value, "id")
    items = value.get("items")
    if isinstance(items, dict) and "moves" not in value:
        game.tags = {tag: text for key, tag in _ITEMS.items() if (text := _text(items, key))}
        if text := _text(value, "path"):
            game.tags = {**game.tags, "Source": text}
        result: str | None = _text(items, "棋局结果")
        game.result = _NUMBERED_RESULTS.get(result or "-1", "") or _one_of(
            result_of(result or "") or (result or ""), RESULTS, "result"
        )
    else:
        result = _text(value, "result")
        game.result = _one_of(result_of(result) or result, RESULTS, "result")
        tags = value.get("tags") or {}
        if not isinstance(tags, dict):
            raise _ShapeError(f"expected an object as 'tags', found {str(tags)[:30]!r}")
        game.tags = {key: _text(tags, key) for key in tags}
    _fill_moves(game, value, reader)


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        raise _ShapeError(f"expected a {what} of {', '.join(known)}, found {value[:30]!r}")
    return value


def _fill_moves(game: ParsedGame, value: dict[str, Any], reader: MoveReader) -> None:
    line = _line(value.get("moves", value.get("iccs")), value.get("notes"), 0)
    start = start_of(game.start_fen)
    if start.fault:
        return  # the judge refuses it
    if line.has_lines():
        resolved = resolve(line, start.board(), reader.parse, game.remarks)
        game.moves = [move.index for move in resolved.moves]
        game.notes = resolved.notes
        game.fault = resolved.fault
    else:
        game.moves, game.fault = reader.resolve(start, [str(token) for token in line.tokens])
        game.notes = plain_notes(line)
    game.remarks.extend(digits_remarks(line.tokens[: len(game.moves)], start.turn))
    if not game.fault and value.get("labels") is not None:
        game.labels = _labels(value["labels"], len(game.moves))


def _line(moves: Any, notes: Any, depth: int) -> RawLine:
    line = RawLine(list(_tokens(moves)))
    if notes is None:
        return line
    if not isinstance(notes, dict) or depth > MAX_DEPTH:
        raise _ShapeError(f"expected notes by ply, at most {MAX_DEPTH} deep, found {str(notes)[:30]!r}")
    for key, note in notes.items():
        if not (key.isascii() and key.isdecimal() and len(key) < 7 and int(key) <= len(line.tokens)):
            raise _ShapeError(f"expected a ply of the line as the key of a note, found {key[:30]!r}")
        if not isinstance(note, dict):
            raise _ShapeError(f"expected an object as a note, found {str(note)[:30]!r}")
        raw = line.note(int(key))
        if comment := _text(note, "comment"):
            raw.comments.append(comment)
        nags, lines = note.get("nags") or [], note.get("variations") or []
        if not isinstance(nags, list) or not all(type(nag) is int and 0 <= nag < 1000 for nag in nags):
            raise _ShapeError(f"expected a list of numbers as 'nags', found {str(nags)[:30]!r}")
        if not isinstance(lines, list) or not all(isinstance(other, dict) for other in lines):
            raise _ShapeError(f"expected a list of objects as 'variations', found {str(lines)[:30]!r}")
        raw.nags.extend(nags)
        raw.lines.extend(_line(other.get("moves"), other.get("notes"), depth + 1) for other in lines)
    return line


def _labels(value: Any, plies: int) -> TeacherLabels:
    if not isinstance(value, dict):
        raise _ShapeError(f"expected an object as 'labels', found {str(value)[:30]!r}")
    first, scores = value.get("first", 0), value.get("cp")
    tokens = _tokens(value.get("best"))
    if type(first) is not int or not isinstance(scores, list) or not 0 <= first <= plies:
        raise _ShapeError("expected 'first' as a ply and 'cp' as a list in 'labels'")
    if not len(tokens) == len(scores) == plies - first:
        raise _ShapeError(
            f"expected {plies - first} labels, found {len(tokens)} moves and {len(scores)} scores"
        )
    if not all(score is None or (type(score) is int and abs(score) <= MATE_SCORE) for score in scores):
        raise _ShapeError(f"expected scores of at most {MATE_SCORE} or null in 'cp'")
    try:
        best = tuple(None if token == "-" else Move.from_iccs(token) for token in tokens)
        lines = _label_lines(value.get("lines"), len(best))
    except MoveError as error:
        raise _ShapeError(str(error)) from error
    return TeacherLabels(first, best, tuple(scores), lines)


def _label_lines(value: Any, count: int) -> tuple[tuple[tuple[Move, int], ...], ...]:
    """The teacher's lines: for each label a list of [move, score]."""
    if value is None:
        return ()
    if (
        not isinstance(value, list)
        or len(value) != count
        or not all(isinstance(line, list) for line in value)
    ):
        raise _ShapeError(f"expected a list for each of the {count} labels as 'lines'")
    for pair in (pair for line in value for pair in line):
        if not (
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int
        ):
            raise _ShapeError(f"expected a move and a score in 'lines', found {str(pair)[:30]!r}")
        if abs(pair[1]) > MATE_SCORE:
            raise _ShapeError(f"expected scores of at most {MATE_SCORE} in 'lines', found {str(pair)[:30]!r}")
    return tuple(tuple((Move.from_iccs(text), cp) for text, cp in line) for line in value)


def write(path: str | os.PathLike[str], games: Iterable[GameRecord], *, force: bool = False) -> int:
    """Write games as JSON lines in UTF-8 and return how many; nothing of a record is lost.

    A file called ``qipu.json`` or ``*.qipu.json`` gets the shape of 2020, which holds moves, result and names.
    """
    as_object = to_old_object if f".{os.path.basename(path)}".endswith(".qipu.json") else to_object
    count = 0
    with (
        atomic_path(path, overwrite=force, error=RecordError) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        for game in games:
            file.write(format_json(as_object(game), ensure_ascii=False, compact=True) + "\n")
            count += 1
    return count


def to_object(game: GameRecord) -> dict[str, Any]:
    """One game as the object that stands on its line."""
    if depth_of(game.notes) > MAX_DEPTH:
        reason = f"expected side lines nested at most {MAX_DEPTH} deep, found more"
        raise RecordError(reason, file=game.file, game=game.number or None)
    value: dict[str, Any] = {
        "id": game.id,
        "split": game.split or split_of(game.start_fen, game.moves),
        "kind": game.kind,
        "subtype": game.subtype,
        "start_fen": "" if game.from_start else game.start_fen,
        "moves": " ".join(map(str, game.moves)),
        "result": game.result,
        "tags": dict(game.tags),
    }
    if game.labels is not None:
        best = " ".join("-" if move is None else move.iccs for move in game.labels.best)
        value["labels"] = {"first": game.labels.first, "best": best, "cp": list(game.labels.cp)}
        if game.labels.lines:
            value["labels"]["lines"] = [[[move.iccs, cp] for move, cp in line] for line in game.labels.lines]
    if game.notes:
        value["notes"] = _notes(game.notes)
    return value


def to_old_object(game: GameRecord) -> dict[str, Any]:
    """One game in the shape of 2020: ``fen`` (empty for the standard start), ``iccs``, ``items``."""
    items = {key: game.tags[tag] for key, tag in _ITEMS.items() if game.tags.get(tag)}
    items["棋局结果"] = next(number for number, result in _NUMBERED_RESULTS.items() if result == game.result)
    return {
        "fen": "" if game.from_start else game.start_fen,
        "iccs": [move.iccs for move in game.moves],
        "items": items,
    }


def _notes(notes: Mapping[int, Note]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for ply, note in notes.items():
        parts: dict[str, Any] = {"comment": note.comment, "nags": list(note.nags)}
        parts["variations"] = [
            {"moves": " ".join(map(str, variation.moves)), "notes": _notes(variation.notes)}
            for variation in note.variations
        ]
        found[str(ply)] = {key: part for key, part in parts.items() if part}
    return found
