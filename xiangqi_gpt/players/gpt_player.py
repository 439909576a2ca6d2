"""The GPT as a player: the likeliest legal move, one drawn at a temperature, or the one that a lookahead prefers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from xiangqi_gpt.decoding import (
    Lookahead,
    LookaheadConfig,
    MoveScores,
    Sampling,
    Scorer,
    SymmetricScorer,
    choose,
)
from xiangqi_gpt.decoding.line_search import JudgedMove, search_line
from xiangqi_gpt.decoding.lookahead import SearchResult
from xiangqi_gpt.errors import ConfigError, PlayerError
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.board_probe import BoardProbe, load_probe
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.players.base import (
    NO_LIMIT,
    THINKING_THREADS,
    Analysis,
    Limit,
    Line,
    Mind,
    PlayResult,
    Value,
    legal_moves_or_error,
)
from xiangqi_gpt.players.gpt_mind import read_mind
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.captures import moves_that_lose_material
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import mate_score
from xiangqi_gpt.rules.rulesets import RuleSet, get_rule_set
from xiangqi_gpt.tokens import Condition

BUNDLED = "assets/model"
_PIECE = 3.0  # soldiers: a horse, a cannon, or two advisors
_ROOK = 7.0  # soldiers: a rook for less than a horse


def bundled_model() -> Path:
    """The directory of the model that comes with the package."""
    return resource_path(BUNDLED)


@lru_cache(maxsize=4)
def _load(directory: Path, modified: float) -> XiangqiGPT:
    return load_model(directory)


def open_model(model_dir: str | Path | None = None) -> XiangqiGPT:
    """The model in *model_dir*, or the bundled one; loaded once however often it is asked for."""
    directory = bundled_model() if model_dir is None else Path(model_dir)
    files = [directory / name for name in ("config.json", "adapter_config.json")]
    changed = max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)
    return _load(directory.resolve(), changed)


def parse_lookahead(text: str) -> tuple[float | None, int | None]:
    """Seconds or descents a move: of ``500ms`` or ``2s`` the first, of ``400`` the second; PlayerError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)|(\d+)", text.strip())
    if match is None or not float(match[1] or match[3]):
        raise PlayerError(
            f"gpt: expected a lookahead such as 500ms, 2s, or 400 (descents of the search), found {text!r}"
        )
    if match[3]:
        return None, int(match[3])
    return float(match[1]) * {"ms": 0.001, "s": 1.0}[match[2]], None


_PRIOR_VISITS = (
    8  # descents that the policy counts for when a move is drawn: after a few, all have been visited once
)
_WARM_UP = 32  # descents


