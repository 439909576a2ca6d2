"""The words of the window and of the terminal board, in English and Chinese."""

from __future__ import annotations

import locale
import os
from collections.abc import Iterable
from typing import Literal, TypeAlias

from xiangqi_gpt.notation import chinese, wxf
from xiangqi_gpt.rules import Board, Color, Move

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

PieceSet: TypeAlias = Literal["chinese", "simplified", "letters"]
PIECE_SETS: dict[PieceSet, str] = {
    "chinese": " 帥仕相傌俥炮兵將士象馬車砲卒",
    "simplified": " 帅仕相马车炮兵将士象马车炮卒",
    "letters": " KAEHRCPKAEHRCP",
}
"""What stands on a piece, by piece code."""

TITLE = "xiangqi_gpt"
RIVER = ("楚河", "漢界")
RED_FILES = "九八七六五四三二一"
"""File labels of Red's side, by file a-i."""
BLACK_FILES = "123456789"
"""File labels of Black's side, by file a-i."""

TEXTS: dict[str, tuple[str, str]] = {
    "red": ("Red", "红方"),
    "black": ("Black", "黑方"),
    "you": ("you", "你"),
    "loading": ("loading the model", "模型载入中"),
    "thinking": ("thinking", "思考中"),
    "hinting": ("looking for a hint", "正在想提示"),
    "your_move": ("{side} to move: your turn", "轮到你走（{side}）"),
    "their_move": ("{side} to move", "轮到{side}走"),
    "to_move": ("to move", "走棋"),
    "check": ("將! {side} is in check", "将军！{side}被将军"),
    "viewing": ("Ply {ply} of {plies}. End: back to the game", "第 {ply}/{plies} 步，按 End 回到对局"),
    "red_wins": ("{text}. Red wins.", "{text}，红胜。"),
    "black_wins": ("{text}. Black wins.", "{text}，黑胜。"),
    "drawn": ("{text}.", "{text}。"),
    "rules": ("{rules}", "按{rules}"),
    "game_over": ("The game is over; N begins a new one", "对局已结束，按 N 开新局"),
    "not_your_turn": ("It is the opponent's turn", "现在轮到对方走"),
    "not_now": ("This is an earlier position; End returns to the game", "这是以前的局面，按 End 回到对局"),
    "nothing_to_undo": ("There is no move to take back", "没有可悔的棋"),
    "undone": ("Taken back. {side} to move", "已悔棋，轮到{side}走"),
    "no_hint": ("There is no hint: it is not your turn", "没轮到你走，不能提示"),
    "player_failed": ("The opponent failed: {error}", "对手出错：{error}"),
    "started": ("New game. {side} to move", "新局开始，轮到{side}走"),
    "bad_paste": ("The clipboard holds no position: {error}", "剪贴板里没有局面：{error}"),
    "copied": ("The position (FEN) is on the clipboard", "局面（FEN）已复制到剪贴板"),
    "player_person": ("Human", "棋手"),
    "saved": ("Saved as {file}", "已保存为 {file}"),
    "not_saved": ("Not saved: {error}", "未能保存：{error}"),
    "candidates": ("Candidates", "候选着法"),
    "considered": ("{side} considered", "{side}的考虑"),
    "hint_for": ("Hint for {side}", "给{side}的提示"),
    "no_analysis": ("Nothing to show yet. H asks for a hint.", "暂无内容，按 H 看提示"),
    "no_thoughts": ("This opponent does not tell its thoughts.", "这个对手不显示想法。"),
    "leak": ("leak", "规则外"),
    "value": ("Red {red} %  draw {draw} %  Black {black} %", "红 {red}%  和 {draw}%  黑 {black}%"),
    "moves": ("Moves", "着法"),
    "undo": ("Undo", "悔棋"),
    "hint": ("Hint", "提示"),
    "flip": ("Flip", "翻转"),
    "new": ("New game", "新局"),
    "language": ("中文", "English"),
    "theme": ("Theme", "主题"),
    "menu_title": ("New game", "新局"),
    "menu_side": ("You play", "你执"),
    "menu_opponent": ("Opponent", "对手"),
    "menu_style": ("Its style", "风格"),
    "menu_pieces": ("Pieces", "棋子"),
    "menu_start": ("Start", "开始"),
    "menu_cancel": ("Cancel", "取消"),
    "side_red": ("Red", "红方"),
    "side_black": ("Black", "黑方"),
    "opponent_greedy": ("Greedy", "贪吃"),
    "opponent_random": ("Random", "随机"),
    "style_firm": ("Firm", "稳健"),
    "style_varied": ("Varied", "多变"),
    "style_free": ("Free", "随性"),
    "pieces_chinese": ("帥 車", "繁体"),
    "pieces_simplified": ("帅 车", "简体"),
    "pieces_letters": ("K R", "字母"),
}
"""(English, Chinese) by key; the fields in braces are the same in both."""


