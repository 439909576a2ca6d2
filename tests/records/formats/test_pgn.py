from __future__ import annotations

import io
from pathlib import Path

import pytest

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.records import GameRecord, Note, Variation, read_games
from xiangqi_gpt.records.formats.pgn import pgnread, pgnwrite
from xiangqi_gpt.records.replay import replay_games
from xiangqi_gpt.records.textlines import MAX_LINE
from xiangqi_gpt.records.variations import MAX_DEPTH

from ..conftest import Read, iccs, moves

SIX = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5"
CHINESE = "1. 炮二平五 马8进7 2. 马二进三 车9平8 3. 兵三进一 卒7进1 1-0"


@pytest.mark.parametrize(
    "text",
    [
        "1. H2-E2 H9-G7 2. H0-G2 I9-H9 3. G3-G4 G6-G5",
        "1. h2e2 h9g7 2. h0g2 i9h9 3. g3g4 g6g5",
        "1. h3e3 h10g8 2. h1g3 i10h10 3. g4g5 g7g6",
        "1. C2=5 H8+7 2. H2+3 R9=8 3. P3+1 P7+1",
        "1. C2.5 h8+7 2. H2+3 r9.8 3. P3+1 p7+1",
        "1.62.5 48+7 2.42+3 59.8 3.73+1 77+1",
        "1. 炮二平五 马8进7 2. 马二进三 车9平8 3. 兵三进一 卒7进1",
        "1.炮二平五 馬８進７ 2.馬二進三 車９平８ 3.兵三進一 卒７進１",
        "1. 炮二平五\n马8进7 2. 马二进三\r\n   车9平8 3.\n兵三进一 卒7进1",
        "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5",
    ],
)
def test_every_notation_gives_the_same_moves(read: Read, text: str) -> None:
    games, errors = read(f'[Game "Chinese Chess"]\n[Result "1-0"]\n\n{text} 1-0\n')
    assert errors == []
    assert [iccs(game) for game in games] == [SIX]
    assert games[0].result == "1-0"


def test_tags_of_both_worlds(read: Read) -> None:
    games, errors = read(
        '[Event "A \\"cup\\""]\n[White "甲"]\n[Black "乙"]\n[WhiteElo "2000"]\n[ECO "C12"]\n'
        '[Variant "Xiangqi"]\n[SetUp "1"]\n[FEN "4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9"]\n\n9. ... e9f9 1/2-1/2\n\n'
        "[Game 'Chinese Chess']\n[Red 红]\n[Result \"红先胜\"]\n\nh2e2\n"
    )
    assert errors == []
    assert games[0].tags == {"Event": 'A "cup"', "Red": "甲", "Black": "乙", "RedElo": "2000", "ECCO": "C12"}
    assert games[0].start_fen == "4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9"
    assert games[0].result == "1/2-1/2"
    assert games[1].tags == {"Red": "红"}
    assert games[1].result == "1-0"


@pytest.mark.parametrize(
    ("tag", "token", "result"),
    [
        ("1-0", "1-0", "1-0"),
        ("*", "0-1", "0-1"),
        ("和棋", "", "1/2-1/2"),
        ("", "黑胜", "0-1"),
        ("1-0", "0-1", "*"),
        ("1-0", "1-0 1-0", "1-0"),
        ("1-0", "{a comment} 1-0 1-0", "1-0"),
        ("nobody knows", "1-0", "1-0"),
        ("nobody knows", "", "*"),
    ],
)
def test_results(read: Read, tag: str, token: str, result: str) -> None:
    [game], errors = read(f'[Game "x"]\n[Result "{tag}"]\n\nh2e2 {token}')
    assert errors == []
    assert game.result == result


