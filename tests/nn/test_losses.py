"""Losses: values from the formulas, gradients from differences, edges, and what a wrong target is told."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as ag
import nn

SQUARED, LOG, LOG_LOGITS = nn.squared_error, nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits
CROSS, CROSS_LOGITS = nn.categorical_cross_entropy, nn.cross_entropy
ALL = {f.__name__: f for f in (SQUARED, LOG, LOG_LOGITS, CROSS, CROSS_LOGITS)}
each = pytest.mark.parametrize("loss", ALL.values(), ids=ALL)


def samples(loss, lead=(5,), k=3, seed=0):
    """Return outputs (probabilities, or anything) and targets that suit a loss."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(*lead, k))
    if loss is SQUARED:
        return z, rng.normal(size=z.shape)
    if loss in (LOG, LOG_LOGITS):
        return nn.sigmoid(z) if loss is LOG else z, rng.uniform(size=z.shape)
    return nn.softmax(z) if loss is CROSS else z, rng.dirichlet(np.ones(k), lead or None)


# ------------------------------------------------------------------------------------- values and gradients


def formula(loss, o, y):
    """Return one sample's loss, by its definition and index by index."""
    if loss is SQUARED:
        return sum(0.5 * (o[k] - y[k]) ** 2 for k in range(len(o)))
    if loss is LOG_LOGITS:
        o = [1 / (1 + np.exp(-z)) for z in o]
    if loss in (LOG, LOG_LOGITS):
        return sum(-y[k] * np.log(o[k]) - (1 - y[k]) * np.log(1 - o[k]) for k in range(len(o)))
    if loss is CROSS_LOGITS:
        o = [np.exp(z) / sum(np.exp(o)) for z in o]
    return -sum(y[k] * np.log(o[k]) for k in range(len(o)))


@each
@pytest.mark.parametrize("lead", [(5,), (1,), (), (2, 3)])
def test_Y4_values_are_the_formulas(loss, lead):
    o, y = samples(loss, lead)
    terms = np.array([formula(loss, *row) for row in zip(o.reshape(-1, 3), y.reshape(-1, 3), strict=True)])
    np.testing.assert_allclose(loss(o, y, reduction="none"), terms.reshape(lead), rtol=1e-13)
    assert loss(o, y, reduction="sum") == pytest.approx(terms.sum(), rel=1e-13)
    assert loss(o, y, reduction="mean") == pytest.approx(terms.mean(), rel=1e-13)
    assert loss(o, y) == loss(o, y, reduction="mean")


@each
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("lead", [(4,), ()])
def test_gradients_agree_with_difference_quotients(loss, reduction, lead):
    o, y = samples(loss, lead)
    assert ag.gradcheck(lambda o: loss(o, y, reduction=reduction), o, order=2)


@pytest.mark.parametrize("loss", [SQUARED, LOG, LOG_LOGITS])
def test_targets_may_be_differentiated_too(loss):
    o, y = samples(loss)
    assert ag.gradcheck(loss, o, y)
    y = ag.Tensor(np.round(y), requires_grad=True)
    loss(o, y, reduction="sum").backward()
    expected = y.numpy() - o if loss is SQUARED else np.log(1 - o) - np.log(o) if loss is LOG else -o
    np.testing.assert_allclose(y.grad, expected, rtol=1e-12)  # where y is 0 or 1, as well


@each
def test_tensors_arrays_and_lists_give_the_same(loss):
    o, y = samples(loss)
    value = loss(o, y)
    assert not isinstance(value, ag.Tensor)
    assert loss(o.tolist(), y.tolist()) == value
    assert loss(ag.Tensor(o), ag.Tensor(y)).item() == value
    recorded = loss(ag.Tensor(o, requires_grad=True), y)
    assert recorded.requires_grad and recorded.shape == () and recorded.item() == value


@pytest.mark.parametrize(
    ("from_logits", "from_outputs", "activation"),
    [(LOG_LOGITS, LOG, nn.sigmoid), (CROSS_LOGITS, CROSS, nn.softmax)],
    ids=["log loss", "cross-entropy"],
)
def test_from_logits_is_the_same_as_from_outputs(from_logits, from_outputs, activation):
    z, y = samples(from_logits, (50,))
    both = [
        ag.value_and_grad(lambda z, f=f: f(z))(z)
        for f in (lambda z: from_logits(z, y), lambda z: from_outputs(activation(z), y))
    ]
    assert both[0][0] == pytest.approx(both[1][0], rel=1e-13)
    np.testing.assert_allclose(both[0][1], both[1][1], rtol=1e-10, atol=1e-15)


