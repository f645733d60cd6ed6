"""Batched: many cotangents in one array, so that one sweep computes all rows of a Jacobian.

A rule is linear in its cotangent and written in NumPy functions. Fed a `Batched`, it computes what it would compute
from each cotangent of the batch, all at once: the array has one more axis in front, and each function of NumPy is told
here how to leave that axis alone. Shape, rank and dtype that a rule reads are those of one element, so rules do not
notice. What is not told here is done element by element (`one_by_one`): right for any function, only slower.

The batch may itself consist of Tensors: then the sweep is recorded, and Jacobians can be differentiated.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .graph import Node
from .rules import assign, index
from .table import TABLE, Composite, Plain
from .tensor import wrap

__all__ = ["Batched", "UnbatchableError", "one_by_one", "one_for_all"]

scatter: Any = index.scatter
assigned: Any = assign.assign
Array = Any
Function = Callable[..., Any]


class UnbatchableError(AttributeError, TypeError):
    """A rule did something with a batch that cannot be done for all elements at once: then they go one by one."""


class Batched:
    """Arrays of one shape and dtype, stacked along a first axis of which those who compute with it know nothing.

    Parameters
    ----------
    data : array
        The stack; or, if `many` is False, one array that stands for all elements.
    many : bool
        Whether `data` has the batch axis.
    """

    __slots__ = ("data", "many")

    def __init__(self, data: Array, many: bool = True) -> None:
        self.data = data
        self.many = many

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one element."""
        return self.data.shape[1:] if self.many else self.data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Rank of one element."""
        return self.data.ndim - self.many  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """Number of entries of one element."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        """Dtype of the elements."""
        return self.data.dtype

    @property
    def T(self) -> Batched:
        """The transpose of each element."""
        return call(np.transpose, (self,), {})  # type: ignore[no-any-return]

    @property
    def mT(self) -> Batched:
        """The transpose of the last two axes."""
        return call(np.swapaxes, (self, -1, -2), {})  # type: ignore[no-any-return]

    @property
    def real(self) -> Batched:
        """The real parts."""
        return Batched(self.data.real, self.many)

    @property
    def imag(self) -> Batched:
        """The imaginary parts."""
        return Batched(self.data.imag, self.many)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise UnbatchableError(f"np.{ufunc.__name__} into out=")
        if method == "__call__":
            if not kwargs and ufunc.signature is None and ufunc.nout == 1:
                return pairwise(ufunc, *inputs) if len(inputs) == 2 else elementwise(ufunc, *inputs)
            return call_ufunc(ufunc, inputs, kwargs)
        if method == "at":
            raise UnbatchableError(f"np.{ufunc.__name__}.at")
        return call(getattr(ufunc, method), inputs, {k: v for k, v in kwargs.items() if k != "out"})

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        return call(function, args, kwargs)

    @classmethod
    def __call_primitive__(cls, function: Any, args: Any, kwargs: Any) -> Any:
        return call(function, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        items = index if isinstance(index, tuple) else (index,)
        if any(type(i) is Batched for i in items):
            if any(type(i) is Batched and i.many for i in items):
                return one_by_one(operator.getitem, (self, items), {})
            items = tuple(plain(i) for i in items)
        if not self.many:
            return Batched(as_array(self.data[items]), False)
        if all(i is None or i is Ellipsis or isinstance(i, (int, slice, np.integer)) for i in items):
            return Batched(self.data[(slice(None), *items)])
        return Batched(first(last(self.data)[kept(items)]))

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UnbatchableError("a batch as one array")

    def __bool__(self) -> bool:
        raise UnbatchableError("a batch as a truth value")

    def __float__(self) -> float:
        raise UnbatchableError("a batch as one number")

    __int__ = __index__ = __complex__ = __float__

    def __setitem__(self, index: Any, value: Any) -> None:
        raise UnbatchableError("assignment into a batch")

    def __getattr__(self, name: str) -> Any:
        raise UnbatchableError(f"a batch has no .{name}")

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<Batched {self.data.shape[0] if self.many else 'one'} x {self.shape} {self.dtype}>"

    def astype(self, dtype: Any, copy: bool = True) -> Batched:
        """Cast; as ``ndarray.astype``."""
        return Batched(self.data.astype(dtype, copy=copy), self.many)

    def copy(self) -> Batched:
        """Copy; as ``ndarray.copy``."""
        return Batched(self.data.copy(), self.many)

    def reshape(self, *shape: Any, order: str = "C") -> Batched:
        """Give each element another shape; as ``ndarray.reshape``."""
        shape = shape[0] if len(shape) == 1 else shape
        return call(np.reshape, (self, shape), {} if order == "C" else {"order": order})  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Batched:
        """Permute the axes; as ``ndarray.transpose``."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return call(np.transpose, (self, order), {})  # type: ignore[no-any-return]

    def flatten(self, order: str = "C") -> Batched:
        """Return the entries of each element in one axis."""
        return self.reshape(-1, order=order)


