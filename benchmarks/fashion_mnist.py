"""Fashion-MNIST: nn.fit beside PyTorch and scikit-learn, the gradient on a Dask cluster, a set larger than memory.

python benchmarks/fashion_mnist.py train     ten epochs, three seeds; needs pip install '.[peers]' for the peers
python benchmarks/fashion_mnist.py dask      the full-batch gradient on one and two processes; needs '.[dask]'
python benchmarks/fashion_mnist.py memory    a made-up set larger than the memory of a process, both ways
python benchmarks/fashion_mnist.py --quick   a self-check of all of these, on made-up images, no peer
python benchmarks/fashion_mnist.py all --write   all three, and into docs/performance.md

The images are those of Debian's package dataset-fashion-mnist, or those in --folder, or are downloaded once.
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

NUMBERS = ROOT / "docs" / "fashion_mnist.json"
LIBRARIES = {
    "train": ("numpy", "torch", "scikit-learn"),
    "dask": ("numpy", "dask", "distributed"),
    "memory": ("numpy", "dask", "distributed"),
}


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=("train", "dask", "memory", "all"))
    parser.add_argument("--quick", action="store_true", help="a self-check of the script")
    parser.add_argument("--folder", type=Path, help="where the four files are, or are downloaded to")
    parser.add_argument("--epochs", type=int, default=10, metavar="N")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--without", default="", metavar="NAME[,NAME]", help="who is not to train beside nn.fit")
    parser.add_argument("--chunk", type=int, default=6000, metavar="ROWS", help="of a chunk of Dask's")
    parser.add_argument("--megabytes", type=int, default=500, metavar="N", help="what a process may allocate")
    parser.add_argument("--chunks", type=int, default=128, metavar="N", help="of 5,000 rows, in the large set")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and the numbers behind it")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    options = parsed()
    if options.child:
        environment.fix(1, cores=2)
        child(*options.child)
        return
    what = ("train", "dask", "memory") if options.what == "all" else (options.what,)
    environment.fix(1, cores=1 if what == ("train",) else 2)
    from benchmarks.fashion.data import DataError

    try:
        found = self_check() if options.quick else measured(options, what)
    except DataError as error:
        sys.exit(f"fashion_mnist.py: {error}")
    if options.write and not options.quick:
        old = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
        NUMBERS.write_text(json.dumps(old | found, indent=1) + "\n")
        from benchmarks import performance
        from docs.pages import publish

        publish(performance.PAGE, performance.lines(json.loads(performance.NUMBERS.read_text())), "", False)
        print(f"wrote {performance.PAGE.relative_to(ROOT)}")


def measured(options: argparse.Namespace, what: tuple[str, ...]) -> dict[str, Any]:
    """Measure what was asked for; print tables."""
    from benchmarks.fashion import cluster, larger, training
    from benchmarks.fashion.data import load

    found: dict[str, Any] = {}
    images = load(options.folder) if what != ("memory",) else None
    for key in what:
        if key == "train":
            names = [name for name in training.PEERS if name not in options.without.split(",")]
            module, result = training, training.measure(images, options.seeds, options.epochs, names)
            result |= {"epochs": options.epochs, "seeds": options.seeds}
        elif key == "dask":
            module, result = cluster, cluster.measure(images, options.chunk)
        else:
            module, result = larger, larger.measure(Path(__file__), options.chunks, options.megabytes)
            if wrong := larger.failed(result):
                sys.exit(f"fashion_mnist.py: {'; '.join(wrong)}")
        found[key] = result | {"environment": environment.described(1, LIBRARIES[key])}
        show(module, found[key])
    return found


def show(module: Any, part: dict[str, Any]) -> None:
    """Print a table and what came of the goals."""
    from benchmarks.report import aligned

    print("\n".join(["", *aligned([module.HEADS, *module.lines(part)])]))
    if hasattr(module, "verdicts"):
        print("\n".join(module.verdicts(part)).replace("**", ""))
    print(part["environment"]["kernel"], flush=True)


def self_check() -> dict[str, Any]:
    """Run everything for a moment on made-up images; stop if something does not hold."""
    import importlib.util

    from benchmarks.fashion import cluster, larger, page, training
    from benchmarks.fashion.data import made_up

    images = made_up()
    found = {"train": training.measure(images, 1, 2, ["tuned", "products"])}
    wrong = []
    if not found["train"]["accuracy"][training.OURS][0] > 0.9:
        wrong.append("two epochs must learn to tell ten pictures apart")
    dask = importlib.util.find_spec("distributed") is not None
    if dask:
        found["dask"] = cluster.measure(images, 1500, rounds=1, workers=(1,))
        if not max(found["dask"]["difference"].values()) <= cluster.ROUNDING:
            wrong.append(f"the gradient on a cluster is another one: {found['dask']['difference']}")
    found["memory"] = larger.measure(Path(__file__), 10, 130, dask=False)
    wrong += larger.failed(found["memory"])
    for key, part in found.items():
        part |= {"environment": environment.described(1, LIBRARIES[key]), "epochs": 2, "seeds": 1, "rounds": 1}
        show({"train": training, "dask": cluster, "memory": larger}[key], part)
    if len(list(page.section(found))) < 10:
        wrong.append("the page lacks its part")
    if wrong:
        sys.exit(f"self-check failed: {'; '.join(wrong)}")
    return found


def child(way: str, path: str, megabytes: str) -> None:
    """Print what came of one way, as JSON: this process does nothing else."""
    from benchmarks.fashion import larger

    function = {"fit": larger.fit, "gradient": larger.gradient}[way]
    print(json.dumps(function(Path(path), int(megabytes))))


if __name__ == "__main__":
    main()
