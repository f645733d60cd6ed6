"""Module and Parameter: a model is an object whose attributes are its parameters and its parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

import autograd_mini as ag

from .checks import array_of, lazy, shown

__all__ = ["Module", "Parameter", "observe"]

_changes = itertools.count(1)  # so a compiled function asks one question in place of one for each attribute
_observer: ContextVar[Callable[[Module, Any], None] | None] = ContextVar("nn.observer", default=None)


class Parameter(ag.Tensor):
    """A leaf that belongs to a model and is to be trained. It copies its data.

    Parameters
    ----------
    data : array_like of float
        The initial value.
    name : str, optional
        What pictures call it.

    Examples
    --------
    >>> import numpy as np, nn
    >>> a = np.zeros(2)
    >>> p = nn.Parameter(a)
    >>> p.data += 1
    >>> a, p.data, p.requires_grad
    (array([0., 0.]), array([1., 1.]), True)
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        if lazy(data) or (isinstance(data, ag.Tensor) and lazy(data.data)):
            raise ag.errors.UnsupportedArgumentError(
                "Parameter: its data would be computed and fetched into memory here. Say so: "
                "nn.Parameter(np.asarray(data)); data that are not trained may stay where they are, in a Tensor."
            )
        super().__init__(np.array(data, subok=isinstance(data, np.ma.MaskedArray)), requires_grad=True, name=name)


class Module:
    """Base class of layers and models: write `forward`, assign parameters and parts as attributes.

    Parameters and parts may also stand in lists, tuples and dicts. Calling a module runs `forward` inside a `scope` of
    its name, so that pictures show it as one group.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         self.linear = nn.Linear(2, 2, rng=0)
    ...     def forward(self, x):
    ...         return self.linear(self.linear(x))
    >>> model = Twice()
    >>> [name for name, _ in model.named_parameters()]
    ['linear.weight', 'linear.bias']
    >>> model(np.ones((3, 2))).shape
    (3, 2)
    """

    __changes__: ClassVar[list[int]] = [0]  # another number after each change of an attribute of any module
    training: bool = True
    place: str = ""  # the attribute under which the parent holds this module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; written by the subclass, in NumPy."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward(): write what it computes, as in "
            "`def forward(self, x): return self.linear(x)`."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output."""
        return self.at(self.place, *args, **kwargs)

    def at(self, place: str, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` inside a `scope` of this name: a parent that holds a module in two places tells them apart."""
        if place:
            with ag.scope(place):
                out = self.forward(*args, **kwargs)
        else:
            out = self.forward(*args, **kwargs)
        observer = _observer.get()
        if observer is not None:
            observer(self, out)
        return out

    def __setattr__(self, name: str, value: Any) -> None:
        for place, member in _members(name, value):
            if isinstance(member, Module):
                member.place = place
            elif member.name is None:
                member.name = place
        object.__setattr__(self, name, value)
        self.__changes__[0] = next(_changes)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self.__changes__[0] = next(_changes)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the parts held directly, with their names: ``encoder``, ``layers.0``."""
        for attribute, value in vars(self).items():
            yield from ((name, member) for name, member in _members(attribute, value) if isinstance(member, Module))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it, each once, with dotted names; a part follows what holds it."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            name, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module
                stack.extend([(_dotted(name, part), child) for part, child in module.children()][::-1])

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield each parameter once, with its dotted name, in the order of the model."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for attribute, value in vars(module).items():
                for name, member in _members(attribute, value):
                    if isinstance(member, Parameter) and id(member) not in seen:
                        seen.add(id(member))
                        yield _dotted(prefix, name), member

    def parameters(self) -> list[Parameter]:
        """Return the parameters: weight, bias, weight, bias, ..."""
        return [parameter for _, parameter in self.named_parameters()]

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all parameter values by name."""
        return {name: parameter.data.copy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy values into the parameters; names, shapes and kinds must agree, else nothing is changed.

        Raises
        ------
        KeyError
            If names are missing or unknown.
        ShapeError, DTypeError
            If a value has another shape than its parameter, or cannot be cast to its dtype.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict: state is {shown(state)}, but must be a dict from names to arrays, such as the "
                "state_dict() of a model."
            )
        own = dict(self.named_parameters())
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise KeyError(
                f"load_state_dict: the state does not fit this model: missing {_listed(missing)}, unknown "
                f"{_listed(unknown)}. Build the model as it was when the state was saved."
            )
        values = {}
        for name in own:  # of a Tensor, its value: nothing here is differentiated
            value = state[name].numpy() if isinstance(state[name], ag.Tensor) else state[name]
            values[name] = array_of("load_state_dict", name, value, "fiubc")
        for name, parameter in own.items():
            if values[name].shape != parameter.shape:
                raise ag.errors.ShapeError(
                    f"load_state_dict: {name} has shape {parameter.shape} in this model and {values[name].shape} in "
                    "the state. Build the model with the sizes that were saved."
                )
            if not np.can_cast(values[name].dtype, parameter.dtype, "same_kind"):
                raise ag.errors.DTypeError(
                    f"load_state_dict: {name} is {parameter.dtype} in this model and {values[name].dtype} in the "
                    "state, which would be cut. Convert it on purpose: value.real, or value.astype(float)."
                )
        for name, parameter in own.items():
            parameter.data = values[name]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Module:
        """Switch this module and its parts to training (or, with False, to evaluation)."""
        if not isinstance(mode, (bool, np.bool_, int, np.integer)):
            raise TypeError(
                f"train: mode is {shown(mode)}, but must be True or False: it switches to training mode. "
                "To train the model, write nn.fit(model, (inputs, targets), ...)."
            )
        for _, module in self.named_modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Module:
        """Switch to evaluation."""
        return self.train(False)

    def __repr__(self) -> str:
        parts = [f"  ({name}): " + repr(child).replace("\n", "\n  ") for name, child in self.children()]
        return f"{type(self).__name__}(\n" + "\n".join(parts) + "\n)" if parts else f"{type(self).__name__}()"


class observe:
    """Inside the with-block, call ``observer(module, output)`` after every module's forward pass."""

    def __init__(self, observer: Callable[[Module, Any], None]) -> None:
        self.observer = observer

    def __enter__(self) -> None:
        self.token = _observer.set(self.observer)

    def __exit__(self, *exc: object) -> None:
        _observer.reset(self.token)


def _members(name: str, value: Any) -> Iterator[tuple[str, Module | Parameter]]:
    """Yield the modules and parameters of an attribute: itself, or what it holds as a list, tuple or dict."""
    if isinstance(value, (Module, Parameter)):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _members(f"{name}.{i}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _members(f"{name}.{key}", item)


def _listed(names: list[str]) -> str:
    """Return some of the names, as a message has room for them."""
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown or "none"


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
