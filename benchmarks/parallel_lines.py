"""Lines of play in one pass: can small heads on the bundled model predict the next plies from the present board alone?

    python benchmarks/parallel_lines.py train packed/ heads/ --seeds 0 1 2
    python benchmarks/parallel_lines.py measure packed/ heads/ --positions 150

`train` freezes the model and trains a table of moves (`MoveTable`) for every ply after the first. It starts
as a copy of the model's own table, which predicts the first ply. There are two kinds of heads: `apart` see the board
alone, `given` see the first move as well. A seed that has been trained already is left out.

`measure` compares them with beams over plies, on positions of the valid split. People's games are predicted in style
human, teachers' games in the style teacher; agreement is with the move that was played there, or the teacher's. A ply
is legal if the line up to it is. Heads are used in three ways: `free` takes the likeliest of the 2,086 possible moves
at every ply, `first` the likeliest legal one at the first ply, `every` the likeliest legal one on the board that the
line has reached (rules, but no further pass). Times are processor seconds for one position at a time.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from xiangqi_gpt.dataset.packed import NO_MOVE, Packed
from xiangqi_gpt.dataset.packing import PackSettings, open_data
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.decoding.beam import beam_search
from xiangqi_gpt.decoding.network import Network
from xiangqi_gpt.decoding.scorer import Scorer
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.context import counters
from xiangqi_gpt.model.move_table import MoveTable, move_index
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import format_fen
from xiangqi_gpt.rules.move import MOVES as ALL_MOVES
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.views import other_side, rotated_moves
from xiangqi_gpt.tokens import POSSIBLE_MOVES
from xiangqi_gpt.tokens.move_vocabulary import MOVE_NUMBER

PLIES = 4
KINDS = ("apart", "given")
WAYS = ("free", "first", "every")
HUMAN, TEACHER = 0, 1  # the styles of the bundled model


class Heads(nn.Module):
    """One table for every ply from the second on; those *given* the first move add its squares to the token."""

    def __init__(self, model: XiangqiGPT, given: bool) -> None:
        super().__init__()
        assert model.move_table is not None
        width, channels = model.config.width, model.config.encoder_width
        size, styles = model.config.pointer_width, model.move_table.styles
        self.tables = nn.ModuleList(MoveTable(width, channels, size, styles) for _ in range(PLIES - 1))
        for table in self.tables:
            table.load_state_dict(model.move_table.state_dict())
        self.shift = nn.ModuleList(nn.Linear(width, width) for _ in range(PLIES - 1))
        self.squares = nn.Linear(2 * channels, width, bias=False) if given else None

    def forward(self, x: Tensor, vectors: Tensor, first: Tensor) -> Tensor:
        """x (B, W), vectors (B, 90, C), first (B,) number of the first move -> (B, PLIES - 1, Y, 2086)."""
        if self.squares is not None:
            index, rows = move_index(x.device), torch.arange(len(x))
            x = x + self.squares(
                torch.cat([vectors[rows, index.origins[first]], vectors[rows, index.goals[first]]], -1)
            )
        pairs = zip(self.tables, self.shift, strict=True)
        return torch.stack([table(x + shift(x), vectors) for table, shift in pairs], 1)


def fresh_heads(model: XiangqiGPT, seed: int) -> dict[str, Heads]:
    """Heads of both kinds before training."""
    torch.manual_seed(seed)
    return {kind: Heads(model, kind == "given") for kind in KINDS}


class Trunk:
    """The frozen model: what its table of moves is given for one board without a past."""

    def __init__(self, model: XiangqiGPT) -> None:
        assert model.move_table is not None
        self.model, self._seen = model, (torch.empty(0), torch.empty(0))
        model.move_table.register_forward_pre_hook(self._keep)

    def _keep(self, _module: nn.Module, inputs: Any) -> None:
        x, vectors = inputs
        self._seen = (x[:, 0], vectors[:, 0])

    @torch.no_grad()
    def __call__(self, boards: np.ndarray, turns: np.ndarray, clocks: np.ndarray) -> tuple[Tensor, ...]:
        """boards (B, 90) seen by their movers -> x (B, W), vectors (B, 90, C), scores (B, Y, 2086) of the first ply."""
        one = torch.zeros(len(boards), 1, dtype=torch.int64)
        tokenizer = self.model.tokenizer
        output = self.model(
            input_ids=one + tokenizer.vocab.bos_id,
            slots=one + tokenizer.slots,
            board_index=one,
            boards=torch.from_numpy(boards)[:, None],
            counters=torch.from_numpy(counters(turns, clocks))[:, None],
            move_index=torch.zeros(1, dtype=torch.int64),
            with_logits=False,
        )
        return *self._seen, output.move_logprobs[:, 0, :, -len(POSSIBLE_MOVES) :]


def numbers(moves: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Moves (B, P) as numbers seen by the side that moves first; -1 for no move."""
    return np.where(moves == NO_MOVE, -1, MOVE_NUMBER[rotated_moves(moves, turns[:, :1])])


