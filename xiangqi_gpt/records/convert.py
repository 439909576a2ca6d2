"""Records of any known format in, one clean file and an account of every game out.

Two passes over the games: the first reads, judges and cleans them and puts them aside in a temporary file, the
second one finds copies and parts; then they are written. So a copy is found wherever it stands, and memory
stays at a few dozen bytes a game.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import atomic_path, check_writable, writing
from xiangqi_gpt.records.audit import Summary, file_line, passed_over_line, status_line, summary_line
from xiangqi_gpt.records.clean import CleanedGame, Status, clean
from xiangqi_gpt.records.dedupe import Duplicates, start_hash
from xiangqi_gpt.records.formats import Format, format_of, is_record_name, read_file, read_head
from xiangqi_gpt.records.record import GameRecord, Note, TeacherLabels
from xiangqi_gpt.rules.move import MOVES

_BATCH: Final = 512
_PARTS: Final = ("", "extra", "train", "reserved", "valid", "test")  # of the last three a later one outranks
_NO_LABELS: Final = ("pgn", "dhtmlxq", "xqf")
_NO_NOTES: Final = ("parquet",)
_NO_PART: Final = ("dhtmlxq", "xqf")

OnProgress = Callable[[str, int], None]
"""(what is being done: "read", "compare" or "write"; how many bytes or games further it is)."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What to convert and how."""

    sources: tuple[Path, ...]
    out: Path
    notation: str | None = None
    report: Path | None = None
    force: bool = False
    lenient: bool = False  # keep games from positions that cannot occur but can be played


def source_files(sources: Iterable[Path]) -> list[Path]:
    """The files to read: each file as given, and of each folder every file with a suffix of records, sorted.

    Raises RecordError where one does not exist or cannot be opened.
    """
    return _find(sources)[0]


