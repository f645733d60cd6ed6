"""`animate`: the forward pass and the sweep as one SVG that CSS alone moves, and as a sheet of frames for print."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..tensor import Tensor
from .arrays import clip, number, plain
from .boxes import Box, boxes_of, check_most, check_notes, check_title
from .files import file_of, written_to
from .layout import place
from .stage import Label, arrows, staged
from .steps import Step, steps
from .text import tree
from .theme import DARK, LIGHT, THEMES, heat_classes

__all__ = ["animate"]

PACE = 1.1  # seconds for each moment
HOLD = 3  # moments for which the finished picture stays
NARROWEST = 600  # pixels
CAPTION = 66  # pixels in height
LINES = 2  # of a step's, in its caption
SHARE = 12  # characters of a local derivative on its arrow
PHASES = {"input": "forward", "forward": "forward", "seed": "seed", "backward": "backward"}
STYLE = """\
text{font-size:11px;fill:var(--ink)}
text.t{fill:var(--muted);text-anchor:middle}
.t tspan:first-child{font-size:12px;font-weight:700;fill:var(--ink)}
tspan.s{font-size:9px}
.v text{fill:var(--value)}.g text{fill:var(--gradient)}
.h>text{font-size:10px;text-anchor:middle;fill:var(--i)}
.h>rect,path.h{fill:var(--h)}
.hx{--h:var(--fault);--i:var(--on-fault)}
text.m{font-size:10px;fill:var(--muted)}
text.x{fill:var(--fault)}
text.scope{font-size:12px;font-weight:700}
rect.scope{fill:var(--group);stroke:var(--group-line)}
.n,.e{color:var(--muted)}
.b{fill:var(--result);stroke:currentColor}
.leaf>.b{fill:var(--leaf)}.constant>.b{fill:var(--constant)}.output>.b{fill:var(--output)}
.e path{fill:none;stroke:currentColor}.e polygon{fill:currentColor}
.e.f0{color:var(--no-flow)}
text.lab{fill:var(--ink);font-weight:700;text-anchor:middle;paint-order:stroke;stroke:var(--paper);stroke-width:3px}
.p,.lab{visibility:hidden}
.paper{fill:var(--paper)}
.c text{font-size:13px}.c .k{font-weight:700}.c .note{fill:var(--muted);font-size:12px}
.forward .k{fill:var(--value)}.backward .k,.seed .k{fill:var(--gradient)}
"""


@dataclass
class _Moment:
    """What one moment shows: a caption, the box and the arrows that are lit, what appears."""

    phase: str
    lines: list[str]
    note: str = ""
    box: str = ""
    arrows: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)  # the boxes whose value appears
    gradients: dict[str, int] = field(default_factory=dict)  # by the box: which of its gradients so far it now shows


def animate(
    y: Tensor,
    path: str | PathLike[str],
    *,
    cotangent: Any = None,
    notes: Mapping[str, str] | None = None,
    seconds: float | None = None,
    frames: int | None = None,
    theme: str = "auto",
    title: str | None = None,
    max_nodes: int | None = 300,
) -> Path:
    """Write the forward pass and the reverse sweep of a graph as an SVG that moves, without a script.

    It moves wherever a picture may stand: in ``<img>``, in a README, on a slide. Values appear in the order in which
    they were computed; then each step of the sweep lights the uses that it passes and writes the gradients so far,
    which at a value of several uses grow (claim Y8). Who prefers reduced motion sees the finished picture.

    Parameters
    ----------
    y : Tensor
        A recorded result.
    path : str or Path
        The file, such as ``"sweep.svg"``.
    cotangent : array_like, optional
        The seed, of the shape of `y`; 1 if `y` has one element.
    notes : dict of str to str, optional
        Text for a scope, under the steps that are in it; nested scopes are ``"outer/inner"``.
    seconds : float, optional
        How long it takes, before it begins again; by default about one for each step.
    frames : int, optional
        Write so many moments side by side instead, for print: the first, the last and others evenly between.
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows what the reader prefers.
    title : str, optional
        For those who cannot see it, and for the file's tooltip.
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
    >>> ag.animate(x * x + x, "sweep.svg").name
    'sweep.svg'
    >>> ag.animate(x * x + x, "sheet.svg", frames=4).name
    'sheet.svg'
    """
    path = file_of("animate", path, "ag.animate(y, 'sweep.svg')")
    _check(seconds, frames, theme, title)
    check_most("animate", max_nodes)
    with np.errstate(all="ignore"):  # the picture marks NaN and inf
        boxes = boxes_of(y, cotangent, max_nodes, "animate")
        check_notes("animate", notes or {}, boxes)
        records = steps(y, cotangent=cotangent, notes=notes, max_nodes=None)
        place(boxes)
        heading = plain(title or f"Backpropagation of {boxes[-1].name}, step by step")
        film = _Film(boxes, records, heading)
        svg = film.moving(seconds, theme) if frames is None else film.sheet(int(frames), theme)
    return written_to(path, f"{svg}\n".encode(), "picture")


def _check(seconds: Any, frames: Any, theme: Any, title: Any) -> None:
    if seconds is not None and (not isinstance(seconds, Real) or not 0 < float(seconds) < math.inf):
        raise ValueError(f"animate: seconds is {seconds!r}, but must be a positive number, or None: seconds=20.")
    if frames is not None and (not isinstance(frames, (int, np.integer)) or isinstance(frames, bool) or frames < 2):
        raise ValueError(f"animate: frames is {frames!r}, but must be a whole number of pictures, 2 or more: frames=6.")
    if not isinstance(theme, str) or theme not in THEMES:
        raise ValueError(f"animate: theme={theme!r}, but it is one of {', '.join(map(repr, THEMES))}.")
    check_title("animate", title)


class _Film:
    """The moments of a graph, and the picture that they are shown in."""

    def __init__(self, boxes: list[Box], records: list[Step], heading: str) -> None:
        self.boxes, self.heading = boxes, heading
        self.of = {box.id: box for box in boxes}
        self.arrows = arrows(boxes)
        self.growing: dict[str, list[Any]] = {}
        self.labels: list[Label] = []
        self.moments = list(self._moments(records))
        self.text = tree(boxes, boxes[-1].name, heading)
        self.stage = staged(boxes, self.growing, self.labels, heading, self.text)
        self.width = max(self.stage.width, NARROWEST)
        self.height = self.stage.height + CAPTION

    # --- what happens

    def _moments(self, records: list[Step]) -> Iterator[_Moment]:
        given = [step for step in records if step.phase == "input"]
        yield _Moment("forward", ["what is given"], values=[step.id for step in given])
        for i, step in enumerate((step for step in records if step.phase != "input"), 1):
            found = _Moment(step.phase, _caption(step), step.rule, step.id)
            if step.phase == "forward":
                found.arrows, found.values = list(self.arrows[step.id]), [step.id]
            elif step.phase == "seed":
                self._grow(found, step.id, step.gradient)
            elif not self._swept(i, step, found):
                continue
            yield found

    def _swept(self, i: int, step: Step, found: _Moment) -> bool:
        """Fill in a moment of the sweep; return whether anything happens in it."""
        box = self.of[step.id]
        if step.gradient is not None and step.id not in self.growing:  # it came through a tuple
            self._grow(found, step.id, step.gradient)
        for sent in step.contributions:
            use = box.places.index(sent.where)
            self._grow(found, box.inputs[use].id, sent.total)
            arrow = self.arrows[step.id][use]
            found.arrows.append(arrow)
            if sent.local is not None and sent.local.size == 1 and sent.local != 1:
                self.labels.append(Label(i, arrow, clip(f"· {number(sent.local)}", SHARE)))
        return bool(step.contributions or found.gradients)

    def _grow(self, found: _Moment, name: str, gradient: Any) -> None:
        so_far = self.growing.setdefault(name, [])
        so_far.append(gradient)
        found.gradients[name] = len(so_far) - 1

    # --- the animated picture

    def moving(self, seconds: float | None, theme: str) -> str:
        """Return the SVG that moves."""
        n = len(self.moments) + HOLD
        time = f"{float(seconds if seconds is not None else PACE * n):g}s"
        rules = list(self._windows(n))
        captions = []
        for i, moment in enumerate(self.moments):
            last = i == len(self.moments) - 1
            captions.append(self._said(moment, f"c{i}", shown=last))
            rules.append((f"#c{i}", _window(i, n if last else i + 1, n)))
        names: dict[str, str] = {}
        for _, frames in rules:
            names.setdefault(frames, f"k{len(names)}")
        style = "".join(f"{what}{{animation-name:{names[frames]}}}\n" for what, frames in rules)
        style += "".join(f"@keyframes {name}{{{frames}}}\n" for frames, name in names.items())
        every = f"svg *{{animation:0s step-end infinite;animation-duration:{time}}}\n"
        still = "@media (prefers-reduced-motion:reduce){svg *{animation:none!important}}\n"
        middle = (self.width - self.stage.width) // 2
        body = [_at(self.stage.svg, middle, 0), *captions]
        return self._whole(self.width, self.height, every + style + still, body, theme)

    def _windows(self, n: int) -> Iterator[tuple[str, str]]:
        """Yield what changes, as a selector and its key frames."""
        lit: dict[str, list[tuple[int, str]]] = {}
        shown: dict[str, list[tuple[int, int]]] = {}
        for i, moment in enumerate(self.moments):
            colour = "value" if moment.phase == "forward" else "gradient"
            for name in [moment.box, *moment.arrows]:
                if name:  # at first there is none
                    lit.setdefault(name, []).append((i, colour))
            for name in moment.values if i else ():
                yield f"#{name}>.v", _window(i, n, n)
            for name, use in moment.gradients.items():
                shown.setdefault(name, []).append((i, use))
        for name, uses in shown.items():
            ends = [i for i, _ in uses[1:]] + [n]
            for (i, use), end in zip(uses, ends, strict=True):
                yield f"#{name}>g:nth-of-type({use + 2})", _window(i, end, n)
        for name, moments in lit.items():
            yield f"#{name}", _lights(moments, n)
        for label in self.labels:
            yield f"#l{label.edge}", _window(label.step, label.step + 1, n)

    # --- the sheet

    def sheet(self, frames: int, theme: str) -> str:
        """Return moments side by side."""
        last = len(self.moments) - 1
        chosen = sorted({round(last * k / (frames - 1)) for k in range(frames)})
        columns = min(range(1, len(chosen) + 1), key=lambda c: self._cost(len(chosen), c))
        style: list[str] = []
        body: list[str] = []
        for k, i in enumerate(chosen):
            name = f"f{k}-"
            x, y = 14 + k % columns * (self.width + 14), 14 + k // columns * (self.height + 14)
            picture = _named(self.stage.svg, name)
            style += self._state(i, name)
            edge = f'<rect class="scope" x="{x - 7}" y="{y - 7}" width="{self.width}" height="{self.height}" rx="9"/>'
            middle = x + (self.width - self.stage.width) // 2 - 7
            said = self._said(self.moments[i], f"{name}c", True)
            said = said.replace("<g ", f'<g transform="translate({x - 7} {y})" ', 1)
            count = f'<text class="m" x="{x + self.width - 20}" y="{y + 6}" text-anchor="end">{i} of {last}</text>'
            body += [edge, _at(picture, middle, y), said, count]
        rows = math.ceil(len(chosen) / columns)
        width, height = columns * (self.width + 14) + 14, rows * (self.height + 14) + 14
        return self._whole(width, height, "\n".join(style) + "\n", body, theme)

    def _cost(self, count: int, columns: int) -> float:
        """Return how far a sheet is from the shape of a page turned on its side, and from having no gaps."""
        rows = math.ceil(count / columns)
        return abs(math.log(columns * self.width / (rows * self.height) / 1.4)) + 0.4 * (rows * columns - count)

    def _state(self, i: int, name: str) -> Iterator[str]:
        """Yield the style of one moment that stands still."""
        has = {box for moment in self.moments[: i + 1] for box in moment.values}
        shown: dict[str, int] = {}
        for moment in self.moments[: i + 1]:
            shown |= moment.gradients
        hidden = [f"#{name}{box.id}>.v" for box in self.boxes if box.id not in has]
        hidden += [f"#{name}{box.id}>.g" for box in self.boxes if box.gradient is not None or box.id in self.growing]
        yield f"{','.join(hidden) or '#none'}{{visibility:hidden}}"
        seen = [f"#{name}{box}>g:nth-of-type({use + 2})" for box, use in shown.items()]
        moment = self.moments[i]
        seen += [f"#{name}l{label.edge}" for label in self.labels if label.step == i]
        yield f"{','.join(seen) or '#none'}{{visibility:visible}}"
        colour = "value" if moment.phase == "forward" else "gradient"
        lit = [f"#{name}{what}" for what in (moment.box, *moment.arrows) if what]
        yield f"{','.join(lit) or '#none'}{{color:var(--{colour});stroke-width:2.4px}}"

    # --- both

    def _said(self, moment: _Moment, name: str, shown: bool) -> str:
        """Return a moment's caption."""
        room = int(self.width / 7.4)
        lines = [clip(plain(line), room) for line in moment.lines]
        top = self.stage.height + 14
        phase = PHASES[moment.phase]
        texts = [f'<text class="k" x="14" y="{top}">{phase}</text>']
        texts += [f'<text x="96" y="{top + 17 * k}">{escape(line)}</text>' for k, line in enumerate(lines)]
        note = clip(plain(" ".join(moment.note.split())), room)
        if note:
            texts.append(f'<text class="note" x="96" y="{top + 17 * len(lines)}">{escape(note)}</text>')
        hidden = "" if shown else ' visibility="hidden"'
        return f'<g id="{name}" class="c {phase}"{hidden}>{"".join(texts)}</g>'

    def _whole(self, width: int, height: int, style: str, body: list[str], theme: str) -> str:
        fonts = "Arial,Helvetica,Liberation Sans,Arimo,DejaVu Sans Condensed,sans-serif"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                f'height="{height}" role="img" aria-label="{escape(self.heading)}" font-family="{fonts}" '
                'style="max-width:100%;height:auto">',
                f"<title>{escape(self.heading)}</title><desc>{escape(self.text)}</desc>",
                f"<style>{_colours(theme)}{STYLE}{style}</style>",
                f'<rect class="paper" width="{width}" height="{height}"/>',
                *body,
                "</svg>",
            ]
        )


