"""`draw`: the recorded graph as a picture with values and gradients, and the `Graph` that it returns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RenderError
from ..tensor import Tensor
from .arrays import plain
from .boxes import Box, boxes_of, check_count, check_most, check_much, check_notes, check_title
from .dot import digraph
from .files import file_of, written_to
from .folding import chosen, collapsed, folded
from .layout import place
from .render import render
from .scalars import scalars_of
from .svg import finish
from .text import tree
from .theme import THEMES

if TYPE_CHECKING:
    from graphviz import Digraph

__all__ = ["Graph", "draw"]

WITH_RULES = 60
WITH_LOCALS = 150


class Graph:
    """A picture of a graph. It shows itself in a notebook; elsewhere `save` it, or print it.

    Attributes
    ----------
    dot : graphviz.Digraph
        The picture for those who know that package.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> from autograd_mini.viz import draw
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> draw(x * x + x)
    graph of y
                   shape  value  gradient of y
    y = z1 + x            12     1
    ├─ z1 = x * x         9      1
    │  ├─ x               3      7
    │  └─ x (above)
    └─ x (above)
    """

    def __init__(self, dot: Digraph, title: str, text: str, auto: bool) -> None:
        self.dot = dot
        self._title = title
        self._text = text
        self._auto = auto

    @property
    def source(self) -> str:
        """The DOT text; the same in every run."""
        return self.dot.source  # type: ignore[no-any-return]

    def text(self) -> str:
        """Return the same numbers as a tree for the terminal."""
        return self._text

    def svg(self) -> str:
        """Return an SVG without prolog: for a file, an ``<img>``, or inline in a page.

        Raises
        ------
        RenderError
            If there is no renderer, naming the command that installs one.
        """
        return finish(render(self.source, "svg").decode(), self._title, self._text, self._auto)

    def png(self, dpi: int = 192) -> bytes:
        """Return a PNG; 96 dots per inch are a screen's pixels, the default is sharp on finer ones too."""
        if not isinstance(dpi, Real) or not 1 <= dpi <= 10_000:
            raise ValueError(f"graph.png: dpi is {dpi!r}, but must be a number from 1 to 10000: dots per inch.")
        return render(self.source, "png", int(dpi))

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file and return its path.

        Parameters
        ----------
        path : str or Path
            Ends in ``.svg``, ``.png``, ``.pdf``, ``.gv`` or ``.dot`` (DOT text), ``.txt`` (the tree), or in another
            format that the renderer knows.

        Raises
        ------
        RenderError
            If there is no renderer for the format; for SVG and PNG ``pip install graphviz-pure`` is enough.
        OSError
            If the file cannot be written.
        """
        path = file_of("graph.save", path, "graph.save('graph.svg')")
        return written_to(path, self._content(path.suffix[1:].lower()), "picture")

    def _content(self, form: str) -> bytes:
        if form in ("gv", "dot"):
            return self.source.encode()
        if form == "txt":
            return (self.text() + "\n").encode()
        if form == "svg":
            return (self.svg() + "\n").encode()
        if form == "png":
            return self.png()
        if not form:
            raise RenderError(
                'graph.save: the file\'s name says the format, and this one has no ending. Write save("graph.svg"), or '
                ".png, .pdf, .gv, .txt."
            )
        return render(self.source, form)

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 (IPython's signature)
        """Return SVG, PNG (what a notebook from someone else shows), and text. Without a renderer only text."""
        bundle: dict[str, Any] = {"text/plain": self._text}
        try:
            bundle["image/svg+xml"] = self.svg()
            bundle["image/png"] = self.png(dpi=96)
        except Exception as error:  # a repr never raises
            bundle["text/plain"] += f"\n{error}"
        return bundle


def draw(
    y: Tensor,
    *,
    cotangent: Any = None,
    rankdir: str | None = None,
    theme: str = "light",
    max_nodes: int = 300,
    scalars: bool = False,
    collapse: bool | str | Iterable[str] = False,
    fold: bool = False,
    rules: bool | None = None,
    title: str | None = None,
    notes: Mapping[str, str] | None = None,
) -> Graph:
    """Draw the graph that leads to `y`: each value and its gradient, an arrow for each use.

    The gradients come from one extra reverse sweep, which changes nothing: no ``.grad`` is set. A gradient that does
    not exist, because no cotangent reaches the value, is drawn as a dash. Numbers are written out up to 3 by 3; a
    larger array is drawn as at most 8 by 8 coloured cells, each the element furthest from zero of a block of it.

    Parameters
    ----------
    y : Tensor
        The result; a recorded one.
    cotangent : array_like, optional
        The seed of the sweep, of the shape of `y`. Without it `y` must have one element, or no gradients are drawn.
    rankdir : {"LR", "TB", "RL", "BT"}, optional
        Where the arrows point. By default to the right, and down where the graph is long.
    theme : {"light", "dark", "auto"}
        ``"auto"``: an SVG that follows what the reader prefers; a PNG is then light.
    max_nodes : int
        Raise rather than draw more values than this.
    scalars : bool
        Draw each number by itself, with the local derivative of each use on its arrow: for small nets. A neuron's
        weights stand in its weighted sum, one line for each, with what it is multiplied by.
    collapse : bool, str or list of str
        Draw one box for each `scope`, or for those named, ``"encoder/layer2"``; it shows the scope's last value, and
        says where a gradient in it is not finite.
    fold : bool
        Draw blocks that repeat once. Blocks are scopes that follow each other with the same operations and shapes, as
        the hidden layers of a deep network: the first stays open, one box stands for the others and says how large
        the gradients of their weights are, from the smallest to the largest.
    rules : bool, optional
        Write on each arrow the rule by which its use sends a cotangent back, with ∂ for the one that comes in. By
        default, if there are at most 60 values. With `scalars` the local derivatives; by default up to 150 numbers.
    title : str, optional
        Written above the picture.
    notes : dict of str to str, optional
        Text for a scope, under its name; nested scopes are called ``"outer/inner"``.

    Returns
    -------
    Graph
        Shows itself in a notebook; ``.save("graph.svg")``, ``.svg()``, ``.png()``, ``.text()``, ``.source``.

    Raises
    ------
    NothingRecordedError
        If no differentiable path leads to `y`.
    GraphFreedError
        If the graph was swept with ``retain_graph=False``.
    ShapeError
        If the cotangent has another shape than `y`; with `scalars`, if there is none and `y` has several elements.
    ValueError
        If `collapse` or `notes` names no scope of the graph.
    AutogradError
        If there are more than `max_nodes` values, or numbers.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> from autograd_mini.viz import draw
    >>> w = ag.Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> graph = draw(np.sum(2.0 * w), title="a sum")
    >>> graph.save("graph.svg").name
    'graph.svg'
    >>> print(graph.text())
    a sum
                  shape  value   gradient of y
    y = sum(z1)          6       1
    z1 = 2.0 * w  (2,)   [2, 4]  [1, 1]
    w             (2,)   [1, 2]  [2, 2]
    """
    _check_choice("theme", theme, THEMES)
    _check_choice("rankdir", rankdir, (None, "LR", "TB", "RL", "BT"))
    if scalars and (fold or collapse is not False):
        raise ValueError(
            "draw: scalars=True draws single numbers, but collapse= and fold= make one box of many. Leave out "
            "scalars=, or these."
        )
    check_title("draw", title)
    check_most("draw", max_nodes)
    notes = {} if notes is None else notes
    with np.errstate(all="ignore"):  # the picture marks NaN and inf
        if scalars:
            boxes, end = scalars_of(y, cotangent, max_nodes)
        else:
            fewer = fold or collapse is not False
            if fewer:
                check_much(y, "draw", "make one box of each scope")
            boxes = boxes_of(y, cotangent, None if fewer else max_nodes, "draw")
            place(boxes)
            end = boxes[-1].name
        check_notes("draw", notes, boxes)
        if not scalars:
            boxes, notes = _fewer(boxes, collapse, fold, notes, max_nodes)
        if rules is None:
            rules = len(boxes) <= (WITH_LOCALS if scalars else WITH_RULES)
        dot = digraph(boxes, end, THEMES[theme], title, rankdir, notes, rules)
        heading = plain(title or f"graph of {end}")
        text = tree(boxes, end, heading)
    return Graph(dot, heading, text, auto=theme == "auto")


def _fewer(
    boxes: list[Box], collapse: Any, fold: bool, notes: Mapping[str, str], max_nodes: int | None
) -> tuple[list[Box], Mapping[str, str]]:
    """Return the boxes with scopes closed and repeats folded: by name before they are folded, all of them after."""
    closed = chosen(collapse, boxes)
    if closed:
        boxes = collapsed(boxes, None, closed=closed)
    if fold:
        boxes, notes = folded(boxes, notes)
    if closed is None:
        boxes = collapsed(boxes, None)
    if max_nodes is not None:
        check_count(len(boxes), max_nodes, "draw")
    return boxes, notes


def _check_choice(name: str, value: str | None, choices: Collection[str | None]) -> None:
    if not isinstance(value, (str, type(None))) or value not in choices:
        raise ValueError(f"draw: {name}={value!r}, but it is one of {', '.join(map(repr, choices))}.")