def one_for_all(data: Array, node: Node) -> Batched:
    """Put a residual back in its place in the graph, for a recorded sweep of a batch (see `pullback`)."""
    return Batched(wrap(data, node), many=False)


def as_array(result: Any) -> Array:
    return np.asarray(result) if isinstance(result, (np.generic, bool, int, float, complex)) else result


def plain(value: Any) -> Any:
    """Replace a `Batched` that stands for one array by it."""
    return value.data if type(value) is Batched else value


def rank(value: Any) -> int:
    return value.ndim if hasattr(value, "ndim") else np.ndim(value)


def aligned(value: Any, n: int) -> Any:
    """Return an operand's data with axes of length 1 put in after the batch axis, up to rank n."""
    if type(value) is not Batched:
        return value
    data = value.data
    missing = n + 1 - data.ndim
    if missing and value.many:
        shape = data.shape
        return data.reshape((shape[0], *(1,) * missing, *shape[1:]))
    return data


def elementwise(function: Function, *inputs: Any, **kwargs: Any) -> Batched:
    """Apply a function that broadcasts its operands."""
    n = max(map(rank, inputs))
    many = any(type(x) is Batched and x.many for x in inputs)
    result = function(*[aligned(x, n) for x in inputs], **kwargs)
    return Batched(result if many else as_array(result), many)


def pairwise(ufunc: Function, a: Any, b: Any) -> Batched:
    """Apply a ufunc of two operands: `elementwise` without its loops."""
    x, m = (a.data, a.many) if type(a) is Batched else (a, False)
    y, n = (b.data, b.many) if type(b) is Batched else (b, False)
    p = (x.ndim if hasattr(x, "ndim") else np.ndim(x)) - m
    q = (y.ndim if hasattr(y, "ndim") else np.ndim(y)) - n
    if p < q and m:
        x = x.reshape((x.shape[0], *(1,) * (q - p), *x.shape[1:]))
    elif q < p and n:
        y = y.reshape((y.shape[0], *(1,) * (p - q), *y.shape[1:]))
    result = ufunc(x, y)
    return Batched(result, True) if m or n else Batched(as_array(result), False)


def batches(tree: Any) -> Iterable[Batched]:
    """Yield the true batches in nested lists, tuples, dicts."""
    if type(tree) is Batched:
        if tree.many:
            yield tree
    elif isinstance(tree, (list, tuple)):
        for branch in tree:
            yield from batches(branch)
    elif isinstance(tree, dict):
        for branch in tree.values():
            yield from batches(branch)