def test_M2_R5_the_squared_error_has_its_factor():
    o, y = samples(SQUARED)
    slope = {c: ag.grad(lambda o, c=c: SQUARED(o, y, factor=c, reduction="sum"))(o) for c in (0.5, 1.0, 1 / 3)}
    np.testing.assert_allclose(slope[0.5], o - y, rtol=1e-14)  # M2: the half absorbs the 2
    np.testing.assert_allclose(slope[1.0], 2 * (o - y), rtol=1e-14)  # R5
    assert SQUARED(o, y, factor=1 / 3) == pytest.approx(np.mean((o - y) ** 2))  # PyTorch's MSELoss of 3 outputs


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_Y10_the_output_delta_is_o_minus_y(reduction):
    n = {"sum": 1, "mean": 5}[reduction]
    for loss, activation in ((SQUARED, nn.identity), (LOG_LOGITS, nn.sigmoid), (CROSS_LOGITS, nn.softmax)):
        z, y = samples(loss)
        delta = ag.grad(functools.partial(loss, y=y, reduction=reduction))(z)
        np.testing.assert_allclose(delta, (activation(z) - y) / n, rtol=1e-12, atol=1e-16)


@each
def test_Y6_M8_the_gradient_of_a_batch_is_the_sum_or_the_mean_of_its_samples(loss):
    o, y = samples(loss)
    single = np.array([ag.grad(lambda o, y=y_i: loss(o, y))(o_i) for o_i, y_i in zip(o, y, strict=True)])
    for reduction, n in (("sum", 1), ("mean", 5)):
        whole = ag.grad(lambda o, r=reduction: loss(o, y, reduction=r))(o)
        np.testing.assert_allclose(whole, single / n, rtol=1e-13)


@pytest.mark.parametrize("loss", [SQUARED, LOG, LOG_LOGITS], ids=lambda f: f.__name__)
def test_R8_the_gradient_of_many_outputs_is_the_sum_over_the_outputs(loss):
    """dLoss/dw = sum_k dLoss_k/dw: m outputs of one network are m problems added up."""
    x = np.random.default_rng(3).normal(size=(5, 2))
    model = nn.MLP([2, 4, 3], "tanh", "sigmoid" if loss is LOG else "identity", rng=0)
    _, y = samples(loss)
    W = model[0].weight
    whole = ag.gradients(loss(model(x), y), W)
    parts = [ag.gradients(loss(model(x)[:, k : k + 1], y[:, k : k + 1]), W) for k in range(3)]
    np.testing.assert_allclose(whole, sum(parts), rtol=1e-12)
    assert all(np.any(part) for part in parts)


# ------------------------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize("loss", [CROSS, CROSS_LOGITS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [int, np.int32, np.uint8, np.uint64])
@pytest.mark.parametrize("lead", [(5,), (), (2, 3)])
def test_integer_labels_are_one_hot_rows(loss, dtype, lead):
    o, _ = samples(loss, lead)
    labels = np.random.default_rng(2).integers(0, 3, lead).astype(dtype)
    rows = np.eye(3)[labels.astype(int)]
    np.testing.assert_array_equal(loss(o, labels, reduction="none"), loss(o, rows, reduction="none"))
    np.testing.assert_array_equal(loss(o, rows.astype(int), reduction="none"), loss(o, rows, reduction="none"))
    picked = -np.log(
        np.take_along_axis(nn.softmax(o) if loss is CROSS_LOGITS else o, labels[..., None].astype(int), -1)
    )
    np.testing.assert_allclose(loss(o, labels, reduction="none"), picked[..., 0], rtol=1e-12)
    assert loss(o, ag.Tensor(labels)) == loss(o, labels)
    assert loss(o, labels.tolist()) == loss(o, labels)


def test_labels_of_two_classes_may_be_booleans():
    z, _ = samples(CROSS_LOGITS, k=2)
    labels = np.array([True, False, True, True, False])
    assert CROSS_LOGITS(z, labels) == CROSS_LOGITS(z, labels.astype(int))


@pytest.mark.parametrize("loss", [CROSS, CROSS_LOGITS], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3, 0, 0], "label 3 is out of range: with 3 outputs labels run from 0 to 2"),
        ([0, 1, 2, -1, 0], "label -1 is out of range"),
        (np.array([0, 1, 2, 9, 0], np.uint8), "label 9 is out of range"),
        (ag.Tensor([0, 1, 2, 9, 0]), "label 9 is out of range"),
    ],
)
def test_a_label_out_of_range_is_named(loss, labels, message):
    with pytest.raises(ValueError, match=message):
        loss(samples(loss)[0], labels)


def test_a_single_label_out_of_range():
    with pytest.raises(ValueError, match="label 2 is out of range: with 2 outputs"):
        CROSS_LOGITS([0.0, 1.0], 2)


