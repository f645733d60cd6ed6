"""The rule table: what is known about each function, and how to add to it.

Every function that is called on a Tensor is looked up here and found in one of five sets:

*primitive*
    It has a derivative rule: one line of plain NumPy per operand.
*composite*
    A few NumPy lines over primitives; the derivative follows by itself.
*constant*
    No cotangent passes: comparisons, argmax, sign, floor. Its derivative is 0 wherever it exists.
*plain*
    Metadata: the answer is an ordinary Python or NumPy value.
*refused*
    Not differentiable as asked, with the reason and the rewrite.

Whatever is in none of them raises, by name.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .arrays import ORDINARY, NeedsValues, is_other, kind_name
from .errors import RuleError, UnsupportedArgumentError

__all__ = [
    "TABLE",
    "Composite",
    "Constant",
    "Plain",
    "Plan",
    "Refused",
    "Rule",
    "composite",
    "constant",
    "defvjp",
    "find",
    "in_memory",
    "name_of",
    "plain",
    "primitive",
    "refused",
]

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


class Plan(NamedTuple):
    """What a node keeps, given which operands are differentiated."""

    args: tuple[bool, ...]
    out: bool


class Composite(NamedTuple):
    """A function rewritten over primitives."""

    implementation: Function
    view: bool = False  # NumPy's result shares memory with the first operand, ours does not


class Constant(NamedTuple):
    """A function through which no cotangent passes."""

    function: Function
    like: bool = False  # it makes an array of plain numbers, and sees a Tensor only as like=


class Plain(NamedTuple):
    """A function of metadata only."""

    function: Function


class Refused(NamedTuple):
    """A function, or in place of a vjp an operand, that has no derivative here, and why."""

    reason: str


_SIMPLE = frozenset({str, bool, int, float})


class Rule:
    """How one function pulls a cotangent back to each of its operands.

    Attributes
    ----------
    function, name
        The function and how a person calls it.
    direct
        The same function for arguments among which no Tensor is.
    vjps : sequence of callable or None
        One per operand, ``vjp(g, y, *operands, **keywords)``; None where no cotangent passes.
    refusals : dict
        Why an operand, by its number, cannot be differentiated by.
    operands : tuple of str
        Names of the operands, in the order of a node's `args`.
    splat : bool
        The last operand stands for a sequence of operands, as in ``np.concatenate``.
    keywords : dict
        Keywords that the rule handles, with their defaults.
    broadcasts : bool
        The sweep may sum a cotangent over broadcast axes.
    view : bool
        The result may share memory with the first operand.
    """

    def __init__(
        self,
        function: Function,
        vjps: Sequence[Function | Refused | None],
        each: Function | None,
        *,
        broadcasts: bool,
        view: bool,
        signature: Function | None,
        only: dict[str, tuple[Any, ...]],
    ) -> None:
        self.function = function
        self.direct = getattr(function, "__direct__", function)  # for arrays: it does not look for Tensors
        self.name = name_of(function)
        self.broadcasts = broadcasts
        self.view = view
        self.only = only
        self.signature = inspect.signature(signature) if signature is not None else None
        self.refusals = {i: vjp.reason for i, vjp in enumerate(vjps) if isinstance(vjp, Refused)}
        given: list[Function | None] = [None if isinstance(vjp, Refused) else vjp for vjp in vjps]
        written = [_Parsed(vjp, skip=2) for vjp in given if vjp is not None]
        if each is not None:
            written.append(_Parsed(each, skip=3))
        if not written:
            raise RuleError(
                f"{self.name}: no rule was given. Pass one vjp per operand; None where no cotangent passes."
            )
        first = written[0]
        for other in written[1:]:
            if (other.operands, other.keywords) != (first.operands, first.keywords):
                raise RuleError(
                    f"{self.name}: its vjps must all have the same parameters after (g, y); one has "
                    f"({', '.join((*first.operands, *first.keywords))}), "
                    f"another ({', '.join((*other.operands, *other.keywords))}). Let each take all of the operands, "
                    "with a leading _ where it does not read one."
                )
        self.operands, self.keywords, self.splat = first.operands, first.keywords, first.splat
        if not self.operands:
            raise RuleError(
                f"{self.name}: a vjp takes the cotangent, the output, then the operands: (g, y, x). "
                "Write (g, _y, x) where it does not read the output."
            )
        if each is None and not first.splat and len(given) > len(self.operands):
            raise RuleError(
                f"{self.name}: {len(given)} vjps for {len(self.operands)} operands ({', '.join(self.operands)}). "
                "Pass one vjp for each; None where no cotangent passes."
            )
        if each is None:  # operands without a vjp are such as an index or a mask
            for i in range(len(given), len(self.operands)):
                given.append(None)
                self.refusals[i] = "defvjp was given no rule for it (None says that no cotangent passes)."
        self.vjps: Any = tuple(given) if each is None else _Each(each)
        self._written: dict[int | None, _Parsed] = {None: first}  # None: the one vjp that serves every operand
        if each is None:
            self._written = {i: _Parsed(vjp, skip=2) for i, vjp in enumerate(given) if vjp is not None}
        self._plans: dict[tuple[int, int], Plan] = {}
        self._usual: set[tuple[Any, ...]] = set()  # keys of spellings
        self._spellings: dict[tuple[Any, ...], list[tuple[str, Any]]] = {}

    def plan(self, mask: int, count: int) -> Plan:
        """Return what to keep when the operands whose bits are set in `mask` are differentiated."""
        key = mask, count if self.splat else 0
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) > 1000:  # of sequences of any length
                self._plans.clear()
            readers = [p for i, p in self._written.items() if i is None or mask >> i & 1]
            read = set().union(*(p.reads for p in readers))
            last = len(self.operands) - 1
            count = count if self.splat else last + 1
            kept = tuple(min(i, last) in read for i in range(count))
            plan = self._plans[key] = Plan(kept, any(p.reads_out for p in readers))
        return plan

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Sort the arguments of a call into operands and keywords; refuse by name what the rule does not handle.

        Parameters
        ----------
        args, kwargs
            As they were passed to the function.

        Returns
        -------
        operands : list
            One entry per operand (a sequence of operands lies flat).
        keywords : dict
            Those of the rule's keywords that were given.

        Raises
        ------
        UnsupportedArgumentError
            For an argument that is neither an operand nor a keyword of the rule, unless it has its default value.
        """
        if len(args) == 1 and not kwargs and self.is_lone:
            return [args[0]], {}
        keywords: dict[str, Any] = {}
        key = len(args), *kwargs
        spelled = self._spellings.get(key)
        if spelled is None:
            if len(self._spellings) > 1000:  # of any number of arguments
                self._spellings.clear()
                self._usual.clear()
            spelled = self._spellings[key] = self._spelled(len(args), tuple(kwargs))
            if len(args) >= self._required and self._is_usual([name for name, _ in spelled]):
                self._usual.add(key)
        if key in self._usual:
            n = self._required
            for (name, default), value in zip(spelled[n:], (*args[n:], *kwargs.values()), strict=True):
                if not (value is default or (type(value) in _SIMPLE and value == default)):
                    keywords[name] = value
            return list(args[:n]), keywords
        if len(args) > len(self.parameters):
            args = (*args[: len(self.parameters)], args[len(self.parameters) :])
        bound = {}
        for (name, default), value in zip(spelled, (*args, *kwargs.values()), strict=True):
            if value is default or (type(value) in _SIMPLE and value == default):
                continue  # written out, a default means what it means left out
            bound[name] = value
        names, optional = self.operands, self.optional
        count = len(names)
        while count and names[count - 1] not in bound and names[count - 1] in optional:
            count -= 1  # optional operands at the end that were not given
        operands = [bound.pop(name) if name in bound else self._default(name) for name in names[:count]]
        if self.splat and count == len(names):
            operands[-1:] = operands[-1]
        keywords = {}
        for name, default in self.keywords.items():
            if name not in bound:
                if default is inspect.Parameter.empty:
                    keywords[name] = self._default(name)
                continue
            value = keywords[name] = bound.pop(name)
            if name in self.only and not (isinstance(value, (str, type(None))) and value in self.only[name]):
                raise UnsupportedArgumentError(
                    f"{self.name} on a Tensor takes {name}= only as one of {self.only[name]}, not {value!r:.60}."
                )
        for name in bound:
            if name not in self._signature.parameters:
                raise TypeError(
                    f"{self.name}() got an unexpected keyword argument {name!r}; it takes "
                    f"{', '.join(self._signature.parameters)}."
                )
            raise UnsupportedArgumentError(refusal(self.name, name))
        return operands, keywords

    def called(
        self, operands: Sequence[Any], keywords: dict[str, Any]
    ) -> tuple[Function, tuple[Any, ...], dict[str, Any]]:
        """Return a call of the function on these operands and keywords: what `bind` was given, or as good."""
        if isinstance(self.function, np.ufunc):
            return self.function, tuple(operands), keywords
        order = self.parameters
        named = dict(zip(self.operands, operands, strict=False))
        if self.splat:
            last = len(self.operands) - 1
            named[self.operands[last]] = list(operands[last:])
        args: list[Any] = []
        kwargs = {**keywords}
        for name, value in named.items():
            if name == self.rest:
                args += value
            elif len(args) < len(order) and order[len(args)] == name:
                args.append(value)
            elif not (name in self.optional and value is self.optional[name]):
                kwargs[name] = value
        while len(args) < len(order) and order[len(args)] in kwargs and self._positional_only(order[len(args)]):
            args.append(kwargs.pop(order[len(args)]))
        return self.function, tuple(args), kwargs

    def _positional_only(self, name: str) -> bool:
        return self._signature.parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY

    @functools.cached_property
    def is_lone(self) -> bool:
        """Whether one argument is one operand, and nothing else needs to be given."""
        self.is_lone = False  # while `bind` is asked
        try:
            return self.bind((self,), {}) == ([self], {})
        except (TypeError, RuleError, UnsupportedArgumentError):
            return False

    @functools.cached_property
    def alone(self) -> Plan:
        """What to keep when the first of the operands is differentiated, alone."""
        return self.plan(1, 1)

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the positional parameters of the function, in its own order."""
        known = self._signature.parameters
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = tuple(p.name for p in known.values() if p.kind in kinds)
        if not set(self.operands) <= set(known):  # other names in the rule: then the order tells
            self.operands = names[: len(self.operands)]
        unknown = [name for name in self.keywords if name not in known]
        if unknown:
            raise RuleError(
                f"{self.name} has no keyword {', '.join(unknown)}; it takes {', '.join(known)}. Give the vjps the "
                "function's own names."
            )
        return names

    @functools.cached_property
    def rest(self) -> str | None:
        """The ``*parameter`` of the function, if it has one."""
        known = self._signature.parameters.values()
        return next((p.name for p in known if p.kind is p.VAR_POSITIONAL), None)

    @functools.cached_property
    def optional(self) -> dict[str, Any]:
        """Defaults of the operands that may be left out, as the rule writes them."""
        defaults = next(iter(self._written.values())).defaults
        return {
            name: value
            for name, value in zip(self.operands, defaults, strict=True)
            if value is not inspect.Parameter.empty
        }

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        if self.signature is not None:
            return self.signature
        try:
            return inspect.signature(self.function)
        except ValueError:  # compiled, and silent about it: then it is called as its rule is written
            parameter = inspect.Parameter
            operands = [parameter(name, parameter.POSITIONAL_ONLY) for name in self.operands]
            keywords = [parameter(n, parameter.KEYWORD_ONLY, default=d) for n, d in self.keywords.items()]
            return inspect.Signature([*operands, *keywords])

    def _spelled(self, count: int, keywords: tuple[str, ...]) -> list[tuple[str, Any]]:
        """Return names and defaults of the arguments of a call with so many positional ones and these keywords."""
        names, known = self.parameters, self._signature.parameters
        given = [*names[:count]]
        if count > len(names):
            if self.rest is None:
                raise TypeError(f"{self.name}() takes {len(names)} positional arguments but {count} were given.")
            given.append(self.rest)
        return [(n, known[n].default if n in known else inspect.Parameter.empty) for n in (*given, *keywords)]

    @functools.cached_property
    def _required(self) -> int:
        """How many operands must be given."""
        return len(self.operands) - len(self.optional)

    def _is_usual(self, given: list[str]) -> bool:
        """Return whether a call gives the operands that it must, in order, and then only keywords that need no look."""
        n, handled = self._required, list(self.keywords)
        rest = [handled.index(name) for name in given[n:] if name in self.keywords and name not in self.only]
        needed = [name for name, default in self.keywords.items() if default is inspect.Parameter.empty]
        return (
            not self.splat
            and given[:n] == list(self.operands[:n])
            and len(rest) == len(given) - n
            and rest == sorted(rest)
            and set(needed) <= set(given)
        )

    def _default(self, name: str) -> Any:
        if name in self.optional:
            return self.optional[name]
        default = () if name == self.rest else self._signature.parameters[name].default
        if default is inspect.Parameter.empty:
            hint = " The places where a condition holds: np.nonzero." if self.name == "np.where" else ""
            raise UnsupportedArgumentError(f"{self.name} on a Tensor needs {name} too.{hint}")
        return default

    def __repr__(self) -> str:
        return f"<Rule {self.name}({', '.join(self.operands)})>"


class _Parsed:
    """The parameters of a vjp: which are operands, which it reads, which keywords it handles."""

    def __init__(self, vjp: Function, skip: int) -> None:
        parameters = list(inspect.signature(vjp).parameters.values())
        out, rest = parameters[skip - 1], parameters[skip:]
        positional = [p for p in rest if p.kind is not p.KEYWORD_ONLY]
        self.operands = tuple(p.name.lstrip("_") for p in positional)
        self.splat = bool(positional) and positional[-1].kind is positional[-1].VAR_POSITIONAL
        self.keywords = {p.name: p.default for p in rest if p.kind is p.KEYWORD_ONLY}
        self.defaults = [p.default for p in positional]
        self.reads = {i for i, p in enumerate(positional) if not p.name.startswith("_")}
        self.reads_out = not out.name.startswith("_")


class _Each:
    """One vjp for all operands of a sequence, told which one is meant."""

    def __init__(self, vjp: Function) -> None:
        self.vjp = vjp

    def __getitem__(self, i: int) -> Function:
        return functools.partial(self.vjp, i)


Entry = Rule | Composite | Constant | Plain | Refused

TABLE: dict[Function, Entry] = {}


PUBLIC = {"_zeta": "zeta", "_riemann_zeta": "zeta"}  # the parts of a function, which are what a Tensor sees


def name_of(function: Function) -> str:
    """Return how a person calls a function: ``np.tanh``, ``np.linalg.norm``, ``mymodule.f``."""
    module = getattr(function, "__module__", None) or ""
    owner = getattr(function, "__objclass__", None)  # of a method, such as np.ufunc.reduce
    module = f"{owner.__module__}.{owner.__qualname__}" if owner is not None else module
    name = getattr(function, "__name__", repr(function))
    if type(function).__name__ == "ufunc" and not module:
        homes = ("numpy", "scipy.special", "scipy.special._ufuncs", "numpy.strings")
        home = next((home for home in homes if getattr(sys.modules.get(home), name, None) is function), None)
        name = PUBLIC.get(name) or re.sub("^_|_(chars|index|length|whitespace)$", "", name)  # behind a public one
        home = home or next((home for home in ("numpy.strings", "numpy") if hasattr(sys.modules[home], name)), None)
        if home is None:
            return f"np.frompyfunc({name.removesuffix(' (vectorized)')}, ...)"
        module = home.removesuffix("._ufuncs")
    if module == "numpy.strings" and name.startswith("_"):
        module, name = "numpy.char", name[1:]
    if module.startswith("autograd_mini.rules."):
        return name
    return f"{module}.{name}".replace("numpy.", "np.", 1)


def refusal(function: str, argument: str) -> str:
    if argument == "out":
        return f"{function} on a Tensor cannot take out=: Tensors are values. Write `result = {function}(...)`."
    return (
        f"{function} has no derivative rule for its argument {argument}=. Leave it out, rewrite the call without it, "
        "or pass .detach()ed values if no gradient is wanted."
    )


def no_derivative(function: str, dtype: Any) -> str:
    return (
        f"{function} was asked for a result of dtype {dtype}, which has no derivative. "
        "Keep a floating dtype, or .detach() first if no gradient is wanted."
    )


LATE = {
    "scipy.special": "autograd_mini.scipy.special"
}  # whose functions have rules in what is imported when it is used


def find(function: Function) -> Entry | None:
    """Return a function's entry; the rules of an optional library are loaded when one of its functions is met."""
    entry = TABLE.get(function)
    if entry is None and type(function).__name__ == "ufunc":
        for library, rules in LATE.items():
            if library in sys.modules:
                importlib.import_module(rules)  # and wait, if another thread is in the middle of it
        entry = TABLE.get(function)
    return entry


