"""`xiangqi-gpt review`: the score of every move of a game, and its mistakes in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.cli.output import print_json, progress, table
from xiangqi_gpt.cli.position_options import board_of_fen, lenient_option
from xiangqi_gpt.cli.shared_options import force_option, json_option
from xiangqi_gpt.errors import ConfigError, RecordError

if TYPE_CHECKING:
    from xiangqi_gpt.evaluation.review import Reviewed
    from xiangqi_gpt.evaluation.review_journal import ReviewJournal
    from xiangqi_gpt.players import Player
    from xiangqi_gpt.records import GameRecord
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.rules.move import Move
    from xiangqi_gpt.texts import Language

DEFAULT_REVIEWER = "gpt:lookahead=30"
"""The bundled model; descents from each position, before it looks further into moves that seem bad."""


@click.command("review")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--game",
    "number",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of the game in the file.",
)
@lenient_option
@click.option(
    "--player", default=DEFAULT_REVIEWER, show_default=True, help="The reviewer: a GPT or an engine."
)
@click.option(
    "--notation",
    type=click.Choice(["chinese", "wxf", "iccs", "uci"]),
    help="Notation of the moves.  [default: the usual one of the language]",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh", "zh-TW"]),
    default="en",
    show_default=True,
    help="Language of the review.",
)
@click.option("--all", "everything", is_flag=True, help="Show every move, not only the mistakes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="PGN file to write: the game with comments and better lines.",
)
@click.option(
    "--html", "page", type=click.Path(path_type=Path), help="HTML file to write: the review with boards."
)
@force_option("Overwrite the files of --out and --html.")
@click.option(
    "--plot", "picture", type=click.Path(path_type=Path), help="PNG file to write: a plot of the score."
)
@json_option
def command(
    file: Path, number: int, lenient: bool, player: str, notation: str | None, lang: Language, everything: bool,
    out: Path | None, page: Path | None, force: bool, picture: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Review a game of FILE: the score of every move, the points it lost, and what the worst moves allowed.

    Points are expected results: 1 for a win, 1/2 for a draw. The played move and the best one are compared from
    the same position. A move that loses 0.1 points is marked ?!, 0.2 points ?, and 0.3 points ??; the review explains
    what ? and ?? allowed. The same command resumes a review that was interrupted.
    """
    from xiangqi_gpt.evaluation import review as reviewing
    from xiangqi_gpt.evaluation.review_page import write_page
    from xiangqi_gpt.files import check_writable
    from xiangqi_gpt.players import create_player
    from xiangqi_gpt.plotting import check_plot
    from xiangqi_gpt.records.formats.pgn import pgnwrite

    game = _game(file, number, lenient=lenient)
    if lenient:
        board_of_fen(game.start_fen, lenient=True)  # reports what is odd about the position
    for target in filter(None, (out, page)):
        check_writable(target, overwrite=force)
    if picture is not None:
        check_plot(picture)
    notation = notation or ("wxf" if lang == "en" else "chinese")
    reviewer = create_player(player)
    try:
        found, journal = _review(reviewer, game, player)
    finally:
        reviewer.close()
    if out is not None:
        pgnwrite.write(out, [reviewing.annotated(game, found, lang)], notation=notation, force=force)
    if page is not None:
        write_page(page, game, found, reviewer=reviewer.name, language=lang, force=force)
    if picture is not None:
        reviewing.plot(
            found, picture, " - ".join(filter(None, (game.tags.get("Red"), game.tags.get("Black"))))
        )
    if as_json:
        print_json(_report(game, found, reviewer.name))
    else:
        _print(game, found, notation, lang, everything)
    journal.remove()


def _review(reviewer: Player, game: GameRecord, spec: str) -> tuple[list[Reviewed], ReviewJournal]:
    """The review, and its journal, in which is what an earlier one of the same game and reviewer had when it was
    killed; to be removed when all is written.
    """
    from xiangqi_gpt import __version__
    from xiangqi_gpt.evaluation.review import review
    from xiangqi_gpt.evaluation.review_journal import ReviewJournal
    from xiangqi_gpt.players.player_spec import model_stamps

    journal = ReviewJournal(game, [__version__, spec, reviewer.name, *model_stamps(spec)])
    known = journal.read()
    if known:
        click.echo(f"resumed: {len(known)} of {len(game.moves)} moves were reviewed before", err=True)
    with progress("moves", len(game.moves)) as on_ply:
        found = review(reviewer, game, on_ply=on_ply, known=known, on_comparison=journal.add)
    if journal.problem:
        click.echo(f"note: this review could not have been resumed: {journal.problem}", err=True)
    return found, journal


