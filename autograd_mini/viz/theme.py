"""Colours: blue below zero, orange above, violet for NaN and inf; light, dark, and one that follows the reader."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DARK", "DECADES", "LIGHT", "STEPS", "THEMES", "Theme", "heat_classes"]

STEPS = 8  # of a heat-map, on either side of zero
STRONG = (4, 7)  # from these steps on, a heat-map's cell takes the next ink: dark cells turn light first
DECADES = 5  # of gradient size that lines tell apart


class Theme(NamedTuple):
    """What each colour is for. No two are equal, so that an SVG's colours can be exchanged one for one."""

    paper: str
    ink: str
    muted: str
    value: str
    gradient: str
    local: str
    fault: str
    on_fault: str
    leaf: str
    constant: str
    result: str
    output: str
    group: str
    group_line: str
    no_flow: str
    flow: tuple[str, ...]
    heat: tuple[str, ...]
    on_heat: tuple[str, str, str]

    def colours(self) -> list[str]:
        """Return all of them, each role at the same place in every theme."""
        return [c for field in self for c in ([field] if isinstance(field, str) else field)]

    def on(self, step: int) -> str:
        """Return the ink for a number in a heat-map's cell."""
        return self.on_heat[sum(abs(step) >= strong for strong in STRONG)]

    def variables(self, more: str = "") -> str:
        """Return the colours as CSS variables: those of the roles, more of the caller's, and the heat-map's."""
        named = "".join(f"--{key.replace('_', '-')}:{c};" for key, c in self._asdict().items() if isinstance(c, str))
        cells = "".join(f"--h{i}:{c};--i{i}:{self.on(i - STEPS)};" for i, c in enumerate(self.heat))
        return f"{named}{more}{cells}"


def heat_classes() -> str:
    """Return the CSS by which a class, h0 to h16, gives a cell its colour and its ink."""
    return "".join(f".h{i}{{--h:var(--h{i});--i:var(--i{i})}}" for i in range(2 * STEPS + 1))


def ramp(start: str, end: str, count: int) -> tuple[str, ...]:
    """Return `count` colours from `start` to `end`, evenly spaced."""
    a, b = (bytes.fromhex(c[1:]) for c in (start, end))
    shares = [i / (count - 1) for i in range(count)]
    return tuple("#" + bytes(round(p + (q - p) * t) for p, q in zip(a, b, strict=True)).hex() for t in shares)


def diverging(low: str, zero: str, high: str) -> tuple[str, ...]:
    """Return the heat-map's colours, the middle one for zero."""
    return (*ramp(low, zero, STEPS + 1), *ramp(zero, high, STEPS + 1)[1:])


LIGHT = Theme(
    paper="#fcfcfb",
    ink="#1b2430",
    muted="#5a6472",
    value="#0b57a4",
    gradient="#a33e08",
    local="#17693c",
    fault="#7a1fa2",
    on_fault="#fffdff",
    leaf="#f3f0fc",
    constant="#f1f2f4",
    result="#fffffe",
    output="#fff3df",
    group="#f4f6f8",
    group_line="#b4bdc8",
    no_flow="#bcc4cd",
    flow=ramp("#aab3bf", "#c4500b", DECADES + 1),
    heat=diverging("#1c589b", "#e0e3e7", "#b0440a"),
    on_heat=("#050506", "#050507", "#fffefd"),
)

DARK = Theme(
    paper="#10151c",
    ink="#e8edf3",
    muted="#9ca9b8",
    value="#7cb8ff",
    gradient="#ffa566",
    local="#6fd79a",
    fault="#dda0f5",
    on_fault="#1c0826",
    leaf="#262140",
    constant="#20272f",
    result="#19212b",
    output="#3a2d19",
    group="#141a23",
    group_line="#465362",
    no_flow="#4a5664",
    flow=ramp("#5a6878", "#ff9a52", DECADES + 1),
    heat=diverging("#86c0ff", "#35404d", "#ffab69"),
    on_heat=("#fdfdfe", "#050607", "#050608"),
)

THEMES = {"light": LIGHT, "dark": DARK, "auto": LIGHT}
