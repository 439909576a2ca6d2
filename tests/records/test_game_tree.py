"""The tree of a game: edits, undo and redo, nothing lost, and records in and out."""

from __future__ import annotations

from random import Random

import pytest

from xiangqi_gpt.records.game_tree import GameTree, Node
from xiangqi_gpt.records.record import GameRecord, Note, Variation
from xiangqi_gpt.rules import IllegalMoveError, Move

ENDGAME = "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"


def move(text: str) -> Move:
    return Move.from_iccs(text)


def played(*texts: str) -> GameTree:
    tree = GameTree()
    for text in texts:
        tree.play(move(text))
    return tree


def moves(tree: GameTree, node: Node | None = None) -> list[str]:
    return [str(step.move) for step in (tree.live if node is None else node).path]


def children(node: Node) -> list[str]:
    return [str(child.move) for child in node.children]


def snapshot(tree: GameTree) -> object:
    """All that an edit can change; nodes are known by their number in the walk."""
    numbers = {node: number for number, node in enumerate(tree.root.walk())}
    rows = [
        (numbers.get(node.parent), str(node.move), node.comment, node.nags)  # type: ignore[arg-type]
        for node in numbers
    ]
    return tree.uid, tree.start_fen, rows, numbers[tree.live], numbers[tree.cursor]


def test_moves_are_played_at_the_live_node_and_followed_by_the_cursor() -> None:
    tree = played("h2e2", "h9g7")
    assert moves(tree) == ["h2e2", "h9g7"]
    assert tree.cursor is tree.live
    assert tree.board().fen().startswith("rnbakab1r/9/1c4nc1")
    tree.cursor = tree.root
    tree.play(move("h0g2"))
    assert tree.cursor is tree.root
    assert len(tree.line()) == 3


def test_an_illegal_move_changes_nothing() -> None:
    tree = played("h2e2")
    before = snapshot(tree)
    with pytest.raises(IllegalMoveError) as caught:
        tree.play(move("a0a1"))
    assert caught.value.reason is not None
    with pytest.raises(IllegalMoveError):
        tree.add(tree.root, move("h2h8"))
    assert snapshot(tree) == before


def test_what_was_undone_is_redone() -> None:
    tree = played("h2e2", "h9g7")
    full = snapshot(tree)
    assert tree.undo() is not None
    assert tree.undo() is not None
    assert tree.undo() is None
    assert children(tree.root) == []
    assert tree.redo() is not None
    assert tree.redo() is not None
    assert tree.redo() is None
    assert snapshot(tree) == full


def test_what_was_undone_becomes_a_variation_of_the_move_played_instead() -> None:
    tree = played("h2e2", "h9g7", "h0g2")
    for _ in range(3):
        tree.undo()
    before = snapshot(tree)
    tree.play(move("b2e2"))
    assert children(tree.root) == ["b2e2", "h2e2"]
    assert moves(tree, tree.line(tree.root.children[1])[-1]) == ["h2e2", "h9g7", "h0g2"]
    tree.undo()
    assert snapshot(tree) == before
    tree.redo()
    assert children(tree.root) == ["b2e2", "h2e2"]
    tree.undo()
    tree.play(move("c3c4"))
    assert children(tree.root) == ["c3c4", "h2e2", "b2e2"], "nothing is lost the second time either"


def test_a_move_that_was_undone_and_is_played_again_is_the_same_node() -> None:
    tree = played("h2e2", "h9g7")
    node = tree.root.children[0]
    tree.undo()
    tree.undo()
    assert tree.play(move("h2e2")) is node
    assert children(tree.root) == ["h2e2"]
    assert children(node) == ["h9g7"]
    assert tree.live is node


def test_a_variation_is_added_without_touching_the_game() -> None:
    tree = played("h2e2", "h9g7")
    first = tree.add(tree.root, move("c3c4"))
    tree.add(first, move("g6g5"))
    assert moves(tree) == ["h2e2", "h9g7"]
    assert moves(tree, tree.cursor) == ["c3c4", "g6g5"]
    assert [str(node.move) for node in tree.line()] == ["c3c4", "g6g5"]
    version = tree.version
    assert tree.add(tree.root, move("c3c4")) is first
    assert tree.version == version, "looking at a variation is no edit"
    tree.remove(first)
    assert children(tree.root) == ["h2e2"]
    assert tree.cursor is tree.root
    assert tree.live.ply == 2
    tree.undo()
    assert children(tree.root) == ["h2e2", "c3c4"]
    assert tree.cursor is first


def test_a_line_is_added_in_one_step() -> None:
    tree = played("h2e2", "h9g7")
    before = snapshot(tree)
    line = tree.add_line(tree.root, [move(text) for text in ("h2e2", "b9c7", "h0g2")])
    assert children(tree.root) == ["h2e2"]
    assert children(tree.root.children[0]) == ["h9g7", "b9c7"]
    assert moves(tree, line[-1]) == ["h2e2", "b9c7", "h0g2"]
    assert tree.cursor is line[0]
    version = tree.version
    assert tree.add_line(tree.root, [move(text) for text in ("h2e2", "b9c7")]) == line[:2]
    assert tree.version == version, "what is there is only looked at"
    tree.cursor = tree.live
    with pytest.raises(IllegalMoveError):
        tree.add_line(tree.live, [move("h0g2"), move("h0g2")])
    tree.undo()
    assert snapshot(tree) == before