@pytest.mark.parametrize("loss", [CROSS, CROSS_LOGITS], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.array([0.0, 1, 2, 0, 1]), ag.errors.ShapeError, r"not float64 of shape \(5,\). Number .* y.astype\(int\)"),
        (np.array(list("abcab")), ag.errors.ShapeError, r"not <U1 of shape \(5,\). Number .* np.unique"),
        (np.zeros(4, int), ag.errors.ShapeError, r"\(5, 3\) outputs take integer labels of shape \(5,\) or .* \(4,\)"),
        (
            np.zeros((5, 1), int),
            ag.errors.ShapeError,
            r"take integer labels of shape \(5,\).*not int64 of shape \(5, 1\)",
        ),
        (
            np.full((5, 4), 0.25),
            ag.errors.ShapeError,
            r"distributions of shape \(5, 3\), not float64 of shape \(5, 4\)",
        ),
        (np.full((5, 3), 0.3), ValueError, "must add up to 1, and some add up to 0.9"),
        (np.ones((5, 3), int), ValueError, "must add up to 1, and some add up to 3"),
        (np.tile([1.5, -0.5, 0.0], (5, 1)), ValueError, "targets run from -0.5 to 1.5, not 0 to 1"),
    ],
)
def test_targets_that_are_neither_labels_nor_distributions(loss, y, error, message):
    with pytest.raises(error, match=message):
        loss(samples(loss)[0], y)


def test_three_labels_are_no_distribution_of_a_single_sample():
    with pytest.raises(ValueError, match="run from 0 to 2, not 0 to 1"):
        CROSS_LOGITS(np.zeros(3), [0, 2, 1])


@pytest.mark.parametrize("loss", [CROSS, CROSS_LOGITS], ids=lambda f: f.__name__)
def test_a_single_number_holds_no_classes(loss):
    with pytest.raises(ag.errors.ShapeError, match="got a single number"):
        loss(0.5, 0)


# ------------------------------------------------------------------------------------------- shapes, values


@pytest.mark.parametrize("loss", [SQUARED, LOG, LOG_LOGITS], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("o", "y", "hint"),
    [
        ((4, 1), (4,), r"outputs have shape \(4, 1\), the targets \(4,\). Write y.reshape\(\(-1, 1\)\)"),
        ((4,), (4, 1), r"Write y.reshape\(\(-1,\)\)"),
        ((4, 2), (2, 4), r"Write y.reshape\(\(-1, 2\)\)"),
        ((4, 2), (4, 1), r"targets \(4, 1\)\. They must have one shape\.$"),
        ((4, 2), (), r"targets \(\)\. They must have one shape\.$"),
        ((), (1,), r"targets \(1,\)\. They must have one shape\.$"),
    ],
)
def test_shapes_that_would_broadcast_are_an_error(loss, o, y, hint):
    with pytest.raises(ag.errors.ShapeError, match=hint):
        loss(np.full(o, 0.5), np.full(y, 0.5))


@pytest.mark.parametrize(
    ("loss", "o", "y", "message"),
    [
        (LOG, [1.5], [1.0], "its outputs run from 1.5 to 1.5, not 0 to 1. Put a sigmoid before it"),
        (LOG, [0.5, -0.1], [1.0, 0.0], "its outputs run from -0.1 to 0.5"),
        (LOG, [0.5], [2.0], "its targets run from 2 to 2, not 0 to 1. Labels are 0 and 1"),
        (LOG_LOGITS, [0.5], [-1.0], "its targets run from -1 to -1"),
        (CROSS, [1.2, -0.2], 0, "its outputs run from -0.2 to 1.2, not 0 to 1. Put a softmax before it"),
    ],
)
@pytest.mark.parametrize("kind", [np.array, functools.partial(ag.Tensor, requires_grad=True)], ids=["array", "Tensor"])
def test_what_is_no_probability_is_an_error(loss, o, y, message, kind):
    with pytest.raises(ValueError, match=message):
        loss(kind(o), y)


@each
def test_an_unknown_reduction_is_an_error(loss):
    with pytest.raises(ValueError, match="reduction is 'average', but must be 'mean', 'sum' or 'none'"):
        loss(*samples(loss), reduction="average")


@each
@pytest.mark.parametrize("where", ["outputs", "targets"])
def test_nan_is_passed_on_for_fit_to_find(loss, where):
    o, y = samples(loss)
    {"outputs": o, "targets": y}[where][1, 1] = np.nan
    with np.errstate(invalid="ignore"):
        per_sample = loss(o, y, reduction="none")
        assert np.isnan(per_sample).tolist() == [False, True, False, False, False]
        assert np.isnan(loss(o, y))


