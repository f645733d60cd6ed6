"""SciPy's interpolants that are linear in the values they go through: differentiable by those and by the place.

An interpolant of ``y`` is that of the unit vectors, times ``y``: the knots and what belongs to them are constants.
Not offered, because they are not linear: PchipInterpolator, Akima1DInterpolator; and Tensors as knots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate as theirs

from ..errors import UnsupportedArgumentError
from ..table import defvjp, in_memory
from .borrow import array, holds_tensor, value_of

__all__ = ["CubicSpline", "RegularGridInterpolator", "interp1d", "make_interp_spline", "weights"]


@in_memory
def weights(x, *, spline, nu=0):
    """Return how much each value counts at the places `x`: the interpolants of the unit vectors, or a derivative.

    Parameters
    ----------
    x : array
        Places.
    spline : callable
        ``spline(x, nu)``.
    nu : int
        Order of the derivative.

    Returns
    -------
    array
        Shape ``(*x.shape, n)``.
    """
    return spline(x, nu)


def weights_vjp(g, _y, x, *, spline, nu=0):
    """The weights of the derivative."""
    return np.sum(g * weights(x, spline=spline, nu=nu + 1), -1)


defvjp(weights, weights_vjp)


class Interpolant:
    """What interpolates `y` at any place; on plain values, SciPy's own.

    Parameters
    ----------
    make : callable
        Makes SciPy's interpolant of values.
    y : array_like
        Values.
    axis : int
        The axis of `y` along which it interpolates.
    derivatives : bool
        SciPy's interpolant takes the order of a derivative: then the place may be a Tensor.
    periodic : bool
        The first value and the last are one: each has half of its weight.
    """

    def __init__(self, make: Callable[..., Any], y: Any, axis: int, derivatives: bool, periodic: bool = False) -> None:
        self._make, self._y, self._axis, self._derivatives = make, array(y), axis % array(y).ndim, derivatives
        self._theirs = make(value_of(self._y), axis)
        self._units = np.eye(self._y.shape[self._axis])
        if periodic:
            self._units[np.ix_([0, -1], [0, -1])] = 0.5

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Interpolate at `x`; a spline takes ``nu``, the order of a derivative, too."""
        if not holds_tensor((x, self._y)):
            return self._theirs(x, *args, **kwargs)
        names = dict(zip(("nu", "extrapolate"), args, strict=False)) | kwargs
        nu, extrapolate = names.pop("nu", 0), names.pop("extrapolate", None)
        if names or ((nu or extrapolate is not None) and not self._derivatives):
            given = ", ".join((*names, *(["nu"] if nu else []), *(["extrapolate"] if extrapolate is not None else [])))
            raise UnsupportedArgumentError(
                f"This interpolant on Tensors has no rule for {given}. Leave it out; CubicSpline and make_interp_spline "
                "take nu and extrapolate."
            )
        if holds_tensor(x) and not self._derivatives:
            raise UnsupportedArgumentError(
                "This interpolant is not differentiated by the place x. Use ag.scipy.interpolate.CubicSpline(x, y) or "
                "make_interp_spline(x, y), which are; or pass x.detach().numpy() if no gradient is wanted."
            )
        units = self._make(self._units, 0)
        options = {} if extrapolate is None else {"extrapolate": extrapolate}

        def spline(x: Any, nu: int) -> Any:
            return within(units(x, nu, **options) if self._derivatives else units(x))[0]

        basis = weights(array(x), spline=spline, nu=nu)
        lost = within(units(value_of(x), **options))[1]
        y, k = np.moveaxis(self._y, self._axis, 0), basis.ndim - 1
        result = np.reshape(basis @ np.reshape(y, (y.shape[0], -1)), (*basis.shape[:-1], *y.shape[1:]))
        if lost.any():
            result = np.where(np.reshape(lost, (*lost.shape, *[1] * (y.ndim - 1))), np.nan, result)
        order = [*range(k, k + self._axis), *range(k), *range(k + self._axis, result.ndim)]
        return np.transpose(result, order)  # the places stand where the axis was

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or holds_tensor(self._y):
            raise AttributeError(
                f"An interpolant of Tensors can be called, and has no attribute {name!r}. Make one of plain values for "
                "it: pass .detach().numpy()."
            )
        return getattr(self._theirs, name)


def within(basis: Any) -> tuple[Any, Any]:
    """Return weights, 0 where they are NaN because the place is out of range; and which places those are."""
    lost = np.isnan(basis).any(-1)
    return np.where(lost[..., None], 0, basis), lost


def _constant(what: str, value: Any) -> Any:
    if holds_tensor(value):
        raise UnsupportedArgumentError(
            f"Interpolants are not differentiated by {what}, which is a Tensor here. Pass {what}.detach().numpy() if no "
            "gradient is wanted."
        )
    return value


def CubicSpline(x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None) -> Any:
    """As ``scipy.interpolate.CubicSpline``; differentiable by `y` and by the place where it is called.

    Parameters
    ----------
    x, y, axis, bc_type, extrapolate
        As SciPy has them; with a Tensor for `y`, `bc_type` must be a name.

    Returns
    -------
    callable
        ``spline(x, nu=0, extrapolate=None)``.
    """
    _named(y, bc_type)
    _constant("x", x)
    return Interpolant(
        lambda y, axis: theirs.CubicSpline(x, y, axis, bc_type, extrapolate), y, axis, True,
        isinstance(bc_type, str) and bc_type == "periodic",
    )  # fmt: skip


