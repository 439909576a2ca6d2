"""What talking to an engine costs: `python benchmarks/engine_clients.py [--nodes 1000] [--positions 150]`.

The same positions of one game are searched through python-chess's client, as players and reviews do, and through
the pipes of labelling. The table holds the wall time for each position; the engine's share of it (processor time of
the engine by wall time, so what other processes take is nobody's); the processor time of engine and client for each
position; and how long an endless search goes on after `stop` (median of ten).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import chess.engine
import psutil
from rich.console import Console
from rich.table import Table

from xiangqi_gpt.engines.client import EngineClient
from xiangqi_gpt.engines.pipes import PipeEngine
from xiangqi_gpt.engines.spec import Limit
from xiangqi_gpt.players import parse_engine
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.teacher.teacher_engine import Game, TeacherEngine

STOPS = 10


@dataclass
class Client:
    """An engine behind a client, the same three actions for both."""

    search: Callable[[], object]
    push: Callable[[Move], object]
    stop_seconds: Callable[[], float]


@contextmanager
def python_chess(engine: str, nodes: int, multipv: int) -> Iterator[Client]:
    client = EngineClient(parse_engine(engine), "python-chess")
    board, game = Board(), object()

    def search() -> None:
        if multipv == 1:
            client.play(board, Limit(nodes=nodes), game)
        else:
            client.analyse(board, Limit(nodes=nodes), game, multipv)

    def stop_seconds() -> float:
        simple = client._engine
        client._filter.ask(board)
        analysis = simple.analysis(client._adapt(board), None, info=chess.engine.INFO_NONE)
        time.sleep(0.1)
        started = time.perf_counter()
        analysis.stop()
        analysis.wait()
        return time.perf_counter() - started

    yield Client(search, board.push, stop_seconds)
    client.close()


@contextmanager
def pipes(engine: str, nodes: int, multipv: int) -> Iterator[Client]:
    teacher = TeacherEngine(parse_engine(f"{engine},nodes={nodes}"), multipv=multipv)
    game = Game(Board(), teacher.ranks)
    teacher.new_game()

    def stop_seconds() -> float:
        pipe: PipeEngine = teacher._engine
        pipe.send(f"{game.position}\ngo infinite")
        time.sleep(0.1)
        started = time.perf_counter()
        pipe.send("stop")
        pipe.read_until("bestmove")
        return time.perf_counter() - started

    yield Client(lambda: teacher.label(game), game.push, stop_seconds)
    teacher.close()


def game_moves(engine: str, nodes: int, count: int) -> list[Move]:
    """The game that the engine plays against itself."""
    teacher = TeacherEngine(parse_engine(f"{engine},nodes={nodes}"))
    game = Game(Board(), teacher.ranks)
    while game.board.ply < count and game.board.legal_moves():
        game.push(teacher.label(game).best)
    teacher.close()
    return list(game.board.move_stack)


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(
    make: Callable[[str, int, int], AbstractContextManager[Client]],
    row: tuple[str, int, int],
    moves: list[Move],
) -> list[str]:
    """One row of the table."""
    me = psutil.Process()
    with make(*row) as client:
        (child,) = (process for process in me.children() if "stockfish" in process.name())
        client.search()
        marks = (time.perf_counter(), processor_seconds(child), processor_seconds(me))
        for move in moves:
            client.search()
            client.push(move)
        ends = (time.perf_counter(), processor_seconds(child), processor_seconds(me))
        wall, engine, own = (1000 * (end - mark) / len(moves) for mark, end in zip(marks, ends, strict=True))
        stop = 1000 * statistics.median(client.stop_seconds() for _ in range(STOPS))
    return [f"{wall:.2f}", f"{engine / wall:.0%}", f"{engine:.2f}", f"{own:.2f}", f"{stop:.1f}"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="fairy-stockfish,Hash=1")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--positions", type=int, default=150)
    arguments = parser.parse_args()
    moves = game_moves(arguments.engine, arguments.nodes, arguments.positions)
    table = Table(title=f"{arguments.engine}, {arguments.nodes:,} nodes, {len(moves)} positions")
    for column in ("client", "MultiPV", "wall ms", "engine", "engine ms", "client ms", "stop ms"):
        table.add_column(column, justify="left" if column == "client" else "right", no_wrap=True)
    for multipv in (1, 4):
        for name, make in (("python-chess", python_chess), ("pipes", pipes)):
            row = measure(make, (arguments.engine, arguments.nodes, multipv), moves)
            table.add_row(name, str(multipv), *row)
    Console().print(table)


if __name__ == "__main__":
    main()