# ------------------------------------------------------------------------------------------------------ extremes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_of_the_log_loss(dtype):
    z, y = np.array([[-1000, 1000, -1000, 1000]], dtype).T, np.array([[0.0, 1, 1, 0]]).T
    assert LOG_LOGITS(z, y, reduction="none").tolist() == [0, 0, 1000, 1000]
    assert ag.grad(lambda z: LOG_LOGITS(z, y, reduction="sum"))(z).ravel().tolist() == [0, 0, -1, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_of_the_cross_entropy(dtype):
    z, y = np.array([[1000, -1000, 0], [-1000, 1000, 1000], [-1000, -1000, -1000]], dtype), [1, 1, 0]
    expected = [2000, np.log(2), np.log(3)]
    np.testing.assert_allclose(CROSS_LOGITS(z, y, reduction="none"), expected, rtol=1e-4)  # 1000.7 has few digits left
    slope = ag.grad(lambda z: CROSS_LOGITS(z, y, reduction="sum"))(z)
    np.testing.assert_allclose(slope, [[1, -1, 0], [0, -0.5, 0.5], [-2 / 3, 1 / 3, 1 / 3]], rtol=1e-4)


def test_sure_and_right_outputs_cost_nothing_and_have_a_finite_gradient():
    o, y = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])
    assert LOG(o, y, reduction="none").tolist() == [0, 0]
    assert ag.grad(lambda o: LOG(o, y, reduction="sum"))(o).tolist() == [[1], [-1]]  # (1 - y) / (1 - o), -y / o
    assert CROSS([[0.0, 1.0, 0.0]], [1]) == 0
    assert ag.grad(lambda o: CROSS(o, [1]))(np.array([[0.0, 1.0, 0.0]])).tolist() == [[0, -1, 0]]


def test_sure_and_wrong_outputs_cost_infinitely_much():
    with np.errstate(divide="ignore"):
        assert LOG([[0.0]], [[1.0]]) == LOG([[1.0]], [[0.0]]) == CROSS([[1.0, 0.0]], [1]) == np.inf


def test_a_nan_output_is_not_hidden_by_a_target_of_0():
    assert np.isnan(CROSS([[0.5, np.nan]], [0]))


# ------------------------------------------------------------------------------------------------------ dtypes


@each
@pytest.mark.parametrize("targets", [np.float32, np.float64])
def test_float32_stays_float32(loss, targets):
    o, y = samples(loss)
    o, y = o.astype(np.float32), y.astype(targets)
    for reduction in ("mean", "sum", "none"):
        assert loss(o, y, reduction=reduction).dtype == np.float32
    x = ag.Tensor(o, requires_grad=True)
    value = loss(x, y)
    value.backward()
    assert value.dtype == x.grad.dtype == np.float32
    np.testing.assert_allclose(value.item(), loss(*samples(loss)), rtol=1e-5)


@pytest.mark.parametrize("loss", [SQUARED, LOG, LOG_LOGITS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_integer_targets(loss, dtype):
    o, _ = samples(loss)
    y = np.random.default_rng(2).integers(0, 2, o.shape)
    assert loss(o, y.astype(dtype)) == loss(o, y.astype(float))
    x = ag.Tensor(o.astype(np.float32), requires_grad=True)
    value = loss(x, y.astype(dtype))
    value.backward()
    assert value.dtype == x.grad.dtype == np.float32


def test_labels_leave_float32_alone():
    z = ag.Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    for y in (np.array([0, 2]), np.eye(3)[:2], np.eye(3, dtype=int)[:2]):
        value = CROSS_LOGITS(z, y)
        z.zero_grad()
        value.backward()
        assert value.dtype == z.grad.dtype == np.float32


def test_integer_outputs_count_as_floats():
    assert SQUARED([[3, 1]], [[1, 2]]) == 2.5
    assert SQUARED(np.array([[0]], np.uint8), np.array([[20]], np.uint8)) == 200  # not of (0 - 20) modulo 256


@each
def test_neither_outputs_nor_targets_are_written_to(loss):
    o, y = samples(loss)
    kept = o.copy(), y.copy()
    loss(ag.Tensor(o, requires_grad=True), y).backward()
    np.testing.assert_array_equal(o, kept[0])
    np.testing.assert_array_equal(y, kept[1])


# ---------------------------------------------------------------------------------------------------- accuracy


def test_accuracy_counts_the_samples_whose_largest_output_is_at_the_label():
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [-5.0, -6.0], [3.0, 4.0]])
    for labels, expected in (([1, 0, 0, 1], 1.0), ([0, 1, 1, 0], 0.0), ([1, 0, 0, 0], 0.75)):
        assert nn.accuracy(outputs, labels) == expected
        assert nn.accuracy(ag.Tensor(outputs, requires_grad=True), np.array(labels)) == expected
        assert nn.accuracy(outputs, ag.Tensor(labels)) == expected
    assert type(nn.accuracy(outputs, [1, 0, 0, 1])) is float
    assert nn.accuracy(outputs.reshape(2, 2, 2), [[1, 0], [0, 0]]) == 0.75
    assert nn.accuracy([0.2, 0.5, 0.3], 1) == 1


@pytest.mark.parametrize(
    ("outputs", "labels", "message"),
    [
        (np.eye(3), np.eye(3), r"take labels of shape \(3,\), not \(3, 3\). Write labels.argmax\(-1\)"),
        (np.eye(3), np.zeros((3, 1)), r"not \(3, 1\)\.$"),
        (np.eye(3), [0, 1], r"not \(2,\)\.$"),
        (np.ones((4, 1)), np.ones(4), r"np.mean\(\(outputs > 0.5\) == labels\)"),
        (np.ones((4, 1)), np.ones((4, 1)), "there is no largest of one"),
        (1.0, 1, "there is no largest of one"),
    ],
)
def test_accuracy_of_what_does_not_fit_is_an_error(outputs, labels, message):
    with pytest.raises(ag.errors.ShapeError, match=message):
        nn.accuracy(outputs, labels)


