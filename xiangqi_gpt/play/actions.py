"""What a person or a player can do to a `GameState`: no drawing, no threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.play.clock import CLOCKS, PlayClock
from xiangqi_gpt.play.game_state import (
    GameSetup,
    GameState,
    Menu,
    Notice,
    Played,
    Request,
    ReviewRun,
    Thought,
    describe,
)
from xiangqi_gpt.play.handicaps import handicap_fen
from xiangqi_gpt.play.mind import ask_mind, receive_mind
from xiangqi_gpt.play.puzzle_book import classical_puzzle, record_result
from xiangqi_gpt.play.reviewing import annotate, tally
from xiangqi_gpt.play.settings import LABELS, THEME_NAMES, is_engine
from xiangqi_gpt.play.thinker import Answer, Question, Thinker
from xiangqi_gpt.play.wording import (
    MARKS,
    PIECE_SETS,
    Named,
    error_text,
    split_temperature,
    with_temperature,
)
from xiangqi_gpt.players.base import NO_LIMIT, PlayResult
from xiangqi_gpt.players.levels import ADAPTIVE, LEVELS, get_level
from xiangqi_gpt.players.player_spec import PlayerSpec
from xiangqi_gpt.records.edits import Assign, Step
from xiangqi_gpt.records.game_tree import GameTree, Node
from xiangqi_gpt.rules import (
    START_FEN,
    Board,
    Color,
    Illegality,
    Move,
    Outcome,
    PlayerError,
    Square,
    Termination,
)
from xiangqi_gpt.texts import LANGUAGES, Details, Language, Message

STYLES: tuple[tuple[str, float], ...] = (("menu.firm", 0.0), ("menu.varied", 0.5), ("menu.free", 1.0))
"""Text key and temperature of the styles that the menu offers for the GPT."""
SIDES = (Color.RED, Color.BLACK)


def click_square(state: GameState, sq: Square) -> None:
    """Pick a piece up, put it down, move it, or show why it cannot.

    In a position that is not the present one the move becomes a variation, whichever side is to move.
    """
    if state.announce:
        state.announce = False
        return
    state.notice = None
    if state.may_premove:
        _click_premove(state, sq)
        return
    if state.is_live and not state.is_human_turn:
        key = "window.game_over"
        if state.outcome is None:
            key = "game.paused" if state.is_paused else "game.not_your_turn"
        state.notice = Notice.of(key, "warn")
        state.selected = None
        return
    board = state.shown_board
    piece = board.piece_at(sq)
    if piece is not None and piece.color is board.turn:
        state.selected = None if sq == state.selected else sq
        return
    if state.selected is None:
        # A move from a square to itself breaks exactly the rule that keeps this square from being picked up.
        reason = board.explain(Move(sq, sq))
        state.notice = _refusal(state, reason) if reason is not None and piece is not None else None
        return
    move = Move(state.selected, sq)
    reason = board.explain(move)
    if reason is not None:
        state.notice = _refusal(state, reason)
    elif state.is_live:
        play(state, move)
    else:
        add_variation(state, move)


def _click_premove(state: GameState, sq: Square) -> None:
    """Choose a move for when the opponent has moved; any other click takes it back."""
    piece = state.board.piece_at(sq)
    if state.selected is not None and sq in state.targets:
        state.premove, state.selected = Move(state.selected, sq), None
    elif piece is not None and piece.color is state.person:
        state.premove, state.selected = None, None if sq == state.selected else sq
    elif state.premove is None and state.selected is None:
        state.notice = Notice.of("game.not_your_turn", "warn")
    else:
        state.premove = state.selected = None


def _refusal(state: GameState, reason: Illegality) -> Notice:
    return Notice(reason.message(state.settings.labels), "warn", reason.blocker)


def play(state: GameState, move: Move, thought: Thought | None = None) -> None:
    """Play a legal move for the side to move."""
    ply, mover = describe(state.board, move, thought), state.board.turn
    node = state.tree.play(move, Played(state.board.turn in state.humans))
    state.remember(node, ply)
    state.board.push(move)
    state.history.append(ply)
    state.fresh = move if state.is_live else None
    state.offer = None
    if state.clock is not None:
        # Nothing is charged before the first move: the opponent may still be loading.
        state.clock.moved(mover)
        state.times[node] = state.clock.both
    _changed(state)


def add_variation(state: GameState, move: Move) -> None:
    """Play a legal move in the position looked at, beside the game; the game stays where it is."""
    state.tree.add(state.tree.cursor, move)
    _looked_elsewhere(state)


def play_or_try(state: GameState, move: Move) -> None:
    """Play a legal move in the position shown: in the game where it is a person's turn there, else as a variation."""
    state.announce = False
    if state.is_live and state.is_human_turn:
        play(state, move)
    else:
        add_variation(state, move)


