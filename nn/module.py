"""Module and Parameter: a model is an object whose attributes are its parameters and its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

import autograd_mini as ag

__all__ = ["Module", "Parameter", "observe"]

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
    >>> a, p
    (array([0., 0.]), Parameter([1., 1.], requires_grad=True))
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(np.array(data), requires_grad=True, name=name)


class Module:
    """Base class of layers and models: write `forward`, assign parameters and parts as attributes.

    Calling a module runs `forward` inside a `scope` of its name, so that pictures show it as one group.

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

    training: bool = True
    place: str = ""  # the attribute or layer under which the parent holds this module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; written by the subclass, in NumPy."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(): write what it computes.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.place:
            with ag.scope(self.place):
                out = self.forward(*args, **kwargs)
        else:
            out = self.forward(*args, **kwargs)
        observer = _observer.get()
        if observer is not None:
            observer(self, out)
        return out

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter) and value.name is None:
            value.name = name
        elif isinstance(value, Module):
            value.place = name
        elif isinstance(value, (list, tuple)):
            for i, part in enumerate(value):
                if isinstance(part, Module) and not part.place:
                    part.place = f"{name}[{i}]"
        object.__setattr__(self, name, value)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the parts held directly, with their names: attributes, and items of lists and tuples."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple)):
                yield from ((f"{name}.{i}", part) for i, part in enumerate(value) if isinstance(part, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it, with dotted names."""
        yield prefix, self
        for name, child in self.children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield each parameter once, with its dotted name, in the order of the model."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{prefix}.{name}" if prefix else name), value

    def parameters(self) -> list[Parameter]:
        """Return the parameters: weight, bias, weight, bias, ..."""
        return [parameter for _, parameter in self.named_parameters()]

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all parameter values by name."""
        return {name: parameter.data.copy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy values into the parameters; all names and shapes must agree, else nothing is changed.

        Raises
        ------
        KeyError
            If names are missing or unknown.
        ShapeError
            If a value has another shape than its parameter.
        """
        own = dict(self.named_parameters())
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise KeyError(f"the state does not fit this model: missing {missing}, unknown {unknown}")
        for name, parameter in own.items():
            if np.shape(state[name]) != parameter.shape:
                raise ag.errors.ShapeError(
                    f"{name} has shape {parameter.shape} in this model and {np.shape(state[name])} in the state."
                )
        for name, parameter in own.items():
            parameter.data = state[name]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Module:
        """Switch this module and its parts to training (or, with False, to evaluation)."""
        for _, module in self.named_modules():
            module.training = mode
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
