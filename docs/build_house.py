"""Draw docs/house.svg: the rooms of the two packages, what each holds, and which imports which.

python docs/build_house.py            write the picture
python docs/build_house.py --check    say whether it shows the code as it is

Arrows are read from the imports. Those that follow from others are left out: if A rests on B and B on C, A may use C.
Every file has a room, and no room rests on itself, or there is no picture.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from html import escape
from pathlib import Path

from autograd_mini.viz.render import render
from autograd_mini.viz.svg import finish
from autograd_mini.viz.theme import LIGHT

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("house.svg")
COMMAND = "python docs/build_house.py"

# A room: what it is for, in a few words, and its files and folders.
ENGINE = {
    "public face": "__init__",
    "foundations": "errors trees arrays recording places",
    "the table": "table rules",
    "Tensor and graph": "tensor graph dispatch",
    "derivatives of functions": "transforms batching jacobians checkpointing",
    "SciPy": "scipy",
    "is it right?": "check measure hypotheses diagnose",
    "what went wrong?": "debugging reasons",
    "programs": "program simplify tracing source",
    "listings in NumPy, in Python": "emit emit_numpy buffers emit_floats emit_levels unrolled",
    "loops by numba": "emit_numba numba_plan numba_steps numba_listing numba_loops numba_files",
    "compiled functions": "compiling guards alone",
    "pictures": "viz",
}
NN = {
    "the shell": "cli",
    "reports": "reports charts",
    "the demo": "demo examples",
    "arguments": "checks targets",
    "models": "module layers functional init normal",
    "losses, metrics": "losses metrics confusion scorers",
    "optimizers": "optim",
    "data": "data",
    "training": "training",
    "files": "saving summary",
    "by hand": "delta",
    "notations": "notation",
    "hand against engine": "compare comparing",
    "the sweep played": "player",
    "training filmed": "flow",
    "grading": "grading",
    "experiments": "experiments",
    "tables": "tables tabular",
    "scikit-learn": "estimator",
}
PACKAGES = {"autograd_mini": ENGINE, "nn": NN}
NUMPY = "NumPy"


def rooms() -> dict[str, tuple[str, list[str]]]:
    """Return for each room its package and its files and folders."""
    return {room: (package, held.split()) for package, plan in PACKAGES.items() for room, held in plan.items()}


def homes() -> dict[tuple[str, str], str]:
    """Return for each file or folder right below a package its room; complain of those that have none."""
    home = {(package, unit): room for room, (package, held) in rooms().items() for unit in held}
    there = set()
    for package in PACKAGES:
        for path in (ROOT / package).iterdir():
            if path.suffix == ".py" or (path / "__init__.py").exists():
                there.add((package, path.stem))
    there.discard(("nn", "__init__"))  # which imports all, and which nothing imports
    if without := sorted(there - set(home)):
        raise SystemExit(f"build_house.py: no room holds {without}")
    if gone := sorted(set(home) - there):
        raise SystemExit(f"build_house.py: rooms hold what is not there: {gone}")
    return home


def imported(source: str, package: str) -> set[str]:
    r"""Return the dotted names that a file in `package` imports; ``from p import n`` gives ``p.n``.

    >>> sorted(imported("from ..table import defvjp\nimport numpy", "autograd_mini.rules"))
    ['autograd_mini.table.defvjp', 'numpy']
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            base = [*base, *([node.module] if node.module else [])]
            names |= {".".join([*base, alias.name]) for alias in node.names}
    return names


def arrows() -> dict[str, set[str]]:
    """Return for each room the rooms whose files its own import."""
    home = homes()
    found: dict[str, set[str]] = {room: set() for room in rooms()}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if (package, parts[1]) not in home:
                continue
            room = home[package, parts[1]]
            for name in imported(path.read_text("utf-8"), ".".join(parts[:-1])):
                top, _, rest = name.partition(".")
                if top == "numpy":
                    found[room].add(NUMPY)
                elif top in PACKAGES:
                    unit = rest.partition(".")[0]
                    found[room].add(home.get((top, unit), home["autograd_mini", "__init__"]))
            found[room].discard(room)
    return found | {NUMPY: set()}


