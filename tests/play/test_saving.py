"""Games saved as PGN, with all that the tree holds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.play.test_autosave import played, texts
from xiangqi_gpt.play import actions, saving
from xiangqi_gpt.play.saving import SaveError, save_game, saved_message
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.records import read_games
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import Move
from xiangqi_gpt.texts import Language


@pytest.mark.parametrize("language", ["en", "zh"])
def test_variations_and_comments_are_saved_and_read_again(language: Language, tmp_path: Path) -> None:
    state = played("h2e2", "h9g7", "h0g2")
    state.settings = Settings(language=language)
    actions.go_to(state, 1)
    actions.add_variation(state, Move.from_iccs("b9c7"))
    actions.add_variation(state, Move.from_iccs("b0c2"))
    state.tree.set_comment(state.tree.cursor, "好")
    path = save_game(state, tmp_path / "game.pgn")
    (record,) = read_games(path)
    tree = GameTree.from_record(record)
    assert [str(node.move) for node in tree.live.path] == ["h2e2", "h9g7", "h0g2"]
    assert texts(tree) == texts(state)
    assert [node.comment for node in tree.root.walk() if node.comment] == ["好"]
    assert record.tags["Rules"] == "asian"


@pytest.mark.parametrize(
    ("language", "text"), [("zh", "炮二平五 马8进7"), ("zh-TW", "炮二平五 馬8進7"), ("en", "H2-E2 H9-G7")]
)
def test_moves_are_written_in_the_script_of_the_person(language: Language, text: str, tmp_path: Path) -> None:
    state = played("h2e2", "h9g7")
    state.settings = Settings(language=language)
    written = save_game(state, tmp_path / "game.pgn").read_text(encoding="utf-8")
    assert text in written
    assert "Kind" not in written, "nobody knows what kind it is"
    (record,) = read_games(tmp_path / "game.pgn")
    assert [str(move) for move in record.moves] == ["h2e2", "h9g7"]


def test_the_name_of_a_saved_file_comes_first_and_whole() -> None:
    folder = Path("/tmp") / "a" / ("very-long-folder" * 5) / "Documents"
    text = saved_message(folder / "xiangqi-20261129-185700.pgn").text("en")
    assert text.startswith("Saved: xiangqi-20261129-185700.pgn, in ")
    assert text.endswith("Documents")
    assert len(text) < 90
    home = saved_message(Path.home() / "Documents" / "a.pgn").text("zh")
    assert home == f"已保存：a.pgn，位于 {Path('~') / 'Documents'}"


def test_without_a_name_the_time_makes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "games_folder", lambda: tmp_path / "new")
    path = save_game(played("h2e2"), now=datetime(2026, 1, 2, 3, 4, 5))
    assert path == tmp_path / "new" / "xiangqi-20260102-030405.pgn"


def test_what_cannot_be_written_is_told_in_the_language_of_the_person(tmp_path: Path) -> None:
    (tmp_path / "a.pgn").write_text("mine")
    for path, words in ((tmp_path / "a.pgn", "已经存在"), (tmp_path / "no" / "a.pgn", "无法写入")):
        with pytest.raises(SaveError) as caught:
            save_game(played("h2e2"), path)
        assert words in caught.value.message.text("zh")
        assert str(path) in caught.value.message.text("zh")
        assert "expected" not in caught.value.message.text("zh")
    assert (tmp_path / "a.pgn").read_text() == "mine"
