"""Formulas: what Python writes as LaTeX and as MathML."""

from xml.etree import ElementTree

import pytest

import autograd_mini as ag
from autograd_mini.viz.mathematics import Reader, latex, mathml, quantity, read

from .nets import GRAPHS

DZ1 = r"\frac{\partial y}{\partial z_{1}}"
WRITTEN = {
    "a + b - c": "a + b - c",
    "a - (b - c)": "a - (b - c)",
    "a * (b * c)": r"a \cdot (b \cdot c)",
    "(a + b) * c": r"(a + b) \cdot c",
    "2 * h1": r"2 \, h_{1}",
    "-a * b": r"-a \cdot b",
    "a * -b": r"a \cdot (-b)",
    "-(a + b)": "-(a + b)",
    "(-a) ** 2": "(-a)^{2}",
    "x ** -1": "x^{-1}",
    "z1 / h2": r"\frac{z_{1}}{h_{2}}",
    "d_z1 / h2": rf"{DZ1} \cdot \frac{{1}}{{h_{{2}}}}",
    "d_z1[0, 1]": r"\frac{\partial y}{\partial z_{1}[0, 1]}",
    "d_z1.T @ x": rf"\left({DZ1}\right)^{{\top}} \, x",
    "x @ W.T": r"x \, W^{\top}",
    "np.exp(z1 - z2)": "e^{z_{1} - z_{2}}",
    "np.sqrt(x)": r"\sqrt{x}",
    "np.square(x + 1)": "(x + 1)^{2}",
    "np.abs(x)": "|x|",
    "np.log(p)": r"\log(p)",
    "sigmoid(z)": r"\sigma(z)",
    "np.sum(d_z1, axis=0)": rf"\sum_{{\mathrm{{axis}}=0}} {DZ1}",
    "np.sum(d_z1, axis=-1)": rf"\sum_{{\mathrm{{axis}}=-1}} {DZ1}",
    "np.where(c, 0, g)": r"\operatorname{where}(c, 0, g)",
    "g * (h1 > 0)": r"g \cdot [h_{1} > 0]",
    "t1 = 1 - y; g * t1": r"t_{1} = 1 - y;\quad g \cdot t_{1}",
    "d_x += d_z1": rf"\frac{{\partial y}}{{\partial x}} \mathrel{{+}}= {DZ1}",
    "1e-05 * x": r"1 \times 10^{-5} \, x",
    "0.3333333333333333": "0.3333",
    "np.inf": r"\infty",
    "eps + sigma_1 + loss": r"\varepsilon + \sigma_{1} + \mathrm{loss}",
    "x[1:3]": "x[1:3]",
    "x[:, None]": r"x[:, \mathrm{None}]",
}


@pytest.mark.parametrize("source", WRITTEN)
def test_latex(source):
    assert latex(source) == WRITTEN[source]


def test_arrays_are_multiplied_entry_by_entry():
    assert latex("d_h * (1 - h * h)", arrays=True).count(r"\odot") == 2
    assert r"\odot" not in latex("2 * h @ W", arrays=True)


def test_the_result_s_name_is_in_every_cotangent():
    assert latex("d_w1", end="E") == r"\frac{\partial E}{\partial w_{1}}"


@pytest.mark.parametrize("source", ["a if", "", "lambda", "x = ", "(" * 300, "a\0b", "import os"])
def test_what_python_cannot_read_stands_as_it_is(source):
    assert latex(source).startswith(r"\mathrm{")
    ElementTree.fromstring(mathml(source))


def test_names_that_are_none_in_python():
    names = ["layer.weight", "a b", "<script>", "W[0]", "größe²"]
    for name in names:
        whole = mathml(f"d_{name} * {name} + x", names=names)
        page = ElementTree.fromstring(whole)
        words = "".join(page.itertext())
        assert words.count(name) >= 2, words
        assert "<script>" not in whole
    assert "layer" in latex("d_layer.weight", names=names)
    assert latex("a_b", names=["a b"]) == "a_{b}"


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0.5, "0.5"), (-2, "-2"), (1e-9, r"1 \times 10^{-9}"), (-1e20, r"-1 \times 10^{20}"), (0.0, "0"),
     (float("-inf"), r"-\infty"), (float("nan"), r"\mathrm{NaN}"), (True, "1")],
)  # fmt: skip
def test_numbers(x, expected):
    assert quantity(x).latex == expected
    ElementTree.fromstring(quantity(x).html())


@pytest.mark.parametrize("name", GRAPHS)
def test_every_formula_of_a_graph_can_be_set(name):
    y, _ = GRAPHS[name]()
    steps = ag.steps(y)
    reader = Reader(steps[-1].name, {step.name for step in steps})
    for step in steps:
        for line in step.lines:
            formula = reader.read(line)
            ElementTree.fromstring(formula.html(block=True))
            assert formula.latex.count("{") == formula.latex.count("}")
            assert step.phase == "input" or not formula.latex.startswith(r"\mathrm{d"), f"not understood: {line}"


def test_the_annotation_is_the_latex():
    note = ElementTree.fromstring(mathml("a < b")).find(".//annotation")
    assert note.text == latex("a < b")
    assert note.get("encoding") == "application/x-tex"


def test_brackets_follow_how_tightly_things_bind():
    """Each is read back: the same formula, with and without brackets that Python does not need."""
    for bare, full in [("a + b * c", "a + (b * c)"), ("a * b / c", "(a * b) / c"), ("-a ** 2", "-(a ** 2)")]:
        assert read(bare) == read(full)