def _register(function: Function, entry: Entry) -> None:
    if function in TABLE:
        raise RuleError(
            f"{name_of(function)} is in the table already ({type(TABLE[function]).__name__.lower()}). "
            "Two rules for one function would leave it to chance which is used: make a function of your own around it, "
            "with ag.primitive, and give that the rule."
        )
    TABLE[function] = entry


def defvjp(
    function: Function,
    *vjps: Function | Refused | None,
    each: Function | None = None,
    broadcasts: bool | None = None,
    view: bool = False,
    signature: Function | None = None,
    only: dict[str, tuple[Any, ...]] | None = None,
) -> None:
    r"""Say how `function` pulls a cotangent back: one vector-Jacobian product per operand.

    For ``y = function(a, b)`` and the cotangent ``g`` of ``y``, each rule returns the cotangent of its operand,
    :math:`\bar a = g\,\partial y/\partial a`, written in NumPy functions and operators only: the same line is fed
    arrays, fed Tensors (higher order), and printed. It must not branch on values, assign, or use ``out=``.

    Parameters
    ----------
    function : callable
        A NumPy function, a ufunc, or a function of one's own made with `primitive`.
    *vjps : callable or None
        ``vjp(g, y, a, b, *, axis=None)``: cotangent, output, operands; then, keyword-only and under NumPy's
        names, the keywords that it handles. A parameter that starts with ``_`` is not kept in memory: only its
        shape and dtype can be read. None where no cotangent passes; ``Refused(reason)`` where one would, but there is
        no rule: then the call raises if that operand is differentiated. For a function that returns a tuple, ``g`` and
        ``y`` are tuples too; an entry of ``g`` is None where no cotangent arrived.
    each : callable, optional
        For a function of a sequence: ``vjp(i, g, y, *arrays)``, where ``i`` says whose cotangent is meant.
    broadcasts : bool, optional
        The function broadcasts its operands: the sweep sums cotangents back. By default True for ufuncs.
    view : bool
        The result may share memory with the first operand.
    signature : callable, optional
        A function with the call signature, where Python cannot read it from `function`.
    only : dict, optional
        Keyword values that the rule handles; others are refused by name.

    Raises
    ------
    RuleError
        If the function has an entry already, or the rules do not fit each other.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> @ag.primitive
    ... def softplus(x):
    ...     return np.logaddexp(0, x)
    >>> ag.defvjp(softplus, lambda g, _y, x: g / (1 + np.exp(-x)))
    >>> print(ag.grad(softplus)(0.0))
    0.5
    """
    if not callable(function):
        raise TypeError(
            f"ag.defvjp takes a function, then its rules, and was given a {type(function).__name__} for the function. "
            "Write ag.defvjp(f, lambda g, y, x: ...)."
        )
    for vjp in (*vjps, each):
        if not (vjp is None or isinstance(vjp, Refused) or callable(vjp)):
            raise RuleError(
                f"{name_of(function)}: a rule is a function or None, not a {type(vjp).__name__}. "
                "Write lambda g, y, x: ..."
            )
    if broadcasts is None:
        broadcasts = type(function).__name__ == "ufunc"
    _register(
        function,
        Rule(function, vjps, each, broadcasts=broadcasts, view=view, signature=signature, only=only or {}),
    )


