"""The page of `Flow`: a card for each layer, arrows as strong as the gradient along them, charts; K states of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import clip, number, plain
from ..boxes import Box
from ..sheet import asset, colours, controls, filled, plain_json, script
from ..stage import arrow, best_layout, cluster, heading, uses, wide
from ..theme import DECADES, STEPS
from .charts import by_depth, over_training, scale_of

if TYPE_CHECKING:
    from .record import Flow, Layer, Points, Snapshot

__all__ = ["flow_page", "level", "strength"]

CELL = 9  # side of a cell
LINE = 15  # height of a line
PAD = 8
NARROWEST = 84  # a card's width
SIDE = 8  # cells of a picture
TEXT = 12  # characters of a number with its sign


@dataclass
class _Picture:
    """An array in a card: what it is called, and of which values the gradients are."""

    sign: str
    sources: list[int]
    layer: int | None = None
    rows: int = 0
    columns: int = 0

    @property
    def height(self) -> float:
        return self.rows * CELL + LINE


@dataclass
class _Card:
    """What stands for a value or a layer."""

    box: Box
    title: str
    source: int  # the value whose gradient flows back along the arrows from here
    pictures: list[_Picture]
    layer: int | None = None
    width: float = 0
    height: float = 0


@dataclass
class _Reel:
    """One film on its page."""

    film: Flow
    cards: list[_Card]
    svg: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)


def flow_page(films: Sequence[Flow], title: str, collapse: bool, max_nodes: int) -> str:
    """Return the whole file."""
    compact = len(films) > 1
    reels = [_Reel(film, _cards(film, collapse, max_nodes, compact)) for film in films]
    flows = [_sizes(s.gradients[card.source] for card in r.cards for s in r.film.snapshots) for r in reels]
    largest = max(map(max, flows))
    entries = [
        np.abs(s.thumbnails[i]).max(initial=0.0, where=np.isfinite(s.thumbnails[i]))
        for r in reels for card in r.cards for p in card.pictures for i in p.sources for s in r.film.snapshots
    ]  # fmt: skip
    brightest = max(entries, default=0.0) or 1.0
    scale = scale_of((d for film in films for s in film.snapshots for d in s.deltas), log=True)
    sections = [_section(f, reel, largest, brightest, scale, compact) for f, reel in enumerate(reels)]
    last = len(films[0].snapshots) - 1
    articles = "\n".join(f"<article data-step={k}>{_article(films, k)}</article>" for k in range(last + 1))
    parts = {
        "title": escape(title),
        "attributes": " class=many" if compact else "",
        "style": colours() + asset("page.css") + asset("flow.css") + _switches(last),
        "phase": ' class="backward"',
        "stage": "\n".join(sections),
        "unit": "snapshot",
        "controls": controls(last, "snapshot"),
        "articles": articles,
        "below": f'<div id="explained">{_explained(films, largest, brightest)}</div>',
        "data": plain_json({"films": [reel.data for reel in reels], "steps": _told(films[0])}),
        "script": script("flow.js", deck="deck.js"),
    }
    return filled(asset("page.html"), parts)


def strength(size: float, largest: float) -> str:
    """Return the class of an arrow: 5 within a factor of ten of the largest, 4 within a hundred, ...; z for 0.

    >>> strength(0.5, 1.0), strength(0.05, 1.0), strength(1e-9, 1.0), strength(0.0, 1.0), strength(float("nan"), 1.0)
    ('5', '4', '0', 'z', 'x')
    """
    if not math.isfinite(size):
        return "x"
    return "z" if size == 0 else str(max(0, DECADES - _decades(size, largest)))


def level(x: float, largest: float) -> str:
    """Return the letter of a cell: i for 0; a decade paler for each letter nearer to it; a and q are the strongest.

    >>> [level(x, 1.0) for x in (-0.5, -1e-30, 0.0, 0.05, 0.5, float("inf"))]
    ['a', 'h', 'i', 'p', 'q', 'x']
    """
    if not math.isfinite(x):
        return "x"
    step = 0 if x == 0 else max(1, STEPS - _decades(abs(x), largest))
    return chr(ord("a") + STEPS + (step if x >= 0 else -step))


def _decades(size: float, largest: float) -> int:
    """Return how many whole factors of ten a size lies below the largest."""
    return max(0, math.floor(math.log10(largest) - math.log10(size) + 1e-9))


def _sizes(sizes: Iterable[float]) -> list[float]:
    return [size for size in sizes if math.isfinite(size) and size > 0] or [1.0]


# --- cards ------------------------------------------------------------------------------------------------------------


def _cards(film: Flow, collapse: bool, max_nodes: int, compact: bool) -> list[_Card]:
    boxes, numbers = film.shown_boxes(collapse, max_nodes)
    first = film.snapshots[0]
    cards = []
    for box in boxes:
        members = [numbers[member] for member in box.members] or [numbers[box]]
        shown = [m for m in box.members if m.inputs] or box.members or [box]
        source = numbers[shown[-1]]
        title = box.members[0].scope[len(box.scope)] if box.members else box.name
        card = _Card(box, clip(plain(title), 18), source, [])
        if box.members and collapse:
            inside = [(k, layer) for k, layer in enumerate(film.layers) if set(layer.points) <= set(members)]
            if inside:
                card.layer, layer = inside[-1]
                card.pictures.append(_Picture("|δ|", layer.points, card.layer))
                card.pictures += [] if compact else _weights(film, layer)
        if not card.pictures and film.boxes[source].kind != "output" and first.thumbnails[source] is not None:
            card.pictures.append(_Picture("|∂|", [source]))
        for picture in card.pictures:
            picture.rows, picture.columns = _entries(picture, first).shape
        _measure(card)
        cards.append(card)
    return cards


def _weights(film: Flow, layer: Layer) -> list[_Picture]:
    """Return the picture of the gradient of a layer's largest leaf."""
    if not layer.leaves:
        return []
    i = max(layer.leaves, key=lambda leaf: math.prod(film.boxes[leaf].shape))
    return [_Picture(f"|∂{clip(plain(film.boxes[i].name), 4)}|", [i])]


