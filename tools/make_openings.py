"""Makes `data/openings.txt`: `python -m tools.make_openings --out data/openings.txt`.

Lines are walked from the standard start: at every ply an engine names its best moves and one of the
sensible ones is drawn by lot. A line is kept if a longer look calls the position balanced and neither it
nor its left-right mirror image was seen before. No game collection is used. With the same engine and seed
the same file comes out.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.players.base import Limit, Player
from xiangqi_gpt.players.engine_player import EnginePlayer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

_SCORE = re.compile(r"\bscore (cp|mate) (-?\d+)")


@dataclass(frozen=True, kw_only=True)
class OpeningsConfig:
    """How openings are drawn."""

    count: int = 320  # lines wanted
    min_plies: int = 4
    max_plies: int = 8
    candidates: int = 16  # moves that the engine names at each ply
    margin: int = 60  # centipawns that a drawn move may be worse than the best
    walk_nodes: int = 4_000  # nodes for the candidates
    check_nodes: tuple[int, ...] = (20_000, 100_000)  # nodes for the verdicts, which must agree
    max_score: int = 60  # centipawns, either side
    per_first_move: int = 56  # lines that may share their first move or its mirror image
    per_two_plies: int = 8  # lines that may share their first two plies, likewise
    seed: int = 2020


def make_openings(engine: Player, config: OpeningsConfig) -> Iterator[tuple[tuple[Move, ...], list[int]]]:
    """Yield balanced lines with the scores found (centipawns for the side to move)."""
    lot = random.Random(config.seed)
    seen: set[Hashable] = set()
    shared: Counter[tuple[str, ...]] = Counter()
    found = 0
    for _ in range(100 * config.count):
        if found == config.count:
            return
        engine.new_game()
        line = _walk(engine, config, lot)
        groups = [(_canonical(line[:1]), config.per_first_move), (_canonical(line[:2]), config.per_two_plies)]
        board = _play(line)
        if any(shared[key] >= most for key, most in groups) or board.position_key() in seen:
            continue
        scores = _verdicts(engine, board, config)
        if scores is None:
            continue
        seen |= {board.position_key(), _play(tuple(move.mirrored() for move in line)).position_key()}
        shared.update(key for key, _ in groups)
        found += 1
        yield line, scores
    raise XiangqiError(f"expected {config.count} openings, found only {found}: the settings are too narrow")


def _walk(engine: Player, config: OpeningsConfig, lot: random.Random) -> tuple[Move, ...]:
    board = Board()
    for _ in range(lot.randint(config.min_plies, config.max_plies)):
        lines = engine.analyse(board, Limit(nodes=config.walk_nodes), config.candidates).lines
        scores = [(line.move, line.score_cp) for line in lines if line.score_cp is not None]
        best = max(score for _, score in scores)
        board.push(lot.choice([move for move, score in scores if score >= best - config.margin]))
    return tuple(board.move_stack)


def _verdicts(engine: Player, board: Board, config: OpeningsConfig) -> list[int] | None:
    """The score at each node count, None as soon as one is out of bounds."""
    scores = []
    for nodes in config.check_nodes:
        # Without what the engine remembers of the walk: anyone's fresh engine shall agree.
        engine.new_game()
        score = engine.analyse(board, Limit(nodes=nodes), 1).lines[0].score_cp
        if score is None or abs(score) > config.max_score:
            return None
        scores.append(score)
    return scores


def is_settled(engine: EnginePlayer, line: tuple[Move, ...], config: OpeningsConfig) -> bool:
    """Whether the engine's last words on a line are balanced too; a search may end on a bound far from its score."""
    for nodes in config.check_nodes:
        engine.new_game()
        engine.analyse(_play(line), Limit(nodes=nodes), 1)
        scores = [score for score in map(_SCORE.search, engine.info_lines) if score is not None]
        if not scores or scores[-1][1] != "cp" or abs(int(scores[-1][2])) > config.max_score:
            return False
    return True


def _play(line: tuple[Move, ...]) -> Board:
    board = Board()
    for move in line:
        board.push(move)
    return board


def _canonical(line: tuple[Move, ...]) -> tuple[str, ...]:
    """The texts of a line or of its mirror image, whichever sorts first."""
    return min(tuple(move.iccs for move in line), tuple(move.mirrored().iccs for move in line))


def _header(engine: str, kept: int, config: OpeningsConfig) -> str:
    c = config
    lines = (
        f"{kept} balanced openings for matches: ICCS moves from the standard start, one opening a line.",
        "Made by",
        "  python -m tools.make_openings --out data/openings.txt "
        f"--engine {engine} --count {c.count} --seed {c.seed}",
        f"Each has {c.min_plies}-{c.max_plies} plies, drawn by lot among the engine's moves that are at most",
        f"{c.margin} cp worse than its best ({c.walk_nodes} nodes), and a final score of at most {c.max_score} cp",
        f"to either side ({' and '.join(map(str, c.check_nodes))} nodes).",
        f"No position, and no mirror image of one, comes twice. {c.count - kept} of the {c.count} lines drawn are left",
        "out: the engine's last word on them was a bound beyond that score.",
    )
    return "".join(f"# {line}\n" for line in lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make a file of balanced openings with a UCI engine.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--engine", default="fairy-stockfish")
    parser.add_argument("--count", type=int, default=OpeningsConfig.count)
    parser.add_argument("--seed", type=int, default=OpeningsConfig.seed)
    args = parser.parse_args()
    config = OpeningsConfig(count=args.count, seed=args.seed)
    engine = EnginePlayer(args.engine)
    try:
        rows = []
        for number, (line, _) in enumerate(make_openings(engine, config), start=1):
            if is_settled(engine, line, config):
                rows.append(" ".join(move.iccs for move in line))
            print(f"{number}/{config.count}, kept {len(rows)}", file=sys.stderr)
    finally:
        engine.close()
    text = _header(args.engine, len(rows), config) + "\n".join(sorted(rows)) + "\n"
    with atomic_path(args.out, overwrite=True) as draft:
        draft.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
