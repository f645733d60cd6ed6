"""What is done to Graphviz's SVG: a text alternative, a size that fits where it stands, a second theme."""

from __future__ import annotations

import re
from html import escape

from .theme import DARK, LIGHT

__all__ = ["finish"]

# Letters as wide as those that the layout was made for, whatever the machine calls them; the last but one nearly so.
FONTS = "Arial, Helvetica, 'Liberation Sans', Arimo, 'DejaVu Sans Condensed', sans-serif"


def finish(svg: str, title: str, description: str, auto: bool) -> str:
    """Return the SVG alone, without prolog, fit for a page, an ``<img>`` and a reader who cannot see it."""
    svg = svg[svg.index("<svg") :].replace('font-family="Arial"', f'font-family="{FONTS}"')
    head, body = svg.split(">", 1)
    head += f' role="img" aria-label="{escape(title)}" style="max-width:100%;height:auto"'
    body = body.replace("<title>graph</title>", f"<title>{escape(title, quote=False)}</title>", 1)
    style = dark_style(body) if auto else ""
    return f"{head}>\n<desc>{escape(description, quote=False)}</desc>\n{style}{body.lstrip()}"


def dark_style(body: str) -> str:
    """Return a style that exchanges each light colour for its dark one where the reader prefers dark."""
    used = set(re.findall(r'(?:fill|stroke)="(#\w{6})"', body))
    pairs = [(a, b) for a, b in zip(LIGHT.colours(), DARK.colours(), strict=True) if a in used]
    rules = [f'[fill="{a}"]{{fill:{b}}}[stroke="{a}"]{{stroke:{b}}}' for a, b in pairs]
    return "<style>@media (prefers-color-scheme: dark){" + "".join(rules) + "}</style>\n"
