"""An engine with faults: `bad_engine.py PROTOCOL FAULT [FOLDER]`. Without a fault that bites it plays h2e2.

Protocols: uci, ucci, cecp. Faults:

none; mute (never greets); hang (never answers a search); crash (dies at a search, its last words on stderr);
stubborn (ignores quit, the end of its input and SIGTERM);
illegal, garbage, empty, none-given, misspelt, other-protocol (the answer to a search);
flood (info lines without end, no answer), flood-then-answer (40 MB of them);
endless-line (one that never ends), long-line-then-answer (40 MB of it);
noise (lines that mean nothing, bytes that are no text), stderr (1 MB to stderr before the answer);
parent (starts a child that ignores everything and holds its pipes; FOLDER/child gets its number),
parent-crash, parent-stubborn, parent-hang (the same with another fault); parent-daemon-hang, parent-daemon-crash (the
child has a process group of its own).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CHILD = (
    "import os, pathlib, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "path = pathlib.Path(sys.argv[1])\n"
    "path.with_suffix('.new').write_text(str(os.getpid()))\n"
    "path.with_suffix('.new').rename(path)\n"
    "time.sleep(120)\n"
)
ANSWERS = {
    "illegal": "bestmove h2h8",
    "garbage": "bestmove castle",
    "empty": "bestmove",
    "none-given": "bestmove (none)",
    "misspelt": "Bestmove: h2e2",
    "other-protocol": "move h2e2",
}


def say(text: str) -> None:
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()


def search(protocol: str, fault: str) -> None:
    cecp = protocol == "cecp"
    line = (
        "3 17 1 99 h2e2 h9g7 h0g2 i9h9 b0c2 b9c7"
        if cecp
        else "info depth 3 score cp 17 nodes 99 pv h2e2 h9g7"
    )
    if protocol == "ucci":
        line = line.replace("cp ", "")
    if fault == "crash":
        sys.stderr.write("out of ideas\n")
        sys.stderr.flush()
        os._exit(3)
    if fault == "hang":
        return
    if fault in ("flood", "flood-then-answer"):
        block = (line.encode() + b"\n") * 20_000
        for _ in range(40_000_000 // len(block) if fault == "flood-then-answer" else 1 << 40):
            sys.stdout.buffer.write(block)
    if fault in ("endless-line", "long-line-then-answer"):
        sys.stdout.buffer.write(b"info string ")
        block = b"bestmove h2e2 " * 50_000
        for _ in range(40_000_000 // len(block) if fault == "long-line-then-answer" else 1 << 40):
            sys.stdout.buffer.write(block)
        say("")
    if fault == "noise":
        say("I am thinking about it")
        sys.stdout.buffer.write(b"\xff\xfe\x00 info \x9f\n\n\ninfo depth\ninfo score cp pv\nreadyok\nuciok\n")
    if fault == "stderr":
        sys.stderr.write("something is wrong\n" * 60_000)
        sys.stderr.flush()
    say(line)
    if fault in ANSWERS:
        answer = ANSWERS[fault]
        say(answer.replace("bestmove", "move", 1) if cecp else answer)
    else:
        say("move h2e2" if cecp else "bestmove h2e2")


def main() -> None:
    protocol, fault = sys.argv[1:3]
    if fault.startswith("parent"):
        path = Path(sys.argv[3]) / "child"
        is_daemon = fault.startswith("parent-daemon")
        subprocess.Popen([sys.executable, "-S", "-c", CHILD, str(path)], start_new_session=is_daemon)
        while not path.exists():
            time.sleep(0.01)
        fault = fault.removeprefix("parent").removeprefix("-daemon").removeprefix("-") or "none"
    if fault == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for text in sys.stdin:
        words = text.split()
        if fault == "mute" or not words:
            continue
        if words[0] == protocol == "uci":
            say("id name Bad\noption name MultiPV type spin default 1 min 1 max 9\nuciok")
        elif words[0] == protocol == "ucci":
            say("id name Bad\noption usemillisec type check default false\nucciok")
        elif words[0] == "protover" and protocol == "cecp":
            say('Welcome.\nfeature myname="Bad" setboard=1 ping=1 variants="xiangqi" done=1')
        elif words[0] == "isready":
            say("readyok")
        elif words[0] == "ping":
            say(f"pong {words[1]}")
        elif words[0] == "go":
            search(protocol, fault)
        elif words[0] == "quit" and fault != "stubborn":
            return
    if fault == "stubborn":
        time.sleep(120)


main()
