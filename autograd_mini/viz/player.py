"""`player`: the forward pass and the sweep of a recorded graph as one page, which is played step by step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..tensor import Tensor
from .arrays import plain
from .boxes import Box, boxes_of, check_most, check_notes
from .files import file_of, written_to
from .layout import place
from .museum import BUGS, exhibit
from .page import Rules, Story, moments
from .predict import asked
from .stage import staged
from .steps import steps
from .text import tree
from .theme import DARK, LIGHT, STEPS, Theme

__all__ = ["player"]

NOTATIONS = {"Y": "Yehoshua, index form", "M": "matrix note", "R": "note on Russell and Norvig"}
LOCAL = {"light": "#17693c", "dark": "#6fd79a"}  # of local derivatives
BAD = {"light": "#b3261e", "dark": "#ff8a80"}  # of what is wrong
ICONS = {  # drawn, for not every machine has the signs in its fonts
    "first": "M4 3v10M13 3L7 8l6 5z",
    "back": "M11 3L5 8l6 5z",
    "next": "M5 3l6 5-6 5z",
    "last": "M12 3v10M3 3l6 5-6 5z",
}


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
    max_nodes : int or None
        Raise rather than lay out a graph of more values than this.

    Returns
    -------
    Path

    Raises
    ------
    NothingRecordedError, GraphFreedError, ShapeError, AutogradError
        As `steps`.
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
    if title is not None and not isinstance(title, str):
        raise TypeError(f"player: title is a {type(title).__name__}, but must be text, or None: title='the loss'.")
    if notation not in NOTATIONS:
        raise ValueError(f"player: notation is {notation!r}, but must be one of 'Y', 'M', 'R'.")
    if bug is not None and (not isinstance(bug, str) or bug not in BUGS):
        raise ValueError(f"player: bug is {bug!r}, but must be one of {', '.join(map(repr, BUGS))}.")
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
        page = _page(boxes, story, heading, rules, notation)
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


def _page(boxes: list[Box], story: Story, heading: str, rules: Rules, notation: str) -> str:
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
    parts = {
        "title": escape(heading),
        "style": _colours() + _asset("player.css"),
        "svg": stage.svg,
        "articles": articles,
        "source": _source(story),
        "controls": _controls(last),
        "switch": _switch(rules, notation),
        "tools": _to_the_fault(story),
        "data": json.dumps(data, separators=(",", ":")).replace("</", "<\\/"),
        "script": _asset("player.js").replace("  /*modes*/\n", _asset("predict.js")),
        "notation": notation,
    }
    return re.sub(r"<!--(\w+)-->", lambda mark: parts.get(mark[1], ""), _asset("player.html"))


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def _source(story: Story) -> str:
    """Return the derived source, a line for each."""
    lines = []
    for i, (line, phase) in enumerate(story.source):
        if phase == "seed":
            lines.append('<span class="gap"></span>')
        else:
            lines.append(f'<code id="c{i}">{escape(plain(line))}</code>')
    return "".join(lines)


def _controls(last: int) -> str:
    def button(name: str, label: str) -> str:
        return (
            f'<button id="{name}" type="button" aria-label="{label}" title="{label}"><svg viewBox="0 0 16 16" '
            f'aria-hidden="true"><path d="{ICONS[name]}"/></svg></button>'
        )

    return (
        button("first", "to the start (Home)") + button("back", "one step back (left arrow)")
        + '<button id="play" type="button" title="play or pause (space)">Play</button>'
        + button("next", "one step on (right arrow)") + button("last", "to the end (End)")
        + f'<input id="slider" type="range" min="0" max="{last}" value="0" aria-label="step">'
        + f'<output id="count" for="slider">0 / {last}</output>'
    )  # fmt: skip


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


def _colours() -> str:
    """Return the colours as CSS variables: light, dark where the reader prefers it, and either when chosen."""
    light, dark = (_variables(name) for name in ("light", "dark"))
    cells = "".join(f".h{i}{{--h:var(--h{i});--i:var(--i{i})}}" for i in range(2 * STEPS + 1))
    return (
        f":root{{color-scheme:light;{light}}}\n@media (prefers-color-scheme:dark){{:root:not([data-theme=light])"
        f"{{color-scheme:dark;{dark}}}}}\n:root[data-theme=dark]{{color-scheme:dark;{dark}}}\n{cells}\n"
    )


def _variables(name: str) -> str:
    theme = {"light": LIGHT, "dark": DARK}[name]
    plain_ones = [key for key in Theme._fields if isinstance(getattr(theme, key), str)]
    named = "".join(f"--{key.replace('_', '-')}:{getattr(theme, key)};" for key in plain_ones)
    cells = "".join(f"--h{i}:{c};--i{i}:{theme.on(i - STEPS)};" for i, c in enumerate(theme.heat))
    return f"{named}--local:{LOCAL[name]};--bad:{BAD[name]};{cells}"
