"""Momentum and local minima (Y16): how often each ends in the global one, over many errors and from the same starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import positive, whole
from ..optim import SGD
from ..training import TrainingStep, compile_step
from .arguments import numbers_of, seeds_of
from .minima import REACH, TwoWeights, errors_of, sum_of_errors
from .panels import ink, legend, panel
from .result import Experiment, Spread

__all__ = ["momentum"]

SAMPLES = 4
DECAY = 0.02
STILL = 1e-4  # the gradient of a descent that has come to rest
MOST = 0.9  # so many of the plain descents must have come to rest, or slowness would pass for a minimum
APART = 0.02  # errors in minima that differ by less are one level
FIRST = 20  # steps whose length is measured: later ones shrink with the gradient


def momentum(
    factors: Iterable[float] = (0.5, 0.9, 0.99),
    *,
    learning_rate: float = 0.2,
    steps: int = 1500,
    seeds: int | Iterable[int] = 60,
    starts: int = 16,
) -> Experiment:
    r"""Measure how often descent with momentum ends in the global minimum, and without (claim Y16).

    Each seed draws four samples, and with them an error of two weights, :math:`o = \tanh(w_1 x + 1) + \tanh(w_2 x +
    1)`, as in `local_minima`. The errors in which plain descent, from other starts than those that are measured, finds
    minima of different depth are the problems; each is descended from the same random starts with every momentum
    :math:`\mu`: :math:`v \leftarrow \mu v + \nabla E`, :math:`w \leftarrow w - \alpha v` (Rumelhart, Hinton and
    Williams, 1986, eq. 9). Along a gradient that stays the same the steps become :math:`1 / (1 - \mu)` times as
    long, so momentum is also run at :math:`\alpha (1 - \mu)`, where it has the plain one's effective rate, and plain
    descent at the larger effective rates: what is left is due to momentum.

    Parameters
    ----------
    factors : iterable of float
        The momenta μ, between 0 and 1.
    learning_rate, steps : float, int
        Of every descent.
    seeds : int or iterable of int
        How many, or which: each draws an error. Those with one depth only are counted and left out.
    starts : int
        From how many places in [-4, 4] x [-4, 4] each is descended.

    Returns
    -------
    Experiment
        Its data: ``problems``, the seeds kept; ``tried``, how many there were; ``variants``, the (name, α, μ);
        ``end`` (problems, variants, starts, 2), where the descent ended, ``error``, the error there, and ``found``,
        whether that is the lowest minimum that any found; ``step`` (problems, variants), the mean length of the first
        20 steps; ``rests``, the part that came to rest. If momentum saved a start: ``example``, its (problem, variant,
        start), the ``paths`` (2, steps + 1, 2) without and with it, and the ``surface`` (81, 81) over ``grid`` (81,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above, or no seed gives an error with minima of
        different depth.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.momentum((0.9,), seeds=30, starts=16, steps=800)
    >>> [name for name, _, _ in found.data["variants"]]
    ['plain', 'same α', 'same α / (1 - μ)', 'plain, α / (1 - μ)']
    """
    where = "momentum"
    mus = numbers_of(where, "factors", factors, "lie between 0 and 1", lambda mu: 0 < mu < 1, "(0.5, 0.9)")
    alpha = positive(where, "learning_rate", learning_rate)
    steps, starts = whole(where, "steps", steps, 1), whole(where, "starts", starts, 2)
    taken = seeds_of(where, seeds)
    drawn = [_draw_error(seed, starts) for seed in taken]
    x, y, begins, others = (np.stack(parts, axis=1) for parts in zip(*drawn, strict=True))
    ends, _ = _descend(others, x, y, alpha, 0.0, steps)  # chosen by the starts that are measured, plain would look bad
    kept = _several_levels(ends, x, y)
    if not kept.any():
        raise ValueError(
            f"{where}: seeds gives {len(taken)} errors of which none has minima of different depth that were found, "
            "but at least one must. Take more seeds: seeds=100."
        )
    x, y, begins, ends = (np.ascontiguousarray(part[:, kept]) for part in (x, y, begins, ends))
    known = _penalised(ends, x, y).min(axis=-1)
    variants = [("plain", alpha, 0.0)]
    variants += [("same α", alpha, mu) for mu in mus]
    variants += [("same α / (1 - μ)", alpha * (1 - mu), mu) for mu in mus]
    variants += [("plain, α / (1 - μ)", alpha / (1 - mu), 0.0) for mu in mus]
    errors, rests, lengths, places = [], [], [], []
    for _, rate, mu in variants:
        ends, length = _descend(begins, x, y, rate, mu, steps)
        places.append(np.moveaxis(ends, 0, -1))
        errors.append(_penalised(ends, x, y))
        rests.append(_rests(ends, x, y).mean(axis=-1))
        lengths.append(length)
    E = np.stack(errors, axis=1)
    E = np.where(np.isfinite(E), E, np.inf)
    data: dict[str, Any] = {
        "tried": len(taken),
        "problems": np.array(taken)[kept],
        "variants": tuple(variants),
        "error": E,
        "end": np.stack(places, axis=1),
        "found": E < np.minimum(E.min(axis=(1, 2)), known)[:, None, None] + APART / 2,
        "step": np.stack(lengths, axis=1),
        "rests": np.stack(rests, axis=1),
    }
    data |= _example(data, x, y, begins, steps)
    return Experiment(
        title="Does momentum lead out of local minima?",
        claims=("Y16",),
        finding=_finding(data),
        columns=(
            "descent",
            "α",
            "μ",
            "α / (1 - μ)",
            "in the global, %",
            "saved, %",
            "lost, %",
            "better : worse",
            "first steps",
            "at rest, %",
        ),
        rows=tuple(_row(data, k) for k in range(len(variants))),
        data=data,
        notes=(
            f"The problems are the {len(data['problems'])} of {len(taken)} random errors in which plain descent came "
            "to rest in minima of different depth; in the others there was nothing to escape from. They were chosen by "
            "other starts than those measured, or plain descent would be judged by its bad luck. The global minimum is "
            f"the lowest that any descent found. Weight decay, {DECAY:g}, keeps descents from creeping to infinity.",
            "Saved: starts from which this descent reaches the global minimum and plain descent does not. Lost: the "
            "reverse, which happens, too: momentum can carry past the right valley as well as out of a wrong one. The "
            "sources name only the first.",
            "Momentum at α takes steps up to 1 / (1 - μ) times as long. Plain descent at that longer rate shows what "
            "the length alone does; momentum at α (1 - μ) what is left at the plain one's length. A minimum is left "
            "only if the velocity, gathered on the way down, carries over its rim.",
            "At rest are descents whose gradient is nearly 0 after the last step: a μ near 1 takes long to get there.",
        ),
        draw=lambda figure: _draw(figure, data),
    )


def _finding(data: Mapping[str, Any]) -> str:
    found = data["found"].mean(axis=-1)

    def shares(name: str) -> str:
        kept = [k for k, (called, _, mu) in enumerate(data["variants"]) if called == name and (mu or k)]
        return ", ".join(f"{Spread(100 * found[:, k])} %" for k in kept)

    same = [k for k, (name, _, _) in enumerate(data["variants"]) if name == "same α"]
    mus = ", ".join(f"{data['variants'][k][2]:g}" for k in same)
    best = same[int(found[:, same].mean(axis=0).argmax())]
    better, worse = _compared(data, best)
    return (
        f"Plain descent ends in the global minimum from {Spread(100 * found[:, 0])} % of the starts; momentum {mus} "
        f"with the same α from {shares('same α')}, with the same effective rate from {shares('same α / (1 - μ)')}; "
        f"plain descent with momentum's effective rates from {shares('plain, α / (1 - μ)')}. Momentum "
        f"{data['variants'][best][2]:g} did better on {better} of {len(found)} errors, worse on {worse}."
    )


def _compared(data: Mapping[str, Any], k: int) -> tuple[int, int]:
    """Return on how many problems a variant finds the global minimum from more starts than plain descent, and fewer."""
    share = data["found"].mean(axis=-1)
    return int((share[:, k] > share[:, 0]).sum()), int((share[:, k] < share[:, 0]).sum())


def _draw_error(seed: int, starts: int) -> tuple[Any, Any, Any, Any]:
    """Return inputs and targets, each (4, starts), the same for all starts, and the starts, twice (2, starts)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (SAMPLES, 1)) * rng.choice([1, 2, 4], (SAMPLES, 1))
    y = rng.uniform(-1.5, 1.5, (SAMPLES, 1))
    begins, others = rng.uniform(-REACH, REACH, (2, 2, starts))
    return np.repeat(x, starts, axis=1), np.repeat(y, starts, axis=1), begins, others