def test_a_class_ruled_out_by_an_infinite_logit():
    value = nn.cross_entropy(np.array([[1.0, 2.0, -np.inf]]), [1])
    np.testing.assert_allclose(value, np.log1p(np.exp(-1.0)))
    gradient = ag.grad(nn.cross_entropy)(np.array([[1.0, 2.0, -np.inf]]), [1])
    np.testing.assert_allclose(gradient.sum(), 0, atol=1e-15)
    assert gradient[0, 2] == 0


def test_complex_numbers_are_refused():
    with pytest.raises(ag.errors.DTypeError, match="complex"):
        nn.squared_error([[1 + 5j]], [[1.0]])


def test_a_factor_for_each_output_is_refused_with_the_way_to_write_it():
    with pytest.raises(TypeError, match=r"factor is an array of shape \(3,\).*np\.mean\(np\.sum\(c"):
        nn.squared_error(np.ones((2, 3)), np.ones((2, 3)), factor=np.array([1, 2, 3]))


# ------------------------------------------------------------------------------------- stored figures of PyTorch's


STORED = json.loads((Path(__file__).parents[1] / "data" / "nn_losses.json").read_text("utf-8"))
stored = pytest.mark.parametrize("part", STORED)


def case(part, dtype=np.float64):
    """Return a loss of outputs, targets and options; these, as arrays; and what is stored of them."""
    row = STORED[part]
    loss, options = getattr(nn, row["loss"]), row["options"]
    o, y = np.array(row["outputs"], dtype), np.array(row["targets"])
    return lambda o, y, r="mean": loss(o, y, reduction=r, **options), o, y, row


@stored
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_gradients_are_those_of_pytorch(part, dtype):
    """tests/data/nn_losses.json was written by PyTorch 2.13, in float64, from outputs and targets of two decimals.

    "none", "sum" and "mean" are its values for these reductions, "none" added up over the outputs of a sample; the
    gradient is that of "mean". Its mean is ours divided by "divided_by". tests/peers/test_nn_losses.py says which of
    its functions is meant by each, and compares them on many inputs.
    """
    f, o, y, row = case(part, dtype)
    rtol = 1e-12 if dtype is np.float64 else 2e-5
    for reduction in ("none", "sum"):
        value = f(o, y, reduction)
        np.testing.assert_allclose(value, row[reduction], rtol=rtol, atol=rtol)
        assert value.dtype == dtype
    value, slope = ag.value_and_grad(lambda o: f(o, y) / row["divided_by"])(o)
    np.testing.assert_allclose(value, row["mean"], rtol=rtol)
    np.testing.assert_allclose(slope, row["gradient"], rtol=rtol, atol=rtol)
    assert value.dtype == slope.dtype == dtype


@stored
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_each_part_has_the_gradients_and_the_hessian_of_difference_quotients(part, reduction):
    f, o, y, _ = case(part)
    assert ag.gradcheck(lambda o: f(o, y, reduction), o, order=2)


@stored
def test_a_compiled_part_gives_the_eager_numbers_for_each_call_s_targets(part):
    """No choice that depends on a target is frozen: each call brings others, in another order."""
    f, o, y, _ = case(part)
    eager = ag.value_and_grad(f)
    compiled = ag.compile(eager)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 1, 3, 0]):
        for expected, found in zip(eager(o, y[order]), compiled(o, y[order]), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)


# ------------------------------------------------------------------------- regression: absolute error and Huber's


def test_the_absolute_error_has_derivative_0_at_0():
    slope = ag.grad(lambda o: nn.absolute_error(o, [1.0, 1.0, 1.0]))(np.array([0.0, 1.0, 2.0]))
    assert slope.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("delta", [0.3, 1.0, 2])
def test_huber_is_a_parabola_near_and_a_line_far_and_both_meet(delta):
    d = np.array([-3.0, -delta, -0.1, 0.0, 0.1, delta, 3.0])
    near, far = d**2 / 2, delta * (np.abs(d) - delta / 2)
    expected = np.where(np.abs(d) < delta, near, far)
    np.testing.assert_allclose(nn.huber(d[:, None], 0 * d[:, None], delta, "none"), expected, rtol=1e-15)
    slope = ag.grad(lambda o: nn.huber(o, 0 * d, delta))(d)
    assert slope.tolist() == np.clip(d, -delta, delta).tolist()  # no kink at the joint
    second = np.diag(ag.hessian(lambda o: nn.huber(o, 0 * d, delta))(d))
    assert second.tolist() == [0, 0.5, 1, 1, 1, 0.5, 0]


