"""`triangular`: the reverse sweep as the solution of a triangular system, upward from its last row."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..tensor import Tensor
from .arrays import clip, levels, number, plain
from .entries import Entries, Entry
from .files import file_of, written_to
from .svg import FONTS, dark_style
from .theme import LIGHT, STEPS, THEMES, Theme

__all__ = ["Triangular", "solved", "triangular"]

WRITTEN = 40  # numbers in the graph up to which the cells hold theirs
NAME = 14  # characters


@dataclass(frozen=True, eq=False)
class Triangular:
    r"""Local derivatives as a matrix: ``matrix[i, j]`` is :math:`\partial v_i / \partial v_j`, for j < i alone.

    Attributes
    ----------
    names : tuple of str
        The numbers v of the graph, each after those that it was computed from.
    ids : tuple of str
        Of the node in `draw`'s picture that each belongs to.
    matrix : array, (n, n)
    seed : array, (n,)
        With which the sweep begins: 0 but at the result.
    gradients : array, (n,)
        Which solve :math:`(I - L^\top) \bar v = e`.
    end : str
        The result.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    matrix: Any
    seed: Any
    gradients: Any
    end: str

    def __str__(self) -> str:
        n, density = len(self.names), int(np.count_nonzero(self.matrix))
        width = max(map(len, self.names))
        lines = [
            f"{n} number{'s' * (n != 1)}, {density} local derivative{'s' * (density != 1)} below the diagonal; solved "
            f"upward from {self.names[-1]}:",
        ]
        for j in reversed(range(n)):
            used = [i for i in range(n) if self.matrix[i, j] != 0]
            terms = [f"{number(self.matrix[i, j])} · ∂{self.names[i]}" for i in used]
            terms += [number(self.seed[j])] * bool(self.seed[j])
            lines.append(f"  ∂{self.names[j]:{width}} = {' + '.join(terms) or '0'} = {number(self.gradients[j])}")
        return "\n".join(plain(line) for line in lines)

    __repr__ = __str__

    def svg(self, theme: str = "light") -> str:
        """Return the matrix as a heat-map, and beside it the gradients that solve the system.

        Its cells have the ids ``m<i>_<j>``, those of the gradients ``g<i>``.

        Parameters
        ----------
        theme : {"light", "dark", "auto"}
            ``"auto"`` follows what the reader prefers.
        """
        if not isinstance(theme, str) or theme not in THEMES:
            raise ValueError(f"triangular: theme={theme!r}, but it is one of {', '.join(map(repr, THEMES))}.")
        return _Picture(self, THEMES[theme]).svg(auto=theme == "auto")

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the heat-map to an SVG file that follows what the reader prefers, and return its path.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        path = file_of("Triangular.save", path, "system.save('triangular.svg')")
        return written_to(path, (self.svg("auto") + "\n").encode(), "picture")

    def _repr_svg_(self) -> str:
        return self.svg()


def triangular(y: Tensor, *, cotangent: Any = None, max_numbers: int = 100) -> Triangular:
    r"""Write the reverse sweep as back-substitution in a triangular system (Edelman et al., arXiv 2303.15449).

    In the order in which they were computed, the numbers v of a graph depend on earlier ones alone, so the matrix L of
    the local derivatives is strictly lower triangular. What the sweep computes is

    .. math:: \bar v = e + L^\top \bar v, \qquad (I - L^\top)\, \bar v = e,

    an upper triangular system, solved from its last row up: each row adds up what the uses of one number send back.

    Parameters
    ----------
    y : Tensor
        The result.
    cotangent : array_like, optional
        The seed e, of the shape of `y`; 1 if `y` has one element.
    max_numbers : int
        Raise rather than write a larger matrix.

    Returns
    -------
    Triangular
        ``.matrix``, ``.seed``, ``.gradients``, ``.names``; ``.svg()``, ``.save("triangular.svg")``; ``print`` it.

    Raises
    ------
    NothingRecordedError, GraphFreedError, ShapeError
        As `steps`.
    AutogradError
        If there are more than `max_numbers` numbers; if the solution is not what the sweep gives, as in `paths`.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> system = ag.triangular(x * x + x)
    >>> system
    3 numbers, 3 local derivatives below the diagonal; solved upward from y:
      ∂y  = 1 = 1
      ∂z1 = 1 · ∂y = 1
      ∂x  = 6 · ∂z1 + 1 · ∂y = 7
    >>> np.linalg.solve(np.eye(3) - system.matrix.T, system.seed)
    array([7., 1., 1.])
    """
    if not isinstance(max_numbers, (int, np.integer)) or isinstance(max_numbers, bool):
        raise TypeError(f"triangular: max_numbers is {max_numbers!r}, but must be a whole number: max_numbers=100.")
    with np.errstate(all="ignore"):
        entries = Entries(y, cotangent, "triangular")
        return solved(entries, entries.all(int(max_numbers), "max_numbers"))


