"""What comes out: the tables, the goals beside what was measured, the page and its plot.

Results are a list of runs, {"environment": {...}, "rows": {name: row}}; a row is described in measure.py.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import measure
from benchmarks.contenders import CONTENDERS
from benchmarks.measure import BASELINE, Row, median, ratio
from benchmarks.workloads import WORKLOADS, Training

Run = dict[str, Any]
TRAINING = tuple(w.name for w in WORKLOADS if isinstance(w, Training))
OTHERS = tuple(w.name for w in WORKLOADS if not isinstance(w, Training))
APART = tuple(row for rows in measure.APART.values() for row in rows)
ROWS = (*TRAINING, *OTHERS, *APART)


class Goal(NamedTuple):
    """A limit for a ratio, or, with no `below`, for a number in the row's unit."""

    row: str
    above: str
    below: str | None
    limit: float


def _goals() -> Iterator[Goal]:
    columns = ("eager", BASELINE), ("compiled", BASELINE), ("compiled", "jax"), ("compiled-numba", "jax")
    table = {
        "tiny": (1.1, 0.05, 0.2, 0.2),
        "small": (0.85, 0.45, 0.6, 0.35),
        "small-adam": (0.7, 0.35, 0.6, 0.35),
        "medium": (1.0, 0.88, 1.0, 0.95),
        "medium-f64": (1.0, 0.88, 1.0, 0.95),
        "large": (1.03, 0.95, 1.0, 1.0),
        "large-adam": (0.95, 0.8, 1.0, 0.9),
        "xl": (1.05, 1.0, 1.0, 1.0),
        "deep": (1.0, 0.62, 1.0, 0.8),
    }
    for row, limits in table.items():
        for (above, below), limit in zip(columns, limits, strict=True):
            yield Goal(row, above, below, limit)
    for row in table:
        yield Goal(row, "compiled", "tuned", 1.05)
    for row, limit in (("small", 0.4), ("small-adam", 0.31), ("deep", 0.59)):
        yield Goal(row, "tuned", BASELINE, limit)  # the bar itself
    for row, limit in (("chain-1", 0.1), ("chain-100", 0.15), ("chain-10000", 0.7)):
        yield Goal(row, "compiled-numba", "jax", limit)
    yield Goal("scalars", "eager", "micrograd", 0.04)
    yield Goal("scalars", "compiled", "micrograd", 0.002)
    yield Goal("long-chain", "eager", None, 0.3)
    yield Goal("long-chain-memory", "eager", None, 40)
    yield Goal("hvp", "eager", "torch", 0.45)
    yield Goal("hessian", "eager", "torch", 0.2)
    yield Goal("memory", "compiled", "torch", 1.0)


GOALS = tuple(_goals())
PAYBACK = 100  # steps after which compiling one has paid


def measured(rows: dict[str, Row], goal: Goal) -> float | None:
    """Return what a goal is about, or None if it was not measured."""
    row = rows[goal.row]
    return median(row, goal.above) if goal.below is None else ratio(row, goal.above, goal.below)


def spread(rows: dict[str, Row]) -> float:
    """Return within which part of their median half of a cell's ratios to hand-written NumPy lie, typically."""
    parts = []
    for row in rows.values():
        for name, samples in row["samples"].items():
            base = row["samples"].get(BASELINE, [])
            if name != BASELINE and len(samples) == len(base) > 1:
                ratios = [a / b for a, b in zip(samples, base, strict=True) if b]
                middle = statistics.median(ratios)
                parts.append(statistics.median(abs(r - middle) for r in ratios) / middle)
    return statistics.median(parts) if parts else 0.0


def payback(row: Row) -> float | None:
    """Return after how many steps compiling one has paid, against eager; None if it was not measured or never does."""
    slow, fast, first = median(row, "eager"), median(row, "compiled"), row["first"]
    if slow is None or fast is None or fast >= slow:
        return None
    return max(0.0, first["compiled"] - first["eager"]) / (slow - fast)