def test_the_slope_of_huber_is_bounded_for_an_infinite_output():
    o = np.array([np.inf, -np.inf])
    value, slope = ag.value_and_grad(lambda o: nn.huber(o, [0.0, 0.0]))(o)
    assert value == np.inf
    assert slope.tolist() == [1, -1]


# ------------------------------------------------------------------------------------------------------ hinge


def test_hinge_of_signs_is_a_class_against_the_rest_per_output():
    z, y = np.array([[0.5, -2.0], [3.0, 0.0]]), np.array([[1, -1], [-1, 1]])
    assert nn.hinge(z, y, "none").tolist() == [0.5, 5.0]
    assert nn.hinge(z, y) == 2.75
    assert nn.hinge(z, y.astype(float)) == nn.hinge(z, y)


@pytest.mark.parametrize("lead", [(), (5,), (2, 3)])
def test_hinge_of_labels_holds_the_right_class_against_each_other_one(lead):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(*lead, 4)), rng.integers(0, 4, lead)
    rows = zip(z.reshape(-1, 4), y.reshape(-1), strict=True)
    expected = [sum(max(0, 1 - row[label] + row[j]) for j in range(4) if j != label) for row, label in rows]
    np.testing.assert_allclose(nn.hinge(z, y, "none"), np.reshape(expected, lead), rtol=1e-14)


def test_at_the_margin_hinge_has_derivative_0():
    assert ag.grad(lambda z: nn.hinge(z, [1, -1]))(np.array([1.0, -1.0])).tolist() == [0, 0]
    assert ag.grad(lambda z: nn.hinge(z, 0))(np.array([1.0, 0.0, 3.0])).tolist() == [-1, 0, 1]


# ---------------------------------------------------------------------------------------------- KL divergence


def test_kl_divergence_is_the_cross_entropy_less_the_entropy_of_the_targets():
    rng = np.random.default_rng(0)
    o, y = rng.dirichlet(np.ones(3), 5), rng.dirichlet(np.ones(3), 5)
    expected = nn.categorical_cross_entropy(o, y) + np.mean(np.sum(y * np.log(y), axis=-1))
    for value in (
        nn.kl_divergence(o, y),
        nn.kl_divergence(np.log(o), y, log_outputs=True),
        nn.kl_divergence(o, np.log(y), log_targets=True),
        nn.kl_divergence(np.log(o), np.log(y), log_outputs=True, log_targets=True),
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize("log_targets", [False, True])
@pytest.mark.parametrize("log_outputs", [False, True])
def test_kl_divergence_of_classes_of_probability_0(log_outputs, log_targets):
    o, y = np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    with np.errstate(divide="ignore"):
        o, y = np.log(o) if log_outputs else o, np.log(y) if log_targets else y
        wrong = np.array([[1.0, 0.0, 0.0]]) if not log_outputs else np.array([[0.0, -np.inf, -np.inf]])

        def f(o, y=y):
            return nn.kl_divergence(o, y, log_outputs=log_outputs, log_targets=log_targets)

        value, slope = ag.value_and_grad(f)(o)
        np.testing.assert_allclose(value, np.log(2))
        assert slope.tolist() == [[0, -1 if log_outputs else -2, 0]]
        assert f(wrong) == np.inf
        same = nn.kl_divergence(o, o, log_outputs=log_outputs, log_targets=log_outputs)
    assert same == 0


def test_kl_divergence_is_differentiable_by_its_targets():
    rng = np.random.default_rng(0)
    o, y = rng.dirichlet(np.ones(3), 2), rng.normal(size=(2, 3))
    assert ag.gradcheck(lambda y: nn.kl_divergence(o, nn.softmax(y)), y)
    assert ag.gradcheck(lambda y: nn.kl_divergence(o, nn.log_softmax(y), log_targets=True), y)
    at_0 = ag.grad(lambda y: nn.kl_divergence([[0.5, 0.5]], y))(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(at_0, [[1 + np.log(2), np.log(2)]])  # of y log y at 0, nothing


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kl_divergence_from_extreme_logits(dtype):
    z, y = np.array([[1000, -1000, 0]], dtype), np.array([[0.0, 1.0, 0.0]])
    value, slope = ag.value_and_grad(lambda z: nn.kl_divergence(nn.log_softmax(z), y, log_outputs=True))(z)
    assert value == 2000
    assert slope.tolist() == [[1, -1, 0]]


# --------------------------------------------------- cross-entropy: class weights, label smoothing, ignored labels


OPTIONS = {
    "weight": {"weight": [0.5, 2.0, 1.25]},
    "label_smoothing": {"label_smoothing": 0.2},
    "ignore_index": {"ignore_index": -1},
    "weight, label_smoothing": {"weight": [0.5, 2.0, 1.25], "label_smoothing": 0.2},
    "weight, ignore_index": {"weight": [0.5, 2.0, 1.25], "ignore_index": -1},
    "label_smoothing, ignore_index": {"label_smoothing": 0.2, "ignore_index": -1},
    "all": {"weight": [0.5, 2.0, 1.25], "label_smoothing": 0.2, "ignore_index": -1},
}
options = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def weighted(z, y, weight=(1.0, 1.0, 1.0), label_smoothing=0.0, ignore_index=None):
    """Return each sample's loss and its share in the mean, index by index."""
    terms, shares = [], []
    for row, label in zip(z, y, strict=True):
        if label == ignore_index:
            terms.append(0.0)
            shares.append(0.0)
            continue
        surprise = [np.log(sum(np.exp(row))) - row[k] for k in range(3)]
        target = [(1 - label_smoothing) * (k == label) + label_smoothing / 3 for k in range(3)]
        terms.append(sum(weight[k] * target[k] * surprise[k] for k in range(3)))
        shares.append(weight[label])
    return np.array(terms), np.array(shares)


@options
@pytest.mark.parametrize("dtype", [np.int64, np.int8])
def test_cross_entropy_with_options_is_its_formula(options, dtype):
    z, _ = samples(CROSS_LOGITS, (6,))
    y = np.array([0, 2, 1, 2, 0, -1 if "ignore_index" in options else 0], dtype)
    terms, shares = weighted(z, y, **options)
    np.testing.assert_allclose(CROSS_LOGITS(z, y, "none", **options), terms, rtol=1e-13)
    np.testing.assert_allclose(CROSS_LOGITS(z, y, "sum", **options), terms.sum(), rtol=1e-13)
    np.testing.assert_allclose(CROSS_LOGITS(z, y, **options), terms.sum() / shares.sum(), rtol=1e-13)
    assert ag.gradcheck(lambda z: CROSS_LOGITS(z, y, **options), z, order=2)
    if "ignore_index" not in options:
        rows = np.eye(3)[y]
        np.testing.assert_allclose(CROSS_LOGITS(z, rows, "none", **options), terms, rtol=1e-13)
        np.testing.assert_allclose(CROSS_LOGITS(z, rows, **options), terms.mean(), rtol=1e-13)


@options
def test_a_compiled_step_trains_as_the_eager_one_with_other_labels_weights_and_ignored_positions(options):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 4))
    batches = [rng.integers(0, 3, 6) for _ in range(5)]
    if "ignore_index" in options:
        batches = [np.where(rng.uniform(size=6) < 0.4, -1, y) for y in batches]
    models = [nn.Linear(4, 3, rng=0) for _ in range(2)]
    optimizers = [nn.SGD(model.parameters(), lr=0.5) for model in models]
    step = nn.compile_step(models[0], lambda z, y: CROSS_LOGITS(z, y, **options), optimizers[0])
    for y in batches:
        found = step(x, y)
        optimizers[1].zero_grad()
        value = CROSS_LOGITS(models[1](x), y, **options)
        value.backward()
        optimizers[1].step()
        assert found == pytest.approx(value.item(), rel=1e-13)
        np.testing.assert_allclose(models[0].weight.data, models[1].weight.data, rtol=1e-12)


