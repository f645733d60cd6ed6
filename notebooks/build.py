"""Build the notebooks: the sources (*.py, py:percent) executed into *.ipynb with outputs.

python notebooks/build.py            write every .ipynb
python notebooks/build.py --check    execute the sources, and compare the cells of the committed .ipynb

A built notebook holds SVG, PNG and text only: nothing that needs trust or a network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def execute(source: Path) -> nbformat.NotebookNode:
    """Return the notebook of a py:percent source, with outputs."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    where = {"metadata": {"path": str(HERE.parent)}}  # so that the checkout is imported
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
        cell.metadata.clear()
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.pop("metadata", None) if output.output_type == "stream" else output.metadata.clear()
    notebook.metadata.pop("language_info", None)
    return notebook


def sources(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the kinds and texts of the cells."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def check(source: Path, fresh: nbformat.NotebookNode) -> list[str]:
    """Return what is wrong with the committed notebook of a source."""
    built = source.with_suffix(".ipynb")
    if not built.exists():
        return [f"{built.name} is missing: run python notebooks/build.py"]
    committed = nbformat.read(built, as_version=4)
    problems = []
    if sources(committed) != sources(fresh):
        problems.append(f"{built.name} does not have the cells of {source.name}: run python notebooks/build.py")
    for cell in committed.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                problems.append(f"{built.name} holds an error: {output.ename}: {output.evalue}")
            if "text/html" in output.get("data", {}) and "<iframe" in output.data["text/html"]:
                problems.append(f"{built.name} holds an iframe")
    return problems


def main() -> None:
    """Build or check every notebook."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    checking = parser.parse_args().check
    problems = []
    for source in sorted(HERE.glob("[0-9]*.py")):
        notebook = execute(source)
        if checking:
            problems += check(source, notebook)
        else:
            nbformat.write(notebook, source.with_suffix(".ipynb"))
        print(f"{source.name}: {len(notebook.cells)} cells")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