def try_line(state: GameState, node: Node, moves: Sequence[Move]) -> list[Node]:
    """Add a line of play below a position, as far as it is legal, and look at its first move.

    The game stays where it is. Returns the nodes of the line.
    """
    board = state.tree.board(node)
    legal: list[Move] = []
    for move in moves:
        if not board.is_legal(move):
            break
        legal.append(move)
        board.push(move)
    line = state.tree.add_line(node, legal)
    _looked_elsewhere(state)
    return line


def _changed(state: GameState) -> None:
    """The present position is another one: forget what belonged to the old one; see whether the game is over."""
    state.generation += 1
    state.work = "load" if state.work == "load" else ""
    forget_hint(state)
    state.stalled = False
    state.outcome = _outcome(state)
    state.announce = state.outcome is not None
    if state.is_live:
        piece = None if state.selected is None else state.board.piece_at(state.selected)
        if piece is None or not state.is_human_turn or piece.color is not state.board.turn:
            state.selected = None
        state.notice = None
    if state.outcome is not None:
        state.premove = None
        if state.clock is not None:
            state.clock.stop()
        if state.puzzle is not None:
            record_result(state.puzzle, is_solved=state.outcome.winner is state.person)


def _outcome(state: GameState) -> Outcome | None:
    """The end of the game: by a player or the clock where it stands there, else by the rules."""
    if state.agreed is not None and state.agreed[0] is state.tree.live:
        return state.agreed[1]
    return state.board.outcome(state.rules)


def end_game(state: GameState, outcome: Outcome) -> None:
    """End the game by a player or the clock; `undo` takes it back."""
    agreed = (state.tree.live, outcome)
    state.tree.change([Assign(state, "agreed", agreed)])
    state.is_paused = False
    _changed(state)
    state.selected = None


def undo(state: GameState) -> bool:
    """Take back the last edit, or moves until it is the turn of the person who moved last.

    A new game, too, is taken back. What was taken back can be redone. False where there is nothing.
    """
    steps = 0
    for step in reversed(state.tree.journal.done):
        steps += 1
        if not isinstance(step.label, Played) or step.label.by_person:
            break
    else:
        state.notice = Notice.of("game.nothing_to_undo", "warn")
        return False
    uid = state.tree.uid
    for _ in range(steps):
        state.tree.undo()
    _stepped(state, "game.undone", uid)
    return True


def can_undo(state: GameState) -> bool:
    """Whether the person has done anything that can be taken back."""
    return any(not isinstance(step.label, Played) or step.label.by_person for step in state.tree.journal.done)


def redo(state: GameState) -> bool:
    """Do again what was undone last, with the answer of the opponent; False where there is nothing."""
    uid = state.tree.uid
    if state.tree.redo() is None:
        state.notice = Notice.of("game.nothing_to_redo", "warn")
        return False
    while state.tree.journal.undone and _is_answer(state.tree.journal.undone[-1]):
        state.tree.redo()
    _stepped(state, "game.redone", uid)
    return True


def _is_answer(step: Step) -> bool:
    return isinstance(step.label, Played) and not step.label.by_person


def _stepped(state: GameState, key: str, uid: str) -> None:
    """Take in what has happened to the tree, which held the game `uid`, and tell whose turn it is."""
    moves = state.board.move_stack
    state.follow_tree()
    if state.tree.uid != uid:
        key = "game.other_game"
        _ask_anew(state)
    elif moves == state.board.move_stack and state.outcome == _outcome(state):
        _looked_elsewhere(state)
    else:
        state.fresh = None
        state.tree.cursor = state.tree.live
        state.selected = state.premove = None
        _set_clock(state)
        _changed(state)
    state.notice = Notice.of(key, side=state.board.turn)


def _set_clock(state: GameState) -> None:
    """Put the clock to what was left at the present position, and let it run where the game has begun."""
    if state.clock is None:
        return
    left = state.times.get(state.tree.live)
    if left is not None:
        state.clock.set_left(left)
    if state.tree.live.path and not state.is_paused:
        state.clock.start(state.board.turn)
    else:
        state.clock.stop()


