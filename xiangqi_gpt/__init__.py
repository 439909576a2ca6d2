"""A GPT that plays Xiangqi (Chinese chess), decoded under the tree of legal moves."""

from xiangqi_gpt import _transformers

__version__ = "0.1.0"

_transformers.install()
