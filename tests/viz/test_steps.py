"""ag.steps: the sweep as records. Their formulas are run, and must give the numbers beside them."""

import numpy as np
import pytest

import autograd_mini as ag
import nn

RNG = np.random.default_rng(0)


def leaf(name, *shape):
    return ag.Tensor(RNG.normal(size=shape), requires_grad=True, name=name)


def perceptron():
    x, W, b = ag.Tensor(RNG.normal(size=(5, 3)), name="x"), leaf("W", 2, 3), leaf("b", 2)
    return np.mean((nn.sigmoid(x @ W.T + b) - np.ones((5, 2))) ** 2)


def residual_block():
    layer = nn.Residual(nn.Sequential(nn.Linear(3, 3, rng=0), nn.BatchNorm1d(3), nn.ReLU()))
    return nn.cross_entropy(layer(RNG.normal(size=(6, 3))), [0, 1, 2, 0, 1, 2])


def mixed():
    a, b = leaf("a", 2, 3), leaf("b", 3)
    part = np.concatenate([a * b, np.exp(a)]).max(axis=0)
    return np.sum(np.where(part > 0, part, b) / np.sqrt(1 + b * b)) + np.var(a, ddof=1) + a[0, 1] * a[1, 2]


def fan_out():
    x = leaf("x")
    return x * x + x + np.sin(x) * 2


GRAPHS = {
    "perceptron": perceptron,
    "MLP": lambda: nn.squared_error(nn.MLP([3, 4, 4, 2], "tanh", "softmax", rng=0)(np.ones((3, 3))), np.ones((3, 2))),
    "residual block": residual_block,
    "mixed": mixed,
    "fan-out": fan_out,
}


def run(formula, given):
    """What a formula computes: statements and, at last, an expression."""
    scope = dict(given)
    *lines, result = formula.split("; ")
    exec("\n".join(lines), scope)
    return eval(result, scope)


def backward(records):
    return [step for step in records if step.phase == "backward"]


@pytest.mark.parametrize("name", GRAPHS)
def test_each_formula_gives_the_number_beside_it(name):
    records = ag.steps(GRAPHS[name]())
    known = {"np": np, "logsumexp": ag.logsumexp}
    known |= {step.name: step.value for step in records if step.phase in ("input", "forward")}
    checked = 0
    for step in backward(records):
        for sent in step.contributions:
            given = known | {f"d_{step.name}": step.gradient}
            np.testing.assert_allclose(run(sent.formula, given), sent.value, rtol=1e-12, atol=1e-15)
            if sent.local is not None:
                np.testing.assert_allclose(step.gradient * sent.local, sent.value, rtol=1e-12, atol=1e-15)
                local = np.broadcast_to(run(sent.local_formula, known), sent.local.shape)
                np.testing.assert_allclose(local, sent.local, rtol=1e-12)
            checked += 1
    assert checked >= 4


@pytest.mark.parametrize("name", GRAPHS)
def test_M7_Y8_what_the_uses_send_adds_up_to_the_engines_gradient(name):
    records = ag.steps(GRAPHS[name]())
    total, seen = {}, {}
    for step in backward(records):
        for sent in step.contributions:
            total[sent.operand] = sent.value if sent.use == 1 else total[sent.operand] + sent.value
            assert sent.use == seen.get(sent.operand, 0) + 1 <= sent.uses
            seen[sent.operand] = sent.use
            np.testing.assert_array_equal(total[sent.operand], sent.total)
    for step in backward(records)[1:]:
        np.testing.assert_allclose(total[step.name], step.gradient, rtol=1e-14)


def test_a_value_is_swept_when_all_its_uses_have_sent_their_part():
    records = ag.steps(fan_out())
    at = {step.name: i for i, step in enumerate(records) if step.phase == "backward"}
    for i, step in enumerate(records):
        for sent in step.contributions:
            assert i < at[sent.operand]


def test_fan_out_is_one_line_for_each_use():
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    lines = [line for step in backward(ag.steps(x * x + x)) for line in step.lines]
    assert lines == ["d_z1 = d_y", "d_x = d_y", "d_x += d_z1 * x", "d_x += d_z1 * x"]


def test_nothing_is_left_behind():
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    y = x * x
    ag.steps(y)
    assert x.grad is None
    y.backward()
    assert x.grad == 6


def test_the_ids_are_those_of_the_picture():
    y = perceptron()
    source = ag.draw(y).source
    for step in ag.steps(y):
        assert f"id={step.id}" in source


def test_notes_stand_at_the_steps_of_their_scope():
    y = nn.squared_error(nn.MLP([2, 2, 1], "tanh", rng=0)(np.ones((3, 2))), np.ones((3, 1)))
    records = ag.steps(y, notes={"layer1": "the first"})
    assert {step.rule for step in records if step.scope[:1] == ("layer1",)} == {"the first"}
    assert {step.rule for step in records if step.scope[:1] == ("layer2",)} == {""}


def test_several_outputs_and_names_that_are_no_identifiers():
    A = ag.Tensor(np.array([[2.0, 1.0], [1.0, 3.0]]), requires_grad=True, name="<script> ₁")
    values, vectors = np.linalg.eigh(A)
    y = values[1] + vectors[0, 0]
    last = [step for step in ag.steps(y) if step.name == "<script> ₁"][-1]
    np.testing.assert_allclose(last.gradient, ag.gradients(y, A), rtol=1e-14)
    assert "d_<script> ₁ = vjp_0(np.linalg.eigh)" in "\n".join(map(str, ag.steps(y)))


def test_what_was_not_kept_is_none_and_never_guessed():
    x = leaf("x", 60, 60)
    records = ag.steps(np.sum(np.negative(x) + 1.0))
    assert {step.value is None for step in records if step.expression in ("-x", "z1 + 1.0")} == {True}
    assert all(str(step) for step in records)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.0, np.float32(2)])
def test_numbers_of_all_kinds(value):
    x = ag.Tensor(value, requires_grad=True, name="x")
    y = np.tanh(x) * x
    assert [str(step) for step in ag.steps(y)]
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(ag.steps(y)[-1].gradient, ag.gradients(y, x))


def test_an_empty_array():
    x = ag.Tensor(np.ones((0, 3)), requires_grad=True, name="x")
    assert ag.steps(np.sum(x * 2))[-1].gradient.shape == (0, 3)


def test_a_cotangent_takes_the_place_of_the_seed():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    records = ag.steps(x * x, cotangent=[1.0, 10.0])
    assert records[-1].gradient.tolist() == [2.0, 40.0]
    assert "seed      d_y = [1, 10]" in [str(step) for step in records]


def test_bad_input_is_told_so():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(ag.errors.ShapeError, match="need a scalar"):
        ag.steps(x * x)
    with pytest.raises(ag.errors.NothingRecordedError, match=r"steps\(\)"):
        ag.steps(3.0)
    y = np.sum(x * x)
    y.backward(retain_graph=False)
    with pytest.raises(ag.errors.GraphFreedError):
        ag.steps(y)
    for _ in range(400):
        x = x + 1
    with pytest.raises(ag.errors.AutogradError, match="more than"):
        ag.steps(np.sum(x))