def _ask_anew(state: GameState) -> None:
    """Another game has taken the place of the present one."""
    state.player_ready = False  # loading a player that is loaded only tells it of the new game
    state.work = ""
    state.fresh = None
    state.menu = None
    state.offer = None
    state.review = None
    state.is_paused = False
    state.selected = state.premove = None
    _set_clock(state)
    _changed(state)


def flip(state: GameState) -> None:
    """Turn the board round."""
    state.flipped = not state.flipped


def go_to(state: GameState, ply: int) -> None:
    """Look at the position after `ply` moves of the line shown (cut to its ends)."""
    line = state.line
    ply = max(0, min(ply, len(line)))
    look_at(state, line[ply - 1] if ply else state.tree.root)


def go_live(state: GameState) -> None:
    """Look at the present position of the game."""
    look_at(state, state.tree.live)


def look_at(state: GameState, node: Node) -> None:
    """Look at a position of the tree."""
    state.tree.cursor = node
    _looked_elsewhere(state)


def has_variations(state: GameState) -> bool:
    """Whether another move was played or tried in place of the one shown."""
    parent = state.tree.cursor.parent
    return parent is not None and len(parent.children) > 1


def is_variation(state: GameState) -> bool:
    """Whether the position looked at is not one of the game."""
    node = state.tree.cursor
    return node is not state.tree.root and node not in state.tree.live.path


def next_variation(state: GameState, steps: int) -> None:
    """Look at the next or previous of the moves that were played or tried in place of the one shown."""
    node = state.tree.cursor
    if node.parent is None:
        return
    siblings = node.parent.children
    look_at(state, siblings[(siblings.index(node) + steps) % len(siblings)])


def play_on_from_here(state: GameState) -> bool:
    """Go on with the game from the position looked at; False where it is the present one."""
    if state.is_live:
        return False
    state.tree.set_live(state.tree.cursor)
    _stepped(state, "game.played_on", state.tree.uid)
    return True


def remove_variation(state: GameState) -> bool:
    """Take the variation looked at out of the tree, from this move on; False in the game itself."""
    node = state.tree.cursor
    if not is_variation(state):
        state.notice = Notice.of("game.not_a_variation", "warn")
        return False
    state.tree.remove(node)
    _looked_elsewhere(state)
    state.notice = Notice.of("game.variation_removed")
    return True


def set_comment(state: GameState, text: str) -> None:
    """Write a comment on the move that led to the position looked at."""
    state.tree.set_comment(state.tree.cursor, text)


def set_mark(state: GameState, mark: str) -> None:
    """Mark the move that led to the position looked at as in `MARKS`; "" takes the mark away."""
    others = tuple(nag for nag in state.tree.cursor.nags if nag not in MARKS.values())
    state.tree.set_nags(state.tree.cursor, ((MARKS[mark],) if mark else ()) + others)


def _looked_elsewhere(state: GameState) -> None:
    state.selected = None
    state.notice = None
    state.fresh = None


def new_game(
    state: GameState,
    *,
    fen: str = START_FEN,
    human: Color | None = None,
    humans: frozenset[Color] | None = None,
    spec: str | None = None,
    second: str | None = None,
    rules: str | None = None,
    clock: str | None = None,
) -> None:
    """Begin again; a side, an opponent or a clock not given stays as it is. The person's side comes to the bottom.

    The old game can be had back with `undo`.

    Raises:
        FenError: `fen` is no position; the state is unchanged.
        ConfigError: `clock` is no time control; the state is unchanged.
    """
    setup = state.setup.anew()
    if human is not None:
        setup = replace(setup, humans=frozenset((human,)), flipped=human is Color.BLACK)
    elif humans is not None:
        setup = replace(setup, humans=humans)
    if clock is not None:
        setup = replace(setup, clock=PlayClock(TimeControl.parse(clock)) if clock else None)
    if second is not None:
        setup = replace(setup, second=second)
    setup = replace(setup, spec=spec or setup.spec, rules=rules or setup.rules)
    start_game(state, GameTree(Board(fen).fen()), setup)


def start_game(state: GameState, tree: GameTree, setup: GameSetup) -> None:
    """Put a game in the place of the present one, which `undo` brings back."""
    had_moves = bool(state.tree.root.children)
    if state.clock is not None:
        state.clock.stop()
    changes = {item.name: getattr(setup, item.name) for item in fields(setup)} | {"agreed": None}
    state.tree.replace(tree, also=tuple(Assign(state, name, value) for name, value in changes.items()))
    state.follow_tree()
    _ask_anew(state)
    if had_moves:
        state.notice = Notice.of("game.started", side=state.board.turn)