def _step(model: TwoWeights, rate: float, mu: float) -> TrainingStep:
    return compile_step(model, sum_of_errors, SGD(model.parameters(), lr=rate, momentum=mu, weight_decay=DECAY))


def _descend(begins: Any, x: Any, y: Any, rate: float, mu: float, steps: int) -> tuple[Any, Any]:
    """Return where the descents end, and of each problem the mean length of the first steps."""
    model = TwoWeights(begins)
    step = _step(model, rate, mu)
    lengths, before = [], begins
    with np.errstate(all="ignore"):
        for i in range(steps):
            step(x, y)
            if i < FIRST:
                lengths.append(np.linalg.norm(model.w.data - before, axis=0).mean(axis=-1))
                before = model.w.data.copy()
    return model.w.data.copy(), np.mean(lengths, axis=0)


def _penalised(w: Any, x: Any, y: Any) -> Any:
    """Return the errors, with what the weight decay adds to them."""
    return errors_of(w, x, y) + DECAY / 2 * np.sum(w * w, axis=0)


def _several_levels(ends: Any, x: Any, y: Any) -> Any:
    """Return in which problems most descents came to rest, and at different depths."""
    E, rests = _penalised(ends, x, y), _rests(ends, x, y)
    low, high = np.where(rests, E, np.inf).min(axis=-1), np.where(rests, E, -np.inf).max(axis=-1)
    return (high > low + APART) & (rests.mean(axis=-1) >= MOST)


