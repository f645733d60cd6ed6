"""SciPy's integrals of samples and of functions, and its solvers of differential equations.

The gradient of a solution is found by solving the adjoint equation backwards in time with the same solver and
tolerances: it is as good as they are, no better. It passes to the initial value, the times and ``args``; what is
differentiated must be passed there, not closed over.
"""

import numpy as np
import scipy.integrate as theirs

from ..errors import UnsupportedArgumentError
from ..table import composite, defvjp, in_memory, name_of
from ..tensor import unwrap
from ..transforms import vjp
from .borrow import SINCE_1_18, array, borrow, constant_of, refuse, stand_in, value_of
from .implicit import Packed, array_of, closed, watched

# --- samples

trapezoid, cumulative_trapezoid = borrow(theirs.trapezoid), borrow(theirs.cumulative_trapezoid)
simpson = borrow(theirs.simpson)


def real_array(a):
    """Return an array of floating dtype."""
    a = array(a)
    return a if a.dtype.kind in "fc" else a.astype(np.float64)


def panels(y, x, dx, axis):
    """Return the areas between neighbouring samples."""
    y = np.moveaxis(real_array(y), axis, -1)
    if x is not None:
        x = real_array(x)
        dx = x if x.ndim == 1 else np.moveaxis(np.broadcast_to(x, np.moveaxis(y, -1, axis).shape), axis, -1)
        dx = dx[..., 1:] - dx[..., :-1]
    areas = dx * (y[..., 1:] + y[..., :-1]) / 2.0
    return areas if areas.dtype == y.dtype or x is not None else areas.astype(y.dtype)


@composite(trapezoid)
def trapezoid_(y, x=None, dx=1.0, axis=-1):
    """The sum of the areas."""
    areas = np.sum(panels(y, x, dx, axis), -1)
    dtype = real_array(y).dtype
    return areas if areas.dtype == dtype else areas.astype(dtype)


@composite(cumulative_trapezoid)
def cumulative_trapezoid_(y, x=None, dx=1.0, axis=-1, initial=None):
    """The sums of the first areas, one after the other."""
    y = real_array(y)
    if y.shape[axis] == 0:
        raise ValueError("At least one point is required along `axis`.")
    if x is not None:
        x = real_array(x)
        if x.ndim not in (1, y.ndim) or x.shape[axis if x.ndim > 1 else 0] != y.shape[axis]:
            raise ValueError("If given, shape of x must be 1-D or the same as y.")
    if initial is not None and initial != 0:
        raise ValueError("`initial` must be `None` or `0`.")
    sums = np.cumsum(panels(y, x, dx, axis), -1)
    if initial is not None:
        sums = np.concatenate([np.zeros((*sums.shape[:-1], 1), sums.dtype), sums], -1)
    return np.moveaxis(sums, -1, axis)


@composite(simpson)
def simpson_(y, x=None, *, dx=1.0, axis=-1):
    """Parabolas through three samples at a time; Cartwright's correction for a last interval that is left over."""
    y = np.moveaxis(real_array(y), axis, -1)
    n = y.shape[-1]
    if x is None:
        longer = n % 2 == 0 and n > 2 and y.ndim == 1 and not SINCE_1_18  # where SciPy did not add in place
        y = y if y.dtype.kind == "c" or not longer else y.astype(np.float64)
        h = dx * np.ones(n - 1, y.dtype)
    else:
        x = real_array(x)
        if x.ndim not in (1, y.ndim) or x.shape[axis if x.ndim > 1 else 0] != n:
            raise ValueError("If given, shape of x must be 1-D or the same as y, and as long along the axis.")
        x = x if x.ndim == 1 else np.moveaxis(x, axis, -1)
        h = x[..., 1:] - x[..., :-1]
        if n > 2 and not SINCE_1_18:
            h, y = h.astype(np.float64), y if y.dtype.kind == "c" else y.astype(np.float64)
    if n == 2:
        total = np.sum(0.5 * h * (y[..., 1:] + y[..., :-1]), -1)
        return total if x is not None else total.astype(y.dtype)
    even = n - 1 - (n - 1) % 2  # intervals that are covered by parabolas
    a, b = h[..., 0:even:2], h[..., 1:even:2]
    left, middle, right = y[..., 0:even:2], y[..., 1:even:2], y[..., 2 : even + 1 : 2]
    whole = a + b
    total = np.sum(whole / 6 * (left * (2 - b / a) + middle * (whole * whole / (a * b)) + right * (2 - a / b)), -1)
    if even < n - 1:
        total = total + last_interval(y, h)
    return total if x is not None or total.dtype == y.dtype else total.astype(y.dtype)


def last_interval(y, h):
    """Return the area of the last interval under the parabola through the last three samples."""
    a, b = h[..., -2], h[..., -1]
    alpha = (2 * b * b + 3 * a * b) / (6 * (a + b))
    beta = (b * b + 3 * a * b) / (6 * a)
    eta = b * b * b / (6 * a * (a + b))
    return alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]


# --- differential equations


