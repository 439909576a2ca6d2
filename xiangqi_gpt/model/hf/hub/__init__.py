"""The code that travels with a model to a model hub; it needs torch and transformers, and nothing of this package.

:mod:`xiangqi_gpt.model.hub_export` copies the other files of this folder as they are. They import each other relatively
and nothing else of xiangqi_gpt. They cover models with a table of moves, those of the presets `laptop` and `large`.
"""
