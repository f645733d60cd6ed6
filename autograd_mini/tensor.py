"""Tensor: a value and the node that made it; and recording."""

from __future__ import annotations

import copy
import operator
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import (
    ORDINARY,
    asked,
    is_other,
    kind_name,
    other_kind,
    plain_only,
    refuse_shape,
    subclass_refused,
    taken,
)
from .errors import (
    DTypeError,
    LostGradientError,
    NothingRecordedError,
    RuleError,
    ShapeError,
    UnsupportedArgumentError,
)
from .graph import (
    Alias,
    Array,
    Fixed,
    FixedView,
    Leaf,
    Node,
    Parts,
    Several,
    Spec,
    View,
    moved,
    next_serial,
    pullback,
    source_of,
)
from .recording import State, current, no_grad
from .table import TABLE, Composite, Plan, Rule, no_derivative

__all__ = [
    "IDENTITY",
    "ITEM",
    "NUMERIC",
    "SMALL",
    "Tensor",
    "checked",
    "has_gradient",
    "node_of",
    "owned",
    "record",
    "seed_of",
    "stacked",
    "stand_in",
    "unwrap",
    "with_kin",
    "wrap",
]

SMALL = 1024  # values of at most this many elements stay with their node, for the pictures
NUMERIC = "fciub"  # the kinds of dtypes that are numbers


# --- the Tensor ---------------------------------------------------------------------------------------------------