@in_memory
def flow(packed, *, n, k, function, solver):
    """Return the solution at the times `t` of ``dy/dt = function(y, t, theta)``.

    Parameters
    ----------
    packed : array
        The initial value of length `n`, the `k` times, and theta, one after the other.
    n, k : int
        Their lengths.
    function : callable
        The right-hand side.
    solver : callable
        ``solver(function(y, t), y0, t)``: the solution, a row for each time.

    Returns
    -------
    array
        Shape ``(k, n)``.
    """
    y0, t, theta = packed[:n], packed[n : n + k], packed[n + k :]
    return solver(lambda y, s: np.asarray(function(y, s, theta)), y0, t)


def flow_vjp(g, y, packed, *, n, k, function, solver):
    """Solve the adjoint equation ``da/dt = -a df/dy`` backwards, adding the cotangent of each row where it lies."""
    t, theta = packed[n : n + k], packed[n + k :]
    size = theta.shape[0]

    def backwards(state, s, theta):
        """Carry the solution, its cotangent and that of theta."""
        y, a = state[:n], state[n : 2 * n]
        slope, pull = vjp(lambda y, theta: function(y, s, theta), y, theta)
        to_y, to_theta = pull(a)
        return np.concatenate([slope, -to_y, -to_theta])

    def slope(i):
        return array_of(function(y[i], t[i], theta))

    a, to_theta = np.zeros_like(g[0]), np.zeros_like(theta)
    to_t = []
    for i in range(k - 1, 0, -1):
        to_t.append(np.sum(g[i] * slope(i)))
        a = a + g[i]
        state = np.concatenate([y[i], a, to_theta, t[i : i + 1], t[i - 1 : i], theta])
        state = flow(state, n=2 * n + size, k=2, function=backwards, solver=solver)[1]
        a, to_theta = state[n : 2 * n], state[2 * n :]
    to_t.append(-np.sum(a * slope(0)))
    return np.concatenate([a + g[0], np.stack(to_t[::-1]), to_theta])


defvjp(flow, flow_vjp)

odeint, quad = borrow(theirs.odeint), borrow(closed(theirs.quad))


def solved(function, y0, t, args, solver):
    """Return the solution of ``dy/dt = function(y, t, *args)``, recorded."""
    packed = Packed(args if isinstance(args, tuple) else (args,))
    y0, t = np.reshape(real_array(y0), (-1,)), np.reshape(real_array(t), (-1,))

    def right(y, s, vector):
        slope = array_of(function(y, s, *packed.unpack(vector)))
        return slope if slope.ndim == 1 else np.reshape(slope, (-1,))

    parts = [y0, t, *([] if packed.vector is None else [packed.vector])]
    dtype = np.result_type(*[part.dtype for part in parts], np.float64)
    vector = np.concatenate([part.astype(dtype) for part in parts])
    y = flow(vector, n=y0.shape[0], k=t.shape[0], function=right, solver=solver)
    return y if hasattr(y, "requires_grad") else constant_of(y)


def one_tolerance(function, name):
    """Return what to say of a tolerance for each unknown: the adjoint equation has other unknowns."""
    return f"{name_of(function)} on Tensors takes {name}= as one number, not as an array. Pass the smallest: np.min({name})."


@composite(odeint)
def odeint_(
    func, y0, t, args=(), Dfun=None, col_deriv=0, full_output=0, ml=None, mu=None, rtol=None, atol=None, tcrit=None,
    h0=0.0, hmax=0.0, hmin=0.0, ixpr=0, mxstep=0, mxhnil=0, mxordn=12, mxords=5, printmessg=0, tfirst=False,
):  # fmt: skip
    """Its gradient solves the adjoint equation with the same tolerances, which must be numbers."""
    refuse(odeint, Dfun=Dfun, col_deriv=col_deriv or None, full_output=full_output or None, ml=ml, mu=mu, tcrit=tcrit,
           ixpr=ixpr or None, printmessg=printmessg or None, h0=h0 or None)  # fmt: skip
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if np.ndim(tolerance):
            raise UnsupportedArgumentError(one_tolerance(odeint, name))

    rtol, atol = unwrap(rtol), unwrap(atol)
    if np.ndim(y0) > 1:
        raise ValueError("Initial condition y0 must be one-dimensional.")
    if np.ndim(t) != 1:
        raise ValueError("Output times t must be one-dimensional.")

    def solver(right, y0, t):
        return theirs.odeint(right, y0, t, rtol=rtol, atol=atol, hmax=hmax, hmin=hmin, mxstep=mxstep, mxhnil=mxhnil,
                             mxordn=mxordn, mxords=mxords)  # fmt: skip

    return solved((lambda y, s, *args: func(s, y, *args)) if tfirst else func, y0, t, args, solver)


