"""What is recorded at the moment: one immutable value in one ContextVar, and the with-blocks that change it."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager, ContextDecorator
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

__all__ = ["State", "Tracer", "Watch", "current", "is_recording", "keep", "no_grad", "recording", "scope"]


class Watch(Protocol):
    """Somebody who looks on while results are recorded: `ag.debug`."""

    def recorded(self, rule: Any, operands: Any, result: Any) -> None:
        """A rule was applied: `result` is a Tensor, or a tuple of them."""

    def composed(self, function: Any, implementation: Any, args: Any, kwargs: Any, name: str) -> Any:
        """Call what a function is rewritten as."""

    def cut(self, result: Any, operands: Any, kind: str, how: str) -> None:
        """A result was made to which no cotangent passes."""

    def left(self, tensor: Any, how: str) -> None:
        """A value left the graph."""


class Tracer(Watch, Protocol):
    """Somebody who records a whole function: constants get nodes too, and no value may leave."""

    def noted(self, node: Any) -> None:
        """A node was made."""

    def holds(self, tensor: Any) -> None:
        """A Tensor was made by hand."""

    def writes(self, tensor: Any, what: str) -> None:
        """A Tensor is about to be changed."""

    def adopt(self, tensor: Any) -> None:
        """A constant without a node takes part."""

    def sweep(self) -> AbstractContextManager[None]:
        """A reverse sweep begins, and ends."""
        ...

    def cotangent(self, node: Any, g: Any) -> None:
        """A sweep has found the whole cotangent of a node."""

    def constant(self, function: Any, args: Any, kwargs: Any, result: Any) -> Any:
        """Return the result of a function through which no cotangent passes, recorded."""

    def body(self, rule: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Return what a function of somebody's own computes, step by step; None if it is one step."""

    def demands(self, condition: Any, error: Any) -> None:
        """Something is an error unless a condition holds everywhere."""

    def outside(self, values: Any, what: str) -> None:
        """Something needs values as such, and cannot if they are computed by the program."""

    def refused(self, what: str, fix: str) -> Exception:
        """Return the error of something that a program cannot hold."""


class State(NamedTuple):
    """One state of recording. Threads and tasks each have their own, through the ContextVar."""

    mode: str = "differentiable"  # or "off"
    keep: bool = False  # large values stay with their nodes
    scope: tuple[str, ...] = ()
    plain: bool = True  # differentiable, not keep, nobody watches: what the fast path asks
    blocks: tuple[tuple[Any, Any], ...] = ()  # the settings entered, each with the state outside
    watch: Watch | None = None
    trace: Tracer | None = None  # everything is recorded, constants too: `ag.trace`


current: ContextVar[State] = ContextVar("autograd_mini.recording", default=State())  # noqa: B039 (immutable)


class Setting(ContextDecorator):
    """A change of the state for the length of a with-block or a call; undone even if it raises."""

    def __init__(self, **change: Any) -> None:
        self.change = change

    def __call__(self, function: Any) -> Any:
        if not callable(function):
            name = type(self).__name__
            raise TypeError(
                f"ag.{name} decorates functions; this is a {type(function).__name__}. For a part of a program write "
                f"`with ag.{name}(...):`."
            )
        kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        if any(kind(function) for kind in kinds):
            raise TypeError(
                f"ag.{type(self).__name__}: {function.__name__} is a generator or coroutine: its body runs after the "
                f"call, when the block has been left. Write `with ag.{type(self).__name__}(...):` inside it."
            )
        return super().__call__(function)

    def changed(self, state: State) -> State:
        """Return the state inside, given the one outside."""
        return state._replace(**self.change)

    def entered(self, outside: State) -> State:
        """Return the state inside, which knows the way out."""
        mode, keep, scope, _, _, watch, trace = self.changed(outside)
        plain = mode == "differentiable" and not keep and watch is None and trace is None
        return State(mode, keep, scope, plain, (*outside.blocks, (self, outside)), watch, trace)

    def __enter__(self) -> None:
        current.set(self.entered(current.get()))

    def __exit__(self, *exc: object) -> None:
        # Not ContextVar.reset: generators may leave their blocks in another order than they entered them, or in
        # another context. So this block is taken out wherever it stands, and those entered after it stay.
        blocks = current.get().blocks
        if blocks and blocks[-1][0] is self:
            current.set(blocks[-1][1])
            return
        places = [i for i, (setting, _) in enumerate(blocks) if setting is self]
        if places:
            state = blocks[places[-1]][1]
            for setting, _ in blocks[places[-1] + 1 :]:
                state = setting.entered(state)
            current.set(state)


class no_grad(Setting):
    """Record nothing inside; as a context manager or a decorator.

    A thread or a task has its own state: what one does inside is not seen by the others. A new thread begins with
    recording on, and a new task of asyncio as its maker is; Python can hand the state on to threads too
    (``sys.flags.thread_inherit_context``). A generator runs in its caller's state, so one that yields inside the block
    leaves its caller inside until it goes on: let it yield outside.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> w = ag.Tensor(2.0, requires_grad=True)
    >>> with ag.no_grad():
    ...     y = w * w
    >>> y.requires_grad
    False
    """

    def __init__(self, *function: Any) -> None:
        if function:
            raise TypeError("no_grad takes no argument. As a decorator it needs its parentheses: @ag.no_grad().")
        super().__init__(mode="off")


class recording(Setting):
    """Record again inside, within a `no_grad`."""

    def __init__(self, *function: Any) -> None:
        if function:
            raise TypeError("recording takes no argument. As a decorator it needs its parentheses: @ag.recording().")
        super().__init__(mode="differentiable")


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

    def __init__(self, *function: Any) -> None:
        if function:
            raise TypeError("keep takes no argument. As a decorator it needs its parentheses: @ag.keep().")
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
        if not isinstance(name, str):
            raise TypeError(f'scope takes a name, as in ag.scope("layer1"), not a {type(name).__name__}.')
        self.change = {"scope": name}

    def entered(self, outside: State) -> State:
        """Return the state inside: one name deeper."""
        mode, keep, scope, plain, blocks, watch, trace = outside  # every layer does this: the general way takes thrice
        inside = mode, keep, (*scope, self.change["scope"]), plain, (*blocks, (self, outside)), watch, trace  # as long
        return tuple.__new__(State, inside)


def is_recording() -> bool:
    """Return whether computations on Tensors are recorded at the moment."""
    return current.get().mode != "off"
