"""Measurements on held-out games during a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xiangqi_gpt.dataset.packed import NO_MOVE, Packed
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.model.move_table import MOVES, greedy_moves
from xiangqi_gpt.safe_json import parse_json
from xiangqi_gpt.tokens import Tokenizer
from xiangqi_gpt.training.batches import collate, collate_table, condition_ids
from xiangqi_gpt.training.exposure import sample_plies
from xiangqi_gpt.training.run_state import NOTES_FILE
from xiangqi_gpt.training.train_config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class StyleEvaluation:
    """The same for one style: the person's moves in the style ``human``, the teacher's in ``teacher``."""

    loss: float  # nats/ply
    top1: float
    legality: float
    plies: int


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of a model on a fixed sample of games; one line of ``evaluations.jsonl``. Shares are 0..1."""

    step: int
    loss: float  # nats/ply, summed over all tokens of the target move
    value_loss: float  # nats
    top1: float  # how often the likeliest text, token by token without masking, is the target move
    legality: float  # how often it is a legal move
    plies: int  # with a target move; of a model with styles: targets of all styles together
    seconds: float  # since the run began
    styles: Mapping[str, StyleEvaluation] = field(
        default_factory=dict
    )  # each style separately, if the model has styles


class Validator:
    """The fixed sample of *packed*: every evaluation measures the same windows, this process's share of them.

    *among* (G,) bool marks the games that the sample is drawn from; all by default.
    """

    def __init__(
        self,
        packed: Packed,
        config: TrainConfig,
        model_config: XiangqiGPTConfig,
        tokenizer: Tokenizer,
        *,
        rank: int = 0,
        world: int = 1,
        among: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        sampler = Sampler(
            packed=packed,
            plies=config.plies,
            seed=0,
            mirror=False,
            from_start=model_config.board == "none",
        )
        order = sampler.epoch(0)
        if among is not None:
            kept = among[order[0]]
            order = (order[0][kept], order[1][kept], order[2][kept])
        mine = slice(rank, config.eval_windows, world)
        games, first, mirrored = order[0][mine], order[1][mine], order[2][mine]
        self._tokenizer, self._with_boards = tokenizer, model_config.board != "none"
        self._has_table, self._styles = model_config.move_head == "table", model_config.style_names
        self._targets = config.targets
        self._value = config.value_options
        micro = max(1, config.micro_batch_windows // world)
        self._windows = [
            gather_windows(packed, games[rows], first[rows], config.plies, mirrored[rows])
            for at in range(0, len(games), micro)
            for rows in [slice(at, at + micro)]
        ]

    @torch.no_grad()
    def sums(
        self,
        model: Any,
        device: torch.device,
        autocast: Callable[[], AbstractContextManager[None]],
    ) -> Tensor:
        """(3 + 4 Y,) float64: value nats, plies with a value, boards; then nats, plies, hits and legal texts by style.

        A model without styles counts as one style.
        """
        was_training = model.training
        model.eval()
        totals = np.zeros(3 + 4 * max(1, len(self._styles)))
        measure = self._sums_of_table if self._has_table else self._sums_of
        try:
            with autocast():
                for windows in self._windows:
                    totals += measure(model, windows, device)
        finally:
            model.train(was_training)
        return torch.from_numpy(totals)

    def _sums_of(self, model: Any, windows: Windows, device: torch.device) -> list[float]:
        tokenizer = self._tokenizer
        prefix = condition_ids(windows, tokenizer)
        batch = collate(windows, tokenizer, self._with_boards, prefix=prefix, **self._value).to(device)
        output = model(**batch.model_inputs())
        values = output.value_logits[:, batch.value_index].float().log_softmax(-1)
        noise = torch.zeros(()).expand(*windows.moves.shape, tokenizer.slots, len(tokenizer.vocab))
        said = sample_plies(model, windows, tokenizer, prefix, noise)
        known = windows.targets != NO_MOVE
        boards = windows.boards.any(-1)
        return [
            -float((batch.value_targets * values).sum()),
            batch.value_plies,
            int(boards.sum()),
            float(batch.move_loss(output.logits)),
            batch.target_plies,
            int(((said == windows.targets) & known).sum()),
            int(((said != NO_MOVE) & boards).sum()),
        ]

    def _sums_of_table(self, model: Any, windows: Windows, device: torch.device) -> list[float]:
        """One pass over every board: the likeliest text, word by word, is read from the table."""
        batch = collate_table(
            windows, self._tokenizer, styles=self._styles, targets=self._targets, **self._value
        ).to(device)
        output = model(**batch.model_inputs(), with_logits=False)
        assert batch.table_moves is not None
        assert batch.table_shares is not None
        assert batch.legal_targets is not None
        assert batch.legal_known is not None
        values = output.value_logits[:, batch.value_index].float().log_softmax(-1)
        logprobs = output.move_logprobs
        target, known = batch.table_moves[..., 0], batch.table_shares[..., 0] > 0  # (B, P, Y)
        nats = -logprobs[..., -MOVES:].gather(-1, target[..., None])[..., 0]
        said = greedy_moves(logprobs)
        legal = batch.legal_targets.gather(-1, said.clamp_min(0)) & (said >= 0) & batch.legal_known[..., None]
        by_style = torch.stack(
            [torch.where(known, nats, 0.0).double(), known, (said == target) & known, legal], -1
        ).sum((0, 1))
        return [
            -float((batch.value_targets * values).sum()),
            batch.value_plies,
            batch.legal_plies,
            *by_style.flatten().tolist(),
        ]


def evaluation_of(sums: Tensor, step: int, seconds: float, styles: tuple[str, ...] = ()) -> Evaluation:
    """The means from :meth:`Validator.sums`, summed over processes."""
    value_nats, values, boards, *rest = sums.tolist()
    by_style = [rest[i : i + 4] for i in range(0, len(rest), 4)]
    nats, plies, hits, legal = (sum(column) for column in zip(*by_style, strict=True))
    return Evaluation(
        step=step,
        loss=nats / max(1, plies),
        value_loss=value_nats / max(1, values),
        top1=hits / max(1, plies),
        legality=legal / max(1, boards * len(by_style)),
        plies=int(plies),
        seconds=seconds,
        styles={
            name: StyleEvaluation(
                loss=nats / max(1, plies),
                top1=hits / max(1, plies),
                legality=legal / max(1, boards),
                plies=int(plies),
            )
            for name, (nats, plies, hits, legal) in zip(styles, by_style, strict=bool(styles))
        },
    )


def best_so_far(folder: Path) -> float:
    """The loss of the best model kept in *folder*; infinite if there is none."""
    try:
        return float(parse_json((folder / NOTES_FILE).read_text(encoding="utf-8"))["loss"])
    except FileNotFoundError:
        return float("inf")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder / NOTES_FILE}: expected the evaluation of a model, found {error!r}"
        ) from None
