"""Build the notebooks: the sources (*.py, py:percent) executed into *.ipynb with outputs.

python notebooks/build.py            write every .ipynb
python notebooks/build.py 03 04      write those of chapters 3 and 4
python notebooks/build.py --check    execute the sources, and compare the committed .ipynb: cells, and what they say

A built notebook holds text, LaTeX, PNG, SVG with a PNG beside it, and HTML with text beside it: nothing that needs
trust or a network.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

os.environ.pop("MPLBACKEND", None)  # with another than the notebook's own, pictures are lost without a word

HERE = Path(__file__).parent
FORMS = {"text/plain", "text/latex", "text/html", "image/png", "image/svg+xml"}
NUMBER = re.compile(r"(?<![A-Za-z_])[-+−]?(\b0x[0-9a-f]+|\d[\d.,]*(e[-+]?\d+)?)", re.I)
ACTIVE = re.compile(
    r"<(script|iframe|object|embed|link)\b|<[^>]*\son\w+ *=|javascript:|https?://(?!www\.w3\.org/)", re.I
)


def execute(source: Path) -> nbformat.NotebookNode:
    """Return the notebook of a py:percent source, with outputs."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    where = {"metadata": {"path": str(HERE.parent)}}  # so that the checkout is imported
    with tempfile.TemporaryDirectory() as sockets:
        files = {"transport": "ipc", "ip": f"{sockets}/kernel"}  # TCP makes ipykernel warn
        config = Config({"KernelManager": files if os.name == "posix" else {}})
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where, config=config)
        client.coalesce_streams = True  # else what is printed comes in pieces, other ones in each run
        client.execute()
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
        for name in set(cell.metadata) - {"jupyter"}:  # which says whose code is folded: that of pictures
            del cell.metadata[name]
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.pop("metadata", None) if output.output_type == "stream" else output.metadata.clear()
    notebook.metadata.pop("language_info", None)
    return notebook


def sources(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the kinds and texts of the cells."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def check(source: Path, fresh: nbformat.NotebookNode) -> list[str]:
    """Return what is wrong with the committed notebook of a source, and with the outputs that it has now."""
    built = source.with_suffix(".ipynb")
    if not built.exists():
        return [f"{built.name} is missing: run python notebooks/build.py"]
    committed = nbformat.read(built, as_version=4)
    problems = []
    if sources(committed) != sources(fresh):
        problems.append(f"{built.name} does not have the cells of {source.name}: run python notebooks/build.py")
    else:
        for i, (before, now) in enumerate(zip(said(committed), said(fresh), strict=True)):
            if before != now:
                problems.append(f"{built.name}: cell {i} now says other words: run python notebooks/build.py")
    return [*problems, *faults(committed, built.name), *faults(fresh, source.name)]


def said(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the words that each cell put out: its text without numbers, whose last digits depend on the machine."""
    texts = []
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        text = "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)
        texts.append(re.sub(r"\s+", " ", NUMBER.sub("#", text)))
    return texts


def faults(notebook: nbformat.NotebookNode, name: str) -> list[str]:
    """Return what outputs hold that they may not: errors, warnings, scripts, what a reader without trust cannot see."""
    problems = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if output.output_type == "error":
                problems.append(f"{name} holds an error: {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                problems.append(f"{name} holds a warning: {output.text}")
            for form in sorted(set(data) - FORMS):
                problems.append(f"{name} holds an output of type {form}")
            for form, instead in (("text/html", "text/plain"), ("image/svg+xml", "image/png")):
                if form in data and (found := ACTIVE.search(data[form])):
                    problems.append(f"{name} holds {found[0]!r} in {form}")
                if form in data and instead not in data:
                    problems.append(f"{name} holds {form} without {instead} beside it")
    return problems


def main() -> None:
    """Build or check every notebook."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="such as 03; otherwise all")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    found = sorted(HERE.glob("[0-9]*.py"))
    if unknown := set(given.chapters) - {source.name[:2] for source in found}:
        parser.error(f"there is no chapter {', '.join(sorted(unknown))}")
    problems = []
    for source in found:
        if given.chapters and source.name[:2] not in given.chapters:
            continue
        start = time.perf_counter()
        notebook = execute(source)
        if given.check:
            problems += check(source, notebook)
        else:
            problems += faults(notebook, source.name)
            nbformat.write(notebook, source.with_suffix(".ipynb"))
        print(f"{source.name}: {len(notebook.cells)} cells, {time.perf_counter() - start:.0f} s", flush=True)
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
