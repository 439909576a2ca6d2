"""A killed review resumes with what it had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.test_review import MOVES, Oracle, game
from xiangqi_gpt.evaluation.review import review
from xiangqi_gpt.evaluation.review_journal import ReviewJournal
from xiangqi_gpt.evaluation.reviewers import Comparison


def oracle() -> Oracle:
    return Oracle([0.5, 0.2, 0.45, 0.4, 0.75, 0.75], "h0g2")


def test_a_review_that_was_killed_resumes(tmp_path: Path) -> None:
    record = game(*MOVES)
    journal = ReviewJournal(record, ["oracle", 1], tmp_path / "new")

    class KilledError(Exception): ...

    def add(ply: int, comparison: Comparison) -> None:
        journal.add(ply, comparison)
        if ply == 2:
            raise KilledError

    with pytest.raises(KilledError):
        review(oracle(), record, on_comparison=add)  # type: ignore[arg-type]
    with journal.path.open("a") as file:
        file.write('{"ply": 1, "best"')  # torn
    again = ReviewJournal(record, ["oracle", 1], tmp_path / "new")
    known = again.read()
    assert sorted(known) == [2, 3, 4]
    second = oracle()
    found = review(second, record, known=known, on_comparison=again.add)  # type: ignore[arg-type]
    assert found == review(oracle(), record)  # type: ignore[arg-type]
    assert {ply for ply, _ in second.asked} == {0, 1}
    assert sorted(again.read()) == [0, 1, 2, 3, 4]
    again.remove()
    assert again.read() == {}


def test_another_game_or_reviewer_has_its_own_journal(tmp_path: Path) -> None:
    one = ReviewJournal(game(*MOVES), ["a"], tmp_path).path
    assert one != ReviewJournal(game(*MOVES), ["b"], tmp_path).path
    assert one != ReviewJournal(game(*MOVES[:4]), ["a"], tmp_path).path


def test_foreign_lines_are_left_out(tmp_path: Path) -> None:
    journal = ReviewJournal(game(*MOVES), ["a"], tmp_path)
    good = {"pv": ["h2e2"], "points": 0.5, "mate": None, "cp": 3}
    rows: list[object] = [
        {"ply": 0, "best": good, "played": good, "prob": None},
        {"ply": 1, "best": good, "played": good, "prob": None},  # not legal for Black
        {"ply": 9, "best": good, "played": good, "prob": None},
        {"ply": 0, "best": good, "played": {**good, "points": 7}, "prob": None},
        {"ply": 0, "best": good, "played": {**good, "pv": ["b2e2"]}, "prob": None},  # another move
        {"ply": 0, "best": good, "played": {**good, "pv": []}, "prob": None},
        [1],
        3,
    ]
    journal.path.write_text("\n".join(map(json.dumps, rows)))
    found = journal.read()
    assert set(found) == {0}
    assert found[0].played.cp == 3
    assert found[0].best is found[0].played
