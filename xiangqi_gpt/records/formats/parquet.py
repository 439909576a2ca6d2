"""Games in Parquet: the collected games, the teacher's play-outs, and what `write` makes of any games.

A row is a game. ``moves`` is ICCS text with a space between moves; an empty ``start_fen`` is the standard
start. Known columns: id, split, kind, subtype, start_fen, moves, result, red, black, red_elo, black_elo,
event, date, opening, source, clean, end, noise, tags (a JSON object of further tags), first_label,
teacher_best, teacher_cp, teacher_multipv (for each label the teacher's best moves, best first, as one text
such as "h2e2 b2e2"; "" where there are none), teacher_multipv_cp (their scores). Only ``moves`` is needed. A
file with ``first_label`` and without ``kind`` holds games of kind ``"teacher"``.
Comments and variations have no place in this format and are not written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.records.record import KINDS, RESULTS, SPLITS, GameRecord, TeacherLabels, split_of
from xiangqi_gpt.records.replay import ParsedGame
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.safe_json import format_json, parse_json

_BATCH_ROWS: Final = 1024
_NO_SCORE: Final = -(1 << 15)
_NUMBERS: Final = {move.iccs: index for index, move in enumerate(MOVES)}
_LABELS: Final[dict[str, Move | None]] = {**{move.iccs: move for move in MOVES}, "-": None}

_TEXT_TAGS: Final = {
    "red": "Red",
    "black": "Black",
    "event": "Event",
    "date": "Date",
    "opening": "Opening",
    "source": "Source",
    "end": "End",
}
_NUMBER_TAGS: Final = {"red_elo": "RedElo", "black_elo": "BlackElo", "noise": "Noise", "clean": "Clean"}
_TEXTS: Final = (
    "id",
    "split",
    "kind",
    "subtype",
    "start_fen",
    "moves",
    "result",
    "teacher_best",
    "tags",
    *_TEXT_TAGS,
)
_WRITTEN_TAGS: Final = {"Red", "Black", "RedElo", "BlackElo", "Event", "Date", "Opening", "Source"}

SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "split", "kind", "subtype", "start_fen", "moves", "result")),
        ("red", pa.string()),
        ("black", pa.string()),
        ("red_elo", pa.int16()),
        ("black_elo", pa.int16()),
        *((name, pa.string()) for name in ("event", "date", "opening", "source", "tags")),
        ("plies", pa.int32()),
        ("first_label", pa.int32()),
        ("teacher_best", pa.string()),
        ("teacher_cp", pa.list_(pa.int16())),
        ("teacher_multipv", pa.list_(pa.string())),
        ("teacher_multipv_cp", pa.list_(pa.list_(pa.int16()))),
    ]
)
"""What `write` writes."""


def games(
    stream: BinaryIO,
    name: str,
    on_bytes: Callable[[int], None] | None = None,
    splits: Collection[str] | None = None,
    labels: bool = True,
) -> Iterator[ParsedGame]:
    """The games of an open file; see `Format.reader`.

    Rows with a split column that is not among ``splits`` are skipped unread. Without ``labels`` the columns of the
    teacher are not read, which takes half the time. Raises RecordError where the file is no Parquet file or has no
    ``moves``.
    """
    try:
        yield from _rows(pq.ParquetFile(stream), name, splits, labels, on_bytes)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # Names in a damaged head may be no UTF-8, which comes as UnicodeDecodeError.
        reason = " ".join(str(error).split())
        raise RecordError(f"not a readable Parquet file: {reason}", file=name) from error


def _rows(
    file: Any,
    name: str,
    splits: Collection[str] | None,
    labels: bool,
    on_bytes: Callable[[int], None] | None,
) -> Iterator[ParsedGame]:
    names = file.schema_arrow.names
    present = set(names)
    if "moves" not in present:
        raise RecordError(f"expected a column 'moves', found {sorted(present)!r}", file=name)
    wanted = [
        c
        for c in (
            *_TEXTS,
            *_NUMBER_TAGS,
            "first_label",
            "teacher_cp",
            "teacher_multipv",
            "teacher_multipv_cp",
        )
        if c in present and (labels or not c.startswith("teacher_"))
    ]
    if doubled := next((c for c in wanted if names.count(c) > 1), ""):
        raise RecordError(f"expected one column {doubled!r}, found {names.count(doubled)}", file=name)
    default_kind = "teacher" if "first_label" in present and "kind" not in present else "human"
    number = 0
    row_bytes = os.path.getsize(name) / max(1, file.metadata.num_rows)
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
        columns = {column: _column(batch, column, name) for column in wanted}
        rows = len(columns["moves"])
        if on_bytes is not None:
            on_bytes(round(rows * row_bytes))
        split_column = columns.get("split")
        for row in range(rows):
            number += 1
            assigned = split_column[row] if split_column is not None else None
            if splits is not None and assigned and assigned not in splits:
                continue
            yield _candidate(columns, row, number, default_kind)


def _column(batch: Any, name: str, file: str) -> Sequence[Any]:
    """One column as Python values; the types are whatever the file has, as long as they can be cast."""
    column = batch.column(name)
    try:
        if name == "teacher_cp":
            return _lists(column)
        if name == "teacher_multipv":
            return list(column.cast(pa.list_(pa.string())).to_pylist())
        if name == "teacher_multipv_cp":
            return list(column.cast(pa.list_(pa.list_(pa.int32()))).to_pylist())
        if name == "first_label":
            return list(column.cast(pa.int64()).to_pylist())
        if name in _TEXTS or pa.types.is_temporal(column.type):
            return _strings(column)
        return list(column.to_pylist())
    except (pa.ArrowException, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RecordError(f"column {name!r}: expected other values: {reason}", file=file) from error


def _strings(column: Any) -> list[str | None]:
    """A column of text; bytes that are no UTF-8 become U+FFFD, so that they cost their own row only."""
    if not pa.types.is_binary(column.type):
        try:
            return list(column.cast(pa.string()).to_pylist())
        except UnicodeDecodeError:
            pass
    raws = column.cast(pa.binary()).to_pylist()
    return [raw.decode("utf-8", "replace") if raw is not None else None for raw in raws]


def _lists(column: Any) -> list[list[int | None] | None]:
    """A column of lists of numbers, without an object for each number on the way."""
    column = column.cast(pa.list_(pa.int32()))
    flat = column.values.fill_null(_NO_SCORE).to_numpy(zero_copy_only=False).tolist()
    bounds = column.offsets.to_numpy(zero_copy_only=False).tolist()
    missing = column.is_null().to_numpy(zero_copy_only=False).tolist()
    lists: list[list[int | None] | None] = []
    for row, absent in enumerate(missing):
        if absent:
            lists.append(None)
            continue
        scores = flat[bounds[row] : bounds[row + 1]]
        lists.append([None if score == _NO_SCORE else score for score in scores])
    return lists


def _candidate(columns: dict[str, Sequence[Any]], row: int, number: int, default_kind: str) -> ParsedGame:
    def text(name: str) -> str:
        column = columns.get(name)
        return (column[row] or "") if column is not None else ""

    game = ParsedGame(
        moves=(),
        start_fen=text("start_fen"),
        result=text("result") or "*",
        split=text("split"),
        kind=text("kind") or default_kind,
        subtype=text("subtype"),
        id=text("id"),
        number=number,
    )
    for value, known, what in (
        (game.result, RESULTS, "result"),
        (game.kind, KINDS, "kind"),
        (game.split, (*SPLITS, ""), "split"),
    ):
        if value not in known:
            return _refused(game, f"expected a {what} of {', '.join(filter(None, known))}, found {value!r}")
    try:
        game.tags = _tags(columns, row)
        tokens = text("moves").split()
        try:
            game.moves = [_NUMBERS[token] for token in tokens]
        except KeyError:
            bad = next(ply for ply, token in enumerate(tokens) if token not in _NUMBERS)
            game.moves = [_NUMBERS[token] for token in tokens[:bad]]
            game.fault = f"expected an ICCS move such as h2e2, found {tokens[bad][:20]!r}"
            return game
        game.labels = _labels(columns, row, len(tokens), text("teacher_best"))
    except ValueError as error:
        return _refused(game, str(error))
    return game


def _refused(game: ParsedGame, reason: str) -> ParsedGame:
    game.fault = reason
    game.usable = False
    return game


def _tags(columns: dict[str, Sequence[Any]], row: int) -> dict[str, str]:
    tags: dict[str, str] = {}
    for column, tag in _TEXT_TAGS.items():
        if column in columns and columns[column][row]:
            tags[tag] = columns[column][row]
    for column, tag in _NUMBER_TAGS.items():
        if column in columns:
            value = columns[column][row]
            if value is True:
                tags[tag] = "true"
            elif value is not None and value is not False:
                tags[tag] = f"{value:g}" if isinstance(value, (int, float)) else str(value)
    further = columns["tags"][row] if "tags" in columns else None
    if further:
        found = parse_json(further)
        if not isinstance(found, dict):
            raise ValueError(f"expected a JSON object of tags, found {further[:40]!r}")
        tags.update((str(key), str(value)) for key, value in found.items())
    return tags


def _labels(columns: dict[str, Sequence[Any]], row: int, plies: int, best_text: str) -> TeacherLabels | None:
    scores = columns["teacher_cp"][row] if "teacher_cp" in columns else None
    if not best_text and not scores:
        return None
    first = (columns["first_label"][row] if "first_label" in columns else 0) or 0
    tokens = best_text.split()
    if len(tokens) != plies - first or scores is None or len(scores) != plies - first:
        found = f"{len(tokens)} moves and {len(scores) if scores is not None else 'no'} scores"
        raise ValueError(
            f"expected {plies - first} teacher's moves and scores from ply {first}, found {found}"
        )
    best = [_LABELS.get(token, token) for token in tokens]
    if any(isinstance(move, str) for move in best):
        wrong = next(move for move in best if isinstance(move, str))
        raise ValueError(f"expected a teacher's move such as h2e2 or -, found {wrong[:20]!r}")
    lines = _lines(columns, row, plies - first)
    return TeacherLabels(first, tuple(best), tuple(scores), lines)  # type: ignore[arg-type]


def _lines(
    columns: dict[str, Sequence[Any]], row: int, count: int
) -> tuple[tuple[tuple[Move, int], ...], ...]:
    """The teacher's best moves with their scores, one entry a label; () where the row has none."""
    texts, scores = (
        columns[name][row] if name in columns else None for name in ("teacher_multipv", "teacher_multipv_cp")
    )
    if not texts and not scores:
        return ()
    if texts is None or scores is None or len(texts) != count or len(scores) != count:
        found = " and ".join("none" if found is None else str(len(found)) for found in (texts, scores))
        raise ValueError(f"expected lines and their scores for {count} labels, found {found}")
    lines = []
    for text, cps in zip(texts, scores, strict=True):
        words = (text or "").split()
        if len(words) != len(cps or ()) or None in (cps or ()):
            raise ValueError(
                f"expected a score for each move of {(text or '')[:40]!r}, found {str(cps)[:40]}"
            )
        wrong = next((word for word in words if word not in _NUMBERS), None)
        if wrong is not None:
            raise ValueError(f"expected a teacher's line such as 'h2e2 b2e2', found {wrong[:20]!r}")
        lines.append(tuple([(MOVES[_NUMBERS[word]], cp) for word, cp in zip(words, cps or (), strict=True)]))
    return tuple(lines)


