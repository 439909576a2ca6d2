"""From records to batches: nothing is learned that should not be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.games import games
from xiangqi_gpt.dataset.packed import NO_MOVE, PackedGames, pack
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import IGNORED
from xiangqi_gpt.model.layout import layout
from xiangqi_gpt.players.scores import PIKAFISH
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens import create_tokenizer
from xiangqi_gpt.tokens.tokenizer import CoordinateTokenizer
from xiangqi_gpt.training.batches import collate, value_targets


def everything(packed: PackedGames, plies: int, mirror: bool = False) -> Windows:
    chosen, first, flips = Sampler(packed=packed, plies=plies, seed=1, mirror=mirror).epoch(0)
    return gather_windows(packed, chosen, first, plies, flips)


def mirrored(move: Move) -> Move:
    def flip(square: int) -> int:
        return square - 2 * (square % 9) + 8

    return MOVES[flip(move.from_square) * 90 + flip(move.to_square)]


def test_targets_by_kind_of_record() -> None:
    packed, report = pack(games())
    for number, game in enumerate(games()):
        rows = slice(packed.offsets[number], packed.offsets[number + 1])
        assert packed.moves[rows].tolist() == [m.index for m in game.moves]
        for ply, target in enumerate(packed.targets[rows].tolist()):
            best = game.labels.at(ply)[0] if game.labels else None
            if best is not None:
                assert target == best.index
            elif game.kind == "teacher":
                assert target == NO_MOVE
            else:
                assert target == game.moves[ply].index
    assert report.kept == len(games())
    assert report.targets == int((packed.targets != NO_MOVE).sum())


def test_only_the_wanted_splits_are_learned_and_the_rest_is_counted() -> None:
    records = [
        GameRecord(
            moves=g.moves, start_fen=g.start_fen, result=g.result, kind=g.kind, labels=g.labels, split=split
        )
        for g, split in zip(games(6), ["train", "test", "valid", "extra", "train", "reserved"], strict=True)
    ]
    packed, report = pack(records)
    assert packed.games == 2
    assert dict(report.left_out) == {f"of split {s!r}": 1 for s in ("test", "valid", "extra", "reserved")}
    assert pack(records, splits=("train", "extra"))[0].games == 3
    with pytest.raises(ConfigError, match=r"no game to learn from: .* of split 'test'"):
        pack(records[1:2])


@pytest.mark.parametrize("mirror", [False, True])
def test_windows_show_the_board_that_the_mover_sees(mirror: bool) -> None:
    records = games()
    packed, _ = pack(records)
    for number, game in enumerate(records):
        windows = gather_windows(packed, np.array([number]), np.array([2]), 6, np.array([mirror]))
        board = Board(game.start_fen)
        for ply in range(min(8, len(game.moves))):
            if ply >= 2:
                view = windows.boards[0, ply - 2].reshape(10, 9)
                for square, code in enumerate(board.squares):
                    rank, file = divmod(square, 9)
                    if board.turn == Color.BLACK:
                        rank, file = 9 - rank, 8 - file
                        code = 0 if code == 0 else code - 7 if code > 7 else code + 7
                    # The mirror keeps the mover's own left-right order: it acts after the turn.
                    assert view[rank, 8 - file if mirror else file] == code
                assert windows.turns[0, ply - 2] == board.turn
                assert windows.clocks[0, ply - 2] == board.halfmove_clock
                move = mirrored(game.moves[ply]) if mirror else game.moves[ply]
                assert windows.moves[0, ply - 2] == move.index
            board.push(game.moves[ply])


@pytest.mark.parametrize("name", ["square", "iccs"])
@pytest.mark.parametrize("mirror", [False, True])
def test_every_label_completes_a_legal_move_behind_its_own_prefix(name: str, mirror: bool) -> None:
    """Follow each label back through what it sees: the text of the whole target is legal on its board."""
    packed, _ = pack(games(24))
    tokenizer = create_tokenizer(name)
    assert isinstance(tokenizer, CoordinateTokenizer)
    plies, k = 7, tokenizer.slots
    windows = everything(packed, plies, mirror)
    batch = collate(windows, tokenizer, with_boards=True)
    visible = layout(plies, k).visible[0].numpy()
    positions, slots = batch.positions[0].numpy(), batch.slots[0].numpy()
    learned = 0
    for row in range(len(windows.moves)):
        for ply in range(plies):
            target = int(windows.targets[row, ply])
            if target == NO_MOVE:
                continue
            board = _board(windows.boards[row, ply])
            move = MOVES[target] if windows.turns[row, ply] == Color.RED else MOVES[target].rotated()
            assert board.is_legal(move)
            text = tokenizer.encode(board, move)
            for j in range(k):
                # Exactly one token predicts slot j of the target, and the tokens it sees of this ply are its prefix.
                place = 1 + ply * k + j
                at = [
                    i
                    for i in range(len(positions))
                    if positions[i] == place - 1
                    and (j == 0 or slots[i] == j - 1)
                    and batch.board_index[row, i] == ply
                    and batch.labels[row, i] != IGNORED
                ]
                assert len(at) == 1
                assert batch.labels[row, at[0]] == text[j]
                seen = [i for i in range(len(positions)) if visible[at[0], i]]
                assert len({int(positions[i]) for i in seen}) == len(seen) == place
                own = sorted((int(positions[i]), int(batch.input_ids[row, i])) for i in seen)
                assert [token for position, token in own if position > ply * k] == list(text[:j])
                learned += 1
    assert learned == k * int((windows.targets != NO_MOVE).sum())
    assert int((batch.labels != IGNORED).sum()) == learned


def _board(codes: np.ndarray) -> Board:
    """A board with the mover as Red from the codes that the model sees."""
    letters = ".KABNRCPkabnrcp"
    ranks = []
    for rank in range(9, -1, -1):
        row = "".join(letters[c] for c in codes.reshape(10, 9)[rank])
        for width in range(9, 0, -1):
            row = row.replace("." * width, str(width))
        ranks.append(row)
    return Board("/".join(ranks) + " w - - 0 1", strict=False)


def test_values_come_from_the_score_else_from_the_result() -> None:
    assert PIKAFISH.chances(np.array([0.0])).round(4).tolist() == [[0.2631, 0.4737, 0.2631]]
    win, draw, loss = PIKAFISH.chances(np.array([29_990.0]))[0]
    assert (round(win, 6), round(draw, 6), round(loss, 6)) == (1, 0, 0)
    packed, _ = pack(games())
    for number, game in enumerate(games()):
        windows = gather_windows(packed, np.array([number]), np.array([0]), 5, np.array([False]))
        batch = collate(windows, create_tokenizer("square"), with_boards=True)
        for ply in range(5):
            cp = game.labels.at(ply)[1] if game.labels else None
            target = batch.value_targets[0, ply]
            if cp is not None:
                assert torch.allclose(target.double(), torch.from_numpy(PIKAFISH.chances(float(cp))))
            elif game.result == "*" or windows.targets[0, ply] == NO_MOVE:
                assert target.tolist() == [0, 0, 0]
            else:
                red = {"1-0": 0, "1/2-1/2": 1, "0-1": 2}[game.result]
                assert target.argmax() == (red if windows.turns[0, ply] == Color.RED else 2 - red)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_result_has_its_share_in_the_value_of_a_position_with_a_score(share: float) -> None:
    packed, _ = pack(games())
    mixed = 0
    for number, game in enumerate(games()):
        windows = gather_windows(packed, np.array([number]), np.array([0]), 5, np.array([False]))
        values = value_targets(windows, PIKAFISH, share)[0].astype(float)
        alone = value_targets(windows, PIKAFISH)[0].astype(float)
        for ply in range(5):
            cp = game.labels.at(ply)[1] if game.labels else None
            if cp is None or game.result == "*" or windows.targets[0, ply] == NO_MOVE:
                assert values[ply].tolist() == alone[ply].tolist()
                continue
            red = {"1-0": 0, "1/2-1/2": 1, "0-1": 2}[game.result]
            wanted = (1 - share) * PIKAFISH.chances(float(cp))
            wanted[red if windows.turns[0, ply] == Color.RED else 2 - red] += share
            assert values[ply] == pytest.approx(wanted, abs=1e-6)
            mixed += 1
    assert mixed > 0


def test_an_epoch_shows_every_target_once_and_depends_on_the_seed_alone() -> None:
    packed, report = pack(games(30))
    sampler = Sampler(packed=packed, plies=5, seed=3, mirror=True)
    for epoch in range(3):
        chosen, first, flips = sampler.epoch(epoch)
        windows = gather_windows(packed, chosen, first, 5, flips)
        assert int((windows.targets != NO_MOVE).sum()) >= report.targets
        seen = {(g, p) for g, f in zip(chosen, first, strict=True) for p in range(f, f + 5)}
        for game in range(packed.games):
            rows = slice(packed.offsets[game], packed.offsets[game + 1])
            wanted = np.flatnonzero(packed.targets[rows] != NO_MOVE)
            assert {(game, int(p)) for p in wanted} <= seen
        again = Sampler(packed=packed, plies=5, seed=3, mirror=True).epoch(epoch)
        assert all(np.array_equal(a, b) for a, b in zip(again, (chosen, first, flips), strict=True))
    assert not np.array_equal(sampler.epoch(0)[0], sampler.epoch(1)[0])
