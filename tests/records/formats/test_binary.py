from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records import GameRecord, Note, Variation, read_games
from xiangqi_gpt.records.formats import xqf

from .. import builders
from ..builders import Node
from ..conftest import Read, iccs, moves

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"
LINE: list[Node] = [("", "", True, False)] + [(move, "", move != "g6g5", False) for move in SIX.split()]
TREE: list[Node] = [
    ("", "起始", True, False),
    ("h2e2", "中炮", True, True),
    ("h9g7", "", True, True),
    ("h0g2", "正着\r\n好", False, False),
    ("b9c7", "屏风", False, True),
    ("h7e7", "", False, False),
    ("b2e2", "", False, True),
    ("c3c4", "", True, False),
    ("g6g5", "", False, False),
]
NOTES = {
    0: Note("起始"),
    1: Note("中炮", (), (Variation(moves("b2e2")), Variation(moves("c3c4 g6g5")))),
    2: Note("", (), (Variation(moves("b9c7"), {1: Note("屏风")}), Variation(moves("h7e7")))),
    3: Note("正着\n好"),
}
VERSIONS = [10, 11, 12, 15, 18]


@pytest.mark.parametrize("version", VERSIONS)
def test_xqf_lines_and_trees(read: Read, version: int) -> None:
    [game], errors = read(builders.xqf(LINE, version=version, result=1, red="胡荣华".encode("gbk")), "a.xqf")
    assert errors == []
    assert iccs(game) == SIX
    assert (game.result, game.tags, game.from_start) == ("1-0", {"Red": "胡荣华"}, True)
    [game], errors = read(builders.xqf(TREE, version=version), "b.xqf")
    assert errors == []
    assert iccs(game) == "h2e2 h9g7 h0g2"
    assert game.notes == NOTES


def test_xqf_positions_and_the_side_to_move(read: Read) -> None:
    places = "-- -- -- -- 30 -- -- -- 00 -- -- -- -- -- -- -- " + "-- " * 4 + "49" + " --" * 11
    nodes: list[Node] = [("", "", True, False), ("e9e8", "", False, False)]
    for who in (0, 1):  # the first move tells, whatever the head says
        [game], errors = read(builders.xqf(nodes, places=places, who=who), "a.xqf")
        assert errors == []
        assert game.start_fen == "4k4/9/9/9/9/9/9/9/9/R2K5 b - - 0 1"
    [game], errors = read(builders.xqf([("", "", False, False)], places=places, who=1), "a.xqf")
    assert (game.plies, game.start_fen) == (0, "4k4/9/9/9/9/9/9/9/9/R2K5 b - - 0 1")


def test_xqf_faults(read: Read) -> None:
    whole = builders.xqf(LINE)
    illegal = [*LINE[:3], ("a0a9", "", False, False)]
    twice = builders.START_PLACES.replace("80", "70")
    for content, ply, word in (
        (whole[:1000], None, "1024"),
        (whole[:-6], 4, "end of the file"),
        (builders.xqf(LINE, version=10)[:2] + b"\x13" + whole[3:], None, "version"),
        (builders.xqf(illegal), 2, "a0a9"),
        (builders.xqf(LINE, places=twice), None, "two"),
        (builders.xqf(LINE)[:16] + bytes(32) + whole[48:], None, ""),
    ):
        games, errors = read(content, "a.xqf")
        assert games == []
        assert [(error.game, error.ply) for error in errors] == [(1, ply)]
        assert word in errors[0].reason


def test_a_cut_side_line_leaves_the_game(read: Read) -> None:
    [game], errors = read(builders.xqf(TREE)[:-4], "a.xqf")
    assert errors == []
    assert iccs(game) == "h2e2 h9g7 h0g2"
    assert game.notes[1].variations[-1] == Variation(moves("c3c4"))


def test_xqf_as_written_comes_back(tmp_path: Path) -> None:
    tags = {"Red": "胡荣华", "Event": "杯" * 40, "Date": "1999-01-02"}
    game = GameRecord(moves=moves(SIX), notes=NOTES, result="1/2-1/2", tags=tags)
    path = tmp_path / "out.xqf"
    assert xqf.write(path, [game]) == 1
    [back] = read_games(path)
    assert (back.moves, back.notes, back.result) == (game.moves, game.notes, game.result)
    assert back.tags == {**tags, "Event": "杯" * 31}
    puzzle = GameRecord(moves=moves("e9e8"), start_fen="4k4/9/9/9/9/9/9/9/9/R2K5 b - - 0 1")
    xqf.write(path, [puzzle], force=True)
    [back] = read_games(path)
    assert (back.moves, back.start_fen) == (puzzle.moves, puzzle.start_fen)


