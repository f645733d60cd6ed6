"""Dispatch: what happens when NumPy, or an operator, meets a Tensor; each function as its entry in the table says."""

from __future__ import annotations

import inspect
import numbers
import re
from collections.abc import Callable, Iterator, Sequence, Set
from functools import partial
from typing import Any

import numpy as np

from . import rules as _rules  # noqa: F401 (the operators are made from the table)
from .arrays import ORDINARY, NeedsValues, asked, is_other, other_kind, plain_only
from .errors import AutogradError, DTypeError, MissingRuleError, ShapeError, UnsupportedArgumentError
from .graph import Array, Node, Spec, next_serial
from .recording import current
from .table import TABLE, Composite, Constant, Plain, Refused, Rule, find, name_of, refusal
from .tensor import NUMERIC, SMALL, Tensor, checked, has_gradient, record, stacked, stand_in, unwrap, with_kin, wrap

__all__ = ["apply", "apply_method", "apply_ufunc"]

METADATA = frozenset({
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.shares_memory,
    np.may_share_memory, np.common_type, np.einsum_path,
})  # fmt: skip
MANY = 64  # so many operands are joined at once
new_tensor = Tensor.__new__
_NUMBERS = frozenset({bool, int, float, str, type})
_USUAL = frozenset({np.ndarray, float, int, bool, complex, np.float64, np.float32})
_FLOATS = frozenset({np.float64, np.float32})  # what NumPy makes of 0-d arrays


# --- ufuncs ---------------------------------------------------------------------------------------------------------


def unary(ufunc: Any, rule: Rule) -> Callable[[Tensor], Tensor]:
    """Return a function that applies a ufunc of one operand: `record`, without its loops."""
    keep_x, keep_y = (*rule.plan(1, 1).args, rule.plan(1, 1).out)
    ndarray, asarray, state_now = np.ndarray, np.asarray, current.get

    def call(x: Tensor) -> Tensor:
        a, parent = x._value, x.node
        data = ufunc(a)
        if type(data) is not ndarray and type(data) in _FLOATS:
            data = asarray(data)
        state = state_now()
        if type(data) is not ndarray or not state.plain or parent is None or not parent.requires_grad:
            return record(rule, data, (x,))  # type: ignore[no-any-return]
        node = Node()
        node.serial, node.rule, node.scope = next_serial(), rule, state.scope
        node.parents = parents = (parent,)
        if keep_x:
            node.args, node.seen = (a,), parent.version
        else:
            node.args, node.seen = parents, 0
        node.kwargs = node.extra = None
        node.out = data if keep_y or data.size <= SMALL else Spec(data)
        y = new_tensor(Tensor)
        y._value, y.node, y.grad = data, node, None
        return y

    return call


