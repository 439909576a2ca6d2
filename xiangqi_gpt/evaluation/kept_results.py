"""Results of an evaluation that has not ended yet, so that a killed one resumes where it was.

One folder per evaluation in the user's cache folder: a line for each measured game or position, removed when all are
measured. What is measured of one item does not depend on the others, so a resumed evaluation reports what a whole one
would.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.evaluation.accuracy import GameFacts
from xiangqi_gpt.evaluation.calibration import GameForecasts
from xiangqi_gpt.evaluation.legality import LegalityFacts
from xiangqi_gpt.evaluation.puzzles import Puzzle
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.workers.journal import Journal

_TYPES: Final = {kind.__name__: kind for kind in (GameFacts, GameForecasts, LegalityFacts, Puzzle)}
_KINDS: Final = "biuf"  # of numpy's numbers


def default_folder() -> Path:
    """Where unfinished evaluations of this user are kept."""
    return user_folder("cache") / "evaluations"


class KeptResults:
    """The results of one evaluation; open it with `with`. Where nothing can be kept, nothing is, and `problem` tells.

    Args:
        what: everything that the results depend on, besides the items.
        items: what is measured.
        folder: where the results are kept; made if it is missing.

    Attributes:
        problem: why nothing is kept, or "".
    """

    def __init__(self, what: Sequence[object], items: Sequence[Any], folder: Path | None = None) -> None:
        self.problem = ""
        # Only the digest of the pickled items is used: nothing is ever unpickled.
        digest = hashlib.sha256(repr(what).encode() + pickle.dumps(list(items), 5))
        self._path = (folder or default_folder()) / digest.hexdigest()[:32]
        self._journal: Journal | None = None
        self._stack = ExitStack()

    def __enter__(self) -> KeptResults:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._journal = self._stack.enter_context(Journal(self._path, {}, force=True))
        except (ConfigError, RecordError, OSError) as error:
            self.problem = str(error)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def read(self) -> dict[int, Any]:
        """What was measured before, by the number of the item; what is damaged is left out."""
        found = {}
        for number in self._journal.numbers() if self._journal is not None else ():
            try:
                assert self._journal is not None
                found[number] = unpacked(self._journal.row(number)["result"])
            except (ValueError, KeyError, TypeError, IndexError):
                continue
        return found

    def add(self, number: int, result: Any) -> None:
        """Keep a result. A disk that refuses it ends the keeping, not the evaluation."""
        if self._journal is None:
            return
        try:
            self._journal.add(number, {"result": packed(result)})
        except RecordError as error:
            self.problem, self._journal = str(error), None

    def remove(self) -> None:
        """The evaluation is complete."""
        if self._journal is not None:
            self._journal.remove()


def packed(value: Any) -> Any:
    """A result as JSON can hold it, to the last bit."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": [value.dtype.str, list(value.shape), data]}
    if isinstance(value, Move):
        return {"move": value.index}
    if type(value).__name__ in _TYPES:
        fields = {field.name: packed(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": fields}
    if isinstance(value, tuple):
        return {"tuple": [packed(each) for each in value]}
    if isinstance(value, list):
        return [packed(each) for each in value]
    if isinstance(value, dict):
        return {"map": {key: packed(each) for key, each in value.items()}}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def unpacked(value: Any) -> Any:
    """The result of :func:`packed`; ValueError, KeyError, TypeError or IndexError for anything else."""
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        name, shape, data = value["array"]
        kind = np.dtype(str(name))
        if kind.kind not in _KINDS:
            raise ValueError(f"numbers of the kind {name!r}")
        return np.frombuffer(base64.b64decode(data), kind).reshape(shape)
    if "move" in value:
        return MOVES[int(value["move"])]
    if "type" in value:
        fields = {str(key): unpacked(each) for key, each in value["fields"].items()}
        return _TYPES[value["type"]](**fields)
    if "tuple" in value:
        return tuple(unpacked(each) for each in value["tuple"])
    if "float" in value:
        return float(value["float"])
    return {str(key): unpacked(each) for key, each in value["map"].items()}
