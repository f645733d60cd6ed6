"""The arrows between modules, read from their imports; the public names; no trace of any one machine."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# rules -> table <- tensor -> graph <- program <- source <- compile; the rest hangs off the side.
# An arrow may skip a step: who may import program may import what program rests on.
LEAVES = {"errors", "trees", "arrays"}
CORE = {
    "errors": set(),
    "trees": {"errors"},
    "arrays": {"errors"},
    "graph": {"errors", "arrays"},
    "table": LEAVES,
    "rules": LEAVES | {"table"},
    "recording": {"errors"},  # the state of recording, apart from tensor: open to whoever may import tensor
    "tensor": LEAVES | {"table", "graph", "recording"},
    "program": {"errors"},
    "simplify": LEAVES | {"program", "rules"},
    "source": LEAVES | {"table", "rules", "program", "simplify"},
}
OFF_THE_SIDE = LEAVES | {"tensor", "recording", "graph", "table"}
ALLOWED = CORE | {
    "transforms": OFF_THE_SIDE,
    "batching": OFF_THE_SIDE | {"rules"},
    "jacobians": OFF_THE_SIDE | {"transforms", "batching"},
    "checkpointing": OFF_THE_SIDE | {"transforms", "batching"},
    "measure": OFF_THE_SIDE,
    "hypotheses": OFF_THE_SIDE | {"measure"},
    "diagnose": OFF_THE_SIDE | {"measure", "hypotheses"},
    "check": OFF_THE_SIDE | {"transforms", "measure", "diagnose"},
    "dispatch": OFF_THE_SIDE | {"rules"},
    "places": {"recording"},
    "debugging": OFF_THE_SIDE | {"rules", "places"},
    "reasons": OFF_THE_SIDE | {"debugging", "places"},
    "tracing": OFF_THE_SIDE | {"places", "program", "simplify", "rules"},
    "compiling": OFF_THE_SIDE | {"program", "simplify", "tracing", "emit", "emit_numba", "guards"},
    "scipy": OFF_THE_SIDE | {"transforms", "rules"},
    "alone": set(),  # reads bytecode
    "guards": {"alone", "program", "tensor"},
    "unrolled": {"program", "rules"},
    "emit_floats": {"program", "source", "tracing", "unrolled"},
    "emit_levels": {"program", "table", "unrolled"},
    "buffers": {"program", "rules", "tracing"},
    "emit_numpy": {"program", "rules", "source", "tracing", "buffers"},
    "numba_files": set(),
    "numba_loops": set(),
    "numba_listing": {"numba_loops"},
    "numba_steps": {"program", "rules", "tracing", "numba_files", "numba_loops"},
    "numba_plan": {"program", "simplify", "source", "numba_steps", "numba_listing", "numba_loops"},
    "emit_numba": {
        "errors",
        "program",
        "simplify",
        "emit",
        "numba_files",
        "numba_listing",
        "numba_loops",
        "numba_plan",
        "numba_steps",
    },
    "emit": {"program", "rules", "unrolled", "emit_floats", "emit_levels", "emit_numpy"},
    "viz": OFF_THE_SIDE | {"program", "simplify", "source", "tracing"},
}


def imports(source, package):
    """Dotted names that `source`, a module in `package`, imports; `from p import n` gives `p.n`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            base = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def engine_arrows(source, package="autograd_mini"):
    """Units of the engine (a module or folder right below it) that `source` imports."""
    for name in imports(source, package):
        top, _, rest = name.partition(".")
        if top == "autograd_mini":
            yield rest.split(".")[0] or "__init__"


def private_uses(source, public):
    """Everything of the engine that `source` touches and that is not in `public`."""
    aliases = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "autograd_mini":
                    aliases.add(alias.asname or alias.name)
                elif alias.name.startswith("autograd_mini."):
                    yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            if (node.module or "").startswith("autograd_mini."):
                yield node.module
            elif node.module == "autograd_mini":
                yield from (alias.name for alias in node.names if alias.name not in public)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            if node.attr not in public:
                yield f"{node.value.id}.{node.attr}"


