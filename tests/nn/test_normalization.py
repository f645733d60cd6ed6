"""Batch and layer normalization: what they make of a batch, what they track, and what a wrong batch is told."""

import copy
import pickle

import numpy as np
import pytest

import autograd_mini as ag
import nn


@pytest.fixture
def x(rng):
    return rng.normal(size=(8, 3)) * [0.1, 1, 30] + [5, 0, -200]


def test_in_training_each_feature_gets_mean_beta_and_deviation_gamma(x):
    layer = nn.BatchNorm1d(3, eps=1e-12)
    layer.weight.data, layer.bias.data = [1.0, 2.0, 3.0], [10.0, 20.0, 30.0]
    y = layer(x).numpy()
    np.testing.assert_allclose(y.mean(axis=0), [10, 20, 30], rtol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), [1, 2, 3], rtol=1e-9)


def test_the_running_statistics_are_those_of_the_batch_with_the_variance_over_n_minus_1(x):
    layer = nn.BatchNorm1d(3, momentum=0.25)
    layer(x)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.25 * x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.75 + 0.25 * x.var(axis=0, ddof=1), rtol=1e-14)
    assert layer.num_batches_tracked.numpy() == 1
    assert layer.num_batches_tracked.dtype == np.int64


def test_without_a_momentum_they_are_the_means_over_all_batches(rng):
    layer, batches = nn.BatchNorm1d(3, momentum=None), rng.normal(size=(7, 5, 3))
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean.numpy(), batches.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.numpy(), batches.var(axis=1, ddof=1).mean(axis=0), rtol=1e-12)
    assert layer.num_batches_tracked.numpy() == 7


def test_sequences_are_normalized_over_samples_and_places(rng):
    layer, x = nn.BatchNorm1d(3), rng.normal(size=(4, 3, 5)) + 7
    flat = nn.BatchNorm1d(3)
    expected = flat(np.swapaxes(x, 1, 2).reshape(-1, 3)).numpy().reshape(4, 5, 3).swapaxes(1, 2)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-12, atol=1e-14)
    for name, value in layer.state_dict().items():
        np.testing.assert_allclose(value, flat.state_dict()[name], rtol=1e-13)


def test_in_evaluation_samples_do_not_see_each_other_and_nothing_is_tracked(x):
    layer = nn.BatchNorm1d(3)
    layer(x)
    before = layer.state_dict()
    layer.eval()
    together = layer(x).numpy()
    np.testing.assert_allclose([layer(row[None]).numpy()[0] for row in x], together, rtol=1e-14)
    expected = (x - before["running_mean"]) / np.sqrt(before["running_var"] + 1e-5)
    np.testing.assert_allclose(together, expected, rtol=1e-13)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_no_gradient_passes_through_the_running_statistics(x):
    layer, a = nn.BatchNorm1d(3), ag.Tensor(x, requires_grad=True)
    layer(a)
    y = layer.eval()(x)  # of constants, by statistics that came from a
    y.sum().backward()
    assert a.grad is None
    assert not layer.running_mean.requires_grad


def test_where_nothing_is_recorded_the_statistics_are_tracked_all_the_same(x):
    layer = nn.BatchNorm1d(3)
    with ag.no_grad():
        layer(x)
    assert layer.num_batches_tracked.numpy() == 1


def test_a_checkpoint_calls_the_layer_twice_and_gives_the_same_gradient(x):
    plain, twice = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    gradients = []
    for function in (plain, ag.checkpoint(twice)):
        a = ag.Tensor(x, requires_grad=True)
        np.sum(function(a) ** 3).backward()
        gradients.append(a.grad)
    np.testing.assert_allclose(*gradients, rtol=1e-12)
    assert (int(plain.num_batches_tracked.numpy()), int(twice.num_batches_tracked.numpy())) == (1, 2)


def test_buffers_are_no_parameters_and_the_state_has_pytorchs_names_in_its_order():
    layer = nn.BatchNorm1d(3)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    names = ["running_mean", "running_var", "num_batches_tracked"]
    assert [name for name, _ in layer.named_buffers()] == names
    assert list(layer.state_dict()) == ["weight", "bias", *names]
    assert list(nn.BatchNorm1d(3, affine=False).state_dict()) == names
    assert list(nn.BatchNorm1d(3, track_running_stats=False).state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_a_copy_has_statistics_of_its_own(again, x):
    layer = nn.BatchNorm1d(3)
    layer(x)
    twin = again(layer)
    before = twin.state_dict()
    layer(x)
    for name, value in twin.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    twin(x)
    for name, value in twin.state_dict().items():
        np.testing.assert_array_equal(value, layer.state_dict()[name])


@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (1, 3, 1), (4, 3, 0)])
def test_a_batch_without_a_variance_is_refused_in_training_and_changes_nothing(shape):
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match=r"needs two at least.*model\.eval\(\)"):
        layer(np.ones(shape))
    assert layer.num_batches_tracked.numpy() == 0
    np.testing.assert_array_equal(layer.running_var.numpy(), 1)
    assert layer.eval()(np.ones(shape)).shape == shape


def test_without_running_statistics_evaluation_takes_those_of_the_batch(x):
    layer = nn.BatchNorm1d(3, track_running_stats=False)
    np.testing.assert_array_equal(layer.eval()(x).numpy(), layer.train()(x).numpy())
    with pytest.raises(ValueError, match=r"feature, and needs two at least.*track_running_stats=True") as error:
        layer.eval()(x[:1])
    assert "eval()" not in str(error.value)


