"""`generate` and `label`: send tasks to workers, store finished games in the journal, and write one file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import ConfigError, RecordError, TeacherError
from xiangqi_gpt.files import check_writable
from xiangqi_gpt.players.base import EngineSpec
from xiangqi_gpt.records import GameRecord, read_games, write_games
from xiangqi_gpt.records.formats import format_of
from xiangqi_gpt.teacher.labelling import Labelling, labels_of
from xiangqi_gpt.teacher.playout import PlayOut
from xiangqi_gpt.teacher.schema import write_play_outs
from xiangqi_gpt.teacher.starts import Openings, StartConfig, play_out_tasks
from xiangqi_gpt.teacher.teacher_engine import teacher_name
from xiangqi_gpt.teacher.work import ClusterWorker, Result, Task, Work, Worker
from xiangqi_gpt.workers.journal import Journal, rows_in_order
from xiangqi_gpt.workers.local_pool import LocalPool
from xiangqi_gpt.workers.pool import Pool, core_count
from xiangqi_gpt.workers.ray_pool import RayPool

FREE_FAULTS = 2
FAULT_SHARE = 0.02
"""A run stops when more than `FREE_FAULTS` games plus this fraction of the finished ones were dropped."""

_NO_LABELS = ("pgn", "dhtmlxq", "xqf")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the work is done."""

    workers: int | None = None  # simultaneous engines; None: one per core
    cluster: str | None = None  # address of a Ray cluster; None: processes on this machine

    def open(self, work: Work) -> Pool[Task, Result]:
        """Start the workers."""
        if self.cluster is not None:
            return RayPool(partial(ClusterWorker, work), self.cluster, self.workers)
        return LocalPool(partial(Worker, work), self.workers if self.workers is not None else core_count())

    def cores(self) -> int | None:
        """Number of simultaneous workers, if known."""
        if self.cluster is not None:
            return self.workers
        return self.workers if self.workers is not None else core_count()


@dataclass(kw_only=True)
class Summary:
    """The progress of a run.

    Attributes:
        total: number of games wanted, None if not known.
        games: games finished, including those of earlier sessions.
        resumed: games that earlier sessions had finished.
        labels: positions labelled in this session.
        dropped: games dropped in this session.
        reasons: the first few reasons for dropped games.
        deaths: engines that died in this session and were restarted.
        refused: games of the input that could not be read.
        seconds: time since this session began.
        engine_seconds: time between requests and answers, summed over all engines.
        worker_seconds: time during which workers had a game, summed over all workers.
    """

    total: int | None = None
    games: int = 0
    resumed: int = 0
    labels: int = 0
    dropped: int = 0
    reasons: list[str] = field(default_factory=list)
    deaths: int = 0
    refused: int = 0
    seconds: float = 0.0
    engine_seconds: float = 0.0
    worker_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Positions labelled per second."""
        return self.labels / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The totals by name."""
        return {
            "games": self.games,
            "resumed": self.resumed,
            "labels": self.labels,
            "dropped": self.dropped,
            "deaths": self.deaths,
            "refused": self.refused,
            "seconds": round(self.seconds, 1),
            "engine_seconds": round(self.engine_seconds, 1),
            "labels_per_second": round(self.rate, 1),
        }