def _entries(picture: _Picture, snapshot: Snapshot) -> Any:
    """Return the numbers behind the cells; of several values those of all in a row."""
    parts = [snapshot.thumbnails[i] for i in picture.sources]
    return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])[None, :SIDE]


def _measure(card: _Card) -> None:
    inner = [wide(card.title, 12, True), NARROWEST - 2 * PAD, *(p.columns * CELL for p in card.pictures)]
    inner += [wide(p.sign, 11) + 50 for p in card.pictures]
    card.width = max(inner) + 2 * PAD
    lines = LINE * ((card.layer is not None) + (not card.pictures))
    card.height = LINE + 6 + sum(p.height + 3 for p in card.pictures) + lines + 3


def _drawn(f: int, card: _Card, place: tuple[float, float], state: dict[str, Any], at: int) -> str:
    x, y = round(place[0] - card.width / 2), round(place[1] - card.height / 2)
    middle = card.width / 2
    where = escape(plain("/".join((*card.box.scope, card.box.name)) + f"; {card.box.shape}"))
    parts = [
        f'<g id="f{f}{card.box.id}" class="n {card.box.kind}" transform="translate({x} {y})"><title>{where}</title>',
        f'<rect class="b" width="{card.width:.0f}" height="{card.height:.0f}" rx="7"/>',
        f'<text class="t" x="{middle:g}" y="14">{escape(card.title)}</text>',
    ]
    below = LINE + 6.0
    for i, picture in enumerate(card.pictures):
        left = round(middle - picture.columns * CELL / 2)
        letters, text = state["p"][at + i]
        cells = "".join(
            f'<path class="{_cell_class(letter)}" d="M{j % picture.columns * CELL} {j // picture.columns * CELL}'
            f'h{CELL - 1}v{CELL - 1}h-{CELL - 1}z"/>'
            for j, letter in enumerate(letters)
        )
        parts.append(f'<g class="p" transform="translate({left} {below:g})">{cells}</g>')
        parts.append(f'<text class="g" x="{middle:g}" y="{below + picture.rows * CELL + 12:g}">{escape(text)}</text>')
        below += picture.height + 3
    if not card.pictures:
        value = state["loss"] if card.box.kind == "output" else str(card.box.shape) if card.box.shape else ""
        kind = "loss" if card.box.kind == "output" else "m"
        parts.append(f'<text class="{kind}" x="{middle:g}" y="{below + 12:g}">{escape(value)}</text>')
    if card.layer is not None:
        parts.append(
            f'<text class="dead" data-layer="{card.layer}" x="{middle:g}" y="{below + 9:g}">'
            f"{escape(state['d'][card.layer])}</text>"
        )
    return "".join(parts) + "</g>"