def modules(package):
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("module", modules("autograd_mini"))
def test_engine_arrow(module):
    source = (ROOT / module).read_text("utf-8")
    package, unit = ".".join(module.split("/")[:-1]), module.split("/")[1].removesuffix(".py")
    tops = {name.split(".")[0] for name in imports(source, package)}
    assert "nn" not in tops, "the engine never imports nn"
    if unit == "__init__":
        return  # the public face gathers from everywhere
    assert unit in ALLOWED, f"no arrows are stated for {unit}: add it to ALLOWED, as the design has it"
    wrong = set(engine_arrows(source, package)) - ALLOWED[unit] - {unit}
    assert not wrong, f"{unit} may import {sorted(ALLOWED[unit])}, and imports {sorted(wrong)}"


@pytest.mark.parametrize("module", modules("nn"))
def test_nn_uses_public_names_only(module):
    public = {"__version__", *importlib.import_module("autograd_mini").__all__}
    wrong = sorted(set(private_uses((ROOT / module).read_text("utf-8"), public)))
    assert not wrong, f"not in autograd_mini.__all__: {wrong}"


def test_delta_rules_rest_on_numpy_only():
    tops = {name.split(".")[0] for name in imports((ROOT / "nn/delta.py").read_text("utf-8"), "nn")}
    outside = tops - sys.stdlib_module_names - {"numpy"}
    assert not outside, f"nn/delta checks the engine, so it must rest on nothing but NumPy: {outside}"


def test_no_arrow_forms_a_circle():
    for unit in ALLOWED:
        reached, frontier = set(), {unit}
        while frontier:
            frontier = set().union(*(ALLOWED[u] for u in frontier)) - reached
            reached |= frontier
        assert unit not in reached, f"{unit} could reach itself"


@pytest.mark.parametrize(
    ("source", "package", "arrows"),
    [
        ("from .tensor import Tensor", "autograd_mini", {"tensor"}),
        ("from . import graph, table", "autograd_mini", {"graph", "table"}),
        ("from ..table import defvjp", "autograd_mini.rules", {"table"}),
        ("from .. import errors\nfrom . import shape", "autograd_mini.rules", {"errors", "rules"}),
        ("def f():\n    import autograd_mini.viz.page", "autograd_mini", {"viz"}),
        ("import autograd_mini as ag", "autograd_mini", {"__init__"}),
        ("import numpy as np\nfrom scipy.special import erf", "autograd_mini", set()),
    ],
)
def test_arrows_are_read(source, package, arrows):
    assert set(engine_arrows(source, package)) == arrows


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import autograd_mini as ag\nag.grad(f)", set()),
        ("from autograd_mini import grad", set()),
        ("import autograd_mini as ag\nag.tensor.record()", {"ag.tensor"}),
        ("from autograd_mini import tensor", {"tensor"}),
        ("from autograd_mini.tensor import Tensor", {"autograd_mini.tensor"}),
        ("import autograd_mini.graph", {"autograd_mini.graph"}),
    ],
)
def test_private_uses_are_found(source, wrong):
    assert set(private_uses(source, public={"grad"})) == wrong


@pytest.mark.parametrize("name", ["autograd_mini", "nn"])
def test_public_names(name):
    package = importlib.import_module(name)
    assert list(package.__all__) == sorted(set(package.__all__)), "not sorted, or a name stands twice"
    missing = [public for public in package.__all__ if not hasattr(package, public)]
    assert not missing, f"in {name}.__all__ but not in {name}: {missing}"


# In pieces, so that this file does not find itself.
PLACES = re.compile(r"(?<![\w.])/(" + "|".join(["work", "root", "home", "tmp"]) + ")/")
INDEXES = re.compile("(" + "|".join(["pypi", "pythonhosted"]) + r")\.org|--(extra-)?index-url")


@pytest.mark.parametrize(
    ("pattern", "found", "passed"),
    [
        (PLACES, "open('{}/a')", "open('frame{}/a')"),
        (PLACES, "file://{}/x", "https://example.org{}/x"),
    ],
)
def test_absolute_paths_are_found(pattern, found, passed):
    assert pattern.search(found.format("/" + "tmp"))
    assert not pattern.search(passed.format("/" + "tmp"))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (PLACES, "an absolute path is right on one machine only"),
        (INDEXES, "where packages come from is for each machine's pip to say"),
    ],
    ids=["paths", "indexes"],
)
def test_names_no_machine(checkout, pattern, why):
    assert checkout
    hits = []
    for path in checkout:
        content = (ROOT / path).read_bytes()
        if b"\0" in content:
            continue  # not text
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if match := pattern.search(line):
                hits.append(f"{path}:{number}: {match.group()}")
    assert not hits, why + ":\n" + "\n".join(hits)
