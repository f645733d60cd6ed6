"""Small charts in SVG, whose parts for each snapshot are switched by a page: sizes by layer, and over the training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from ..arrays import number

__all__ = ["Scale", "by_depth", "over_training", "scale_of"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 200, 134, 38, 8, 10, 24
HIGH = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
TICKS = 4
DEEPEST = 24  # decades: what is smaller stands at the bottom


class Scale:
    """Where a number stands on an axis of decades, or on a plain one; 0 stands at the bottom of decades."""

    def __init__(self, low: float, high: float, log: bool) -> None:
        self.low, self.high, self.log = low, high, log

    def share(self, x: float) -> float:
        """Return how high, as a part of the axis; below 0 or above 1 beyond its ends; NaN for no finite number."""
        if not math.isfinite(x):
            return math.nan
        if self.log:
            x = math.log10(x) if x > 0 else self.low
        return (x - self.low) / (self.high - self.low)

    def y(self, x: float) -> float | None:
        """Return how high in the picture, at most at its end; None for what is no finite number."""
        share = self.share(x)
        return None if math.isnan(share) else _height(min(1.0, max(0.0, share)))

    def ticks(self) -> list[tuple[float, str]]:
        """Return the heights and texts of the lines."""
        if not self.log:
            return [(y, number(x)) for x in (self.low, self.high) if (y := self.y(x)) is not None]
        step = math.ceil((self.high - self.low) / TICKS)
        powers = range(round(self.high), round(self.low) - 1, -step)
        return [(y, f"10{str(p).translate(HIGH)}") for p in powers if (y := self.y(10.0**p)) is not None]


def _height(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)


def scale_of(values: Iterable[float], log: bool) -> Scale:
    """Return an axis for these numbers: whole decades, or from 0 up."""
    known = [x for x in values if math.isfinite(x) and (x > 0 or not log)]
    if not log:
        low, high = min([*known, 0.0]), max([*known, 0.0])
        return Scale(low, high if high > low else low + 1.0, log)
    if not known:
        return Scale(-1, 0, log)
    high = math.ceil(math.log10(max(known)) - 1e-9)
    low = max(math.floor(math.log10(min(known)) + 1e-9), high - DEEPEST)
    return Scale(low, high if high > low else low + 1, log)


def by_depth(
    deltas: Sequence[Sequence[float]], bounds: Sequence[Sequence[float] | None], names: Sequence[str], scale: Scale
) -> str:
    """Return the sizes of the layers' deltas at each snapshot, from the first layer on, beside a quarter for each."""
    xs = _spread(len(names))
    room = xs[1] - xs[0] if len(xs) > 1 else 20.0
    radius, half = min(3.0, 0.4 * room), min(7.0, 0.4 * room)
    parts = [_frame(scale), _ends(names)]
    for k, (sizes, limits) in enumerate(zip(deltas, bounds, strict=True)):
        depth = len(sizes) - 1
        quarters = [sizes[-1] * 0.25 ** (depth - i) for i in range(len(sizes))]
        marks = "" if limits is None else _bars(xs, [sizes[-1] * limit for limit in limits], scale, half)
        dots = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>' if y is not None else _cross(x)
            for x, y in zip(xs, map(scale.y, sizes), strict=True)
        )
        lines = _cut(xs, quarters, scale) + marks + _line(xs, sizes, scale, "size")
        parts.append(f'<g class="k k{k}">{lines}<g class="size">{dots}</g></g>')
    return _chart("|δ| by layer, now, and a quarter for each layer below the last", "".join(parts))


def over_training(
    steps: Sequence[float], series: Sequence[Sequence[float]], names: Sequence[str], scale: Scale, title: str
) -> str:
    """Return a line for each series over the steps, from blue for the first to orange, and a mark that goes along."""
    span = (steps[-1] - steps[0]) or 1.0
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * (step - steps[0]) / span for step in steps]
    lines = []
    for i, (values, name) in enumerate(zip(series, names, strict=True)):
        share = 100 * i / (len(names) - 1) if len(names) > 1 else 100
        crosses = "".join(_cross(x) for x, v in zip(xs, values, strict=True) if not math.isfinite(v))
        lines.append(
            f'<g class="layer" style="--c:{share:.0f}%"><title>{escape(name)}</title>'
            f"{_line(xs, values, scale, '')}{crosses}</g>"
        )
    marks = "".join(
        f'<line class="k k{k} here" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        for k, x in enumerate(xs)
    )
    ends = _ends([f"step {number(steps[0])}", f"step {number(steps[-1])}"] if len(steps) > 1 else [number(steps[0])])
    return _chart(title, _frame(scale) + ends + "".join(lines) + marks)


def _spread(count: int) -> list[float]:
    inner = WIDTH - LEFT - RIGHT - 16
    return [LEFT + 8 + inner * (i / (count - 1) if count > 1 else 0.5) for i in range(count)]


def _line(xs: Sequence[float], values: Sequence[float], scale: Scale, kind: str) -> str:
    """Return a line, broken where a value is no number."""
    runs: list[list[str]] = [[]]
    for x, value in zip(xs, values, strict=True):
        y = scale.y(value)
        if y is None:
            runs.append([])
        else:
            runs[-1].append(f"{x:.1f},{y:.1f}")
    name = f' class="{kind}"' if kind else ""
    return "".join(f'<polyline{name} points="{" ".join(run)}"/>' for run in runs if run)


def _cut(xs: Sequence[float], values: Sequence[float], scale: Scale) -> str:
    """Return a dotted line, without what lies beyond the axis."""
    points = [(x, share) for x, share in zip(xs, map(scale.share, values), strict=True) if not math.isnan(share)]
    pieces = []
    for (x0, a), (x1, b) in pairwise(points):
        low, high = (0.0, 1.0) if a == b else sorted(((0 - a) / (b - a), (1 - a) / (b - a)))
        start, end = max(0.0, low), min(1.0, high)
        if start < end and (a != b or 0 <= a <= 1):
            ends = ((x0 + (x1 - x0) * t, _height(a + (b - a) * t)) for t in (start, end))
            pieces.append("L".join(f"{x:.1f} {y:.1f}" for x, y in ends))
    return f'<path class="quarter" d="{"".join(f"M{piece}" for piece in pieces)}"/>' if pieces else ""


def _bars(xs: Sequence[float], limits: Sequence[float], scale: Scale, half: float) -> str:
    shares = zip(xs, map(scale.share, limits), strict=True)
    d = "".join(f"M{x - half:.1f} {_height(share):.1f}h{2 * half:.1f}" for x, share in shares if 0 <= share <= 1)
    return f'<path class="limit" d="{d}"/>'


def _cross(x: float) -> str:
    """Return the mark of what is no finite number, at the top."""
    return f'<path class="fault" d="M{x - 4:.1f} {TOP - 4}l8 8m0 -8l-8 8"/>'


def _frame(scale: Scale) -> str:
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="y" x="{LEFT - 5}" y="{y + 4:.1f}">{text}</text>'
        for y, text in scale.ticks()
    )


def _ends(names: Sequence[str]) -> str:
    """Return what stands below the first and the last."""
    y = HEIGHT - 7
    first = f'<text x="{LEFT}" y="{y}">{escape(names[0])}</text>' if names else ""
    last = f'<text class="y" x="{WIDTH - RIGHT}" y="{y}">{escape(names[-1])}</text>' if len(names) > 1 else ""
    return first + last


def _chart(title: str, body: str) -> str:
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{body}</svg>'