@stand_in(theirs.solve_ivp)
def solve_ivp(fun, t_span, y0, method="RK45", t_eval=None, dense_output=False, events=None, vectorized=False, args=None,
               **options):  # fmt: skip
    """The steps are those that SciPy chooses, as constants; at them, the solution is recorded."""
    refuse(solve_ivp, dense_output=dense_output, events=events, vectorized=vectorized)
    unhandled = set(options) - {"rtol", "atol", "max_step", "min_step", "first_step"}
    refuse(solve_ivp, **{name: options[name] for name in unhandled})
    if np.ndim(options.get("atol", 0)):
        raise UnsupportedArgumentError(one_tolerance(solve_ivp, "atol"))
    args = () if args is None else args
    packed = Packed(args)
    begin, end = t_span
    plain_span = float(value_of(begin)), float(value_of(end))
    times = None if t_eval is None else value_of(t_eval)
    watching = watched(fun, solve_ivp)
    result = theirs.solve_ivp(watching, plain_span, value_of(y0), method, times, args=packed.plain, **options)
    if not result.success:
        return result
    later = {name: value for name, value in options.items() if name != "first_step"}

    def solver(right, y0, t):
        now = int(np.sum(np.cumprod(t == t[0])))  # times at the beginning that are the first one
        if now > 1 or len(t) == 1:
            rest = solver(right, y0, t[now - 1 :])[1:] if now < len(t) else []
            return np.stack([*[y0] * now, *rest])
        out = theirs.solve_ivp(
            lambda s, y: right(y, s), (t[0], t[-1]), y0, method, t, **(options if len(t) > 2 else later)
        )
        if not out.success:
            raise RuntimeError(
                f"scipy.integrate.solve_ivp failed between t = {t[0]:g} and {t[-1]:g}: {out.message} Try another method=, "
                "such as 'Radau', or other tolerances."
            )
        return out.y.T

    start = np.reshape(real_array(begin), (1,))
    inner = real_array(result.t if t_eval is None else t_eval)
    first = t_eval is None and inner.shape[0] > 0  # the beginning itself; one of t_eval has a derivative of its own
    if t_eval is None and hasattr(end, "requires_grad"):
        inner = np.concatenate([inner[:-1], np.reshape(end, (1,))])
    if first:
        inner = inner[1:]
    y = solved(lambda y, s, *args: fun(s, y, *args), y0, np.concatenate([start, inner]), args, solver)
    result.y = np.transpose(y if first else y[1:])
    return result


# --- integrals of functions


@in_memory
def integral(packed, *, ends, function, options):
    """Return the integral of ``function(x, theta)``.

    Parameters
    ----------
    packed : array
        Those of the two ends that are None in `ends`, then theta.
    ends : tuple
        The ends that are constant.
    function : callable
        What is integrated.
    options : dict
        For ``scipy.integrate.quad``.

    Returns
    -------
    array
        A number.
    """
    low, high, theta = opened(packed.astype(np.float64), ends)
    return np.asarray(theirs.quad(lambda x: float(function(np.float64(x), theta)), low, high, **options)[0])


def opened(packed, ends):
    """Return the two ends and theta."""
    at = [packed[: e is None][0] if e is None else e for e in ends[:1]]
    start = int(ends[0] is None)
    at.append(packed[start] if ends[1] is None else ends[1])
    return at[0], at[1], packed[start + (ends[1] is None) :]


def integral_vjp(g, _y, packed, *, ends, function, options):
    """The integrand at the ends, and the integrals of its derivatives by theta."""
    packed = np.astype(packed, np.float64)
    low, high, theta = opened(packed, ends)
    found = [sign * function(x, theta) for sign, x, e in ((-1, low, ends[0]), (1, high, ends[1])) if e is None]

    def derivative(j):
        return lambda x, theta: vjp(lambda theta: function(x, theta), theta)[1](np.ones(()))[0][j]

    for j in range(theta.shape[0]):
        found.append(integral(packed, ends=ends, function=derivative(j), options=options))
    return g * np.stack([np.reshape(array(f), ()) for f in found])


defvjp(integral, integral_vjp)


@composite(quad)
def quad_(
    func, a, b, args=(), full_output=0, epsabs=1.49e-8, epsrel=1.49e-8, limit=50, points=None, weight=None, wvar=None,
    wopts=None, maxp1=50, limlst=50, complex_func=False,
):  # fmt: skip
    """The gradient passes to the limits and to `args`."""
    refuse(quad, full_output=full_output or None, weight=weight, wvar=wvar, wopts=wopts, complex_func=complex_func)
    packed = Packed((a, b, args if isinstance(args, tuple) else (args,)))
    plain_a, plain_b, plain_args = packed.plain
    options = {"epsabs": epsabs, "epsrel": epsrel, "limit": limit, "points": points, "maxp1": maxp1, "limlst": limlst}
    plain_func = watched(func, quad)
    error = constant_of(theirs.quad(plain_func, plain_a, plain_b, plain_args, **options)[1])
    ends = tuple(None if getattr(x, "requires_grad", False) else float(value_of(x)) for x in (a, b))
    count = sum(e is None for e in ends)

    def function(x, theta):
        inner = np.concatenate([np.zeros(count), theta])
        return array_of(func(x, *packed.unpack(inner)[2]))

    if packed.vector is None:
        return constant_of(theirs.quad(plain_func, plain_a, plain_b, plain_args, **options)[0]), error
    return integral(packed.vector, ends=ends, function=function, options=options), error
