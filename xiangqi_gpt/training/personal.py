"""One person's moves: an adapter of the model that is trained on them, and what it gains on games that it has not seen.

Letters in shapes: B windows, P plies of a window, T tokens, M the 2,086 possible moves.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from xiangqi_gpt.decoding import Scorer, SymmetricScorer
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.evaluation.accuracy import game_facts
from xiangqi_gpt.evaluation.intervals import Estimate, estimate
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.context import board_features
from xiangqi_gpt.model.layout import main_line
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.squares import SQUARES
from xiangqi_gpt.rules.views import MIRROR, rotated_moves
from xiangqi_gpt.tokens import POSSIBLE_MOVES

_TAGS = ("Red", "Black")
_FEWEST_HELD_OUT = 5  # games
_SHARE_HELD_OUT = 5  # one game in so many, where the records hold out too few


@dataclass(frozen=True, kw_only=True)
class PersonalSettings:
    """How an adapter is trained."""

    rank: int = 8  # of the LoRA matrices
    learning_rate: float = 5e-4
    dropout: float = 0.05  # share of an adapter's inputs dropped in training
    windows: int = 16  # per optimiser step
    epochs: int = 4  # at most; training ends earlier when the games kept for validation are predicted worse
    seed: int = 0

    def __post_init__(self) -> None:
        for key in ("rank", "windows", "epochs"):
            if getattr(self, key) < 1:
                raise ConfigError(
                    f"{key}: expected a whole number of at least 1, found {getattr(self, key)!r}"
                )
        if not 0 < self.learning_rate < 1:
            raise ConfigError(
                f"learning_rate: expected a number between 0 and 1, found {self.learning_rate!r}"
            )


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """One pass over the games; losses are nats/ply of the person's moves."""

    epoch: int  # 0 for the model before training
    loss: float | None
    validation_loss: float


@dataclass(frozen=True, kw_only=True)
class PersonalGain:
    """What an adapter gains on held-out games, on the person's own plies; intervals are 95 %, from games."""

    games: int
    plies: int
    top1_before: Estimate
    top1_after: Estimate
    top1_gain: Estimate
    nats_before: Estimate
    nats_after: Estimate
    nats_gain: Estimate  # above 0 where the adapter predicts better


def games_of(games: Sequence[GameRecord], player: str) -> list[tuple[GameRecord, int]]:
    """The games of *player* with the side played, 0 Red or 1 Black.

    Raises:
        ConfigError: there are none; the message lists the most frequent players.
    """
    wanted = player.strip().casefold()
    names: Counter[str] = Counter()
    found = []
    for game in games:
        for side, tag in enumerate(_TAGS):
            name = game.tags.get(tag, "").strip()
            names[name] += 1
            if name.casefold() == wanted and game.moves:
                found.append((game, side))
    if not found:
        del names[""]
        known = (
            ", ".join(f"{name} ({count})" for name, count in names.most_common(5))
            or "nobody: no game has names"
        )
        raise ConfigError(f"No games of {player!r}. Most frequent players: {known}.")
    return found


def parted(games: Sequence[tuple[GameRecord, int]], seed: int) -> tuple[list[Any], list[Any], bool]:
    """Games to train on and games held out, and whether the records themselves hold them out.

    Games of split `test` are held out, and those of `train` trained on. Where fewer than five are held out, every fifth
    of all games is, drawn with *seed*.
    """
    held = [one for one in games if one[0].split == "test"]
    rest = [one for one in games if one[0].split == "train"]
    if len(held) >= _FEWEST_HELD_OUT:
        return rest, held, True
    order = np.random.default_rng(seed).permutation(len(games)).tolist()
    cut = len(games) // _SHARE_HELD_OUT
    return [games[i] for i in sorted(order[cut:])], [games[i] for i in sorted(order[:cut])], False


