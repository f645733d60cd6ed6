"""DOT to SVG, PNG, PDF: by the first renderer that is there, without touching any library's global state."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig

from ..errors import RenderError

__all__ = ["render"]

ADVICE = "pip install graphviz-pure"
PAPER_FORMATS = {"pdf", "ps", "eps"}  # which graphviz-pure does not write
NOISE = "no value for width of non-ASCII character"  # graphviz-pure says so of every é


def render(source: str, form: str, dpi: int | None = None) -> bytes:
    """Return DOT text as a picture.

    Tries ``$AUTOGRAD_MINI_DOT``, graphviz-pure, ``dot``, and pygraphviz; for PDF and PostScript ``dot`` first.

    Raises
    ------
    RenderError
        If there is no renderer, with the command that installs one; or if it failed, with its own words.
    """
    program = find_program(form)
    if program is not None:
        return _run([program, f"-T{form}", *([f"-Gdpi={dpi}"] if dpi else [])], source)
    if importlib.util.find_spec("pygraphviz") is not None:
        return _pygraphviz(source, form, dpi)
    wanted = "Graphviz's `dot` (or `pip install pygraphviz`)" if form in PAPER_FORMATS else f"`{ADVICE}`"
    raise RenderError(
        f"No program was found that renders the picture as {form}. Install {wanted}, or set AUTOGRAD_MINI_DOT to a "
        'Graphviz `dot`. Without one: graph.text(), or graph.save("graph.gv").'
    )


def find_program(form: str) -> str | None:
    """Return the path of the program to use for this format, if there is any."""
    chosen = os.environ.get("AUTOGRAD_MINI_DOT")
    if chosen:
        return chosen
    if form in PAPER_FORMATS:
        return shutil.which("dot")
    return _graphviz_pure() or shutil.which("dot")


def _graphviz_pure() -> str | None:
    """Look on PATH, and where pip puts programs: a notebook's kernel often runs without its environment's PATH."""
    folders = [None, sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")]
    return next(filter(None, (shutil.which("graphviz-pure", path=folder) for folder in folders)), None)


def _run(command: list[str], source: str) -> bytes:
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    except OSError as error:
        raise RenderError(
            f"The renderer {command[0]} could not be started ({error.strerror}). Is AUTOGRAD_MINI_DOT set rightly?"
        ) from error
    if done.returncode or not done.stdout:
        words = [line for line in done.stderr.decode(errors="replace").splitlines() if NOISE not in line]
        said = " ".join(words).strip()[:200].rstrip(".") or "it said nothing"
        raise RenderError(f"The renderer {command[0]} failed ({done.returncode}): {said}. {_other_way(command[1][2:])}")
    return done.stdout


def _other_way(form: str) -> str:
    if form in {"svg", "png", *PAPER_FORMATS}:
        return 'Without it: graph.text(), or graph.save("graph.gv").'
    return f"Is {form!r} a format that it knows? SVG and PNG always are."


def _pygraphviz(source: str, form: str, dpi: int | None) -> bytes:
    import pygraphviz

    graph = pygraphviz.AGraph(string=source)
    if dpi:
        graph.graph_attr["dpi"] = str(dpi)
    return graph.draw(format=form, prog="dot")  # type: ignore[no-any-return]