def _find(sources: Iterable[Path]) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files to read, and what else is in the folders, with the reason why it is not read."""
    sources = tuple(sources)
    files: list[Path] = []
    others: list[tuple[Path, str]] = []
    for source in sources:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_dir():
                    if path.is_symlink():
                        others.append((path, "a link to a folder"))
                elif not path.is_file():
                    others.append((path, "not a regular file"))
                elif not is_record_name(path):
                    others.append((path, f"{path.suffix!r} is not a suffix of records"))
                else:
                    files.append(path)
        else:
            read_head(source)
            files.append(source)
    if not files:
        raise RecordError(f"No record files in {', '.join(map(str, sources))}.")
    return files, others


def convert(job: Conversion, on_progress: OnProgress | None = None) -> Summary:
    """Run a conversion and return its sums; files appear under their names when all is done.

    Raises RecordError where nothing is kept (the report is written all the same) or a file cannot be written,
    ConfigError for a notation that does not go with the format.
    """
    fmt = format_of(job.out)
    options = _options(fmt, job)
    check_writable(job.out, overwrite=job.force, error=RecordError)
    if job.report is not None:
        check_writable(job.report, overwrite=job.force, error=RecordError)
    files, others = _find(job.sources)
    _check_report(job, files)
    progress = on_progress or (lambda what, count: None)
    summary = Summary(files=len(files), passed_over=len(others))
    with ExitStack() as room:
        with writing(job.out, error=RecordError):
            file = tempfile.TemporaryFile(dir=job.out.parent)  # noqa: SIM115  closed below
        room.callback(_close, file)
        spool = _Spool(file, job.out)
        _read(files, spool, job, summary, progress)
        for batch in spool:
            spool.duplicates.find(*_arrays(batch))
            progress("compare", len(batch))
        originals = spool.duplicates.originals()
        parts = _parts(spool)
        with ExitStack() as stack:
            report: IO[str] | None = None
            if job.report is not None:
                draft = stack.enter_context(atomic_path(job.report, overwrite=job.force, error=RecordError))
                report = stack.enter_context(open(draft, "w", encoding="utf-8"))
            games = _written(spool, originals, parts, summary, report, progress)
            if np.any(originals == np.arange(len(originals))):
                fmt.write(job.out, _counting_losses(games, fmt, summary), force=job.force, **options)
            else:
                for _ in games:
                    pass
            assert summary.balanced()
            if report is not None:
                for other, reason in others:
                    report.write(passed_over_line(str(other), reason))
                report.write(summary_line(summary))
    if not summary.written:
        where = (
            f"The reasons are in {job.report}."
            if job.report is not None
            else "See the reasons with --report FILE."
        )
        raise RecordError(f"None of the {summary.games} games can be kept. {where}")
    return summary


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what could not be written has been reported
        file.close()


def _check_report(job: Conversion, files: Iterable[Path]) -> None:
    """ConfigError where the report would overwrite the output or a source."""
    if job.report is None:
        return
    report = job.report.resolve()
    if report == job.out.resolve():
        raise ConfigError(f"The report and the output have the same name: {str(job.report)!r}.")
    if any(report == path.resolve() for path in files):
        raise ConfigError(f"The report would overwrite a source: {str(job.report)!r}.")


def _options(fmt: Format, job: Conversion) -> dict[str, Any]:
    fmt.write  # noqa: B018 - raises where the format is read only
    if job.notation is None:
        return {}
    if fmt.name != "pgn":
        raise ConfigError(
            f"Only PGN can be written in a chosen notation, not {fmt.name}; leave out --notation."
        )
    from xiangqi_gpt.records.formats.pgn.pgnwrite import renderer

    renderer(job.notation)
    return {"notation": job.notation}


@dataclass(slots=True)
class _Entry:
    """One cleaned game as it lies in the spool: compact, and without the objects of the rules."""

    status: Status
    file: int
    number: int
    line: int | None
    ply: int | None
    reason: str
    remarks: tuple[str, ...]
    fen: str = ""
    moves: bytes = b""
    facts: tuple[str, str, str, str, str] = ("", "", "", "", "")  # result, split, kind, subtype, id
    tags: Mapping[str, str] | None = None
    notes: Mapping[int, Note] | None = None
    labels: tuple[int, bytes, tuple[int | None, ...], tuple[tuple[tuple[int, int], ...], ...]] | None = None


class _Spool:
    """Games set aside in a temporary file, in batches; *out* is what the file is for, to be named in errors."""

    def __init__(self, file: IO[bytes], out: Path) -> None:
        self.file = file
        self._out = out
        self.files: list[str] = []
        self.duplicates = Duplicates()
        self.splits = array("b")
        self.owners = array("q")  # file and number of each game in `duplicates`
        self._batch: list[_Entry] = []

    def put(self, cleaned: CleanedGame, file: int) -> None:
        """Add one game."""
        self._batch.append(_packed(cleaned, file))
        if cleaned.record is not None:
            self.splits.append(_PARTS.index(cleaned.record.split))
            self.owners.extend((file, cleaned.number))
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._batch:
            self.duplicates.add(*_arrays(self._batch))
            with writing(self._out, error=RecordError):
                pickle.dump(self._batch, self.file, pickle.HIGHEST_PROTOCOL)
                self.file.flush()
            self._batch = []

    def __iter__(self) -> Iterator[list[_Entry]]:
        """The batches in order; `flush` must have been called."""
        self.file.seek(0)
        while True:
            try:
                yield pickle.load(self.file)
            except EOFError:
                return


def _packed(cleaned: CleanedGame, file: int) -> _Entry:
    entry = _Entry(
        cleaned.status, file, cleaned.number, cleaned.line, cleaned.ply, cleaned.reason, cleaned.remarks
    )
    game = cleaned.record
    if game is not None:
        entry.fen = game.start_fen
        entry.moves = array("H", [move.index for move in game.moves]).tobytes()
        entry.facts = (game.result, game.split, game.kind, game.subtype, game.id)
        entry.tags = dict(game.tags)
        entry.notes = game.notes or None
        if game.labels is not None:
            best = array("H", [8100 if move is None else move.index for move in game.labels.best])
            lines = tuple([tuple([(move.index, cp) for move, cp in line]) for line in game.labels.lines])
            entry.labels = (game.labels.first, best.tobytes(), game.labels.cp, lines)
    return entry


def _unpacked(entry: _Entry, file: str) -> GameRecord:
    result, split, kind, subtype, id_ = entry.facts
    labels = None
    if entry.labels is not None:
        first, best, scores, packed = entry.labels
        moves = tuple([None if index == 8100 else MOVES[index] for index in array("H", best)])
        lines = tuple([tuple([(MOVES[index], cp) for index, cp in line]) for line in packed])
        labels = TeacherLabels(first, moves, scores, lines)
    return GameRecord(
        moves=tuple([MOVES[index] for index in array("H", entry.moves)]),
        start_fen=entry.fen,
        result=result,
        tags=entry.tags or {},
        split=split,
        kind=kind,
        subtype=subtype,
        id=id_,
        labels=labels,
        notes=entry.notes or {},
        file=file,
        number=entry.number,
    )


def _arrays(batch: list[_Entry]) -> tuple[list[int], NDArray[np.uint16], NDArray[np.int64]]:
    games = [entry for entry in batch if entry.moves]
    offsets = np.zeros(len(games) + 1, dtype=np.int64)
    np.cumsum([len(entry.moves) // 2 for entry in games], out=offsets[1:])
    moves = np.frombuffer(b"".join([entry.moves for entry in games]), dtype=np.uint16)
    return [start_hash(entry.fen, entry.facts[2]) for entry in games], moves, offsets


def _read(files: list[Path], spool: _Spool, job: Conversion, summary: Summary, progress: OnProgress) -> None:
    fmt = format_of(job.out)
    says_kind = _says_kind(fmt, job.out)
    for index, path in enumerate(files):
        name = str(path)
        spool.files.append(name)
        number = 0
        reading = None
        for reading in read_file(path, on_bytes=lambda count: progress("read", count)):
            if reading.record is None and reading.error is not None and reading.error.game is None:
                summary.unreadable += 1
                spool.put(CleanedGame(Status.REFUSED, None, name, 0, reason=reading.error.reason), index)
                continue
            if job.lenient and reading.lenient is not None:
                reading = reading.lenient
            number = max(number + 1, _number(reading.record, reading.error))
            spool.put(_fitting(clean(reading, name, number), fmt, says_kind), index)
        if reading is None:
            summary.unreadable += 1
            spool.put(CleanedGame(Status.REFUSED, None, name, 0, reason="no game found"), index)
    spool.flush()
    spool.duplicates.seal()


def _number(record: GameRecord | None, error: RecordError | None) -> int:
    if record is not None:
        return record.number
    return (error.game or 0) if error is not None else 0


def _says_kind(fmt: Format, out: Path) -> bool:
    """Whether the output can mark a game as a teacher's."""
    return fmt.name not in _NO_PART and not f".{out.name}".endswith(".qipu.json")


