"""Pieces of a report's page: numbers, tables, figures and sections as HTML, and the page that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import autograd_mini as ag

from .style import PAGE, STYLE

__all__ = [
    "MINUS",
    "count",
    "definitions",
    "figure",
    "gallery",
    "inline",
    "pair",
    "percent",
    "scientific",
    "section",
    "table",
    "whole_page",
]

NUMBER = re.compile(r"\s*-?\d[\d,]*(\.\d+)?(e[+-]\d+)?( %)?")
MINUS = "−"
MARKS = {"✓": ("good", "agrees"), "✗": ("bad", "differs")}


def whole_page(
    *, title: str, over: str, heading: str, lede: str, facts: Sequence[tuple[str, str]], sections: Sequence[str]
) -> str:
    """Return a page, without script, that loads nothing; the title is text, the rest HTML."""
    return PAGE.substitute(
        title=escape(title),
        style=STYLE,
        over=over,
        heading=heading,
        lede=lede,
        facts="\n".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts),
        sections="\n\n".join(sections),
    )


def section(title: str, *parts: str) -> str:
    """Return a part of the page under a heading."""
    return "\n".join(["<section>", f"<h2>{escape(title)}</h2>", *filter(None, parts), "</section>"])


def figure(content: str, caption: str = "", kind: str = "") -> str:
    """Return a figure with what is to be seen in it; of the kinds wide and whole it scrolls by itself."""
    head = f'<figure class="{kind}">' if kind else "<figure>"
    content = f'<div tabindex="0">{content}</div>' if kind else content
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return "\n".join(filter(None, [head, content, below, "</figure>"]))


def pair(*figures: str) -> str:
    """Return figures side by side where there is room."""
    return "\n".join(['<div class="pair">', *figures, "</div>"])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str) -> str:
    """Return a table; a cell that is ✓ or ✗ is a mark; `data-label` names a cell where the style shows no heading."""
    columns = list(zip(*rows, strict=True)) or [() for _ in head]
    numeric = [
        i > 0 and any(column) and all(NUMBER.fullmatch(cell) for cell in column if cell)
        for i, column in enumerate(columns)
    ]  # the first one names its row
    heading = "".join(f'<th scope="col"{_right(n)}>{escape(name)}</th>' for name, n in zip(head, numeric, strict=True))
    lines = []
    for row in rows:
        texts = []
        for name, cell, n in zip(head, row, numeric, strict=True):
            if cell in MARKS:
                good, title = MARKS[cell]
                texts.append(f'<td class="{good}" title="{title}">{cell}</td>')
            else:
                text = escape(cell.strip().replace("-", MINUS) if n else cell)
                texts.append(f'<td data-label="{escape(name)}"{_right(n)}>{text}</td>')
        lines.append(f"<tr>{''.join(texts)}</tr>")
    return f'<table class="{kind}"><thead><tr>{heading}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _right(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def definitions(items: Mapping[str, str]) -> str:
    """Return a list of names and what they stand for."""
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in items.items())


def gallery(items: Sequence[tuple[str, str]]) -> str:
    """Return pictures in rows, each with a line of HTML under it; nothing for none."""
    shown = "".join(f"<li>{picture}<span>{text}</span></li>" for picture, text in items)
    return f'<ul class="digits">{shown}</ul>' if items else ""


def inline(graph: Any, prefix: str) -> str:
    """Return a graph's SVG for use within a page, where ids must differ; as text if nothing here renders it."""
    try:
        return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", graph.svg())
    except ag.errors.AutogradError:
        return f"<pre>{escape(graph.text())}</pre>"


def count(n: int, noun: str) -> str:
    """Return a number of things."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def percent(p: float) -> str:
    """Return a probability."""
    return "> 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def scientific(value: float) -> str:
    """Return 1.3e-15 as 1.3 × 10⁻¹⁵."""
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.1e}".partition("e")  # nan has none
    return f"{mantissa} × 10<sup>{int(exponent)}</sup>".replace("-", MINUS) if exponent else mantissa
