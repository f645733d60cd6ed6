"""ag.explain: every line gives what the sweep gave, and every formula the number under its brace."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import examples

from .nets import GRAPHS, leaf, mixed, places, square, two_two_two, worked_example

FUNCTIONS = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "sign", "tanh", "cos", "sin", "abs")}


def factors(explanation):
    for line in explanation.lines:
        yield from (token for token in line.tokens() if not isinstance(token, str))


@pytest.mark.parametrize("name", GRAPHS)
def test_each_line_gives_what_the_sweep_gives(name):
    y, leaves = GRAPHS[name]()
    for w, gradient in zip(leaves, ag.gradients(y, leaves), strict=True):
        for index in places(w):
            found = ag.explain(y, w, index)
            assert found.value == gradient[index]
            rtol = 1e-9 if gradient.dtype == float else 1e-4
            for line in found.lines:
                assert line.product == pytest.approx(line.value, rel=rtol, abs=1e-12)


@pytest.mark.parametrize("name", GRAPHS)
def test_each_formula_gives_the_number_under_its_brace(name):
    y, leaves = GRAPHS[name]()
    values = {step.name: np.asarray(step.value) for step in ag.steps(y) if step.value is not None}
    values = {name: value.item() if value.size == 1 else value for name, value in values.items()}
    checked = 0
    for w in leaves:
        for index in places(w):
            for factor in factors(ag.explain(y, w, index)):
                if factor.kind == "local" and factor.formula:
                    formula = factor.formula.replace("np.", "")
                    given = eval(formula, {**FUNCTIONS, **values})
                    assert given == pytest.approx(factor.value, rel=2e-3), factor  # constants have four digits
                    checked += 1
    assert checked


@pytest.mark.parametrize("name", GRAPHS)
def test_each_cotangent_that_is_named_is_that_of_the_sweep(name):
    y, leaves = GRAPHS[name]()
    gradients = {s.name: np.asarray(s.gradient) for s in ag.steps(y) if s.gradient is not None}
    for factor in factors(ag.explain(y, leaves[0], places(leaves[0])[0])):
        if factor.kind == "cotangent":
            base, _, rest = factor.formula.partition("[")
            index = tuple(int(i) for i in re.findall(r"\d+", rest)) if rest else ...
            assert gradients[base][index].item() == factor.value


def test_a_value_that_is_used_several_times_is_a_sum():
    y, (x,) = square()
    assert str(ag.explain(y, x)).splitlines() == [
        "∂y/∂x = x + x + 1",
        "        ╵   ╵",
        "        3   3",
        "      = 7",
    ]


def test_the_textbook_s_form_of_a_hidden_weight():
    y, (W1, *_) = two_two_two()
    line = ag.explain(y, W1, (0, 1)).lines[0]
    assert [[f.formula for f in term] for term in line.terms] == [
        ["z7[0, 0]", "W2[0, 0]"],
        ["z7[0, 1]", "W2[1, 0]"],
    ]
    assert [f.formula for f in line.factors] == ["h1[0, 0] * (1 - h1[0, 0])", "x[0, 1]"]


def test_Y14_the_published_deltas_stand_in_the_lines():
    y, (W1, *_) = worked_example()
    found = ag.explain(y, W1, (0, 1))
    lines = {line.name: line.value for line in found.lines}
    assert found.value == pytest.approx(examples.PUBLISHED["δ¹₁"], abs=5e-9)  # its input is 1
    assert lines["z6[0, 0]"] == pytest.approx(examples.PUBLISHED["δ²₁"], abs=5e-9)
    assert lines["z6[0, 1]"] == pytest.approx(examples.PUBLISHED["δ²₂"], abs=5e-9)


def test_no_cotangent_is_written_out_twice():
    y, leaves = mixed()
    names = [line.name for line in ag.explain(y, leaves[0], (0, 0), limit=100).lines]
    assert len(names) == len(set(names))


def test_every_cotangent_that_is_named_has_its_line_or_is_said_to_have_none():
    y, leaves = worked_example()
    for limit in (1, 2, 100):
        found = ag.explain(y, leaves[0], (0, 0), limit=limit)
        lines = {line.name for line in found.lines}
        named = {f.formula for f in factors(found) if f.kind == "cotangent"}
        assert named == (lines | set(found.left)) - {found.name}
        assert ("Not written out" in str(found)) == bool(found.left)
        assert len(lines) <= limit


def test_a_long_sum_says_what_it_leaves_out():
    model = nn.MLP([64, 8, 10], "tanh", rng=0)
    x = np.random.default_rng(0).normal(size=(32, 64))
    y = nn.cross_entropy(model(x), np.arange(32) % 10)
    W = next(iter(model.parameters()))
    found = ag.explain(y, W, (3, 40), limit=2)
    assert found.lines[0].more == 26
    assert "26 more" in str(found)
    assert "c1[0, 40]" in str(found)  # a product of matrices too large for symbols: its factor is found all the same
    assert found.value == ag.gradients(y, W)[3, 40]


def test_a_deep_network_is_explained_level_by_level():
    model = nn.MLP([3] + [3] * 32 + [1], "tanh", rng=0)
    y = nn.squared_error(model(np.ones((1, 3))), np.ones((1, 1)))
    found = ag.explain(y, next(iter(model.parameters())), (0, 0), limit=5)
    assert len(found.lines) == 5
    assert found.left


def test_a_result_of_several_numbers_needs_and_takes_a_seed():
    w = leaf([1.0, 2.0], "w")
    y = w * w
    assert ag.explain(y, w, 1, cotangent=[3.0, 5.0]).value == 20.0
    assert "5" in str(ag.explain(y, w, 1, cotangent=[3.0, 5.0]))


def test_a_value_in_between_and_the_result_itself():
    x = leaf(2.0, "x")
    z = x * x
    y = z * 3
    assert ag.explain(y, z).value == 3
    assert ag.explain(y, y).value == 1
    assert ag.explain(y, z).name == "z1"


def test_a_view_of_a_leaf():
    W = leaf([[1.0, 2.0], [3.0, 4.0]], "W")
    V = W.T
    y = np.sum(V * V)
    assert ag.explain(y, V, (0, 1)).value == 6
    assert ag.explain(y, W, (1, 0)).value == 6


@pytest.mark.parametrize("index", [(1, -1), (np.int64(1), 1), [1, 1], (-1, -1)])
def test_indices(index):
    y, leaves = two_two_two()
    assert ag.explain(y, leaves[0], index).name == "W1[1, 1]"


def test_nan_and_inf_are_told():
    x, w = leaf([np.nan, 1.0], "x"), leaf(np.inf, "w")
    y = np.sum(x * w)
    with np.errstate(all="ignore"):
        assert np.isnan(ag.explain(y, w).value)
        assert ag.explain(y, x, 1).value == np.inf
    assert "NaN" in str(ag.explain(y, w))
    assert r"\infty" in ag.explain(y, x, 1).latex()


def test_inf_beside_a_factor_does_not_become_nan():
    """A product of matrices multiplies it by the zeros of a unit cotangent."""
    w = leaf([[1.0], [1.0]], "w")
    x = np.array([[np.inf, 1.0]])
    with np.errstate(all="ignore"):
        y = np.sum(x @ w * [[0.0, 1.0]] + w)
        found = ag.explain(y, w, (1, 0))
    assert found.value == found.lines[0].product == 4
    assert "x" not in str(found.left)


def test_what_the_sweep_alone_multiplies_by_zero_is_said():
    """A row of x that is inf meets a cotangent of 0: the sweep has NaN; no use of w[0] but the other row counts."""
    w = leaf([1.0, 1.0], "w")
    x = np.array([[np.inf, 1.0], [2.0, 3.0]])
    with np.errstate(all="ignore"):
        y = np.sum(np.where([True, False], 0.0, x @ w))
        found = ag.explain(y, w, 0)
    assert np.isnan(found.value)
    assert "NaN" in str(found)


def test_a_number_that_is_selected_out_has_gradient_zero():
    w = leaf([1.0, -2.0], "w")
    found = ag.explain(np.sum(w[:1] * 3.0), w, 1)
    assert found.value == 0
    assert str(found).splitlines() == ["∂y/∂w[1] = 0"]


def test_a_zero_among_the_data_is_shown_as_the_factor_that_it_is():
    y, (W1, *_) = worked_example()
    found = ag.explain(y, W1, (0, 2))
    assert found.value == 0
    assert ("x[0, 2]", 0.0) in [(f.formula, f.value) for f in found.lines[0].factors]


def test_scalars_of_no_axes_and_arrays_of_one_number():
    w = leaf(2.0, "w")
    v = leaf([[3.0]], "v")
    y = np.sum(w * v)
    assert ag.explain(y, w, ()).value == 3
    assert ag.explain(y, v).name == "v"
    assert ag.explain(y, v, (0, 0)).value == 2


def test_a_rule_of_one_s_own_that_asks_for_plain_arrays():
    @ag.primitive
    def twice(x):
        return 2 * np.asarray(x)

    ag.defvjp(twice, lambda g, _y, _x: 2 * np.asarray(g, float))
    x = leaf([1.0, 2.0], "x")
    y = np.sum(twice(x) * x)
    assert ag.explain(y, x, 1).value == 8


def test_without_recording_around_it():
    y, (x,) = square()
    with ag.no_grad():
        assert ag.explain(y, x).value == 7


def test_sums_that_cancel_are_no_mistake():
    """The gradient of a variance by the mean inside it is 0 but for rounding, which differs with the order."""
    rng = np.random.default_rng(0)
    x = leaf(rng.normal(size=(2, 3, 2)), "x")
    y = np.sum(np.var(x, axis=1) * rng.uniform(0.5, 1.5, (2, 2)))
    assert ag.explain(y, x, (0, 0, 0)).value == ag.gradients(y, x)[0, 0, 0]
    assert len(ag.triangular(y).names) == len(set(ag.triangular(y).names))
    assert ag.paths(y, x, (0, 0, 0)).count > 1


def test_single_precision_on_the_way_is_no_mistake():
    x = leaf([0.3, 0.7], "x")
    y = np.sum(np.tanh(x, dtype=np.float32) * 0.1)
    assert ag.explain(y, x, 1).value == ag.gradients(y, x)[1]


def test_the_imaginary_part_of_real_numbers():
    """NumPy shows it as a view of them, and it is 0."""
    x = leaf([2.0, 3.0], "x")
    y = np.sum(np.imag(x * x)) + np.sum(x)
    assert ag.explain(y, x, 1).value == ag.paths(y, x, 1).total == 1


def test_no_grad_is_set():
    y, (x,) = square()
    ag.explain(y, x)
    assert x.grad is None


@pytest.mark.parametrize("name", GRAPHS)
def test_latex_and_html(name):
    y, leaves = GRAPHS[name]()
    found = ag.explain(y, leaves[0], places(leaves[0])[-1])
    tex = found.latex()
    assert tex.startswith(r"\begin{aligned}")
    assert tex.count("{") == tex.count("}")
    assert tex.count(r"\underbrace") == sum(f.kind != "number" or bool(f.formula) for f in factors(found))
    assert found._repr_latex_() == f"$\\displaystyle {tex}$"
    page = ElementTree.fromstring(found.html())
    assert len(page.findall(".//math")) == len(found.lines)


def test_odd_names_are_escaped():
    w = leaf([1.0, 2.0], "<script>alert('ü')</script>")
    y = np.sum(w * w)
    found = ag.explain(y, w, 1)
    assert "<script>" in str(found)
    page = ElementTree.fromstring(found.html())
    assert "<script>" in "".join(page.itertext())
    assert "<script" not in found.html()


def test_a_name_is_text_and_does_not_run(tmp_path):
    target = tmp_path / "made"
    w = leaf([1.0, 2.0], f"__import__('pathlib').Path({str(target)!r}).touch()")
    ag.explain(np.sum(ag.logsumexp(w)), w, 0)
    assert not target.exists()


def test_the_same_in_every_run():
    graphs = [worked_example() for _ in range(2)]
    one, other = (str(ag.explain(y, leaves[0], (0, 0))) for y, leaves in graphs)
    assert one == other