def _fitting(cleaned: CleanedGame, fmt: Format, says_kind: bool) -> CleanedGame:
    """Refuse what the format would change."""
    game = cleaned.record
    if game is not None and game.kind == "teacher" and not says_kind:
        reason = f"a teacher's game, which {fmt.name} cannot mark as one"
        return replace(cleaned, status=Status.REFUSED, record=None, reason=reason)
    return cleaned


def _parts(spool: _Spool) -> NDArray[np.int8]:
    """The part of the data of each game: held out if any copy of it is held out."""
    parts = np.array(spool.splits, dtype=np.int8)
    held_out = np.flatnonzero(parts >= _PARTS.index("reserved"))
    np.maximum.at(parts, spool.duplicates.copies[held_out], parts[held_out])
    return parts


def _written(
    spool: _Spool,
    originals: NDArray[np.int64],
    parts: NDArray[np.int8],
    summary: Summary,
    report: IO[str] | None,
    progress: OnProgress,
) -> Iterator[GameRecord]:
    """Yield the games to write; count each game and report it."""
    position = 0
    for batch in spool:
        progress("write", len(batch))
        for entry in batch:
            file = spool.files[entry.file]
            if not entry.number:
                if report is not None:
                    report.write(file_line(file, entry.reason))
                continue
            cleaned = CleanedGame(
                entry.status, None, file, entry.number, entry.line, entry.ply, entry.reason, entry.remarks
            )
            original = None
            game = None
            if entry.moves:
                stands = int(originals[position])
                if stands != position:
                    owner, number = spool.owners[2 * stands : 2 * stands + 2]
                    original = (spool.files[owner], number)
                    cleaned = replace(cleaned, status=Status.DUPLICATE)
                else:
                    game = _unpacked(entry, file)
                    part = _PARTS[parts[position]]
                    if part != game.split:
                        remark = f"part {part!r} instead of {game.split!r}: a copy of the game is there"
                        cleaned = replace(cleaned, remarks=(*cleaned.remarks, remark))
                        game = replace(game, split=part)
                position += 1
            summary.count(cleaned.status)
            if report is not None:
                report.write(status_line(cleaned, original))
            if game is not None:
                yield game


def _counting_losses(games: Iterable[GameRecord], fmt: Format, summary: Summary) -> Iterator[GameRecord]:
    """Pass games on and count what the format cannot store."""
    for game in games:
        for what, there in (
            ("comments and side lines", bool(game.notes) and fmt.name in _NO_NOTES),
            ("teacher's labels", game.labels is not None and fmt.name in _NO_LABELS),
            ("part of the data", game.split == "extra" and fmt.name in _NO_PART),
        ):
            if there:
                summary.dropped_fields[what] = summary.dropped_fields.get(what, 0) + 1
        yield game


def total_bytes(files: Iterable[Path]) -> int:
    """The size of all files, for a progress bar."""
    return sum(os.path.getsize(path) for path in files)
