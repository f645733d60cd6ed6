"""Optimizers: how a gradient becomes a step, as one pure function of arrays that a training step can record."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

import autograd_mini as ag

from ..checks import FROM_ZERO, real, shown
from ..module import Parameter

__all__ = ["BLOCK", "OWN", "Groups", "Number", "Optimizer", "check_real"]

BLOCK = 2**15  # elements: some ten arrays of it fit into a cache of 1 MB
# What every optimizer has; further attributes are numbers and constants of its own.
OWN = frozenset({"parameters", "state", "steps", "missed", "terms", "changes", "_last"})


class Number:
    """An attribute of an optimizer that holds a number, checked whenever it is assigned.

    An `optional` one stands for a term of the equation: where it was 0 when the optimizer was made the term is left
    out, and it stays out, since a step that was compiled has no line for it.
    """

    def __init__(self, need: str, *, above: float = FROM_ZERO, below: float = np.inf, optional: bool = False) -> None:
        self.need, self.above, self.below, self.optional = need, above, below, optional

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, obj: Optimizer | None, owner: type | None = None) -> float:
        if obj is None:
            return self  # type: ignore[return-value]
        try:
            return obj.__dict__[self.name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(self.name) from None  # of `Groups`, which says who has it

    def __set__(self, obj: Optimizer, value: float) -> None:
        who, name = type(obj).__name__, self.name
        number = real(who, name, value, self.need, above=self.above, below=self.below)
        if self.optional and number:
            if name not in obj.__dict__:
                obj.terms |= {name}
            elif name not in obj.terms:
                raise ValueError(
                    f"{who}: {name} is {shown(value)}, but this optimizer was made without it, and must stay so. "
                    f"Make another one: {who}(model.parameters(), lr={obj.lr}, {name}={shown(value)})."
                )
        obj.__dict__[name] = number
        obj.__dict__["changes"] = obj.__dict__.get("changes", 0) + 1


class Optimizer:
    """Base class of optimizers: write `numbers` and `update`; `step` applies them to each parameter.

    `update` is pure and elementwise, so that one definition serves three uses: array by array in `step`, on one flat
    vector of all parameters, and on Tensors, where it is recorded and compiled as part of a training step.

    Parameters
    ----------
    parameters : iterable of Parameter, or list of dict
        What to update. One that is given twice takes one step. Dicts make parameter groups, each with numbers of its
        own: ``[{"params": a, "lr": 0.1}, {"params": b}]``; what a dict leaves out is as given beside it. The result is
        then a `Groups` of optimizers of this class.
    lr : float
        The learning rate.

    Attributes
    ----------
    parameters : list of Parameter
        In the order given.
    groups : tuple of Optimizer
        One for each parameter group; of a single one, itself.
    lr : float
        May be assigned between steps, 0 too, as a schedule does.
    slots : int
        How many arrays are remembered for each parameter.
    state : list of tuple of numpy.ndarray
        For each parameter its `slots` arrays, in the parameter's shape and dtype; zeros before the first step. They are
        written in place: who holds one sees it change.
    steps : int
        How many steps were taken.
    missed : list of int
        For each parameter, in how many of these steps it had no gradient and was left alone.
    terms : frozenset of str
        Which optional terms the equation has, as ``"momentum"``: what `update` branches on, fixed when it is made.
    changes : int
        How often a number was assigned.
    timeless : bool
        Whether `numbers` are the same at each step, unless one was assigned.
    slot_names, number_names : tuple of str
        What the arrays of a state, and what `numbers` returns, are called in equations and listings.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class SignDescent(nn.Optimizer):
    ...     number_names = ("lr",)
    ...     def numbers(self, t=None):
    ...         return (self.lr,)
    ...     def update(self, p, g, state, lr):
    ...         return p - lr * np.sign(g), ()
    >>> w = nn.Parameter([1.0, -2.0])
    >>> opt = SignDescent([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.data
    array([ 0.5, -1.5])
    """

    changes: int = 0
    _last: tuple[Any, tuple[Any, ...]] | None = None
    timeless: bool = False
    parameters: list[Parameter]
    state: list[tuple[Any, ...]]
    steps: int
    missed: list[int]
    terms: frozenset[str] = frozenset()
    slot_names: tuple[str, ...] = ()
    number_names: tuple[str, ...] = ("lr",)
    needs_closure: bool = False  # whether `step` takes a function that computes loss and gradients
    lr = Number("be finite and at least 0")

    def __new__(cls, parameters: Any = (), *args: Any, **kwargs: Any) -> Self:
        """Make an optimizer; of dicts, one for each."""
        if isinstance(parameters, (list, tuple)) and any(isinstance(group, dict) for group in parameters):
            return Groups([_of_group(cls, group, args, kwargs) for group in parameters])  # type: ignore[return-value]
        return super().__new__(cls)

    def __init__(self, parameters: Iterable[Parameter], lr: float) -> None:
        who = type(self).__name__
        need = "be positive and finite, as a learning rate is"
        self.lr = real(who, "lr", lr, need, above=0, below=np.inf)
        fix = f"Pass model.parameters(), or a list of nn.Parameter, as in {who}([w], lr={self.lr})."
        if isinstance(parameters, ag.Tensor) or not isinstance(parameters, Iterable):
            raise TypeError(f"{who}: parameters is {shown(parameters)}, but must be a list of Parameters. {fix}")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"{who} got no parameters. {fix} A module finds what its attributes hold as nn.Parameter.")
        for parameter in self.parameters:
            if not isinstance(parameter, Parameter):
                raise TypeError(f"{who} updates Parameters, and one of these is a {type(parameter).__name__}. {fix}")
        self.parameters = list(dict.fromkeys(self.parameters))  # one that is shared takes one step
        self.state = [self.initial_state(p) for p in self.parameters]
        self.steps, self.missed = 0, [0] * len(self.parameters)

    @property
    def groups(self) -> tuple[Optimizer, ...]:
        """The optimizers of the parameter groups: itself."""
        return (self,)

    @property
    def slots(self) -> int:
        """How many arrays are remembered for each parameter."""
        return len(self.slot_names)

    def initial_state(self, parameter: Parameter) -> tuple[Any, ...]:
        """Return what is remembered for a parameter before its first step: zeros, unless a subclass says otherwise."""
        return tuple(np.zeros_like(parameter.data) for _ in range(self.slots))

    def numbers(self, t: int | None = None) -> tuple[float, ...]:  # noqa: ARG002 (of a subclass)
        """Return the numbers of the next step: all that may differ from that of the last one; here the learning rate.

        Parameters
        ----------
        t : int, optional
            Which update of its parameter that step is, counted from 1. By default ``steps + 1``, which is right for
            parameters that have `missed` none.
        """
        return (self.lr,)

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the new parameter and its new state.

        Nothing is written in place and no value is branched on. Arrays of any shape will do, and Tensors.

        Parameters
        ----------
        p, g : array or Tensor
            Parameter and gradient, of one shape and dtype. The gradient is as `backward` leaves it: for a complex
            parameter the direction of steepest ascent is its conjugate.
        state : tuple of array or Tensor
            As many as `slots`, of the same shape and dtype.
        *numbers : float, array or Tensor
            What `numbers` returned; as arrays or Tensors they must have the dtype of `p`, since a float64 array would
            make float64 of float32.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no update(): write how a parameter is updated, as in "
            "`def update(self, p, g, state, lr): return p - lr * g, ()`."
        )

    def step(self) -> None:
        """Update every parameter that has a gradient; the others and their state are left alone."""
        self._take_step(self._gradients())

    def _gradients(self) -> list[Any]:
        """Return the gradients of all parameters: all are looked at before any is used."""
        return [self._gradient(parameter) for parameter in self.parameters]

    def _take_step(self, gradients: list[Any]) -> None:
        numbers: tuple[Any, ...] = ()
        dtype, t, next_t, missed, remembers = None, 0, self.steps + 1, self.missed, bool(self.slots)
        in_blocks = any(p.size > BLOCK for p in self.parameters) and self.is_elementwise()
        for i, parameter in enumerate(self.parameters):
            g = gradients[i]
            if g is None:
                missed[i] += 1
                continue
            p, state = parameter.data, self.state[i]
            if p.dtype is not dtype or next_t - missed[i] != t:
                dtype, t = p.dtype, next_t - missed[i]  # 0-d arrays: NumPy takes these faster than floats
                numbers = self._arrays(dtype, t)
            if in_blocks and p.size > BLOCK and type(g) is np.ndarray and g.dtype == dtype:
                parameter.data = p  # graphs that need the old value learn here that it is about to change
                self._in_blocks(p, g, state, numbers)
                continue
            parameter.data, new = self.update(p, g, state, *numbers)
            if remembers:
                for old, array in zip(state, new, strict=True):
                    old[...] = array
        self.steps += 1

    def is_elementwise(self) -> bool:
        """Return whether `update` does with a part what it does with the whole; one that is not nn's is tried."""
        if type(self).update.__module__.partition(".")[0] == __name__.partition(".")[0]:
            return True
        arrays = np.random.default_rng(0).uniform(0.5, 2, (2 + self.slots, 2, 3))
        numbers = [np.asarray(number) for number in self.numbers(1)]

        def updated(arrays: Any) -> Any:
            p, g, *state = arrays
            new, slots = self.update(p, g, tuple(state), *numbers)
            return np.concatenate([np.ravel(array) for array in (new, *slots)])

        try:
            whole = updated(arrays).reshape(-1, 2, 3)
            rows = [updated(arrays[:, i]).reshape(-1, 3) for i in range(2)]
        except Exception:  # the step itself will say what is wrong
            return True
        return bool(np.allclose(whole, np.stack(rows, axis=1), rtol=1e-6))

    def _arrays(self, dtype: Any, t: int) -> tuple[Any, ...]:
        """Return the numbers of an update as arrays; the last ones, if they cannot have changed."""
        key = self.changes, dtype
        if self.timeless and self._last is not None and self._last[0] == key:
            return self._last[1]
        numbers = tuple([np.asarray(number, dtype) for number in self.numbers(t)])
        self._last = key, numbers
        return numbers

    def _in_blocks(self, p: Any, g: Any, state: tuple[Any, ...], numbers: tuple[Any, ...]) -> None:
        """Update a large parameter and its state in place, some rows at a time.

        What `update` computes on the way then stays in the processor's cache: Adam takes 0.4 of the time.
        """
        rows = max(1, BLOCK * len(p) // p.size)
        for first in range(0, len(p), rows):
            part = slice(first, first + rows)
            parts = tuple([array[part] for array in state])
            p[part], new = self.update(p[part], g[part], parts, *numbers)
            for old, array in zip(parts, new, strict=True):
                old[...] = array

    def _gradient(self, parameter: Parameter) -> Any:
        """Return the gradient of a parameter as an array of its shape, or None."""
        g = parameter.grad
        if g is None or (type(g) is np.ndarray and g.shape == parameter.shape):
            return g
        if isinstance(g, ag.Tensor):  # from backward(create_graph=True): a state would keep its graph
            g = g.numpy()
        if np.shape(g) != parameter.shape:
            raise ag.errors.ShapeError(
                f"{type(self).__name__}: the gradient of {parameter.name or 'a parameter'} has shape {np.shape(g)}; it "
                f"must have its parameter's own, {parameter.shape}. Leave .grad to backward()."
            )
        return g if hasattr(g, "dtype") else np.asarray(g)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on, beside parameters and gradients: numbers, text, lists, copies.

        It does not name the parameters: it fits an optimizer made in the same way for the same ones.
        """
        return {
            "kind": type(self).__name__,
            "numbers": {name: getattr(self, name) for name in self._number_names()},
            "fixed": self._fixed(),
            "steps": self.steps,
            "missed": list(self.missed),
            "state": [[array.copy() for array in arrays] for arrays in self.state],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; if it does not fit, nothing is changed.

        Raises
        ------
        ValueError
            If it is of another kind of optimizer, made with other constants, or for other parameters.
        """
        who, mine = type(self).__name__, self.state_dict()
        if not isinstance(state, Mapping) or state.keys() != mine.keys():
            raise ValueError(
                f"{who}.load_state_dict: state is {shown(state)}, but must be what {who}.state_dict() returns."
            )
        for name in ("kind", "fixed"):
            if state[name] != mine[name]:
                raise ValueError(
                    f"{who}.load_state_dict: the state is of {state['kind']} with {state['fixed']}, and this is {who} "
                    f"with {mine['fixed']}. Make the optimizer as it was."
                )
        shapes, own = ([[np.shape(a) for a in arrays] for arrays in part["state"]] for part in (state, mine))
        if shapes != own or state["numbers"].keys() != mine["numbers"].keys():
            raise ValueError(
                f"{who}.load_state_dict: the state is of {len(shapes)} parameters, and does not fit the "
                f"{len(own)} here in number or shapes. Make the optimizer for the same parameters."
            )
        if len(state["missed"]) != len(shapes):
            raise ValueError(
                f"{who}.load_state_dict: the state counts the steps of {len(state['missed'])} parameters, and holds "
                f"arrays for {len(shapes)}. Pass what state_dict() returned, as it was."
            )
        for name, number in [*state["numbers"].items()]:
            try:
                setattr(self, name, number)
            except (TypeError, ValueError):
                for other, before in mine["numbers"].items():
                    setattr(self, other, before)
                raise
        for old, new in zip(self.state, state["state"], strict=True):
            for array, value in zip(old, new, strict=True):
                array[...] = value
        self.steps, self.missed = int(state["steps"]), [int(n) for n in state["missed"]]

    @classmethod
    def _number_names(cls) -> list[str]:
        """Return the attributes that are numbers and may be assigned."""
        return sorted({name for base in cls.__mro__ for name, value in vars(base).items() if isinstance(value, Number)})

    def _fixed(self) -> dict[str, Any]:
        """Return the attributes that are constants, as JSON has them."""
        skip = {*OWN, *self._number_names()}
        found = {name.lstrip("_"): value for name, value in vars(self).items() if name not in skip}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in sorted(found.items())}
        return plain | {"terms": sorted(self.terms)}

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={getattr(self, name):g}" for name in self._number_names())
        count = sum(p.size for p in self.parameters)
        return f"{type(self).__name__}({len(self.parameters)} parameters of {count} numbers, {numbers})"


class Groups(Optimizer):
    """Several optimizers that step together, each for parameters of its own: parameter groups.

    Made by ``nn.SGD([{"params": a, "lr": 0.1}, {"params": b}], lr=0.01)``, or of optimizers of any kinds.

    Parameters
    ----------
    optimizers : iterable of Optimizer
        No parameter may belong to two of them.

    Attributes
    ----------
    groups : tuple of Optimizer
        Their numbers are read and assigned there: ``opt.groups[0].lr = 0.05``.

    Examples
    --------
    >>> import nn
    >>> model = nn.MLP([2, 3, 1], rng=0)
    >>> first, last = model[0].parameters(), model[2].parameters()
    >>> opt = nn.Adam([{"params": first, "lr": 1e-4}, {"params": last}], lr=1e-3, weight_decay=0.01)
    >>> [(group.lr, group.weight_decay) for group in opt.groups]
    [(0.0001, 0.01), (0.001, 0.01)]
    """

    def __init__(self, optimizers: Iterable[Optimizer]) -> None:
        self._groups = tuple(optimizers)
        for optimizer in self._groups:
            if not isinstance(optimizer, Optimizer) or optimizer.needs_closure or isinstance(optimizer, Groups):
                raise TypeError(
                    f"Groups: one of the optimizers is {shown(optimizer)}, but must be an optimizer that steps from "
                    "gradients. Write nn.Groups([nn.SGD(a, lr=0.1), nn.Adam(b)])."
                )
        if not self._groups:
            raise ValueError("Groups got no optimizers. Write nn.Groups([nn.SGD(a, lr=0.1), nn.Adam(b)]).")
        self.parameters = [p for optimizer in self._groups for p in optimizer.parameters]
        if len(dict.fromkeys(self.parameters)) < len(self.parameters):
            twice = next(p for p in self.parameters if sum(p is q for q in self.parameters) > 1)
            raise ValueError(
                f"Groups: {twice.name or 'a parameter'} is in two groups, but must be in one, which gives it its "
                "numbers. Leave it out of the others."
            )

    @property
    def groups(self) -> tuple[Optimizer, ...]:
        """The optimizers of the parameter groups."""
        return self._groups

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not any(name in group._number_names() for group in self._groups):
            raise AttributeError(f"Groups has no attribute {name!r}.")
        raise AttributeError(f"Groups: each group has its own {name}. Read opt.groups[0].{name}.")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("_groups", "parameters"):
            raise AttributeError(
                f"Groups: {name} is of the groups, each of which has its own. Write "
                f"`for group in opt.groups: group.{name} = {shown(value)}`."
            )
        object.__setattr__(self, name, value)

    def step(self) -> None:
        """Update every parameter that has a gradient, each by the optimizer of its group."""
        gradients = [group._gradients() for group in self._groups]
        for group, found in zip(self._groups, gradients, strict=True):
            group._take_step(found)

    def state_dict(self) -> dict[str, Any]:
        """Return those of the groups."""
        return {"kind": "Groups", "groups": [group.state_dict() for group in self._groups]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; if it does not fit, nothing is changed."""
        groups = state.get("groups") if isinstance(state, Mapping) else None
        if not isinstance(groups, list) or len(groups) != len(self._groups):
            raise ValueError(
                f"Groups.load_state_dict: state is {shown(state)}, but must be what state_dict() returns of as many "
                f"groups, {len(self._groups)}."
            )
        before = self.state_dict()["groups"]
        try:
            for group, part in zip(self._groups, groups, strict=True):
                group.load_state_dict(part)
        except (TypeError, ValueError):
            for group, part in zip(self._groups, before, strict=True):
                group.load_state_dict(part)
            raise

    def __repr__(self) -> str:
        return "Groups(\n" + "".join(f"  {group!r}\n" for group in self._groups) + ")"


def _of_group(cls: type[Any], group: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Optimizer:
    """Return the optimizer of one group, a dict that holds its parameters and what it has of its own."""
    if not isinstance(group, dict) or "params" not in group:
        raise TypeError(
            f"{cls.__name__}: one of the groups is {shown(group)}, but must be a dict with params, as in "
            '[{"params": a, "lr": 0.1}, {"params": b}].'
        )
    own = {name: value for name, value in group.items() if name != "params"}
    signature = inspect.signature(cls)
    unknown = own.keys() - signature.parameters.keys()
    if unknown:
        raise TypeError(
            f"{cls.__name__}: a group gives {', '.join(sorted(map(repr, unknown)))}, which {cls.__name__} does not "
            f"know. It takes {', '.join(list(signature.parameters)[1:])}."
        )
    given = signature.bind_partial(None, *args, **kwargs).arguments
    given.pop(next(iter(signature.parameters)))
    optimizer: Optimizer = cls(group["params"], **(given | own))
    return optimizer


def check_real(optimizer: Optimizer) -> None:
    """Refuse complex parameters, for an optimizer that squares gradients."""
    for parameter in optimizer.parameters:
        if parameter.dtype.kind == "c":
            raise ag.errors.DTypeError(
                f"{type(optimizer).__name__}: {parameter.name or 'a parameter'} is {parameter.dtype}, but must be "
                "real, since a square is the size of a real gradient only. Hold its real and imaginary parts in two "
                "Parameters."
            )
