"""The words that only the terminal board needs, in English and Chinese."""

from __future__ import annotations

from xiangqi_gpt.play.wording import LANGUAGES, Language

COMMANDS: dict[str, str] = {
    "undo": "undo",
    "u": "undo",
    "悔棋": "undo",
    "hint": "hint",
    "h": "hint",
    "提示": "hint",
    "flip": "flip",
    "f": "flip",
    "翻转": "flip",
    "new": "new",
    "n": "new",
    "新局": "new",
    "fen": "fen",
    "局面": "fen",
    "board": "board",
    "b": "board",
    "棋盘": "board",
    "moves": "moves",
    "着法": "moves",
    "save": "save",
    "保存": "save",
    "pieces": "pieces",
    "棋子": "pieces",
    "lang": "lang",
    "语言": "lang",
    "help": "help",
    "?": "help",
    "帮助": "help",
    "quit": "quit",
    "exit": "quit",
    "q": "quit",
    "退出": "quit",
}
"""What may be typed, and the command that it means."""

_TEXTS: dict[str, tuple[str, str]] = {
    "help": (
        """A move: h2e2, H2-E2, C2=5 or 炮二平五.
undo (u)            take your last move back
hint [N] (h)        the N best moves of the opponent's mind (default 5, or all)
flip (f)            turn the board round
new [red|black] (n) a new game, with the side to play if you like
fen [FEN]           print the position, or begin from one
board (b), moves    show the board, the moves of the game
save [FILE]         save the game as PGN
pieces chinese|simplified|letters, lang en|zh
help (?), quit (q)""",
        """走棋：h2e2、H2-E2、C2=5 或 炮二平五
undo 悔棋           收回你的上一步
hint [N] 提示       对手心中最好的 N 步（默认 5，或 all）
flip 翻转           翻转棋盘
new [red|black] 新局  开新局，可选执红或执黑
fen [FEN] 局面      显示局面，或从一个局面开始
board 棋盘，moves 着法
save [FILE] 保存    把对局存为 PGN
pieces chinese|simplified|letters 棋子，lang en|zh 语言
help 帮助，quit 退出""",
    ),
    "welcome": (
        "You play {side} against {player}. Type a move such as h2e2, or help.",
        "你执{side}，对手 {player}。输入着法（如 h2e2 或 炮二平五），或输入 help 看帮助。",
    ),
    "unknown": (
        "I do not understand {text!r}. Type a move such as h2e2 or C2=5, or help.",
        "看不懂“{text}”。请输入着法（如 h2e2 或 炮二平五），或输入 help 看帮助。",
    ),
    "no_piece": ("The piece of {text!r} is not there.", "盘上没有“{text}”要走的那个子。"),
    "refused": ("{move} is not legal: {reason}.", "{move} 不合规则：{reason}。"),
    "plays": ("{player} plays {move} ({iccs})", "{player} 走 {move}（{iccs}）"),
    "prob": ("probability {prob}", "概率 {prob}"),
    "leak": ("leak {leak}", "规则外 {leak}"),
    "no_moves": ("No move has been played.", "还没有走棋。"),
    "bad_count": (
        "Expected a number of moves or all, found {text!r}.",
        "请输入着法数目或 all，而不是“{text}”。",
    ),
    "bad_choice": ("Expected {choices}, found {text!r}.", "请输入 {choices}，而不是“{text}”。"),
    "ended": ("The game is over: new, undo or quit.", "对局已结束：new 新局，undo 悔棋，quit 退出。"),
    "plain_letters": (
        "This terminal cannot show Chinese characters; letters are used.",
        "This terminal cannot show Chinese characters; letters are used.",
    ),
}


def tell(language: Language, key: str, **values: object) -> str:
    """The text of `key` with its fields filled in."""
    return _TEXTS[key][LANGUAGES.index(language)].format(**values)
