"""SciPy's solvers of equations, differentiable by the arguments of the equations.

The derivative is that of the implicit function theorem: it does not depend on how the solution was found, and is as
good as the solution is. Starting points and brackets have no influence on a solution, so no cotangent passes to them.
Pass what is differentiated in ``args``. Minimisers take gradients from outside: ``scipy.optimize.minimize(
ag.value_and_grad(f), x0, jac=True)``.
"""

import inspect

import numpy as np
import scipy.optimize as theirs

from ..table import composite
from ..tensor import unwrap
from .borrow import borrow, constant_of, refuse, stand_in, value_of
from .implicit import Packed, array_of, closed, solution, watched

fixed_point = borrow(closed(theirs.fixed_point))
newton, bisect, ridder = (borrow(closed(solver)) for solver in (theirs.newton, theirs.bisect, theirs.ridder))
brentq, brenth, toms748 = (borrow(closed(solver)) for solver in (theirs.brentq, theirs.brenth, theirs.toms748))


def arguments(args):
    """Return further arguments as a tuple, packed."""
    return Packed(args if isinstance(args, tuple) else (args,))


def solved(packed, function, value):
    """Record the solution of ``function(y, *args) = 0`` that was found."""
    if packed.vector is None:
        return constant_of(value)

    def residual(y, vector):
        return array_of(function(y, *packed.unpack(vector)))

    return solution(packed.vector, residual=residual, find=lambda _: np.asarray(value))


@composite(fixed_point)
def fixed_point_(func, x0, args=(), xtol=1e-8, maxiter=500, method="del2"):
    """The x for which ``func(x, *args) = x``."""
    packed = arguments(args)
    value = theirs.fixed_point(watched(func, fixed_point), value_of(x0), packed.plain, xtol, maxiter, method)
    return solved(packed, lambda x, *args: x - array_of(func(x, *args)), value)


@stand_in(closed(theirs.root))
def root(fun, x0, args=(), method="hybr", jac=None, tol=None, callback=None, options=None):
    """The x for which ``fun(x, *args) = 0``."""
    packed = arguments(args)
    result = theirs.root(watched(fun, root), value_of(x0), packed.plain, method, jac, tol, callback, options)
    result.x = solved(packed, (lambda *a: fun(*a)[0]) if jac is True else fun, result.x)
    return result


@stand_in(closed(theirs.root_scalar))
def root_scalar(f, args=(), method=None, bracket=None, fprime=None, fprime2=None, x0=None, x1=None, xtol=None,
                 rtol=None, maxiter=None, options=None):  # fmt: skip
    """The x for which ``f(x, *args) = 0``."""
    packed = arguments(args)
    start = Packed((bracket, x0, x1)).plain
    result = theirs.root_scalar(watched(f, root_scalar), packed.plain, method, start[0], fprime, fprime2, *start[1:], xtol, rtol, maxiter,
                                options)  # fmt: skip
    several = fprime is True or fprime2 is True  # then f returns its derivatives too
    result.root = solved(packed, (lambda *a: f(*a)[0]) if several else f, result.root)
    return result


@composite(newton)
def newton_(func, x0, fprime=None, args=(), tol=1.48e-8, maxiter=50, fprime2=None, x1=None, rtol=0.0, full_output=False,
            disp=True):  # fmt: skip
    """The x for which ``func(x, *args) = 0``."""
    refuse(newton, full_output=full_output)
    packed = arguments(args)
    start = Packed((x0, x1)).plain
    value = theirs.newton(
        watched(func, newton), start[0], fprime, packed.plain, tol, maxiter, fprime2, start[1], rtol, disp=disp
    )
    return solved(packed, func, value)


def bracketing(function):
    """Give a method that keeps the solution between two points its composite, with SciPy's parameters in its order."""
    signature = inspect.signature(function)

    def implementation(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        refuse(function, full_output=given.pop("full_output", False))
        f, packed = given.pop("f"), arguments(given.pop("args", ()))
        start, given = Packed((given.pop("a"), given.pop("b"))).plain, unwrap(given)
        return solved(packed, f, function(f, *start, packed.plain, **given))

    implementation.__signature__ = signature
    composite(function)(implementation)


for method in (bisect, ridder, brentq, brenth, toms748):
    bracketing(method)
