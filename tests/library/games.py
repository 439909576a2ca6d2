"""Small game files for the tests of collections."""

from __future__ import annotations

from pathlib import Path

PGN = """[Game "Chinese Chess"]
[Event "Spring Cup"]
[Date "1999.05.01"]
[Red "许银川"]
[Black "胡荣华"]
[Opening "C45"]
[Result "1-0"]

1. h2e2 h9g7 2. h0g2 i9h9 3. i0h0 1-0

[Game "Chinese Chess"]
[Event "Summer Open"]
[Date "2005.07.02"]
[Red "胡荣华"]
[Black "Lee_100%"]
[ECCO "A10"]
[Round "7"]
[Result "1/2-1/2"]

1. c3c4 g6g5 2. b0c2 1/2-1/2

[Game "Chinese Chess"]
[Event "Spring Cup"]
[Red "吕钦"]
[Black "许银川"]
[Result "0-1"]

1. b2e2 b9c7 2. b0c2 h9g7 0-1

[Game "Chinese Chess"]
[Result "*"]
[FEN "3k5/9/9/9/9/9/9/9/4R4/5K3 w - - 0 1"]

1. e1d1 d9e9 2. d1e1 e9d9 3. e1d1 *

"""


def write_pgn(folder: Path, text: str = PGN, name: str = "games.pgn") -> Path:
    """A PGN file with games; by default the four of `PGN`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
