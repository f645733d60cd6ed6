"""Losses: values from the formulas, gradients from differences, edges, and what a wrong target is told."""

import functools

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
