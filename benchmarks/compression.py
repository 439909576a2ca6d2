"""What compression costs and what it gives: strength, size and time of a move of several forms of one model.

    python benchmarks/compression.py --data games.parquet [--half DIR] [--write] [--games 40] [--cache DIR]

The forms are the bundled weights, the same in eight bits, the same in ONNX (where onnxruntime and the exporter are
installed), and with --half a model that `xiangqi-gpt compress` made of them, in full precision and in eight bits.
All are measured on the very same plies of the valid split, unmasked legality included, so differences are paired; their
interval is 95 %, over games. Times are CPU milliseconds of one thread for one move with its whole context, the median
over positions, the forms taking turns on each position. --write puts the table into docs/compression.md. What was
measured of a form is kept in --cache and not measured again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xiangqi_gpt.compress.successor import fingerprint_of
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.decoding.tree import PackedTree
from xiangqi_gpt.evaluation.games import chosen_games
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.checkpoint import export_model, load_model
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.model.layout import Row, pack_rows
from xiangqi_gpt.model.onnx import export_onnx
from xiangqi_gpt.players.gpt_player import bundled_model
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.tokens import legal_tree

PAGE = Path(__file__).parents[1] / "docs" / "compression.md"
MARKS = "<!-- table -->", "<!-- end of table -->"
Chances = np.ndarray[Any, np.dtype[np.float64]]


@dataclass
class Form:
    """One way to have the model."""

    name: str
    bytes: int
    key: str  # of the cache
    probabilities: Callable[[Board], Chances]  # of the legal moves of a position, seen for the first time
    scorer: Scorer | None = None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, action="append")
    parser.add_argument("--model", type=Path, default=bundled_model())
    parser.add_argument("--half", type=Path)
    parser.add_argument("--games", type=int, default=40)
    parser.add_argument("--positions", type=int, default=40, help="for the time of a move")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    games = chosen_games(options.data, split="valid", games=options.games)
    with tempfile.TemporaryDirectory() as folder:
        forms = all_forms(options.model, options.half, Path(folder))
        strengths = [strength(form, games, options.cache) for form in forms]
        times, distances, agreed = moves(forms, positions(games, options.positions))
    table = as_table(forms, strengths, times, distances, agreed)
    print(table)
    if options.write:
        begin, end = MARKS
        page = PAGE.read_text(encoding="utf-8")
        page = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", page, flags=re.S)
        PAGE.write_text(page, encoding="utf-8")


def all_forms(model: Path, half: Path | None, folder: Path) -> list[Form]:
    forms = torch_forms("whole model", model, folder)
    if all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime")):
        for int8 in (False, True):
            file = folder / f"model-{int8}.onnx"
            size = export_onnx(load_model(model), file, int8=int8)
            name = f"whole model, ONNX{', int8' if int8 else ''}"
            forms.append(Form(name, size, "", of_onnx(file, load_model(model))))
    return forms + (torch_forms("half the layers", half, folder) if half else [])


def torch_forms(name: str, directory: Path, folder: Path) -> list[Form]:
    forms = []
    for int8 in (False, True):
        out = folder / f"{name}-{int8}"
        size = export_model(load_model(directory), out, int8=int8)
        model = load_model(out)
        scorer = Scorer(model)
        title = f"{name}, {'int8' if int8 else 'float16 on disk, float32 in use'}"
        forms.append(Form(title, size, fingerprint_of(model), fresh(scorer), scorer))
    return forms


def fresh(scorer: Scorer) -> Callable[[Board], Chances]:
    def probabilities(board: Board) -> Chances:
        scorer.forget()
        return scorer.score(board).probs

    return probabilities


def of_onnx(file: Path, model: XiangqiGPT) -> Callable[[Board], Chances]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])

    def probabilities(board: Board) -> Chances:
        tree = PackedTree.of(legal_tree(board, model.tokenizer))
        start = context_start(board.ply, model.config.context_plies)
        past, text, features = board.copy(), [], [board_features(board)]
        while past.ply > start:
            move = past.pop()
            text.append(model.tokenizer.encode(past, move))
            features.append(board_features(past))
        line = [token for ids in reversed(text) for token in ids]
        row = pack_rows(
            [Row((), line, [(board.ply - start, tree)])], model.tokenizer.vocab.bos_id, model.tokenizer.slots
        )
        inputs = {
            "input_ids": row.ids,
            "slots": row.slots,
            "positions": row.positions,
            "board_index": row.board_index,
            "visible": row.visible,
        }
        (logits,) = session.run(
            ["logits"],
            {
                **{name: tensor.numpy() for name, tensor in inputs.items()},
                "boards": np.stack([codes for codes, _ in features[::-1]])[None],
                "counters": np.stack([numbers for _, numbers in features[::-1]])[None],
            },
        )
        shares = torch.from_numpy(logits[0]).double().log_softmax(-1).numpy()
        begin = row.begins[0][0]
        found, sums = tree.score(shares[row.roots[0][0]], shares[begin : begin + len(tree.tokens)])
        sums = sums[np.argsort([move.index for move in found], kind="stable")]
        weights = np.exp(sums - sums.max())
        chances: Chances = weights / weights.sum()
        return chances

    return probabilities


def strength(form: Form, games: list[GameRecord], cache: Path | None) -> dict[str, list[list[int]]] | None:
    """For every game hits of the human's move, of the teacher's, and legality of the text of greatest probability."""
    if form.scorer is None:
        return None
    file = cache / f"{form.key}-{len(games)}.json" if cache else None
    if file is not None and file.is_file():
        return dict(json.loads(file.read_text()))
    found: dict[str, list[list[int]]] = {"human": [], "teacher": [], "legal": []}
    for game in games:
        rows: dict[str, list[int]] = {name: [] for name in found}
        form.scorer.forget()
        for ply, scores in enumerate(form.scorer.score_line(Board(game.start_fen, strict=False), game.moves)):
            best = scores.moves[int(scores.logprobs.argmax())]
            if game.kind != "teacher":
                rows["human"].append(int(best == game.moves[ply]))
            taught = game.labels.at(ply)[0] if game.labels is not None else None
            if taught is not None:
                rows["teacher"].append(int(best == taught))
            rows["legal"].append(int(scores.greedy is not None))
        for name, row in rows.items():
            found[name].append(row)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found))
    return found


def positions(games: list[GameRecord], count: int) -> list[Board]:
    """Positions spread over the games, from ply 10 on."""
    rng = np.random.default_rng(0)
    boards: list[Board] = []
    while len(boards) < count:
        game = games[len(boards) % len(games)]
        board = Board(game.start_fen, strict=False)
        for move in game.moves[: int(rng.integers(10, max(11, len(game.moves))))]:
            board.push(move)
        if board.legal_moves():
            boards.append(board)
    return boards


def moves(forms: list[Form], boards: list[Board]) -> tuple[list[list[float]], list[list[float]], list[int]]:
    """CPU milliseconds a position of every form, how far its chances are from the first one's, same first choices."""
    times: list[list[float]] = [[] for _ in forms]
    agreed = [0 for _ in forms]
    distances: list[list[float]] = [[] for _ in forms]
    for form in forms:
        form.probabilities(boards[0])
    for board in boards:
        first: Chances | None = None
        for number, form in enumerate(forms):
            began = time.process_time()
            chances = form.probabilities(board)
            times[number].append(1e3 * (time.process_time() - began))
            first = chances if first is None else first
            distances[number].append(float(np.abs(chances - first).max()))
            agreed[number] += int(chances.argmax() == first.argmax())
    return times, distances, agreed