def test_comments_glyphs_and_side_lines(read: Read) -> None:
    [game], errors = read(
        '[Game "Chinese Chess"]\n\n{before\nthe first} 1. h2e2! {central} h9g7 $10 ; to the end\n'
        "({instead} 1... h9i7 2. h0g2 (2. b2c2?! {deep}) (2. a0a1) i9h9) (b9c7) 2. h0g2 （好棋） *"
    )
    assert errors == []
    assert iccs(game) == "h2e2 h9g7 h0g2"
    inner = (
        Variation(moves("b2c2"), {1: Note("deep", (6,))}),
        Variation(moves("a0a1")),
    )
    assert game.notes == {
        0: Note("before\nthe first"),
        1: Note("central", (1,)),
        2: Note(
            "to the end",
            (10,),
            (
                Variation(moves("h9i7 h0g2 i9h9"), {0: Note("instead"), 2: Note("", (), inner)}),
                Variation(moves("b9c7")),
            ),
        ),
        3: Note("好棋"),
    }


@pytest.mark.parametrize("notation", ["iccs", "uci", "wxf", "chinese"])
def test_written_games_come_back_with_their_notes(tmp_path: Path, notation: str) -> None:
    inner = Variation(moves("b2c2"), {1: Note("deep } brace", (6,))})
    games = [
        GameRecord(moves=moves(SIX), result="0-1", tags={"Event": 'a "b" \\ c', "Red": "甲"}, split="test"),
        GameRecord(
            moves=moves("e9f9 e1e5"), start_fen="4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9", split="extra",
            kind="teacher", subtype="fragment", id="x7",
        ),
        GameRecord(
            moves=moves(SIX),
            notes={
                0: Note('\n\n[Game "fake"]\n\n1. h2e2'.strip()),
                1: Note("one\n\n[Game \"fake\"]", (1, 14)),
                2: Note("", (), (Variation(moves("h9i7 h0g2"), {0: Note("a"), 2: Note("b", (), (inner,))}),)),
                6: Note("end"),
            },
        ),
        GameRecord(moves=()),
    ]  # fmt: skip
    path = tmp_path / "out.pgn"
    assert pgnwrite.write(path, games, notation=notation) == 4
    back = list(read_games(path))
    assert [game.moves for game in back] == [game.moves for game in games]
    assert [game.result for game in back] == [game.result for game in games]
    assert [game.split for game in back[:2]] == ["test", "extra"]
    assert (back[1].start_fen, back[1].kind, back[1].subtype, back[1].id) == (
        games[1].start_fen, "teacher", "fragment", "x7",
    )  # fmt: skip
    assert dict(back[0].tags) == dict(games[0].tags)
    expected = str(games[2].notes).replace("deep } brace", "deep ) brace").replace("\\n[", "\\n [")
    assert str(back[2].notes) == expected
    text = path.read_text(encoding="utf-8")
    assert text.startswith('[Game "Chinese Chess"]\n')
    assert max(map(len, text.splitlines())) <= 82


def test_black_to_move_is_numbered(tmp_path: Path) -> None:
    fen = "4k4/9/9/9/9/9/9/9/4R4/3K5 b - - 3 9"
    path = tmp_path / "b.pgn"
    pgnwrite.write(path, [GameRecord(moves=moves("e9f9 e1e5 f9f8"), start_fen=fen)])
    assert "9. ... E9-F9 10. E1-E5 F9-F8 *" in path.read_text()


def test_an_unknown_notation_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'latin'"):
        pgnwrite.write(tmp_path / "x.pgn", [], notation="latin")
    assert list(tmp_path.iterdir()) == []


