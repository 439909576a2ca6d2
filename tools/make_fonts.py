"""Make the bundled fonts: subsets of Noto Sans CJK and Noto Serif CJK with every character the game shows.

    python -m tools.make_fonts --source /usr/share/fonts/opentype/noto --out assets/fonts

The sources are Debian's `fonts-noto-cjk`; fonttools comes with the `dev` extra. Three files:
`XiangqiSans-Regular.otf` for text, with the most common simplified and traditional characters besides our own so
that a comment or a player's name is rarely a box, `XiangqiSerif-Bold.otf` for headings, and
`XiangqiPieces-Bold.otf`, in the traditional forms, for pieces, river and numerals.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "xiangqi_gpt"
SPEAKING = ("gui", "play", "players", "rules")
"""Folders of the package whose words reach the window."""

LATIN = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100)]))
PUNCTUATION = (
    "–—‘’“”•…‰′″←↑→↓↔≈≠≤≥×÷±·−√∞●○◆◇■□▲△▼▽★☆、。〈〉《》「」『』【】！（），．：；？％／～・＝＋－＊"
)
PIECES = "帥仕相俥傌炮兵將士象車馬砲卒帅仕相车马炮兵将士象车马炮卒帥將傌馬炮砲包后後進进退平上下前中後"
NUMERALS = "〇零一二三四五六七八九十百千０１２３４５６７８９"
RIVER = "楚河漢界汉"
TRADITIONAL = "紅黑勝負負將軍絕殺困斃長捉違規無效擋腳塞眼馬車過宮營悔棋認輸開來對臉飛讓著這個沒動點線圖體設語"


def common_characters() -> str:
    """The first levels of GB 2312 (3,755 simplified characters) and of Big5 (5,401 traditional ones)."""
    simplified = (bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    traditional = (bytes((high, low)) for high in range(0xA4, 0xC7) for low in range(0x40, 0xFF))
    return "".join(
        pair.decode(encoding, errors="ignore")
        for encoding, pairs in (("gb2312", simplified), ("big5", traditional))
        for pair in pairs
    )


def source_characters() -> set[str]:
    """Every non-ASCII character of the catalogue and of the sources of `SPEAKING`, docstrings aside."""
    found: set[str] = set()
    files = {path for folder in SPEAKING for path in (PACKAGE / folder).rglob("*.py")}
    for path in sorted(files):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                found.update(node.value)
    found.update((PACKAGE / "catalogue.toml").read_text(encoding="utf-8"))
    return {char for char in found if not char.isascii() and char.isprintable()}


def make_subset(
    source: Path, number: int, characters: Iterable[str], family: str, style: str, out: Path
) -> None:
    """Write face `number` of the collection `source`, reduced to `characters`, as `out`.

    The licence and copyright entries of the name table stay; the family is renamed, since it is a modified
    version. Characters that the source lacks are left out.
    """
    from fontTools import subset  # type: ignore[import-untyped]

    options = subset.Options()
    options.font_number = number
    options.layout_features = []
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14]
    options.notdef_outline = True
    font = subset.load_font(str(source), options)
    worker = subset.Subsetter(options)
    worker.populate(text="".join(characters))
    worker.subset(font)
    compact = family.replace(" ", "")
    names = {1: family, 2: style, 3: f"{compact}-{style}", 4: f"{family} {style}", 6: f"{compact}-{style}"}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    font["head"].modified = font["head"].created  # the same input gives the same file, whenever it is made
    font.recalcTimestamp = False
    font.save(str(out))


def main() -> None:
    """Command line: `--source` folder of the Noto collections, `--out` folder of the subsets."""
    parser = argparse.ArgumentParser(description="Make the bundled fonts from the Noto CJK collections.")
    parser.add_argument("--source", type=Path, default=Path("/usr/share/fonts/opentype/noto"))
    parser.add_argument("--out", type=Path, default=Path("assets/fonts"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    board = set(PIECES + NUMERALS + RIVER + LATIN)
    own = set(LATIN + PUNCTUATION + PIECES + NUMERALS + RIVER + TRADITIONAL) | source_characters()
    simplified, traditional = 2, 3  # faces inside the collections; 0 is Japanese, 1 Korean
    jobs = (
        ("NotoSansCJK-Regular.ttc", simplified, own | set(common_characters()), "Xiangqi Sans", "Regular"),
        ("NotoSerifCJK-Bold.ttc", simplified, own, "Xiangqi Serif", "Bold"),
        ("NotoSerifCJK-Bold.ttc", traditional, board, "Xiangqi Pieces", "Bold"),
    )
    for name, number, characters, family, style in jobs:
        out = options.out / f"{family.replace(' ', '')}-{style}.otf"
        make_subset(options.source / name, number, sorted(characters), family, style, out)
        print(f"{out}: {len(characters)} characters asked, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
