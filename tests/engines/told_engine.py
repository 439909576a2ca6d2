"""An engine that writes down what it is told: `told_engine.py LOG RULE...`.

A rule `BEGINNING=ANSWER` answers a line that begins so; `|` in the answer begins a new line. The first rule that fits
counts.
"""

from __future__ import annotations

import sys


def main() -> None:
    rules = [rule.partition("=") for rule in sys.argv[2:]]
    for text in sys.stdin:
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(text)
        for beginning, _, answer in rules:
            if text.startswith(beginning):
                print(answer.replace("|", "\n"), flush=True)
                break
        if text.startswith("ping"):
            print("pong" + text[4:], end="", flush=True)
        if text.startswith("isready"):
            print("readyok", flush=True)
        if text.startswith("quit"):
            return


main()