def test_a_line_that_was_undone_is_the_same_nodes() -> None:
    tree = played("h2e2")
    line = tree.add_line(tree.live, [move("h9g7"), move("h0g2")])
    tree.undo()
    assert tree.add_line(tree.live, [move("h9g7"), move("h0g2")]) == line
    assert children(tree.live) == ["h9g7"]


def test_removing_the_game_itself_moves_the_live_node() -> None:
    tree = played("h2e2", "h9g7", "h0g2")
    tree.remove(tree.root.children[0].children[0])
    assert moves(tree) == ["h2e2"]
    tree.undo()
    assert moves(tree) == ["h2e2", "h9g7", "h0g2"]
    with pytest.raises(ValueError, match="root"):
        tree.remove(tree.root)


def test_going_on_from_an_earlier_position() -> None:
    tree = played("h2e2", "h9g7")
    side = tree.add(tree.root, move("c3c4"))
    tree.set_live(side)
    assert moves(tree) == ["c3c4"]
    assert children(tree.root) == ["c3c4", "h2e2"]
    tree.undo()
    assert moves(tree) == ["h2e2", "h9g7"]
    assert tree.cursor is side


def test_another_game_can_be_undone() -> None:
    tree = played("h2e2")
    uid = tree.uid
    tree.replace(GameTree(ENDGAME), "new")
    assert tree.uid != uid
    assert tree.board().fen() == ENDGAME
    tree.play(move("e1d1"))
    assert tree.undo() is not None
    step = tree.undo()
    assert step is not None
    assert step.label == "new"
    assert tree.uid == uid
    assert moves(tree) == ["h2e2"]
    tree.play(move("h9g7"))
    assert moves(tree) == ["h2e2", "h9g7"]
    assert len(list(tree.root.walk())) == 3, "moves of the other game do not stray into this one"


def random_edit(tree: GameTree, rng: Random) -> None:
    """One of everything that can be done to a tree."""
    nodes = list(tree.root.walk())
    node = rng.choice(nodes)
    kind = rng.random()
    if kind < 0.45:
        legal = tree.board().legal_moves()
        if legal:
            tree.play(rng.choice(legal[:4]))
    elif kind < 0.65:
        legal = tree.board(node).legal_moves()
        if legal:
            tree.add(node, rng.choice(legal[:4]))
    elif kind < 0.72:
        tree.set_comment(node, rng.choice(["", "好棋", "a mistake"]))
    elif kind < 0.76:
        tree.set_nags(node, (rng.randrange(1, 7),))
    elif kind < 0.82:
        tree.set_live(node)
    elif kind < 0.985:
        if node is not tree.root:
            (tree.set_live if kind < 0.88 or len(nodes) < 40 else tree.remove)(node)
    else:
        tree.replace(GameTree(rng.choice(["", ENDGAME]) or GameTree().start_fen))


def replays(tree: GameTree) -> bool:
    """Whether every move of the tree is legal where it stands."""
    board = tree.board(tree.root)
    path: list[Node] = []
    for node in tree.root.walk():
        if node is tree.root:
            continue
        while path and path[-1] is not node.parent:
            path.pop()
            board.pop()
        if node.move is None or not board.is_legal(node.move):
            return False
        board.push(node.move)
        path.append(node)
    return True


@pytest.mark.parametrize("seed", range(4))
def test_random_edits_are_undone_and_redone_exactly(seed: int) -> None:
    rng = Random(seed)
    tree = GameTree()
    for number in range(2500):
        if rng.random() < 0.3:
            tree.cursor = rng.choice(list(tree.root.walk()))
        if rng.random() < 0.15:
            rng.choice([tree.undo, tree.redo])()
            continue
        before, version = snapshot(tree), tree.version
        random_edit(tree, rng)
        after = snapshot(tree)
        if tree.version != version:
            assert tree.undo() is not None
            assert snapshot(tree) == before
            assert tree.redo() is not None
            assert snapshot(tree) == after
        if number % 100 == 0:
            assert replays(tree)
    assert replays(tree)
    assert len(tree.journal.done) > 500
    while tree.undo() is not None:
        assert tree.live in set(tree.root.walk())


def test_a_record_makes_a_tree_and_the_tree_the_record() -> None:
    inner = Variation((move("g6g5"),), {1: Note("deep", (4,))})
    side = Variation(
        (move("c3c4"), move("h9g7"), move("h0g2")), {2: Note("", (2,), (inner,)), 3: Note("end")}
    )
    notes = {0: Note("before"), 1: Note("first", (1,), (side, Variation((move("g3g4"),)))), 2: Note("last")}
    record = GameRecord(moves=(move("h2e2"), move("h9g7")), notes=notes)
    tree = GameTree.from_record(record)
    assert moves(tree) == ["h2e2", "h9g7"]
    assert children(tree.root) == ["h2e2", "c3c4", "g3g4"]
    assert tree.moves_and_notes() == (record.moves, notes)
    assert replays(tree)


def test_a_long_game_is_no_deep_recursion() -> None:
    tree = GameTree()
    rng = Random(5)
    node = tree.root
    board = tree.board()
    for _ in range(1500):
        step = rng.choice(board.legal_moves() or [None])
        if step is None:
            break
        child = Node(step, node)
        node.children.append(child)
        node = child
        board.push(step)
    tree.live = node
    assert len(list(tree.root.walk())) == node.ply + 1
    assert len(tree.moves_and_notes()[0]) == node.ply
