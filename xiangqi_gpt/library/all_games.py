"""The games of records and collections alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.library.collection import Collection as GameCollection
from xiangqi_gpt.library.collection_file import is_database
from xiangqi_gpt.records import GameRecord, read_games


def read_all_games(
    paths: Iterable[str | os.PathLike[str]],
    *,
    on_error: Callable[[RecordError], None] | None = None,
    splits: Collection[str] | None = None,
    lenient: bool = False,
) -> Iterator[GameRecord]:
    """As `read_games`, but each of *paths* may also be a collection, which gives its games in their order there."""
    parts = [
        _collected(Path(path), on_error, splits)
        if is_database(Path(path))
        else read_games(path, on_error=on_error, splits=splits, lenient=lenient)
        for path in paths
    ]
    return chain.from_iterable(parts)


def _collected(
    path: Path, on_error: Callable[[RecordError], None] | None, splits: Collection[str] | None
) -> Iterator[GameRecord]:
    """The games of a collection; one that is damaged costs itself only."""
    with GameCollection(path) as collection:
        for row in collection.find():
            try:
                game = collection.game(row.id)
            except RecordError as error:
                if on_error is None:
                    raise
                on_error(error)
            else:
                if splits is None or game.split in splits:
                    yield game
