"""Write docs/coverage.md from the table of rules and the rows of its tests.

python docs/build_coverage.py            write it
python docs/build_coverage.py --check    fail if it is stale (on other releases of NumPy or SciPy: say so and pass)
python docs/build_coverage.py --peers    try every row on the installed peers first, for coverage_peers.json
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import autograd_mini as ag
from autograd_mini.table import TABLE, Composite, Constant, Plain, Refused, Rule
from docs.pages import publish
from tests import modes
from tests.cases import CASES
from tests.cases.undispatched import UNDISPATCHED
from tests.generated import (
    cotangents,
    evaluate,
    gradient,
    low,
    named,
    operands,
    ours,
    outputs,
    result_of,
    signature_of,
    used,
)

PAGE, PEERS = Path(__file__).with_name("coverage.md"), Path(__file__).with_name("coverage_peers.json")
LIBRARIES = ("numpy", "scipy")
SETS = {Rule: "primitive", Composite: "composite", Constant: "constant", Plain: "plain", Refused: "refused"}
GROUPS = {
    "np.linalg.": "numpy.linalg", "np.fft.": "numpy.fft", "np.ufunc.": "methods of ufuncs", "np.lib.": "numpy.lib",
    "scipy.special.": "scipy.special (ufuncs)", "autograd_mini.scipy.": "ag.scipy (plain functions)", "np.": "numpy",
    "": "own (indexing, assignment, logsumexp)",
}  # fmt: skip
CONTENTS = (
    "Every function that dispatches on a Tensor is in one of five sets: *primitive* (a rule), *composite* (lines over "
    "primitives), *constant* (no cotangent passes), *plain* (metadata), *refused*. What is in none raises "
    "`MissingRuleError`; an argument that no row of the tests uses is refused at the call, by name."
)


def group(name: str) -> str:
    """Return the part of the library that a function belongs to."""
    return next(title for prefix, title in GROUPS.items() if name.startswith(prefix))


def entries() -> dict[str, tuple[Any, str]]:
    """Return, for each function by name, the function and its set."""
    kinds = list(SETS)
    table = sorted(TABLE.items(), key=lambda item: -kinds.index(type(item[1])))  # of one name, the best comes last
    found = {named(f).replace("_operator.", "operator."): (f, SETS[type(entry)]) for f, entry in table if ours(f)}
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))


# --- what the rows say about a function ----------------------------------------------------------------------------


def arguments(function: Any) -> tuple[list[str], list[str]]:
    """Return the arguments that some row uses, and those that are refused."""
    if isinstance(function, np.ufunc):
        return [], []
    signature = signature_of(function)
    if signature is None:
        return [], []
    tried = used(function)
    loose = [name for name, p in signature.parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return [name for name in loose if name in tried], [name for name in loose if name not in tried and name != "like"]


def dtypes(function: Any) -> str:
    """Return the dtypes in which a row of the function can be evaluated, and hence is differentiated in the tests."""
    found = set()
    for case in CASES[function]:
        xs = operands(case)
        found |= {x.dtype.char for x in xs}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            for change in (lambda x: low(np.float16, x), lambda x: low(np.float32, x), lambda x: x + 0.3j):
                try:
                    evaluate(function, case, [change(x) for x in xs])
                except Exception:
                    continue
                found |= {change(x).dtype.char for x in xs}
    return "".join(char for char in "efdFD" if char in found)


# --- the peers ------------------------------------------------------------------------------------------------------


def peers() -> dict[str, Any]:
    """Return, for each installed peer, a function that gives its gradient on a row."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import autograd.numpy
            import autograd.scipy.special
            from autograd.builtins import SequenceBox

            namespaces = {"np": autograd.numpy, "scipy": autograd.scipy}
            found["autograd"] = functional(autograd.grad, namespaces, SequenceBox)
        except ImportError:
            pass
        try:
            import jax
            import jax.numpy
            import jax.scipy.special

            jax.config.update("jax_enable_x64", True)
            found["jax"] = functional(jax.grad, {"np": jax.numpy, "scipy": jax.scipy})
        except ImportError:
            pass
        try:
            import mygrad

            found["mygrad"] = dispatching(mygrad)
        except ImportError:
            pass
    return found


