from xiangqi_gpt.errors import XiangqiError as XiangqiError
from xiangqi_gpt.model.checkpoint import load_model as load_model
from xiangqi_gpt.notation import parse as parse
from xiangqi_gpt.notation import render as render
from xiangqi_gpt.players import Limit as Limit
from xiangqi_gpt.players import PlayerSpec as PlayerSpec
from xiangqi_gpt.players import create_player as create_player
from xiangqi_gpt.records import read_games as read_games
from xiangqi_gpt.records import write_games as write_games
from xiangqi_gpt.rules import Board as Board
from xiangqi_gpt.rules import Move as Move

__version__: str
__all__: list[str]
