"""What all pages share: their files, colours and controls, and the one file that they are put together in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from .theme import THEMES, heat_classes

__all__ = ["BAD", "asset", "colours", "controls", "filled", "plain_json", "script"]

BAD = {"light": "#b3261e", "dark": "#ff8a80"}  # of what is wrong
ICONS = {  # drawn, for not every machine has the signs in its fonts
    "first": "M4 3v10M13 3L7 8l6 5z",
    "back": "M11 3L5 8l6 5z",
    "next": "M5 3l6 5-6 5z",
    "last": "M12 3v10M3 3l6 5-6 5z",
}


def asset(name: str) -> str:
    """Return one of the files that pages are made of."""
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Return a page whose marks, ``<!--name-->``, are replaced by these parts, and by nothing where there is none."""
    return re.sub(r"<!--(\w+)-->", lambda mark: parts.get(mark[1], ""), page)


def plain_json(data: Any) -> str:
    """Return data as they may stand in a script element."""
    return json.dumps(data, separators=(",", ":")).replace("</", "<\\/")


def script(name: str, **parts: str) -> str:
    """Return a script with others in the places of its marks, ``/*part*/``, and without its indentation."""
    text = asset(name)
    for part, other in parts.items():
        text = text.replace(f"  /*{part}*/\n", asset(other))
    return re.sub(r"\n +", "\n", re.sub(r"\n */\*\w+\*/", "", text))


def controls(last: int, what: str = "step") -> str:
    """Return buttons, slider and count."""

    def button(name: str, label: str) -> str:
        return (
            f'<button id="{name}" type="button" aria-label="{label}" title="{label}"><svg viewBox="0 0 16 16" '
            f'aria-hidden="true"><path d="{ICONS[name]}"/></svg></button>'
        )

    return (
        button("first", "to the start (Home)") + button("back", f"one {what} back (left arrow)")
        + '<button id="play" type="button" title="play or pause (space)">Play</button>'
        + button("next", f"one {what} on (right arrow)") + button("last", "to the end (End)")
        + f'<input id="slider" type="range" min="0" max="{last}" value="0" aria-label="{what}">'
        + f'<output id="count" for="slider">0 / {last}</output>'
    )  # fmt: skip


def colours() -> str:
    """Return the colours as CSS variables: light, dark where the reader prefers it, and either when chosen."""
    light, dark = (_variables(name) for name in ("light", "dark"))
    return (
        f":root{{color-scheme:light;{light}}}\n@media (prefers-color-scheme:dark){{:root:not([data-theme=light])"
        f"{{color-scheme:dark;{dark}}}}}\n:root[data-theme=dark]{{color-scheme:dark;{dark}}}\n{heat_classes()}\n"
    )


def _variables(name: str) -> str:
    theme = THEMES[name]
    return theme.variables(f"--bad:{BAD[name]};") + "".join(f"--f{i}:{c};" for i, c in enumerate(theme.flow))