def resume(state: GameState) -> bool:
    """Go on with the unfinished game that is offered; False where none is."""
    saved = state.offer
    if saved is None:
        return False
    setup = GameSetup(
        humans=saved.humans,
        flipped=saved.flipped,
        spec=saved.spec,
        rules=saved.rules,
        second=saved.second,
        clock=PlayClock(TimeControl.parse(saved.control), saved.left) if saved.control else None,
        puzzle=classical_puzzle(saved.puzzle),
        source=saved.source,
    )
    start_game(state, saved.tree, setup)
    state.notice = Notice.of("game.resumed", side=state.board.turn)
    return True


def decline(state: GameState) -> None:
    """Leave the unfinished game that is offered; `undo` brings it back as it does every game before the present one."""
    fresh, present = GameTree(state.tree.start_fen), state.setup
    if resume(state):
        start_game(state, fresh, present)
        state.notice = Notice.of("game.declined")


def toggle_hint(state: GameState) -> None:
    """Ask for the analyst's opinion of the position shown, or put it away."""
    state.notice = None
    if state.shows_hint:
        forget_hint(state)
    elif not state.may_hint:
        state.notice = Notice.of("game.no_hint" if state.is_live else "window.game_over", "warn")
    else:
        state.analyst_failed = False
        state.hinted = state.tree.cursor
        state.hint = state.evaluations.get(state.hinted)
        state.wants_hint = state.hint is None or state.hint.is_partial


def forget_hint(state: GameState) -> None:
    """Put the hint away."""
    state.hint = state.hinted = None
    state.wants_hint = False


def toggle_analysis(state: GameState) -> None:
    """Have the analyst evaluate every position that is shown, or no longer."""
    state.analyst_failed = False
    state.settings = replace(state.settings, analysis=not state.settings.analysis)


def toggle_review(state: GameState) -> None:
    """Have the reviewer judge the game at the board, or stop the review."""
    state.notice = None
    if state.review is not None:
        state.review = None
        state.notice = Notice.of("game.review_stopped")
    elif not state.tree.live.path:
        state.notice = Notice.of("game.nothing_to_review", "warn")
    else:
        state.counter += 1
        state.review = ReviewRun(state.counter, state.tree.live.path)


def exchange(state: GameState, thinker: Thinker) -> list[Answer]:
    """Take in the answers that have come, ask what is to be asked, and return the answers that counted."""
    counted = [answer for answer in thinker.answers() if receive(state, answer)]
    fallen = None if state.clock is None else state.clock.fallen
    if fallen is not None and state.outcome is None:
        message = Message.of("end.time", loser=fallen)
        end_game(state, Outcome(fallen.other, Termination.TIME, state.rules, message))
    if state.asked is not None and state.asked[1] != state.generation:
        # Taken back, resigned, or out of time: the move is no longer wanted.
        thinker.stop(state.asked[0])
        state.asked = None
    if state.needs_load:
        state.work = "load"
        thinker.ask(Question(kind="load", generation=state.generation, spec=state.spec))
    elif state.needs_player:
        _ask_for_move(state, thinker)
    ask_mind(state, thinker)
    _ask_analyst(state, thinker)
    _ask_reviewer(state, thinker)
    return counted


def _ask_for_move(state: GameState, thinker: Thinker) -> None:
    worker, spec = state.mover
    state.work = "move"
    state.asked = (worker, state.generation)
    limit = NO_LIMIT if state.clock is None else state.clock.limit(state.board.turn)
    board = state.board.copy()
    thinker.ask(
        Question(
            kind="move",
            generation=state.generation,
            worker=worker,
            spec=spec,
            board=board,
            limit=limit,
            wants_prob=state.settings.surprise and state.tree.live.move is not None,
        )
    )


def _ask_analyst(state: GameState, thinker: Thinker) -> None:
    wanted = state.analysed
    if state.request is not None and state.request.node is not wanted:
        state.request = None
        thinker.stop("analyst")
    if wanted is None or state.request is not None:
        return
    state.counter += 1
    state.request = Request(state.counter, wanted, state.tree.board(wanted))
    question = Question(
        kind="hint",
        generation=state.counter,
        worker="analyst",
        spec=state.settings.analyst,
        board=state.request.board,
    )
    thinker.ask(question)


