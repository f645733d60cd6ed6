"""What is recorded at the moment: one immutable value in one ContextVar, and the with-blocks that change it."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["State", "current", "is_recording", "keep", "no_grad", "recording", "scope"]


@dataclass(frozen=True, slots=True)  # slots: a node reads it for each operation
class State:
    """One state of recording. Threads and tasks each have their own, through the ContextVar."""

    mode: str = "differentiable"  # or "off"; or "everything": constants get nodes too
    keep: bool = False  # large values stay with their nodes
    scope: tuple[str, ...] = ()
    plain: bool = True  # differentiable and not keep: what the fast path asks


current: ContextVar[State] = ContextVar("autograd_mini.recording", default=State())  # noqa: B039 (immutable)


class Setting(ContextDecorator):
    """A change of the state for the length of a with-block or a call; undone even if it raises."""

    def __init__(self, **change: Any) -> None:
        self.change = change
        self.tokens: list[Token[State]] = []

    def _recreate_cm(self) -> Setting:  # a decorated function may run in several threads at once
        fresh = copy(self)
        fresh.tokens = []
        return fresh

    def changed(self, state: State) -> State:
        """Return the state inside, given the one outside."""
        return replace(state, **self.change)

    def __enter__(self) -> None:
        state = self.changed(current.get())
        plain = state.mode == "differentiable" and not state.keep
        self.tokens.append(current.set(replace(state, plain=plain)))

    def __exit__(self, *exc: object) -> None:
        current.reset(self.tokens.pop())


class no_grad(Setting):
    """Record nothing inside; as a context manager or a decorator.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> w = ag.Tensor(2.0, requires_grad=True)
    >>> with ag.no_grad():
    ...     y = w * w
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(mode="off")


class recording(Setting):
    """Record again inside, within a `no_grad` (differentiable paths; or ``everything=True``)."""

    def __init__(self, everything: bool = False) -> None:
        super().__init__(mode="everything" if everything else "differentiable")


class keep(Setting):
    """Let nodes keep large values too, so that pictures can show them.

    Without it a node keeps its value only if a rule reads it or it has at most 1,024 elements.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> x = ag.Tensor(np.ones((50, 50)), requires_grad=True)
    >>> with ag.keep():
    ...     y = x + 1
    >>> y.node.value is None, (x + 1).node.value is None
    (False, True)
    """

    def __init__(self) -> None:
        super().__init__(keep=True)


class scope(Setting):
    """Name a part of the computation: its nodes are grouped in pictures.

    Parameters
    ----------
    name : str
        Scopes nest: ``("mlp", "layer1")``.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> x = ag.Tensor(2.0, requires_grad=True)
    >>> with ag.scope("layer1"):
    ...     y = x * x
    >>> y.node.scope
    ('layer1',)
    """

    def __init__(self, name: str) -> None:
        super().__init__(scope=name)

    def changed(self, state: State) -> State:
        """Return the state inside: one name deeper."""
        return replace(state, scope=(*state.scope, self.change["scope"]))


def is_recording() -> bool:
    """Return whether computations on Tensors are recorded at the moment."""
    return current.get().mode != "off"
