"""Small sets of games made here: random play, with the labels a teacher would give."""

from __future__ import annotations

import dataclasses
import random

from xiangqi_gpt.records import GameRecord, TeacherLabels
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move

BLACK_FIRST = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C2C4/9/RNBAKABNR b - - 3 1"


def random_game(
    rng: random.Random, plies: int, fen: str = START_FEN
) -> tuple[tuple[Move, ...], list[list[Move]]]:
    """The moves of a random game and the legal moves before each."""
    board = Board(fen)
    moves, legal = [], []
    for _ in range(plies):
        choices = board.legal_moves()
        if not choices:
            break
        legal.append(choices)
        moves.append(rng.choice(choices))
        board.push(moves[-1])
    return tuple(moves), legal


def games(count: int = 12, seed: int = 0) -> list[GameRecord]:
    """Human games without labels, human games labelled at every second ply, and teacher games, in turn."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        fen = BLACK_FIRST if number % 4 == 3 else START_FEN
        moves, legal = random_game(rng, rng.randint(5, 40), fen)
        kind = ("human", "human", "teacher")[number % 3]
        labels = None
        if number % 3:
            first = 0 if kind == "human" else 3
            best = [rng.choice(choices) for choices in legal[first:]]
            labels = TeacherLabels(
                first=first,
                best=tuple(b if i % 2 == 0 or kind == "teacher" else None for i, b in enumerate(best)),
                cp=tuple(rng.randint(-400, 400) if i % 2 == 0 else None for i in range(len(best))),
            )
        result = ("1-0", "0-1", "1/2-1/2", "*")[number % 4]
        made.append(
            GameRecord(moves=moves, start_fen=fen, result=result, split="train", kind=kind, labels=labels)
        )
    return made


def with_lines(records: list[GameRecord], seed: int = 0) -> list[GameRecord]:
    """The same games, those with labels having up to three of the teacher's moves at each of them."""
    rng = random.Random(seed)
    made = []
    for record in records:
        labels = record.labels
        if labels is None:
            made.append(record)
            continue
        board, lines = Board(record.start_fen), []
        for ply, move in enumerate(record.moves):
            best = labels.at(ply)[0]
            if ply >= labels.first:
                others = [m for m in board.legal_moves() if m != best]
                listed = [best, *rng.sample(others, min(2, len(others)))] if best is not None else []
                lines.append(tuple((m, 40 - 30 * rank) for rank, m in enumerate(listed)))
            board.push(move)
        made.append(dataclasses.replace(record, labels=dataclasses.replace(labels, lines=tuple(lines))))
    return made