class Tensor:
    """An array that remembers how it was computed.

    NumPy itself works on it: functions, operators, methods, indexing. What is computed from a Tensor with
    ``requires_grad=True`` is recorded, and `backward` differentiates it.

    Parameters
    ----------
    data : array_like
        The value. An array is shared, not copied; anything else goes through ``np.asarray``.
    requires_grad : bool
        Record what is computed from it. Needs a floating or complex dtype.
    name : str, optional
        What pictures and printed programs call it.

    Attributes
    ----------
    grad : array or None
        The accumulated gradient: an owned array of the value's shape and dtype, byte order included; None before any
        backward.
    node : Node or None
        Its place in the graph; None for a constant that was not made by hand.

    Raises
    ------
    DTypeError
        If a gradient is asked for integers or booleans, or the data are not numbers.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> y = np.sum(x * x)
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "_kin", "_origin", "_value", "grad", "node")

    _kin: Kin  # the Tensors on the same memory; unset until there is a second one
    _origin: tuple[Tensor, Any]  # of a view by indexing: t and i of t[i]; unset otherwise

    node: Node | None
    grad: Any

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        if isinstance(data, Tensor):
            data = np.array(data.__array__())  # raises if a gradient would be lost; the copy has no stake in the other
        elif not hasattr(data, "__array_function__") or isinstance(data, (np.generic, np.memmap)):
            data = np.asarray(data)
        if type(data) is not np.ndarray:
            plain_only(data, "A Tensor cannot hold a {}")
            refuse_shape(data, "Tensor(a)")
        kind = data.dtype.kind
        if kind not in NUMERIC:
            raise DTypeError(
                f"A Tensor holds numbers, not dtype {data.dtype}. Convert first, for example np.asarray(data, float); "
                "if Tensors are among the elements, join them with np.stack."
            )
        if requires_grad and kind not in "fc":
            raise DTypeError(
                f"A gradient needs real or complex values; this Tensor holds {data.dtype}. "
                "Write 3.0 for 3, or convert: ag.Tensor(data.astype(float), requires_grad=True)."
            )
        self._value = data
        state = current.get()
        self.node = Leaf(data, requires_grad, weakref.ref(self), state.scope)
        self.node.name = name
        self.grad = None
        if state.trace is not None:
            state.trace.holds(self)

    # the value and its metadata

    @property
    def data(self) -> Any:
        """The array itself. Assigning copies into it in place and is noticed by graphs that need the old value.

        What writes to the array without assigning is not noticed: ``t.data[...] = v``, ``out=t.data``, ``t.numpy()``,
        another Tensor of the same array. A gradient is then that of the new value; `ag.debug` finds the place.
        """
        if (watch := current.get().watch) is not None:
            watch.left(self, ".data")
        return self._value

    @data.setter
    def data(self, value: Any) -> None:
        if (trace := current.get().trace) is not None:
            raise trace.refused("t.data = ...", "Return the new value, and assign it outside.")
        own, node = self._value, self.node
        if type(value) is type(own) is np.ndarray and type(node) is Leaf and not node.variable:  # the usual case
            if value.dtype == own.dtype and value.shape == own.shape and own.flags.writeable:
                node.written()
                own[...] = value
                return
        if isinstance(self.node, Alias) and self.node.source is not None:
            raise LostGradientError(
                "t.data = ... on a detached Tensor would write into the leaf whose memory it shares. Assign to the "
                "leaf, or to a copy: t = ag.Tensor(t.numpy().copy())."
            )
        if not isinstance(self.node, Leaf):
            raise LostGradientError(
                "Only a leaf's data can be assigned, and this Tensor is the result of a computation. "
                "Make a new one: Tensor(value)."
            )
        if self.node.variable:
            raise UnsupportedArgumentError(
                "t.data = ... on the variable of ag.grad and its like would write into the caller's array. "
                "Compute with a new value: t = ..."
            )
        value = unwrap(value)
        plain_only(value, "t.data = a {}")
        if not is_other(value):
            value = np.asarray(value)
        elif isinstance(self._value, np.ndarray):
            raise DTypeError(
                f"t.data holds a NumPy array; the new value is a {kind_name(type(value))}. Make it a NumPy array "
                "first: for Dask, all at once, dask.compute(*[p.grad for p in parameters]), since each alone would "
                "compute everything again."
            )
        if value.shape != self._value.shape:
            raise ShapeError(
                f"t.data has shape {self._value.shape}; the new value has {value.shape}. "
                "Assigning keeps the shape: make a new Tensor for another one."
            )
        if not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise DTypeError(
                f"t.data holds {self.dtype}; {value.dtype} values do not fit in. Convert them first, "
                "or make a new Tensor."
            )
        if isinstance(self._value, np.ndarray) and not self._value.flags.writeable:
            raise LostGradientError(
                "`t.data = ...` would write into an array that is read-only. Make the Tensor of a copy: "
                "ag.Tensor(a.copy())."
            )
        self.node.written()  # first: should the copying be interrupted, part of it has been done
        self._value[...] = value

    def move_to(self, array: Any) -> None:
        """Let the value live in other memory: copy it there, and use that array from now on.

        So several parameters can be parts of one vector, which one line then updates. Arrays that were taken before,
        ``w.data`` and ``w.detach()``, stay where they are and no longer change with it.

        Parameters
        ----------
        array : numpy.ndarray
            Of this Tensor's shape and dtype, writable; a view will do.

        Raises
        ------
        LostGradientError
            If this is no leaf.
        UnsupportedArgumentError
            If a view of it is in use, such as ``w.T``, which would show the old memory.
        ShapeError, DTypeError
            If the array has another shape or dtype.

        Examples
        --------
        >>> import numpy as np, autograd_mini as ag
        >>> w, flat = ag.Tensor([1.0, 2.0], requires_grad=True), np.zeros(5)
        >>> w.move_to(flat[1:3])
        >>> flat
        array([0., 1., 2., 0., 0.])
        """
        if not isinstance(self.node, Leaf) or self.node.variable or hasattr(self, "_origin"):
            raise LostGradientError(
                "move_to: only a leaf can be moved: the value of another Tensor is what it was computed from. Copy "
                "it: np.copyto(array, t.numpy())."
            )
        if hasattr(self, "_kin") and self._kin.others([self]):
            raise UnsupportedArgumentError(
                f"move_to: a view of {self.name or 'this Tensor'} is in use, and would show the old memory. Drop it, "
                "or take a copy for it: t.T.copy()."
            )
        if not isinstance(array, np.ndarray) or array.shape != self.shape:
            raise ShapeError(
                f"move_to: the array has shape {np.shape(array)}, but must have the Tensor's, {self.shape}. "
                "Take a part of it and reshape that."
            )
        if array.dtype != self.dtype or not array.flags.writeable:
            raise DTypeError(
                f"move_to: the array holds {array.dtype}{'' if array.flags.writeable else ', read-only'}, but must "
                f"hold {self.dtype} and be writable. Make it with np.empty(n, {self.dtype})."
            )
        array[...] = self._value
        self.node.written()  # graphs recorded so far keep the old memory
        self._value = array
        if hasattr(self, "_kin"):
            del self._kin  # of Tensors that are gone
        moved[0] = next_serial()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self._value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        """Dtype of the value."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._value.size  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes of the value."""
        return self._value.nbytes  # type: ignore[no-any-return]

    @property
    def device(self) -> Any:
        """Where the value is: ``"cpu"`` for NumPy's arrays; None for arrays of a kind that does not say."""
        return getattr(self._value, "device", None)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._value.itemsize  # type: ignore[no-any-return]

    @property
    def requires_grad(self) -> bool:
        """Whether a cotangent passes through this value to a leaf."""
        node = self.node
        return node is not None and node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if (trace := current.get().trace) is not None and self.node is not None:
            trace.writes(self, "t.requires_grad = ...")
        elif trace is not None and value != self.requires_grad:
            trace.adopt(self)
            trace.writes(self, "t.requires_grad = ...")
        if self.node is None or isinstance(self.node, Alias):  # a constant becomes a leaf of its own
            source = source_of(self.node)
            self.node = Leaf(self._value, False, weakref.ref(self), current.get().scope)
            if source is not None:
                self.node.join(source)
        if not isinstance(self.node, Leaf):
            raise LostGradientError(
                "requires_grad is set on leaves only, and this Tensor is the result of a computation. Write "
                "t.detach() if it needs no gradient, t.retain_grad() to see its gradient."
            )
        if value and self.dtype.kind not in "fc":
            raise DTypeError(
                f"A gradient needs real or complex values; this Tensor holds {self.dtype}. "
                "Make another: ag.Tensor(t.numpy().astype(float), requires_grad=True)."
            )
        if value != self.node.requires_grad:  # graphs recorded so far keep the leaf that they saw
            self.node = self.node.renewed(value)
            moved[0] = next_serial()
            if trace is not None:
                trace.holds(self)

    @property
    def name(self) -> str | None:
        """What pictures and printed programs call this value."""
        return None if self.node is None else self.node.name

    @name.setter
    def name(self, value: str | None) -> None:
        if self.node is None:
            self.node = Leaf(self._value, False, weakref.ref(self), current.get().scope)
        self.node.name = value

    @property
    def T(self) -> Tensor:
        """The transpose."""
        if type(self._value) is not np.ndarray:
            return self._called(np.transpose, self)  # type: ignore[no-any-return]
        rule: Rule = TABLE[np.transpose]  # type: ignore[assignment]
        if (state := current.get()).plain:
            return _record_one(rule, self._value.T, self, None, state)
        return record(rule, self._value.T, (self,))  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:
        """The transpose of the last two axes."""
        return self._called(np.swapaxes, self, -1, -2)  # type: ignore[no-any-return]

    @property
    def real(self) -> Tensor:
        """The real part."""
        return self._called(np.real, self)  # type: ignore[no-any-return]

    @property
    def imag(self) -> Tensor:
        """The imaginary part."""
        return self._called(np.imag, self)  # type: ignore[no-any-return]

    # differentiation

    def backward(self, cotangent: Any = None, *, retain_graph: bool = True, create_graph: bool = False) -> None:
        """Sweep the graph in reverse and add up the gradients in the leaves' `.grad`.

        Parameters
        ----------
        cotangent : array_like, optional
            The seed, of this Tensor's shape; 1 for a scalar.
        retain_graph : bool
            Keep residuals, so that the graph can be drawn or swept again. False frees them during the sweep,
            which is what a training loop wants: else two graphs are alive at once.
        create_graph : bool
            Record the sweep itself: `.grad` is then a Tensor that can be differentiated again.

        Raises
        ------
        NothingRecordedError
            If no differentiable path leads to this value.
        ShapeError
            If it is not a scalar and no cotangent was given, or the cotangent has another shape.
        GraphFreedError
            If an earlier sweep freed the graph.

        Examples
        --------
        >>> import autograd_mini as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> (x * x + x).backward()
        >>> print(x.grad)
        7.0
        """
        if (trace := current.get().trace) is not None:
            fix = "Take gradients as values: ag.grad(f)(x), or ag.gradients(y, x)."
            raise trace.refused("t.backward(), which sets .grad,", fix)
        node = node_of(self, "backward()")
        seed = seed_of(self, cotangent, create_graph)
        found = pullback({node: seed}, lift=wrap if create_graph else None, free=not retain_graph)
        _accumulate(found, create_graph)

    def retain_grad(self) -> None:
        """Have `backward` set `.grad` here too, though this is not a leaf."""
        node = node_of(self, "retain_grad()")
        node.owner = weakref.ref(self)

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Have a function look at this value's cotangent in every sweep, and replace it if it returns another.

        Parameters
        ----------
        hook : callable
            Takes the whole cotangent, a read-only array of this Tensor's shape and dtype (a Tensor if the sweep is
            recorded); returns None, or the cotangent that goes on instead. Forward mode is the transpose of the sweep,
            so there a hook should be linear in the cotangent. Copies and pickles of a leaf do not have its hooks.

        Returns
        -------
        Hook
            Its ``remove()`` ends it.

        Raises
        ------
        NothingRecordedError
            If no cotangent passes here.
        ShapeError
            In the sweep, if the replacement has another shape.

        Examples
        --------
        >>> import numpy as np, autograd_mini as ag
        >>> x = ag.Tensor([3.0, -4.0], requires_grad=True)
        >>> y = x * x
        >>> hook = y.register_hook(lambda g: np.clip(g, -1, 1))
        >>> (10 * y).sum().backward()
        >>> x.grad
        array([ 6., -8.])
        """
        return Hook(node_of(self, "register_hook()"), hook)

    def zero_grad(self) -> None:
        """Forget the gradient: `.grad` is None again."""
        self.grad = None

    # ways out of the graph, all of them explicit

    def detach(self) -> Tensor:
        """Return the same value (sharing memory) without its history: a constant."""
        source, state = source_of(self.node), current.get()
        if state.trace is not None:
            with no_grad():
                return record(IDENTITY, self._value, (self,))  # type: ignore[no-any-return]
        result = wrap(self._value, None if source is None else Alias(self._value, source, state.scope))
        if state.watch is not None:
            state.watch.cut(result, (self,), "detached", "it was detached")
        return result

    def numpy(self) -> Any:
        """Return the array itself, shared."""
        if (watch := current.get().watch) is not None:
            watch.left(self, ".numpy()")
        return self._value

    def item(self, *index: Any) -> Any:
        """Return the only element, or the one at the index, as a Python number."""
        if (watch := current.get().watch) is not None:
            watch.left(self, ".item()")
        return (np.asarray(self._value) if is_other(self._value) else self._value).item(*index)

    def tolist(self) -> Any:
        """Return the values as nested Python lists."""
        if (watch := current.get().watch) is not None:
            watch.left(self, ".tolist()")
        return (np.asarray(self._value) if is_other(self._value) else self._value).tolist()

    def _leaves(self, how: str) -> None:
        """Refuse to leave while a program is recorded: it would hold the value of one call."""
        if (trace := current.get().trace) is not None:
            trace.left(self, how)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self._leaves("np.asarray(t), or a function that NumPy does not dispatch,")
        self._keep_gradient("a plain array", "by np.asarray(t), or in a function that NumPy does not dispatch")
        instead = "np.asarray(t.data), t.item(), float(t)"
        self._keep_lazy("np.asarray(t), or a function that NumPy does not dispatch,", instead)
        return np.array(self._value, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        self._leaves("float(t)")
        self._keep_gradient("a plain float", "by float(t), in a function of `math`, or as an element of an array")
        return float(self._value)

    def __int__(self) -> int:
        self._leaves("int(t)")
        self._keep_gradient("a plain int", "by int(t)")
        return int(self._value)

    def __complex__(self) -> complex:
        self._leaves("complex(t)")
        self._keep_gradient("a plain complex number", "by complex(t) or in a function of `cmath`")
        return complex(self._value)

    def __round__(self, ndigits: int = 0) -> Tensor:
        return self._called(np.round, self, ndigits)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:  # reached only for what a Tensor does not have
        if not name.startswith("_") and hasattr(np.ndarray, name):
            hint = (
                f"write np.{name}(t, ...)" if callable(getattr(np, name, None)) else f"t.numpy().{name} has no gradient"
            )
            if name in ("resize", "flat"):  # np.resize repeats the entries, the method fills up with 0
                hint = "write t.reshape(...) or np.pad" if name == "resize" else "write t.ravel()"
            raise AttributeError(f"a Tensor has no .{name}: {hint}.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}.")

    def __index__(self) -> int:
        self._leaves("t as an index or a number of times, as in range(t) and a[1:t],")
        return operator.index(self._value)

    def __bool__(self) -> bool:
        self._leaves("bool(t), as in `if t:`,")
        self._keep_lazy("bool(t), as in `if t:`,", "bool(t.data), t.item(), float(t)")
        return bool(self._value)

    def _keep_lazy(self, what: str, instead: str) -> None:
        if is_other(self._value):
            raise UnsupportedArgumentError(
                f"{what} would compute a {kind_name(type(self._value))}, which may be lazy, without being asked to. "
                f"Say so: {instead}."
            )

    def _keep_gradient(self, what: str, by: str) -> None:
        if self.requires_grad:
            library = _library_call()
            if library in _COMPARISONS:  # np.array_equal answers False whatever we raise; True or False has no gradient
                return
            label = f"Tensor {self.name!r}" if self.name else f"A Tensor of shape {self.shape}"
            if library:
                by = f"in {library}, which does not look for a Tensor in this argument"
            elif _in_scipy():
                by = (
                    "in SciPy, whose functions do not look for Tensors; many are in ag.scipy, and M.toarray() @ t works"
                )
            raise LostGradientError(
                f"{label} would become {what} here ({by}), and its gradient would be lost. If it is wanted, use "
                "NumPy's functions on the Tensor: np.sin(t), not math.sin(t); np.stack([t, u]), not np.array([t, u]); "
                "a = ag.Tensor(a) before a[i] = t, or np.where(mask, t, a). If not: t.detach(), t.numpy() or t.item()."
            )

    # Python's protocols

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("Iteration over a 0-d Tensor: there is no axis to go along.")
        return (self[i] for i in range(len(self._value)))

    def __contains__(self, value: Any) -> bool:
        self._keep_lazy("v in t", "bool((t.data == v).any())")
        self._leaves("v in t")
        return unwrap(value) in self._value

    def __getitem__(self, index: Any) -> Tensor:
        rule: Rule = TABLE[operator.getitem]  # type: ignore[assignment]  # the one rule whose function is Python's
        items = items_of(index)
        if type(self._value) is np.ndarray and ORDINARY.issuperset(kinds := {*map(type, items)}):
            state, data = current.get(), self._value[items]
            if type(data) in _FLOATS:
                data = np.asarray(data)
            if state.plain and type(data) is np.ndarray:
                result = _record_one(rule, data, self, None, state, items)
                if data.base is not None and (_BASIC.issuperset(kinds) or hasattr(result, "_kin")):
                    result._origin = self, index
                return result
        place = unwrap(items)
        if type(self._value) is np.ndarray and ORDINARY.issuperset(map(type, place)):
            data = self._value[place]
        elif (kind := other_kind((self._value, *place), "t[i]")) is None:
            data = self._value[place]
        else:
            data = asked(taken, (self._value, place), {}, kind, "t[i]")
        result = record(rule, data, (self, *items))
        if hasattr(result, "_kin"):
            result._origin = self, index
        return result  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        """Assign as NumPy does; recorded: the old value stays with what was computed from it. Costs a copy."""
        if isinstance(value, Tensor) and hasattr(value, "_origin"):
            base, at = value._origin
            if base is self and _is_same(at, index):  # the end of t[i] += v, which has been written
                return
        self._check_writing("t[i] = v", " = ...", "what the result is (np.where, np.concatenate)")
        rule = TABLE[operator.setitem]
        assert isinstance(rule, Composite)
        if has_gradient(value) and self.dtype.kind not in "fc":
            raise DTypeError(
                f"t[i] = v: t holds {self.dtype}, so v would be rounded and its gradient lost. "
                "Start from floats: np.zeros(n), not np.zeros(n, int)."
            )
        value = stacked(value)
        kind = getattr(getattr(value, "dtype", None), "kind", "f")
        if kind not in NUMERIC or (kind == "c" and self.dtype.kind != "c"):
            fix = "Take np.real(v), or start from a complex t." if kind == "c" else "Convert v: v.astype(float)."
            raise DTypeError(f"t[i] = v: t holds {self.dtype}; v is {value.dtype}, which does not fit in. {fix}")
        self._write(rule.implementation(self, value, *items_of(index)))

    def _write(self, new: Tensor) -> None:
        """Take a new value; a view by indexing writes it to where it was taken from, too."""
        rule = TABLE[operator.setitem]
        assert isinstance(rule, Composite)
        views, whole = [], self
        while hasattr(whole, "_origin"):  # no recursion: a view may be one of a view of a view, and so on
            views.append(whole)
            whole, index = whole._origin
            new = rule.implementation(whole, new, *items_of(index))
        whole._rebind_to(new)
        for view in reversed(views):
            base, index = view._origin
            new = base[index]
            new._kin.remove(new)
            view._rebind_to(new)
            view._kin = base._kin
            view._kin.add(view)

    def _rebind_to(self, new: Tensor) -> None:
        """Take the value and the history of another Tensor, which nobody else has."""
        old, value = self.node, self._value
        self._value, self.node = new._value, new.node
        moved[0] = next_serial()
        if isinstance(old, Leaf):  # it stays in graphs, as what it was
            old.retire(value if value.size <= SMALL else None)
            if self.node is None:
                self.node = Leaf(self._value, False, weakref.ref(self), current.get().scope)
                if (trace := current.get().trace) is not None:
                    trace.holds(self)
        elif old is not None and self.node is not None:  # after retain_grad()
            old.owner, self.node.owner = None, old.owner
        if old is not None and self.node is not None:
            self.node.name = old.name
        if hasattr(self, "_kin"):
            self._kin.remove(self)
            del self._kin

    def __iadd__(self, other: Any) -> Tensor:
        return self._update(operator.add, other)

    def __isub__(self, other: Any) -> Tensor:
        return self._update(operator.sub, other)

    def __imul__(self, other: Any) -> Tensor:
        return self._update(operator.mul, other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._update(operator.truediv, other)

    def __ipow__(self, other: Any) -> Tensor:
        return self._update(operator.pow, other)

    def __imatmul__(self, other: Any) -> Tensor:
        return self._update(operator.matmul, other)

    def __imod__(self, other: Any) -> Tensor:
        return self._update(operator.mod, other)

    def __ifloordiv__(self, other: Any) -> Tensor:
        return self._update(operator.floordiv, other)

    def _update(self, op: Callable[[Any, Any], Any], other: Any) -> Tensor:
        """Do ``t += u`` as NumPy does: every name for this Tensor sees the new value, which is recorded.

        A number of no axes is replaced by a new one, as NumPy's own scalars are.
        """
        what, update, otherwise = _IN_PLACE[op]
        self._check_writing(what, update, otherwise)
        new = op(self, other)
        if self.ndim == 0 or not isinstance(new, Tensor):
            return new  # type: ignore[no-any-return]
        if new.shape != self.shape:
            raise ShapeError(f"`{what}`: the result has shape {new.shape}, t has {self.shape}. Write {otherwise}")
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise DTypeError(f"`{what}`: t holds {self.dtype}; {new.dtype} does not fit in. Write {otherwise}")
        self._write(new if new.dtype == self.dtype else new.astype(self.dtype))
        return self

    def _check_writing(self, what: str, update: str, otherwise: str) -> None:
        """Refuse where NumPy would change something else too, which a recorded value cannot."""
        chain = [self]  # the views by indexing from here to the Tensor that has the memory
        while hasattr(chain[-1], "_origin"):
            chain.append(chain[-1]._origin[0])
        if (trace := current.get().trace) is not None:
            for changed in chain:
                trace.writes(changed, what)
        if isinstance(node := chain[-1].node, Leaf) and node.requires_grad:
            raise UnsupportedArgumentError(
                f"`{what}` on a leaf that requires grad is ambiguous: an update, or a new value? "
                f"Update with t.data{update} (not recorded); compute on a copy: t = t.copy()."
            )
        if isinstance(node, View):
            raise UnsupportedArgumentError(
                f"`{what}` on a view of another Tensor: NumPy would change that one too; only what indexing gave is "
                f"written back. Write {otherwise}, or take a copy first: t = t.copy()."
            )
        if hasattr(self, "_kin") and self._kin.others(chain):
            raise UnsupportedArgumentError(
                f"`{what}` while another view of t is in use: NumPy would change that too, a recorded value cannot. "
                f"Write {otherwise}, or take copies for views (t[0].copy())."
            )

    __hash__ = object.__hash__  # by identity: == is elementwise

    def __repr__(self) -> str:
        extra = ", requires_grad=True" if self.requires_grad else ""
        name = f", name={self.name!r}" if self.name else ""
        kind = type(self).__name__
        if current.get().trace is not None:  # the values of one call: neither to be shown nor to be computed with
            return f"{kind}(shape={self.shape}, dtype={self.dtype}{name})"
        if is_other(self._value):  # it may be lazy
            return f"{kind}({self._value!r}{extra}{name})"
        return f"{kind}({np.array2string(self._value, separator=', ', prefix=f'{kind}(')}{extra}{name})"

    def __format__(self, spec: str) -> str:
        if not spec and current.get().trace is not None:
            return repr(self)
        return format(self.item() if spec and self.ndim == 0 else self._value, spec)

    def __reduce__(self) -> Any:
        self._leaves("a copy or pickle of t (t.copy() is recorded)")
        self._check_travelling()
        data = owned(self._value) if self._is_looked_at() else self._value  # nobody there would count the writes
        made = type(self), data, self.requires_grad, self.name, unwrap(self.grad)
        return (_rebuild, made, attributes) if any(attributes := self._attributes()) else (_rebuild, made)

    def __copy__(self) -> Tensor:  # sharing memory, each would change under the other's graphs
        return self._copied(None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self._copied(memo)

    def _copied(self, memo: dict[int, Any] | None) -> Tensor:
        """Return a leaf or constant with memory of its own; a deep copy, with a memo, has copies of the rest too."""
        _, (kind, _, requires_grad, name, grad), *attributes = self.__reduce__()
        fresh = _rebuild(kind, owned(self._value), requires_grad, name, None if grad is None else owned(grad))
        if memo is not None:
            memo[id(self)] = fresh  # its attributes may lead back to it
        for values in attributes[0] if attributes else ():
            for key, value in (values or {}).items():
                object.__setattr__(fresh, key, value if memo is None else copy.deepcopy(value, memo))
        return fresh

    def _check_travelling(self) -> None:
        if isinstance(self.node, Leaf) and self.node.variable:
            raise LostGradientError(
                "Inside ag.grad and its like, a copy or a pickle of the variable would lose its gradient. "
                "Use t.copy(), which is recorded; or t.detach() if no gradient is wanted."
            )
        if not isinstance(self.node, Leaf) and self.requires_grad:
            raise LostGradientError(
                "Only leaves can be pickled or deep-copied: the graph of a result does not travel. Use "
                "t.detach(); or t.copy(), which is recorded."
            )

    def _is_looked_at(self) -> bool:
        """Return whether other Tensors are known to be on this memory."""
        node = self.node
        return isinstance(node, View) or (isinstance(node, Leaf) and any(ref() is not None for ref in node.twins))

    def _attributes(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Return what a subclass has added: as attributes, and in slots; as `copyreg` takes it."""
        added = type(self).__mro__[: type(self).__mro__.index(Tensor)]
        slots: list[str] = []
        for cls in added:
            names = cls.__dict__.get("__slots__", ())
            mangled = f"_{cls.__name__.lstrip('_')}" if cls.__name__.strip("_") else ""
            for name in [names] if isinstance(names, str) else names:
                private = name.startswith("__") and not name.endswith("__")  # Python's own rule for such names
                slots.append(mangled + name if private else name)
        held = {n: getattr(self, n) for n in slots if n not in ("__dict__", "__weakref__") and hasattr(self, n)}
        return getattr(self, "__dict__", None) or None, held

    # NumPy's two protocols, the operators, most methods: given to the class by dispatch.py, from the table

    def _called(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function as NumPy does when it finds a Tensor among the arguments."""
        return self.__array_function__(function, (), args, kwargs)

    # ruff: disable[D102]
    if TYPE_CHECKING:

        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any: ...
        def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any: ...
        @classmethod
        def __call_primitive__(cls, function: Any, args: Any, kwargs: Any) -> Any: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def prod(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def var(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def std(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def max(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def min(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def clip(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def dot(self, b: Any) -> Tensor: ...
        def ravel(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def squeeze(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def swapaxes(self, axis1: int, axis2: int) -> Tensor: ...
        def round(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def argmax(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def argmin(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def argsort(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def all(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def any(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def nonzero(self) -> tuple[Tensor, ...]: ...
        def conj(self) -> Tensor: ...
        def conjugate(self) -> Tensor: ...
        def cumsum(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def cumprod(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def repeat(self, repeats: Any, axis: int | None = None) -> Tensor: ...
        def take(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def diagonal(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def trace(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def choose(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def searchsorted(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def argpartition(self, *args: Any, **kwargs: Any) -> Tensor: ...
        def put(self, *args: Any, **kwargs: Any) -> None: ...
    # ruff: enable[D102]

    def sum(self, axis: Any = None, *args: Any, keepdims: bool = False, **kwargs: Any) -> Tensor:
        """Return the sum; as ``np.sum(t, ...)``."""
        rule = TABLE[np.sum]
        if args or kwargs or isinstance(axis, Tensor) or type(self._value) is not np.ndarray:
            return self._called(np.sum, self, axis, *args, keepdims=keepdims, **kwargs)  # type: ignore[no-any-return]
        assert isinstance(rule, Rule)
        add: Any = np.add.reduce  # which the method calls
        data = add(self._value, axis=axis, keepdims=keepdims)
        keywords: dict[str, Any] = {} if axis is None else {"axis": axis}
        if keepdims:
            keywords["keepdims"] = keepdims
        return record(rule, np.asarray(data), (self,), keywords)  # type: ignore[no-any-return]

    def mean(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the mean; as ``np.mean(t, ...)``."""
        value = self._value
        if args or kwargs or type(value) is not np.ndarray or value.dtype.char not in "fdFD" or not value.size:
            return self._called(np.mean, self, *args, **kwargs)  # type: ignore[no-any-return]
        if not current.get().plain:
            return self._called(np.mean, self)  # type: ignore[no-any-return]
        return self.sum() / value.size  # what np.mean of a Tensor comes to

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Tensor:
        """Return the value in another shape; as ``ndarray.reshape``."""
        to = shape[0] if len(shape) == 1 else shape
        usual = type(to) is int or (type(to) in (tuple, list) and _INT.issuperset(map(type, to)))
        if order != "C" or copy is not None or not usual or type(self._value) is not np.ndarray:
            kwargs = {"order": order} if copy is None else {"order": order, "copy": copy}
            return self._called(np.reshape, self, to, **kwargs)  # type: ignore[no-any-return]
        rule: Rule = TABLE[np.reshape]  # type: ignore[assignment]
        if (state := current.get()).plain:
            return _record_one(rule, self._value.reshape(to), self, {"shape": to}, state)
        return record(rule, self._value.reshape(to), (self,), {"shape": to})  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """Permute the axes; as ``ndarray.transpose``."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return self._called(np.transpose, self, order)  # type: ignore[no-any-return]

    def flatten(self, order: str = "C") -> Tensor:
        """Return a copy of the elements in one axis; `ravel` may return a view."""
        return self.reshape(-1, order=order).copy()

    def astype(self, dtype: Any, copy: bool = True) -> Tensor:
        """Cast to another floating or complex dtype."""
        return self._called(np.astype, self, dtype, copy=copy)  # type: ignore[no-any-return]

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Tensor:
        """Return the entries or slices where the condition holds; as ``np.compress(condition, t)``."""
        return self._called(np.compress, condition, self, axis, out)  # type: ignore[no-any-return]

    def fill(self, value: Any) -> None:
        """Assign one value to every place; recorded, as ``t[...] = value``."""
        if np.ndim(value):
            raise ShapeError(f"t.fill(v) takes one number; v has shape {np.shape(value)}. Write t[...] = v.")
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        """Sort in place; recorded, as ``t[...] = np.sort(t)``."""
        self[...] = np.sort(self, axis=axis, kind=kind)

    def partition(self, kth: Any, axis: int = -1) -> None:
        """Partition in place; recorded, as ``t[...] = np.partition(t, kth)``."""
        self[...] = np.partition(self, kth, axis=axis)

    def copy(self) -> Tensor:
        """Return a copy that is recorded as such."""
        return self._called(np.copy, self)  # type: ignore[no-any-return]


def _library_call() -> str | None:
    """Return the function of NumPy or SciPy in whose Python code we are, as the user called it."""
    frame, found = sys._getframe(2), None
    while frame is not None:
        library = str(frame.f_globals.get("__name__", "")).split(".")[0]
        if library not in ("numpy", "scipy"):
            if not str(frame.f_globals.get("__name__", "")).startswith("autograd_mini"):
                break
        elif not frame.f_code.co_name.startswith(("_", "<", "wrapper")):  # a decorator's function is no name
            found = f"{'np' if library == 'numpy' else library}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return found


def _in_scipy() -> bool:
    """Return whether we were called from SciPy's Python code: from an operator, say, which has no name to tell."""
    return str(sys._getframe(3).f_globals.get("__name__", "")).startswith("scipy.")


def items_of(index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple; its lists as arrays, as NumPy reads them, since the caller may change his list."""
    items = index if isinstance(index, tuple) else (index,)
    if list in map(type, items):
        return tuple(np.asarray(i, dtype=None if i else int) if type(i) is list else i for i in items)
    return items


def stacked(value: Any) -> Any:
    """Return a list in which there are Tensors as one Tensor."""
    if isinstance(value, (list, tuple)):
        return np.stack([stacked(v) for v in value]) if _holds(value) else np.asarray(value)
    return value


def _holds(value: Any) -> bool:
    return any(isinstance(v, Tensor) or (isinstance(v, (list, tuple)) and _holds(v)) for v in value)


_IN_PLACE = {  # what an update in place is called, how it is written with t.data, and how without being in place
    op: (f"t {sign}= ...", f" {sign}= ...", f"t = t {sign} ...")
    for op, sign in {
        operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.pow: "**",
        operator.matmul: "@", operator.mod: "%", operator.floordiv: "//",
    }.items()
}  # fmt: skip


class Hook:
    """The handle of a function that looks at a cotangent; see `Tensor.register_hook`. The node does not know it."""

    def __init__(self, node: Node, function: Callable[[Any], Any]) -> None:
        self.hooks = node.extras().hooks
        self.number = next_serial()
        self.hooks[self.number] = Look(function, node.shape, node.dtype)
        moved[0] = next_serial()

    def remove(self) -> None:
        """Look no more."""
        self.hooks.pop(self.number, None)
        moved[0] = next_serial()


class Look:
    """What a node has of a hook: the function, and which cotangents may go on."""

    def __init__(self, function: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any) -> None:
        self.function, self.shape, self.dtype = function, shape, dtype

    def __call__(self, g: Any) -> Any:
        """Show a cotangent; return the one that goes on, or None."""
        if isinstance(g, np.ndarray):  # which others may share
            g = g.view()
            g.flags.writeable = False
        p = self.function(g)
        if p is None:
            return None
        p = p if hasattr(p, "__array_function__") else np.asarray(p)
        name = getattr(self.function, "__name__", "the hook")
        if type(p) is not np.ndarray:
            plain_only(p, f"The hook {name} returned a {{}}")
        if p.shape != self.shape:
            raise ShapeError(
                f"The hook {name} returned shape {p.shape} for a cotangent of shape {self.shape}. "
                "Return that shape, or None."
            )
        if p.dtype.kind not in NUMERIC or (p.dtype.kind == "c" and self.dtype.kind != "c"):
            raise DTypeError(
                f"The hook {name} returned {p.dtype} for a cotangent of {self.dtype}. Return that dtype, or None."
            )
        p = p if p.dtype == self.dtype else p.astype(self.dtype)
        return p if isinstance(g, Tensor) else unwrap(p)


_set_grad = Tensor.__dict__["grad"].__set__


def _has_plain_grad(kind: type[Tensor]) -> bool:
    """Return whether setting `.grad` fills the slot and does nothing else: in a subclass it may be a property."""
    return kind.grad is Tensor.grad and kind.__setattr__ is object.__setattr__  # type: ignore[misc]


_SUMMING = threading.RLock()  # else of two threads that add to one `.grad`, one would be lost


def _accumulate(found: dict[Node, Any], recorded: bool) -> None:
    """Add the cotangents of a sweep to the `.grad` of the Tensors that want them: to all, or, if it fails, to none."""
    with _SUMMING:
        owners: dict[int, Tensor] = {}  # by identity: a subclass may have an == of its own
        totals: dict[int, Any] = {}
        for wanted in found:
            extra = wanted.extra
            owner = extra.owner() if extra is not None and extra.owner is not None else None
            if owner is not None:
                g, i = found[wanted], id(owner)
                if not recorded and type(g) is not np.ndarray:
                    g = unwrap(g)
                sofar = totals[i] if i in totals else owner.grad  # one that was frozen in between has two nodes
                totals[i] = _total(sofar, g, owner, recorded)
                owners[i] = owner
        plain = [o for o in owners.values() if type(o) is Tensor or _has_plain_grad(type(o))]
        deque(map(_set_grad, plain, [totals.pop(id(o)) for o in plain]), 0)  # one step of the interpreter
        for i, total in totals.items():  # a subclass whose `.grad` does something when it is set
            owners[i].grad = total


def _count_holders() -> tuple[int, int]:
    """Return the reference counts that `_total` sees of an array that only the sweep's result holds, and of its base.

    They are measured, since what a call itself holds differs between versions of Python; 0 where there are no counts.
    """

    def count(g: Any) -> tuple[int, int]:
        base = g.base
        return sys.getrefcount(g), sys.getrefcount(base)

    if sys.implementation.name != "cpython":
        return 0, 0
    found = {0: np.empty(1).view()}
    for wanted in found:  # as in `_accumulate`
        g = found[wanted]
        counts = count(g)
    return counts


_HOLDERS, _BASE_HOLDERS = _count_holders()


def _total(sofar: Any, g: Any, owner: Tensor, recorded: bool) -> Any:
    """Return a gradient added to what `owner` has, of its shape and dtype and with memory of its own."""
    dtype = owner._value.dtype
    if sofar is None:
        g = g if g.dtype is dtype or g.dtype == dtype else g.astype(dtype)  # a sum has the machine's byte order
        if recorded:
            return g
        if type(g) is np.ndarray and sys.getrefcount(g) <= _HOLDERS:  # made by the last rule, and nobody else has it
            base = g.base
            if base is None and g.flags.owndata and g.flags.writeable and g.flags.forc:
                return g
            if type(base) is np.ndarray and base.strides == g.strides and base.dtype == g.dtype:  # seen in two ways
                if sys.getrefcount(base) <= _BASE_HOLDERS and base.shape == g.shape:
                    flags = base.flags
                    if flags.owndata and flags.writeable and flags.forc:
                        return base
        return owned(g)
    if type(sofar) is not np.ndarray:
        plain_only(sofar, f"Nothing can be added to the .grad of {owner.name or 'a leaf'}, a {{}}")
    if (sofar.shape if type(sofar) is np.ndarray else np.shape(sofar)) not in ((), owner.shape):
        raise ShapeError(
            f"{owner.name or 'A leaf'} has shape {owner.shape}, but a .grad of shape {np.shape(sofar)} was assigned to "
            "it, and nothing can be added to that. Call zero_grad() before backward()."
        )
    total = sofar + g
    total = np.asarray(total) if isinstance(total, np.generic) else total  # a sum of 0-d arrays
    return total if total.dtype is dtype or total.dtype == dtype else total.astype(dtype)


def wrap(data: Array, node: Node | None) -> Tensor:
    """Make a Tensor of a result, without any check."""
    tensor = Tensor.__new__(Tensor)
    tensor._value = data
    tensor.node = node
    tensor.grad = None
    return tensor


def _rebuild(cls: type[Tensor], data: Array, requires_grad: bool, name: str | None, grad: Any) -> Tensor:
    tensor = cls.__new__(cls)
    Tensor.__init__(tensor, data, requires_grad, name)
    tensor.grad = grad
    return tensor


def unwrap(value: Any) -> Any:
    """Replace Tensors by their arrays, inside lists, tuples and dicts too."""
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, (list, tuple)) and any(isinstance(v, (Tensor, list, tuple)) for v in value):
        items = [unwrap(v) for v in value]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: unwrap(v) for key, v in value.items()}
    return value


# --- recording ----------------------------------------------------------------------------------------------------


def record(rule: Rule, data: Any, operands: Sequence[Any], kwargs: dict[str, Any] | None = None) -> Any:
    """Wrap a result; give it a node if a differentiable path leads through one of `operands`."""
    state = current.get()
    if type(data) in _FLOATS:
        data = np.asarray(data)
    if len(operands) == 1 and state.plain and type(data) is np.ndarray and isinstance(operands[0], Tensor):
        return _record_one(rule, data, operands[0], kwargs, state)
    result = _record_any(rule, data, operands, kwargs, state)
    if state.watch is not None:
        state.watch.recorded(rule, operands, result)
    return result


def _record_any(rule: Rule, data: Any, operands: Sequence[Any], kwargs: dict[str, Any] | None, state: State) -> Any:
    """Do what `record` does, whatever is recorded."""
    off = state.mode == "off"
    for i in rule.refusals:
        if i < len(operands) and has_gradient(operands[i]) and not off:
            raise _refusal_of(rule, i)
    if state.trace is not None:
        for x in operands:
            if isinstance(x, Tensor) and x.node is None:
                state.trace.adopt(x)
    parents = tuple([x.node if isinstance(x, Tensor) else None for x in operands])
    everything = state.trace is not None and any(parents)
    mask, bit = 0, 1
    for parent in parents:
        if parent is not None and parent.requires_grad and rule.vjps[bit.bit_length() - 1] is not None:
            mask |= bit
        bit <<= 1
    if isinstance(data, (tuple, list)):
        return _record_several(rule, data, operands, kwargs, parents, 0 if off else mask)
    data = checked(data, rule.name)
    view = rule.view and shares(data, operands[0])
    source = source_of(parents[0]) if view else None
    fixed = off or not mask
    if fixed and not everything:
        result = wrap(data, None if source is None else Alias(data, source, state.scope))
        return with_kin(result, operands[0]) if view else result
    if data.dtype.kind not in "fc" and not fixed:
        raise _not_differentiable(rule, data)
    plan = rule.plan(mask, len(operands)) if not everything else Plan((True,) * len(operands), True)
    args, seen = _residuals(plan, operands, parents, state)
    free_of_charge = data.size <= SMALL or source is not None  # a view of a leaf costs no memory
    out = data if plan.out or state.keep or free_of_charge else Spec(data)
    kind = (FixedView if view else Fixed) if fixed else View if view else Node
    node = kind().made(rule, args, kwargs or None, parents, out, seen, state.scope)
    if isinstance(node, View):
        node.source = source
    if state.trace is not None:
        state.trace.noted(node)
    return with_kin(wrap(data, node), operands[0]) if view else wrap(data, node)


def _refusal_of(rule: Rule, i: int) -> Exception:
    return UnsupportedArgumentError(
        f"{rule.name} is not differentiable with respect to {rule.operands[i]}: {rule.refusals[i]} "
        f"Pass {rule.operands[i]}.detach() if no gradient is wanted."
    )


def _not_differentiable(rule: Rule, data: Array) -> Exception:
    library = _library_call()
    if library not in (None, rule.name):  # which was called with a Tensor where it does not look for one
        return UnsupportedArgumentError(
            f"{library} computes {data.dtype} values from a Tensor here, which have no derivative. "
            "Pass .detach() if no gradient is wanted."
        )
    return UnsupportedArgumentError(no_derivative(rule.name, data.dtype))


def _record_one(
    rule: Rule, data: Array, x: Tensor, kwargs: dict[str, Any] | None, state: State, rest: tuple[Any, ...] = ()
) -> Tensor:
    """Do what `record` does for one operand and an ordinary array, which is the usual case, without its loops.

    `rest` are further operands, by which nobody differentiates: an index.
    """
    parent, view, source = x.node, rule.view and shares(data, x), None
    if view:
        source = parent if isinstance(parent, Leaf) else parent.source if isinstance(parent, View) else None
    if rule.refusals and 0 in rule.refusals and has_gradient(x):
        raise _refusal_of(rule, 0)
    if parent is None or not parent.requires_grad or rule.vjps[0] is None:
        result = wrap(checked(data, rule.name), None if source is None else Alias(data, source, state.scope))
        return with_kin(result, x) if view else result
    if data.dtype.kind not in "fc":
        raise _not_differentiable(rule, data)
    (keep_x, *_), keep_y = rule.alone
    node: Node = View() if view else Node()
    node.rule, node.kwargs, node.scope, node.extra = rule, kwargs or None, state.scope, None
    node.parents = parents = (parent, *[None] * len(rest)) if rest else (parent,)
    if keep_x:
        node.args, node.seen = (x._value, *rest), parent.version
    else:
        node.args, node.seen = ((parent, *rest) if rest else parents), 0
    node.out = data if keep_y or source is not None or data.size <= SMALL else Spec(data)
    node.serial = next_serial()
    result = Tensor.__new__(Tensor)
    result._value, result.node, result.grad = data, node, None
    if view:
        node.source = source  # type: ignore[attr-defined]
        return with_kin(result, x)
    return result


def _residuals(
    plan: Plan, operands: Sequence[Any], parents: tuple[Node | None, ...], state: State
) -> tuple[tuple[Any, ...], int]:
    """Return what a node keeps of its operands, and how often the leaves among them have been written to."""
    args: list[Any] = []
    seen = 0
    for x, parent, kept in zip(operands, parents, plan.args, strict=False):  # optional operands may be absent
        value = x._value if isinstance(x, Tensor) else x
        if kept:
            args.append(value)
            seen += parent.version if parent is not None else 0
        else:
            args.append(parent if parent is not None else value if state.keep else stand_in(value))
    return tuple(args), seen


def _record_several(
    rule: Rule,
    data: Any,
    operands: Sequence[Any],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node | None, ...],
    mask: int,
) -> Any:
    """Wrap a tuple of results: one node for them all, and one for each that takes it out."""
    state = current.get()
    parts = [checked(part, rule.name) for part in data]
    everything = state.trace is not None and any(parents)
    if not (mask or everything):
        tensors = [wrap(part, None) for part in parts]
    else:
        plan = rule.plan(mask, len(operands)) if not everything else Plan((True,) * len(operands), True)
        args, seen = _residuals(plan, operands, parents, state)
        kept = plan.out or state.keep
        out = Several((part if kept or part.size <= SMALL else Spec(part) for part in parts), ITEM)
        node = (Node if mask else Fixed)().made(rule, args, kwargs or None, parents, out, seen, state.scope)
        if state.trace is not None:
            state.trace.noted(node)
        items = [node.item(i) for i in range(len(parts))]
        tensors = [wrap(p, n if n.requires_grad or everything else None) for p, n in zip(parts, items, strict=True)]
    return type(data)(*tensors) if hasattr(data, "_fields") else type(data)(tensors)


def _item(outputs: Any, *, i: int) -> Any:
    return outputs[i]


def _item_vjp(g: Any, _y: Any, _outputs: Any, *, i: int) -> Parts:
    """The other outputs get nothing."""
    return Parts(g if i == j else None for j in range(len(_outputs.out)))


def _identity(a: Any) -> Any:
    return a


IDENTITY = Rule(
    _identity, (lambda g, _y, _a: g,), None, broadcasts=False, view=True, signature=None, only={}
)  # not in the table: nobody calls it

ITEM = Rule(_item, (_item_vjp,), None, broadcasts=False, view=False, signature=None, only={})


class Kin:
    """The living Tensors on one memory: a view, and those that it shows. It keeps none of them alive."""

    __slots__ = ("limit", "members")

    def __init__(self, first: Tensor) -> None:
        self.members = {id(first): weakref.ref(first)}
        self.limit = 8

    def add(self, tensor: Tensor) -> None:
        """Let one more in, and forget the dead when there are many."""
        if len(self.members) > self.limit:
            self.members = {i: ref for i, ref in list(self.members.items()) if ref() is not None}
            self.limit = 2 * len(self.members) + 8
        self.members[id(tensor)] = weakref.ref(tensor)

    def remove(self, tensor: Tensor) -> None:
        """Let one go, which has memory of its own now."""
        self.members.pop(id(tensor), None)

    def others(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether anybody is alive who is not among `tensors`."""
        known = set(map(id, tensors))
        return any(ref() is not None for i, ref in list(self.members.items()) if i not in known)


def _is_same(a: Any, b: Any) -> bool:
    """Return whether two indices are one; of t[i:j] += v, Python 3.12 and later make two slices of the same numbers."""
    if type(a) is slice and type(b) is slice:
        return a.start is b.start and a.stop is b.stop and a.step is b.step
    return a is b


_get_kin = Tensor.__dict__["_kin"].__get__


def with_kin(view: Tensor, base: Any) -> Tensor:
    """Let a view and the Tensors whose memory it shows know of each other."""
    if isinstance(base, Tensor):
        try:
            kin = _get_kin(base)  # base._kin would go on to __getattr__ where it is unset, which takes long
        except AttributeError:
            kin = base._kin = Kin(base)
        view._kin = kin
        kin.add(view)
    return view


def checked(data: Any, name: str) -> Array:
    """Return a function's result as an array; refuse by name what is none."""
    if type(data) is np.ndarray and data.dtype.kind in NUMERIC:
        return data
    if isinstance(data, (np.generic, np.memmap, float, complex, int)):
        data = np.asarray(data)
    if not hasattr(data, "__array_function__"):
        if hasattr(data, "__array__") and name.startswith(("np.", "scipy.")):  # of pandas, say: an operand was one
            raise subclass_refused(f"{name} of a Tensor and a {type(data).__name__}")
        raise RuleError(f"{name} returned a {type(data).__name__}; it can be recorded if it returns one array.")
    if type(data) is not np.ndarray:
        plain_only(data, f"{name} of a Tensor and a {{}}")
        refuse_shape(data, name)
    if data.dtype.kind not in NUMERIC:
        what = "objects" if data.dtype.kind == "O" else f"{data.dtype} values"
        raise DTypeError(f"{name} of a Tensor and {what}: only numbers have gradients. Convert first: a.astype(float).")
    return data


def shares(data: Array, operand: Any) -> bool:
    """Return whether a result may share memory with its operand: a reshape may have copied."""
    source = operand._value if isinstance(operand, Tensor) else operand
    if type(data) is np.ndarray and (base := data.base) is not None and (base is source or base is source.base):
        return True
    return not (type(data) is type(source) is np.ndarray) or np.may_share_memory(data, source)


_INT = frozenset({int})
_FLOATS = frozenset({np.float64, np.float32})  # what NumPy makes of 0-d arrays
_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})  # indices by which NumPy gives a view
_COMPARISONS = frozenset({"np.array_equal", "np.array_equiv", "np.allclose", "np.isclose"})


