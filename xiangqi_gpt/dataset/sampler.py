"""The order in which windows are used: tiling, mixing of sources, limiting common openings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.dataset.packed import I64, NO_MOVE, Packed, PackedGames
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.pieces import Color

OPENING_PLIES = 64  # beyond this ply, no opening is shared by enough games to matter
MAX_MIX = 1000  # largest number of passes through a source per epoch
_MIX_STREAM = 1  # a separate random stream, so that epochs without a mix stay as they were

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """The order of windows: a function of only the data, the settings, the seed, the epoch and the place in it.

    Every epoch tiles the plies of every game, from the first ply with a target, with windows of ``plies``, beginning at
    a random phase, and shuffles them. A source of weight w in *mix* is tiled w times per epoch (the fractional part of
    w is the probability of one more time, for each game).

    With an *opening_limit* of N, a ply has weight N / M if M games share its opening (the start and all moves before
    it) and M is more than N, and weight 1 otherwise. In each epoch, a window is kept with a probability equal to the
    mean weight of its plies. So common openings are not repeated in every game.
    """

    packed: Packed
    plies: int
    seed: int
    mirror: bool
    from_start: bool = False  # one window per game, its first plies: for models without boards
    mix: str = ""
    opening_limit: int = 0

    def epoch(self, number: int) -> tuple[I64, I64, npt.NDArray[np.bool_]]:
        """Game, first ply and mirroring of every window of an epoch, shuffled."""
        rng = np.random.default_rng((self.seed, number))
        extra = np.random.default_rng((self.seed, number, _MIX_STREAM))
        tiled = np.repeat(np.arange(self.packed.games), self._passes(extra))
        if self.from_start:
            games = tiled[self._standard[tiled]]
            first = np.zeros_like(games)
        else:
            begin = self.begins[tiled]
            phase = rng.integers(0, self.plies, len(tiled))
            counts = -(-(self.lengths[tiled] - begin + phase) // self.plies)
            of = np.repeat(np.arange(len(tiled)), counts)
            order = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
            games = tiled[of]
            first = np.maximum(begin[of] - phase[of] + order * self.plies, 0)
        if self.opening_limit:
            kept = extra.random(len(games)) < self._worth(games, first)
            games, first = games[kept], first[kept]
        shuffled = rng.permutation(len(games))
        mirrored = rng.random(len(games)) < (0.5 if self.mirror else 0.0)
        return games[shuffled], first[shuffled], mirrored

    def _passes(self, rng: np.random.Generator) -> I64:
        """How often each game is tiled in an epoch."""
        weights = self._weights
        whole = np.floor(weights)
        more = rng.random(len(weights)) < weights - whole
        passes: I64 = (whole + more).astype(np.int64)
        return passes

    @cached_property
    def lengths(self) -> I64:
        """(G,) number of plies of each game."""
        found: I64 = np.concatenate([np.diff(part.offsets) for part in self.packed.parts])
        return found

    @cached_property
    def begins(self) -> I64:
        """(G,) the first ply of each game with a target."""
        found = []
        for part in self.packed.parts:
            learned = np.flatnonzero(part.targets != NO_MOVE)
            begin = part.offsets[:-1]
            found.append(learned[np.searchsorted(learned, begin)] - begin)
        together: I64 = np.concatenate(found)
        return together

    @cached_property
    def _weights(self) -> F64:
        """(G,) the weight of each game's source."""
        wanted = mix_weights(self.mix)
        known: set[str] = set()
        columns = []
        for part in self.packed.parts:
            by_source = []
            for name in part.source_names:
                names = (name, *name.rsplit("/", 1))  # games/human, games, human
                known.update(names)
                by_source.append(next((wanted[n] for n in names if n in wanted), 1.0))
            sources = np.zeros(part.games, np.int64) if part.sources is None else part.sources
            columns.append(np.array(by_source)[sources])
        for name in wanted:
            if name not in known:
                raise ConfigError(f"mix: expected some of {', '.join(sorted(known))}, found {name!r}")
        weights = np.concatenate(columns)
        if not weights.any():
            raise ConfigError(
                f"mix: {self.mix!r} leaves no games to learn from; give a weight above 0 to some source"
            )
        return weights

    @cached_property
    def _standard(self) -> npt.NDArray[np.bool_]:
        """(G,) which games begin at the standard start."""
        start = np.array(Board().squares, np.int8)
        found = []
        for part in self.packed.parts:
            standard = (part.starts == start).all(1) & (part.turns == Color.RED)
            found.append(standard if part.start_of is None else standard[part.start_of])
        together = np.concatenate(found)
        if not together.any():
            raise ConfigError("board='none' needs games from the standard start, and there are none.")
        return together

    @cached_property
    def shared(self) -> npt.NDArray[np.int32]:
        """(G, OPENING_PLIES) number of games in the mix that share each ply's opening; 1 if at most the limit."""
        games = np.flatnonzero(self._weights > 0)
        shared = np.ones((self.packed.games, OPENING_PLIES), np.int32)
        keys = np.concatenate([_start_keys(part) for part in self.packed.parts])[games]
        for ply in range(OPENING_PLIES):
            inside = self.lengths[games] > ply
            games, keys = games[inside], keys[inside]
            _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
            often = counts[which] > self.opening_limit
            # An opening shared by few games cannot be shared by more later on.
            games, keys = games[often], keys[often]
            if not len(games):
                break
            shared[games, ply] = counts[which][often]
            keys = _mixed(keys ^ (self._moves_at(games, ply).astype(np.uint64) + np.uint64(1)))
        return shared

    @cached_property
    def _worth_so_far(self) -> npt.NDArray[np.float32]:
        """(G, OPENING_PLIES + 1) cumulative weight of the plies before each ply."""
        worth = np.where(self.shared > self.opening_limit, self.opening_limit / self.shared, 1.0)
        sums = np.zeros((len(worth), OPENING_PLIES + 1), np.float32)
        np.cumsum(worth, axis=1, out=sums[:, 1:], dtype=np.float32)
        return sums

    def _worth(self, games: I64, first: I64) -> F64:
        """The mean weight of the plies of windows."""
        last = np.minimum(first + self.plies, self.lengths[games])
        low, high = np.minimum(first, OPENING_PLIES), np.minimum(last, OPENING_PLIES)
        inside = self._worth_so_far[games, high] - self._worth_so_far[games, low]
        beyond = (last - first) - (high - low)
        worth: F64 = (inside.astype(np.float64) + beyond) / (last - first)
        return worth

    def _moves_at(self, games: I64, ply: int) -> npt.NDArray[np.uint16]:
        """The moves with number *ply* of *games*, which are ascending."""
        found, base = [], 0
        for part in self.packed.parts:
            mine = games[np.searchsorted(games, base) : np.searchsorted(games, base + part.games)] - base
            found.append(part.moves[part.offsets[mine] + ply])
            base += part.games
        return np.concatenate(found)


def mix_weights(text: str) -> dict[str, float]:
    """The weights of a setting such as ``human=1,teacher=0.5``, by source; ConfigError if it is malformed."""
    weights: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, equals, number = (p.strip() for p in part.rpartition("="))
        try:
            weight = float(number)
        except ValueError:
            weight = -1.0
        if not equals or not name or not 0 <= weight <= MAX_MIX or name in weights:
            raise ConfigError(
                f"mix: expected each source once, with a weight from 0 to {MAX_MIX}, such as "
                f"human=1,teacher=0.5, found {part!r}"
            )
        weights[name] = weight
    return weights


def _start_keys(part: PackedGames) -> npt.NDArray[np.uint64]:
    """(G,) a number for each game's start position."""
    keys = [
        crc32(bytes(board.tobytes()) + bytes([turn])) << 20
        for board, turn in zip(part.starts, part.turns.tolist(), strict=True)
    ]
    found = _mixed(np.array(keys, np.uint64))
    return found if part.start_of is None else found[part.start_of]


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A bijection in which every bit of a key affects every other bit."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