def styles_of(windows: Windows) -> np.ndarray:
    """(B,) the style of every window: the person's, or the teacher's in its play-outs."""
    assert windows.human_moves is not None
    return np.where((windows.human_moves != NO_MOVE).any(1), HUMAN, TEACHER)


def wanted(windows: Windows) -> np.ndarray:
    """(B, P) the moves to predict: those of people, or the teacher's."""
    assert windows.human_moves is not None
    return np.where(styles_of(windows)[:, None] == HUMAN, windows.human_moves, windows.targets)


def batches(packed: Packed, seed: int, size: int, mix: str) -> Iterator[Windows]:
    """Windows of the train split in random order."""
    sampler = Sampler(packed=packed, plies=PLIES, seed=seed, mirror=True, mix=mix)
    games, first, mirrored = sampler.epoch(0)
    for at in range(0, len(games), size):
        rows = slice(at, at + size)
        yield gather_windows(packed, games[rows], first[rows], PLIES, mirrored[rows])


def train(options: argparse.Namespace) -> None:
    """Train the heads of every seed."""
    packed = open_data([options.data], PackSettings()).train
    options.heads.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        file = options.heads / f"heads-{seed}.safetensors"
        if file.exists():
            continue
        model = load_model(resource_path("assets/model")).eval().requires_grad_(False)
        trunk, heads = Trunk(model), nn.ModuleDict(fresh_heads(model, seed))
        optimizer = torch.optim.AdamW(heads.parameters(), lr=options.rate, weight_decay=0.05, fused=True)
        steps, began = options.windows // options.batch, time.process_time()
        losses = []
        for step, windows in enumerate(batches(packed, seed, options.batch, "human=1,teacher=0.25")):
            if step == steps:
                break
            for group in optimizer.param_groups:
                group["lr"] = options.rate * min(1, (step + 1) / 20, 2 * (1 - step / steps))
            turns, style = windows.turns, torch.from_numpy(styles_of(windows))
            goals = torch.from_numpy(numbers(wanted(windows), turns)[:, 1:])
            first = torch.from_numpy(np.maximum(numbers(windows.moves, turns)[:, 0], 0))
            with torch.autocast("cpu", torch.bfloat16):
                x, vectors, _ = trunk(windows.boards[:, 0], turns[:, 0], windows.clocks[:, 0])
                scores = [head(x, vectors, first)[torch.arange(len(x)), :, style] for head in heads.values()]
            nats = [
                nn.functional.cross_entropy(s.flatten(0, 1).float(), goals.flatten(), ignore_index=-1)
                for s in scores
            ]
            optimizer.zero_grad()
            torch.stack(nats).sum().backward()
            optimizer.step()
            losses.append([n.item() for n in nats])
            if step % 50 == 49:
                apart, given = np.mean(losses[-50:], 0)
                print(
                    f"seed {seed} step {step + 1}/{steps}: {apart:.3f} {given:.3f} nats/ply, "
                    f"{time.process_time() - began:.0f} s",
                    flush=True,
                )
        draft = file.with_suffix(".draft")
        save_file({name: tensor.contiguous() for name, tensor in heads.state_dict().items()}, draft)
        draft.rename(file)


def position(windows: Windows, row: int) -> Board:
    """The first board of a window, without its past."""
    codes, turn = windows.boards[row, 0], Color(int(windows.turns[row, 0]))
    squares = other_side(codes) if turn == Color.BLACK else codes
    return Board(format_fen(squares.tolist(), turn, int(windows.clocks[row, 0])), strict=False)


def move_of(number: int, turn: Color) -> Move:
    """The move with a number seen by *turn*."""
    move = ALL_MOVES[int(POSSIBLE_MOVES[number])]
    return move.rotated() if turn == Color.BLACK else move


def likeliest_legal(board: Board, scores: np.ndarray, turn: Color) -> int:
    """The number of the likeliest legal move; -1 where the game is over. *scores* (2086,) are seen by *turn*."""
    index = np.array(board.legal_indices(), np.int64)
    if not len(index):
        return -1
    legal = MOVE_NUMBER[rotated_moves(index, np.full(len(index), int(turn)))]
    return int(legal[scores[legal].argmax()])


def drawn(packed: Packed, kind: int, count: int) -> Windows:
    """The first *count* windows of one kind in which every ply has a target, each of another game."""
    sampler = Sampler(packed=packed, plies=PLIES, seed=0, mirror=False)
    games, first, mirrored = sampler.epoch(0)
    _, once = np.unique(games, return_index=True)
    once = np.sort(once)
    windows = gather_windows(packed, games[once], first[once], PLIES, mirrored[once])
    kept = np.flatnonzero((styles_of(windows) == kind) & (wanted(windows) != NO_MOVE).all(1))[:count]
    return gather_windows(packed, games[once[kept]], first[once[kept]], PLIES, mirrored[once[kept]])


