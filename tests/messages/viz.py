"""What goes wrong with pictures: their options, their files, their renderers."""

import os
from pathlib import Path
from unittest import mock

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from .tensor import leaf

Y = np.sum(leaf([1.0, 2.0], name="x") * 2)
with ag.scope("layer1"):
    SCOPED = Y * 1.0


def rendered(form="svg", **settings):
    """Render under other settings of the environment."""
    with mock.patch.dict(os.environ, settings):
        return ag.draw(Y).save(f"picture.{form}")


def without_renderer():
    where = "autograd_mini.viz.render"
    programs = mock.patch(f"{where}.find_program", lambda form: None)
    packages = mock.patch(f"{where}.importlib.util.find_spec", lambda name: None)
    with programs, packages:
        return ag.draw(Y).svg()


ROWS = {
    "ag.draw(y, theme='pink')": (
        lambda: ag.draw(Y, theme="pink"),
        ValueError,
        ["theme='pink'", "'light', 'dark', 'auto'"],
    ),
    "ag.draw(y, rankdir='lr')": (lambda: ag.draw(Y, rankdir="lr"), ValueError, ["rankdir='lr'", "'LR', 'TB'"]),
    "ag.draw(y, theme=['dark'])": (lambda: ag.draw(Y, theme=["dark"]), ValueError, [r"theme=\['dark'\]", "'dark'"]),
    "ag.draw(y, title=3)": (lambda: ag.draw(Y, title=3), TypeError, ["title is a int", "text, or None"]),
    "ag.draw(y, max_nodes='all')": (
        lambda: ag.draw(Y, max_nodes="all"),
        TypeError,
        ["max_nodes is a str", "max_nodes=300"],
    ),
    "ag.draw(y, max_nodes=1)": (
        lambda: ag.draw(Y, max_nodes=1),
        errors.AutogradError,
        ["draw: this graph has 3 values", "max_nodes=1", "collapse=True", "max_nodes=3"],
    ),
    "ag.draw(y, notes='text')": (lambda: ag.draw(Y, notes="text"), TypeError, ["notes must be a dict", "'layer1'"]),
    "ag.draw(y, notes={'layer2': ...})": (
        lambda: ag.draw(SCOPED, notes={"layer2": "?"}),
        ValueError,
        ["notes= has 'layer2'", "no scope of this graph: layer1"],
    ),
    "ag.draw(y without scopes, notes=...)": (
        lambda: ag.draw(Y, notes={"layer1": "?"}),
        ValueError,
        ["notes= has 'layer1'", "it has none", r"with ag\.scope\(name\)"],
    ),
    "graph.save('picture')": (
        lambda: ag.draw(Y).save("picture"),
        errors.RenderError,
        ["name says the format", "no ending", r"save\(\"graph\.svg\"\)"],
    ),
    "graph.save(None)": (
        lambda: ag.draw(Y).save(None),
        TypeError,
        [r"graph\.save: path is None", r"graph\.svg"],
    ),
    "graph.save(no such folder)": (
        lambda: ag.draw(Y).save(Path(__file__) / "picture.gv"),
        OSError,
        ["could not be saved", "folder you may write to"],
    ),
    "graph.png(dpi=-1)": (lambda: ag.draw(Y).png(dpi=-1), ValueError, ["dpi is -1", "1 to 10000"]),
    "graph.png(dpi='high')": (lambda: ag.draw(Y).png(dpi="high"), ValueError, ["dpi is 'high'", "number"]),
    "AUTOGRAD_MINI_DOT=/nowhere": (
        lambda: rendered(AUTOGRAD_MINI_DOT="/nowhere/dot"),
        errors.RenderError,
        ["/nowhere/dot could not be started", "AUTOGRAD_MINI_DOT"],
    ),
    "a renderer that fails": (
        lambda: rendered(AUTOGRAD_MINI_DOT="/bin/false"),
        errors.RenderError,
        [r"/bin/false failed \(1\): it said nothing\.", r"graph\.save\(\"graph\.gv\"\)"],
    ),
    "graph.save('picture.docx')": (
        lambda: rendered("docx", AUTOGRAD_MINI_DOT="/bin/false"),
        errors.RenderError,
        [r"failed \(1\)", "'docx' a format that it knows", "SVG and PNG"],
    ),
    "no renderer": (
        without_renderer,
        errors.RenderError,
        ["as svg", "pip install graphviz-pure", r"graph\.text\(\)"],
    ),
}
