"""Scripts of lines in and words out."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.play.players import FirstMovePlayer, create_first
from xiangqi_gpt.play import puzzle_book as puzzles
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.commands import WORDS
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.players.base import Analysis, Limit, Player, PlayResult, Value
from xiangqi_gpt.rules import START_FEN, Board, Color, PlayerError
from xiangqi_gpt.terminal.game import TerminalGame, percent, without_chinese
from xiangqi_gpt.texts import LANGUAGES, Language


class Session:
    """A game played by a script; `out` is everything printed."""

    def __init__(
        self,
        *lines: str,
        language: Language = "en",
        fen: str = START_FEN,
        human: Color = Color.RED,
        create: object = create_first,
        autosave: Autosave | None = None,
    ) -> None:
        board = Board(fen)
        self.state = GameState(
            settings=Settings(language=language, pieces="letters"),
            board=board,
            humans=frozenset((human,)),
            outcome=board.outcome(),
        )
        if autosave is not None:
            self.state.offer = autosave.find_unfinished()
        self.saved: list[Settings] = []
        self.prompts: list[str] = []
        script = iter(lines)
        buffer = io.StringIO()

        def read(prompt: str) -> str | None:
            self.prompts.append(prompt)
            return next(script, None)

        game = TerminalGame(
            self.state,
            create,  # type: ignore[arg-type]
            Console(file=buffer, highlight=False, width=80),
            read,
            save=self.saved.append,
            autosave=autosave,
        )
        try:
            game.run()
        finally:
            self.out = buffer.getvalue()
            self.left_over = list(script)

    @property
    def moves(self) -> list[str]:
        return [ply.move.iccs for ply in self.state.history]


def test_the_end_of_the_input_ends_the_game() -> None:
    session = Session()
    assert "You play Red against GPT" in session.out
    assert "9  r  h  e  a  k" in session.out
    assert session.prompts == ["Red> "]


def test_a_move_is_answered_with_its_probability() -> None:
    session = Session("h2e2")
    assert session.moves[0] == "h2e2"
    assert len(session.moves) == 2
    assert "thinking" in session.out
    assert (
        "GPT plays P1+1 (a6a5), probability 50 %, leak 1.2 %, Red 20 %  draw 30 %  Black 50 %" in session.out
    )
    assert "[p]" in session.out


@pytest.mark.parametrize("text", ["H2-E2", "c2=5", "炮二平五", "砲二平五", "  h2e2  "])
def test_moves_in_every_notation(text: str) -> None:
    assert Session(text).moves[0] == "h2e2"


@pytest.mark.parametrize(
    ("text", "language", "note"),
    [
        ("马8进7", "en", "马8进7 has Black's digits, but Red is to move: read as H8+7 (b0c2)."),
        ("马8进7", "zh", "“马8进7”用的是黑方的数字，现在轮到红方：按 马八进七（b0c2）走。"),
        ("马八进七", "en", ""),
        ("H8+7", "en", ""),
    ],
)
def test_digits_of_the_other_side_are_noted(text: str, language: Language, note: str) -> None:
    session = Session(text, language=language)
    assert session.moves[0] == "b0c2"
    assert note in session.out
    assert ("digits" in session.out or "数字" in session.out) == bool(note)


def test_the_player_begins_where_the_person_is_black() -> None:
    session = Session("h9g7", human=Color.BLACK)
    assert len(session.moves) == 3
    assert session.moves[1] == "h9g7"
    assert session.prompts[0] == "Black> "


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("h2h8", "en", "h2h8 is not legal: the way of the cannon from h2 to h8 is blocked on h7."),
        ("h0f1", "zh", "h0f1 不合规则：蹩马腿：g0 有棋子。"),
        ("a9a8", "en", "it is Red's turn"),
        ("hello", "en", "I do not understand 'hello'"),
        ("hello there", "zh", "看不懂“hello there”"),
        ("a5a6", "zh", "a5 没有棋子"),
        ("R5+1", "en", "The piece of 'R5+1' is not there"),
        ("炮五进一", "zh", "盘上没有“炮五进一”要走的那个子"),
    ],
)
def test_refused_moves_are_explained(text: str, language: Language, answer: str) -> None:
    session = Session(text, language=language)
    assert answer in session.out
    assert session.moves == []
    assert len(session.prompts) == 2


def test_undo_and_moves() -> None:
    session = Session("undo", "moves", "h2e2", "moves", "u", "h0g2", "moves")
    assert "There is no move to take back" in session.out
    assert "No move has been played." in session.out
    assert "  1. C2=5  P1+1" in session.out
    assert "Taken back. Red to move" in session.out
    assert session.moves[0] == "h0g2"


def test_hint_lists_moves_leak_and_value() -> None:
    session = Session("hint 3", "提示", "hint x", "hint 0")
    assert "  1. R9+1  a0a1     50 %  ##########" in session.out
    assert "  3. H8+9  b0a2    1.2 %" in session.out
    assert "  5. " in session.out
    assert "  6. " not in session.out
    assert "leak 1.2 %, Red 50 %  draw 30 %  Black 20 %" in session.out
    assert "Expected a number of moves or all, found 'x'." in session.out
    assert "found '0'" in session.out
    assert " 44. " in Session("hint all").out


def test_flip_and_taste() -> None:
    session = Session("flip", "pieces chinese", "lang zh", "pieces stone", "lang fr")
    assert "i  h  g  f  e  d  c  b  a" in session.out
    assert "俥" in session.out
    assert "悔棋" in session.out
    assert "chinese, simplified, letters" in session.out
    assert [s.language for s in session.saved] == ["en", "zh"]
    assert session.saved[-1].pieces == "chinese"


def test_fen_is_printed_and_read() -> None:
    session = Session("fen", "fen 3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1", "fen nonsense", "fen")
    assert START_FEN in session.out
    assert "expected 10 ranks" in session.out
    assert session.state.board.fen() == "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"


def test_new_games() -> None:
    session = Session("h2e2", "new", "fen", "new black", "new green")
    assert session.out.count(START_FEN) == 1
    assert session.state.humans == {Color.BLACK}
    assert len(session.moves) == 1
    assert "Expected red, black, found 'green'." in session.out


def test_mate_is_announced_and_the_game_can_go_on() -> None:
    session = Session("e1d1", "e0e1", "undo", "quit", "h2e2", fen="3k5/R8/9/9/9/9/9/9/4R4/4K4 w - - 0 1")
    assert "Black is checkmated. Red wins." in session.out
    assert session.out.count("Red wins") == 1
    assert "simple rules" in session.out
    assert "The game is over" in session.out
    assert session.moves == []
    assert session.left_over == ["h2e2"]


def test_check_is_told() -> None:
    session = Session(
        fen="3k5/9/9/9/9/9/9/9/R8/5K3 w - - 0 1", human=Color.BLACK, create=lambda _: Checking()
    )
    assert "將! Black is in check" in session.out


class Checking(FirstMovePlayer):
    """Gives check where it can."""

    def play(self, board: Board, limit: Limit) -> PlayResult:
        return PlayResult(next(move for move in board.legal_moves() if board.gives_check(move)))


def test_help_names_every_command() -> None:
    for language in LANGUAGES:
        out = Session("help", language=language).out
        assert all(word in out for word in ("undo", "hint", "flip", "new", "fen", "help", "quit"))
    assert "悔棋" in WORDS


def test_a_game_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "game.pgn"
    session = Session("h2e2", f"save {path}", f"save {path}")
    text = path.read_text(encoding="utf-8")
    assert "H2-E2" in text
    assert '[Red "Human"]' in text
    assert '[Black "GPT"]' in text
    assert f"Saved as {path}" in session.out
    assert "Not saved:" in session.out
    assert "--force" not in session.out


def test_empty_lines_do_nothing() -> None:
    session = Session("", "   ", "quit")
    assert len(session.prompts) == 3


class Dying(FirstMovePlayer):
    """Loads, and fails when it is to move."""

    def play(self, board: Board, limit: Limit) -> PlayResult:
        raise PlayerError("the engine has died")


def test_a_player_that_fails_in_the_game_does_not_end_it() -> None:
    session = Session("h2e2", "h0g2", "undo", create=lambda spec: Dying())
    assert "The opponent failed: the engine has died" in session.out
    assert "It is the opponent's turn" in session.out
    assert session.moves == []


def test_a_player_that_cannot_be_had_is_an_error() -> None:
    def create(spec: str) -> Player:
        raise PlayerError("no such player")

    with pytest.raises(PlayerError, match="no such player"):
        Session("h2e2", create=create)

    def break_down(spec: str) -> Player:
        raise OSError("out of order")

    with pytest.raises(PlayerError, match="out of order"):
        Session("h2e2", create=break_down)


def test_the_player_is_closed() -> None:
    player = FirstMovePlayer()
    Session("quit", create=lambda spec: player)
    assert player.closed


def test_percentages() -> None:
    assert [percent(x) for x in (1.0, 0.34, 0.056, 0.0002, 0.0)] == [
        "100 %",
        "34 %",
        "5.6 %",
        "<0.1 %",
        "0.0 %",
    ]


def test_a_terminal_without_chinese_gets_letters() -> None:
    assert without_chinese(Settings(language="zh", theme="dark")) == Settings(
        language="en", pieces="letters", theme="dark"
    )


def test_redo_and_variations() -> None:
    session = Session("redo", "h2e2", "undo", "r", "moves", "undo", "b0c2", "moves", "恢复")
    assert session.out.count("There is nothing to redo") == 2
    assert "Played again. Red to move" in session.out
    assert "  1. C2=5  P1+1" in session.out
    assert "  1. H8+7  P1+1\n       ( 1. C2=5  P1+1 )" in session.out
    assert session.moves[0] == "b0c2"


def test_a_new_game_can_be_undone() -> None:
    session = Session("h2e2", "new black", "undo", "moves")
    assert "The other game is back. Red to move" in session.out
    assert session.moves[0] == "h2e2"
    assert session.state.humans == {Color.RED}


def test_a_game_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "two games.pgn"
    path.write_text("1. H2-E2 H9-G7 *\n", encoding="utf-8")
    session = Session(f"open {path}", "moves", f"open {path} 2", "open", "c3c4", "g6g5")
    assert "  1. C2=5  H8+7" in session.out
    assert f"Not opened: {path} has no readable game number 2" in session.out
    assert session.out.count("Not opened") == 2
    assert session.moves == ["h2e2", "h9g7", "c3c4", "g6g5"]


def test_an_unfinished_game_is_offered_and_kept(tmp_path: Path) -> None:
    keeper = Autosave(tmp_path)
    first = Session("h2e2", autosave=keeper)
    second = Session("continue", "moves", "continue", autosave=keeper)
    assert "continue resumes it" not in first.out
    assert "The last game, against GPT, is not finished (2 plies): continue resumes it." in second.out
    assert second.moves == first.moves
    assert "There is no unfinished game." in second.out


class Watching(FirstMovePlayer):
    """Remembers how many moves are on the disk when it is asked for one."""

    def __init__(self, keeper: Autosave) -> None:
        super().__init__()
        self.keeper = keeper
        self.seen: list[int] = []

    def play(self, board: Board, limit: Limit) -> PlayResult:
        saved = self.keeper.find_unfinished()
        self.seen.append(0 if saved is None else saved.tree.live.ply)
        return super().play(board, limit)


def test_a_move_is_kept_before_the_opponent_thinks(tmp_path: Path) -> None:
    player = Watching(Autosave(tmp_path))
    Session("h2e2", "b0c2", autosave=Autosave(tmp_path), create=lambda spec: player)
    assert player.seen == [1, 3]


def test_one_board_for_each_turn() -> None:
    session = Session("h2e2", "b0c2", "quit")
    assert session.out.count("9  ") == 3, "one at the start and one after each answer"


def test_both_sides_of_an_opened_game_show_every_move(tmp_path: Path) -> None:
    path = tmp_path / "a.pgn"
    path.write_text("1. H2-E2 *\n", encoding="utf-8")
    session = Session(f"open {path}", "h9g7", "quit")
    assert session.out.count("9  ") == 3


def test_levels_are_listed_and_chosen() -> None:
    session = Session("level", "level 3", "level novice", "级别 adaptive", "level 11")
    assert "  Level 1: novice, about Elo 520" in session.out
    assert "A new game against GPT casual." in session.out
    assert "A new game against GPT novice." in session.out
    assert session.state.spec == "gpt:level=adaptive"
    assert "Expected 1-10, adaptive, found '11'." in session.out


def test_the_game_can_be_given_up_and_played_again() -> None:
    session = Session("resign", "h2e2", "draw", "认输", "undo", "resign", "rematch", "h9g7")
    assert "There is no game to end" in session.out
    assert "declines: it is too early for a draw" in session.out
    assert session.out.count("Red resigned. Black wins.") == 2
    assert session.state.humans == {Color.BLACK}
    assert session.moves[1] == "h9g7"


def test_puzzles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(puzzles, "progress_path", lambda: tmp_path / "puzzles.json")
    session = Session("retry", "puzzle", "puzzle 5", "puzzle 500", "resign", "retry", "puzzle /none.pgn")
    assert "Not opened: " in session.out
    assert "There is no puzzle on the board." in session.out
    assert "Shi Qing Ya Qu (1570), 14: Red to move and mate in" in session.out
    assert "Expected 1-119, found '500'." in session.out
    assert session.state.puzzle == puzzles.classical_puzzles()[4]
    assert puzzles.load_progress() == {}, "nothing was played"


class Searching(FirstMovePlayer):
    """Has looked ahead from its first move."""

    def __init__(self, *, mate: bool = False) -> None:
        super().__init__()
        self.score = 30_000 - 3 if mate else None

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        analysis = super().analyse(board, limit, multipv)
        first = analysis.lines[0]
        after = board.copy()
        after.push(first.move)
        pv = (first.move, after.legal_moves()[0])
        return replace(
            analysis,
            lines=(
                replace(first, pv=pv, value=Value(0.5, 0.2, 0.3), score_cp=self.score),
                *analysis.lines[1:],
            ),
        )


def test_a_hint_shows_what_a_search_expects() -> None:
    session = Session("hint", create=lambda spec: Searching())
    assert "  1. R9+1  a0a1     50 %  ##########            expects 60 %  P1+1" in session.out
    assert "  2. R9+2  a0a2    1.2 %\n" in session.out
    assert "mate in 3  P1+1" in Session("hint", create=lambda spec: Searching(mate=True)).out


def test_comments_and_marks() -> None:
    session = Session("h2e2", "comment a quiet start", "mark ?!", "mark x", "moves")
    assert "Expected !, ?, !!, ??, !?, ?!, found 'x'." in session.out
    assert "  1. C2=5  P1+1?!\n       a quiet start" in session.out
