"""How much of the rules a model has learned, with nothing masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.decoding import MoveScores, Scorer
from xiangqi_gpt.errors import IllegalMoveError, MoveError
from xiangqi_gpt.evaluation.intervals import Estimate, estimate
from xiangqi_gpt.model.generation import greedy_unmasked
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Piece, PieceKind
from xiangqi_gpt.tokens import Tokenizer, legal_tree

GROUP_PLIES = 20
"""Positions are put together by so many plies of the game."""

NO_MOVE = "no_move"
"""What a text breaks that names no move of any piece on the board."""

OFF_BOOK_PLIES = 4
"""Random moves that lead away from a game."""

FREE_PLIES = 300
"""A free-running game that has come so far is not run any further."""

NO_PIECE = "no piece"
"""What a text moves that names an empty square, or no square at all."""

_UNKNOWN_PIECE = -1

_WORDS_PER_BOARD = 40  # sampled from one tree, so that building it does not take all the time


@dataclass(frozen=True, kw_only=True)
class PlyLegality:
    """Legality in one part of the games. Shares 0..1."""

    first: int  # ply, 0-based
    plies: int  # positions
    argmax_legal: float
    leak: float


@dataclass(frozen=True, kw_only=True)
class GroupLegality:
    """Legality in one kind of positions, with 95 % intervals."""

    name: str
    argmax_legal: Estimate
    sampled_legal: Estimate
    leak: Estimate


@dataclass(frozen=True, kw_only=True)
class PieceLegality:
    """The likeliest texts that move one kind of piece, or that name no piece of any side."""

    piece: str  # the English name of the kind, or NO_PIECE
    texts: int
    legal: Estimate  # with its 95 % interval


@dataclass(frozen=True, kw_only=True)
class FreeRun:
    """Games that the model plays with itself, every text drawn at temperature 1, until one is no legal move."""

    games: int
    plies: Estimate  # legal moves before that; of games that end otherwise, all their moves
    finished: Estimate  # share of games that end by the rules, or reach FREE_PLIES, without an illegal text


@dataclass(frozen=True, kw_only=True)
class Legality:
    """Shares 0..1. Tokens are chosen over the whole vocabulary, special ones included, each fed back."""

    plies: int
    argmax_legal: float  # the likeliest text, token by token, is a legal move
    sampled_legal: float  # a text drawn at temperature 1 is
    leak: float  # mean probability of all texts that are no legal move
    # Of the moves that the legal head takes for legal, over all positions together; None without such a head.
    legal_set_precision: float | None = None  # share that is legal
    legal_set_recall: float | None = None  # share of the legal moves that is among them
    legal_set_f1: float | None = None
    by_ply: tuple[PlyLegality, ...] = ()  # in groups of GROUP_PLIES plies since the start of the game
    # How many of the likeliest texts break which rule, most frequent first: the names of rules.explain.Reason, and
    # NO_MOVE. Empty unless asked for.
    broken: Mapping[str, int] = field(default_factory=dict)
    # 95 % intervals by the name of the figure, from a bootstrap over games.
    intervals: Mapping[str, Estimate] = field(default_factory=dict)
    groups: tuple[GroupLegality, ...] = ()  # in check or not; off book: after random moves from the games
    pieces: tuple[
        PieceLegality, ...
    ] = ()  # by the piece that the likeliest text moves; empty unless asked for


@dataclass(frozen=True)
class LegalityFacts:
    """What was counted in one game, one entry per position (P,)."""

    ply: npt.NDArray[np.int64]  # since the start of the game, 0-based
    greedy: npt.NDArray[np.bool_]  # whether the likeliest text is legal
    sampled: npt.NDArray[np.bool_]  # whether a drawn text is
    leak: npt.NDArray[np.float64]
    check: npt.NDArray[np.bool_]
    off_book: npt.NDArray[np.bool_]  # not of the game: some random moves away from it
    sets: npt.NDArray[
        np.int64
    ]  # (P, 3) of the legal head: hits, moves taken for legal, legal moves; 0 without one
    broken: Mapping[str, int]
    # The kind of the piece that the likeliest text moves, 0 for none; _UNKNOWN_PIECE where nobody asked.
    piece: npt.NDArray[np.int64]


def measure_legality(
    scorer: Scorer,
    games: Iterable[GameRecord],
    *,
    why: bool = False,
) -> Legality:
    """Over every position of *games*; with *why*, which rules are broken, which takes longer."""
    return summarise_legality([game_legality(scorer, game, why=why) for game in games])


def measure_legality_of_boards(
    scorer: Scorer,
    boards: Iterable[Board],
    *,
    why: bool = False,
) -> Legality:
    """Over the present position of each of *boards*, which have legal moves."""
    return summarise_legality([board_legality(scorer, board, why=why) for board in boards])


def game_legality(
    scorer: Scorer, game: GameRecord, *, why: bool = False, off_book: int = 0, seed: int = 0
) -> LegalityFacts:
    """Score every position of a game, and *off_book* positions OFF_BOOK_PLIES random moves away from it."""
    board = Board(game.start_fen, strict=False)
    found = []
    for move, scores in zip(game.moves, scorer.score_line(board.copy(), game.moves), strict=True):
        found.append(_row(scorer, board, scores, why, off_book=False))
        board.push(move)
    rng = np.random.default_rng(seed)
    for _ in range(off_book):
        stray = _strayed(game, rng)
        if stray is not None:
            found.append(_row(scorer, stray, scorer.score(stray), why, off_book=True))
    return _facts(found)


def board_legality(scorer: Scorer, board: Board, *, why: bool = False) -> LegalityFacts:
    """Score the present position of *board*."""
    return _facts([_row(scorer, board, scorer.score(board), why, off_book=False)])


def _strayed(game: GameRecord, rng: np.random.Generator) -> Board | None:
    """A board some random moves away from a random position of *game*; None where the game ends on the way."""
    board = Board(game.start_fen, strict=False)
    for move in game.moves[: int(rng.integers(len(game.moves) + 1))]:
        board.push(move)
    for _ in range(OFF_BOOK_PLIES):
        moves = board.legal_moves()
        if not moves:
            return None
        board.push(moves[int(rng.integers(len(moves)))])
    return board if board.legal_indices() else None


_Row = tuple[int, bool, bool, float, bool, bool, tuple[int, int, int], "str | None", int]


def _row(scorer: Scorer, board: Board, scores: MoveScores, why: bool, *, off_book: bool) -> _Row:
    taken, legal = scores.legal_set, frozenset(scores.moves)
    sets = (0, 0, 0) if taken is None else (len(taken & legal), len(taken), len(legal))
    broken, piece = None, _UNKNOWN_PIECE
    if why:
        said, broken = (scores.greedy, None) if scores.greedy is not None else suggestion(scorer, board)
        code = 0 if said is None else board.squares[said.from_square]
        piece = int(Piece.from_code(code).kind) if code else 0
    legal_texts = (scores.greedy is not None, scores.sampled is not None)
    return (board.ply, *legal_texts, scores.leak, board.is_check(), off_book, sets, broken, piece)


def _facts(rows: Sequence[_Row]) -> LegalityFacts:
    columns: Any = zip(*rows, strict=True) if rows else [()] * 9
    ply, greedy, sampled, leak, check, off_book, sets, broken, piece = columns
    return LegalityFacts(
        ply=np.array(ply, np.int64),
        greedy=np.array(greedy, np.bool_),
        sampled=np.array(sampled, np.bool_),
        leak=np.array(leak, np.float64),
        check=np.array(check, np.bool_),
        off_book=np.array(off_book, np.bool_),
        sets=np.array(sets, np.int64).reshape(-1, 3),
        broken=Counter(rule for rule in broken if rule is not None),
        piece=np.array(piece, np.int64),
    )


def broken_rule(scorer: Scorer, board: Board) -> str | None:
    """The rule that the model's own next move breaks on *board*: the name of a Reason, NO_MOVE, or None."""
    return suggestion(scorer, board)[1]