def _ask_reviewer(state: GameState, thinker: Thinker) -> None:
    run = state.review
    if run is None:
        if state.reviewer_busy:
            # A reviewer holds a player that is seldom needed.
            state.reviewer_busy = False
            thinker.release("reviewer")
    elif not run.is_asked:
        run.is_asked = state.reviewer_busy = True
        question = Question(
            kind="review",
            generation=run.number,
            worker="reviewer",
            spec=state.settings.analyst,
            board=state.tree.board(run.line[-1]),
        )
        thinker.ask(question)


def receive(state: GameState, answer: Answer) -> bool:
    """Take in an answer; False where its question no longer stands."""
    question = answer.question
    if question.worker == "analyst":
        return _receive_analysis(state, answer)
    if question.worker == "reviewer":
        return _receive_review(state, answer)
    if answer.was_restarted:
        state.notice = Notice.of("game.restarted", "warn")
        return True
    if question.kind == "mind":
        return receive_mind(state, answer)
    if question.kind == "load":
        if question.spec != state.spec or state.player_ready:
            return False
        state.work = "" if state.work == "load" else state.work
        state.player_ready = answer.error is None
        if answer.error is not None and state.fallback not in ("", state.spec):
            failed, state.spec = state.spec, state.fallback
            state.notice = Notice.of(
                "game.other_player",
                "warn",
                error=error_text(answer.error),
                failed=Named(failed),
                player=Named(state.spec),
            )
            return True
    elif question.generation != state.generation:
        return False
    else:
        state.work = ""
        state.asked = None
    if answer.error is not None:
        _fail(state, error_text(answer.error))
    elif answer.result is not None:
        if answer.prob is not None:
            state.probs[state.tree.live] = answer.prob
        _receive_move(state, answer.result)
    return True


def _receive_analysis(state: GameState, answer: Answer) -> bool:
    request = state.request
    if request is None or answer.question.generation != request.number:
        return False
    if answer.was_restarted:
        return False
    if not answer.is_partial:
        state.request = None
    if answer.error is not None:
        state.wants_hint = False
        state.analyst_failed = True
        state.notice = Notice.of("game.no_analysis", "warn", error=error_text(answer.error))
    elif answer.analysis is not None:
        thought = Thought(request.board, answer.analysis, is_partial=answer.is_partial)
        state.evaluations[request.node] = thought
        if request.node is state.hinted:
            state.hint = thought
            state.wants_hint = answer.is_partial
    return True


def _receive_review(state: GameState, answer: Answer) -> bool:
    run = state.review
    if run is None or answer.question.generation != run.number:
        return False
    run.done = answer.done
    if answer.error is not None:
        state.review = None
        state.notice = Notice.of("game.no_analysis", "warn", error=error_text(answer.error))
    elif answer.review is not None:
        state.review = None
        if run.line[0].parent is not state.tree.root:
            return False  # another game has taken the place of the one that was reviewed
        for one in answer.review:
            state.points[run.line[one.ply]] = one.after
            if one.prob is not None:
                state.probs.setdefault(run.line[one.ply], one.prob)
        annotate(state.tree, run.line, answer.review, state.language)
        state.notice = Notice.of("game.reviewed", "good", **tally(answer.review))
    return True


def _receive_move(state: GameState, result: PlayResult) -> None:
    reason = state.board.explain(result.move)
    if reason is not None:
        why = reason.message(state.settings.labels)
        _fail(state, Message.of("error.illegal_answer", move=result.move.iccs, reason=why))
        return
    analysis = result.analysis
    play(state, result.move, None if analysis is None else Thought(state.board.copy(), analysis, result.move))
    premove, state.premove = state.premove, None
    if premove is None or not state.is_human_turn:
        return
    if state.board.is_legal(premove):
        play(state, premove)
    else:
        state.notice = Notice.of("game.premove_dropped", "warn")


def _fail(state: GameState, what: Message | Details) -> None:
    state.stalled = True
    state.notice = Notice.of("game.player_failed", "warn", error=what)


def escape(state: GameState) -> bool:
    """Leave the innermost thing that is open; False where nothing was."""
    if state.menu is not None:
        state.menu = None
    elif state.offer is not None:
        decline(state)
    elif state.announce:
        state.announce = False
    elif state.selected is not None or state.premove is not None:
        state.selected = state.premove = None
    elif not state.is_live:
        go_live(state)
    elif state.review is not None:
        toggle_review(state)
    elif state.hinted is not None:
        forget_hint(state)
    elif state.notice is not None:
        state.notice = None
    else:
        return False
    return True


def next_language(state: GameState) -> None:
    """English, simplified Chinese, traditional Chinese."""
    choose_language(state, LANGUAGES[(LANGUAGES.index(state.language) + 1) % len(LANGUAGES)])


