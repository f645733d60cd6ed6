"""Inline SVG for the reports, coloured by the page's style: curves over epochs, points, bars, and images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

__all__ = ["bars", "curves", "image", "points"]

WIDTH, HEIGHT = 560, 330
LEFT, RIGHT, TOP, BOTTOM = 64, 444, 48, 284  # the edges of the plot; beyond the right one stand the curves' names
GAP = 21  # between the names of two curves that end close together
STYLES = 6  # so many curves the page's style tells apart; then they repeat
WIDE = 540  # the right edge where no names stand beyond it


def curves(
    series: Mapping[str, Sequence[float]],
    *,
    title: str,
    description: str,
    y_label: str,
    mark: tuple[int, str] | None = None,
) -> str:
    """Return a chart of positive numbers per epoch, on a logarithmic scale, each curve named at its end.

    Parameters
    ----------
    series : mapping of name to numbers
        One curve each, over the epochs 1, 2, ...; what is not positive and finite has no place and is left out.
    title, description : str
        For those who cannot see it.
    y_label : str
        What is measured.
    mark : (epoch, text), optional
        A vertical line.
    """
    points = {name: [(i, v) for i, v in enumerate(values, 1) if 0 < v < math.inf] for name, values in series.items()}
    shown = [v for curve in points.values() for _, v in curve] or [1.0]
    last = max(2, *map(len, series.values()))
    bottom, top, ticks = _scale(min(shown), max(shown))

    def x(epoch: float) -> float:
        return LEFT + (RIGHT - LEFT) * (epoch - 1) / (last - 1)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * math.log(value / bottom) / math.log(top / bottom)

    parts = [f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{RIGHT}"/>')
        parts.append(_text(LEFT - 8, y(tick) + 5, _power(tick), "end"))
    for epoch in _epoch_ticks(last):
        parts.append(f'<path class="axis" d="M{x(epoch):.1f} {BOTTOM}v5"/>')
        parts.append(_text(x(epoch), BOTTOM + 22, str(epoch), "middle"))
    parts.append(f'<path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>')
    parts.append(_text((LEFT + RIGHT) / 2, HEIGHT - 4, "epoch", "middle"))
    parts.append(_text(0, 14, y_label, "start"))
    if mark:
        epoch, label = mark
        parts.append(f'<path class="mark" d="M{x(epoch):.1f} {TOP - 4}V{BOTTOM}"/>')
        parts.append(_text(x(epoch), TOP - 10, label, "start" if epoch < 0.7 * last else "end"))
    parts += [_curve(_style(i), [(x(e), y(v)) for e, v in curve]) for i, curve in enumerate(points.values(), 1)]
    ends = {name: y(curve[-1][1]) for name, curve in points.items() if curve}
    for i, name in enumerate(points, 1):
        if name in ends:
            parts.append(_text(RIGHT + 8, _apart(ends)[name] + 5, name, "start", f"name s{_style(i)}"))
    return _chart(parts)


def points(x: Any, y: Any, *, title: str, description: str, x_label: str, y_label: str) -> str:
    """Return a chart of points on two scales of the same numbers, with the line on which both are equal.

    Parameters
    ----------
    x, y : array, shape (n,)
        A point for each finite pair.
    title, description : str
        For those who cannot see it.
    x_label, y_label : str
        What is measured.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    ticks = _linear(np.concatenate([x, y]))
    low, high = ticks[0], ticks[-1]

    def across(value: Any) -> Any:
        return LEFT + (WIDE - LEFT) * (value - low) / (high - low)

    def up(value: Any) -> Any:
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    parts = _axes(title, description, x_label, y_label, [(across(t), _plain(t)) for t in ticks])
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {up(tick):.1f}H{WIDE}"/>')
        parts.append(_text(LEFT - 8, up(tick) + 5, _plain(tick), "end"))
    parts.append(f'<path class="exact" d="M{LEFT} {BOTTOM}L{WIDE} {TOP}"/>')
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in zip(across(x), up(y), strict=True))
    return _chart([*parts, f'<g class="points">{dots}</g>'])


