"""Edits that know how to take themselves back, and the journal that keeps them.

An edit changes one thing and returns the edit that restores it. A step is a group of edits that belongs together, such
as playing a move: the journal undoes and redoes whole steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

MAX_STEPS: Final = 1000
"""How many steps can be undone; the oldest are forgotten."""


class Edit(Protocol):
    """One change."""

    def apply(self) -> Edit:
        """Make the change; returns the edit that takes it back."""


@dataclass(frozen=True)
class Assign:
    """Sets an attribute."""

    owner: Any
    name: str
    value: Any

    def apply(self) -> Edit:
        """Set the attribute; the inverse sets the value it had."""
        inverse = Assign(self.owner, self.name, getattr(self.owner, self.name))
        setattr(self.owner, self.name, self.value)
        return inverse


@dataclass(frozen=True)
class Insert:
    """Inserts an item into a list."""

    items: list[Any]
    index: int
    item: Any

    def apply(self) -> Edit:
        """Insert the item; the inverse removes it."""
        self.items.insert(self.index, self.item)
        return Remove(self.items, self.index)


@dataclass(frozen=True)
class Remove:
    """Removes an item from a list."""

    items: list[Any]
    index: int

    def apply(self) -> Edit:
        """Remove the item; the inverse inserts it where it was."""
        return Insert(self.items, self.index, self.items.pop(self.index))


@dataclass(frozen=True)
class Step:
    """Edits that are undone or redone together.

    Attributes:
        edits: what to apply, in order.
        label: what the caller wants to know about the step.
    """

    edits: tuple[Edit, ...]
    label: object = None

    def apply(self) -> Step:
        """Apply all edits; returns the step that takes them back."""
        return Step(tuple(reversed([edit.apply() for edit in self.edits])), self.label)


class Journal:
    """What has been done and what has been undone, step by step."""

    def __init__(self) -> None:
        self.done: deque[Step] = deque(maxlen=MAX_STEPS)
        self.undone: list[Step] = []

    def do(self, edits: Sequence[Edit], label: object = None) -> None:
        """Apply edits as one step. What had been undone can no longer be redone."""
        self.done.append(Step(tuple(edits), label).apply())
        self.undone.clear()

    def undo(self) -> Step | None:
        """Take the last step back and return it; None where there is none."""
        if not self.done:
            return None
        self.undone.append(self.done.pop().apply())
        return self.undone[-1]

    def redo(self) -> Step | None:
        """Do again what was undone last and return it; None where there is nothing."""
        if not self.undone:
            return None
        self.done.append(self.undone.pop().apply())
        return self.done[-1]
