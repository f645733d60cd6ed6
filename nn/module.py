"""Module, Parameter, Buffer: a model is an object whose attributes are its parameters, its buffers and its parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

import autograd_mini as ag

from .checks import array_of, lazy, shown

__all__ = ["Buffer", "Module", "Parameter", "collect", "evaluating", "generators_of", "observe", "restored", "root_of"]

_changes = itertools.count(1)  # so a compiled function asks one question in place of one for each attribute
_observer: ContextVar[Callable[[Module, Any], None] | None] = ContextVar("nn.observer", default=None)
_collected: ContextVar[dict[Buffer, Any] | None] = ContextVar("nn.collected", default=None)


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


class Buffer(ag.Tensor):
    """A leaf that belongs to a model's state but is not trained, such as a running mean. It copies its data.

    A forward pass reads `value` and may `assign` another one.

    Parameters
    ----------
    data : array_like
        The initial value.
    name : str, optional
        What pictures call it.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Centred(nn.Module):
    ...     def __init__(self):
    ...         self.mean = nn.Buffer(np.zeros(2))
    ...     def forward(self, x):
    ...         if self.training:
    ...             self.mean.assign(0.9 * self.mean.value + 0.1 * np.mean(x, axis=0))
    ...         return x - self.mean.value
    >>> model = Centred()
    >>> _ = model(np.array([[1.0, 2.0], [3.0, 2.0]]))
    >>> model.state_dict()
    {'mean': array([0.2, 0.2])}
    >>> model.parameters()
    []
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(np.array(array_of("Buffer", "data", data, "fiubc")), name=name)

    @property
    def value(self) -> ag.Tensor:
        """The current value, to compute with: the last one assigned, also where that is not written yet."""
        collected = _collected.get()
        return self if collected is None else collected.get(self, self)

    def assign(self, value: Any) -> None:
        """Give it another value; no gradient passes.

        It is written at once; in a compiled training step, at the step's end.

        Raises
        ------
        ShapeError, DTypeError
            If the value has another shape, or cannot be cast to this dtype.
        TraceError
            While a program is recorded that is no training step: it could not repeat this.
        """
        value = array_of("Buffer.assign", "value", value, "fiubc")
        _check_fits("Buffer.assign", self.name or "the buffer", self, value)
        collected = _collected.get()
        if collected is not None:
            collected[self] = ag.stop_gradient(value if value.dtype == self.dtype else value.astype(self.dtype))
            return
        try:
            self.data = value.detach().numpy() if isinstance(value, ag.Tensor) else value
        except ag.errors.TraceError as error:
            raise ag.errors.TraceError(
                f"Buffer.assign: {self.name or 'a buffer'} gets a new value in the forward pass, as in training, which "
                "a program that is recorded here cannot repeat. Write model.eval() first; or train with "
                "nn.compile_step, which can."
            ) from error


