"""The curves of a History, drawn with matplotlib in the colours of the style in use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .history import History

__all__ = ["figure_of", "has_windows"]

Series = Mapping[str, Sequence[float]]

DECADE = 10  # a panel has a logarithmic scale if its largest value is more than so many times its least
FEW = 20  # epochs: each is marked by a dot
NAMED = 6  # layers: each has a colour of the style; more have shades from the first to the last, and some are named


def figure_of(history: History, pyplot: Any) -> Any:
    """Return a figure with a panel for each kind of curve that a history has."""
    panels: list[tuple[str, Series]] = [("loss", {"training": history.loss, "validation": history.validation_loss})]
    if metrics := {name: values for name, values in history.metrics.items() if values}:
        panels.append((next(iter(metrics)) if len(metrics) == 1 else "metrics", metrics))
    if layers := _by_layer(history.gradient_norms):
        panels.append(("gradient norm by layer", layers))
    if len(set(history.learning_rates)) > 1:
        panels.append(("learning rate", {"learning rate": history.learning_rates}))
    columns = len(panels) if len(panels) < 4 else 2
    rows = math.ceil(len(panels) / columns)
    figure = pyplot.figure(figsize=((6.0, 9.2, 11.4)[columns - 1], 3.5 * rows), layout="constrained")
    if not has_windows(pyplot):  # else a notebook would show it twice, and a script keep it for good
        pyplot.close(figure)
    for place, (title, series) in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, place)
        _draw(axes, title, series, history, _shades(len(series)) if series is layers else None)
    return figure


def _draw(axes: Any, title: str, series: Series, history: History, shades: list[Any] | None) -> None:
    """Draw the curves of one panel."""
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title, loc="left")
    axes.set_xlabel("epoch")
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    last = max([1, *map(len, series.values())])
    axes.set_xlim(*((0.5, 1.5) if last == 1 else (1 - 0.02 * (last - 1), last + 0.02 * (last - 1))))
    finite = [v for values in series.values() for v in values if math.isfinite(v)]
    logarithmic = shades is not None or (bool(finite) and max(finite) > DECADE * min(finite) > 0)
    step = math.ceil((len(series) - 1) / (NAMED - 1)) if len(series) > NAMED else 1
    for i, (name, values) in enumerate(series.items()):
        shown = [v if math.isfinite(v) and (v > 0 or not logarithmic) else math.nan for v in values]
        label = name if i % step == 0 or i == len(series) - 1 else None
        if values and all(map(math.isnan, shown)):  # no line, but a place in the legend
            shown, label = [], f"{name}: {'always 0' if not any(values) else 'nothing finite'}"
        style: dict[str, Any] = {"marker": "o", "markersize": 3.5} if last <= FEW or _alone(shown) else {}
        if shades is not None:
            style["color"] = shades[i]
        if values:
            axes.plot(range(1, len(shown) + 1), shown, label=label, **style)
    if not any(len(line.get_xdata()) for line in axes.lines):
        text = "nothing finite" if any(series.values()) else "no epochs"
        axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes)
        axes.set_yticks([])
        return
    if logarithmic:
        axes.set_yscale("log")
    best = history.best_epoch
    if best is not None and best <= last and title != "learning rate":
        color = axes.xaxis.label.get_color()
        axes.axvline(best, color=color, linewidth=1, linestyle=":", label=f"best: epoch {best}", zorder=1)
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) > 1 or title == "loss":
        if step > 1 or len(handles) > 4:  # beside the lines, the last layer at the top, as its line mostly is
            beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
            axes.legend(handles[::-1], labels[::-1], fontsize="small", frameon=False, **beside)
        else:
            axes.legend(fontsize="small", frameon=False)


def _alone(values: Sequence[float]) -> bool:
    """Return whether some value has no neighbour to draw a line to."""
    held = [False, *(not math.isnan(v) for v in values), False]
    return any(b and not a and not c for a, b, c in zip(held, held[1:], held[2:], strict=False))


def _by_layer(norms: Series) -> dict[str, list[float]]:
    """Return the norm of each layer's parameters together."""
    layers: dict[str, list[Sequence[float]]] = {}
    for name, values in norms.items():
        if values:
            layers.setdefault(name.rpartition(".")[0] or "the model", []).append(values)
    names = {name: f"layer {name}" if name.isdecimal() else name for name in layers}
    return {names[name]: [math.hypot(*epoch) for epoch in zip(*parts, strict=False)] for name, parts in layers.items()}


def _shades(count: int) -> list[Any]:
    """Return colours for layers: those of the style for a few; of many, shades from first to last."""
    from matplotlib import colormaps, rcParams
    from matplotlib.colors import to_rgb

    if count <= NAMED:
        return [f"C{i}" for i in range(count)]
    dark = sum(to_rgb(rcParams["axes.facecolor"])) < 1.5
    low, high = (0.25, 1.0) if dark else (0.0, 0.85)
    return [colormaps["viridis"](low + (high - low) * i / (count - 1)) for i in range(count)]


def has_windows(pyplot: Any) -> bool:
    """Return whether figures wait for ``plt.show()``; others are shown where they are returned, or only saved."""
    backend = pyplot.get_backend().lower()
    return "inline" not in backend and backend not in ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
