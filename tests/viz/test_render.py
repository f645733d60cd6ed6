"""Rendering: which program is used, what is done to its SVG, and what is said where there is none."""

import os
import re
import stat
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import RenderError
from autograd_mini.viz import draw, render
from autograd_mini.viz.theme import DARK, LIGHT, STEPS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    monkeypatch.delenv("AUTOGRAD_MINI_DOT", raising=False)


@pytest.fixture
def graph():
    x = ag.Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True, name="x")
    return draw(np.sum(x * x))


@pytest.fixture
def no_renderer(monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda *args, **kwargs: None)
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def fake(tmp_path):
    """Make a program that tells how it was called."""
    if os.name != "posix":
        pytest.skip("a script cannot be run as a program here")

    def make(name, code="sys.stdin.read(); print(sys.argv[0], *sys.argv[1:])"):
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nimport sys\n{code}\n", "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


# --- the renderers ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(render._graphviz_pure() is None, reason="graphviz-pure has no wheel for this machine")
def test_pip_alone_is_enough(graph, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert ElementTree.fromstring(graph.svg()).tag == f"{SVG}svg"
    assert graph.png().startswith(b"\x89PNG")
    assert len(graph.png(dpi=48)) < len(graph.png())


def test_the_variable_chooses_the_program(graph, monkeypatch, fake):
    chosen = fake("mydot")
    monkeypatch.setenv("AUTOGRAD_MINI_DOT", str(chosen))
    assert graph.png().split() == [str(chosen).encode(), b"-Tpng", b"-Gdpi=192"]
    assert render.find_program("pdf") == str(chosen)


def test_dot_is_taken_for_paper(monkeypatch, fake):
    dot = fake("dot")
    monkeypatch.setenv("PATH", str(dot.parent))
    assert render.find_program("pdf") == str(dot)
    assert render.find_program("svg") == (render._graphviz_pure() or str(dot))


def test_a_program_that_cannot_be_started(graph, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_MINI_DOT", "no-such-dot")
    with pytest.raises(RenderError, match=r"no-such-dot could not be started.*AUTOGRAD_MINI_DOT"):
        graph.svg()


def test_a_program_that_fails(graph, monkeypatch, fake):
    code = "sys.exit('Warning: no value for width of non-ASCII character 195\\nError: out of ink')"
    monkeypatch.setenv("AUTOGRAD_MINI_DOT", str(fake("dot", code)))
    with pytest.raises(RenderError, match=r"failed \(1\): Error: out of ink\. Without it"):
        graph.svg()


@pytest.mark.usefixtures("no_renderer")
def test_no_renderer(graph, tmp_path):
    with pytest.raises(RenderError, match=r"pip install graphviz-pure.*graph\.text\(\)"):
        graph.save(tmp_path / "graph.svg")
    with pytest.raises(RenderError, match=r"as pdf\. Install Graphviz's `dot`"):
        graph.save(tmp_path / "graph.pdf")
    assert not list(tmp_path.iterdir())
    bundle = graph._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert bundle["text/plain"].startswith(graph.text())
    assert "pip install graphviz-pure" in bundle["text/plain"]
    assert graph.save(tmp_path / "graph.gv").read_text("utf-8") == graph.source


def test_no_global_state_of_the_graphviz_package_is_changed(graph):
    import graphviz

    before = graphviz.backend.dot_command.DOT_BINARY, os.environ["PATH"]
    graph.svg()
    assert before == (graphviz.backend.dot_command.DOT_BINARY, os.environ["PATH"])


# --- saving and showing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("g.svg", b"<svg"),
        ("g.PNG", b"\x89PNG"),
        ("g.gv", b"digraph"),
        ("g.dot", b"digraph"),
        ("g.txt", b"graph of y\n"),
    ],
)
def test_save(graph, tmp_path, name, start):
    path = graph.save(tmp_path / name)
    assert path.read_bytes().startswith(start)
    assert graph.save(str(path)) == path


def test_save_where_nothing_can_be_written(graph, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"could not be saved.*may write to"):
        graph.save(tmp_path / "no" / "graph.gv")
    with pytest.raises(OSError, match="could not be saved"):
        (tmp_path / "folder.gv").mkdir()
        graph.save(tmp_path / "folder.gv")


@pytest.mark.parametrize("name", ["graph", "graph.nonsense"])
def test_save_without_a_known_format(graph, tmp_path, name):
    with pytest.raises(RenderError, match=r"format|nonsense"):
        graph.save(tmp_path / name)


def test_a_repr_never_raises(graph, monkeypatch, fake):
    bundle = graph._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "image/svg+xml", "image/png"]
    assert repr(graph) == bundle["text/plain"] == graph.text()
    monkeypatch.setenv("AUTOGRAD_MINI_DOT", str(fake("dot", "print('no picture')")))
    assert "text/plain" in graph._repr_mimebundle_()


def test_svg_fits_and_can_be_read_aloud(graph):
    tree = ElementTree.fromstring(graph.svg())
    assert {"viewBox", "width", "height"} <= set(tree.attrib)
    assert tree.get("style") == "max-width:100%;height:auto"
    assert (tree.get("role"), tree.get("aria-label")) == ("img", "graph of y")
    assert tree.find(f"{SVG}desc").text == graph.text()
    assert {"n0", "n1", "n2", "e0"} <= {element.get("id") for element in tree.iter()}


# --- themes ----------------------------------------------------------------------------------------------------


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(theme):
    for ground in (theme.paper, theme.group, theme.leaf, theme.constant, theme.result, theme.output):
        for ink in (theme.ink, theme.muted, theme.value, theme.gradient, theme.local, theme.fault):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert contrast(theme.on_fault, theme.fault) >= 4.5
    for step in range(-STEPS, STEPS + 1):
        ink, ground = theme.on(step), theme.heat[step + STEPS]
        assert contrast(ink, ground) >= 4.5, (step, ink, ground)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_no_colour_has_two_roles(theme):
    assert len(set(theme.colours())) == len(theme.colours()) == len(LIGHT.colours())


def test_auto_theme_turns_the_light_svg_into_the_dark_one():
    x = ag.Tensor([1.0, np.nan, -2.0, 0.5], requires_grad=True, name="x")
    with ag.scope("layer"):
        y = np.sum(x * [1.0, 2.0, 3.0, 0.0])
    light, dark, auto = (draw(y, theme=theme).svg() for theme in ("light", "dark", "auto"))
    style = re.search("<style>(.*)</style>\n", auto)
    assert auto.replace(style[0], "") == light
    for old, new in re.findall(r'\[fill="(#\w+)"\]{fill:(#\w+)}', style[1]):
        light = light.replace(f'="{old}"', f'="{new}"')
    assert light == dark