class collect:
    """Inside the with-block, values assigned to buffers are kept in a dict, the block's target, and not written."""

    def __enter__(self) -> dict[Buffer, Any]:
        found: dict[Buffer, Any] = {}
        self.token = _collected.set(found)
        return found

    def __exit__(self, *exc: object) -> None:
        _collected.reset(self.token)


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

    def named_parameters(self, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names, in the order of the model.

        One that is held in several places is given once, under its first name, or with ``remove_duplicate=False`` under
        each.
        """
        for name, member in self._leaves(remove_duplicate):
            if isinstance(member, Parameter):
                yield name, member

    def named_buffers(self, remove_duplicate: bool = True) -> Iterator[tuple[str, Buffer]]:
        """Yield the buffers with their dotted names, as `named_parameters` does the parameters."""
        for name, member in self._leaves(remove_duplicate):
            if isinstance(member, Buffer):
                yield name, member

    def named_generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        """Yield the random generators that modules hold, as attributes or in their lists and dicts, each once."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, generator in generators_of(module):
                if id(generator) not in seen:
                    seen.add(id(generator))
                    yield _dotted(prefix, name), generator

    def parameters(self) -> list[Parameter]:
        """Return the parameters: weight, bias, weight, bias, ..."""
        return [parameter for _, parameter in self.named_parameters()]

    def _leaves(self, once: bool) -> Iterator[tuple[str, Parameter | Buffer]]:
        """Yield parameters and buffers with their dotted names: a module's parameters, its buffers, its parts'."""
        seen: set[int] = set()
        for prefix, module in self.named_modules() if once else self._all_modules():
            held = [found for name, value in vars(module).items() for found in _members(name, value)]
            for kind in (Parameter, Buffer):
                for name, member in held:
                    if isinstance(member, kind) and not (once and id(member) in seen):
                        seen.add(id(member))
                        yield _dotted(prefix, name), member

    def _all_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield every module under each of its names; one that holds itself is not followed again."""
        stack: list[tuple[str, Module, frozenset[int]]] = [("", self, frozenset())]
        while stack:
            name, module, above = stack.pop()
            yield name, module
            inside = above | {id(module)}
            parts = [
                (_dotted(name, part), child, inside) for part, child in module.children() if id(child) not in inside
            ]
            stack.extend(parts[::-1])

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that make an equal module, but for the values of parameters and buffers.

        Numbers, text, booleans, None, lists, arrays and modules. Define it for a class of your own that `nn.load` is to
        build; `from_config` is the way back.
        """
        raise TypeError(
            f"{type(self).__name__} cannot be described: it has no config(). Define one that returns the arguments of "
            "its __init__ as a dict; or save its state_dict() alone."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Module:
        """Return a module made of what `config` returned."""
        return cls(**config)

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the values of all parameters and buffers by name, under each name of one that is shared."""
        return {name: member.data.copy() for name, member in self._leaves(once=False)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Copy values into parameters and buffers; names, shapes and kinds must agree, else nothing is changed.

        Parameters
        ----------
        state : dict of str to array
            As `state_dict` returns it. One that is shared may be given under any of its names.
        strict : bool
            False: what the state does not name stays as it is, and what the model does not name is left out.

        Returns
        -------
        missing, unknown : list of str
            The names left out, of the model and of the state; empty if `strict`.

        Raises
        ------
        KeyError
            If names are missing or unknown.
        ShapeError, DTypeError
            If a value has another shape than its parameter, or cannot be cast to its dtype.
        ValueError
            If one that is shared is given different values.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict: state is {shown(state)}, but must be a dict from names to arrays, such as the "
                "state_dict() of a model."
            )
        own = dict(self._leaves(once=False))
        given = {id(own[name]) for name in own.keys() & state.keys()}
        missing = sorted(name for name, member in own.items() if id(member) not in given)
        unknown = sorted(state.keys() - own.keys(), key=str)
        if strict and (missing or unknown):
            raise KeyError(
                f"load_state_dict: the state does not fit this model: missing {_listed(missing)}, unknown "
                f"{_listed(unknown)}. Build the model as it was when the state was saved; or take what fits, with "
                "strict=False."
            )
        values: dict[str, Any] = {}
        first: dict[int, str] = {}
        memory = {id(root_of(member.data)) for member in own.values()}
        for name in (name for name in own if name in state):  # of a Tensor, its value: nothing here is differentiated
            value = state[name].numpy() if isinstance(state[name], ag.Tensor) else state[name]
            value = array_of("load_state_dict", name, value, "fiubc")
            _check_fits("load_state_dict", name, own[name], value)
            other = first.setdefault(id(own[name]), name)
            if other == name:  # what is part of this model changes while it is loaded, as where two are exchanged
                values[name] = value.copy() if id(root_of(value)) in memory else value
            elif not np.array_equal(values[other], value, equal_nan=value.dtype.kind in "fc"):
                raise ValueError(
                    f"load_state_dict: {other} and {name} are one in this model, and differ in the state. Build the "
                    "model without sharing, or give both the same values."
                )
        for name, value in values.items():
            own[name].data = value
        return missing, unknown

    def freeze(self) -> Module:
        """Train no parameter of this module and its parts any further: no gradient is computed for them."""
        for parameter in self.parameters():
            parameter.requires_grad = False
        return self

    def unfreeze(self) -> Module:
        """Train all parameters of this module and its parts again."""
        for parameter in self.parameters():
            parameter.requires_grad = True
        return self

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


def _check_fits(where: str, name: str, own: ag.Tensor, value: Any) -> None:
    """Raise if a value cannot be copied into a parameter or buffer."""
    if value.shape != own.shape:
        raise ag.errors.ShapeError(
            f"{where}: {name} has shape {own.shape} in this model and {value.shape} in the state. Build the model "
            "with the sizes that were saved."
            if where == "load_state_dict"
            else f"{where}: {name} has shape {own.shape}, and the value has {value.shape}. Both must be the same."
        )
    if not np.can_cast(value.dtype, own.dtype, "same_kind"):
        raise ag.errors.DTypeError(
            f"{where}: {name} is {own.dtype} in this model and {value.dtype} in the state, which would be cut. "
            "Convert it on purpose: value.real, or value.astype(float)."
            if where == "load_state_dict"
            else f"{where}: {name} is {own.dtype}, and the value is {value.dtype}, which would be cut. Convert it on "
            "purpose: value.real, or value.astype(float)."
        )


def _members(name: str, value: Any) -> Iterator[tuple[str, Module | Parameter | Buffer]]:
    """Yield the modules, parameters and buffers of an attribute: itself, or what it holds as list, tuple or dict."""
    if isinstance(value, (Module, Parameter, Buffer)):
        yield name, value
    else:
        for inside, item in _items(name, value):
            yield from _members(inside, item)


def root_of(array: Any) -> Any:
    """Return the array in whose memory another one lies."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _items(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a list, tuple or dict holds, with its names; nothing of anything else."""
    if isinstance(value, (list, tuple)):
        yield from ((f"{name}.{i}", item) for i, item in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"{name}.{key}", item) for key, item in value.items())


def generators_of(holder: Any) -> Iterator[tuple[str, np.random.Generator]]:
    """Yield the random generators that an object's attributes are, or hold as lists, tuples or dicts."""
    pending = list(getattr(holder, "__dict__", {}).items())[::-1]
    while pending:
        name, value = pending.pop()
        if isinstance(value, np.random.Generator):
            yield name, value
        else:
            pending.extend(list(_items(name, value))[::-1])


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Have a model in evaluation mode; at the end of the block each of its parts is in the mode that it was in."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def restored(model: Module) -> Iterator[None]:
    """Put a model's random generators back, at the end of the block, to where they stood."""
    states = [(generator, generator.bit_generator.state) for _, generator in model.named_generators()]
    try:
        yield
    finally:
        for generator, state in states:
            generator.bit_generator.state = state


def _listed(names: list[Any]) -> str:
    """Return some of the names, as a message has room for them."""
    shown = ", ".join(map(str, names[:4]))
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown or "none"


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
