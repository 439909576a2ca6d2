"""Games kept on disk: whole, the last one offered, broken files set aside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from xiangqi_gpt.play import actions, autosave
from xiangqi_gpt.play.autosave import Autosave, encode, load
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.rules import Board, Color, Move, RecordError


def played(*texts: str) -> GameState:
    state = GameState(player_ready=True, spec="greedy", rules="asian")
    for text in texts:
        actions.play(state, Move.from_iccs(text))
    return state


def texts(state_or_tree: object) -> list[str]:
    tree = getattr(state_or_tree, "tree", state_or_tree)
    return sorted(str(node.move) for node in tree.root.walk())


def test_a_game_comes_back_as_it_was_left(tmp_path: Path) -> None:
    state = played("h2e2", "h9g7", "h0g2")
    actions.go_to(state, 1)
    actions.add_variation(state, Move.from_iccs("b9c7"))
    state.tree.set_comment(state.tree.cursor, "试一试")
    state.tree.set_nags(state.tree.cursor, (5,))
    actions.new_game(state, human=Color.BLACK)
    actions.undo(state)
    Autosave(tmp_path).keep(state)
    found = Autosave(tmp_path).find_unfinished()
    assert found is not None
    assert (found.humans, found.flipped, found.spec, found.rules) == ({Color.RED}, False, "greedy", "asian")
    assert [str(node.move) for node in found.tree.live.path] == ["h2e2", "h9g7", "h0g2"]
    assert texts(found) == texts(state)
    (side,) = [node for node in found.tree.root.walk() if str(node.move) == "b9c7"]
    assert (side.comment, side.nags) == ("试一试", (5,))
    assert [file.name for file in tmp_path.iterdir()] == [f"{state.tree.uid}.json"]


def test_moves_that_were_taken_back_are_kept_too(tmp_path: Path) -> None:
    state = played("h2e2", "h9g7")
    keeper = Autosave(tmp_path)
    actions.undo(state)
    before = state.tree.version, texts(state)
    keeper.keep(state)
    assert (state.tree.version, texts(state)) == before, "keeping changes nothing"
    assert actions.redo(state)
    found = keeper.find_unfinished()
    assert found is not None
    assert texts(found) == ["None", "h2e2", "h9g7"]
    assert found.tree.live is found.tree.root


def test_a_resumed_game_gets_a_file_of_its_own(tmp_path: Path) -> None:
    keeper = Autosave(tmp_path)
    keeper.keep(played("h2e2"))
    state = GameState(player_ready=True, offer=keeper.find_unfinished())
    assert actions.resume(state)
    actions.play(state, Move.from_iccs("h9g7"))
    keeper.keep(state)
    assert len(list(tmp_path.iterdir())) == 2
    found = keeper.find_unfinished()
    assert found is not None
    assert found.tree.live.ply == 2, "the newest is the one that was played on"


def test_only_what_has_changed_is_written(tmp_path: Path) -> None:
    keeper, state = Autosave(tmp_path), played()
    keeper.keep(state)
    assert list(tmp_path.iterdir()) == []
    actions.play(state, Move.from_iccs("h2e2"))
    keeper.keep(state)
    (path,) = tmp_path.iterdir()
    path.unlink()
    actions.go_to(state, 0)
    keeper.keep(state)
    assert list(tmp_path.iterdir()) == []


def test_each_game_has_a_file_of_its_own(tmp_path: Path) -> None:
    keeper, state = Autosave(tmp_path), played("h2e2")
    keeper.keep(state)
    actions.new_game(state)
    actions.play(state, Move.from_iccs("c3c4"))
    keeper.keep(state)
    assert len(list(tmp_path.iterdir())) == 2
    found = keeper.find_unfinished()
    assert found is not None
    assert texts(found) == ["None", "c3c4"]


def test_a_game_that_is_over_is_not_offered(tmp_path: Path) -> None:
    state = GameState(board=Board("3k5/R8/9/9/9/9/9/9/4R4/4K4 w - - 0 1"), player_ready=True)
    actions.play(state, Move.from_iccs("e1d1"))
    keeper = Autosave(tmp_path)
    keeper.keep(state)
    assert keeper.find_unfinished() is None
    assert keeper.problem is None
    assert load(next(tmp_path.iterdir())).is_over


def test_the_oldest_games_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autosave, "MAX_FILES", 3)
    for age in range(5):
        path = tmp_path / f"old-{age}.json"
        path.write_text("{}")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    state = played("h2e2")
    Autosave(tmp_path).keep(state)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{state.tree.uid}.json", "old-0.json", "old-1.json"}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keeper, state = Autosave(tmp_path / "file" / "games"), played("h2e2")
    keeper.keep(state)
    assert keeper.problem is not None
    assert str(tmp_path) in keeper.problem.text("en")
    assert keeper.find_unfinished() is None


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, state = Autosave(tmp_path), played("h2e2")
    keeper.keep(state)

    def fail(path: Path, text: str, encoding: str) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", fail)
    actions.play(state, Move.from_iccs("h9g7"))
    keeper.keep(state)
    assert keeper.problem is not None
    (path,) = tmp_path.iterdir()
    assert texts(load(path)) == ["None", "h2e2"]


GOOD = json.loads(encode(played("h2e2", "h9g7")))


def changed(**values: object) -> bytes:
    return json.dumps({**GOOD, **values}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"1" * 10_000,
        changed(format="another"),
        changed(start="nonsense"),
        changed(start=7),
        changed(moves=None),
        changed(moves=[[0, "h2e2", "", []], [0, "h2e2", "", []]]),
        changed(moves=[[0, "h2e9", "", []]]),
        changed(moves=[[1, "h2e2", "", []]]),
        changed(moves=[[-1, "h2e2", "", []]]),
        changed(moves=[[True, "h2e2", "", []]]),
        changed(moves=[[0, "h2e2", "", []], [0, "c3c4", "", []], [1, "h9g7", "", []]]),
        changed(moves=[[0, "h2e2", None, []]]),
        changed(moves=[[0, "h2e2", "", [256]]]),
        changed(moves=[[0, "h2e2"]]),
        changed(live=3),
        changed(live=-1),
        changed(humans=["green"]),
        changed(humans=[1]),
        changed(rules="mine"),
        changed(spec=""),
        changed(spec="x" * 2000),
        changed(comment=3),
    ],
)
def test_a_broken_file_is_put_aside_and_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    keeper = Autosave(tmp_path)
    assert keeper.find_unfinished() is None
    assert keeper.problem is not None
    assert (tmp_path / "game.broken").read_bytes() == content
    assert not path.exists()


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autosave, "MAX_BYTES", 100)
    path = tmp_path / "game.json"
    path.write_text(json.dumps(GOOD))
    with pytest.raises(RecordError, match="at most 100 bytes"):
        load(path)
