"""The logs of a run: one line of JSON per step, one line per evaluation, and TensorBoard on request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.files import writing
from xiangqi_gpt.safe_json import format_json
from xiangqi_gpt.training.run_state import EVALUATIONS_FILE, LOG_FILE, disk_full_as_error

TENSORBOARD_FOLDER = "tensorboard"


def tensorboard_writer(folder: Path, step: int) -> Any:
    """A writer of TensorBoard's event files that hides the events of an earlier session after *step*.

    Raises:
        ConfigError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "The option needs TensorBoard. Install it with: pip install 'xiangqi-gpt[tensorboard]'"
        ) from None
    return SummaryWriter(str(folder), purge_step=step + 1)


class Journal:
    """The open logs of a run in the folder *out*; *tensorboard* continues after step *step*."""

    def __init__(self, out: Path, *, tensorboard: bool = False, step: int = 0) -> None:
        self._out = out
        self._board = tensorboard_writer(out / TENSORBOARD_FOLDER, step) if tensorboard else None
        self._files: dict[str, TextIO] = {}

    def step(self, report: Mapping[str, Any]) -> None:
        """Log a step."""
        self._write(LOG_FILE, report, "train")

    def evaluation(self, report: Mapping[str, Any]) -> None:
        """Log an evaluation."""
        self._write(EVALUATIONS_FILE, report, "valid")

    def _write(self, name: str, report: Mapping[str, Any], group: str) -> None:
        with disk_full_as_error(self._out, "the log"), writing(self._out / name, error=ModelError):
            if name not in self._files:
                self._files[name] = open(self._out / name, "a", encoding="utf-8")  # noqa: SIM115 - closed below
            self._files[name].write(format_json(dict(report)) + "\n")
            self._files[name].flush()
        if self._board is not None:
            for key, value in report.items():
                if key != "step" and isinstance(value, (int, float)):
                    self._board.add_scalar(f"{group}/{key}", value, report["step"])

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._board is not None:
            self._board.close()
        for file in self._files.values():
            try:
                file.close()
            except OSError:  # a full disk, which the previous write has reported
                if error is None:
                    raise
