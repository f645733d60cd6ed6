"""Experiment: what a claim was measured to be, as a sentence, a table and a picture; Spread: a number of each seed."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..checks import array_of, shown

__all__ = ["Experiment", "Spread"]

WIDTH = 88  # columns of the sentences
WIDEST = 100  # columns of a table: what does not fit stands below
HEAD = 14  # columns, from which a head goes on in the next line, if its cells are no wider
SIZE = (9.2, 3.8)  # inches, if an experiment asks for no other size
KINDS = {
    "mean": "a ± b: mean and standard deviation over the seeds",
    "median": "a [b, c]: median, least and greatest over the seeds",
}


class Spread:
    r"""One number of each seed, shown as a mean ± standard deviation, or as a median [least, greatest].

    A mean is of the finite numbers, and how many were not is said beside it. In a median what is not finite counts as
    larger than all that is: a loss that became NaN is not better than one that became infinite. The standard deviation
    is that of a sample, :math:`\sqrt{\sum (x - \bar x)^2 / (n - 1)}`. Of one number there is neither: it stands alone.

    Parameters
    ----------
    values : array_like
        One real number for each seed.
    kind : str
        ``"mean"`` or ``"median"``.

    Raises
    ------
    ValueError
        If there are no values, or the kind is another.

    Examples
    --------
    >>> from nn.experiments import Spread
    >>> Spread([1.0, 2.0, 3.0]), Spread([1.0, 2.0, 9.0], "median")
    (2 ± 1, 2 [1, 9])
    >>> Spread([1.0, 3.0, float("nan")]), Spread([1.0, 3.0, float("inf")], "median")
    (2 ± 1.41 (1 of 3 not finite), 3 [1, inf])
    """

    def __init__(self, values: Any, kind: str = "mean") -> None:
        numbers = np.asarray(array_of("Spread", "values", values), float).ravel()
        if not numbers.size:
            raise ValueError("Spread: values is empty, but must hold a number for each seed. Give it at least one.")
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"Spread: kind is {shown(kind)}, but must be 'mean' or 'median'. Write kind='median'.")
        self.values: tuple[float, ...] = tuple(numbers.tolist())
        self.kind = kind

    @property
    def finite(self) -> list[float]:
        """The finite numbers."""
        return [v for v in self.values if math.isfinite(v)]

    @property
    def center(self) -> float:
        """The mean of the finite numbers, or the median; NaN where no mean is finite."""
        if self.kind == "median":
            return _middle(self._ordered())
        scale, values = self._scaled()
        return scale * (math.fsum(values) / len(values)) if values else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation of the finite numbers, as that of a sample; 0 of one."""
        scale, values = self._scaled()
        return scale * float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

    def _scaled(self) -> tuple[float, list[float]]:
        """Return the finite numbers over a power of 2 near the largest, so that no sum or square overflows."""
        values = self.finite
        exponent = max((math.frexp(v)[1] for v in values), default=0) - 1
        return math.ldexp(1.0, exponent), [math.ldexp(v, -exponent) for v in values]

    @property
    def low(self) -> float:
        """The least number."""
        return self._ordered()[0]

    @property
    def high(self) -> float:
        """The greatest number; infinite if one was not finite."""
        return self._ordered()[-1]

    def _ordered(self) -> list[float]:
        return sorted(math.inf if math.isnan(v) else v for v in self.values)

    def __str__(self) -> str:
        if len(self.values) == 1 and (self.finite or self.kind == "median"):
            return number(self.center, 3)
        if self.kind == "median":
            return f"{number(self.center, 3)} [{number(self.low, 3)}, {number(self.high, 3)}]"
        missing = len(self.values) - len(self.finite)
        if not self.finite:
            return "not finite"
        note = f" ({missing} of {len(self.values)} not finite)" if missing else ""
        return f"{number(self.center, 3)} ± {number(self.deviation, 3)}{note}"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spread) and (self.kind, repr(self.values)) == (other.kind, repr(other.values))

    def __hash__(self) -> int:
        return hash((self.kind, repr(self.values)))