def number(value: float | None) -> str:
    """Return a ratio or a time with two or three digits that count; a dash for none."""
    if value is None:
        return "-"
    if value >= 99.5:
        return f"{value:,.0f}"
    if value >= 9.95:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"


def seconds(value: float | None) -> str:
    """Return a time with its unit."""
    if value is None:
        return "-"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{number(value * factor)} {unit}"
    raise AssertionError


def tables(rows: dict[str, Row]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield the tables: title, heads, lines."""

    def takes_part(name: str, row: Row) -> bool:  # a peer that is not installed has its column, of dashes
        return name in row["samples"] or row["absent"].get(name, "").endswith("is not installed")

    def block(title: str, names: Sequence[str]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        shown = [n for n in names if n in rows]
        columns = [c for c in CONTENDERS if c != BASELINE and any(takes_part(c, rows[n]) for n in shown)]
        lines = [
            [n, seconds(median(rows[n], BASELINE)), *(number(ratio(rows[n], c, BASELINE)) for c in columns)]
            for n in shown
        ]
        if shown:
            yield f"{title}, as a ratio to hand-written NumPy", ["", BASELINE, *columns], lines

    yield from block("A training step", TRAINING)
    yield from block("Other programs", OTHERS)
    pairs = (("compiled", "tuned"), ("compiled", "jax"), ("compiled-numba", "jax"), ("compiled-numba", "tuned"))
    compilers = ("compiled", "compiled-numba", "jax")
    lines = [
        [
            n,
            *(number(ratio(rows[n], a, b)) for a, b in pairs),
            number(payback(rows[n])),
            *(seconds(rows[n]["first"].get(who)) for who in compilers),
        ]
        for n in (*TRAINING, *OTHERS)
        if n in rows and rows[n]["samples"].keys() & {"compiled", "compiled-numba"}
    ]
    if lines:
        heads = ["", *(f"{a} / {b}" for a, b in pairs), "steps that repay compiling"]
        heads += [f"first step, {who}" for who in compilers]
        yield "Compiled, against the best", heads, lines
    for name in APART:
        if name in rows and rows[name]["samples"]:
            row = rows[name]
            cells = {c: median(row, c) for c in (*row["samples"], *row["absent"]) if takes_part(c, row)}
            lines = [[c, seconds(v) if row["unit"] == "s" else f"{number(v)} MB"] for c, v in cells.items()]
            yield f"{name}: {row['about']}", ["", row["unit"]], lines


class Verdict(NamedTuple):
    """A goal, what was measured, and what follows."""

    row: str
    what: str
    limit: str
    value: str
    met: str


def verdicts(rows: dict[str, Row]) -> list[Verdict]:
    """Return the goals of these rows with what was measured and whether that meets them."""
    found = []
    for goal in GOALS:
        if goal.row not in rows:
            continue
        value = measured(rows, goal)
        unit = rows[goal.row]["unit"] if goal.below is None else ""
        met = "not measured" if value is None else "met" if value <= goal.limit else "missed"
        what = goal.above if goal.below is None else f"{goal.above} / {goal.below}"
        shown = number(value)
        if met == "missed" and value is not None and float(shown.replace(",", "")) <= goal.limit:
            shown = f"{value:.4g}"  # rounded, it would look as if it met the goal
        found.append(Verdict(goal.row, what, f"≤ {goal.limit:g} {unit}".rstrip(), shown, met))
    for name in TRAINING:
        if name in rows and "compiled" in rows[name]["samples"]:
            value = payback(rows[name])
            met = "met" if value is not None and value <= PAYBACK else "missed"
            found.append(Verdict(name, "steps that repay compiling", f"≤ {PAYBACK}", number(value), met))
    return found


def goal_tables(rows: dict[str, Row]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield the goals as tables: of the rows that have several, a line each; then the others."""
    all_of = verdicts(rows)
    counts = Counter(v.met for v in all_of)
    title = ", ".join(f"{counts[met]} {met}" for met in ("met", "missed", "not measured") if counts[met])
    grid = [v for v in all_of if v.row in TRAINING]
    whats = list(dict.fromkeys(v.what for v in grid))
    if grid:
        cells = {(v.row, v.what): f"{v.value} ({v.limit}) {v.met}".replace(" not measured", "") for v in grid}
        lines = [[name, *(cells.get((name, what), "") for what in whats)] for name in TRAINING if name in rows]
        yield f"Goals: {title}", ["", *whats], lines
    others = [list(v) for v in all_of if v.row not in TRAINING]
    if others:
        yield "Other goals" if grid else f"Goals: {title}", ["", "", "goal", "measured", ""], others


def reasons(rows: dict[str, Row]) -> Iterator[str]:
    """Yield, for what has a dash, what is missing, the rows of one reason together."""
    for kind, verb in (("refused", "is refused"), ("absent", "is missing")):
        found: dict[tuple[str, str], list[str]] = {}
        for name, row in rows.items():
            for who, why in row[kind].items():
                found.setdefault((who, why), []).append(name)
        for (who, why), names in found.items():
            yield f"{who} {verb} in {', '.join(names)}: {why}"


def text(rows: dict[str, Row], threads: int = 1) -> Iterator[str]:
    """Yield the lines of everything, for a terminal; the goals are for one thread."""
    for title, heads, lines in tables(rows):
        yield ""
        yield title
        yield from aligned([heads, *lines])
    yield ""
    if threads == 1:
        for title, heads, lines in goal_tables(rows):
            yield title
            yield from aligned([heads, *lines])
            yield ""
    yield from reasons(rows)


def aligned(lines: list[list[str]]) -> Iterator[str]:
    """Yield lines whose columns stand below each other."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))


def page(runs: Sequence[Run], introduction: str, plot: str | None) -> Iterator[str]:
    """Yield the lines of docs/performance.md."""
    yield introduction.rstrip()
    for threads in sorted({run["environment"]["threads"] for run in runs}):
        mine = [run for run in runs if run["environment"]["threads"] == threads]
        rows = ordered({name: row for run in mine for name, row in run["rows"].items()})
        yield ""
        yield f"## {threads} thread{'s' * (threads > 1)}"
        yield ""
        for run in mine:
            environment = run["environment"]
            releases = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
            which = "All rows" if len(mine) == 1 else "Rows " + ", ".join(ordered(run["rows"]))
            timed = {name: row for name, row in run["rows"].items() if name not in APART}
            rounds = min((len(samples) for row in timed.values() for samples in row["samples"].values()), default=0)
            yield (
                f"{which}: {environment['processor']}; BLAS {environment['kernel']}; {releases}. {rounds} rounds or "
                f"more; in half of them a ratio lay within {spread(timed):.0%} of its median (typical cell)."
            )
            yield ""
        if threads == 1:
            if plot:
                yield f"![Time of a training step, as a ratio to hand-written NumPy]({plot})"
                yield ""
            for title, heads, lines in goal_tables(rows):
                yield f"### {title}"
                yield ""
                yield from markdown(heads, [[cell.replace("missed", "**missed**") for cell in line] for line in lines])
                yield ""
        for i, (title, heads, lines) in enumerate(tables(rows)):
            if i:
                yield ""
            yield f"### {title[0].upper()}{title[1:]}"
            yield ""
            yield from markdown(heads, lines)
        missing = list(reasons(rows))
        if missing:
            yield ""
            yield "### What has a dash"
            yield ""
            yield from (f"- {line}" for line in missing)


def markdown(heads: list[str], lines: list[list[str]]) -> Iterator[str]:
    """Yield a table."""
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for line in lines:
        yield f"| {' | '.join(line)} |"


def ordered(rows: dict[str, Row]) -> dict[str, Row]:
    """Return the rows in the page's order."""
    return {name: rows[name] for name in ROWS if name in rows}


def pooled(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with those of one environment as one: the rounds of a row that several measured are put together.

    Where the contenders of a row are not the same in both, the later run's row replaces the earlier one's.
    """
    result: list[Run] = []
    for run in runs:
        same = next((r for r in result if r["environment"] == run["environment"]), None)
        if same is None:
            result.append({"environment": run["environment"], "rows": dict(run["rows"])})
            continue
        for name, row in run["rows"].items():
            old = same["rows"].get(name)
            if old is not None and old["samples"].keys() == row["samples"].keys():
                row = {**row, "samples": {c: old["samples"][c] + row["samples"][c] for c in row["samples"]}}
            same["rows"][name] = row
    return result


def replaced(runs: Sequence[Run], new: Run) -> list[Run]:
    """Return the runs with a new one, whose rows take the place of the old ones for its number of threads."""
    kept = []
    for run in runs:
        rows = run["rows"]
        if run["environment"]["threads"] == new["environment"]["threads"]:
            rows = {name: row for name, row in rows.items() if name not in new["rows"]}
        if rows:
            kept.append({"environment": run["environment"], "rows": rows})
    return pooled([*kept, new])


SHOWN = {  # who is in the picture: how, in colours that stand out from white and from black
    "compiled-numba": ("ag.compile, numba", "D", "#d1453b"),
    "compiled": ("ag.compile", "D", "#3b82c4"),
    "eager": ("autograd_mini, as it is", "d", "#7d8590"),
    "jax": ("JAX, jit", "s", "#c77700"),
    "torch-fused": ("PyTorch", "o", "#9a6dd7"),
    "mygrad": ("MyGrad", "v", "#2e9e6b"),
    "autograd": ("HIPS autograd", "^", "#2e9e6b"),
}
NETWORKS = ("tiny", "small", "medium", "large", "xl", "deep")
INK, LINES, NIGHT = "#424a53", "#d8dee4", {"#424a53": "#c9d1d9", "#d8dee4": "#30363d"}  # text and grid; in the dark


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw the training steps on one thread, a line for each network; needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = {n: row for run in runs if run["environment"]["threads"] == 1 for n, row in run["rows"].items()}
    networks = [w for w in WORKLOADS if isinstance(w, Training) and w.name in NETWORKS and w.name in found]
    style = {"svg.hashsalt": "performance", "svg.fonttype": "path", "font.size": 10, "text.color": INK}
    style |= {"axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": LINES}
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(figsize=(8.6, 3.9), layout="constrained")
        for name, (label, marker, colour) in SHOWN.items():
            ratios = [(ratio(found[network.name], name, BASELINE), y) for y, network in enumerate(networks)]
            points = [point for point in ratios if point[0] is not None]
            if points:
                axes.plot(*zip(*points, strict=True), marker, color=colour, label=label, markersize=7)
        axes.axvline(1, color=INK, linewidth=1)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_yticks(range(len(networks)), [shaped(network) for network in networks])
        axes.invert_yaxis()
        axes.tick_params(length=0, which="both")
        axes.grid(color=LINES)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("time of a training step, as a multiple of hand-written NumPy's (log scale; left is faster)")
        figure.legend(ncols=4, loc="outside upper center", frameon=False, handletextpad=0.2, columnspacing=1.4)
        figure.savefig(path, metadata={"Date": None}, transparent=True)
        pyplot.close(figure)
    rules = "".join(
        f'[style*="{way}: {a}"]{{{way}:{b}!important}}' for a, b in NIGHT.items() for way in ("fill", "stroke")
    )
    head, tag, rest = path.read_text().partition("<defs>")
    path.write_text(f"{head}<style>@media (prefers-color-scheme:dark){{{rules}}}</style>{tag}{rest}")


def shaped(network: Training) -> str:
    """Return what a reader calls a network: its layers and its batch."""
    sizes, most = network.sizes, 5
    layers = f"{len(sizes) - 1} layers of {sizes[1]}" if len(sizes) > most else "-".join(map(str, sizes))
    return f"{layers}, batch {network.batch}"