def _caption(step: Step) -> list[str]:
    """Return what a step does, in a few lines."""
    lines = [line.strip() for line in str(step).removeprefix(step.phase).split("\n")]
    return lines if len(lines) <= LINES else [lines[0], f"{lines[1]}   and {len(lines) - LINES} more"]


def _window(first: int, after: int, n: int) -> str:
    """Return key frames of what is visible in some moments, from the first until before `after`."""
    before = "0%{visibility:hidden}" if first else ""
    end = f"{_percent(after, n)}{{visibility:hidden}}" if after < n else ""
    return f"{before}{_percent(first, n)}{{visibility:visible}}{end}"


def _lights(moments: list[tuple[int, str]], n: int) -> str:
    """Return key frames of a box or an arrow that is lit in some moments."""
    off = "{color:var(--muted);stroke-width:1px}"
    frames = {0: off}
    for i, colour in moments:
        frames[i] = f"{{color:var(--{colour});stroke-width:2.6px}}"
        frames.setdefault(i + 1, off)
    return "".join(f"{_percent(i, n)}{frame}" for i, frame in sorted(frames.items()))


def _percent(i: int, n: int) -> str:
    return f"{100 * i / n:.4g}%"


def _at(svg: str, x: float, y: float) -> str:
    return svg.replace("<svg ", f'<svg x="{x}" y="{y}" ', 1)


def _named(svg: str, prefix: str) -> str:
    """Return a copy whose ids are its own."""

    def named(found: re.Match[str]) -> str:
        return f'{found[1]}="{" ".join(prefix + name for name in found[2].split())}"'

    return re.sub(r'(?<= )(id|aria-labelledby)="([^"]*)"', named, svg)


def _colours(theme: str) -> str:
    """Return the colours as variables."""
    light, dark = LIGHT.variables(), DARK.variables()
    auto = f"@media (prefers-color-scheme:dark){{svg{{{dark}}}}}\n" if theme == "auto" else ""
    return f"svg{{{dark if theme == 'dark' else light}}}\n{auto}{heat_classes()}\n"