def test_xqf_holds_exactly_one_game(tmp_path: Path) -> None:
    for games in ([], [GameRecord(moves=())] * 2):
        with pytest.raises(RecordError, match="one game"):
            xqf.write(tmp_path / "out.xqf", games)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [1, 2])
def test_cbr_lines_and_trees(read: Read, kind: int) -> None:
    [game], errors = read(builders.cbr(LINE, kind=kind, red="胡荣华", title="杯", result=3), "a.cbr")
    assert errors == []
    assert iccs(game) == SIX
    assert game.result == "1/2-1/2"
    assert (game.tags["Red"], game.tags["Title"], game.from_start) == ("胡荣华", "杯", True)
    [game], errors = read(builders.cbr(TREE, kind=kind), "a.cbr")
    assert errors == []
    assert iccs(game) == "h2e2 h9g7 h0g2"
    assert game.notes == NOTES


def test_cbr_faults(read: Read) -> None:
    whole = builders.cbr(LINE)
    illegal = [*LINE[:3], ("a0a9", "", False, False)]
    commented = builders.cbr([("", "", True, False), ("h2e2", "long comment", False, False)])
    for content, ply, word in (
        (whole[:100], None, "head"),
        (whole[:-6], 4, "expected another move"),
        (builders.cbr(illegal), 2, "a0a9"),
        (commented[:-4], 0, "comment"),
        (whole[:19] + b"\x03" + whole[20:], None, "kind"),
        (whole[:2120] + bytes(90) + whole[2210:], None, "king"),
        (whole[:2218] + b"\x00\x00\x5f\x01" + whole[2222:], 0, "points"),
    ):
        games, errors = read(content, "a.cbr")
        assert games == []
        assert [(error.game, error.ply) for error in errors] == [(1, ply)]
        assert word in errors[0].reason


@pytest.mark.parametrize("slots", [128, 140, 1024])
def test_cbl_libraries(read: Read, slots: int) -> None:
    long = [*LINE[:-1], ("g6g5", "注" * 3000, False, False)]
    broken = builders.cbr(LINE)[:-3]
    records = [builders.cbr(LINE), builders.cbr(long), broken, builders.cbr(TREE)]
    games, errors = read(builders.cbl(records, slots=slots), "a.cbl")
    assert [(game.number, iccs(game)) for game in games] == [(1, SIX), (2, SIX), (4, "h2e2 h9g7 h0g2")]
    assert games[1].notes[6].comment == "注" * 3000
    assert [error.game for error in errors] == [3]


def test_cbl_records_are_found_behind_a_wrong_index(read: Read) -> None:
    content = bytearray(builders.cbl([builders.cbr(LINE)] * 2))
    content[60:64] = (7).to_bytes(4, "little")
    games, errors = read(bytes(content), "a.cbl")
    assert errors == []
    assert len(games) == 2


def test_a_library_without_records(read: Read) -> None:
    games, errors = read(builders.cbl([]), "a.cbl")
    assert games == []
    assert "holds no records" in errors[0].reason


CBF = """<?xml version="1.0" encoding="{encoding}"?>
<ChineseChessRecord Version="1.0"><Head><Name>题</Name><Contest>杯</Contest><Red>胡荣华</Red><Black/>
<RecordResult>2</RecordResult><FEN>{fen}</FEN></Head><MoveList><Move value="00-00" />
<Move value="77-47" /><Move value="70-62"/><Move value="79-67" end="1" />{more}</MoveList></ChineseChessRecord>"""
START = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1"


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312", "GBK", "utf-16"])
def test_cbf(read: Read, encoding: str) -> None:
    text = CBF.format(encoding=encoding, fen=START, more='<Move value="10-22"/>')
    [game], errors = read(text.encode(encoding), "a.cbf")
    assert errors == []
    assert iccs(game) == "h2e2 h9g7 h0g2"
    assert (game.result, game.tags) == ("0-1", {"Title": "题", "Event": "杯", "Red": "胡荣华"})


def test_cbf_faults(read: Read) -> None:
    text = CBF.format(encoding="utf-8", fen=START, more="")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    for content, ply in (
        (text.replace("70-62", "7062"), 1),
        (text.replace("70-62", "70-71"), 1),
        (text[: text.index("79-67")], 2),
        (text.replace("?>", f"?>{bomb}", 1), None),
        (text.replace("ChineseChessRecord", "html"), None),
        (text.replace("<Head>", "<Head>" + "<a>" * 5000), 0),
    ):
        games, errors = read(content, "a.cbf")
        assert games == []
        assert [(error.game, error.ply) for error in errors] == [(1, ply)], content[:200]


