"""Packed games at the smallest size, for machines with slow uploads: moves as indices in the list of legal moves.

Every array becomes one or two byte streams with low entropy, each compressed by LZMA. A move is its index among the
legal moves, counted from the mover's side. The target move is stored in most cases as "the move played". Scores are
stored as differences from the previous score, as Red sees them. Games are sorted by source and moves, so that games
with the same opening are adjacent. Only the order of the games is lost.

Reading needs only the rules: the games are replayed, thousands at a time.
"""

from __future__ import annotations

import lzma
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.dataset.packed import NO_MOVE, NO_SCORE, Packed, PackedGames, SoftLabels
from xiangqi_gpt.dataset.packed_file import checked, write_arrays
from xiangqi_gpt.errors import ConfigError, RecordError, XiangqiError
from xiangqi_gpt.rules import batch

_CHUNK_GAMES: Final = 1024
_NOTHING, _PLAYED, _LISTED = 0, 1, 2  # a target move: none, the move played, else _LISTED + its index
_SAMPLE: Final = 0.05  # fraction of the games that is compressed to estimate the size
MAX_EXPANSION: Final = 4_096
"""Bytes of a stream for each ply: many times what a start position, or a teacher's list of moves, takes."""

_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 3, "lp": 0, "pb": 0, "dict_size": 1 << 26}]

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
Streams = dict[str, npt.NDArray[Any]]


def select(packed: PackedGames, games: I64) -> PackedGames:
    """A copy of the *games* of *packed*, in the given order."""
    lengths = np.diff(packed.offsets)[games]
    plies = _ranges(packed.offsets[games], lengths)
    soft = None
    if packed.soft is not None:
        counts = np.diff(packed.soft.offsets)[games]
        entries = _ranges(packed.soft.offsets[games], counts)
        soft = SoftLabels(
            offsets=_sums(counts),
            plies=packed.soft.plies[entries],
            moves=packed.soft.moves[entries],
            scores=packed.soft.scores[entries],
        )
    start_of = np.arange(packed.games, dtype=np.int32) if packed.start_of is None else packed.start_of
    starts, again = np.unique(start_of[games], return_inverse=True)
    return PackedGames(
        moves=packed.moves[plies],
        targets=packed.targets[plies],
        scores=packed.scores[plies],
        offsets=_sums(lengths),
        starts=packed.starts[starts],
        turns=packed.turns[starts],
        clocks=packed.clocks[starts],
        start_of=again.astype(np.int32),
        results=packed.results[games],
        strengths=None if packed.strengths is None else packed.strengths[games],
        sources=None if packed.sources is None else packed.sources[games],
        source_names=packed.source_names,
        soft=soft,
    )


def _ranges(begin: I64, lengths: I64) -> I64:
    """The ranges that start at each *begin* with these *lengths*, concatenated."""
    sums = _sums(lengths)
    return np.arange(sums[-1]) + np.repeat(begin - sums[:-1], lengths)


def _sums(lengths: I64) -> I64:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def encode(games: PackedGames) -> Streams:
    """The streams of *games*; XiangqiError if a move or a target is not legal."""
    turns = _turns(games)
    moves, targets = np.zeros(games.plies, np.uint8), np.zeros(games.plies, np.uint8)
    of_soft = np.zeros(0, np.uint8) if games.soft is None else np.zeros(len(games.soft.moves), np.uint8)
    start_of = np.arange(games.games) if games.start_of is None else games.start_of

    def work(first: int) -> None:
        last = min(first + _CHUNK_GAMES, games.games)
        rows = slice(int(games.offsets[first]), int(games.offsets[last]))
        boards, illegal = batch.replay_games(
            games.starts[start_of[first:last]],
            games.turns[start_of[first:last]],
            games.moves[rows],
            games.offsets[first : last + 1] - games.offsets[first],
        )
        if (illegal >= 0).any():
            raise XiangqiError(f"a move of game {first + int(illegal.argmax())} is not legal")
        counts, listed = batch.legal_lists(boards, turns[rows])
        moves[rows] = _numbers(games.moves[rows], counts, listed, turns[rows])
        learned = games.targets[rows]
        known = (learned != NO_MOVE) & (learned != games.moves[rows])
        targets[rows] = np.where(learned == NO_MOVE, _NOTHING, _PLAYED)
        at = np.flatnonzero(known)
        targets[rows][at] = _LISTED + _numbers(learned[at], counts[at], listed[at], turns[rows][at])
        if games.soft is not None:
            entries = slice(int(games.soft.offsets[first]), int(games.soft.offsets[last]))
            per_game = np.diff(games.soft.offsets[first : last + 1])
            at = np.repeat(games.offsets[first:last], per_game) + games.soft.plies[entries] - rows.start
            of_soft[entries] = _numbers(games.soft.moves[entries], counts[at], listed[at], turns[rows][at])

    _in_threads(work, range(0, games.games, _CHUNK_GAMES))
    known = games.scores != NO_SCORE
    low, high = _split_bytes(_differences(games, turns, known))
    streams: Streams = {
        "moves": moves,
        "targets": targets,
        "scored": np.packbits(known),
        "score_low": low,
        "score_high": high,
        "lengths": np.diff(games.offsets).astype("<u2"),
        "starts": games.starts,
        "turns": games.turns,
        "clocks": games.clocks.astype("<i2"),
        "start_of": np.asarray(start_of).astype("<i4"),
        "results": games.results,
    }
    if games.strengths is not None:
        streams["strengths"] = games.strengths.astype("<i2")
    if games.sources is not None:
        streams["sources"] = games.sources.astype("<u2")
    if games.soft is not None:
        streams["soft_counts"] = np.diff(games.soft.offsets).astype("<u4")
        streams["soft_plies"] = games.soft.plies.astype("<u2")
        streams["soft_moves"] = of_soft
        streams["soft_scores"] = games.soft.scores.astype("<i2")
    return streams