def stand_in(value: Any) -> Any:
    """Return what stands for a constant operand that no rule reads: itself if it is small."""
    return Spec(value) if hasattr(value, "dtype") and value.size > SMALL else value


def has_gradient(value: Any) -> bool:
    """Return whether a cotangent would pass to a value, or to something in a list."""
    if isinstance(value, (list, tuple)):
        return any(has_gradient(v) for v in value)
    return isinstance(value, Tensor) and value.requires_grad


# --- checks that every way into the sweep shares ------------------------------------------------------------------


def owned(g: Array) -> Array:
    """Copy a cotangent: it may be a read-only view, or shared with other leaves."""
    return np.array(g) if isinstance(g, (np.ndarray, np.generic)) else g.copy()


def node_of(tensor: Tensor, what: str) -> Node:
    """Return the node of a Tensor that can be differentiated; else say why it cannot."""
    if not isinstance(tensor, Tensor):
        raise NothingRecordedError(f"{what} needs a Tensor, not {type(tensor).__name__}. Wrap the value in ag.Tensor.")
    node = tensor.node
    if node is None or not node.requires_grad:
        if current.get().mode == "off":
            why = "Recording is off here: move the call out of `with ag.no_grad()`."
        else:
            why = (
                "Nothing was recorded: no operand had requires_grad=True, recording was off (ag.no_grad), or the path "
                "was cut (.detach(), .numpy(), a comparison). Make a leaf with ag.Tensor(..., requires_grad=True)."
            )
        raise NothingRecordedError(f"{what}: this Tensor has no differentiable path to any leaf. {why}")
    return node