def composite(*functions: Function, view: bool = False) -> Callable[[F], F]:
    """Declare the decorated function, with NumPy's signature and written over primitives, to stand for `functions`."""

    def register(implementation: F) -> F:
        for function in functions:
            _register(function, Composite(implementation, view))
        return implementation

    return register


def constant(functions: Iterable[Function], like: bool = False) -> None:
    """Declare functions whose derivative is 0 wherever it exists: no cotangent passes."""
    for function in functions:
        _register(function, Constant(function, like))


def plain(functions: Iterable[Function]) -> None:
    """Declare functions that only tell metadata and return ordinary values."""
    for function in functions:
        _register(function, Plain(function))


def refused(reasons: dict[Function, str]) -> None:
    """Declare functions that are refused, each with its reason and the rewrite."""
    for function, reason in reasons.items():
        _register(function, Refused(reason))


def primitive(function: F) -> F:
    """Make a function of one's own recordable; then give it a rule with `defvjp`.

    Parameters
    ----------
    function : callable
        Arrays in, array out. It may use anything inside (other libraries, in-place work): what it does is not
        recorded, only that it was called.

    Returns
    -------
    callable
        The same function; called on a Tensor, it is recorded as one node.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x * x * x
    >>> ag.defvjp(cube, lambda g, _y, x: g * 3 * x * x)
    >>> print(ag.grad(cube)(2.0), ag.grad(ag.grad(cube))(2.0))
    12.0 12.0
    """
    if not callable(function):
        raise TypeError(
            f"ag.primitive takes a function, not a {type(function).__name__}. Write @ag.primitive above its "
            "def, without arguments."
        )

    return _recordable(function, None)