def suggestion(scorer: Scorer, board: Board) -> tuple[Move | None, str | None]:
    """The move that the model's own likeliest text names on *board*, if it names one, and the rule that it breaks.

    The rule is the name of a Reason, NO_MOVE, or None for a legal move. A text in Chinese or WXF notation may break a
    rule without naming two squares: then there is no move, but a rule.
    """
    said = greedy_unmasked(scorer.model, board, scorer.condition)
    if len(said) < scorer.tokenizer.slots:
        return None, NO_MOVE
    try:
        move = scorer.tokenizer.decode(board, said)
    except IllegalMoveError as error:
        return None, NO_MOVE if error.reason is None else error.reason.reason.value
    except (MoveError, IndexError):
        return None, NO_MOVE
    fault = board.explain(move)
    return move, None if fault is None else fault.reason.value


def free_run(scorer: Scorer) -> tuple[int, bool]:
    """One game of the model with itself at temperature 1: its legal moves, and whether no text was illegal.

    Raises:
        ConfigError: a model with board="none" whose context is too short for the game.
    """
    board = Board()
    while board.ply < FREE_PLIES and board.outcome() is None:
        move = scorer.score(board).sampled
        if move is None:
            return board.ply, False
        board.push(move)
    return board.ply, True


def summarise_free_runs(runs: Sequence[tuple[int, bool]], *, seed: int = 0) -> FreeRun | None:
    """What `free_run` found, of several games; None of none."""
    games = np.arange(len(runs))
    plies = estimate([plies for plies, _ in runs], games, share=False, seed=seed)
    finished = estimate([float(ended) for _, ended in runs], games, seed=seed)
    if plies is None or finished is None:
        return None
    return FreeRun(games=len(runs), plies=plies, finished=finished)