@pytest.mark.parametrize("missing", ["weight", "bias"])
def test_what_is_left_of_gamma_and_beta_is_applied(missing, x):
    layer = nn.BatchNorm1d(3)
    plain = layer(x).numpy()
    layer.weight.data, layer.bias.data = np.full(3, 2.0), np.full(3, 5.0)
    setattr(layer, missing, None)
    np.testing.assert_allclose(layer(x).numpy(), plain + 5 if missing == "weight" else 2 * plain, rtol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (8, 4), (3, 8), (8, 4, 3), (2, 3, 4, 5), ()])
def test_a_batch_of_another_shape_is_refused(shape):
    with pytest.raises(ag.errors.ShapeError, match=r"BatchNorm1d\(3\) takes 3 features in the second axis"):
        nn.BatchNorm1d(3)(np.ones(shape))


def test_a_constant_feature_becomes_beta_and_has_a_finite_gradient():
    layer, x = nn.BatchNorm1d(1), ag.Tensor(np.full((5, 1), 3.0), requires_grad=True)
    layer.bias.data = [0.5]
    y = layer(x)
    y.backward(np.arange(5.0)[:, None])
    np.testing.assert_array_equal(y.numpy(), 0.5)
    assert np.isfinite(x.grad).all()


def test_it_learns_through_fit_in_the_compiled_step_as_in_the_eager_one(rng):
    """The last batch is smaller, so that there are two programs, which share the running statistics."""
    x, labels = rng.normal(size=(50, 4)) * 10 + 3, rng.integers(0, 3, 50)
    states = []
    for compile in (True, False):
        model = nn.MLP([4, 6, 3], "tanh", batch_norm=True, rng=0)
        nn.fit(
            model,
            (x, labels),
            loss=nn.cross_entropy,
            optimizer=nn.Adam(model.parameters(), lr=0.01),
            epochs=3,
            batch_size=16,
            progress=False,
            compile=compile,
        )
        states.append(model.state_dict())
    assert states[0]["1.num_batches_tracked"] == 12
    for name, value in states[0].items():
        np.testing.assert_allclose(value, states[1][name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_a_compiled_function_says_that_it_cannot_track(x):
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ag.errors.TraceError, match=r"model\.eval\(\)"):
        ag.compile(lambda x: ag.stop_gradient(layer(x)))(x)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_features": 0}, ValueError, "num_features is 0"),
        ({"eps": 0}, ValueError, "eps is 0, but must be a positive"),
        ({"momentum": 1.5}, ValueError, r"momentum is 1.5, but must lie in \[0, 1\].*None"),
        ({"momentum": -0.1}, ValueError, r"momentum is -0.1"),
        ({"affine": "no"}, TypeError, "affine is 'no', but must be True or False"),
        ({"track_running_stats": 0.5}, TypeError, "track_running_stats is 0.5"),
        ({"dtype": complex}, ag.errors.DTypeError, "dtype is complex128, but must be real"),
        ({"dtype": int}, ag.errors.DTypeError, "dtype is int64"),
    ],
)
def test_batch_norm_checks_its_arguments(options, error, message):
    with pytest.raises(error, match=message):
        nn.BatchNorm1d(**{"num_features": 3, **options})


# ----------------------------------------------------------------------------------------------------- LayerNorm


@pytest.mark.parametrize("shape", [(4,), (2, 4), (3, 2, 4)])
def test_each_sample_is_normalized_over_its_last_axes_by_itself(shape, rng):
    layer, x = nn.LayerNorm(shape, eps=1e-12), rng.normal(size=(5, *shape)) * 7 + 3
    y = layer(x).numpy()
    axes = tuple(range(1, 1 + len(shape)))
    np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-14)
    np.testing.assert_allclose(y.std(axis=axes), 1, rtol=1e-9)
    np.testing.assert_allclose([layer(row[None]).numpy()[0] for row in x], y, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(layer.eval()(x).numpy(), y)


def test_layer_norm_scales_and_shifts_each_place_by_its_own(rng):
    layer, x = nn.LayerNorm((2, 3)), rng.normal(size=(5, 2, 3))
    plain = nn.LayerNorm((2, 3), elementwise_affine=False)(x)
    gamma, beta = rng.normal(size=(2, 2, 3))
    layer.weight.data, layer.bias.data = gamma, beta
    np.testing.assert_allclose(layer(x).numpy(), plain * gamma + beta, rtol=1e-13)


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"elementwise_affine": False}], ids=str)
def test_layer_norm_has_the_parameters_that_are_asked_for(options):
    layer = nn.LayerNorm(4, **options)
    expected = {
        "weight": True,
        "bias": True,
        **dict.fromkeys(["weight", "bias"] if "elementwise_affine" in options else []),
    }
    expected["bias"] = expected["bias"] and options.get("bias", True)
    assert [name for name, _ in layer.named_parameters()] == [name for name, there in expected.items() if there]


@pytest.mark.parametrize("shape", [(5, 3), (4, 5), (4, 1), ()])
def test_layer_norm_refuses_other_last_axes(shape):
    with pytest.raises(ag.errors.ShapeError, match=r"LayerNorm\(4\) takes arrays whose last axes are \(4,\)"):
        nn.LayerNorm(4)(np.ones(shape))


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((), ValueError, "normalized_shape is empty"),
        (0, ValueError, "normalized_shape is 0"),
        ((2, 0), ValueError, r"normalized_shape\[1\] is 0"),
        ("4", TypeError, "normalized_shape is '4'"),
    ],
)
def test_layer_norm_checks_its_shape(shape, error, message):
    with pytest.raises(error, match=message):
        nn.LayerNorm(shape)
