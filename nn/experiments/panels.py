"""What the experiments' pictures share: plain panels in the colours of the style in use, medians with their range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["MARKS", "band", "drawable", "ink", "legend", "panel", "shades"]

MARKS = "osD^v*XP"  # so that nobody has to tell lines by their colours
LARGEST = 1e150  # what is beyond, the margins of a logarithmic axis would take past the largest float


def panel(axes: Any, title: str, x: str, y: str, *, log: str = "") -> Any:
    """Give a panel its title and labels; `log` names the axes, of x and y, that are logarithmic."""
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")
    return axes


def drawable(values: Any) -> Any:
    """Return the values with gaps where they are not finite, and the immense ones cut."""
    values = np.asarray(values, float)
    return np.clip(np.where(np.isfinite(values), values, np.nan), -LARGEST, LARGEST)


def band(
    axes: Any, x: Any, values: Any, label: str | None, color: Any, *, marker: str | None = None, style: str = "-"
) -> None:
    """Draw the median of values (seeds, points) as a line, and from the least to the greatest as a band.

    What is not finite or, on a logarithmic scale, not positive leaves a gap.
    """
    x, values = drawable(x), np.where(np.isnan(values), np.inf, values)
    low, middle, high = values.min(axis=0), np.median(values, axis=0), values.max(axis=0)
    if axes.get_yscale() == "log":
        low, middle, high = (np.where(v > 0, v, np.nan) for v in (low, middle, high))
    middle, low, high = map(drawable, (middle, low, high))
    axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(x, middle, style, color=color, label=label, marker=marker, markersize=4)


def ink(axes: Any) -> Any:
    """Return the colour of the style's text: for lines that are no measurement."""
    return axes.xaxis.label.get_color()


def legend(axes: Any, *, beside: bool = False) -> None:
    """Draw the legend within the panel, or beside it."""
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if beside else {"loc": "best"}
    axes.legend(fontsize="small", frameon=False, **place)


def shades(names: Sequence[Any]) -> list[Any]:
    """Return a colour for each of several things in an order, which shades show."""
    from matplotlib import colormaps, rcParams
    from matplotlib.colors import to_rgb

    dark = sum(to_rgb(rcParams["axes.facecolor"])) < 1.5
    low, high = (0.25, 1.0) if dark else (0.0, 0.85)
    return [colormaps["viridis"](low + (high - low) * i / max(len(names) - 1, 1)) for i in range(len(names))]
