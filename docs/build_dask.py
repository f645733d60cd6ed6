"""Write docs/dask.md: what works on Dask's arrays, by the rows of the tests.

python docs/build_dask.py                  write the page from dask_rows.json
python docs/build_dask.py --check          fail if the page is stale, or a row was added that was not tried
python docs/build_dask.py --ask [NAME...]  try on Dask the rows that were not, or those of the functions named, first
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs.pages import publish
from tests.cases import CASES
from tests.generated import DIFFERENTIABLE, named

PAGE, ROWS = Path(__file__).with_name("dask.md"), Path(__file__).with_name("dask_rows.json")
LIBRARIES = ("dask", "distributed", "numpy")
VERDICTS = ("works", "rows", "refused")
INTRODUCTION = Path(__file__).with_name("dask_introduction.md")


def functions() -> dict[str, Any]:
    """Return the functions with rows, by name; SciPy's plain functions take NumPy arrays only, so they are left out."""
    found = {named(f).replace("_operator.", "operator."): f for f in DIFFERENTIABLE if CASES.get(f)}
    return {
        name: found[name]
        for name in sorted(found, key=str.casefold)
        if name.startswith(("np.", "scipy.")) or name in ("getitem", "assign", "logsumexp")
    }


def ask(names: list[str]) -> None:
    """Try rows; go on where an interrupted run stopped."""
    from tests.dask.rows import counts

    result: dict[str, Any] = {"releases": {n: importlib.metadata.version(n) for n in LIBRARIES}, "rows": {}}
    if ROWS.exists():
        result["rows"] = json.loads(ROWS.read_text())["rows"]
    for name, function in functions().items():
        if name in names or (not names and sum(result["rows"].get(name, {}).values()) != len(CASES[function])):
            count = counts(function)
            result["rows"][name] = dict(count)
            print(name, dict(count), flush=True)
            ROWS.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    asked = json.loads(ROWS.read_text())
    rows = {name: asked["rows"].get(name, {}) for name in functions()}
    releases = ", ".join(f"{name} {version}" for name, version in asked["releases"].items())
    total: Counter[str] = Counter()
    for count in rows.values():
        total.update(count)
    yield INTRODUCTION.read_text().rstrip()
    yield ""
    yield "## Functions"
    yield ""
    yield (
        f"Tried with {releases}: every row of `tests/cases`, with each array cut in two along every axis; where that "
        "was refused, along the rows only. A row is one call with its arguments. It *works* if nothing was computed "
        "before it was asked for, and value and gradient are NumPy's; else it is *refused*: an error says what is "
        f"missing. Of {sum(total.values())} rows {total['works']} work, {total['rows']} more if the chunks divide the "
        f"rows only, {total['refused']} are refused, {sum(n for v, n in total.items() if v not in VERDICTS)} are wrong "
        "or compute unasked. SciPy's plain functions (`ag.scipy`) take NumPy arrays only, and say so."
    )
    yield ""
    yield "| function | works | chunks along the rows | refused |"
    yield "|---|---|---|---|"
    none = []
    for name, count in rows.items():
        if count.get("works", 0) + count.get("rows", 0):
            yield f"| `{name}` | {' | '.join(str(count.get(v, 0) or '') for v in VERDICTS)} |"
        else:
            none.append(name)
    yield ""
    yield f"Refused in every row: {', '.join(f'`{name}`' for name in none)}."


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--ask", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.ask is not None:
        ask(options.ask)
    asked = json.loads(ROWS.read_text())["rows"]
    for name, function in functions().items():
        if sum(asked.get(name, {}).values()) != len(CASES[function]):
            sys.exit(f"{ROWS.name} is stale: rows of {name} were added or removed: python docs/build_dask.py --ask")
    publish(PAGE, list(page()), "python docs/build_dask.py", options.check)


if __name__ == "__main__":
    main()