OnProgress = Callable[[Summary], None]


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The settings of `generate`."""

    engine: EngineSpec
    games: int
    out: Path
    records: tuple[Path, ...] = ()  # games to start from
    starts: StartConfig = field(default_factory=StartConfig)
    multipv: int = 1
    force: bool = False  # overwrite `out`, and delete the unfinished games of another run

    def __post_init__(self) -> None:
        if self.games < 1:
            raise ConfigError(f"expected at least 1 game, found {self.games!r}")
        if not 1 <= self.multipv <= 128:
            raise ConfigError(f"expected a multipv from 1 to 128, found {self.multipv!r}")
        if format_of(self.out).name != "parquet":
            raise ConfigError(
                f"Play-outs are written to Parquet: expected a name in .parquet, found {str(self.out)!r}"
            )


def generate(job: Generation, place: Place, on_progress: OnProgress | None = None) -> Summary:
    """Make play-outs and return the totals; the file gets its name when all games are done.

    To resume a run that was stopped in any way, call this again. The file is the same as that of an uninterrupted run,
    provided that the engine is deterministic (a limit of nodes or depth, one thread).

    Raises:
        ConfigError: settings that contradict each other, or the folder of another run.
        RecordError: a file cannot be read or written; finished games are kept.
        PlayerError: the engine cannot be started, or dies or gives invalid answers too often (TeacherError).
        WorkerError: workers keep ending unexpectedly.
    """
    check_writable(job.out, overwrite=job.force, error=RecordError)
    starts = job.starts
    openings = _openings(job)
    work = PlayOut(
        engine=job.engine,
        seed=starts.seed,
        max_plies=starts.max_plies,
        rules=starts.rules,
        multipv=job.multipv,
    )
    settings = {
        "what": "play-outs",
        "engine": teacher_name(job.engine),
        "command": job.engine.command,
        "ranks": job.engine.ranks,
        "seed": starts.seed,
        "noise": list(starts.noise),
        "random_plies": list(starts.random_plies),
        "cut": list(starts.cut),
        "records": openings.fingerprint if openings is not None else None,
        "records_share": starts.records_share,
        "max_plies": starts.max_plies,
        "rules": starts.rules,
        "multipv": job.multipv,
    }
    with Journal(job.out, settings, force=job.force) as journal:
        summary = Summary(total=job.games)
        tasks = play_out_tasks(job.games, starts, openings)
        _work_off(tasks, work, place, journal, summary, on_progress)
        if not len(journal):
            raise _no_game_finished(summary)
        about = {key: settings[key] for key in settings if key not in ("what", "command")}
        rows = (row for _, row in rows_in_order(journal, below=job.games))
        with _full_disk_is_typed(job.out):
            write_play_outs(job.out, rows, multipv=job.multipv, about=about, force=job.force)
        journal.remove()
    return summary


def _openings(job: Generation) -> Openings | None:
    if not job.records:
        return None
    games = read_games(job.records, on_error=lambda error: None, splits={"train"})
    openings = Openings((game for game in games if game.plies), job.starts.cut[1])
    if not len(openings):
        names = ", ".join(map(str, job.records))
        raise RecordError(f"No games of split 'train' to begin from in {names}.")
    return openings


@dataclass(frozen=True, kw_only=True)
class LabelJob:
    """The settings of `label`."""

    engine: EngineSpec
    sources: tuple[Path, ...]
    out: Path
    every: int = 1  # plies from one label to the next
    multipv: int = 1
    force: bool = False

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every: expected a number of plies of at least 1, found {self.every!r}")
        if not 1 <= self.multipv <= 128:
            raise ConfigError(f"expected a multipv from 1 to 128, found {self.multipv!r}")
        name = format_of(self.out).name
        if name in _NO_LABELS or f".{self.out.name}".endswith(".qipu.json"):
            raise ConfigError(f"Labels are written to .parquet or .jsonl, not to {str(self.out)!r}")


def label(job: LabelJob, place: Place, on_progress: OnProgress | None = None) -> Summary:
    """Label games and return the totals; resuming and errors as in `generate`.

    Unreadable games are counted and left out, and so are games dropped because of engine failures.
    """
    check_writable(job.out, overwrite=job.force, error=RecordError)
    read_games(job.sources)  # raises if a file does not exist
    summary = Summary()
    work = Labelling(engine=job.engine, every=job.every, multipv=job.multipv)
    settings = {
        "what": "labels",
        "engine": teacher_name(job.engine),
        "command": job.engine.command,
        "ranks": job.engine.ranks,
        "sources": [[str(path.resolve()), path.stat().st_size] for path in job.sources],
        "every": job.every,
        "multipv": job.multipv,
    }

    def refuse(error: RecordError) -> None:
        summary.refused += 1

    def tasks() -> Iterator[Task]:
        for number, game in enumerate(read_games(job.sources, on_error=refuse)):
            moves = tuple([move.index for move in game.moves])
            yield Task(number=number, start_fen=game.start_fen, moves=moves)

    with Journal(job.out, settings, force=job.force) as journal:
        _work_off(tasks(), work, place, journal, summary, on_progress)
        if summary.dropped and not len(journal):
            raise _no_game_finished(summary)
        if not len(journal):
            raise RecordError(f"No games to label in {', '.join(map(str, job.sources))}.")
        with _full_disk_is_typed(job.out):
            write_games(job.out, _labelled(job, journal), force=job.force)
        journal.remove()
    return summary


def _labelled(job: LabelJob, journal: Journal) -> Iterator[GameRecord]:
    for number, game in enumerate(read_games(job.sources, on_error=lambda error: None)):
        if number in journal:
            yield replace(game, labels=labels_of(journal.row(number)))


def _work_off(
    tasks: Iterable[Task],
    work: Work,
    place: Place,
    journal: Journal,
    summary: Summary,
    on_progress: OnProgress | None,
) -> None:
    """Do the tasks that are not yet in the journal."""
    started = time.perf_counter()

    def open_tasks() -> Iterator[Task]:
        for task in tasks:
            if task.number in journal:
                summary.games += 1
                summary.resumed += 1
            else:
                yield task

    pool = place.open(work)
    try:
        for result in pool.results(open_tasks()):
            summary.labels += result.searches
            summary.engine_seconds += result.engine_seconds
            summary.worker_seconds += result.seconds
            summary.deaths += result.deaths
            if result.row is not None:
                journal.add(result.number, result.row)
                summary.games += 1
            else:
                _give_up(result, summary)
            summary.seconds = time.perf_counter() - started
            if on_progress is not None:
                on_progress(summary)
    finally:
        pool.close()
        summary.seconds = time.perf_counter() - started


def _give_up(result: Result, summary: Summary) -> None:
    assert result.error is not None
    if result.is_fatal:
        raise result.error
    summary.dropped += 1
    if len(summary.reasons) < 5:
        summary.reasons.append(f"game {result.number + 1}: {result.error}")
    if summary.dropped > FREE_FAULTS + FAULT_SHARE * summary.games:
        raise TeacherError(
            f"The engine failed too often: {summary.dropped} games were dropped and {summary.games} finished. "
            f"The last failure, in game {result.number + 1}: {result.error}"
        ) from result.error


def _no_game_finished(summary: Summary) -> TeacherError:
    return TeacherError(
        f"No game was finished: the engine failed in all {summary.dropped}. {summary.reasons[-1]}"
    )


@contextlib.contextmanager
def _full_disk_is_typed(out: Path) -> Iterator[None]:
    """If writing the file fails because of the disk, the error also states that finished games are kept."""
    try:
        yield
    except RecordError as error:
        if error.file != str(out) or not isinstance(error.__cause__, OSError):
            raise
        reason = f"{error.reason}; the finished games are kept, and the same command writes it"
        raise RecordError(reason, file=str(out)) from error.__cause__
