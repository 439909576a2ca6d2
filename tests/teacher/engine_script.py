"""A small real UCI engine: `engine_script.py MODE [LOG]`. It plays Xiangqi by this package's rules, ranks 0-9.

Its best move is the legal move with the best capture, its score the material; both depend on the position alone.
It appends a line to LOG at each start. Modes: good; many (offers UCI_Variant with several games: ranks 1-10); dies
(at its seventh question); dies-once (the same, if LOG says that it is the first start); illegal, none, mute-score,
bad-line (lies at its fourth question); silent (never answers a question); chess (plays something else).
"""

from __future__ import annotations

import sys
from pathlib import Path

from xiangqi_gpt.notation import uci
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

WORTH = (0, 0, 2, 2, 4, 9, 5, 1)


def say(text: str) -> None:
    print(text, flush=True)


def worth(board: Board, move: Move) -> tuple[int, int]:
    code = board.squares[move.to_square]
    return (WORTH[code - 7 if code > 7 else code], -((move.index * 7919) % 8101))


def material(board: Board) -> int:
    total = sum(WORTH[code] if code < 8 else -WORTH[code - 7] for code in board.squares if code)
    return 100 * (-total if board.turn else total)


def main() -> None:
    mode = sys.argv[1]
    first = True
    if len(sys.argv) > 2:
        log = Path(sys.argv[2])
        first = not log.exists()
        with log.open("a") as file:
            file.write("start\n")
    ranks = "1-10" if mode == "many" else "0-9"
    board, questions, lines = Board(), 0, 1
    for text in sys.stdin:
        words = text.split()
        if words[0] == "uci":
            say("id name Script 1")
            if mode in ("many", "chess"):
                say(
                    "option name UCI_Variant type combo default chess var chess"
                    + " var xiangqi" * (mode == "many")
                )
            say("option name MultiPV type spin default 1 min 1 max 5")
            say("option name Hash type spin default 1 min 1 max 64")
            say("option name Style type combo default Calm var Calm var Wild")
            say("uciok")
        elif words[0] == "setoption":
            lines = int(words[-1]) if words[2] == "MultiPV" else lines
        elif words[0] == "isready":
            say("readyok")
        elif words[0] == "position":
            at = words.index("moves") if "moves" in words else len(words)
            board = Board(" ".join(words[2:at]), strict=False)
            for word in words[at + 1 :]:
                board.push(uci.parse(board, word, ranks=ranks))
        elif words[0] == "go":
            questions += 1
            if mode == "silent":
                continue
            if questions == 7 and (mode == "dies" or (mode == "dies-once" and first)):
                sys.exit(3)
            answer(board, mode if questions >= 4 else "good", ranks, lines)
        elif words[0] == "quit":
            return


def answer(board: Board, mode: str, ranks: str, lines: int) -> None:
    moves = sorted(board.legal_moves(), key=lambda move: worth(board, move), reverse=True)
    for number, move in enumerate(moves[:lines], 1):
        board.push(move)
        score = "mate 1" if not board.legal_moves() else f"cp {-material(board)}"
        board.pop()
        text = uci.render(board, move, ranks=ranks)
        if mode == "bad-line" and number == 2:
            text = "a0a9"
        if mode != "mute-score":
            say(f"info depth 1 multipv {number} score cp 5 lowerbound pv {text}")
            say(f"info depth 1 multipv {number} score {score} pv {text} (what may follow)")
    best = {"illegal": "e0e9", "none": "(none)"}.get(mode, uci.render(board, moves[0], ranks=ranks))
    say("")
    say(f"bestmove {best} ponder a0a0")


main()
