"""What goes wrong with a rule of one's own: ag.primitive, ag.defvjp, and how a function with a rule is called."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.table import Refused

T = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)


def scaled(name="scaled"):
    """A new function of one's own at each call: the table keeps what it was given."""

    def function(x, factor, power=1):
        return x * factor**power

    function.__name__ = function.__qualname__ = name
    function.__module__ = "mine"
    return ag.primitive(function)


def defined(*vjps, called=False, **kwargs):
    """Return a function that gives a new function rules, and calls it if that is asked for."""

    def make():
        function = scaled()
        ag.defvjp(function, *vjps, **kwargs)
        return called(function) if called else function

    return make


def given_twice():
    function = scaled()
    ag.defvjp(function, lambda g, _y, _x, factor: g * factor)
    ag.defvjp(function, lambda g, _y, _x, factor: g * factor)


def only_factor():
    @ag.primitive
    def only_factor(x, factor=2.0):
        return x * factor

    only_factor.__module__, only_factor.__qualname__ = "mine", "only_factor"
    ag.defvjp(only_factor, Refused("it is a count."), lambda g, _y, x, _factor=2.0: g * x)
    return only_factor(T)


def by_x(g, _y, _x, factor):
    return g * factor


def with_power(g, _y, _x, factor, *, power=1):
    return g * factor**power


ROWS = {
    "ag.defvjp(np.tanh, vjp)": (
        lambda: ag.defvjp(np.tanh, lambda g, y, _x: g * (1 - y * y)),
        errors.RuleError,
        [r"np\.tanh is in the table already", r"ag\.primitive"],
    ),
    "ag.defvjp(f, vjp) twice": (given_twice, errors.RuleError, [r"mine\.scaled is in the table already", "rule"]),
    "ag.defvjp(f)": (
        defined(),
        errors.RuleError,
        [r"mine\.scaled: no rule was given", "one vjp per operand", "None where"],
    ),
    "ag.defvjp('f', vjp)": (
        lambda: ag.defvjp("f", by_x),
        TypeError,
        [r"ag\.defvjp", "given a str", r"ag\.defvjp\(f, "],
    ),
    "ag.defvjp(f, 2.0)": (defined(2.0), errors.RuleError, [r"mine\.scaled", "not a float", "lambda g, y, x"]),
    "ag.primitive(2.0)": (lambda: ag.primitive(2.0), TypeError, [r"ag\.primitive", "not a float", "@ag"]),
    "ag.defvjp(f, lambda g: ...)": (
        defined(lambda g, _y: g),
        errors.RuleError,
        [r"mine\.scaled", "the cotangent, the output, then the operands"],
    ),
    "ag.defvjp(f, vjp, vjp, vjp) of two operands": (
        defined(by_x, by_x, by_x),
        errors.RuleError,
        [r"mine\.scaled: 3 vjps for 2 operands \(x, factor\)", "None"],
    ),
    "ag.defvjp(f, lambda g, y, x: ..., lambda g, y, x, factor: ...)": (
        defined(lambda g, _y, _x: g, by_x),
        errors.RuleError,
        [r"mine\.scaled", r"one has \(x\), another \(x, factor\)", "leading _"],
    ),
    "ag.defvjp(f, lambda g, y, x, factor, *, exponent: ...)": (
        defined(lambda g, _y, _x, factor, *, exponent=1: g * factor**exponent, called=lambda f: f(T, 2.0)),
        errors.RuleError,
        [r"mine\.scaled has no keyword exponent", "it takes x, factor, power", "own names"],
    ),
    "f(t, 2.0, power=2), where the rule has no power": (
        defined(by_x, called=lambda f: f(T, 2.0, power=2)),
        errors.UnsupportedArgumentError,
        [r"mine\.scaled", r"argument power=", "Leave it out"],
    ),
    "f(t, 2.0, power=t)": (
        defined(with_power, called=lambda f: f(T, 2.0, power=T)),
        errors.UnsupportedArgumentError,
        [r"mine\.scaled", r"power=", r"detach\(\)"],
    ),
    "f(t, 2.0, powr=2)": (
        defined(with_power, called=lambda f: f(T, 2.0, powr=2)),
        TypeError,
        [r"scaled\(\) got an unexpected keyword argument 'powr'"],
    ),
    "f(t, 2.0, 1, 5)": (
        defined(with_power, called=lambda f: f(T, 2.0, 1, 5)),
        TypeError,
        [r"scaled\(\) takes .*3 positional arguments but 4 were given"],
    ),
    "f(t), where two are needed": (
        defined(with_power, called=lambda f: f(T)),
        errors.UnsupportedArgumentError,
        [r"mine\.scaled", "needs factor"],
    ),
    "f(1.0, t), where only x has a rule": (
        defined(by_x, called=lambda f: f(1.0, T)),
        errors.UnsupportedArgumentError,
        [r"mine\.scaled", "with respect to factor", "defvjp was given no rule", r"detach\(\)"],
    ),
    "f(t), where x is refused": (
        only_factor,
        errors.UnsupportedArgumentError,
        [r"mine\.only_factor", "with respect to x: it is a count", r"x\.detach\(\)"],
    ),
    "f(t) without a rule": (
        lambda: scaled()(T, 2.0),
        errors.MissingRuleError,
        [r"mine\.scaled has no derivative rule", r"ag\.defvjp"],
    ),
    "np.where(t > 2)": (
        lambda: np.where(T > 2, T),
        errors.UnsupportedArgumentError,
        [r"np\.where", "needs y too", r"np\.nonzero"],
    ),
    "np.reshape(t, order='A')": (
        lambda: np.reshape(T, (3, 1), order="A"),
        errors.UnsupportedArgumentError,
        [r"np\.reshape", r"order= only as one of \('C', 'F'\)", "not 'A'"],
    ),
    "np.tanh(t, signature='d->d')": (
        lambda: np.tanh(T, signature="d->d"),
        errors.UnsupportedArgumentError,
        [r"np\.tanh", "signature="],
    ),
}