@pytest.mark.parametrize("declared", ['[<!ENTITY a "aaaa">]', 'SYSTEM "file:///etc/passwd"', ""])
def test_cbf_document_types_are_refused(read: Read, declared: str) -> None:
    text = CBF.format(encoding="utf-8", fen=START, more="")
    games, [error] = read(text.replace("?>", f"?><!DOCTYPE x {declared}>", 1), "a.cbf")
    assert games == []
    assert "a record must not have a document type" in str(error)


def cchess_line(game: Any) -> list[str]:
    line = []
    move = game.first_move
    while move is not None:
        line.append(move.to_iccs())
        move = move.next_move
    return line


@pytest.mark.parametrize("version", VERSIONS)
def test_another_program_reads_our_xqf(tmp_path: Path, version: int) -> None:
    cchess = pytest.importorskip("cchess")
    path = tmp_path / "a.xqf"
    path.write_bytes(builders.xqf(LINE, version=version))
    assert cchess_line(cchess.read_from_xqf(str(path))) == SIX.split()
    xqf.write(path, [GameRecord(moves=moves(SIX), notes=NOTES)], force=True)
    assert cchess_line(cchess.read_from_xqf(str(path))) == SIX.split()


def test_another_program_reads_our_cbr(tmp_path: Path) -> None:
    cchess = pytest.importorskip("cchess")
    path = tmp_path / "a.cbr"
    path.write_bytes(builders.cbr(LINE) + b"\x00")
    assert cchess_line(cchess.read_from_cbr(str(path))) == SIX.split()


@pytest.mark.parametrize("compression", [0, 1])
def test_the_library_of_2001(read: Read, compression: int) -> None:
    games = [LINE, TREE, LINE[:1]]
    content = builders.cbl2001(games, red="胡荣华".encode("gbk"), result=2, compression=compression)
    line, tree, empty = read(content, "a.cbl")[0]
    assert iccs(line) == SIX
    assert (line.result, line.tags, line.from_start) == ("0-1", {"Title": "题", "Red": "胡荣华"}, True)
    assert iccs(tree) == "h2e2 h9g7 h0g2"
    assert tree.notes == NOTES
    assert (empty.plies, empty.number) == (0, 3)


def test_positions_in_the_library_of_2001(read: Read) -> None:
    places = "00000000" + "4a" + "000000" + "1a" + "00" * 11 + "51" + "00" * 11
    for nodes, black_first in (
        ([("", "", True, False), ("e9e8", "", False, False)], False),
        ([("", "", False, False)], True),
    ):
        [game], errors = read(builders.cbl2001([nodes], places=places, black_first=black_first), "a.cbl")
        assert errors == []
        assert game.start_fen == "4k4/9/9/9/9/9/9/9/9/R2K5 b - - 0 1"


def test_faults_of_the_library_of_2001(read: Read) -> None:
    illegal = [*LINE[:3], ("a0a9", "", False, False)]
    for content, found, word in (
        (builders.cbl2001([LINE, illegal, LINE]), [(2, 2)], "a0a9"),
        (builders.cbl2001([LINE, LINE, LINE], places="00" * 32), [(1, None), (2, None), (3, None)], "king"),
        (builders.cbl2001([LINE, LINE, LINE], compression=0)[:-30], [(None, None)], "found 2"),
        (builders.cbl2001([LINE])[:16] + b"\xff" * 4, [(None, None)], "at most"),
        (builders.cbl2001([LINE])[:30], [(None, None)], "end"),
        (b"CCBridge\x16" + bytes(40), [(None, None)], "another version"),
    ):
        games, errors = read(content, "a.cbl")
        assert [(error.game, error.ply) for error in errors] == found
        assert word in errors[0].reason
        assert len(games) in (0, 2)


def test_a_damaged_library_of_2001_keeps_the_games_before_the_damage(read: Read) -> None:
    content = builders.cbl2001([TREE] * 40 + [LINE] * 400)
    games, errors = read(content[:-200] + b"\xff" * 200, "a.cbl")
    assert len(games) > 40
    assert [error.game for error in errors][-1] is None
    assert "440 games" in errors[-1].reason


def test_a_library_that_unpacks_to_far_more_is_refused(read: Read) -> None:
    head = builders.cbl2001([LINE])[:20]
    games, errors = read(head + zlib.compress(bytes(1 << 27)), "a.cbl")
    assert games == []
    assert "at most" in errors[0].reason