def _game(file: Path, number: int, *, lenient: bool) -> GameRecord:
    from xiangqi_gpt.library.all_games import read_all_games

    refused: list[RecordError] = []
    count = 0
    for game in read_all_games([file], on_error=refused.append, lenient=lenient):
        count += 1
        if count == number and game.moves:
            return game
    if refused:
        raise refused[0]
    raise ConfigError(f"--game: expected a game with moves, number 1 to {count} of {file}, found {number}")


def _report(game: GameRecord, found: Sequence[Reviewed], reviewer: str) -> dict[str, object]:
    from xiangqi_gpt.evaluation.review import tallies
    from xiangqi_gpt.library.opening_names import name_opening
    from xiangqi_gpt.texts import in_all_languages

    opening = name_opening(game.moves, game.start_fen)
    summary = [
        {
            "side": side.name.lower(),
            "phase": None if phase is None else phase.value,
            **dataclasses.asdict(part),
        }
        for (side, phase), part in tallies(found).items()
    ]
    return {
        "result": game.result,
        "opening": None if opening is None else in_all_languages(opening.message),
        "reviewer": reviewer,
        "moves": [_as_json(one) for one in found],
        "summary": summary,
    }


def _as_json(one: Reviewed) -> dict[str, object]:
    from xiangqi_gpt.texts import in_all_languages

    return {
        "ply": one.ply,
        "move": one.move.iccs,
        "best": [move.iccs for move in one.best],
        "refutation": [move.iccs for move in one.comparison.played.pv[1:]],
        "before": round(one.before, 4),
        "after": round(one.after, 4),
        "lost": round(one.lost, 4),
        "lost_cp": round(one.lost_cp, 1),
        "mark": one.mark,
        "phase": one.phase.value,
        "words": None if one.words is None else in_all_languages(one.words),
        "prob": one.prob,
    }


def _print(
    game: GameRecord, found: Sequence[Reviewed], notation: str, lang: Language, everything: bool
) -> None:
    from xiangqi_gpt.evaluation.review import tallies
    from xiangqi_gpt.evaluation.review_page import summary_rows
    from xiangqi_gpt.library.opening_names import name_opening
    from xiangqi_gpt.notation import NOTATIONS
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.texts import t

    opening = name_opening(game.moves, game.start_fen)
    if opening is not None:
        click.echo(opening.message.text(lang))
    render = NOTATIONS[notation].render
    board = Board(game.start_fen, strict=False)
    rows = []
    for one in found:
        if one.mark or everything:
            rows.append(
                [
                    f"{board.fullmove_number}{'.' if board.turn == 0 else '...'}",
                    render(board, one.move),
                    one.mark,
                    f"{one.before:.2f} → {one.after:.2f}",
                    "" if one.move == one.best[0] else _line(board, one.best[:4], render),
                    "" if one.words is None else one.words.text(lang),
                ]
            )
        board.push(one.move)
    titles = [t(f"report.{key}", lang) for key in ("move", "played")]
    titles += ["", *(t(f"report.{key}", lang) for key in ("points", "better", "words"))]
    table(titles, rows, left=len(titles))
    for (side, phase), part in tallies(found).items():
        if phase is None:
            name = t(f"side.{side.name.lower()}", lang)
            lost = f"{part.lost:.2f}"
            click.echo(
                t("report.side_line", lang, side=name, agreed=part.agreed, moves=part.moves, lost=lost)
            )
    titles = [t(f"report.{key}", lang) for key in ("side", "phase", "moves", "agreed", "lost", "centipawns")]
    table([*titles, "?!", "?", "??"], summary_rows(found, lang), left=2)


def _line(board: Board, moves: Sequence[Move], render: Callable[[Board, Move], str]) -> str:
    """Moves from *board* on as text."""
    position, texts = board.copy(), []
    for move in moves:
        texts.append(render(position, move))
        position.push(move)
    return " ".join(texts)
