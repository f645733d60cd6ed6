"""The player's matrix of local derivatives: a heat-map whose rows a page solves upward, in step with the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from ...errors import AutogradError
from ...tensor import Tensor
from ..arrays import clip, levels, number, plain
from ..boxes import Box
from ..entries import Entries
from ..stage import heat_class, wide
from ..triangular import Triangular, solved

__all__ = ["SHOWN", "matrix_of", "panel"]

SHOWN = 40  # numbers of a graph up to which a page has the matrix unasked
MOST = 100  # up to which it can have it
WRITTEN = 7  # up to which its cells hold their numbers
ROOM = 330  # pixels across, for the cells
NAME = 10  # characters
TOP = 18
GAP = 6


def matrix_of(y: Tensor, cotangent: object, boxes: list[Box], wanted: bool | None) -> Triangular | None:
    """Return the triangular system of a graph; None if it is not wanted, or if nobody asked and it is large or odd."""
    if wanted is False:
        return None
    if wanted is None and sum(np.size(box.gradient) for box in boxes if box.gradient is not None) > 3 * SHOWN:
        return None
    try:
        entries = Entries(y, cotangent, "player")
        count = sum(int(np.prod(box.shape, dtype=int)) for box in entries.swept if not entries.is_view(box))
        if wanted is None and not 1 < count <= SHOWN:
            return None
        if count > MOST:
            raise AutogradError(
                f"player: matrix=True shows up to {MOST} numbers, but a cotangent reaches {count:,} in this graph. "
                "Take a smaller network, or fewer samples; or matrix=False."
            )
        return solved(entries, entries.all(MOST, "matrix"))
    except AutogradError:
        if wanted:
            raise
        return None


def panel(system: Triangular) -> str:
    """Return the heat-map, of whose cells and rows a page lights what a step computes.

    The cells have the ids ``m<i>_<j>``, the gradients ``g<i>``, as in `Triangular.svg`; each row says whose box it is
    of. Above the diagonal all is 0: the names stand there.
    """
    n = len(system.names)
    written = n <= WRITTEN
    width, height = (ROOM / WRITTEN, 22.0) if written else (max(8.5, min(22.0, ROOM / n)),) * 2
    size = 11.0 if written else min(11.0, round(height * 0.95, 1))
    if written:
        width = max(width, *(wide(_short(x), size) + 6 for x in system.matrix.flat))
    names = [clip(plain(name), NAME) for name in system.names]
    right = max((i + 1) * width + GAP + wide(name, size, True) for i, name in enumerate(names)) + GAP
    longest = max(wide(number(gradient), size) for gradient in system.gradients) + 3
    place = _Place(width, height, right, max(42, longest + 6) if written else height, 0 if written else longest)
    down = TOP + n * height + 2
    rows = "\n".join(_row(system, i, names[i], place, written) for i in range(n))
    diagonal = "".join(
        f"M{i * width + 1:.4g} {i * height + 1:.4g}h{width - 2:.3g}v{height - 2:.3g}h-{width - 2:.3g}z"
        for i in range(n)
    )
    end = escape(clip(plain(system.end), 8))
    title = escape(plain(f"The sweep of {system.end} as back-substitution"))
    return (
        '<aside id="system" aria-label="matrix of local derivatives"><h3>Back-substitution</h3>'
        f'<svg role="img" aria-labelledby="system-name system-text" viewBox="0 0 {place.total:.0f} {down:.0f}" '
        f'style="max-width:{place.total:.0f}px;font-size:{size:g}px">'
        f'<title id="system-name">{title}</title><desc id="system-text">{escape(str(system), quote=False)}</desc>'
        f'<text y="10">∂row/∂column</text><text class="g" x="{place.total:.0f}" y="10">∂{end}/∂row</text>'
        f'<g transform="translate(0 {TOP})"><path class="mz" d="M0 {height:.3g}{_stairs(n, width, height)}z"/>'
        f'{rows}\n<path class="md" d="{diagonal}"/></g></svg>'
        '<p id="solved"></p><p class="m">Each gradient is the sum down its column: a local derivative times the '
        "gradient of its row, which is solved before.</p></aside>"
    )


@dataclass
class _Place:
    """Sizes of the matrix: of a cell; where the gradients stand, how wide they are, and their numbers beside them."""

    width: float
    height: float
    right: float
    side: float
    beside: float

    @property
    def total(self) -> float:
        """How wide all of it is."""
        return self.right + self.side + (3 + self.beside if self.beside else 0) + 2

    def cell(self, x: float, width: float) -> str:
        """Return the outline of a cell."""
        return f"M{x + 0.5:.4g} .5h{width - 1:.3g}v{self.height - 1:.3g}h-{width - 1:.3g}z"


def _stairs(n: int, width: float, height: float) -> str:
    """Return the outline of what is below the diagonal."""
    return f"h{width:.3g}v{height:.3g}" * (n - 1) + "H0"


def _row(system: Triangular, i: int, name: str, place: _Place, written: bool) -> str:
    width, height, middle = place.width, place.height, f"{place.height / 2:.3g}"
    steps = levels(system.matrix)[i]
    parts = [f'<path class=mb d="M0 0h{place.total:.0f}v{height:.3g}H0z"/>']
    for j in range(i):
        value = system.matrix[i, j]
        if value != 0:
            shown = f"<title>{number(value)}</title>"
            outline = place.cell(j * width, width)
            kind = heat_class(steps[j])
            if written:
                inner = f'<path d="{outline}"/><text x={(j + 0.5) * width:.4g} y={middle}>{_short(value)}</text>'
                parts.append(f'<g id=m{i}_{j} class="mc {kind}">{shown}{inner}</g>')
            else:
                parts.append(f'<path id=m{i}_{j} class="mc {kind}" d="{outline}">{shown}</path>')
    kind = heat_class(levels(system.gradients.reshape(-1, 1))[i][0])
    at = place.right + place.side / 2 if written else place.right + place.side + 3
    text = f"<text{'' if written else ' class=mn'} x={at:.4g} y={middle}>{number(system.gradients[i])}</text>"
    parts.append(f"<text class=ml x={(i + 1) * width + GAP:.4g} y={middle}>{escape(name, quote=False)}</text>")
    parts.append(f'<g id=g{i} class="mg {kind}"><path d="{place.cell(place.right, place.side)}"/>{text}</g>')
    return f'<g class=mr data-of={system.ids[i]} transform="translate(0 {i * height:.4g})">{"".join(parts)}</g>'


def _short(value: float) -> str:
    return number(float(f"{value:.2g}"))
