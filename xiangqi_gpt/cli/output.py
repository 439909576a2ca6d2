"""What commands show: tables and JSON on standard output, progress on standard error."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.safe_json import format_json

if TYPE_CHECKING:
    from rich.table import Table
    from typing_extensions import Self

_LINE_SECONDS = 30.0


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that disappears when it is done; the value is called with the number of finished *what*.

    Nothing is drawn where standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


class ProgressLine:
    """A bar with a text on standard error; where that is no terminal, a line of text every half minute.

    Args:
        is_shown: False shows nothing.
    """

    def __init__(self, *, is_shown: bool = True) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._is_shown, self._last_line = is_shown, 0.0
        self._bar: Progress | None = None
        if is_shown and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[info]}"))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self._task = self._bar.add_task("", total=None, info="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(
        self,
        title: str,
        info: str,
        done: float,
        *,
        total: float | None,
        seconds: float,
        is_last: bool = False,
    ) -> None:
        """Show that *done* of *total* is finished after *seconds*; *is_last* prints a line in any case."""
        if self._bar is not None:
            self._bar.update(self._task, description=title, completed=done, total=total, info=info)
        elif self._is_shown and (seconds - self._last_line >= _LINE_SECONDS or is_last):
            self._last_line = seconds
            left = f"  {(total - done) * seconds / done / 60:.0f} min left" if total and done else ""
            click.echo(f"{title}  {info}{left}", err=True)

    def note(self, line: str) -> None:
        """Print a line that stays."""
        if self._bar is not None:
            self._bar.console.print(line)
        elif self._is_shown:
            click.echo(line, err=True)


@contextmanager
def reading_progress(
    total: Callable[[], int], stages: Mapping[str, str]
) -> Iterator[Callable[[str, int], None] | None]:
    """Bars on standard error for work that first reads *total* bytes and then goes through the games in stages.

    *stages* are the titles of the later stages. The value is called with "read" or a stage, and with how many more
    bytes or games are done; it is None where standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bar:
        tasks = {"read": bar.add_task("reading", total=total())}
        counts = dict.fromkeys(("read", *stages), 0)

        def on_progress(stage: str, count: int) -> None:
            if stage not in tasks:
                bar.update(tasks["read"], completed=bar.tasks[0].total)
                games = max(counts[each] for each in stages)
                tasks[stage] = bar.add_task(stages[stage], total=games or None)
            counts[stage] += count
            bar.advance(tasks[stage], count)

        yield on_progress


def report_refused(refused: Sequence[Exception], what: str = "games") -> None:
    """Print on standard error how many games break the rules, if any, and the first error."""
    if refused:
        click.echo(f"left out {len(refused)} {what} that break the rules; the first: {refused[0]}", err=True)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, title: str = "") -> None:
    """Print rows under titles; the first *left* columns begin at the left, the others end at the right."""
    from rich.table import Table

    drawn = Table(title=title or None, title_justify="left")
    for number, name in enumerate(titles):
        drawn.add_column(name, justify="left" if number < left else "right")
    for row in rows:
        drawn.add_row(*row)
    _print(drawn)


def pairs(values: Mapping[str, object]) -> None:
    """Print names with their values, one per row."""
    from rich.table import Table

    drawn = Table(show_header=False)
    for name, value in values.items():
        drawn.add_row(name, text_of(value))
    _print(drawn)


def _print(drawn: Table) -> None:
    """Print a table; for a file or another program no line is too long."""
    from rich.console import Console

    console = Console(highlight=False)
    if not sys.stdout.isatty():
        console.width = console.measure(drawn, options=console.options.update_width(1000)).maximum
    console.print(drawn)


def text_of(value: object) -> str:
    """A number as tables show it: four decimals, or thousands; "-" for None."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def print_json(value: object) -> None:
    """One JSON value on one line; dataclasses as objects, numbers that are not finite as null."""
    click.echo(format_json(_plain(value)))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")
