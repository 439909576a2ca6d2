"""A tiny UCI engine that misbehaves on request: `fake_engine.py MODE`.

Modes: good (plays its answers in order), variant (the same, offering UCI_Variant xiangqi alone), chess
(offers UCI_Variant chess alone), illegal, garbage, none, crash, hang (deaf after `go`), mute (never answers),
loading (is not ready for a while at first), fairy (calls itself Fairy-Stockfish).
"""

from __future__ import annotations

import sys
import time


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    mode, answers = sys.argv[1], sys.argv[2:]
    for line in sys.stdin:
        words = line.split()
        if mode == "mute" or not words:
            continue
        if words[0] == "uci":
            say(f"id name {'Fairy-Stockfish 11.1' if mode == 'fairy' else 'Fake'}")
            if mode in ("variant", "chess"):
                game = "xiangqi" if mode == "variant" else "chess"
                say(f"option name UCI_Variant type combo default {game} var {game}")
            say("option name Strength type spin default 3 min 1 max 9")
            say("uciok")
        elif words[0] == "isready":
            if mode == "loading":
                time.sleep(1.0)
                mode = "good"
            say("readyok")
        elif words[0] == "setoption":
            print(line.strip(), file=sys.stderr, flush=True)
        elif words[0] == "go":
            if mode == "crash":
                sys.exit(3)
            if mode == "hang":
                continue
            say("info string thinking hard pv h2e2")
            say("info depth 1 score cp 17 wdl 300 500 200 pv h2e2 h9g7 a0a9")
            say("info depth 2 score mate 3 lowerbound pv b2e2")
            say("info depth broken score cp x pv h2e2")
            say("")
            answer = {"illegal": "h2h8", "garbage": "castle", "none": "(none)"}.get(mode)
            say(f"bestmove {answer or (answers.pop(0) if answers else 'h2e2')}")
        elif words[0] == "quit":
            return


main()