def _numbers(
    moves: npt.NDArray[np.uint16],
    counts: npt.NDArray[np.int32],
    listed: npt.NDArray[np.uint16],
    turns: npt.NDArray[np.int8],
) -> U8:
    """The indices of moves in their lists, counted from the mover's side."""
    same = listed == moves[:, None]
    number = same.argmax(1)
    if not same[np.arange(len(moves)), number].all():
        raise XiangqiError("a move to learn is not legal")
    # A half turn of the board reverses the list: Black counts from its end.
    return np.where(turns == 1, counts - 1 - number, number).astype(np.uint8)


def _differences(
    games: PackedGames, turns: npt.NDArray[np.int8], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint16]:
    """The difference of every score from the previous one in its game, as Red sees them; usually small."""
    of_red = np.where(turns == 0, games.scores, -games.scores.astype(np.int32))[known].astype(np.int16)
    before = np.concatenate([np.zeros(1, np.int16), of_red[:-1]]) if len(of_red) else of_red
    before[_firsts(games, known)] = 0
    change = (of_red - before).astype(np.int16)  # modulo 65536, which the reader reverses
    return ((change.astype(np.int32) << 1) ^ (change.astype(np.int32) >> 15)).astype(np.uint16)


def _firsts(games: PackedGames, known: npt.NDArray[np.bool_]) -> I64:
    """Index, among the known scores, of the first one of each game."""
    before = np.concatenate([[0], np.cumsum(known)])
    firsts = before[games.offsets[:-1]]
    return firsts[before[games.offsets[1:]] > firsts]


def _split_bytes(numbers: npt.NDArray[np.uint16]) -> tuple[U8, U8]:
    return (numbers & 255).astype(np.uint8), (numbers >> 8).astype(np.uint8)


def _turns(games: PackedGames) -> npt.NDArray[np.int8]:
    """(P,) the side to move."""
    lengths = np.diff(games.offsets)
    first = games.turns if games.start_of is None else games.turns[games.start_of]
    within = np.arange(games.plies) - np.repeat(games.offsets[:-1], lengths)
    return ((np.repeat(first, lengths) + within) & 1).astype(np.int8)