def choose_language(state: GameState, language: Language) -> None:
    """Show all texts in this language from now on."""
    state.settings = replace(state.settings, language=language)


def next_theme(state: GameState) -> None:
    """Light, dark, high contrast."""
    theme = THEME_NAMES[(THEME_NAMES.index(state.settings.theme) + 1) % len(THEME_NAMES)]
    state.settings = replace(state.settings, theme=theme)


def next_labels(state: GameState) -> None:
    """File numbers of both sides, or coordinates."""
    labels = LABELS[(LABELS.index(state.settings.labels) + 1) % len(LABELS)]
    state.settings = replace(state.settings, labels=labels)


def next_pieces(state: GameState) -> None:
    """The next piece set of `PIECE_SETS`."""
    names = list(PIECE_SETS)
    choose_pieces(state, (names.index(state.settings.pieces) + 1) % len(names))


def choose_pieces(state: GameState, number: int) -> None:
    """The piece set with this number in `PIECE_SETS`."""
    state.settings = replace(state.settings, pieces=list(PIECE_SETS)[number])


def open_menu(state: GameState) -> None:
    """Open the new-game menu at the present choice of side, opponent and style."""
    spec, temperature = split_temperature(state.spec)
    style = next((i for i, (_, t) in enumerate(STYLES) if t == temperature), None)
    opponent = state.specs.index(spec) if spec in state.specs else 0
    side = SIDES.index(Color.BLACK) if state.humans == {Color.BLACK} else 0
    if len(state.humans) != 1:
        side = len(SIDES) + (not state.humans)
    level = level_of(state.spec)
    clock = "" if state.clock is None else str(state.clock.control)
    shown = next((text for text in CLOCKS if text and str(TimeControl.parse(text)) == clock), clock)
    state.menu = Menu(side, opponent, style if temperature is not None else 0, level, state.rules, shown)
    state.announce = False


def start_from_menu(state: GameState) -> None:
    """Begin the game that the menu describes."""
    menu = state.menu
    if menu is None:
        return
    spec = state.specs[menu.opponent]
    if menu.level is not None:
        spec = f"gpt:level={LEVELS[menu.level - 1].key if menu.level else ADAPTIVE}"
    elif state.has_styles:
        own = split_temperature(state.spec)[1] or 0.0
        spec = with_temperature(spec, own if menu.style is None else STYLES[menu.style][1])
    human = SIDES[menu.side] if menu.side < len(SIDES) else None
    humans: frozenset[Color] = frozenset(SIDES if menu.side == len(SIDES) else ())
    state.settings = replace(state.settings, opponent=spec, rules=menu.rules or state.rules, clock=menu.clock)
    giver = Color.RED if human is None else human.other
    new_game(
        state,
        fen=handicap_fen(menu.handicap, giver),
        human=human,
        humans=humans,
        spec=spec,
        rules=menu.rules or None,
        clock=menu.clock,
    )


def engine_spec(text: str) -> str:
    """The spec of an engine that a person has typed, with or without "engine:" before it.

    Raises:
        PlayerError: the text is no engine's spec.
    """
    text = text.strip()
    spec = text if text.startswith("engine:") else f"engine:{text}"
    if not is_engine(spec):
        raise PlayerError(f"{spec!r} is no engine.", message=Message.of("game.no_engine", spec=text))
    return spec


def add_engine(state: GameState, spec: str) -> bool:
    """Remember an engine and offer it as an opponent; False, with a notice, where the text is no engine's spec."""
    try:
        spec = engine_spec(spec)
    except PlayerError:
        state.notice = Notice.of("game.no_engine", "warn", spec=spec)
        return False
    if spec not in state.settings.engines:
        state.settings = replace(state.settings, engines=(*state.settings.engines, spec))
    if spec not in state.specs:
        state.specs = (*state.specs, spec)
    return True


def remove_engine(state: GameState, spec: str) -> None:
    """Forget an engine; a game against it goes on."""
    kept = tuple(known for known in state.settings.engines if known != spec)
    state.settings = replace(state.settings, engines=kept)
    state.specs = tuple(known for known in state.specs if known != spec)


def level_of(spec: str) -> int | None:
    """The number of a GPT's level, 0 for the adaptive one, None for a player without a level."""
    try:
        name = PlayerSpec.parse(spec).settings.get("level")
        return None if name is None else 0 if name == ADAPTIVE else get_level(name).number
    except PlayerError:
        return None
