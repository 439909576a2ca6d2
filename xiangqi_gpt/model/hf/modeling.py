"""The GPT as a model of transformers: ``from_pretrained``, ``generate``, ``Trainer``, adapters of PEFT."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel
from transformers.utils.generic import ModelOutput

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.attention import AttentionState
from xiangqi_gpt.model.config import own_settings
from xiangqi_gpt.model.generation import text_inputs
from xiangqi_gpt.model.gpt import IGNORED, XiangqiGPT
from xiangqi_gpt.model.hf.configuration import XiangqiGPTPreTrainedConfig
from xiangqi_gpt.model.weights import write_companions
from xiangqi_gpt.rules.fen import START_FEN


@dataclass
class XiangqiGPTCausalLMOutput(ModelOutput):
    """What :class:`XiangqiGPTOutput` holds, and the loss, in the form that transformers knows."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    value_logits: Tensor | None = None
    states: tuple[AttentionState, ...] | None = None
    legal_logits: Tensor | None = None
    move_logprobs: Tensor | None = None


class XiangqiGPTForCausalLM(XiangqiGPT, PreTrainedModel, GenerationMixin):
    """:class:`XiangqiGPT` with everything that transformers offers for its models.

    It takes the ids of a game so far (condition tokens, BOS, the tokens of all moves), and replays the boards itself:
    ``model(ids)``, ``model(ids, labels=ids)``, ``model.generate(ids)``; ``root_fen`` is the position that the ids begin
    at. It takes the inputs of :meth:`XiangqiGPT.forward` as well.
    """

    config_class = XiangqiGPTPreTrainedConfig
    config: XiangqiGPTPreTrainedConfig
    base_model_prefix = "gpt"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Layer"]  # noqa: RUF012 - transformers reads it as a plain class attribute
    _supports_sdpa = True
    _supports_flex_attn = True

    def __init__(self, config: XiangqiGPTPreTrainedConfig) -> None:
        PreTrainedModel.__init__(self, config)
        self.gradient_checkpointing = False  # transformers sets it where a module has it
        self._build(config)
        if config.tie_word_embeddings:
            self._tied_weights_keys = {"lm_head.weight": "tokens.weight"}
        self.post_init()
        self._finish()

    @classmethod
    def of(cls, model: XiangqiGPT) -> XiangqiGPTForCausalLM:
        """*model* in this form, with the same weights in memory; *model* itself if it is in this form."""
        if isinstance(model, cls):
            return model
        made = cls.skeleton(XiangqiGPTPreTrainedConfig(**own_settings(model.config.to_dict())))
        made._modules.update(model._modules)
        made.config._attn_implementation = model.attention_backend
        made.train(model.training)
        return made

    def core(self) -> XiangqiGPT:
        """The model without transformers, with the same weights in memory."""
        made = XiangqiGPT.skeleton(self.config.core())
        made._modules.update(self._modules)
        made.train(self.training)
        return made

    @property
    def attention_backend(self) -> str:  # type: ignore[override]
        return self.config._attn_implementation or "sdpa"

    @property
    def device(self) -> torch.device:
        return self.lm_head.weight.device

    def _init_weights(self, module: nn.Module) -> None:
        XiangqiGPT._init_weights(self, module)

    def get_input_embeddings(self) -> nn.Module:
        return self.tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.tokens = cast(nn.Embedding, value)

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.lm_head = new_embeddings

    def resize_token_embeddings(self, *arguments: Any, **options: Any) -> Any:
        """Refused: the vocabulary is that of the tokenizer, and heads and tables count on it."""
        raise ConfigError("The size of the vocabulary is that of the tokenizer and cannot be changed.")

    @classmethod
    def register_for_auto_class(cls, auto_class: object = "AutoModel") -> None:
        """Nothing to do: a saved folder names its classes already."""

    def save_pretrained(self, save_directory: str | os.PathLike[str], **options: Any) -> None:  # type: ignore[override]
        """As in transformers, with what ``AutoTokenizer`` and ``trust_remote_code=True`` need beside the weights."""
        PreTrainedModel.save_pretrained(self, save_directory, **options)
        if options.get("is_main_process", True):
            write_companions(Path(save_directory), self.config)

    def forward(  # type: ignore[override]
        self,
        input_ids: Tensor,
        slots: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        root_fen: str = START_FEN,
        attention_mask: Tensor | None = None,
        return_dict: bool | None = None,
        **inputs: Any,
    ) -> XiangqiGPTCausalLMOutput | tuple[Any, ...]:
        """Logits (B, T, V) and what else :meth:`XiangqiGPT.forward` gives.

        Without *slots* the ids (B, T) are whole texts that begin at *root_fen*. *labels* (B, T) are ids as in
        *input_ids*, or -100: they are shifted here, as everywhere in transformers, so that the token at t + 1 is what
        the logits at t are measured by. The mask may hide tokens at the right end only, which no earlier token sees.

        Raises:
            ConfigError: texts longer than the context, labels of packed branches, a mask that hides earlier tokens.
        """
        inputs = {key: value for key, value in inputs.items() if key not in _UNUSED}
        if labels is not None and inputs.get("visible") is not None:
            raise ConfigError(
                "labels: no loss for packed branches ('visible'), because the next token in the row is not the next "
                "one in the game; compute the loss from the logits"
            )
        if slots is None:
            inputs = {**self._inputs_of(input_ids, root_fen, attention_mask), **inputs}
        else:
            inputs = {"input_ids": input_ids, "slots": slots, **inputs}
        output = XiangqiGPT.forward(self, **inputs)
        loss = None
        if labels is not None:
            loss = self._loss(output.logits, labels)
        made = XiangqiGPTCausalLMOutput(loss=loss, **vars(output))
        wanted = self.config.return_dict if return_dict is None else return_dict
        return made if wanted is None or wanted else made.to_tuple()

    def _inputs_of(self, ids: Tensor, root_fen: str, mask: Tensor | None) -> dict[str, Any]:
        plies = (ids.shape[1] - self.tokenizer.condition.length - 1) // self.tokenizer.slots
        if plies >= self.config.context_plies:
            raise ConfigError(
                f"expected texts of fewer than {self.config.context_plies} plies (context_plies), found {plies}; cut "
                "them and give the position at the cut as root_fen"
            )
        if mask is not None and bool((mask[:, 1:] > mask[:, :-1]).any()):
            raise ConfigError(
                "attention_mask: the padding must be at the right end; set padding_side='right'"
            )
        return text_inputs(self, ids, root_fen)

    def _loss(self, logits: Tensor | None, labels: Tensor) -> Tensor:
        """Mean cross-entropy of the tokens after the condition tokens and BOS, which are inputs only."""
        if logits is None:
            raise ConfigError("labels need logits; leave out with_logits=False")
        read = self.tokenizer.condition.length + 1
        targets = labels[:, read:]
        return F.cross_entropy(
            logits[:, read - 1 : -1].flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED
        )

    def prepare_inputs_for_generation(  # it takes less, and names what it takes
        self,
        input_ids: Tensor,
        root_fen: str = START_FEN,
        attention_mask: Tensor | None = None,
        **kwargs: Any,  # generate looks for this very name
    ) -> dict[str, Any]:
        """Inputs of ``forward`` for *input_ids* (B, T); only the logits of the last token mean the next token.

        The context is windowed as in play. All rows are equally long, so the attention mask of ``generate`` changes
        nothing.
        """
        return text_inputs(self, input_ids, root_fen)


# What transformers and PEFT hand to every model.
_UNUSED = frozenset(
    (
        "cache_position",
        "inputs_embeds",
        "logits_to_keep",
        "num_items_in_batch",
        "output_attentions",
        "output_hidden_states",
        "past_key_values",
        "position_ids",
        "token_type_ids",
        "use_cache",
    )
)