def element(tree: Any, i: int) -> Any:
    """Return the i-th element of every batch in nested lists, tuples, dicts."""
    if type(tree) is Batched:
        return tree.data[i] if tree.many else tree.data
    if isinstance(tree, (list, tuple)):
        items = [element(branch, i) for branch in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if isinstance(tree, dict):
        return {key: element(branch, i) for key, branch in tree.items()}
    return tree


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function on arguments among which there is a batch."""
    entry = TABLE.get(function)
    if not any(True for _ in batches((args, kwargs))):
        result = function(*element(args, 0), **element(kwargs, 0))
        return result if isinstance(entry, Plain) else assembled([result], many=False)
    if isinstance(entry, Plain):
        return function(*element(args, 0), **element(kwargs, 0))
    try:
        result = at_once(function, entry, args, kwargs)
    except Exception:  # something unforeseen: one by one it works, or raises what NumPy has to say
        result = NotImplemented
    return one_by_one(function, args, kwargs) if result is NotImplemented else result


def at_once(function: Any, entry: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply what is told below, or a composite; NotImplemented if nothing is."""
    rule = ALONG.get(function)
    if rule is not None and args and type(args[0]) is Batched and args[0].many:
        rest = (args[1:], kwargs)
        if not any(True for _ in batches(rest)):
            rest = element(rest, 0)
            result = rule(args[0].data, *rest[0], **rest[1])
            return result if result is NotImplemented else Batched(result)
    rule = TOGETHER.get(function, entry.implementation if isinstance(entry, Composite) else None)
    return NotImplemented if rule is None else rule(*args, **kwargs)


def one_by_one(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a function to each element of the batch, and stack the results."""
    sizes = {len(batch.data) for batch in batches((args, kwargs))}
    if 0 in sizes:
        raise UnbatchableError("an empty batch")
    return assembled([function(*element(args, i), **element(kwargs, i)) for i in range(max(sizes))], many=True)


def assembled(results: list[Any], many: bool) -> Any:
    """Make of the results for each element one batch; of tuples, a tuple of batches."""
    one = results[0]
    if isinstance(one, (list, tuple)):
        parts = [assembled([result[k] for result in results], many) for k in range(len(one))]
        return type(one)(*parts) if hasattr(one, "_fields") else type(one)(parts)
    return Batched(np.stack(results) if many else as_array(one), many)


# --- ufuncs -----------------------------------------------------------------------------------------------------


def call_ufunc(ufunc: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a ufunc with keywords, with several outputs, or on vectors and matrices."""
    kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    if ufunc is np.matmul and not kwargs:
        return matmul(*inputs)
    if ufunc.signature in CORES and not kwargs:
        return of_cores(ufunc, inputs)
    lined = ufunc.signature is None and ufunc.nout == 1
    if not lined or any(type(value) is Batched and value.many for value in kwargs.values()):
        return call(ufunc, inputs, kwargs)
    kwargs = {key: plain(value) for key, value in kwargs.items()}
    if rank(kwargs.get("where", True)) > max(map(rank, inputs)):
        return one_by_one(ufunc, inputs, kwargs)
    return elementwise(ufunc, *inputs, **kwargs)


CORES = {"(n),(n)->()": (1, 1), "(m,n),(n)->(m)": (2, 1), "(n),(n,m)->(m)": (1, 2)}  # ranks that a ufunc takes as one


def of_cores(ufunc: Any, inputs: tuple[Any, ...]) -> Batched:
    """Apply a ufunc on vectors and matrices: what broadcasts is in front of these."""
    cores = CORES[ufunc.signature]
    inputs = tuple(x if hasattr(x, "ndim") else np.asarray(x) for x in inputs)
    n = max(rank(x) - core for x, core in zip(inputs, cores, strict=True))
    result = ufunc(*[aligned(x, n + core) for x, core in zip(inputs, cores, strict=True)])
    many = any(type(x) is Batched and x.many for x in inputs)
    return Batched(result if many else as_array(result), many)


def matmul(a: Any, b: Any) -> Any:
    """Multiply: vectors become matrices for the while, stacks are aligned behind the batch axis."""
    p, q = rank(a), rank(b)
    many = [type(x) is Batched and x.many for x in (a, b)]
    x, y = (plain(v) if hasattr(v, "ndim") else np.asarray(v) for v in (a, b))
    if not any(many):
        return Batched(as_array(np.matmul(x, y)), False)
    if p == 0 or q == 0:
        raise ValueError("matmul of a number")
    if many == [True, False] and q <= 2:
        return Batched(np.matmul(x, y))  # the batch is one more axis of rows
    if p == 1:
        x = np.expand_dims(x, -2)
    if q == 1:
        y = np.expand_dims(y, -1)
    n = max(p, q, 2)
    x, y = (
        np.reshape(v, (v.shape[0], *(1,) * (n + 1 - v.ndim), *v.shape[1:])) if m and v.ndim <= n else v
        for v, m in ((x, many[0]), (y, many[1]))
    )
    z = np.matmul(x, y)
    drop = (*((-2,) if p == 1 else ()), *((-1,) if q == 1 else ()))
    return Batched(np.squeeze(z, drop) if drop else z)


def _make_operators() -> None:
    def infix(ufunc: Any) -> tuple[Function, Function]:
        def method(self: Batched, other: Any) -> Any:
            return pairwise(ufunc, self, other)

        def swapped(self: Batched, other: Any) -> Any:
            return pairwise(ufunc, other, self)

        return (method, swapped) if ufunc is not np.matmul else (matmul, lambda self, other: matmul(other, self))

    for name, ufunc in {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "mod": np.remainder,
        "floordiv": np.floor_divide, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and,
        "or": np.bitwise_or, "xor": np.bitwise_xor,
    }.items():  # fmt: skip
        method, swapped = infix(ufunc)
        setattr(Batched, f"__{name}__", method)
        setattr(Batched, f"__r{name}__", swapped)
    for name, ufunc in {
        "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
        "eq": np.equal, "ne": np.not_equal,
    }.items():  # fmt: skip
        setattr(Batched, f"__{name}__", infix(ufunc)[0])

    def prefix(ufunc: Any) -> Function:
        return lambda self: elementwise(ufunc, self)

    for name, ufunc in {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}.items():
        setattr(Batched, f"__{name}__", prefix(ufunc))

    def method_of(function: Any) -> Function:
        return lambda self, *args, **kwargs: call(function, (self, *args), kwargs)

    for name in (
        "sum prod mean var std max min clip dot ravel squeeze swapaxes round argmax argmin argsort all any repeat "
        "take cumsum cumprod diagonal trace"
    ).split():
        setattr(Batched, name, method_of(getattr(np, name)))
    for name in ("conj", "conjugate"):
        setattr(Batched, name, prefix(np.conjugate))


_make_operators()


# --- functions of one array: told where its axes are, one further on ----------------------------------------------

ALONG: dict[Function, Function] = {}  # rule(data with the batch axis in front, *other arguments)
TOGETHER: dict[Function, Function] = {}  # rule(*arguments): of several arrays


def place(axis: Any, n: int) -> int:
    """Return where an axis of an element of rank n is in the stack."""
    axis = int(operator.index(axis))
    if not -n <= axis < n:
        raise np.exceptions.AxisError(axis, n)
    return int(axis % n + 1)


def sequence(value: Any) -> tuple[Any, ...]:
    """Return axes or a shape as a tuple; a number is one of one."""
    return tuple(value) if np.iterable(value) else (value,)


def places(axes: Any, n: int) -> tuple[int, ...]:
    """Return where some axes are; None means all."""
    if axes is None or n == 0:
        return tuple(range(1, n + 1))
    return tuple(place(axis, n) for axis in sequence(axes))


def last(data: Array) -> Array:
    """Move the batch axis to the end, where indices and Fortran's order leave it alone."""
    return np.moveaxis(data, 0, -1)


def first(data: Array) -> Array:
    """Move it back to the front."""
    return np.moveaxis(data, -1, 0)


def kept(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return an index that takes the whole of a further last axis."""
    return (*items, slice(None)) if any(i is Ellipsis for i in items) else items


def along(*functions: Function) -> Callable[[Function], Function]:
    def register(rule: Function) -> Function:
        for function in functions:
            ALONG[function] = rule
        return rule

    return register


def together(*functions: Function) -> Callable[[Function], Function]:
    def register(rule: Function) -> Function:
        for function in functions:
            TOGETHER[function] = rule
        return rule

    return register


def _reduction(function: Function) -> Function:
    def rule(data: Array, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        if rank(kwargs.get("where", True)) >= data.ndim:
            return NotImplemented
        return function(data, places(axis, data.ndim - 1), *args, **kwargs)

    return rule


def _line(function: Function, default: int | None) -> Function:
    """Return a rule for a function along one axis; None: of all entries in a line."""

    def rule(data: Array, axis: Any = default, *args: Any, **kwargs: Any) -> Any:
        if data.ndim == 1:
            return NotImplemented
        if axis is None:
            data, axis = data.reshape((len(data), -1)), 0
        return function(data, place(axis, data.ndim - 1), *args, **kwargs)

    return rule


def _same(function: Function) -> Function:
    def rule(data: Array, *args: Any, **kwargs: Any) -> Any:
        others = (value for value in (*args, *kwargs.values()) if isinstance(value, (np.ndarray, list, tuple)))
        if any(rank(value) >= data.ndim for value in others):
            return NotImplemented
        return function(data, *args, **kwargs)

    return rule


def _matrices(function: Function) -> Function:
    """Return a rule for a function of the last two axes."""
    return lambda data, *args, **kwargs: function(data, *args, **kwargs) if data.ndim > 2 else NotImplemented


def _registered() -> None:
    reductions = (
        "sum prod max min amax amin mean var std any all count_nonzero nansum nanprod nanmax nanmin nanmean nanvar "
        "nanstd ptp median nanmedian"
    )
    for name in reductions.split():
        ALONG[getattr(np, name)] = _reduction(getattr(np, name))
    for name in "argmax argmin cumsum cumprod nancumsum nancumprod cumulative_sum cumulative_prod".split():
        ALONG[getattr(np, name)] = _line(getattr(np, name), None)
    for name in "sort argsort".split():
        ALONG[getattr(np, name)] = _line(getattr(np, name), -1)
    for name in "real imag copy astype nan_to_num round around clip angle".split():
        ALONG[getattr(np, name)] = _same(getattr(np, name))
    for name in "tril triu".split():
        ALONG[getattr(np, name)] = _matrices(getattr(np, name))
    for function in (np.linalg.inv, np.linalg.cholesky, np.linalg.det, np.linalg.pinv, np.matrix_transpose):
        ALONG[function] = _matrices(function)
    for name in "fft ifft rfft irfft hfft ihfft".split():
        ALONG[getattr(np.fft, name)] = _fft(getattr(np.fft, name))
    for name in "fft2 ifft2 rfft2 irfft2".split():
        ALONG[getattr(np.fft, name)] = _fftn(getattr(np.fft, name), (-2, -1))
    for name in "fftn ifftn rfftn irfftn".split():
        ALONG[getattr(np.fft, name)] = _fftn(getattr(np.fft, name), None)
    for name in "fftshift ifftshift".split():
        ALONG[getattr(np.fft, name)] = _shift(getattr(np.fft, name))


def _fft(function: Function) -> Function:
    def rule(data: Array, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
        return function(data, n, place(axis, data.ndim - 1), norm)

    return rule


def _fftn(function: Function, default: Any) -> Function:
    def rule(data: Array, s: Any = None, axes: Any = default, norm: Any = None) -> Any:
        n = data.ndim - 1
        axes = range(-len(s), 0) if axes is None and s is not None else axes
        return function(data, s, places(None if axes is None else tuple(axes), n), norm)

    return rule


def _shift(function: Function) -> Function:
    return lambda data, axes=None: function(data, places(axes, data.ndim - 1))


_registered()


@along(np.reshape)
def _reshape(data: Array, shape: Any = None, order: str = "C", *, copy: bool | None = None, **other: Any) -> Any:
    if other or shape is None or order not in ("C", "F"):
        return NotImplemented
    shape = sequence(shape)
    if -1 in shape:
        known = math.prod(n for n in shape if n != -1)
        size = math.prod(data.shape[1:])
        if not known or size % known or shape.count(-1) > 1:
            raise ValueError(f"cannot reshape {data.shape[1:]} into {shape}")
        shape = tuple(size // known if n == -1 else n for n in shape)
    if order == "F" and len(shape) + data.ndim > 3:
        return first(np.reshape(last(data), (*shape, len(data)), order="F"))
    return np.reshape(data, (len(data), *shape)) if copy is None else np.reshape(data, (len(data), *shape), copy=copy)


@along(np.ravel)
def _ravel(data: Array, order: str = "C") -> Any:
    return _reshape(data, -1, order)


@along(np.transpose)
def _transpose(data: Array, axes: Any = None) -> Any:
    n = data.ndim - 1
    return np.transpose(data, (0, *(range(n, 0, -1) if axes is None else places(tuple(axes), n))))


@along(np.moveaxis)
def _moveaxis(data: Array, source: Any, destination: Any) -> Any:
    return np.moveaxis(data, places(source, data.ndim - 1), places(destination, data.ndim - 1))


@along(np.swapaxes)
def _swapaxes(data: Array, axis1: int, axis2: int) -> Any:
    return np.swapaxes(data, place(axis1, data.ndim - 1), place(axis2, data.ndim - 1))


@along(np.squeeze)
def _squeeze(data: Array, axis: Any = None) -> Any:
    where = tuple(i for i, n in enumerate(data.shape) if i and n == 1) if axis is None else places(axis, data.ndim - 1)
    return np.squeeze(data, where)


@along(np.expand_dims)
def _expand_dims(data: Array, axis: Any) -> Any:
    axes = sequence(axis)
    return np.expand_dims(data, places(axes, data.ndim - 1 + len(axes)))


@along(np.broadcast_to)
def _broadcast_to(data: Array, shape: Any, **_: Any) -> Any:
    shape = sequence(shape)
    return np.broadcast_to(aligned(Batched(data), len(shape)), (len(data), *shape))


@along(np.flip)
def _flip(data: Array, axis: Any = None) -> Any:
    return np.flip(data, places(axis, data.ndim - 1))


@along(np.roll)
def _roll(data: Array, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(np.roll(np.reshape(data, (len(data), -1)), shift, 1), data.shape)
    return np.roll(data, shift, places(axis, data.ndim - 1))


@along(np.repeat)
def _repeat(data: Array, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.repeat(np.reshape(data, (len(data), -1)), repeats, 1)
    return np.repeat(data, repeats, place(axis, data.ndim - 1))


@along(np.tile)
def _tile(data: Array, reps: Any) -> Any:
    reps = sequence(reps)
    n = data.ndim - 1
    reps = (*(1,) * (n - len(reps)), *reps)
    return np.tile(aligned(Batched(data), len(reps)), (1, *reps))


@along(np.take)
def _take(data: Array, indices: Any, axis: Any = None, **other: Any) -> Any:
    if axis is None:
        data, axis = np.reshape(data, (len(data), -1)), 0
    return np.take(data, indices, place(axis, data.ndim - 1), **other)


@along(np.take_along_axis)
def _take_along_axis(data: Array, indices: Any, axis: Any = -1) -> Any:
    if axis is None or rank(indices) != data.ndim - 1:
        return NotImplemented
    indices = np.broadcast_to(indices, (len(data), *np.shape(indices)))
    return np.take_along_axis(data, indices, place(axis, data.ndim - 1))


@along(np.diagonal)
def _diagonal(data: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.diagonal(data, offset, place(axis1, data.ndim - 1), place(axis2, data.ndim - 1))


@along(np.trace)
def _trace(data: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.trace(data, offset, place(axis1, data.ndim - 1), place(axis2, data.ndim - 1), dtype)


@along(np.diff)
def _diff(data: Array, n: int = 1, axis: int = -1) -> Any:
    return np.diff(data, n, place(axis, data.ndim - 1))


@along(np.zeros_like, np.empty_like)
def _zeros_like(data: Array, dtype: Any = None, *, shape: Any = None, **_: Any) -> Any:
    if shape is not None:
        return NotImplemented
    return np.zeros(data.shape, data.dtype if dtype is None else dtype)


@along(np.ones_like)
def _ones_like(data: Array, dtype: Any = None, *, shape: Any = None, **_: Any) -> Any:
    if shape is not None:
        return NotImplemented
    return np.ones(data.shape, data.dtype if dtype is None else dtype)


@along(scatter)
def _scatter(data: Array, *index: Any, shape: tuple[int, ...]) -> Any:
    if all(i is None or i is Ellipsis or isinstance(i, (int, slice, np.integer)) for i in index):
        return scatter(data, slice(None), *index, shape=(len(data), *shape))
    return first(scatter(last(data), *kept(index), shape=(*shape, len(data))))


@along(assigned)
def _assign(data: Array, value: Any, *index: Any) -> Any:
    if rank(value):
        return NotImplemented
    if all(i is None or i is Ellipsis or isinstance(i, (int, slice, np.integer)) for i in index):
        return assigned(data, value, slice(None), *index)
    return first(assigned(last(data), value, *kept(index)))


@along(np.rot90)
def _rot90(data: Array, k: int = 1, axes: Any = (0, 1)) -> Any:
    one, other = places(axes, data.ndim - 1)
    return np.rot90(data, k, (one, other))


# --- functions of several arrays ----------------------------------------------------------------------------------


@together(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    return NotImplemented if x is None or y is None else elementwise(np.where, condition, x, y)


def stacked(arrays: Sequence[Any]) -> list[Array]:
    """Return arrays that all have the batch axis."""
    size = next(len(batch.data) for batch in batches(list(arrays)))
    data = [a if type(a) is Batched else Batched(np.asarray(a), False) for a in arrays]
    return [a.data if a.many else np.broadcast_to(a.data, (size, *a.shape)) for a in data]


@together(np.concatenate)
def _concatenate(arrays: Sequence[Any], axis: Any = 0, **kwargs: Any) -> Any:
    data = stacked(list(arrays))
    if axis is None:
        return Batched(np.concatenate([np.reshape(a, (len(a), -1)) for a in data], 1, **kwargs))
    return Batched(np.concatenate(data, place(axis, data[0].ndim - 1), **kwargs))


@together(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0, **kwargs: Any) -> Any:
    data = stacked(list(arrays))
    return Batched(np.stack(data, place(axis, data[0].ndim), **kwargs))


@together(np.einsum)
def _einsum(*operands: Any, **kwargs: Any) -> Any:
    """Give every batch one more letter, and the result too."""
    text = operands[0]
    if not isinstance(text, str):
        return NotImplemented
    text = text.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if not arrow:
        letters = sorted(set(left) - set(".,"))
        right = ("..." if "..." in left else "") + "".join(c for c in letters if left.count(c) == 1)
    free = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in text)
    terms = [free + t if type(a) is Batched and a.many else t for t, a in zip(terms, operands[1:], strict=True)]
    return Batched(np.einsum(",".join(terms) + "->" + free + right, *map(plain, operands[1:]), **kwargs))


@together(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    """One factorisation serves all right-hand sides where only they are a batch."""
    if not (type(a) is Batched and a.many) and rank(a) == 2 and rank(b) <= 2:
        a, data = plain(a), b.data
        if rank(b) == 1:
            return Batched(np.transpose(np.linalg.solve(a, np.transpose(data))))
        columns = np.reshape(np.moveaxis(data, 0, 1), (data.shape[1], -1))
        return Batched(np.moveaxis(np.reshape(np.linalg.solve(a, columns), (data.shape[1], len(data), -1)), 1, 0))
    vector = rank(b) == 1
    if vector:
        b = np.expand_dims(b, -1)
    n = max(rank(a), rank(b))
    x = Batched(np.linalg.solve(aligned(a, n), aligned(b, n)))
    return np.squeeze(x, -1) if vector else x


@together(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Shift the axes of the one that is a batch; its axis comes first of what is left."""
    many = [type(x) is Batched and x.many for x in (a, b)]
    if all(many):  # as its composite does: over matmul
        return TABLE[np.tensordot].implementation(a, b, axes)  # type: ignore[union-attr]
    p, q = rank(a), rank(b)
    left, right = axes if np.iterable(axes) else (range(-axes, 0), range(axes))
    left, right = (list(i) if np.iterable(i) else [i] for i in (left, right))
    if many[0]:
        return Batched(np.tensordot(a.data, plain(b), ([place(i, p) for i in left], right)))
    result = np.tensordot(plain(a), b.data, (left, [place(i, q) for i in right]))
    return Batched(np.moveaxis(result, p - len(left), 0))