class GPTPlayer:
    """A GPT that plays what it says.

    *temperature* 0 plays the likeliest legal move; above it moves are drawn, from what *top_k*, *top_p* and *min_p*
    leave (with one of them, the temperature is 1 unless given). With *guard* positions are not repeated as long as the
    player is not losing; with *rules*, the name of a rule set, no move is played that would lose by perpetual check or
    chase while there is another. *result* (win, draw or loss) and *strength* (an Elo rating) ask for the moves of such
    a side, of models trained with condition tokens.

    *style* asks a model with styles for the moves of people (``human``) or of its teacher (``teacher``).

    With *symmetric* (by default where the model was trained on mirror images) moves have the mean of their
    probabilities on the board and on its mirror image: better moves, at twice the time.

    *precision* is that of the products, ``float32``, ``bfloat16``, ``int8`` or ``auto`` (bfloat16 where the processor
    is fast at it); by default the policy is in float32, the same on every machine, and a search is in ``auto``.

    With *care* a drawn move that gives away a rook outright is never played, and one that gives away a horse or a
    cannon is noticed with this probability (0..1), unless it is the likeliest move of all.

    *probe* is a file that `xiangqi-gpt probe` has made for this model: :meth:`mind` then shows the believed board.

    With *lookahead* it searches before it moves, as long as the limit of a question says, else as long as its
    configuration does, but never for more than *max_descents*; at a temperature above 0 moves are then drawn by how
    often the search tried them. ``stop_event`` ends a search: whoever asks questions from several threads clears it
    before a question and sets it to have the answer at once.
    """

    def __init__(
        self,
        model_dir: str | Path | None = None,
        *,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        rules: str | None = None,
        result: str | None = None,
        strength: int | None = None,
        style: str | None = None,
        care: float | None = None,
        lookahead: LookaheadConfig | None = None,
        max_descents: int | None = None,
        symmetric: bool | None = None,
        precision: str | None = None,
        seed: int = 0,
        device: str = "cpu",
        threads: int | None = None,
        guard: bool = True,
        probe: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        if temperature is not None and not 0.0 <= temperature <= 100.0:
            raise PlayerError(f"gpt: expected a temperature from 0 to 100, found {temperature!r}")
        if temperature is None:
            temperature = 0.0 if (top_k, top_p, min_p) == (None, None, None) else 1.0
        try:
            self.sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
            self.rules: RuleSet | None = None if rules is None else get_rule_set(rules)
        except ConfigError as error:
            raise PlayerError(f"gpt: {error}") from None
        if threads is not None and threads < 1:
            raise PlayerError(f"gpt: expected at least one thread, found {threads!r}")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
            raise PlayerError(f"gpt: expected a device that is there, found {device!r}")
        if care is not None and not 0.0 <= care <= 1.0:
            raise PlayerError(f"gpt: expected care from 0 to 1, found {care!r}")
        if max_descents is not None and max_descents < 1:
            raise PlayerError(f"gpt: expected max_descents of at least 1, found {max_descents!r}")
        model = open_model(model_dir)
        self.probe: BoardProbe | None = None if probe is None else load_probe(probe, model)
        try:
            self.scorer = Scorer(
                model,
                device,
                seed,
                Condition(result=result, strength=strength),
                style,
                precision=precision or "float32",
                leaf_precision=precision or "auto",
            )
        except ConfigError as error:
            raise PlayerError(f"gpt: {error}") from None
        self._human: Scorer | None = None
        self._both: SymmetricScorer | None = None
        if symmetric or (symmetric is None and model.config.symmetric):
            self._both = SymmetricScorer(self.scorer)
        self.temperature = temperature
        self.guard = guard
        self.care = care
        self.max_descents = max_descents
        self.threads = threads or THINKING_THREADS
        self.lookahead = None if lookahead is None else Lookahead(self.scorer, lookahead)
        self.stop_event = threading.Event()
        self._rng = np.random.default_rng(seed)
        what = "bundled" if model_dir is None else str(model_dir)
        self._name = name or f"gpt({what}, temperature={temperature:g})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def deterministic(self) -> bool:
        timed = self.lookahead is not None and self.lookahead.config.seconds is not None
        return self.temperature <= 0 and not timed

    def warm_up(self) -> None:
        """Load what a search needs, and search once, so that the first search is as quick as the others."""
        if self.lookahead is not None:
            self.look_ahead(Board(), nodes=_WARM_UP)
            self.new_game()

    def scores(self, board: Board) -> MoveScores:
        """The exact scores of all legal moves; PlayerError where there are none."""
        legal_moves_or_error(board)
        torch.set_num_threads(self.threads)
        return (self._both or self.scorer).score(board)

    def mind(self, board: Board) -> Mind:
        """What the model attends to and believes before the next move of *board*.

        Raises:
            ConfigError: a model without boards that cannot see the whole game.
        """
        torch.set_num_threads(self.threads)
        return read_mind(self.scorer, board, self.probe)

    def score_many(self, boards: Sequence[Board]) -> list[MoveScores]:
        """The exact scores of several positions, none of them at the end of its game."""
        torch.set_num_threads(self.threads)
        return (self._both or self.scorer).score_many(boards)

    def human_prob(self, board: Board, move: Move) -> float:
        """How likely people are to play a legal move, 0..1: by the model's human style where it has styles."""
        if self._human is None:
            styles = self.scorer.model.config.style_names
            human = "human" in styles and self.scorer.model.config.style_number("human") != self.scorer.style
            self._human = (
                Scorer(self.scorer.model, self.scorer.device, style="human") if human else self.scorer
            )
        torch.set_num_threads(self.threads)
        scores = self._human.score(board)
        return float(scores.probs[scores.moves.index(move)])

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        if self.lookahead is not None:
            found = self._look_ahead(board, limit)
            return PlayResult(self.drawn(found), search_analysis(found))
        scores = self.scores(board)
        return PlayResult(self.chosen(board, scores), as_analysis(scores))

    def chosen(self, board: Board, scores: MoveScores) -> Move:
        """The move to play without a search."""
        index = choose(
            board.copy(),
            scores,
            rng=self._rng,
            guard=self.guard,
            sampling=self.sampling,
            rules=self.rules,
            avoid=self._noticed(board, scores),
        )
        return scores.moves[index]

    def _noticed(self, board: Board, scores: MoveScores) -> np.ndarray | None:
        """(N,) which moves are not drawn since they give a piece away; the likeliest move is always trusted."""
        if self.care is None:
            return None
        least = _PIECE if self._rng.random() < self.care else _ROOK
        losing = dict(zip(board.legal_moves(), moves_that_lose_material(board, least), strict=True))
        found = np.array([losing[move] for move in scores.moves])
        found[scores.logprobs.argmax()] = False
        return found

    def analyse(
        self,
        board: Board,
        limit: Limit = NO_LIMIT,
        multipv: int | None = None,
        root_moves: Sequence[Move] | None = None,
        on_progress: Callable[[Analysis], None] | None = None,
    ) -> Analysis:
        """The best candidates; with a lookahead and *root_moves*, only these moves are looked at.

        *on_progress* is called with the analysis so far, several times a second.
        """
        if self.lookahead is not None:
            found = self._look_ahead(
                board,
                limit,
                root_moves,
                None if on_progress is None else lambda found: on_progress(search_analysis(found, multipv)),
            )
            return search_analysis(found, multipv)
        return as_analysis(self.scores(board), multipv)

    def _look_ahead(
        self,
        board: Board,
        limit: Limit,
        root_moves: Sequence[Move] | None = None,
        on_progress: Callable[[SearchResult], None] | None = None,
    ) -> SearchResult:
        # A move has to be handed on as well: a little of a short limit is kept for that.
        seconds = None if limit.time is None else max(0.0, 0.95 * limit.time - 0.005)
        return self.look_ahead(
            board,
            seconds=seconds,
            nodes=limit.nodes,
            depth=limit.depth,
            stop=self.stop_event,
            root_moves=root_moves,
            on_progress=on_progress,
        )

    def look_ahead(
        self,
        board: Board,
        *,
        seconds: float | None = None,
        nodes: int | None = None,
        depth: int | None = None,
        stop: threading.Event | None = None,
        root_moves: Sequence[Move] | None = None,
        on_progress: Callable[[SearchResult], None] | None = None,
    ) -> SearchResult:
        """The search itself; see `Lookahead.search`. PlayerError without a lookahead, or where no move is legal."""
        if self.lookahead is None:
            raise PlayerError(f"{self.name} does not search (lookahead=0)")
        legal_moves_or_error(board)
        torch.set_num_threads(self.threads)
        if self.max_descents is not None:
            limited = nodes is not None or seconds is not None or depth is not None
            nodes = min(nodes or self.max_descents, self.max_descents) if limited else nodes
        return self.lookahead.search(
            board,
            seconds=seconds,
            nodes=nodes,
            depth=depth,
            stop=stop,
            score=self.scores,
            root_moves=root_moves,
            on_progress=on_progress,
        )

    def judge_line(
        self, boards: Sequence[Board], moves: Sequence[Move], limit: Limit, plies: Collection[int]
    ) -> Iterator[tuple[int, JudgedMove]] | None:
        """Moves of a game beside the best ones, judged many at a time; see `search_line`.

        None where the searches are not limited by descents alone, so that each has to be made by itself.
        """
        if self.lookahead is None or self.max_descents is not None:
            return None
        config = self.lookahead.config
        by_default = (limit.nodes, limit.time, limit.depth) == (None, None, None)
        asked = (
            (config.nodes, config.seconds, config.depth)
            if by_default
            else (limit.nodes, limit.time, limit.depth)
        )
        nodes, seconds, depth = asked
        if nodes is None or (seconds, depth) != (None, None):
            return None
        torch.set_num_threads(self.threads)
        scores = (self._both or self.scorer).score_line(boards[0], moves)
        return search_line(
            self.scorer, config, boards, moves, scores, nodes=nodes, plies=plies, stop=self.stop_event
        )

    def drawn(self, found: SearchResult) -> Move:
        """The best move of a search, or one drawn by visits and by what the policy thought before."""
        best = found.candidates[0]
        if self.temperature <= 0 or (best.mate is not None and best.mate > 0):
            return best.move
        priors = dict(zip(found.scores.moves, found.scores.probs.tolist(), strict=True))
        weights = [
            c.visits + _PRIOR_VISITS * priors[c.move] if c.visits and (c.mate or 1) > 0 else 0.0
            for c in found.candidates
        ]
        if not any(weights):
            return best.move
        with np.errstate(divide="ignore"):
            shares = self.sampling.shares(np.log(weights))
        return found.candidates[int(self._rng.choice(len(shares), p=shares))].move

    def new_game(self) -> None:
        self._forget()

    def close(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.scorer.forget()
        if self._human is not None:
            self._human.forget()
        if self.lookahead is not None:
            self.lookahead.forget()


def as_analysis(scores: MoveScores, multipv: int | None = None) -> Analysis:
    """Scores as the lines that people and protocols read, likeliest first."""
    lines = tuple(
        Line((scores.moves[i],), prob=float(scores.probs[i]), logprob=float(scores.logprobs[i]))
        for i in scores.ranked()[:multipv]
    )
    win, draw, loss = (float(p) for p in scores.value)
    return Analysis(lines, Value(win, draw, loss), scores.leak)


def search_analysis(found: SearchResult, multipv: int | None = None) -> Analysis:
    """A search as lines, best first: the moves looked at with what is expected behind them, then the other moves."""
    scores = found.scores
    number = {move: i for i, move in enumerate(scores.moves)}
    known = {c.move: c for c in found.candidates}
    order = [c.move for c in found.candidates]
    order += [scores.moves[i] for i in scores.ranked() if scores.moves[i] not in known]
    lines = []
    for move in order[:multipv]:
        candidate = known.get(move)
        mate = None if candidate is None else candidate.mate
        i = number[move]
        lines.append(
            Line(
                (move,) if candidate is None else candidate.pv,
                prob=float(scores.probs[i]),
                logprob=float(scores.logprobs[i]),
                score_cp=None if mate is None else mate_score(mate),
                value=_outcome(None if candidate is None else candidate.value, found.value[1]),
            )
        )
    return Analysis(tuple(lines), Value(*found.value), scores.leak, found.depth)


def _outcome(expected: float | None, draw: float) -> Value | None:
    """The outcome behind a move of *expected* result, -1..1, where the position is drawn with probability *draw*."""
    if expected is None:
        return None
    draw = min(draw, 1 - abs(expected))
    return Value((1 - draw + expected) / 2, draw, (1 - draw - expected) / 2)