@dataclass(frozen=True, repr=False)
class Experiment:
    """What an experiment found: shows itself as text and, in a notebook, as HTML; `plot` draws it.

    Attributes
    ----------
    title : str
        What is asked.
    claims : tuple of str
        The claims that it is about, as docs/claims.md lists them: ``("R11",)``.
    finding : str
        The answer, with the numbers that were measured.
    columns : tuple of str
        The head of the table.
    rows : tuple of tuple
        The table: text, whole numbers, numbers and `Spread`.
    data : mapping of str to arrays
        What table and picture are made of; where there are several seeds, they are the first axis.
    notes : tuple of str
        Under which conditions the claim holds, and what the sources do not say.
    draw : callable
        ``draw(figure)`` draws the panels into an empty matplotlib figure.

    Raises
    ------
    ValueError
        If a row of the table has another length than its head.

    Examples
    --------
    >>> from nn.experiments import Experiment, Spread
    >>> Experiment(
    ...     "Is the die fair?",
    ...     ("none",),
    ...     "Six and one came alike.",
    ...     ("face", "came, % of throws"),
    ...     (("six", Spread([16.0, 17.0])), ("one", Spread([17.0, 16.5]))),
    ...     {},
    ...     draw=lambda figure: None,
    ... )
    Is the die fair? (none)
    <BLANKLINE>
            came, % of
    face        throws
    ──────────────────
    six   16.5 ± 0.707
    one   16.8 ± 0.354
    <BLANKLINE>
    a ± b: mean and standard deviation over the seeds
    <BLANKLINE>
    Six and one came alike.
    """

    title: str
    claims: tuple[str, ...]
    finding: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    data: Mapping[str, Any] = field(compare=False)
    notes: tuple[str, ...] = ()
    draw: Callable[[Any], None] = field(kw_only=True, compare=False)

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"Experiment: rows holds one of {len(row)} cells, but must hold as many as there are columns, "
                    f"{len(self.columns)}. Fill the row with ''."
                )

    def plot(self) -> Any:
        """Draw what was measured, in the colours of the matplotlib style in use.

        Returns
        -------
        matplotlib.figure.Figure
            Which a notebook shows, ``plt.show()`` in a window, and ``.savefig("experiment.png")`` saves.

        Raises
        ------
        ImportError
            Without matplotlib (extra ``plot``).
        """
        try:
            from matplotlib import pyplot
        except ImportError:
            raise ImportError(
                "Experiment.plot: it draws with matplotlib, which is not installed. Run pip install "
                "'autograd-mini[plot]'."
            ) from None
        from ..training.plots import has_windows

        figure = pyplot.figure(figsize=SIZE, layout="constrained")
        if not has_windows(pyplot):  # else a notebook would show it twice, and a script keep it for good
            pyplot.close(figure)
        self.draw(figure)
        return figure

    def _legend(self) -> list[str]:
        """Return what the signs in the table mean."""
        cells = (cell for row in self.rows for cell in row)
        kinds = {cell.kind for cell in cells if isinstance(cell, Spread) and len(cell.values) > 1}
        return [text for kind, text in KINDS.items() if kind in kinds]

    def _cells(self) -> tuple[list[list[str]], list[bool]]:
        """Return head and rows as text, and which columns stand right: those without text of their own."""
        right = [
            not any(isinstance(cell, str) and cell for cell in column) for column in zip(*self.rows, strict=True)
        ] or [False] * len(self.columns)
        return [list(self.columns), *([cell_text(cell) for cell in row] for row in self.rows)], right

    def __str__(self) -> str:
        (head, *body), right = self._cells()
        below = zip(*body, strict=True) if body else [()] * len(head)
        columns = [_column(*cells) for cells in zip(head, right, below, strict=True)]
        parts = [
            textwrap.fill(f"{self.title} ({', '.join(self.claims)})", WIDTH),
            *_blocks(columns, len(body)),
            *(["\n".join(self._legend())] if self._legend() else []),
            textwrap.fill(self.finding, WIDTH),
            *(textwrap.fill(f"- {note}", WIDTH, subsequent_indent="  ") for note in self.notes),
        ]
        return "\n\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        (head, *body), right = self._cells()
        rule = "border-bottom:1px solid rgba(128,128,128,.5)"

        def line(cells: Iterable[str], tag: str) -> str:
            out = ""
            for cell, is_right in zip(cells, right, strict=True):
                align = "right" if is_right else "left"
                style = f"text-align:{align};padding:.2em .6em;{rule if tag == 'th' else ''}"
                out += f'<{tag} style="{style}">{html.escape(cell)}</{tag}>'
            return f'<tr style="background:none">{out}</tr>'

        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><strong>{html.escape(self.title)}</strong> ({html.escape(', '.join(self.claims))})</p>"
            f'<div style="overflow-x:auto"><table class="experiment" style="background:none;color:inherit">'
            f"<thead>{line(head, 'th')}</thead><tbody>{''.join(line(row, 'td') for row in body)}</tbody></table></div>"
            + "".join(f"<p><small>{html.escape(text)}</small></p>" for text in self._legend())
            + f"<p>{html.escape(self.finding)}</p>"
            + (f"<ul>{notes}</ul>" if notes else "")
        )