def write(path: str | os.PathLike[str], games: Iterable[GameRecord], *, force: bool = False) -> int:
    """Write games and return how many; the file appears under its name when all are written.

    The split of each game is stored, computed where a record has none, so that a copy stays in its part.
    """
    count = 0
    with (
        atomic_path(path, overwrite=force, error=RecordError) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd", compression_level=9) as writer,
    ):
        rows: list[dict[str, Any]] = []
        for game in games:
            rows.append(_row(game))
            count += 1
            if len(rows) >= 4 * _BATCH_ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    return count


def _row(game: GameRecord) -> dict[str, Any]:
    tags = game.tags
    further = {tag: value for tag, value in tags.items() if tag not in _WRITTEN_TAGS}
    elo = {tag: tags.get(tag, "") for tag in ("RedElo", "BlackElo")}
    for tag, value in elo.items():
        if value and not _is_elo(value):
            further[tag] = value
    labels = game.labels
    return {
        "id": game.id,
        "split": game.split or split_of(game.start_fen, game.moves),
        "kind": game.kind,
        "subtype": game.subtype,
        "start_fen": "" if game.from_start else game.start_fen,
        "moves": " ".join([str(move) for move in game.moves]),
        "result": game.result,
        "red": tags.get("Red", ""),
        "black": tags.get("Black", ""),
        "red_elo": int(elo["RedElo"]) if _is_elo(elo["RedElo"]) else None,
        "black_elo": int(elo["BlackElo"]) if _is_elo(elo["BlackElo"]) else None,
        "event": tags.get("Event", ""),
        "date": tags.get("Date", ""),
        "opening": tags.get("Opening", ""),
        "source": tags.get("Source", ""),
        "tags": format_json(further, ensure_ascii=False) if further else None,
        "plies": game.plies,
        "first_label": labels.first if labels is not None else None,
        "teacher_best": " ".join(["-" if move is None else str(move) for move in labels.best])
        if labels is not None
        else None,
        "teacher_cp": list(labels.cp) if labels is not None else None,
        **multipv_columns(labels),
    }


def multipv_columns(labels: TeacherLabels | None) -> dict[str, Any]:
    """The two columns of the teacher's lines, None where there are none."""
    if labels is None or not labels.lines:
        return {"teacher_multipv": None, "teacher_multipv_cp": None}
    return {
        "teacher_multipv": [" ".join([move.iccs for move, _ in lines]) for lines in labels.lines],
        "teacher_multipv_cp": [[cp for _, cp in lines] for lines in labels.lines],
    }


def _is_elo(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