def loss(namespace: Any, result: Any, cs: list[Any]) -> Any:
    """Return the cotangents' pairing with a result: one real number."""
    terms = [namespace.sum(c * y) for c, y in zip(cs, outputs(result), strict=True)]
    terms = [namespace.real(term) if np.iscomplexobj(c) else term for c, term in zip(cs, terms, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def functional(grad: Any, namespaces: dict[str, Any], boxed: type | tuple[()] = ()) -> Any:
    """Return how a peer with a namespace of its own and a ``grad`` differentiates a row.

    Instances of ``boxed`` are what it makes of a tuple of results.
    """
    from tests.generated import filled

    def differentiate(name: str, _function: Any, case: Any, xs: list[Any], cs: list[Any]) -> list[Any]:
        library, *path = name.split(".")
        function = namespaces[library]
        for part in path:
            function = getattr(function, part)

        def value(*xs: Any) -> Any:
            it = iter(xs)
            result = result_of(function, filled(case.args, it), filled(case.kwargs, it))
            return loss(namespaces["np"], tuple(result) if isinstance(result, boxed) else result, cs)

        return [np.asarray(grad(value, i)(*xs)) for i in range(len(xs))]

    return differentiate


def dispatching(mygrad: Any) -> Any:
    """Return how a peer on whose arrays NumPy itself works differentiates a row."""
    from tests.generated import filled

    def differentiate(_name: str, function: Any, case: Any, xs: list[Any], cs: list[Any]) -> list[Any]:
        leaves = [mygrad.tensor(x) for x in xs]
        it = iter(leaves)
        result = result_of(function, filled(case.args, it), filled(case.kwargs, it))
        loss(np, result, cs).backward()
        return [np.zeros_like(x) if leaf.grad is None else leaf.grad for leaf, x in zip(leaves, xs, strict=True)]

    return differentiate


def verdict(differentiate: Any, name: str, function: Any, case: Any) -> str:
    """Return whether a peer's gradient on a row is right, wrong, or refused."""
    xs = operands(case)
    cs = cotangents(evaluate(function, case, xs))
    expected = gradient(function, case, xs, cs)
    try:
        got = differentiate(name, function, case, xs, cs)
    except Exception:
        return "refused"
    for g, e in zip(got, expected, strict=True):
        tolerance = 1e-3 if any(c.dtype.itemsize <= 8 and c.dtype.char in "fF" for c in cs) else 1e-6
        if g.shape != e.shape or not np.allclose(g, e, rtol=tolerance, atol=tolerance):
            return "wrong"
    return "right"


def ask_peers() -> None:
    """Try every row on every peer; go on where an interrupted run stopped, and after rows were added."""
    asked = peers()
    releases = {peer: importlib.metadata.version(peer) for peer in asked}
    result: dict[str, Any] = {"releases": releases, "rows": {}}
    if PEERS.exists() and (before := json.loads(PEERS.read_text()))["releases"] == releases:
        result = before
    for name, (function, kind) in entries().items():
        rows = CASES.get(function, [])
        tried = result["rows"].get(name, {})
        if kind not in ("primitive", "composite") or not name.startswith(("np.", "scipy.")) or "np.ufunc" in name:
            continue
        if tried and all(sum(count.values()) == len(rows) for count in tried.values()):
            continue
        counts = {peer: Counter({"right": 0, "wrong": 0, "refused": 0}) for peer in asked}
        for case in rows:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                for peer, differentiate in asked.items():
                    counts[peer][verdict(differentiate, name, function, case)] += 1
        result["rows"][name] = {peer: dict(count) for peer, count in counts.items()}
        print(name, {peer: "/".join(map(str, count.values())) for peer, count in counts.items()}, flush=True)
        PEERS.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


# --- the page --------------------------------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in row)} |"
    yield ""


def mark(count: dict[str, int] | None) -> str:
    """Return how a peer did on a function's rows: right of all, and how many differ without a word."""
    if count is None or not any(count.values()):
        return ""
    if not count["right"] and not count["wrong"]:
        return "–"
    wrong = f", **{count['wrong']} differ**" if count["wrong"] else ""
    return f"{count['right']}/{sum(count.values())}{wrong}"


def releases() -> dict[str, str]:
    """Return the minor releases of the libraries that the page is about."""
    return {name: ".".join(importlib.metadata.version(name).split(".")[:2]) for name in LIBRARIES}


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    known, asked = entries(), json.loads(PEERS.read_text())
    rows, names = {name: row for name, row in asked["rows"].items() if name in known}, list(asked["releases"])
    yield "# What is differentiated"
    yield ""
    yield f"Written by `python docs/build_coverage.py` for {stamp()}. {CONTENTS}"
    yield ""
    yield "## Counts"
    yield ""
    count = Counter((group(name), kind) for name, (_, kind) in known.items())
    total = Counter(kind for _, kind in known.values())
    body = [[title, *(count[title, kind] for kind in SETS.values())] for title in GROUPS.values()]
    yield from table(["", *SETS.values()], [*body, ["all", *(total[kind] for kind in SETS.values())]])
    yield from peer_counts(rows, asked["releases"])
    yield "## Differentiated"
    yield ""
    yield (
        "Every row of `tests/cases` is checked in value; at order 1 against a complex step or differences, at orders 2 "
        "and 3 against differences of the order below; in reverse mode, in forward mode, and with cotangents batched "
        "against one by one. *Arguments* are those that some row uses; *refused* ones raise at the call. *Dtypes*: "
        "e, f, d for float16, 32, 64; F, D for complex64 and 128. *Batched*: a Jacobian's cotangents go all at once; "
        f"else these go one by one. {', '.join(f'*{n}*' for n in names)}: rows that the peer differentiates right."
    )
    yield ""
    one_by_one = modes.one_by_one_functions()
    for title in GROUPS.values():
        body = []
        for name, (function, kind) in known.items():
            if kind in ("primitive", "composite") and group(name) == title and function in CASES:
                used, refused = arguments(function)
                body.append([
                    f"`{name}`", kind, ", ".join(used), ", ".join(refused), dtypes(function), len(CASES[function]),
                    ", ".join(one_by_one.get(named(function), ["yes"])),
                    *(mark(rows.get(name, {}).get(peer)) for peer in names),
                ])  # fmt: skip
        if body:
            yield f"### {title}"
            yield ""
            head = ["function", "set", "arguments", "refused", "dtypes", "rows", "batched"]
            yield from table([*head, *names], body)
    yield "## Operands that are refused"
    yield ""
    yield "These functions are differentiated by their other operands; by these, a gradient is refused at the call."
    yield ""
    yield from table(
        ["function", "operand", "reason"],
        [
            [f"`{name}`", TABLE[function].operands[i], reason]
            for name, (function, kind) in known.items()
            if kind == "primitive"
            for i, reason in TABLE[function].refusals.items()
            if TABLE[function].operands[i] != "index"  # which has no derivative anyway
        ],
    )
    yield "## Functions that are refused"
    yield ""
    refused = [(name, TABLE[function].reason) for name, (function, kind) in known.items() if kind == "refused"]
    yield from table(["function", "reason"], [[f"`{name}`", reason] for name, reason in refused])
    for kind, what in (("constant", "Constant: no cotangent passes"), ("plain", "Plain: metadata")):
        yield f"## {what}"
        yield ""
        yield ", ".join(f"`{name}`" for name, (_, k) in known.items() if k == kind)
        yield ""
    yield "## Not dispatchable"
    yield ""
    yield "NumPy gives these functions no way to look for a Tensor. Where a gradient would be lost, they raise."
    yield ""
    yield from table(["call", "instead"], [[f"`{call}`", f"`{rewrite}`"] for call, rewrite in UNDISPATCHED.items()])


def peer_counts(rows: dict[str, Any], versions: dict[str, str]) -> Iterator[str]:
    """Yield the table of what the peers make of the rows."""
    yield (
        "The same rows on the peers (functions of NumPy and `scipy.special`; a row is one call with its arguments). "
        "The judge is NumPy's own function, by differences. *Differ* counts other values, given without a word: "
        "most are wrong (an ignored keyword, a lost path, another shape); `cholesky`, `eigh`, `eigvalsh` and "
        "`hermitian=True` of JAX, and `cholesky` of HIPS autograd, are another convention (they take both triangles "
        "for one, where NumPy reads one of them)."
    )
    yield ""
    body = []
    for peer, version in versions.items():
        count: Counter[str] = Counter()
        functions = 0
        for counts in rows.values():
            count.update(counts[peer])
            functions += counts[peer]["right"] > 0
        body.append([f"{peer} {version}", functions, count["right"], count["wrong"], count["refused"]])
    everything = sum(sum(next(iter(c.values())).values()) for c in rows.values())
    body.append([f"autograd_mini {ag.__version__}", len(rows), everything, 0, 0])
    yield from table(["", "functions", "rows right", "rows that differ without a word", "rows refused"], body)


def stamp() -> str:
    """Return the releases, as the page says them."""
    return " and ".join(f"{name} {version}" for name, version in releases().items())


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    if options.check and stamp() not in PAGE.read_text():
        print(f"{PAGE.name} was written for other releases than {stamp()}: not checked")
        return
    if options.peers:
        ask_peers()
    publish(PAGE, list(page()), "python docs/build_coverage.py", options.check)


if __name__ == "__main__":
    main()