def test_weights_may_be_an_input_of_a_program():
    z, _ = samples(CROSS_LOGITS)
    f = ag.value_and_grad(lambda z, y, w: CROSS_LOGITS(z, y, weight=w, ignore_index=0, label_smoothing=0.1))
    compiled = ag.compile(f)
    for y, w in (([0, 1, 2, 1, 0], [1.0, 2, 3]), ([1, 2, 0, 0, 2], [3.0, 0.5, 0.25])):
        for expected, found in zip(f(z, np.array(y), np.array(w)), compiled(z, np.array(y), np.array(w)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_gradients_pass_through_class_weights():
    z, _ = samples(CROSS_LOGITS)
    assert ag.gradcheck(
        lambda w: CROSS_LOGITS(z, [0, 1, 2, 1, 0], weight=w, label_smoothing=0.1), np.array([1.0, 2, 3])
    )


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    ("options", "y"),
    [({"ignore_index": -1}, [-1, -1]), ({"weight": [0.0, 1.0]}, [0, 0]), ({"ignore_index": 1}, [1, 1])],
    ids=["ignored", "of weight 0", "a class ignored"],
)
def test_a_mean_of_no_sample_that_counts_is_an_error_and_the_sum_is_0(options, y, compiled):
    z, y = np.zeros((2, 2)), np.array(y)

    def f(z, y, reduction="mean"):
        return CROSS_LOGITS(z, y, reduction, **options)

    program = ag.compile(f) if compiled else f
    other = np.array([0, 1])
    assert program(z, other) == pytest.approx(np.log(2))
    with pytest.raises(
        ValueError, match="no sample counts: every label is ignore_index, or of a class whose weight is 0"
    ):
        program(z, y)
    assert f(z, y, "sum") == 0
    assert f(z, y, "none").tolist() == [0, 0]


def test_an_ignored_sample_has_a_gradient_of_0():
    z, _ = samples(CROSS_LOGITS)
    slope = ag.grad(lambda z: CROSS_LOGITS(z, [0, -100, 1, -100, 2], ignore_index=-100))(z)
    assert [bool(np.any(row)) for row in slope] == [True, False, True, False, True]


def test_only_the_label_that_is_ignored_may_be_out_of_range():
    with pytest.raises(ValueError, match="label -2 is out of range"):
        CROSS_LOGITS(samples(CROSS_LOGITS)[0], [0, -1, -2, 0, 1], ignore_index=-1)
    compiled = ag.compile(lambda z, y: CROSS_LOGITS(z, y, ignore_index=-1))
    z = samples(CROSS_LOGITS)[0]
    compiled(z, np.array([0, -1, 2, 0, 1]))
    with pytest.raises(ValueError, match="label -2 is out of range"):
        compiled(z, np.array([0, -1, -2, 0, 1]))


def test_an_unsigned_label_never_equals_a_negative_ignore_index():
    z, _ = samples(CROSS_LOGITS)
    y = np.array([0, 1, 2, 1, 0], np.uint8)
    assert CROSS_LOGITS(z, y, ignore_index=-100) == pytest.approx(CROSS_LOGITS(z, y), rel=1e-14)


@options
def test_options_leave_float32_alone(options):
    z = samples(CROSS_LOGITS)[0].astype(np.float32)
    y = np.array([0, 1, 2, 1, 0])
    value, slope = ag.value_and_grad(lambda z: CROSS_LOGITS(z, y, **options))(z)
    assert value.dtype == slope.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@options
def test_extreme_logits_with_options_stay_finite(options, dtype):
    z = np.array([[1000, -1000, 0], [-1000, 1000, 1000]], dtype)
    value, slope = ag.value_and_grad(lambda z: CROSS_LOGITS(z, [1, 0], **options))(z)
    assert np.isfinite(value)
    assert value > 1000 * 0.5
    assert np.all(np.isfinite(slope))


def test_the_gradient_by_a_distribution_counts_its_zeros():
    """The derivative by y_k is the surprise at k, whether y_k is 0 or not."""
    z, y = np.array([[1.0, 2.0, 0.5]]), np.array([[0.0, 1.0, 0.0]])
    slope = ag.grad(lambda y: CROSS_LOGITS(z, y))(y)
    np.testing.assert_allclose(slope, -nn.log_softmax(z), rtol=1e-14)


# ----------------------------------------------------------------------------------------- log loss with weights


@pytest.mark.parametrize("loss", [LOG, LOG_LOGITS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(), (3,), (1,), (5, 1), (5, 3)], ids=str)
def test_weights_of_the_log_loss_multiply_its_terms(loss, shape):
    o, y = samples(loss)
    w = np.random.default_rng(1).uniform(0, 3, shape)
    terms = np.array([[loss([a], [b]) for a, b in zip(*row, strict=True)] for row in zip(o, y, strict=True)])
    np.testing.assert_allclose(loss(o, y, "none", weight=w), np.sum(w * terms, axis=-1), rtol=1e-13)
    np.testing.assert_allclose(loss(o, y, weight=w), np.mean(np.sum(w * terms, axis=-1)), rtol=1e-13)
    assert ag.gradcheck(lambda o: loss(o, y, weight=w), o)


def test_pos_weight_multiplies_what_positive_samples_cost():
    z = samples(LOG_LOGITS)[0]
    for bits, factor in ((np.ones_like(z), 7.0), (np.zeros_like(z), 1.0)):
        np.testing.assert_allclose(
            LOG_LOGITS(z, bits, "none", pos_weight=7.0), factor * LOG_LOGITS(z, bits, "none"), rtol=1e-13
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_with_pos_weight(dtype):
    z, y = np.array([[-1000, 1000, -1000, 1000]], dtype).T, np.array([[0.0, 1, 1, 0]]).T
    assert LOG_LOGITS(z, y, "none", pos_weight=3.0).tolist() == [0, 0, 3000, 1000]
    assert ag.grad(lambda z: LOG_LOGITS(z, y, "sum", pos_weight=3.0))(z).ravel().tolist() == [0, 0, -3, 1]


def test_the_log_loss_of_a_small_probability_keeps_its_digits():
    assert LOG([[1e-20]], [[0.0]]) == 1e-20


# ------------------------------------------------------------------------------------------- what a loss is taken of


def test_a_loss_says_whether_it_takes_logits():
    """So that an output of a single column between 0 and 1 is not taken for a probability, or the reverse."""
    smooth = functools.partial(functools.partial(CROSS_LOGITS, label_smoothing=0.1), ignore_index=-1)
    assert all(nn.losses.takes_logits(loss) is True for loss in (CROSS_LOGITS, LOG_LOGITS, nn.hinge, smooth))
    assert all(nn.losses.takes_logits(loss) is False for loss in (CROSS, LOG))
    assert all(nn.losses.takes_logits(loss) is None for loss in (SQUARED, nn.huber, lambda o, y: 0.0, None))