class _Rows:
    """Games as arrays, and windows of them as inputs of the model."""

    def __init__(self, model: XiangqiGPT, games: Sequence[tuple[GameRecord, int]]) -> None:
        self.model = model
        self.plies = model.config.context_plies
        self.games = [self._arrays(game, side) for game, side in games]

    def _arrays(self, game: GameRecord, side: int) -> tuple[npt.NDArray[Any], ...]:
        board, codes, counters, turns = Board(game.start_fen, strict=False), [], [], []
        for move in game.moves:
            one, counts = board_features(board)
            codes.append(one)
            counters.append(counts)
            turns.append(int(board.turn))
            board.push(move)
        turn = np.array(turns)
        moves = rotated_moves(np.array([move.index for move in game.moves]), turn)
        return np.stack(codes), np.stack(counters), moves, turn == side

    def windows(self, rng: np.random.Generator | None) -> list[tuple[int, int, bool]]:
        """(game, first ply, mirrored) of windows that cover all games; with *rng* shifted, mirrored and shuffled."""
        found = []
        for number, (_, _, moves, _) in enumerate(self.games):
            shift = 0 if rng is None else int(rng.integers(self.plies))
            for first in range(-shift, len(moves), self.plies):
                found.append((number, max(0, first), rng is not None and bool(rng.integers(2))))
        if rng is not None:
            rng.shuffle(found)
        return found

    def batch(self, windows: Sequence[tuple[int, int, bool]]) -> dict[str, torch.Tensor]:
        """ids (B, T), boards (B, P, 90), counters (B, P, 2), targets (B, P) among the possible moves, own (B, P)."""
        size = self.plies
        ids = np.full((len(windows), 2 * size - 1), self.model.tokenizer.vocab.pad_id)
        ids[:, 0] = self.model.tokenizer.vocab.bos_id
        boards = np.zeros((len(windows), size, SQUARES), np.int8)
        counters = np.zeros((len(windows), size, 2), np.float32)
        targets = np.zeros((len(windows), size), np.int64)
        own = np.zeros((len(windows), size), bool)
        for row, (number, first, mirrored) in enumerate(windows):
            part = slice(first, first + size)
            codes, counts, moves, of_person = (column[part] for column in self.games[number])
            n = len(moves)
            squares = np.stack([moves // SQUARES, moves % SQUARES], -1)
            if mirrored:
                codes, squares = codes[:, MIRROR], MIRROR[squares]
            boards[row, :n], counters[row, :n], own[row, :n] = codes, counts, of_person
            targets[row, :n] = np.searchsorted(POSSIBLE_MOVES, squares[:, 0] * SQUARES + squares[:, 1])
            written = squares.reshape(-1)[: 2 * size - 2] + self.model.specials
            ids[row, 1 : 1 + len(written)] = written
        arrays = {"ids": ids, "boards": boards, "counters": counters, "targets": targets, "own": own}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


class PersonalTrainer:
    """Trains an adapter of *model* on the moves of one person; *model* itself is changed into the adapted one."""

    def __init__(
        self, model: XiangqiGPT, games: Sequence[tuple[GameRecord, int]], settings: PersonalSettings
    ) -> None:
        from xiangqi_gpt.model.hf.adapter import new_adapter

        config = model.config
        if config.move_head != "table" or config.tokenizer != "square" or config.condition != "none":
            raise ConfigError(
                "A personal adapter needs a model with tokenizer='square', move_head='table' and condition='none'."
            )
        if len(games) < 2:
            raise ConfigError(
                f"Too few games to train on: {len(games)}; give at least 2 in all but the test split."
            )
        self.settings = settings
        self.model, self.style = model, config.style_number()
        kept = [one for i, one in enumerate(games) if i % 10 == 1]
        self._train = _Rows(model, [one for i, one in enumerate(games) if i % 10 != 1])
        self._validation = _Rows(model, kept)
        torch.manual_seed(settings.seed)
        self.adapted = new_adapter(model, settings.rank, settings.dropout)
        places = main_line(2 * config.context_plies - 1, 2)
        self._places = {
            "slots": places.slots,
            "positions": places.positions,
            "board_index": places.board_index,
        }
        self._roots = torch.arange(0, 2 * config.context_plies - 1, 2)
        self._weights = [p for p in self.adapted.parameters() if p.requires_grad]

    def run(self, on_epoch: Callable[[EpochReport], None] | None = None) -> list[EpochReport]:
        """Train until the validation games are predicted worse; the adapter is then the best one of all epochs."""
        settings, rng = self.settings, np.random.default_rng(self.settings.seed)
        steps = settings.epochs * -(-len(self._train.windows(None)) // settings.windows)
        optimizer = torch.optim.AdamW(self._weights, lr=settings.learning_rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
        reports: list[EpochReport] = []
        best = [weight.detach().clone() for weight in self._weights]
        for epoch in range(settings.epochs + 1):
            loss = None
            if epoch:
                self.adapted.train()
                losses = []
                for batch in self._batches(self._train, rng):
                    found, count = self._loss(batch)
                    if not count:
                        continue
                    optimizer.zero_grad()
                    (found / count).backward()
                    torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
                    optimizer.step()
                    schedule.step()
                    losses.append((float(found.detach()), count))
                loss = sum(a for a, _ in losses) / max(1, sum(n for _, n in losses))
            report = EpochReport(epoch=epoch, loss=loss, validation_loss=self._validate())
            worse = bool(reports) and report.validation_loss >= min(one.validation_loss for one in reports)
            reports.append(report)
            if on_epoch is not None:
                on_epoch(report)
            if worse:
                break
            best = [weight.detach().clone() for weight in self._weights]
        with torch.no_grad():
            for weight, value in zip(self._weights, best, strict=True):
                weight.copy_(value)
        self.adapted.eval()
        return reports

    def save(self, folder: Path, base_name: str) -> None:
        """Write the adapter to *folder*; *base_name* is its base model: a folder, or "bundled"."""
        from xiangqi_gpt.model.hf.adapter import save_adapter

        save_adapter(self.adapted, folder, base_name)

    def _batches(self, rows: _Rows, rng: np.random.Generator | None) -> Iterator[dict[str, torch.Tensor]]:
        windows = iter(rows.windows(rng))
        while part := list(itertools.islice(windows, self.settings.windows)):
            yield rows.batch(part)

    def _loss(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
        """The sum of minus the log-probabilities of the person's moves, and how many there are."""
        with torch.no_grad():
            encoded = self.model.encode_boards(batch["boards"], batch["counters"])
        rows = len(batch["ids"])
        output = self.adapted(
            input_ids=batch["ids"],
            encoded=encoded,
            move_index=self._roots,
            value_index=self._roots[:1],
            style=self.style,
            with_logits=False,
            **{name: place.expand(rows, -1) for name, place in self._places.items()},
        )
        logprobs = output.move_logprobs[:, :, 0, self.model.specials :]
        found = logprobs.gather(-1, batch["targets"][..., None])[..., 0]
        return -found[batch["own"]].sum(), int(batch["own"].sum())

    @torch.inference_mode()
    def _validate(self) -> float:
        self.adapted.eval()
        sums = [self._loss(batch) for batch in self._batches(self._validation, None)]
        return float(sum(loss for loss, _ in sums)) / max(1, sum(count for _, count in sums))


def measure_gain(
    before: XiangqiGPT,
    after: XiangqiGPT,
    games: Sequence[tuple[GameRecord, int]],
    *,
    seed: int = 0,
    on_game: Callable[[int], None] | None = None,
) -> PersonalGain:
    """Compare two models on the person's own plies of *games*, as they play."""
    scorers = [
        SymmetricScorer(Scorer(model)) if model.config.symmetric else Scorer(model)
        for model in (before, after)
    ]
    columns: list[list[npt.NDArray[np.float64]]] = []
    numbers: list[npt.NDArray[np.int64]] = []
    for number, (game, side) in enumerate(games):
        first = Board(game.start_fen, strict=False).turn
        own = (np.arange(len(game.moves)) + first) % 2 == side
        facts = [game_facts(scorer, game) for scorer in scorers]
        columns.append([*((one.rank == 0)[own] * 1.0 for one in facts), *(one.nats[own] for one in facts)])
        numbers.append(np.full(int(own.sum()), number))
        if on_game is not None:
            on_game(number + 1)
    of_game = np.concatenate(numbers)
    top_before, top_after, nats_before, nats_after = (
        np.concatenate([column[i] for column in columns]) for i in range(4)
    )

    def over(values: npt.NDArray[np.float64]) -> Estimate:
        found = estimate(values, of_game, seed=seed)
        if found is None:
            raise ConfigError("The held-out games have no moves of this person.")
        return found

    return PersonalGain(
        games=len(games),
        plies=len(of_game),
        top1_before=over(top_before),
        top1_after=over(top_after),
        top1_gain=over(top_after - top_before),
        nats_before=over(nats_before),
        nats_after=over(nats_after),
        nats_gain=over(nats_before - nats_after),
    )