def bars(values: Any, *, title: str, description: str, x_label: str, y_label: str, most: int = 24) -> str:
    """Return a histogram: how many of some numbers fall into each of at most `most` equal intervals.

    Parameters
    ----------
    values : array, shape (n,)
        What is not finite has no place and is left out.
    title, description : str
        For those who cannot see it.
    x_label, y_label : str
        What is measured, and of what there are so many.
    most : int
        Intervals.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    ticks = _linear(values)
    low, high = ticks[0], ticks[-1]
    number = int(min(max(round(math.sqrt(len(values))), 5), most))
    counts, edges = np.histogram(values, number, (low, high))
    heights = _linear(np.append(counts, 0))

    def across(value: float) -> float:
        return LEFT + (WIDE - LEFT) * (value - low) / (high - low)

    def up(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * value / heights[-1]

    parts = _axes(title, description, x_label, y_label, [(across(t), _plain(t)) for t in ticks])
    for tick in heights:
        parts.append(f'<path class="grid" d="M{LEFT} {up(tick):.1f}H{WIDE}"/>')
        parts.append(_text(LEFT - 8, up(tick) + 5, _plain(tick), "end"))
    for n, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if n:
            width = max(across(right) - across(left) - 1, 1)
            parts.append(
                f'<rect class="bar" x="{across(left):.1f}" y="{up(n):.1f}" width="{width:.1f}" '
                f'height="{BOTTOM - up(n):.1f}"/>'
            )
    return _chart(parts)


def _chart(parts: list[str]) -> str:
    return f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'


def _axes(title: str, description: str, x_label: str, y_label: str, ticks: list[tuple[float, str]]) -> list[str]:
    """Return the title, the lower axis with its ticks, and the names of both axes."""
    parts = [f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"]
    for x, text in ticks:
        parts.append(f'<path class="axis" d="M{x:.1f} {BOTTOM}v5"/>')
        parts.append(_text(x, BOTTOM + 22, text, "middle"))
    parts.append(f'<path class="axis" d="M{LEFT} {BOTTOM}H{WIDE}"/>')
    parts.append(_text((LEFT + WIDE) / 2, HEIGHT - 4, x_label, "middle"))
    parts.append(_text(0, 14, y_label, "start"))
    return parts


def _linear(values: Any) -> list[float]:
    """Return ticks at 1, 2 or 5 times a power of ten that enclose the numbers."""
    low, high = (float(np.min(values)), float(np.max(values))) if len(values) else (0.0, 1.0)
    if not high > low:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    power = 10.0 ** math.floor(math.log10((high - low) / 5))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if (high - low) / (factor * power) <= 6)
    return [k * step for k in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _plain(tick: float) -> str:
    """Return a tick of a linear scale: in thousands and millions where it would be long."""
    text = f"{tick:.10g}" if abs(tick) < 1e5 else f"{tick:.4g}"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(tick) >= max(size, 1e4):
            text = f"{tick / size:.6g}{letter}"
            break
    return text.replace("-", "−")


def _style(i: int) -> int:
    return (i - 1) % STYLES + 1


def image(pixels: Any, title: str) -> str:
    """Return an image of numbers from 0 to 1 as SVG in the colour of the text: one path for each shade."""
    pixels = np.asarray(pixels)
    rows, columns = pixels.shape
    paths = []
    for shade in np.unique(pixels[pixels > 0]):
        squares = "".join(f"M{c} {r}h1v1h-1z" for r, c in np.argwhere(pixels == shade))
        paths.append(f'<path opacity="{shade:.3g}" d="{squares}"/>')
    head = f'<svg class="image" role="img" viewBox="0 0 {columns} {rows}" shape-rendering="crispEdges">'
    return f"{head}<title>{escape(title)}</title>{''.join(paths)}</svg>"


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    names = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{names}>{escape(text)}</text>'


def _curve(i: int, points: list[tuple[float, float]]) -> str:
    if len(points) == 1:
        (x, y) = points[0]
        return f'<circle class="s{i}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    return f'<polyline class="s{i}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _scale(low: float, high: float) -> tuple[float, float, list[float]]:
    """Return the axis' ends around the data, at 1, 2 or 5 times a power of ten, and its ticks."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = [factor * 10.0**k for k in range(first, last + 2) for factor in (1, 2, 5)]
    bottom = max(step for step in steps if step <= low * 1.000001)
    top = min(step for step in steps if step >= high and step > bottom)
    powers = [10.0**k for k in range(first, last + 2) if bottom <= 10.0**k <= top]
    return bottom, top, powers if len(powers) > 2 else [step for step in steps if bottom <= step <= top]


def _epoch_ticks(last: int) -> list[int]:
    step = next(s * 10**k for k in range(9) for s in (1, 2, 5) if last / (s * 10**k) <= 8)
    return [1, *range(max(step, 2), last + 1, step)] if step > 1 else list(range(1, last + 1))


def _power(tick: float) -> str:
    """Return a tick as a plain number, or as a power of ten where that would be long."""
    exponent = round(math.log10(tick))
    if -3 <= exponent <= 3 or not math.isclose(tick, 10.0**exponent):
        return f"{tick:g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """Move names that would overlap down or up until they stand GAP apart."""
    names = sorted(heights, key=lambda name: heights[name])
    placed: dict[str, float] = {}
    floor = -math.inf
    for name in names:
        placed[name] = floor = max(heights[name], floor + GAP)
    ceiling = BOTTOM - 8.0  # clear of the last epoch below it
    for name in reversed(names):
        placed[name] = ceiling = min(placed[name], ceiling)
        ceiling -= GAP
    return placed
