"""How fast the programs are that are derived here, beside hand-written NumPy and the frameworks that one would pick.

python benchmarks/performance.py                      every row, on one thread; needs pip install '.[peers]'
python benchmarks/performance.py --only small,deep    some rows
python benchmarks/performance.py --quick              a self-check of a few seconds, no peer
python benchmarks/performance.py --write              also docs/performance.md, its plot, and the numbers behind both
python benchmarks/performance.py --from A B --write   the page from the numbers of several runs; nothing is measured

A peer that is not installed has a dash in its column, and the last lines say what is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the checkout, as in the tests

from benchmarks import environment

NUMBERS, PAGE, PLOT = (ROOT / "docs" / f"performance.{ending}" for ending in ("json", "md", "svg"))
INTRODUCTION = ROOT / "docs" / "performance_introduction.md"
IMAGES = ROOT / "docs" / "fashion_mnist.json"  # of benchmarks/fashion_mnist.py
QUICK = ("tiny", "small", "small-adam", "medium-f64", "deep", "chain-1", "chain-100", "scalars", "hvp", "hessian")
LONG_CHAIN = ("numpy", "tuned", "eager", "torch", "autograd", "mygrad", "micrograd")


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a self-check of the script")
    parser.add_argument("--only", metavar="NAME[,NAME]", help="the rows to measure")
    parser.add_argument("--contenders", metavar="NAME[,NAME]", help="who takes part beside hand-written NumPy")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="at least 7 for numbers that are published")
    parser.add_argument("--torch-compile", action="store_true", help="let torch.compile take part: minutes more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the numbers, row by row")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plot")
    parser.add_argument("--from", dest="files", nargs="+", type=Path, metavar="FILE", help="numbers of earlier runs")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure, print, and write what was asked for."""
    options = parsed()
    if options.child and options.child[0] == "import":  # before anything else is imported
        import_time(options.child[1])
        return
    if not options.child:
        environment.fix(options.threads)

    from benchmarks import measure, report

    if options.child:
        measure.child(*options.child)
        return
    if options.files:
        runs = report.pooled([run for file in options.files for run in json.loads(file.read_text())])
        for threads in sorted({run["environment"]["threads"] for run in runs}):
            mine = [run["rows"] for run in runs if run["environment"]["threads"] == threads]
            print(f"\n{threads} thread(s)")
            print("\n".join(report.text({name: row for rows in mine for name, row in rows.items()}, threads)))
    elif options.quick:
        self_check()
        return
    else:
        new = measured(options)
        old = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else []
        runs = report.replaced(old, new)
    if options.write:
        write(runs)


def import_time(name: str) -> None:
    """Print how long an import takes, as JSON."""
    import time

    start = time.perf_counter()
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(json.dumps({"absent": f"{error.name} is not installed"}))
    else:
        print(json.dumps({"import": time.perf_counter() - start}))


def chosen(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the names of the rows and of the contenders; stop at one that does not exist."""
    from benchmarks.contenders import CONTENDERS
    from benchmarks.report import ROWS

    rows = options.only.split(",") if options.only else list(ROWS)
    if options.contenders:
        names = options.contenders.split(",")
    else:
        names = [name for name in CONTENDERS if name != "torch.compile" or options.torch_compile]
    for kind, found, known in (("row", rows, ROWS), ("contender", names, tuple(CONTENDERS))):
        for name in found:
            if name not in known:
                sys.exit(f"performance.py: there is no {kind} {name}; there are {', '.join(known)}")
    return rows, names


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Run the rows and print them."""
    from benchmarks import measure, report
    from benchmarks.workloads import WORKLOADS

    chosen_rows, names = chosen(options)
    setting = environment.described(options.threads)
    print(f"{setting['processor']}; {setting['kernel']}; {setting['threads']} thread(s)")
    print(", ".join(f"{name} {version}" for name, version in setting["versions"].items()), flush=True)
    rows: dict[str, Any] = {}
    run = {"environment": setting, "rows": rows}

    def say(found: dict[str, Any]) -> None:
        rows.update(found)
        for name, row in found.items():
            print(progress(name, row), flush=True)
        if options.json:  # after each row: a run that is stopped keeps what it has
            options.json.write_text(json.dumps([run], indent=1) + "\n")

    for workload in WORKLOADS:
        if workload.name in chosen_rows:
            run_in = 0.08 if options.threads > 1 else 0.0
            say({workload.name: measure.timed(workload, names, options.rounds, 0.04, run_in)})
    script = Path(__file__)
    asked = {
        "long-chain": [n for n in LONG_CHAIN if n in names or n == "numpy"],
        "memory": [n for n in names if n not in ("gemm", "micrograd")],
        "import": list(measure.MODULES),
    }
    for kind, who in asked.items():
        if any(row in chosen_rows for row in measure.APART[kind]):
            say(measure.apart(kind, who, min(options.rounds, 3 if kind == "long-chain" else 5), script))
    print("\n".join(report.text(rows, options.threads)))
    return run


def progress(name: str, row: dict[str, Any]) -> str:
    """Return a row as one line."""
    from benchmarks.measure import median
    from benchmarks.report import number, seconds

    cells = []
    for who in row["samples"]:
        value = median(row, who)
        cells.append(f"{who} {seconds(value) if row['unit'] == 's' else number(value) + ' MB'}")
    return f"{name} ({row['about']}): {', '.join(cells)}"


def self_check() -> None:
    """Run the project's own contenders for a moment; stop if one differs or fails, or if the page is stale."""
    from benchmarks import measure, report
    from benchmarks.contenders import OURS
    from benchmarks.workloads import WORKLOADS, Scalars

    names = [name for name in OURS if name != "compiled-numba"]  # its compiler takes longer than all of this
    rows: dict[str, Any] = {}
    for workload in WORKLOADS:
        if workload.name in QUICK:
            small = Scalars(points=4, sizes=(2, 3, 3, 1)) if isinstance(workload, Scalars) else workload
            rows[workload.name] = measure.timed(small, names, 2, 0.001)
    for kind, who in (("memory", ["numpy", "eager"]), ("import", ["numpy"])):
        rows |= measure.apart(kind, who, 1, Path(__file__))
    print("\n".join(report.text(rows)))
    refused = [f"{who} in {name}: {why}" for name, row in rows.items() for who, why in row["refused"].items()]
    if refused:
        sys.exit("self-check failed: " + "; ".join(refused))
    if NUMBERS.exists():
        from docs.pages import publish

        publish(
            PAGE, lines(json.loads(NUMBERS.read_text())), "python benchmarks/performance.py --from ... --write", True
        )


def lines(runs: list[dict[str, Any]]) -> list[str]:
    """Return the page."""
    from benchmarks import report
    from benchmarks.fashion import page as fashion
    from benchmarks.workloads import WORKLOADS, Training

    workloads = "\n".join(f"| {w.name} | {w.about} |" for w in WORKLOADS if isinstance(w, Training))
    introduction = INTRODUCTION.read_text().replace("@training@", workloads)
    images = json.loads(IMAGES.read_text()) if IMAGES.exists() else {}
    return [*report.page(runs, introduction, PLOT.name if PLOT.exists() else None), *fashion.section(images)]


def write(runs: list[dict[str, Any]]) -> None:
    """Write numbers, plot and page."""
    import importlib.util

    from benchmarks import report
    from docs.pages import publish

    NUMBERS.write_text(json.dumps(runs, indent=1) + "\n")
    if importlib.util.find_spec("matplotlib") is not None:
        report.draw(runs, PLOT)
    else:
        print("matplotlib is not installed: the plot stays as it was")
    publish(PAGE, lines(runs), "", False)
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