def test_faults_name_game_line_ply_and_reason(read: Read) -> None:
    games, errors = read(
        '[Game "a"]\n\n1. h2e2 h9g7\n2. h0g2 h9g7 *\n\n'
        '[Game "b"]\n\n1. 炮二平五 马8进7\n2. 炮二平五 *\n\n'
        '[Game "c"]\n\n1. h2e2 Nf3 *\n\n'
        '[Game "d"]\n[Variant "shogi"]\n\n1. h2e2\n\n'
        '[Game "e"]\n[FEN "rnbakabnr/9 w"]\n\n1. h2e2\n\n'
        '[Game "f"]\n\n1. h2e2 ((((h9g7 *\n\n'
        '[Game "g"]\n\n1. h2e2 ) *\n\n'
        '[Game "h"]\n\n1. h2e2 1-0 h9g7\n\n'
        '[Game "i"]\n\n1. h2e2 {never closed\n\n'
        '[Game "j"]\n\n1. h2e2 h9g7 *\n\n'
        '[Game "k"]\n\n1. h2e2 1-0 0-1\n'
    )
    assert [iccs(game) for game in games] == ["h2e2 h9g7"]
    assert games[0].number == 10
    assert [(error.game, error.line, error.ply) for error in errors] == [
        (1, 4, 3), (2, 9, 2), (3, 13, 1), (4, 15, None), (5, 20, None), (6, 27, 1), (7, 31, 1), (8, 35, 1),
        (9, 39, None), (11, 47, 1),
    ]  # fmt: skip
    assert all(error.file.endswith("games.pgn") for error in errors)
    assert "h9g7" in errors[0].reason
    assert "Nf3" in errors[2].reason
    assert "shogi" in errors[3].reason
    assert "comment" in errors[8].reason


def test_a_bad_side_line_costs_only_itself() -> None:
    text = '[Game "a"]\n\n1. h2e2 (1. h2e3) (1. b2e2 b9c7 b9c7) h9g7 *'
    [reading] = replay_games(pgnread.games(io.BytesIO(text.encode()), "x"), "x")
    assert reading.record is not None
    assert reading.error is None
    assert reading.record.notes == {1: Note("", (), (Variation(moves("b2e2 b9c7")),))}
    assert len(reading.remarks) == 2
    assert "h2e3" in reading.remarks[0]


def test_the_rank_convention_is_decided_once(read: Read) -> None:
    ambiguous = '[Game "a"]\n\n1. c4c5 c7c6 *\n\n'  # legal with ranks from 1, impossible with ranks from 0
    games, errors = read(ambiguous + '[Game "b"]\n\n1. h3e3 h10g8 *\n')
    assert [iccs(game) for game in games] == ["c3c4 c6c5", "h2e2 h9g7"]
    assert errors == []
    games, errors = read('[Game "b"]\n\n1. h2e2 h9g7 2. h0g2 *\n\n' + ambiguous)
    assert [iccs(game) for game in games] == ["h2e2 h9g7 h0g2"]
    assert [(error.game, error.ply) for error in errors] == [(2, 0)]
    games, errors = read(ambiguous)
    assert [iccs(game) for game in games] == ["c3c4 c6c5"]


def test_tags_inside_a_comment_start_no_game(read: Read) -> None:
    [game], errors = read('[Game "a"]\n\n1. h2e2 {see\n[Event "x"]\n} h9g7 *\n')
    assert errors == []
    assert game.notes[1].comment == 'see\n[Event "x"]'


def test_games_without_moves_are_games(read: Read) -> None:
    games, errors = read('[Game "a"]\n[Event "1"]\n\n[Game "b"]\n[Event "2"]\n\n[Game "c"]\n\n1. h2e2')
    assert errors == []
    assert [game.plies for game in games] == [0, 0, 1]


def test_a_broken_tag_costs_only_itself(read: Read) -> None:
    [game], errors = read('[Game "a"]\n[Event "no end\n[Red "say "hello" you"]\n\n1. h2e2')
    assert errors == []
    assert game.tags == {"Red": 'say "hello" you'}


def test_nesting_up_to_the_limit_is_kept(read: Read) -> None:
    def nested(depth: int) -> str:
        return "1. h2e2 " + "(1. h2e2 " * depth + ") " * depth + "h9g7 *"

    [game], errors = read(f'[Game "a"]\n\n{nested(MAX_DEPTH)}')
    assert errors == []
    assert iccs(game) == "h2e2 h9g7"
    games, errors = read(f'[Game "a"]\n\n{nested(MAX_DEPTH + 1)}')
    assert games == []
    assert "nested" in errors[0].reason


def test_long_lines_cost_only_their_game(read: Read) -> None:
    good = '[Game "a"]\n\n1. h2e2 h9g7 *\n\n'
    games, errors = read(good + '[Game "b"]\n\n' + "x" * (MAX_LINE + 5) + "\n\n" + good)
    assert [game.number for game in games] == [1, 3]
    assert [(error.game, error.line) for error in errors] == [(2, 7)]


