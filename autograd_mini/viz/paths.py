"""`paths`: how many ways lead from a number to the result, and what a gradient costs path by path and by a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from ..tensor import Tensor
from .arrays import number, plain
from .entries import Entries, Entry, Link

__all__ = ["Path", "Paths", "paths"]

FEW = 64  # paths that are listed
WAYS = ("path by path", "forward mode", "finite differences", "reverse sweep")


@dataclass(frozen=True)
class Path:
    """One way from a number to the result.

    Attributes
    ----------
    names : tuple of str
        The numbers on the way, the first that of which the gradient is asked.
    locals : tuple of float
        The local derivative of each by the one before it.
    seed : float
        With which the sweep begins at the last of them.
    """

    names: tuple[str, ...]
    locals: tuple[float, ...]
    seed: float = 1.0

    @property
    def product(self) -> float:
        """What the path adds to the gradient."""
        product = self.seed
        for local in self.locals:
            product *= local
        return product

    def __str__(self) -> str:
        arrows = "".join(f" –{_signed(x)}→ {name}" for x, name in zip(self.locals, self.names[1:], strict=True))
        return self.names[0] + arrows


@dataclass(frozen=True, eq=False)
class Paths:
    """The paths from one number, or from all leaves, to the result, and what they cost.

    Attributes
    ----------
    end, name : str
        The result; the number, or ``"all leaves"``.
    count : int
        How many paths there are.
    paths : tuple of Path
        All of them if there are at most 64, else none.
    gradient : float or None
        From the sweep; the sum over the paths is equal to it to rounding. None for all leaves.
    total : float or None
        That sum: over all paths, though not path by path where there are many.
    factors : int
        Local derivatives on all these paths together.
    edges : int
        Uses of one number for another in the whole graph: a sweep multiplies once at each.
    weights : int
        Numbers in the leaves of the graph.
    cone, cones : int
        Uses of what depends on the number; the sum of these over all numbers in the leaves.
    factors_of_all : int
        Local derivatives on all paths from all leaves.
    """

    end: str
    name: str
    count: int
    paths: tuple[Path, ...]
    gradient: float | None
    total: float | None
    factors: int
    edges: int
    weights: int
    cone: int
    cones: int
    factors_of_all: int

    @property
    def multiplications(self) -> Mapping[str, tuple[int, int]]:
        """How many multiplications by a local derivative each way takes: for this number, and for all leaves.

        Forward mode goes, for each number, over all that depends on it. Central finite differences evaluate the
        function twice for each number, with about one operation where a sweep multiplies by a local derivative.
        """
        n, edges = self.weights, self.edges
        costs = {
            "path by path": (self.factors, self.factors_of_all),
            "forward mode": (self.cone, self.cones),
            "finite differences": (2 * edges, 2 * n * edges),
            "reverse sweep": (edges, edges),
        }
        return costs if self.gradient is not None else {way: (both[1], both[1]) for way, both in costs.items()}

    def __str__(self) -> str:
        rows = [[number(path.product), str(path)] for path in self.paths]
        lines = [self._heading()]
        if rows:
            width = max(len(row[0]) for row in rows)
            lines += [f"  {product:>{width}}  {words}" for product, words in rows]
        lines += [*self._sum(), "", *self._table()]
        return "\n".join(plain(line).rstrip() for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def row(tag: str, *cells: Any) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(plain(str(cell)))}</{tag}>" for cell in cells) + "</tr>"

        listed = [row("td", number(path.product), path) for path in self.paths]
        costs = [row("td", way, *(f"{n:,}" for n in both)) for way, both in self._shown()]
        parts = [f"<p>{escape(plain(self._heading()))}</p>"]
        if listed:
            parts.append(f"<table>{row('th', 'product', 'path')}{''.join(listed)}</table>")
        parts += [f"<p>{escape(plain(line))}</p>" for line in self._sum()]
        parts.append(f"<table>{row('th', *self._columns())}{''.join(costs)}</table>")
        return f'<div class="paths">{"".join(parts)}</div>'

    def plot(self, *others: Paths) -> Any:
        """Draw what all leaves' gradients cost in each way against their number: O(w²) against O(w).

        A network of w weights is evaluated in about w operations. To go through it once for each weight, as forward
        mode and finite differences do, takes about w² (claim R6); a sweep about w.

        Parameters
        ----------
        *others : Paths
            Of other graphs, smaller or larger, to be drawn as one line with this one.

        Returns
        -------
        matplotlib.figure.Figure
            ``.savefig("paths.png")`` saves it.

        Raises
        ------
        TypeError
            If one of the others is no `Paths`.
        ImportError
            Without matplotlib (extra ``plot``).

        Examples
        --------
        >>> import nn, autograd_mini as ag
        >>> nets = [nn.MLP([2, n, 1], rng=0) for n in (1, 2, 4)]
        >>> first, *others = [ag.paths(net([[1.0, 2.0]])) for net in nets]
        >>> figure = first.plot(*others)  # doctest: +SKIP
        """
        for other in others:
            if not isinstance(other, Paths):
                raise TypeError(
                    f"Paths.plot: other graphs come as what ag.paths returns, not as {type(other).__name__}."
                )
        try:
            from matplotlib import pyplot
        except ImportError:
            raise ImportError(
                "Paths.plot: it draws with matplotlib, which is not installed. Run pip install 'autograd-mini[plot]'."
            ) from None
        return _figure(sorted((self, *others), key=lambda p: p.weights), pyplot)

    def _heading(self) -> str:
        ways = "1 path leads" if self.count == 1 else f"{self.count:,} paths lead"
        return f"{ways} from {self.name} to {self.end}"

    def _sum(self) -> list[str]:
        if self.gradient is None or self.total is None:
            return []
        where = f"∂{self.end}/∂{self.name}"
        how = "the sum of the products" if self.paths else "the sum over all paths"
        if number(self.total) == number(self.gradient):
            return [f"{how} = {number(self.total)} = {where} in the sweep"]
        return [f"{how} = {number(self.total)}; {where} in the sweep = {number(self.gradient)}"]

    def _columns(self) -> list[str]:
        named = [] if self.gradient is None else [f"for ∂{self.end}/∂{self.name}"]
        numbers = "1 number" if self.weights == 1 else f"{self.weights:,} numbers"
        return ["multiplications", *named, f"for all leaves: {numbers}"]

    def _shown(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for way, both in self.multiplications.items():
            yield way, both if self.gradient is not None else both[1:]

    def _table(self) -> Iterator[str]:
        rows = [self._columns(), *([way, *(f"{n:,}" for n in both)] for way, both in self._shown())]
        first, *widths = (max(len(plain(row[i])) for row in rows) for i in range(len(rows[0])))
        for way, *numbers in rows:
            yield f"{way:{first}}" + "".join(f"{n:>{w + 3}}" for n, w in zip(numbers, widths, strict=True))


def paths(
    y: Tensor, w: Tensor | None = None, index: Any = None, *, cotangent: Any = None, max_numbers: int = 5000
) -> Paths:
    r"""Count the paths from a number to the result, and multiply along them.

    .. math:: \frac{\partial y}{\partial w} = \sum_{\text{paths}} \prod_{\text{edges}} \frac{\partial z_k}{\partial z_j}

    The graph is that of single numbers: an array is as many of them as it has entries, a product of matrices as many
    uses as it has products of entries. How many paths there are grows exponentially with the depth; the reverse sweep
    adds up at each number first and multiplies then, so it passes each use once (claims M7, R6).

    Parameters
    ----------
    y : Tensor
        The result.
    w : Tensor, optional
        A leaf, or any value in between. Without it paths from all leaves are counted, and none is listed.
    index : int or tuple of int, optional
        Which number of `w`; not needed if it has one.
    cotangent : array_like, optional
        The seed, of the shape of `y`; 1 if `y` has one element.
    max_numbers : int
        Raise rather than go through a graph of more numbers.

    Returns
    -------
    Paths
        ``print`` it; ``.count``, ``.paths``, ``.multiplications``, ``.plot()``.

    Raises
    ------
    NothingRecordedError, IndexError, TypeError, GraphFreedError, ShapeError
        As `explain`.
    AutogradError
        If there are more than `max_numbers`; if the sum over the paths is not the sweep's gradient, for a hook changed
        it or a rule is not linear.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> ag.paths(x * x + x, x)
    3 paths lead from x to y
      3  x –3→ z1 –1→ y
      3  x –3→ z1 –1→ y
      1  x –1→ y
    the sum of the products = 7 = ∂y/∂x in the sweep
    <BLANKLINE>
    multiplications      for ∂y/∂x   for all leaves: 1 number
    path by path                 5                          5
    forward mode                 4                          4
    finite differences           8                          8
    reverse sweep                4                          4
    """
    if not isinstance(max_numbers, (int, np.integer)) or isinstance(max_numbers, bool):
        raise TypeError(f"paths: max_numbers is {max_numbers!r}, but must be a whole number: max_numbers=5000.")
    if w is None and index is not None:
        raise TypeError(f"paths: index={index!r} says which number of w, and there is no w: paths(y, w, index).")
    with np.errstate(all="ignore"):
        entries = Entries(y, cotangent, "paths")
        start = None if w is None else entries.find(w, index)
        return _counted(entries, start, entries.all(int(max_numbers), "max_numbers"))


def _counted(entries: Entries, start: Entry | None, numbers: list[Entry]) -> Paths:
    """Go through the graph once, from the result on: no path is walked that is only counted."""
    if start is not None and entries.is_view(start.box):
        numbers = sorted([*numbers, start], key=lambda entry: entry.age)
    count: dict[Entry, int] = {}
    factors: dict[Entry, int] = {}
    total: dict[Entry, float] = {}
    size: dict[Entry, float] = {}
    links: dict[Entry, list[Link]] = {}
    for entry in reversed(numbers):
        found = links[entry] = entries.links(entry)
        seed = float(entry.cotangent) if entry.box is entries.end else 0.0
        count[entry] = sum(count[link.entry] for link in found) + (entry.box is entries.end)
        factors[entry] = sum(factors[link.entry] + count[link.entry] for link in found)
        total[entry] = seed + sum(float(link.local) * total[link.entry] for link in found)
        size[entry] = abs(seed) + sum(abs(float(link.local)) * size[link.entry] for link in found)
    leaves = [entry for entry in numbers if entry.box.kind == "leaf"]
    end, edges = entries.end.name, sum(map(len, links.values()))
    cones = _cones(numbers, links)
    whole = edges, len(leaves)
    of_all = sum(cones[entry] for entry in leaves), sum(factors[entry] for entry in leaves)
    if start is None:
        ways = sum(count[entry] for entry in leaves)
        return Paths(end, "all leaves", ways, (), None, None, of_all[1], *whole, of_all[0], *of_all)
    listed = tuple(_walked(entries, start, links)) if count[start] <= FEW else ()
    sums = float(sum(path.product for path in listed) if listed else total[start])
    gradient = float(start.cotangent)
    if np.isfinite(gradient):
        entries.compare(start, sums, size[start])
    name = entries.label(start)
    return Paths(end, name, count[start], listed, gradient, sums, factors[start], *whole, cones[start], *of_all)


def _cones(numbers: list[Entry], links: dict[Entry, list[Link]]) -> dict[Entry, int]:
    """Return how many uses there are among the numbers that depend on each, its own included."""
    place = {entry: i for i, entry in enumerate(numbers)}
    uses = np.array([len(links[entry]) for entry in numbers])
    below: dict[Entry, int] = {}  # what depends on each: a bit for each number
    cones = {}
    for entry in reversed(numbers):
        bits = 1 << place[entry]
        for link in links[entry]:
            bits |= below[link.entry]
        below[entry] = bits
        flags = np.frombuffer(bits.to_bytes(len(numbers) // 8 + 1, "little"), np.uint8)
        cones[entry] = int(np.unpackbits(flags, bitorder="little")[: len(numbers)] @ uses)
    return cones


def _signed(x: float) -> str:
    return f"({number(x)})" if x < 0 else number(x)


def _walked(entries: Entries, start: Entry, links: dict[Entry, list[Link]]) -> Iterator[Path]:
    waiting: list[tuple[Entry, tuple[str, ...], tuple[float, ...]]] = [(start, (entries.label(start),), ())]
    while waiting:
        entry, names, local = waiting.pop()
        if entry.box is entries.end:
            yield Path(names, local, float(entry.cotangent))
        for link in reversed(links[entry]):
            waiting.append((link.entry, (*names, entries.label(link.entry)), (*local, float(link.local))))


def _figure(found: list[Paths], pyplot: Any) -> Any:
    """Return a figure: a line for each way, and thin ones that grow with w and with w²."""
    figure = pyplot.figure(figsize=(6.0, 4.2), layout="constrained")
    pyplot.close(figure)
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="numbers in the leaves, w", ylabel="multiplications")
    axes.set_title("what all gradients cost", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    weights = [paths.weights for paths in found]
    for k, way in enumerate(WAYS):
        values = [float(paths.multiplications[way][1]) for paths in found]
        axes.plot(weights, values, "o-", color=f"C{k}", markersize=5, label=way)
    ink = axes.xaxis.label.get_color()
    wide = np.array([min(weights) / 1.5, max(weights) * 1.5])
    last = found[-1]
    for power, way, style in ((1, "reverse sweep", ":"), (2, "finite differences", "--")):
        line = last.multiplications[way][1] * (wide / last.weights) ** power
        label = "∝ w" if power == 1 else "∝ w²"
        axes.plot(wide, line, style, color=ink, linewidth=1, alpha=0.7, label=label, zorder=0)
    axes.legend(fontsize="small", frameon=False)
    return figure