def say(language: Language, key: str, **values: object) -> str:
    """The text of `key` with its fields filled in."""
    return TEXTS[key][LANGUAGES.index(language)].format(**values)


def side_name(language: Language, color: Color) -> str:
    """ "Red" or "红方"."""
    return say(language, "red" if color is Color.RED else "black")


def move_text(language: Language, board: Board, move: Move) -> str:
    """A legal move as its readers write it: "C2=5" in English, "炮二平五" in Chinese.

    `board` is the position before the move.
    """
    return wxf.render(board, move) if language == "en" else chinese.render(board, move, digits="full")


def whole_percents(shares: Iterable[float]) -> list[int]:
    """Shares of 1 as whole percents that sum to 100: what rounding leaves goes to the largest remainders."""
    exact = [100 * share for share in shares]
    whole = [int(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i])
    for i in order[: max(0, round(sum(exact)) - sum(whole))]:
        whole[i] += 1
    return whole


def player_label(spec: str) -> str:
    """A short name for a player: "GPT", "GPT 500ms (T=0.5)" with what it looks ahead and its temperature,
    "fairy-stockfish, nodes=100".
    """
    name, _, rest = spec.partition(":")
    if name == "gpt":
        own = dict(item.strip().partition("=")[::2] for item in rest.split(",") if item.strip())
        ahead = f" {own['lookahead']}" if "lookahead" in own else ""
        drawn = f" (T={own['temperature']})" if "temperature" in own else ""
        return f"GPT{ahead}{drawn}"
    if name == "engine":
        command, *settings = rest.split(",")
        return ", ".join([command.replace("\\", "/").rsplit("/", 1)[-1], *settings])
    return spec


def split_temperature(spec: str) -> tuple[str, float | None]:
    """The spec of a GPT without its temperature, and the temperature; other specs as they are, and None."""
    name, _, rest = spec.partition(":")
    if name != "gpt":
        return spec, None
    items = [item.strip() for item in rest.split(",") if item.strip()]
    kept = [item for item in items if not item.startswith("temperature=")]
    found = [item.partition("=")[2] for item in items if item.startswith("temperature=")]
    try:
        temperature = float(found[0]) if found else 0.0
    except ValueError:
        return spec, None
    return ":".join(filter(None, (name, ",".join(kept)))), temperature


def with_temperature(spec: str, temperature: float) -> str:
    """The spec of a GPT with this temperature in place of its own; 0, the player's habit, is left out."""
    spec = split_temperature(spec)[0]
    return f"{spec}{',' if ':' in spec else ':'}temperature={temperature:g}" if temperature else spec


def default_language() -> Language:
    """Chinese where the machine speaks it, English elsewhere."""
    spoken = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    told = next((name for name in spoken if name), "") or (locale.getlocale()[0] or "")
    return "zh" if told.lower().startswith(("zh", "chinese")) else "en"