def as_table(
    forms: list[Form],
    strengths: list[dict[str, list[list[int]]] | None],
    times: list[list[float]],
    distances: list[list[float]],
    agreed: list[int],
) -> str:
    lines = [
        "| form | top-1, human moves | top-1, teacher's moves | unmasked legality | largest change of a probability "
        "| MB | ms/move | faster |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = strengths[0]
    assert base is not None
    for form, found, ms, far, same in zip(forms, strengths, times, distances, agreed, strict=True):
        if found is None:
            shares = [f"same first choice on {same} of {len(ms)} positions", "", ""]
        else:
            shares = [share(found[kind], base[kind], found is base) for kind in base]
        ratio = statistics.median(a / b for a, b in zip(times[0], ms, strict=True))
        change = "-" if form is forms[0] else f"{max(far):.1e}"
        lines.append(
            f"| {form.name} | {' | '.join(shares)} | {change} | {form.bytes / 1e6:.1f} "
            f"| {statistics.median(ms):.1f} | {ratio:.2f}x |"
        )
    counted = {name: sum(map(len, rows)) for name, rows in base.items()}
    lines.append("")
    lines.append(
        f"{len(base['human'])} games of the valid split: {counted['human']:,} moves of people, {counted['teacher']:,} "
        f"of the teacher; time over {len(times[0])} positions."
    )
    return "\n".join(lines)


def share(rows: list[list[int]], base: list[list[int]], own: bool) -> str:
    """A share of plies, and the paired difference to the base with its interval over games."""
    sizes = np.array([len(row) for row in rows], float)
    gains = np.array([sum(row) - sum(other) for row, other in zip(rows, base, strict=True)], float)
    mean = 100 * sum(map(sum, rows)) / sizes.sum()
    if own:
        return f"{mean:.1f} %"
    gain = gains.sum() / sizes.sum()
    spread = 1.96 * np.sqrt(((gains - gain * sizes) ** 2).sum()) / sizes.sum()
    return f"{mean:.1f} % ({100 * gain:+.1f} ± {100 * spread:.1f})"


if __name__ == "__main__":
    main()