def in_memory(function: F) -> F:
    """Make a function recordable, as `primitive` does, whose code is for NumPy's arrays: no other kind gets in.

    Such code would fetch a lazy array into memory unnoticed (``np.asarray``, assignment into an array of zeros).
    """
    return _recordable(function, _refuse_other_kinds)


def _refuse_other_kinds(function: Function, args: Iterable[Any]) -> None:
    """Raise if there is an array of another kind than NumPy's among some arguments, by itself or in a Tensor."""
    for arg in args:
        for part in arg if type(arg) in (list, tuple) else (arg,):
            held = getattr(part, "_value", part)
            if is_other(held):
                raise NeedsValues(
                    f"{name_of(function)} works on NumPy arrays in memory, and this is a {kind_name(type(held))}. "
                    "Compute it first, if it fits: ag.Tensor(np.asarray(t.data))."
                )


def _recordable(function: F, check: Callable[[Function, Iterable[Any]], None] | None) -> F:
    @functools.wraps(function, updated=())  # SciPy keeps more in a function than its name
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if check is None and args and (call := getattr(type(args[0]), "__call_primitive__", None)) is not None:
            return call(wrapper, args, kwargs)
        plain = ORDINARY.issuperset(map(type, args))  # the usual case when a rule calls this: only arrays and numbers
        values = tuple(kwargs.values()) if plain else (*args, *kwargs.values())
        if check is not None:
            check(wrapper, values)
        for arg in values:
            for part in arg if type(arg) in (list, tuple) else (arg,):
                call = getattr(type(part), "__call_primitive__", None)
                if call is not None:
                    return call(wrapper, args, kwargs)
        return function(*args, **kwargs)

    wrapper.__direct__ = function  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]