class Tally:
    """What one way of making lines has achieved, position by position."""

    def __init__(self) -> None:
        self.hits: list[np.ndarray] = []  # (PLIES,) whether each ply is the wanted move
        self.legal: list[np.ndarray] = []  # (PLIES,) whether the line up to it is legal
        self.seconds: list[float] = []

    def add(self, board: Board, line: list[Move | None], goals: list[Move], seconds: float) -> None:
        """A line from *board*; None for a ply that has no move."""
        legal, reached = np.zeros(PLIES, bool), board.copy()
        for ply, move in enumerate(line):
            if move is None or not reached.is_legal(move):
                break
            legal[ply] = True
            reached.push(move)
        self.hits.append(np.array([a == b for a, b in zip(line, goals, strict=True)]))
        self.legal.append(legal)
        self.seconds.append(seconds)


@torch.inference_mode()
def measure(options: argparse.Namespace) -> None:
    """Print one table per style."""
    packed = open_data([options.data], PackSettings()).valid
    assert packed is not None
    model = load_model(resource_path("assets/model")).eval()
    network = Network(model, "auto", torch.device("cpu")).model
    trunk = Trunk(network)
    trained = {}
    for file in sorted(options.heads.glob("heads-*.safetensors")):
        heads = nn.ModuleDict(fresh_heads(model, 0))
        heads.load_state_dict(load_file(file))
        trained[file.stem] = heads.to(next(network.parameters()).dtype)
    for kind, name in ((HUMAN, "human"), (TEACHER, "teacher")):
        windows = drawn(packed, kind, options.positions)
        scorer = Scorer(model, style=name, precision="auto")
        tallies: dict[str, Tally] = defaultdict(Tally)
        goals_of = wanted(windows)
        for row in range(len(windows.moves)):
            board = position(windows, row)
            goals = [ALL_MOVES[int(m)] for m in goals_of[row]]
            for width in options.widths:
                scorer.forget()
                began = time.process_time()
                found = beam_search(scorer, board, width=width, plies=PLIES, n_best=1)[0].moves
                seconds = time.process_time() - began
                line = [*found, *[None] * (PLIES - len(found))]
                tallies[f"beam of {width}"].add(board, line, goals, seconds)
            began = time.process_time()
            rows = slice(row, row + 1)
            seen = trunk(windows.boards[rows, 0], windows.turns[rows, 0], windows.clocks[rows, 0])
            shared = time.process_time() - began  # the pass that all heads read
            for seed, heads in trained.items():
                for head in KINDS:
                    for way in WAYS:
                        began = time.process_time()
                        line = parallel(seen, heads[head], board, kind, way)
                        seconds = shared + time.process_time() - began
                        tallies[f"{head}, {way}|{seed}"].add(board, line, goals, seconds)
        report(name, tallies)


def parallel(
    seen: tuple[Tensor, ...], heads: nn.Module, board: Board, style: int, way: str
) -> list[Move | None]:
    """The line that heads predict from what the trunk has *seen* of one board."""
    turn, (x, vectors, table) = board.turn, seen
    own = table[0, style].float().numpy()
    first = int(own.argmax()) if way == "free" else likeliest_legal(board, own, turn)
    later = heads(x, vectors, torch.tensor([first]))[0, :, style].float().numpy()
    chosen = [first, *later.argmax(-1).tolist()]
    if way == "every":
        reached, chosen = board.copy(), [first]
        for scores in later:
            reached.push(move_of(chosen[-1], turn))
            number = likeliest_legal(reached, scores, turn)
            if number < 0:
                break
            chosen.append(number)
    return [*[move_of(number, turn) for number in chosen], *[None] * (PLIES - len(chosen))]


def report(name: str, tallies: dict[str, Tally]) -> None:
    """Print what every way achieved; of trained heads the mean over seeds, with the standard deviation between them."""
    grouped: dict[str, list[Tally]] = defaultdict(list)
    for key, tally in tallies.items():
        grouped[key.partition("|")[0]].append(tally)
    slowest = float(np.median(next(iter(tallies.values())).seconds))
    count = len(next(iter(tallies.values())).hits)
    print(f"\nstyle {name}, {count} positions; % of plies 1 to {PLIES}, time per line")
    for key, several in grouped.items():
        hits = 100 * np.array([np.mean(t.hits, 0) for t in several])
        legal = 100 * np.array([np.mean(t.legal, 0) for t in several])
        whole = 100 * np.array([np.mean(np.all(t.hits, 1)) for t in several])
        spread = hits.std(0, ddof=1) if len(several) > 1 else np.zeros(PLIES)
        seconds = float(np.median([np.median(t.seconds) for t in several]))
        print(
            f"{key:>14}: agreement {' / '.join(f'{h:.1f}' for h in hits.mean(0))} "
            f"(sd {' / '.join(f'{s:.1f}' for s in spread)}), whole line {whole.mean():.1f}, "
            f"legal {' / '.join(f'{v:.1f}' for v in legal.mean(0))}, {1000 * seconds:.1f} ms ({slowest / seconds:.2f}x)"
        )


def main() -> None:
    """Train or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("data", type=Path, help="packed data")
    parser.add_argument("heads", type=Path, help="folder of the trained heads")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--windows", type=int, default=15_000, help="of the train split, per seed")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--positions", type=int, default=150, help="per style")
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 1], help="of the beams")
    options = parser.parse_args()
    torch.set_num_threads(1)
    {"train": train, "measure": measure}[options.what](options)


if __name__ == "__main__":
    main()