def binary(ufunc: Any, rule: Rule, unusual: Callable[[Any, Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    """Return a function that applies a ufunc of two operands: `record`, without its loops.

    The general form costs three times as much an operation, which is what a small network's step consists of; the
    objects are filled in place for the same reason. An operator is this function itself; `unusual` says what it does
    with an operand that is neither a Tensor nor a usual array or number.
    """
    first, second, both = ((*rule.plan(mask, 2).args, rule.plan(mask, 2).out) for mask in (1, 2, 3))
    ndarray, asarray, state_now, numeric = np.ndarray, np.asarray, current.get, NUMERIC

    def call(x: Any, y: Any) -> Any:
        if isinstance(x, Tensor):
            a, left = x._value, x.node
        else:
            a, left = x, None
        if isinstance(y, Tensor):
            b, right = y._value, y.node
        else:
            if unusual is not None and type(y) not in _USUAL:
                return unusual(x, y)
            b, right = y, None
            if type(y) is ndarray and y.dtype.kind not in numeric:
                checked(y, rule.name)
        try:
            data = ufunc(a, b)
        except ValueError as error:
            raise _shapes_do_not_fit(ufunc, (a, b), error) from None
        if type(data) is not ndarray and type(data) in _FLOATS:
            data = asarray(data)
        state = state_now()
        if type(data) is not ndarray or not state.plain:
            return record(rule, data, (x, y))
        if left is not None and left.requires_grad:
            keep_a, keep_b, keep_y = both if right is not None and right.requires_grad else first
        elif right is not None and right.requires_grad:
            keep_a, keep_b, keep_y = second
        else:
            return wrap(data, None)
        node = Node()
        node.parents = parents = (left, right)
        if keep_a or keep_b or left is None or right is None:
            seen = 0
            if not keep_a:
                a = left if left is not None else stand_in(a)
            elif left is not None:
                seen = left.version
            if not keep_b:
                b = right if right is not None else stand_in(b)
            elif right is not None:
                seen += right.version
            node.args, node.seen = (a, b), seen
        else:
            node.args, node.seen = parents, 0
        node.serial, node.rule, node.scope = next_serial(), rule, state.scope
        node.kwargs = node.extra = None
        node.out = data if keep_y or data.size <= SMALL else Spec(data)
        result = new_tensor(Tensor)
        result._value, result.node, result.grad = data, node, None
        return result

    return call


def operand(value: Any, ufunc: Any) -> Any:
    """Return a ufunc's operand as the rules can use it: a list becomes an array; objects are refused."""
    if isinstance(value, (list, tuple)):
        value = stacked(value)
    elif isinstance(value, (float, int, complex)):
        return value
    elif not hasattr(value, "__array_ufunc__") and ufunc not in (np.equal, np.not_equal):  # None is equal to nothing
        array = np.asarray(value)
        if array.dtype.kind not in NUMERIC:
            raise _no_operand(ufunc, value)
        value = array
    if isinstance(value, np.ndarray):
        if type(value) is not np.ndarray or value.dtype.kind not in NUMERIC:
            return checked(value, name_of(ufunc))
    elif is_other(value):
        plain_only(value, f"{name_of(ufunc)} of a Tensor and a {{}}")
    return value


def _no_operand(ufunc: Any, value: Any) -> Exception:
    """Return the error of an operand that is neither a number nor an array of numbers."""
    hint = "Pass a number or an array."
    if hasattr(value, "toarray"):
        hint = "Sparse arrays have no rules: write b.toarray()."
    elif isinstance(value, numbers.Number):
        hint = "Write float(b)."
    elif isinstance(value, (Iterator, Set)):
        hint = "Write np.array(list(b))."
    what = "None" if value is None else f"a {type(value).__name__}"
    return DTypeError(
        f"{name_of(ufunc)} of a Tensor and {what}: NumPy takes that for one object, not for numbers. {hint}"
    )


CALLS: dict[Any, Callable[..., Tensor]] = {}  # ufunc -> its fast form, made when it is first met


def apply_ufunc(ufunc: Any, inputs: tuple[Any, ...]) -> Any:
    """Call a ufunc on operands of which at least one is a Tensor, as its entry in the table says."""
    call = CALLS.get(ufunc)
    if call is None:
        rule = find(ufunc)
        if type(rule) is not Rule or len(inputs) > 2 or ufunc.nout > 1 or None in rule.vjps:
            return apply(ufunc, inputs, {})
        call = CALLS[ufunc] = (unary if len(inputs) == 1 else binary)(ufunc, rule)
    return call(*inputs)


def apply_method(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call one of a ufunc's methods, or the ufunc with keywords, where a Tensor takes part."""
    entry = find(ufunc)
    outs = kwargs.get("out") or ()
    written = method == "at" or any(isinstance(x, Tensor) for x in (outs if isinstance(outs, tuple) else (outs,)))
    if type(entry) is Constant and not written:
        call = getattr(ufunc, method)
        plain = call(*[unwrap(x) for x in inputs], **{k: unwrap(v) for k, v in kwargs.items()})
        return _constants(plain, inputs, kwargs, ufunc if method == "__call__" else call)
    if type(entry) not in (Rule, Composite, Constant):
        return apply(ufunc, inputs, {})  # says what is wrong
    implementation = TABLE[getattr(np.ufunc, method)]
    assert isinstance(implementation, Composite)
    function, name = (ufunc, "") if method == "__call__" else (getattr(ufunc, method), f".{method}")
    return _composed(function, partial(implementation.implementation, ufunc), inputs, kwargs, name_of(ufunc) + name)


# --- functions ------------------------------------------------------------------------------------------------------


def apply(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function on arguments among which there is a Tensor, as its entry in the table says."""
    entry = TABLE.get(function) or find(function)
    if len(args) == 1 and not kwargs and type(entry) is Rule and isinstance(x := args[0], Tensor):
        if current.get().plain and type(x._value) is np.ndarray and entry.is_lone:  # the usual case, without the rest
            return record(entry, entry.direct(x._value), args)
    if "out" in kwargs or len(args) > 1:
        args, kwargs, out = _without_out(function, args, kwargs)
        if out is not None:
            return _into(out, apply(function, args, kwargs), function)
    if function is np.where and len(args) == 1 and not kwargs:
        function, entry = np.nonzero, TABLE[np.nonzero]
    if type(entry) is Rule:
        trace = current.get().trace
        if trace is not None and (result := trace.body(entry, function, args, kwargs)) is not None:
            return result
        operands, keywords = (args, {}) if isinstance(function, np.ufunc) else entry.bind(args, kwargs)
        for name, value in keywords.items():
            if value is None or type(value) in _NUMBERS:
                continue
            if has_gradient(value):
                raise UnsupportedArgumentError(
                    f"{entry.name} is not differentiated with respect to {name}=, and a Tensor that requires grad "
                    f"was passed there. Pass {name}.detach() if no gradient is wanted, or name the argument "
                    "that was meant."
                )
            if trace is not None:
                trace.outside(value, f"{entry.name}: its argument {name}=")
            keywords[name] = unwrap(value)
        plain = [a._value if isinstance(a, Tensor) else a if type(a) in ORDINARY else unwrap(a) for a in args]
        named = {k: unwrap(v) for k, v in kwargs.items()} if kwargs else kwargs
        kind = None
        if not (ORDINARY.issuperset(map(type, plain)) and ORDINARY.issuperset(map(type, named.values()))):
            kind = other_kind((*plain, *named.values()), entry.name)
        data = entry.direct(*plain, **named) if kind is None else asked(function, plain, named, kind, entry.name)
        operands = [stacked(x) if type(x) in (list, tuple) else x for x in operands]
        if len(operands) > MANY and function in (np.concatenate, np.stack):
            return _joined(function, entry, data, operands, keywords)
        return record(entry, data, operands, keywords)
    if type(entry) is Composite:
        result = _composed(function, entry.implementation, args, kwargs)
        return with_kin(result, args[0]) if entry.view and args and isinstance(result, Tensor) else result
    if type(entry) is Constant:
        if entry.like and any(map(has_gradient, args)):
            raise UnsupportedArgumentError(
                f"{name_of(function)} makes an array of numbers; the gradient of a Tensor among them would be lost. "
                "Compute with a constant array: np.arange(n) * step + start."
            )
        if kwargs.get("out") is not None:
            raise UnsupportedArgumentError(refusal(name_of(function), "out"))
        if function is np.sign and has_gradient(args[0]) and args[0].dtype.kind == "c":
            raise UnsupportedArgumentError("np.sign is constant for real numbers only: write z / np.abs(z).")
        return _constants(_unrecorded(function, args, kwargs), args, kwargs, function)
    if type(entry) is Plain:
        if (trace := current.get().trace) is not None and function not in METADATA:
            trace.outside((args, kwargs), name_of(function))
        return _unrecorded(function, args, kwargs, plain=True)
    name = name_of(function)
    if isinstance(function, np.ufunc) and getattr(np, function.__name__, function) is not function:
        raise MissingRuleError(
            f"An array's method cannot take a Tensor: write {name}(a, ...) for a.{function.__name__}(...)."
        )
    if type(entry) is Refused:
        raise MissingRuleError(f"{name} is not differentiable here: {entry.reason}")
    raise MissingRuleError(
        f"{name} has no derivative rule. Write it with functions that have one, give it a rule "
        f"(ag.defvjp({name}, ...)), or call it on t.detach() if no gradient is wanted."
    )


def _joined(function: Any, rule: Rule, data: Array, operands: list[Any], keywords: dict[str, Any]) -> Tensor:
    """Record many arrays joined as groups of them joined, and so on.

    A vjp is called once for each operand, with all operands: at 100,000 of them that would be 10 billion arguments.
    """
    axis = keywords.get("axis", 0)
    along = 0 if axis is None else axis % data.ndim
    groups: list[Any] = []
    start = 0
    for i in range(0, len(operands), MANY):
        group = operands[i : i + MANY]
        lengths = [1 if function is np.stack else np.size(x) if axis is None else x.shape[axis] for x in group]
        stop = start + sum(lengths)
        part = data[(*[slice(None)] * along, slice(start, stop))]
        start = stop
        groups.append(record(rule, part.copy() if part.size <= SMALL else part, group, keywords))  # no small view stays
    joining = TABLE[np.concatenate]
    assert isinstance(joining, Rule)
    if len(groups) > MANY:
        return _joined(np.concatenate, joining, data, groups, {"axis": along})
    return record(joining, data, groups, {"axis": along})  # type: ignore[no-any-return]


def _composed(
    function: Any, implementation: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str = ""
) -> Any:
    """Call what a function is rewritten as; its errors are those of the call that the user wrote."""
    try:
        if (watch := current.get().watch) is not None:
            return watch.composed(function, implementation, args, kwargs, name or name_of(function))
        return implementation(*args, **kwargs)
    except NeedsValues as error:
        raise error.named(name or name_of(function)) from None
    except _MISTAKES as error:
        said = _as_called(error, function, args, kwargs, name or name_of(function))
        try:
            if said is error:
                raise
            raise said from None
        finally:
            del said  # the error has this frame in its traceback: both would keep each other, and the operands, alive


_MISTAKES = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError, RuntimeError)


def _as_called(error: Exception, function: Any, args: Sequence[Any], kwargs: dict[str, Any], name: str) -> Exception:
    """Return the error of a composite as its caller reads it: NumPy's own, if NumPy refuses the same arrays.

    A composite is other code than NumPy's; where it trips over an argument, its error is about that code.
    """
    text = str(error)
    if isinstance(error, AutogradError):
        if name not in text and error.args == (text,):
            error.args = (f"{re.sub(r' [(]In [^ ]+[)]$', '', text)} (In {name}.)",)
        return error
    if isinstance(error, TypeError) and not isinstance(function, np.ufunc):
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as unbound:  # a composite's own name is nobody's business
            if any(map(callable, (*args, *kwargs.values()))):
                return TypeError(f"{name}() {unbound}.")
        except ValueError:  # compiled, and silent about it
            pass
    if isinstance(error, FloatingPointError) or any(
        callable(x) and not isinstance(x, (type, Tensor)) for x in (*args, *kwargs.values())
    ):
        return error  # np.errstate's; or a user's function may have raised it, and is not called again
    if other_kind(map(unwrap, (*args, *kwargs.values()))) is not None:
        return error  # called with another kind of arrays, NumPy's function might fetch them
    try:
        function(*map(_copied, args), **{k: _copied(v) for k, v in kwargs.items()})
    except Exception as own:
        return own
    if isinstance(error, np.linalg.LinAlgError):
        return error
    return UnsupportedArgumentError(
        f"{name} has no derivative rule for these arguments, though arrays may be called so ({type(error).__name__}: "
        f"{text[:150]}). Rewrite the call, or pass .detach()ed values if no gradient is wanted."
    )


def _copied(value: Any) -> Any:
    """Return an argument as NumPy takes it, for a function that may write into it."""
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    value = unwrap(value)
    return value.copy() if isinstance(value, np.ndarray) else value


_OUT: dict[Any, int | None] = {}  # at which position a function takes out=, if at all


def _without_out(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], Tensor | None]:
    """Take a Tensor that was passed as ``out``, by name or by position, out of the arguments."""
    if isinstance(kwargs.get("out"), Tensor):
        return args, {k: v for k, v in kwargs.items() if k != "out"}, kwargs["out"]
    at = _OUT.get(function, -1)
    if at == -1:
        try:
            kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            names = [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds]
        except (TypeError, ValueError):
            names = []
        at = names.index("out") if "out" in names else None
        if function in TABLE:  # which does not grow
            _OUT[function] = at
    if at is not None and len(args) > at and isinstance(args[at], Tensor):
        return (*args[:at], None, *args[at + 1 :]), kwargs, args[at]
    return args, kwargs, None


def _into(out: Tensor, result: Any, function: Any) -> Tensor:
    """Assign a function's result to the Tensor that was passed as its ``out=``."""
    if out.shape != np.shape(result):
        raise ShapeError(
            f"{name_of(function)}: out= has shape {out.shape}, and the result {np.shape(result)}. "
            f"Write `result = {name_of(function)}(...)`."
        )
    if not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise DTypeError(
            f"{name_of(function)}: out= holds {out.dtype}; a result of {result.dtype} does not fit in. "
            f"Write `result = {name_of(function)}(...)`."
        )
    out[...] = result
    return out


def _unrecorded(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], plain: bool = False) -> Any:
    """Call a function on the arrays of Tensors; it gives arrays of their kind, or, if it is `plain`, anything."""
    args = tuple([a._value if isinstance(a, Tensor) else a if type(a) in ORDINARY else unwrap(a) for a in args])
    if not kwargs and ORDINARY.issuperset(map(type, args)):
        return function(*args)
    kwargs = {k: unwrap(v) for k, v in kwargs.items()}
    kind = other_kind((*args, *kwargs.values()), name_of(function))
    if kind is None:
        return function(*args, **kwargs)
    result = asked(function, args, kwargs, kind, name_of(function), anything=plain)
    return wrap(result, None) if plain and is_other(result) else result  # np.allclose: no branch is taken on it


def _constants(result: Any, operands: Sequence[Any], kwargs: dict[str, Any], function: Any) -> Any:
    """Wrap what a function returned through which no cotangent passes."""
    if (trace := current.get().trace) is not None:
        return trace.constant(function, tuple(operands), kwargs, result)
    if isinstance(result, (tuple, list)):
        items = [_constants(r, operands, kwargs, function) for r in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    tensor = wrap(np.asarray(result) if isinstance(result, (np.generic, bool, int, float)) else result, None)
    if (watch := current.get().watch) is not None:
        how = f"{name_of(function)} is constant: its derivative is 0 wherever it has one"
        watch.cut(tensor, operands, "constant", how)
    return tensor


def _shapes_do_not_fit(ufunc: Any, arrays: Sequence[Any], error: ValueError) -> Exception:
    shapes = [np.shape(a) for a in arrays]
    if ufunc is np.power and "negative integer powers" in str(error):
        return DTypeError(
            "np.power: integers to negative powers are no integers. Write t ** -1.0 for t ** -1, or 1 / t; "
            "or convert first: t.astype(float)."
        )
    if ufunc is np.matmul and not all(shapes):
        return ShapeError(f"a @ b: one of them is a number (shapes {shapes[0]} and {shapes[1]}). Write a * b.")
    if ufunc is np.matmul and len(shapes) == 2 and all(shapes):
        a, b = shapes
        inner = b[-2] if len(b) > 1 else b[0]
        hint = ""
        if len(b) > 1 and a[-1] == b[-1]:
            hint = " The last axes agree: did you mean a @ b.T?"
        elif len(a) > 1 and a[-2] == inner:
            hint = " Did you mean a.T @ b?"
        return ShapeError(
            f"a @ b: shapes {a} and {b} do not fit. The last axis of a ({a[-1]}) must equal the "
            f"{'second to last' if len(b) > 1 else 'only'} axis of b ({inner}).{hint}"
        )
    if ufunc.signature is None:
        return ShapeError(
            f"{name_of(ufunc)}: shapes {' and '.join(map(str, shapes))} do not broadcast. Counted from the last axis, "
            "lengths must be equal or 1."
        )
    return ShapeError(f"{name_of(ufunc)}: {error} (shapes {', '.join(map(str, shapes))}).")


# --- operators and methods, made from the table ---------------------------------------------------------------------


def _make_operators() -> None:
    """Give Tensor one method per operator; each calls its ufunc on the arrays and records."""
    ufunc: Any

    def prefix(ufunc: Any) -> Callable[[Tensor], Any]:
        return lambda self: apply_ufunc(ufunc, (self,))

    def infix(ufunc: Any, swapped: bool) -> Callable[[Tensor, Any], Any]:
        def unusual(self: Tensor, other: Any) -> Any:
            if ufunc in (np.equal, np.not_equal) and isinstance(other, (str, bytes)):  # as for an array: nowhere equal
                return wrap(np.full(self.shape, ufunc is np.not_equal), None)
            if getattr(type(other), "__array_ufunc__", ...) is None:
                return NotImplemented
            return ufunc(other, self) if swapped else ufunc(self, other)

        def method(self: Tensor, other: Any) -> Any:
            if type(other) not in _USUAL and not isinstance(other, Tensor):
                return unusual(self, other)
            return apply_ufunc(ufunc, (other, self) if swapped else (self, other))

        rule = TABLE[ufunc]
        return method if swapped or not isinstance(rule, Rule) else binary(ufunc, rule, unusual)

    for name, ufunc in {
        "neg": np.negative,
        "pos": np.positive,
        "abs": np.absolute,
        "invert": np.invert,
    }.items():
        setattr(Tensor, f"__{name}__", prefix(ufunc))
    arithmetic = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "mod": np.remainder,
        "floordiv": np.floor_divide, "pow": np.power, "matmul": np.matmul, "divmod": np.divmod,
        "lshift": np.left_shift, "rshift": np.right_shift,
        "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    }  # fmt: skip
    for name, ufunc in arithmetic.items():
        setattr(Tensor, f"__{name}__", infix(ufunc, swapped=False))
        setattr(Tensor, f"__r{name}__", infix(ufunc, swapped=True))
    comparison = {
        "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
        "eq": np.equal, "ne": np.not_equal,
    }  # fmt: skip
    for name, ufunc in comparison.items():
        setattr(Tensor, f"__{name}__", infix(ufunc, swapped=False))

    def method(function: Any) -> Callable[..., Any]:
        def call(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            return apply(function, (self, *args), kwargs)

        call.__doc__ = f"As ``np.{function.__name__}(t, ...)``."
        return call

    methods = (
        "prod var std max min clip dot ravel squeeze swapaxes round argmax argmin argsort all any nonzero "
        "conj conjugate cumsum cumprod repeat take diagonal trace choose searchsorted argpartition put"
    )
    for name in methods.split():
        setattr(Tensor, name, method(getattr(np, name)))


_make_operators()

# --- NumPy's two protocols ------------------------------------------------------------------------------------------


def _array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:  # noqa: ARG001
    if method == "__call__":
        if len(inputs) == 1 and not kwargs:
            return apply_ufunc(ufunc, inputs)
        for x in inputs:
            if not isinstance(x, Tensor) and (type(x) is not np.ndarray or x.dtype.kind not in NUMERIC):
                inputs = tuple(x if isinstance(x, Tensor) else operand(x, ufunc) for x in inputs)
                break
        if not kwargs:
            return apply_ufunc(ufunc, inputs)
    return apply_method(ufunc, method, inputs, kwargs)


def _array_function(self: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
    return apply(function, args, kwargs)


Tensor.__array_ufunc__ = _array_ufunc  # type: ignore[method-assign]
Tensor.__array_function__ = _array_function  # type: ignore[method-assign]
Tensor.__call_primitive__ = staticmethod(apply)  # type: ignore[method-assign]
