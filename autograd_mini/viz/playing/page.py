"""`player`: the forward pass and the sweep of a recorded graph as one page, which is played step by step."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...tensor import Tensor
from ..arrays import plain
from ..boxes import Box, boxes_of, check_most, check_notes, check_title
from ..files import file_of, written_to
from ..layout import place
from ..sheet import asset, colours, controls, filled, plain_json, script
from ..stage import staged
from ..steps import steps
from ..text import tree
from ..triangular import Triangular
from .backsolve import matrix_of, panel
from .museum import BUGS, exhibit
from .predict import asked
from .story import Rules, Story, moments

__all__ = ["player"]

NOTATIONS = {"Y": "Yehoshua, index form", "M": "matrix note", "R": "note on Russell and Norvig"}
MATRIX = '<button id="matrix" type="button" aria-pressed="true" title="the matrix of local derivatives">matrix</button>'


def player(
    y: Tensor,
    path: str | PathLike[str],
    *,
    cotangent: Any = None,
    notes: Mapping[str, str] | None = None,
    title: str | None = None,
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    notation: str = "Y",
    bug: str | None = None,
    matrix: bool | None = None,
    max_nodes: int | None = 300,
) -> Path:
    """Write a page that plays the forward pass and the reverse sweep of a graph, one step at a time.

    One HTML file, which needs no network. Each step back shows the incoming gradient times the local derivative, what
    they give, how the shares of a value that is used more than once add up (claim Y8), and the line of derived source.
    All of it is `steps`, written down: the page itself computes no derivative. Keys: arrows, space, Home, End; a click
    on a box goes to its step; ``page.html#12`` opens at step 12.

    Parameters
    ----------
    y : Tensor
        A recorded result.
    path : str or Path
        The file, such as ``"sweep.html"``.
    cotangent : array_like, optional
        The seed, of the shape of `y`; 1 if `y` has one element.
    notes : dict of str to str, optional
        Text for a scope, such as a layer's delta rule, beside its steps; nested scopes are ``"outer/inner"``.
    title : str, optional
        The page's heading.
    rules : dict, optional
        For the name of a value what was derived by hand: a dict of ``"by_hand"``, the derivative of `y` by it as an
        array, and of ``"Y"``, ``"M"``, ``"R"``, the rule in these notations as text; of ``"labels"``, a text for each
        entry, and ``"delta": True``, if the derivative is one by a weighted sum. `nn.player` supplies them.
    notation : {"Y", "M", "R"}
        In which the rules stand at first.
    bug : str, optional
        A mistake to make, beside the right sweep, with the first wrong step in red and the loss curve that follows:
        ``"overwrite"`` (= for +=), ``"no_zero_grad"``, ``"dfs_order"`` (not topological), ``"no_transpose"``,
        ``"no_sigma_prime"`` (the activation's slope left out), ``"wrong_sign"``.
    matrix : bool, optional
        Whether the page has `triangular`'s matrix of local derivatives too, which is solved upward in step with the
        sweep. By default it has where the graph holds 2 to 40 numbers and there is no bug.
    max_nodes : int or None
        Raise rather than lay out a graph of more values than this.

    Returns
    -------
    Path

    Raises
    ------
    NothingRecordedError, GraphFreedError, ShapeError, AutogradError
        As `steps`; AutogradError also for ``matrix=True`` and more than 100 numbers, or complex ones.
    RenderError
        If no program is there that lays out the picture; it names the command that installs one.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> ag.player(x * x + x, "sweep.html").name
    'sweep.html'
    """
    path = file_of("player", path, "ag.player(y, 'sweep.html')")
    check_title("player", title)
    if notation not in NOTATIONS:
        raise ValueError(f"player: notation is {notation!r}, but must be one of 'Y', 'M', 'R'.")
    if bug is not None and (not isinstance(bug, str) or bug not in BUGS):
        raise ValueError(f"player: bug is {bug!r}, but must be one of {', '.join(map(repr, BUGS))}.")
    if matrix is not None and not isinstance(matrix, bool):
        raise TypeError(f"player: matrix is a {type(matrix).__name__}, but must be True, False or None: matrix=True.")
    notes, rules = notes or {}, rules or {}
    check_most("player", max_nodes)
    with np.errstate(all="ignore"):  # the page marks NaN and inf
        boxes = boxes_of(y, cotangent, max_nodes, "player")
        records = steps(y, cotangent=cotangent, max_nodes=None)
        place(boxes)
        check_notes("player", notes, boxes)
        _check_rules(rules, boxes)
        shown = None if bug is None else exhibit(boxes, bug)
        story = moments(boxes, records, rules, notes, asked, shown)
        if shown is not None and not any(moment.wrong for moment in story.moments):
            raise ValueError(
                f"player: bug={bug!r} changes nothing in this graph, since {BUGS[shown.bug][2]}. Choose another graph, "
                f"or one of {', '.join(map(repr, BUGS))}."
            )
        heading = plain(title or f"Backpropagation of {boxes[-1].name}, step by step")
        system = matrix_of(y, cotangent, boxes, False if bug and matrix is None else matrix)
        page = _page(boxes, story, heading, rules, notation, system)
    return written_to(path, page.encode(), "page")


def _check_rules(rules: Rules, boxes: list[Box]) -> None:
    shapes = {box.name: box.gradient.shape for box in boxes if box.gradient is not None}
    for name, rule in rules.items():
        if name not in shapes:
            raise ValueError(
                f"player: rules has {name!r}, which is no value of this graph that has a gradient. Those are: "
                f"{', '.join(list(shapes)[:20])}."
            )
        by_hand = rule.get("by_hand") if isinstance(rule, Mapping) else None
        if by_hand is None or np.shape(by_hand) != shapes[name]:
            got = "nothing" if by_hand is None else f"an array of shape {np.shape(by_hand)}"
            raise ValueError(
                f"player: rules[{name!r}]['by_hand'] is {got}, but must be an array of the shape {shapes[name]} of the "
                "value. Give the derivative by each of its entries."
            )


# --- the page ---------------------------------------------------------------------------------------------------------


def _page(boxes: list[Box], story: Story, heading: str, rules: Rules, notation: str, system: Triangular | None) -> str:
    """Return the whole file."""
    text = tree(boxes, boxes[-1].name, heading)
    stage = staged(boxes, story.growing, story.labels, heading, text, story.astray)
    last = len(story.moments) - 1
    articles = "\n".join(
        f"<article class={moment.phase} data-step={i}>{moment.html}</article>" for i, moment in enumerate(story.moments)
    )
    data = [
        {"p": m.phase, "n": m.node, "t": m.to, "e": m.edges, "v": m.values, "g": m.gradients, "l": m.lines}
        for m in story.moments
    ]
    with_matrix = {"system": "backsolve.js"} if system else {}
    tools = {"tools": _to_the_fault(story) + (MATRIX if system else ""), "switch": _switch(rules, notation)}
    parts = {
        "title": escape(heading),
        "attributes": f' data-notation="{notation}"',
        "early": '<script>document.documentElement.classList.add("js")</script>\n',
        "style": colours() + asset("page.css"),
        "tools": filled(asset("tools.html").rstrip(), tools),
        "stage": stage.svg,
        "unit": "step",
        "articles": articles,
        "below": filled(asset("player.html").rstrip(), {"source": _source(story)}),
        "controls": controls(last),
        "beside": (panel(system) if system else "") + "\n",
        "data": plain_json(data),
        "script": script("player.js", deck="deck.js", tex="tex.js", modes="predict.js", **with_matrix),
    }
    return filled(asset("page.html"), parts)


def _source(story: Story) -> str:
    """Return the derived source, a line for each."""
    lines = []
    for i, (line, phase) in enumerate(story.source):
        if phase == "seed":
            lines.append('<span class="gap"></span>')
        else:
            lines.append(f'<code id="c{i}">{escape(plain(line))}</code>')
    return "".join(lines)


def _to_the_fault(story: Story) -> str:
    at = next((i for i, moment in enumerate(story.moments) if moment.wrong), None)
    return "" if at is None else f'<button id="fault" type="button" data-step="{at}">first wrong step</button>'


def _switch(rules: Rules, notation: str) -> str:
    if not any(isinstance(rule.get(key), str) for rule in rules.values() for key in NOTATIONS):
        return ""
    options = "".join(
        f'<option value="{key}"{" selected" if key == notation else ""}>{escape(name)}</option>'
        for key, name in NOTATIONS.items()
    )
    return f'<label class="switch">rules by <select id="notation">{options}</select></label>'