def _cell_class(letter: str) -> str:
    return "h hx" if letter == "x" else f"h h{ord(letter) - ord('a')}"


# --- one film ---------------------------------------------------------------------------------------------------------


def _section(f: int, reel: _Reel, largest: float, brightest: float, scale: Any, compact: bool) -> str:
    film, cards = reel.film, reel.cards
    boxes = [card.box for card in cards]
    of = {card.box: card for card in cards}
    arrows = [of[source].source for source, _ in uses(boxes)]
    for k in range(len(film.snapshots)):
        reel.data.append(_state(film, k, cards, arrows, largest, brightest))
    state = reel.data[-1]
    layout = best_layout(boxes, {card.box.id: card for card in cards})
    firsts = np.cumsum([0, *(len(card.pictures) for card in cards)]).tolist()
    name = escape(plain(film.title or "gradient flow"))
    svg = [
        f'<svg class="net" role="img" aria-label="{name}: the gradients in each layer; the numbers are in the table" '
        f'viewBox="0 0 {layout.width} {layout.height}">',
        *(cluster(place) for _, place in layout.clusters),
        *(f'<g class="e w{state["e"][i]}">{arrow(i, layout)}</g>' for i in range(len(arrows))),
        *(heading(scope, place) for scope, place in layout.clusters),
        *(_drawn(f, card, layout.nodes[card.box.id], state, at) for card, at in zip(cards, firsts, strict=False)),
        "</svg>",
    ]
    snapshots, steps = film.snapshots, [s.step for s in film.snapshots]
    names = [clip(plain(layer.name), 14) for layer in film.layers]
    charts = []
    if film.points is not None and any(s.picture is not None for s in snapshots):
        charts.append(_figure(_plane(film.points, snapshots), "output"))
    if film.layers:
        now = by_depth([s.deltas for s in snapshots], [s.bounds for s in snapshots], names, scale)
        charts.append(_figure(now, "|δ| by layer, now"))
        deltas = list(zip(*(s.deltas for s in snapshots), strict=True))
        charts.append(_figure(over_training(steps, deltas, names, scale, "|δ| of each layer"), "|δ| through training"))
    losses = [s.loss for s in snapshots]
    loss = over_training(steps, [losses], ["loss"], scale_of(losses, log=False), "loss")
    charts.append(_figure(loss, "loss"))
    head = f"<h2>{name}</h2>" if compact else ""
    told = f'<p class="told">{escape(state["s"])}</p>' if compact else ""
    return (
        f'<section class="film" style="--w:{layout.width}px">{head}{told}<div class="row">'
        f'<div class="graph" tabindex="0">{"".join(svg)}</div><div class="charts">{"".join(charts)}</div></div>'
        "</section>"
    )


def _state(
    film: Flow, k: int, cards: list[_Card], arrows: list[int], largest: float, brightest: float
) -> dict[str, Any]:
    """Return what changes from snapshot to snapshot: pictures, arrows, dead units, a sentence."""
    s = film.snapshots[k]
    pictures = []
    for card in cards:
        for p in card.pictures:
            letters = "".join(level(x, brightest) for x in _entries(p, s).ravel().tolist())
            size = s.deltas[p.layer] if p.layer is not None else s.gradients[p.sources[0]]
            pictures.append([letters, f"{p.sign} {short(size)}"])
    return {
        "p": pictures,
        "e": "".join("n" if s.thumbnails[i] is None else strength(s.gradients[i], largest) for i in arrows),
        "d": [f"{n} of {film.units(layer)} dead" if n else "" for n, layer in zip(s.dead, film.layers, strict=True)],
        "loss": number(s.loss),
        "s": _sentence(film, s),
    }


