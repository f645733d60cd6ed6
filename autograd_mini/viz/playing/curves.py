"""The loss along gradient descent, by the right gradients and by wrong ones: a line chart in SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..arrays import number

__all__ = ["curves"]

WIDTH, HEIGHT, LEFT, TOP = 340, 150, 64, 12
ROOM = 1.5  # so much above where it begins does the picture reach: a wrong curve may leave it


def curves(right: Sequence[float], wrong: Sequence[float], name: str) -> str:
    """Return the chart; what leaves it at the top ends there."""
    low, high = _range(right, wrong)
    steps = max(len(right), len(wrong)) - 1

    def points(values: Sequence[float]) -> str:
        shown = []
        for i, value in enumerate(values):
            inside = math.isfinite(value) and low <= value <= high
            y = TOP + (HEIGHT - 2 * TOP) * (high - (value if inside else high)) / (high - low)
            shown.append(f"{LEFT + (WIDTH - LEFT - 8) * i / steps:.0f},{y:.1f}")
            if not inside:
                break
        return " ".join(shown)

    leaves = [number(value) for value in wrong if not math.isfinite(value) or value > high]
    where = f"; with the bug it leaves the picture and ends at {number(wrong[-1])}" if leaves else ""
    text = f"{name} falls from {number(right[0])} to {number(right[-1])}"
    text += f"{where}." if leaves else f"; with the bug it ends at {number(wrong[-1])}."
    ticks = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{y}" y2="{y}"/><text x="{LEFT - 6}" y="{y + 4}">{number(value)}</text>'
        for y, value in ((TOP, high), (HEIGHT - TOP, low))
    )
    return (
        f'<svg class="curves" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text}">{ticks}'
        f'<polyline class="good" points="{points(right)}"/><polyline class="bad" points="{points(wrong)}"/></svg>'
        f'<p class="m">{text} <span class="good">right</span> <span class="bad">with the bug</span></p>'
    )


def _range(right: Sequence[float], wrong: Sequence[float]) -> tuple[float, float]:
    """Return what the axis spans: all of the right curve, and of the wrong one what is not far off."""
    top = right[0] + (ROOM - 1) * ((right[0] - min(right)) or 1.0)
    near = [value for value in (*right, *wrong) if math.isfinite(value) and value <= top]
    bottom = right[-1] - (right[0] - right[-1])
    low = max(min(near), bottom)
    high = max(near)
    return (low, high) if high > low else (low, low + 1.0)