def decode(streams: Mapping[str, npt.NDArray[Any]], sources: Sequence[str]) -> PackedGames:
    """The games of :func:`encode`; XiangqiError if the streams contradict each other."""
    lengths = streams["lengths"].astype(np.int64)
    offsets = _sums(lengths)
    plies = int(offsets[-1])
    for name, wanted in (
        ("moves", plies),
        ("targets", plies),
        ("scored", -(-plies // 8)),
        ("start_of", len(lengths)),
    ):
        if len(streams[name]) != wanted:
            raise XiangqiError(f"{name}: expected {wanted} numbers, found {len(streams[name])}")
    start_of = streams["start_of"]
    soft_offsets = _sums(streams["soft_counts"].astype(np.int64)) if "soft_counts" in streams else None
    moves, targets = np.zeros(plies, np.uint16), np.zeros(plies, np.uint16)
    soft_moves = np.zeros(len(streams.get("soft_moves", ())), np.uint16)

    def work(first: int) -> None:
        last = min(first + _CHUNK_GAMES, len(lengths))
        # Longest games first, so that the games still in progress are always the first rows.
        order = first + np.argsort(-lengths[first:last], kind="stable")
        boards = streams["starts"][start_of[order]]
        turns = streams["turns"][start_of[order]]
        if soft_offsets is not None:
            cursor, end = soft_offsets[:-1][order].copy(), soft_offsets[1:][order]
        for ply in range(int(lengths[order[0]])):
            live = int(np.searchsorted(-lengths[order], -ply))
            boards, turns, at = boards[:live], turns[:live], offsets[order[:live]] + ply
            counts, listed = batch.legal_lists(boards, turns)
            moves[at] = _at(listed, counts, turns, streams["moves"][at])
            learned = streams["targets"][at].astype(np.int64)
            others = np.flatnonzero(learned >= _LISTED)
            found = np.where(learned == _PLAYED, moves[at], NO_MOVE)
            found[others] = _at(listed[others], counts[others], turns[others], learned[others] - _LISTED)
            targets[at] = found
            if soft_offsets is not None:
                while True:
                    here = np.flatnonzero(cursor[:live] < end[:live])
                    here = here[streams["soft_plies"][cursor[here]] == ply]
                    if not len(here):
                        break
                    entries = cursor[here]
                    soft_moves[entries] = _at(
                        listed[here], counts[here], turns[here], streams["soft_moves"][entries]
                    )
                    cursor[here] += 1
            batch.push(boards, turns, moves[at])

    _in_threads(work, range(0, len(lengths), _CHUNK_GAMES))
    soft = None
    if soft_offsets is not None:
        soft = SoftLabels(
            offsets=soft_offsets,
            plies=np.asarray(streams["soft_plies"]),
            moves=soft_moves,
            scores=np.asarray(streams["soft_scores"]),
        )
    games = PackedGames(
        moves=moves,
        targets=targets,
        scores=np.full(plies, NO_SCORE, np.int16),
        offsets=offsets,
        starts=np.asarray(streams["starts"]),
        turns=np.asarray(streams["turns"]),
        clocks=np.asarray(streams["clocks"]),
        start_of=np.asarray(start_of),
        results=np.asarray(streams["results"]),
        strengths=streams.get("strengths"),
        sources=streams.get("sources"),
        source_names=tuple(sources),
        soft=soft,
    )
    _restore_scores(games, streams)
    return games


def _at(
    listed: npt.NDArray[np.uint16],
    counts: npt.NDArray[np.int32],
    turns: npt.NDArray[np.int8],
    numbers: npt.NDArray[Any],
) -> npt.NDArray[np.uint16]:
    """The moves with these indices in their lists."""
    numbers = numbers.astype(np.int64)
    if (numbers >= counts).any():
        raise XiangqiError("the number of a move is larger than the number of legal moves")
    return listed[np.arange(len(numbers)), np.where(turns == 1, counts - 1 - numbers, numbers)]


def _restore_scores(games: PackedGames, streams: Mapping[str, npt.NDArray[Any]]) -> None:
    known = np.unpackbits(streams["scored"], count=games.plies).astype(bool)
    coded = streams["score_low"].astype(np.int64) | (streams["score_high"].astype(np.int64) << 8)
    if len(coded) != int(known.sum()):
        raise XiangqiError(f"scores: expected {int(known.sum())} numbers, found {len(coded)}")
    change = (coded >> 1) ^ -(coded & 1)
    sums = _sums(change)
    firsts = _firsts(games, known)
    lengths = np.diff(np.concatenate([firsts, [len(change)]]))
    of_red = (sums[1:] - np.repeat(sums[firsts], lengths)).astype(np.int16)  # modulo 65536
    games.scores[known] = np.where(_turns(games)[known] == 0, of_red, -of_red)


def _in_threads(work: Callable[[int], None], chunks: Sequence[int]) -> None:
    """Process the chunks on all cores: the rules release the interpreter's lock."""
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        for done in [pool.submit(work, chunk) for chunk in chunks]:
            done.result()


def unpacked(path: Path, part: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> PackedGames:
    """The games of one part of a compact file; RecordError if the part contradicts itself."""

    def decompressed(item: tuple[str, npt.NDArray[Any]]) -> tuple[str, npt.NDArray[Any]]:
        name, data = item
        kind, shape = part["streams"][name]
        dtype, size = np.dtype(str(kind)), math.prod(int(length) for length in shape)
        most = MAX_EXPANSION * int(part["plies"])
        if not 0 <= size * dtype.itemsize <= most:
            raise XiangqiError(
                f"{name}: expected at most {most} bytes of {part['plies']} plies, found {shape}"
            )
        # One byte more than stated shows that there is more, without unpacking it.
        reader = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_FILTERS)
        raw = reader.decompress(data.tobytes(), max_length=size * dtype.itemsize + 1)
        if len(raw) != size * dtype.itemsize:
            raise XiangqiError(f"{name}: the data does not hold {size * dtype.itemsize} bytes")
        return name, np.frombuffer(raw, dtype).reshape(shape)

    try:
        with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
            streams = dict(pool.map(decompressed, arrays.items()))
        games = decode(streams, [str(name) for name in part["sources"]])
    except (XiangqiError, lzma.LZMAError, KeyError, TypeError, ValueError, IndexError) as error:
        raise RecordError(f"not compact packed games: {error}", file=str(path)) from error
    return checked(path, part, games.arrays())


@dataclass(frozen=True)
class PackResult:
    """How many of the games fit into the size limit."""

    size: int  # bytes
    games: int
    plies: int
    share: float  # fraction of the plies offered


def write_compact(
    path: Path,
    splits: Mapping[str, Packed],
    facts: Mapping[str, Any],
    *,
    limit: int | None = None,
    seed: int = 0,
) -> PackResult:
    """Write the games of *splits* as one compact file of at most *limit* bytes.

    If they do not fit, whole games are left out: the same fraction of every source and split, selected by *seed*.

    Raises:
        ConfigError: not even one percent of the games fits.
    """
    parts = [(split, part) for split, packed in splits.items() for part in packed.parts]
    orders = [_drawn(part, np.random.default_rng((seed, number))) for number, (_, part) in enumerate(parts)]
    offered = sum(part.plies for _, part in parts)
    share = 1.0
    if limit is not None:
        probe = _compressed(parts, orders, _SAMPLE if offered > 1_000_000 else 1.0)
        taken = sum(header["plies"] for header, _ in probe)
        share = min(1.0, 1.02 * limit * taken / (offered * _size(probe)))
    while True:
        found = _compressed(parts, orders, share)
        size = write_arrays(path, found, {**facts, "encoding": "compact"})
        if limit is None or size <= limit:
            break
        share *= 0.99 * limit / size
        if share < 0.01:
            raise ConfigError(
                f"limit: expected room for a hundredth of the games at least, found {limit} bytes"
            )
    games = sum(header["games"] for header, _ in found)
    plies = sum(header["plies"] for header, _ in found)
    return PackResult(size, games, plies, plies / offered)


def _drawn(part: PackedGames, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(G,) a rank from 0 to 1 for each game: those below a fraction are that fraction of every source."""
    sources = np.zeros(part.games, np.int64) if part.sources is None else part.sources
    places = np.empty(part.games)
    for source in np.unique(sources).tolist():
        mine = rng.permutation(np.flatnonzero(sources == source))
        places[mine] = np.arange(len(mine)) / len(mine)
    return places


def _compressed(
    parts: Sequence[tuple[str, PackedGames]], orders: Sequence[npt.NDArray[np.float64]], share: float
) -> list[tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
    found = []
    for (split, part), places in zip(parts, orders, strict=True):
        games = _side_by_side(part, np.flatnonzero(places < share))
        streams = encode(games)
        with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
            packed = dict(zip(streams, pool.map(_lzma, streams.values()), strict=True))
        header = {
            "split": split,
            "games": games.games,
            "plies": games.plies,
            "sources": list(games.source_names),
            "streams": {name: [stream.dtype.str, list(stream.shape)] for name, stream in streams.items()},
        }
        found.append((header, packed))
    return found


def _side_by_side(part: PackedGames, games: I64) -> PackedGames:
    """The games sorted by source and moves, so that similar games are adjacent."""
    sources = np.zeros(part.games, np.int64) if part.sources is None else part.sources
    keys = [
        (int(sources[g]), part.moves[part.offsets[g] : part.offsets[g + 1]].astype(">u2").tobytes())
        for g in games.tolist()
    ]
    return select(part, games[sorted(range(len(games)), key=keys.__getitem__)])


def _lzma(stream: npt.NDArray[Any]) -> U8:
    raw = np.ascontiguousarray(stream).tobytes()
    return np.frombuffer(lzma.compress(raw, format=lzma.FORMAT_RAW, filters=_FILTERS), np.uint8)


def _size(parts: Sequence[tuple[Any, Mapping[str, npt.NDArray[Any]]]]) -> int:
    return sum(array.nbytes for _, arrays in parts for array in arrays.values())