def short(x: float, digits: int = 3) -> str:
    """Return a few digits, for a small place.

    >>> short(0.0000123456), short(12.3456), short(1234.5, 2)
    ('1.23e−05', '12.3', '1.23e+03')
    """
    return f"{x:.{digits if abs(x) < 100 else 3}g}".replace("-", "−").replace("nan", "NaN")


def _ratio(s: Snapshot) -> str:
    first, last = s.deltas[0], s.deltas[-1]
    return short(first / last) if last and math.isfinite(last) and math.isfinite(first) else "–"


def _sentence(film: Flow, s: Snapshot) -> str:
    parts = [f"step {number(s.step)}", f"loss {number(s.loss)}"]
    if len(film.layers) > 1:
        parts.append(f"|δ| first / last {_ratio(s)}")
    if sum(s.dead):
        parts.append(f"{sum(s.dead)} of {sum(map(film.units, film.layers))} units dead")
    return " · ".join(parts)


def _told(film: Flow) -> list[str]:
    return [f"step {number(s.step)}" for s in film.snapshots]


def _figure(svg: str, words: str) -> str:
    return f"<figure>{svg}<figcaption>{words}</figcaption></figure>"


def _plane(points: Points, snapshots: Sequence[Snapshot]) -> str:
    """Return the network's output over the plane at each snapshot, the samples on it."""
    parts = []
    for k, s in enumerate(snapshots):
        if s.picture is not None:
            paths: dict[int, str] = {}
            rows = np.where(np.isfinite(s.picture), np.rint(np.nan_to_num(s.picture) * STEPS / 2) * 2 + STEPS, -1)
            for i, row in enumerate(rows.astype(int).tolist()):
                start = 0
                for j in range(1, len(row) + 1):
                    if j == len(row) or row[j] != row[start]:
                        paths[row[start]] = paths.get(row[start], "") + f"M{start} {i}h{j - start}v1h{start - j}z"
                        start = j
            cells = "".join(
                f'<path class="h {"hx" if step < 0 else f"h{step}"}" d="{d}"/>' for step, d in sorted(paths.items())
            )
            parts.append(f'<g class="k k{k}">{cells}</g>')
    side = len(next(s.picture for s in snapshots if s.picture is not None))
    left, right, bottom, top = points.extent
    dots = "".join(
        f'<circle class="{"above" if sign > 0 else "below"}" cx="{side * (x - left) / (right - left):.2f}" '
        f'cy="{side * (top - y) / (top - bottom):.2f}" r=".42"/>'
        for (x, y), sign in zip(points.places.tolist(), points.signs.tolist(), strict=True)
    )
    return (
        f'<svg class="plane" viewBox="0 0 {side} {side}" role="img" aria-label="the network’s output over the plane">'
        f"{''.join(parts)}{dots}</svg>"
    )


# --- words ------------------------------------------------------------------------------------------------------------


def _switches(last: int) -> str:
    """Return the style that shows, without a script, the last snapshot."""
    return f".k{{display:none}}html:not(.js) .k{last},.js .k.on{{display:inline}}\n"


def _article(films: Sequence[Flow], k: int) -> str:
    return _article_of_one(films[0], k) if len(films) == 1 else _article_of_many(films, k)


def _article_of_one(film: Flow, k: int) -> str:
    s = film.snapshots[k]
    limits = s.bounds is not None
    head = f"<th>layer</th><th>|δ|</th><th>of the last</th><th>¼ⁿ</th>{'<th>bound</th>' if limits else ''}<th>dead</th>"
    rows = []
    for i, layer in enumerate(film.layers):
        below = len(film.layers) - 1 - i
        share = s.deltas[i] / s.deltas[-1] if s.deltas[-1] else math.nan
        limit = f"<td>{short(s.bounds[i], 2)}</td>" if s.bounds is not None else ""
        dead = f"{s.dead[i]}/{film.units(layer)}"
        rows.append(
            f"<tr><th>{escape(clip(plain(layer.name), 24))}</th><td class=g>{short(s.deltas[i])}</td>"
            f"<td>{short(share, 2)}</td><td>{short(0.25**below, 2)}</td>{limit}<td>{dead}</td></tr>"
        )
    faults = "" if math.isfinite(s.loss) else "<p class=fault>The loss is no finite number: nothing can be learned.</p>"
    title = f"<h2>Step {number(s.step)}: loss {number(s.loss)}</h2>{faults}"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>" if rows else ""
    return f"{title}<p>{_verdict(film, s)}</p>{table}"