def seed_of(tensor: Tensor, cotangent: Any, create_graph: bool) -> Any:
    """Return the first cotangent of a sweep: the one given, checked, or 1 for a scalar."""
    data = tensor._value
    if cotangent is None:
        if data.size != 1:
            raise ShapeError(
                f"Without a cotangent, backward() and gradients() need a scalar; this Tensor has shape {data.shape}. "
                f"Reduce it (t.sum(), t.mean()), or say how its elements count: t.backward(np.ones({data.shape}))."
            )
        seed = np.array(1, data.dtype) if type(data) is np.ndarray and not data.shape else np.ones_like(data)
    else:
        seed = cotangent if hasattr(cotangent, "__array_function__") else np.asarray(cotangent)
        plain_only(seed, "A cotangent cannot be a {}")
        if is_other(data) and isinstance(seed, (np.ndarray, np.generic)):
            seed = np.asarray(seed, like=data)
        if seed.dtype.kind not in NUMERIC:
            raise DTypeError(f"A cotangent holds numbers; this one is {seed.dtype}.")
        if seed.shape != data.shape:
            raise ShapeError(f"The cotangent has shape {seed.shape}; it must have its Tensor's own, {data.shape}.")
        if seed.dtype.kind == "c" and data.dtype.kind != "c":
            raise DTypeError(
                f"The cotangent of a {data.dtype} Tensor must be real; this one is {seed.dtype}. Pass its real part."
            )
        if seed.dtype != data.dtype:
            seed = seed.astype(data.dtype)
    if create_graph:
        return seed if isinstance(seed, Tensor) else wrap(seed, None)
    return unwrap(seed)
