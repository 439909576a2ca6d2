"""The rules of Xiangqi: board, moves, FEN, legality with reasons, and the end of a game."""

from __future__ import annotations

from xiangqi_gpt.errors import (
    ConfigError,
    FenError,
    FenFault,
    FenFaultCode,
    Illegality,
    IllegalMoveError,
    ModelError,
    MoveError,
    NoPieceError,
    PlayerError,
    Reason,
    RecordError,
    XiangqiError,
)
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN, fen_faults, format_fen, parse_fen
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.outcome import Outcome, Termination
from xiangqi_gpt.rules.perft import divide, perft
from xiangqi_gpt.rules.pieces import BLACK, RED, Color, Piece, PieceKind
from xiangqi_gpt.rules.rulesets import RULE_SETS, RuleSet, get_rule_set
from xiangqi_gpt.rules.squares import (
    Square,
    file_of,
    mirror,
    parse_square,
    rank_of,
    rotate,
    square,
    square_name,
)

__all__ = [
    "BLACK",
    "MOVES",
    "RED",
    "RULE_SETS",
    "START_FEN",
    "Board",
    "Color",
    "ConfigError",
    "FenError",
    "FenFault",
    "FenFaultCode",
    "IllegalMoveError",
    "Illegality",
    "ModelError",
    "Move",
    "MoveError",
    "NoPieceError",
    "Outcome",
    "Piece",
    "PieceKind",
    "PlayerError",
    "Reason",
    "RecordError",
    "RuleSet",
    "Square",
    "Termination",
    "XiangqiError",
    "divide",
    "fen_faults",
    "file_of",
    "format_fen",
    "get_rule_set",
    "mirror",
    "parse_fen",
    "parse_square",
    "perft",
    "rank_of",
    "rotate",
    "square",
    "square_name",
]