def _verdict(film: Flow, s: Snapshot) -> str:
    """Return what the sizes say."""
    if len(film.layers) < 2:
        return ""
    if not all(map(math.isfinite, s.deltas)):
        return "Some gradients are no finite numbers."
    if not s.deltas[-1] or not s.deltas[0]:
        return "No gradient reaches the first layer."
    per = (s.deltas[0] / s.deltas[-1]) ** (1 / (len(film.layers) - 1))
    return f"The first layer’s delta is {_ratio(s)} of the last one’s: a factor {short(per)} for each layer on the way."


def _article_of_many(films: Sequence[Flow], k: int) -> str:
    rows = []
    for film in films:
        s = film.snapshots[k]
        total = sum(map(film.units, film.layers))
        first, last = (short(s.deltas[i]) if s.deltas else "–" for i in (0, -1))
        ratio = _ratio(s) if s.deltas else "–"
        rows.append(
            f"<tr><th>{escape(clip(plain(film.title or 'gradient flow'), 40))}</th><td>{number(s.step)}</td>"
            f"<td>{number(s.loss)}</td><td class=g>{first}</td><td class=g>{last}</td><td>{ratio}</td>"
            f"<td>{sum(s.dead)} of {total}</td></tr>"
        )
    head = "".join(
        f"<th>{name}</th>" for name in ("", "step", "loss", "|δ| first", "|δ| last", "first / last", "dead units")
    )
    return f"<table class=all><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _explained(films: Sequence[Flow], largest: float, brightest: float) -> str:
    arrows = "".join(
        f'<span class="key"><svg viewBox="0 0 30 12" aria-hidden="true"><g class="e w{step}"><path d="M1 6h28"/></g>'
        f"</svg>{'above' if step else 'below'} {short(largest * 10.0 ** (max(step, 1) - 1 - DECADES))}</span>"
        for step in range(DECADES, -1, -1)
    )
    cells = "".join(
        f'<svg viewBox="0 0 9 9" aria-hidden="true"><path class="h h{i}" d="M0 0h8v8h-8z"/></svg>'
        for i in range(2 * STEPS + 1)
    )
    bounds = any(s.bounds is not None for film in films for s in film.snapshots)
    limits = (
        " The bars are what the steepest slope of the activation and the norms of the weights allow." if bounds else ""
    )
    curves = " In the curves through training the first layer’s is blue, the last one’s orange."
    dead = "A unit is dead if its delta is 0 on every sample: none of its weights will change."
    return (
        f"<h3>Sizes</h3><p>δ is the gradient by a layer’s weighted sums z, before the activation; |δ| its length over "
        f"all samples and units. {dead}{curves}</p><p>{arrows}</p>"
        f"<p>Arrows: the gradient that flows back along them.</p>"
        f'<p class="cells">{cells}</p><p>Cells: blue below 0, orange above; each paler step is a factor of ten, the '
        f"strongest is {short(brightest)}. Both scales are the same in all snapshots.</p>"
        f"<h3>A quarter for each layer</h3><p>A layer passes back δˡ = σ′(zˡ) ⊙ (Wˡ⁺¹)ᵀ δˡ⁺¹. A sigmoid’s slope is at "
        f"most ¼: as long as no weight matrix has a norm above 1, |δ| of a layer n below the last is at most ¼ⁿ of the "
        f"last one’s, the dotted line. Larger weights may exceed it, and other activations are steeper: those of tanh "
        f"and ReLU have slopes up to 1.{limits}</p>"
    )