def solved(entries: Entries, numbers: list[Entry]) -> Triangular:
    """Return the system of some numbers, each after those it was computed from, solved from its last row up."""
    with np.errstate(all="ignore"):
        place = {entry: i for i, entry in enumerate(numbers)}
        n = len(numbers)
        matrix, seed, gradients, size = np.zeros((n, n)), np.zeros(n), np.zeros(n), np.zeros(n)
        for j, entry in reversed(list(enumerate(numbers))):
            seed[j] = float(entry.cotangent) if entry.box is entries.end else 0.0
            used: dict[int, None] = {}
            for link in entries.links(entry):
                matrix[place[link.entry], j] += float(link.local)
                used[place[link.entry]] = None
            products = [matrix[i, j] * gradients[i] for i in used]  # where there is no use, nothing is multiplied by 0
            gradients[j] = seed[j] + sum(products)
            size[j] = abs(seed[j]) + sum(abs(matrix[i, j]) * size[i] for i in used)
            if np.isfinite(float(entry.cotangent)):
                entries.compare(entry, float(gradients[j]), float(size[j]))
    names = tuple(entries.label(entry) for entry in numbers)
    return Triangular(names, tuple(e.box.id for e in numbers), matrix, seed, gradients, entries.end.name)


class _Picture:
    """Lays the heat-map out: rows of the matrix down, its columns across, the gradients in a column of their own."""

    def __init__(self, system: Triangular, theme: Theme) -> None:
        self.system, self.theme = system, theme
        n = len(system.names)
        self.cell = 44 if n <= WRITTEN // 3 else 34 if n <= WRITTEN else 14
        self.size = 12 if n <= WRITTEN // 3 else 10 if n <= WRITTEN else 9
        self.names = [clip(plain(name), NAME) for name in system.names]
        self.margin = 16 + round(0.62 * self.size * max(map(len, self.names)))
        self.left, self.top = self.margin, 34 + self.margin
        self.gap = 26

    def svg(self, auto: bool) -> str:
        """Return the picture."""
        system, theme = self.system, self.theme
        n = len(system.names)
        side = n * self.cell
        width, height = self.left + side + self.gap + 70 + 12, self.top + side + 14
        steps = levels(system.matrix)
        parts = [f'<rect width="{width}" height="{height}" fill="{theme.paper}"/>']
        parts.append(self._words(self.left, 20, "local derivatives ∂row/∂column", "start", theme.muted))
        right = self.left + side + self.gap
        parts.append(
            self._words(right + 35, self.top - 8, f"∂{clip(plain(system.end), 8)}/∂row", "middle", theme.gradient)
        )
        for i, name in enumerate(self.names):
            y = self.top + i * self.cell
            parts.append(self._words(self.left - 6, y + self.cell / 2, name, "end", theme.ink))
            x, up = self.left + (i + 0.5) * self.cell, self.top - 6
            turned = f' transform="rotate(-90 {x:g} {up})"'
            parts.append(self._words(x, up, name, "start", theme.ink, turned))
            for j in range(i):
                parts.append(self._cell(i, j, system.matrix[i, j], steps[i][j]))
            parts.append(
                f'<rect x="{self.left + i * self.cell + 0.5:g}" y="{y + 0.5:g}" width="{self.cell - 1}" '
                f'height="{self.cell - 1}" fill="none" stroke="{theme.group_line}" stroke-dasharray="2 2"/>'
            )
            parts.append(self._gradient(i, right, y))
        title = f"The reverse sweep of {plain(system.end)} as back-substitution"
        body = "\n".join(parts)
        style = dark_style(body) if auto and theme is LIGHT else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(title)}" style="max-width:100%;height:auto" font-family="{FONTS}">\n'
            f"<title>{escape(title, quote=False)}</title>\n<desc>{escape(str(system), quote=False)}</desc>\n"
            f"{style}{body}\n</svg>"
        )

    def _cell(self, i: int, j: int, value: float, step: int | None) -> str:
        theme, side = self.theme, self.cell - 1
        x, y = self.left + j * self.cell, self.top + i * self.cell
        fill = theme.group if value == 0 else theme.fault if step is None else theme.heat[step + STEPS]
        box = f'<rect x="{x + 0.5:g}" y="{y + 0.5:g}" width="{side}" height="{side}" fill="{fill}"/>'
        if value == 0:
            return box
        ink = theme.on_fault if step is None else theme.on(step)
        words = self._number(x, y, self.cell, value, ink) if self.cell > 20 else ""
        return f'<g id="m{i}_{j}"><title>{number(value)}</title>{box}{words}</g>'

    def _gradient(self, i: int, x: float, y: float) -> str:
        value, theme = self.system.gradients[i], self.theme
        ink = theme.gradient if np.isfinite(value) else theme.fault
        line = theme.group_line
        box = (
            f'<rect x="{x + 0.5:g}" y="{y + 0.5:g}" width="69" height="{self.cell - 1}" fill="{theme.result}" '
            f'stroke="{line}"/>'
        )
        return f'<g id="g{i}">{box}{self._number(x, y, 70, value, ink)}</g>'

    def _number(self, x: float, y: float, width: float, value: float, ink: str) -> str:
        text = number(value) if width > 60 else number(float(f"{value:.2g}"))
        return self._words(x + width / 2, y + self.cell / 2, text, "middle", ink)

    def _words(self, x: float, y: float, words: str, anchor: str, ink: str, more: str = "") -> str:
        return (
            f'<text x="{x:g}" y="{y:g}" font-size="{self.size}" text-anchor="{anchor}" dominant-baseline="central" '
            f'fill="{ink}"{more}>{escape(words, quote=False)}</text>'
        )