def make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0, check_finite: bool = True
) -> Any:
    """As ``scipy.interpolate.make_interp_spline``; differentiable by `y` and by the place where it is called.

    Parameters
    ----------
    x, y, k, t, bc_type, axis, check_finite
        As SciPy has them; with a Tensor for `y`, `bc_type` must be a name or None.

    Returns
    -------
    callable
        ``spline(x, nu=0, extrapolate=None)``.
    """
    _named(y, bc_type)
    _constant("x", x), _constant("t", t)
    return Interpolant(
        lambda y, axis: theirs.make_interp_spline(x, y, k, t, bc_type, axis, check_finite), y, axis, True,
        isinstance(bc_type, str) and bc_type == "periodic",
    )  # fmt: skip


def _named(y: Any, bc_type: Any) -> None:
    if holds_tensor(y) and not (bc_type is None or isinstance(bc_type, str)):
        raise UnsupportedArgumentError(
            "A spline of Tensors takes bc_type= as a name ('natural', 'clamped', 'not-a-knot', 'periodic'), not as values "
            "of derivatives: these have no rule. Write one of the names."
        )


def interp1d(
    x: Any, y: Any, kind: Any = "linear", axis: int = -1, copy: bool = True, bounds_error: Any = None,
    fill_value: Any = np.nan, assume_sorted: bool = False,
) -> Any:  # fmt: skip
    """As ``scipy.interpolate.interp1d``; differentiable by `y`.

    Parameters
    ----------
    x, y, kind, axis, copy, bounds_error, fill_value, assume_sorted
        As SciPy has them; with a Tensor for `y`, `fill_value` must be NaN or ``"extrapolate"``.

    Returns
    -------
    callable
        ``f(x)``.
    """
    _constant("x", x), _constant("fill_value", fill_value)
    if holds_tensor(y) and not (isinstance(fill_value, str) or np.all(np.isnan(fill_value))):
        raise UnsupportedArgumentError(
            "interp1d of Tensors takes fill_value= as NaN or 'extrapolate' only. Fill up afterwards: "
            "y = f(x); np.where(np.isnan(y), value, y)."
        )

    def make(y: Any, axis: int) -> Any:
        return theirs.interp1d(x, y, kind, axis, copy, bounds_error, fill_value, assume_sorted)

    return Interpolant(make, y, axis, False)


NOT_LINEAR = (
    "RegularGridInterpolator of Tensors has no rule for method='pchip', which is not linear in the values. "
    "Write method='cubic' or 'linear'."
)


class RegularGridInterpolator:
    """As ``scipy.interpolate.RegularGridInterpolator``; differentiable by the values.

    Parameters
    ----------
    points, values, method, bounds_error, fill_value, solver, solver_args
        As SciPy has them; with a Tensor for `values`, `method` must not be ``"pchip"`` and `fill_value` NaN or None.
    """

    def __init__(
        self, points: Any, values: Any, method: str = "linear", bounds_error: bool = True, fill_value: Any = np.nan, *,
        solver: Any = None, solver_args: Any = None,
    ) -> None:  # fmt: skip
        _constant("points", points)
        self._values = array(values)
        if holds_tensor(values) and (method == "pchip" or not (fill_value is None or np.isnan(fill_value))):
            if method == "pchip":
                raise UnsupportedArgumentError(NOT_LINEAR)
            raise UnsupportedArgumentError(
                "RegularGridInterpolator of Tensors takes fill_value= as NaN or None only. Fill up afterwards: "
                "y = f(x); np.where(np.isnan(y), value, y)."
            )
        options = {"solver": solver, "solver_args": solver_args} if solver is not None else {}

        def make(values: Any) -> Any:
            return theirs.RegularGridInterpolator(points, values, method, bounds_error, fill_value, **options)

        self._make, self._theirs, self._axes = make, make(value_of(values)), len(points)

    def __call__(self, xi: Any, method: Any = None, *, nu: Any = None) -> Any:
        """Interpolate at the points `xi`."""
        _constant("xi", xi)
        if not holds_tensor(self._values):
            return self._theirs(xi, method, nu=nu)
        grid, rest = self._values.shape[: self._axes], self._values.shape[self._axes :]
        n = int(np.prod(grid))
        if method == "pchip":
            raise UnsupportedArgumentError(NOT_LINEAR)
        basis, lost = within(self._make(np.eye(n).reshape(*grid, n))(xi, method, nu=nu))
        result = np.reshape(basis @ np.reshape(self._values, (n, -1)), (*basis.shape[:-1], *rest))
        return np.where(np.reshape(lost, (*lost.shape, *[1] * len(rest))), np.nan, result) if lost.any() else result

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or holds_tensor(self._values):
            raise AttributeError(
                f"An interpolant of Tensors can be called, and has no attribute {name!r}. Make one of plain values for "
                "it: pass .detach().numpy()."
            )
        return getattr(self._theirs, name)