def test_mac_and_windows_line_ends(read: Read) -> None:
    text = f'[Game "a"]\n[Red "甲"]\n\n{CHINESE}\n\n[Game "b"]\n\n{CHINESE}\n'
    for end in ("\r", "\r\n"):
        games, errors = read(text.replace("\n", end))
        assert errors == []
        assert [iccs(game) for game in games] == [SIX, SIX]


def test_errors_are_raised_without_a_handler(tmp_path: Path) -> None:
    path = tmp_path / "x.pgn"
    path.write_text('[Game "a"]\n\n1. h2e2 h2e2')
    with pytest.raises(RecordError, match="game 1, line 3, ply 1"):
        list(read_games(path))


FOUR = "h2e2 h9g7 h0g2 i9h9"


@pytest.mark.parametrize(
    "text",
    [
        "1. Che2 Hhg7 2. Hhg2 Rh9",  # XBoard: ranks from 0
        "1. Che3 Hhg8 2. Hhg3 Rh10",  # PyChess: ranks from 1
        "1. Che3 Nhg8 2. Nhg3 Rh10+",
        "1. C25 H8+7 2. H2+3 R98",
        "1. Ｃ２＝５ Ｈ８＋７ 2. Ｈ２＋３ Ｒ９＝８",
        "1. P2-5 M8.7 2. M2.3 X9-8",
        "1. p2-5 m8.7 2. m2.3 x9-8",
        "1. h2e2+ h9g7+ 2. h0g2# i9h9",
    ],
)
@pytest.mark.parametrize("form", ['[Game "x"]\n\n{} *\n', "{}\n\n{}\n"])
def test_notations_of_other_programs(read: Read, text: str, form: str) -> None:
    games, errors = read(form.format(text, text), "a.pgn" if "[" in form else "a.txt")
    assert errors == []
    assert {iccs(game) for game in games} == {FOUR}


def test_ranks_of_algebraic_texts_are_decided_by_the_legal_moves(read: Read) -> None:
    zero = '[Game "a"]\n\n1. Che2 Che7 2. Hg2 Hg7 *\n\n'  # neither a rank 0 nor a rank 10
    one = '[Game "b"]\n\n1. Che3 Che8 2. Hg3 Hg8 3. Pe5 *\n\n'
    for text, line in ((zero, "h2e2 h7e7 h0g2 h9g7"), (one, "h2e2 h7e7 h0g2 h9g7 e3e4")):
        games, errors = read(text * 2)
        assert errors == []
        assert [iccs(game) for game in games] == [line] * 2
    games, errors = read(one + '[Game "c"]\n\n1. Che3 Hhg8 2. c5 Rh10 3. e5 *\n')
    assert errors == []
    assert iccs(games[1]) == "h2e2 h9g7 c3c4 i9h9 e3e4"


def test_tandem_marks_in_front_of_the_letter(read: Read) -> None:
    [game], errors = read('[Game "x"]\n\n1. C2=5 H8+7 2. C5+4 H2+3 3. C8=5 P1+1 4. +C-1 R9=8 *')
    assert errors == []
    assert iccs(game) == "h2e2 h9g7 e2e6 b9c7 b2e2 a6a5 e6e5 i9h9"


@pytest.mark.parametrize(
    ("token", "result"),
    [
        ("１－０", "1-0"), ("０－１", "0-1"), ("１／２－１／２", "1/2-1/2"), ("＊", "*"), ("1–0", "1-0"),
        ("0—1", "0-1"), ("½–½", "1/2-1/2"), ("½－½", "1/2-1/2"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_results_in_other_letters(read: Read, token: str, result: str, encoding: str) -> None:
    event = '[Event "全国象棋个人赛"]\n'  # a dash alone does not tell the encoding
    for text in (f"{event}\n1. h2e2 {token}\n", f'{event}[Result "{token}"]\n\n1. h2e2\n'):
        [game], errors = read(text.encode(encoding))
        assert errors == []
        assert game.result == result