def illegal_tree_moves(
    tokenizer: Tokenizer, moves: int, *, seed: int = 0, on_moves: Callable[[int], None] | None = None
) -> int:
    """How many of *moves* moves, drawn token by token from the trees of random games, are illegal: none should be.

    Every text is read back by the tokenizer, and its move judged by `Board.is_legal`, not by the list of legal moves
    from which the tree was made.
    """
    rng, board = np.random.default_rng(seed), Board()
    illegal = done = 0
    while done < moves:
        if board.ply >= FREE_PLIES or not board.legal_indices():
            board = Board()
        tree = legal_tree(board, tokenizer)
        drawn = None
        for _ in range(min(_WORDS_PER_BOARD, moves - done)):
            cursor, text = tree.cursor(), []
            while not cursor.is_complete():
                allowed = cursor.allowed()
                text.append(allowed[int(rng.integers(len(allowed)))])
                cursor.advance(text[-1])
            done += 1
            try:
                move = tokenizer.decode(board, text)
            except MoveError:
                illegal += 1
                continue
            if board.is_legal(move):
                drawn = move
            else:
                illegal += 1
        if drawn is None:
            board = Board()
        else:
            board.push(drawn)
        if on_moves is not None:
            on_moves(done)
    return illegal


def summarise_legality(facts: Sequence[LegalityFacts], *, seed: int = 0) -> Legality:
    """The figures over all games; *seed* draws the intervals."""
    game = np.repeat(np.arange(len(facts)), [len(one.ply) for one in facts])
    empty = _facts([])

    def column(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(one, name) for one in (empty, *facts)])

    names = ("ply", "greedy", "sampled", "leak", "check", "off_book", "sets")
    ply, greedy, sampled, leak, check, off_book, sets = (column(name) for name in names)
    on = ~off_book
    figures = {"argmax_legal": greedy, "sampled_legal": sampled, "leak": leak}

    def group(name: str, chosen: npt.NDArray[np.bool_]) -> GroupLegality | None:
        found = {key: estimate(values[chosen], game[chosen], seed=seed) for key, values in figures.items()}
        known = {key: one for key, one in found.items() if one is not None}
        return GroupLegality(name=name, **known) if known else None

    parts = (("in check", on & check), ("not in check", on & ~check), ("off book", off_book))
    groups = [found for name, chosen in parts if (found := group(name, chosen)) is not None]
    whole = group("all", on)
    places = ply // GROUP_PLIES
    by_ply = []
    for place in np.unique(places[on]).tolist():
        chosen = on & (places == place)
        by_ply.append(
            PlyLegality(
                first=int(place) * GROUP_PLIES,
                plies=int(chosen.sum()),
                argmax_legal=float(greedy[chosen].mean()),
                leak=float(leak[chosen].mean()),
            )
        )
    broken: Counter[str] = Counter()
    for one in facts:
        broken.update(one.broken)
    return Legality(
        plies=int(on.sum()),
        argmax_legal=float(greedy[on].mean()),
        sampled_legal=float(sampled[on].mean()),
        leak=float(leak[on].mean()),
        by_ply=tuple(by_ply),
        broken=dict(broken.most_common()),
        intervals={} if whole is None else {key: getattr(whole, key) for key in figures},
        groups=tuple(groups),
        pieces=_by_piece(column("piece")[on], greedy[on], game[on], seed),
        **_legal_sets(sets[on]),
    )


def _by_piece(
    piece: npt.NDArray[np.int64], legal: npt.NDArray[np.bool_], game: npt.NDArray[np.int64], seed: int
) -> tuple[PieceLegality, ...]:
    found = []
    for kind in (*PieceKind, None):
        chosen = piece == (0 if kind is None else kind)
        share = estimate(legal[chosen], game[chosen], seed=seed)
        if share is not None:
            name = NO_PIECE if kind is None else kind.name_en
            found.append(PieceLegality(piece=name, texts=share.count, legal=share))
    return tuple(found)


def _legal_sets(sets: npt.NDArray[np.int64]) -> dict[str, float | None]:
    hits, taken, legal = sets.sum(0).tolist()
    if not legal:
        return {}
    return {
        "legal_set_precision": hits / taken if taken else None,
        "legal_set_recall": hits / legal,
        "legal_set_f1": 2 * hits / (taken + legal),
    }