def _rests(ends: Any, x: Any, y: Any) -> Any:
    """Return which descents came to rest: not those that still creep along a plateau to infinity."""
    with np.errstate(all="ignore"):
        slope = ag.grad(lambda w: np.sum(_penalised(w, x, y)))(ends)
    return np.linalg.norm(slope, axis=0) < STILL


def _row(data: Mapping[str, Any], k: int) -> tuple[Any, ...]:
    name, rate, mu = data["variants"][k]
    found, plain = data["found"][:, k], data["found"][:, 0]
    return (
        name,
        rate,
        mu,
        rate / (1 - mu),
        Spread(100 * found.mean(axis=-1)),
        Spread(100 * (found & ~plain).mean(axis=-1)),
        Spread(100 * (~found & plain).mean(axis=-1)),
        " : ".join(map(str, _compared(data, k))) if k else "",
        Spread(data["step"][:, k]),
        Spread(100 * data["rests"][:, k]),
    )


def _example(data: Mapping[str, Any], x: Any, y: Any, begins: Any, steps: int) -> dict[str, Any]:
    """Return the paths from one start from which momentum reaches the global minimum, and plain descent does not."""
    saved = data["found"] & ~data["found"][:, :1]
    same = [k for k, (name, _, _) in enumerate(data["variants"]) if name == "same α" and saved[:, k].any()]
    if not same:
        return {}
    near = (np.abs(data["end"]) < REACH + 1).all(axis=-1)  # both ends are to be in the picture
    within = saved & near & near[:, :1]
    calm = [k for k in same if data["rests"][:, k].mean() > 0.9 and within[:, k].any()]  # its path is plain to see
    k = max(calm or same, key=lambda k: saved[:, k].sum())
    p, s = (int(i) for i in np.argwhere((within if calm else saved)[:, k])[0])
    xs, ys = x[:, p, :1], y[:, p, :1]
    paths = np.empty((2, steps + 1, 2))
    for path, (_, rate, mu) in zip(paths, (data["variants"][0], data["variants"][k]), strict=True):
        model = TwoWeights(begins[:, p, s, None])
        step = _step(model, rate, mu)
        for i in range(steps + 1):
            path[i] = model.w.data[:, 0]
            step(xs, ys)
    grid = np.linspace(-REACH - 1, REACH + 1, 81)
    surface = _penalised(np.stack(np.meshgrid(grid, grid, indexing="ij")), xs[..., None], ys[..., None])
    return {"example": (p, k, s), "paths": paths, "grid": grid, "surface": surface}


def _draw(figure: Any, data: Mapping[str, Any]) -> None:
    figure.set_size_inches(10.6, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    panel(left, "starts that end in the global minimum", "%", "")
    names = [f"{name}, μ = {mu:g}" if mu else f"{name}, α = {rate:.2g}" for name, rate, mu in data["variants"]]
    shares = 100 * data["found"].mean(axis=-1)
    kinds = list(dict.fromkeys(name for name, _, _ in data["variants"]))
    for k, (name, _, _) in enumerate(data["variants"]):
        left.plot(shares[:, k], np.full(len(shares), k), "|", color=f"C{kinds.index(name)}", markersize=10, alpha=0.6)
        left.plot(shares[:, k].mean(), k, "o", color=f"C{kinds.index(name)}")
    left.axvline(shares[:, 0].mean(), color=ink(left), linewidth=0.8, linestyle=":")
    left.set_yticks(range(len(names)), names)
    left.set_xlim(-3, 103)
    left.invert_yaxis()
    if "paths" not in data:
        right.set_axis_off()
        right.text(0.5, 0.5, "momentum saved no start", ha="center", transform=right.transAxes)
        return
    panel(right, "one start, with and without momentum", "w1", "w2")
    levels = np.unique(np.quantile(data["surface"], np.linspace(0, 0.98, 25)))
    lines = {"colors": [ink(right)], "linewidths": 0.4, "alpha": 0.4}
    right.contour(data["grid"], data["grid"], data["surface"].T, levels=levels, **lines)
    mu = data["variants"][data["example"][1]][2]
    for path, label, color in zip(data["paths"], ("plain", f"μ = {mu:g}"), ("C0", "C1"), strict=True):
        right.plot(*path.T, color=color, linewidth=1.2, label=label)
        right.plot(*path[-1], "*", color=color, markersize=12, markeredgecolor="black")
    right.plot(*data["paths"][0, 0], "o", color=ink(right), label="start")
    right.set_aspect("equal")
    right.set_xlim(data["grid"][0], data["grid"][-1])
    right.set_ylim(data["grid"][0], data["grid"][-1])
    legend(right, beside=True)
