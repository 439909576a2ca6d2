"""A GPT that plays Xiangqi (Chinese chess), decoded under the tree of legal moves."""

__version__ = "0.1.0"