def reduced(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows that follow from no others; complain of a circle.

    >>> reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    {'a': {'b'}, 'b': {'c'}, 'c': set()}
    """
    below: dict[str, set[str]] = {}

    def reach(room: str, above: tuple[str, ...]) -> set[str]:
        if room in above:
            raise SystemExit(f"build_house.py: a circle: {' -> '.join([*above, room])}")
        if room not in below:
            below[room] = set().union(*({to} | reach(to, (*above, room)) for to in sorted(arrows[room])))
        return below[room]

    for room in arrows:
        reach(room, ())
    return {room: {to for to in ends if not any(to in below[other] for other in ends)} for room, ends in arrows.items()}


def dot() -> str:
    """Return the house as DOT."""
    lines = [
        "digraph house {",
        f'graph [rankdir=TB, bgcolor="{LIGHT.paper}", ranksep=0.42, nodesep=0.16, fontname=Arial, newrank=true]',
        f'node [shape=box, style="rounded,filled", fontname=Arial, fontsize=12, color="{LIGHT.group_line}", '
        f'fontcolor="{LIGHT.ink}", margin="0.16,0.07"]',
        f'edge [color="{LIGHT.muted}", arrowsize=0.6, penwidth=0.9]',
    ]
    fills = {"autograd_mini": LIGHT.leaf, "nn": LIGHT.output}
    for package, plan in PACKAGES.items():
        lines += [f"subgraph cluster_{package} {{", f'label=<<B>{package}</B>>; labeljust=l; fontcolor="{LIGHT.ink}"']
        lines += [f'style=rounded; color="{LIGHT.group_line}"; bgcolor="{LIGHT.group}"; fontsize=15']
        for room, held in plan.items():
            lines.append(f'"{room}" [fillcolor="{fills[package]}", label=<{label(room, held.split())}>]')
        lines.append("}")
    lines.append(f'"{NUMPY}" [fillcolor="{LIGHT.constant}", label=<<B>{NUMPY}</B>>]')
    for room, ends in reduced(arrows()).items():
        lines += [f'"{room}" -> "{to}"' for to in sorted(ends)]
    return "\n".join([*lines, "}"]) + "\n"


def label(room: str, held: list[str], width: int = 25) -> str:
    """Return a room's name, and below it the names of what it holds, in lines of about the same length."""
    lines = [""]
    for unit in held:
        name = "autograd_mini" if unit == "__init__" else unit
        if lines[-1] and len(lines[-1]) + len(name) > width:
            lines.append("")
        lines[-1] += f"  {name}" if lines[-1] else name
    small = "<BR/>".join(f'<FONT POINT-SIZE="10" COLOR="{LIGHT.value}">{escape(line)}</FONT>' for line in lines)
    return f"<B>&#160;{escape(room)}&#160;</B><BR/>{small}"  # bold letters are wider than a renderer may think


def listing() -> list[str]:
    """Return the rooms as Markdown: each with its files, and each file with the first line of its docstring."""
    lines = []
    for package, plan in PACKAGES.items():
        lines += [f"### {package}", ""]
        for room, held in plan.items():
            lines += [f"**{room[0].upper()}{room[1:]}**", ""]
            for unit in held.split():
                path = ROOT / package / unit
                path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
                said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
                said = re.sub(r"^\w+: (?=\w)", "", said.partition("\n")[0])
                shown = f"{unit}/" if path.name == "__init__.py" and unit != "__init__" else path.name
                lines.append(f"- `{shown}`: {said}")
            lines.append("")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    source = dot()
    if check:  # by what it shows: the places are the renderer's
        drawn = re.search(r"<!--DOT\n(.*?)-->", PICTURE.read_text("utf-8"), re.S)
        if not drawn or drawn[1] != source.replace("--", "- -"):
            sys.exit(f"{PICTURE.name} is stale: {COMMAND}")
        print(f"{PICTURE.name} is up to date")
        return
    count = sum(map(len, PACKAGES.values()))
    words = f"{count} rooms, and arrows to what each imports. nn stands on autograd_mini, and both on {NUMPY}."
    svg = finish(render(source, "svg").decode(), "The rooms of autograd_mini and nn", words, auto=True)
    PICTURE.write_text(svg.rstrip() + f"\n<!--DOT\n{source.replace('--', '- -')}-->\n", "utf-8")


if __name__ == "__main__":
    main()