def number(value: Any, digits: int = 4) -> str:
    """Return a number as a table shows it: whole ones with their thousands apart, others with so many digits."""
    if isinstance(value, Integral):
        n = int(value)
        return f"{n:,}" if abs(n) < 10**12 else f"{Decimal(n):.{digits - 1}e}"  # it may be too large for a float
    value = float(value)
    if math.isfinite(value) and value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def between(low: Any, high: Any, form: str) -> str:
    """Return a range in words; one number, if both read the same."""
    ends = f"{low:{form}}", f"{high:{form}}"
    return " to ".join(dict.fromkeys(ends))


def cell_text(cell: Any) -> str:
    """Return a cell of a table as text."""
    if isinstance(cell, (bool, np.bool_)):
        return "yes" if cell else "no"
    return number(cell) if isinstance(cell, Real) else str(cell)


def _middle(ordered: list[float]) -> float:
    """Return the median of numbers in their order, which may be infinite: inf - inf would be NaN."""
    n = len(ordered)
    low, high = ordered[(n - 1) // 2], ordered[n // 2]
    return low if low == high else low + (high - low) / 2 if math.isfinite(high) else math.inf


def _column(head: str, right: bool, cells: tuple[str, ...]) -> list[str]:
    """Return the lines of a head, which may take several, then the cells, all of one width."""
    lines = textwrap.wrap(head, max((HEAD, *map(len, cells))), break_long_words=False) or [""]
    width = max(map(len, (*lines, *cells)))
    return [text.rjust(width) if right else text.ljust(width) for text in (*lines, *cells)]


def _blocks(columns: list[list[str]], rows: int) -> list[str]:
    """Return a table as text; if it is too wide, in several, each with the columns that tell the rows apart."""
    tall = max(map(len, columns), default=0)
    columns = [[" " * len(column[0])] * (tall - len(column)) + column for column in columns]
    cells = [column[tall - rows :] for column in columns]
    names = next((k for k in range(1, len(cells)) if len(set(zip(*cells[:k], strict=True))) == rows), 1)
    blocks: list[list[list[str]]] = [columns[:names]]
    for column in columns[names:]:
        if len(blocks[-1]) > names and sum(len(c[0]) + 2 for c in (*blocks[-1], column)) - 2 > WIDEST:
            blocks.append(columns[:names])
        blocks[-1] = [*blocks[-1], column]
    found = []
    for block in blocks:
        lines = ["  ".join(parts).rstrip() for parts in zip(*block, strict=True)]
        lines.insert(tall - rows, "─" * max(map(len, lines)))
        found.append("\n".join(lines))
    return found
