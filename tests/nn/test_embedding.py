"""Embedding: vectors by number; repeated numbers, padding, and numbers that are none."""

import numpy as np
import pytest

import autograd_mini as ag
import nn


@pytest.fixture
def table():
    layer = nn.Embedding(4, 3)
    layer.weight.data = np.arange(12.0).reshape(4, 3)
    return layer


@pytest.mark.parametrize("shape", [(), (5,), (2, 5), (2, 1, 3), (0,)])
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.uint64])
def test_it_returns_the_rows_of_the_table(table, shape, dtype, rng):
    x = rng.integers(0, 4, shape).astype(dtype)
    y = table(x)
    assert y.shape == (*shape, 3)
    np.testing.assert_array_equal(y.numpy(), table.weight.data[x.astype(int)])


def test_it_is_a_linear_layer_on_one_hot_rows(table, rng):
    x, g = rng.integers(0, 4, 9), rng.normal(size=(9, 3))
    one_hot = np.eye(4)[x]
    np.testing.assert_array_equal(table(x).numpy(), one_hot @ table.weight.data)
    np.testing.assert_allclose(ag.gradients(table(x), table.weight, g), one_hot.T @ g, rtol=1e-14, atol=1e-15)


def test_a_number_that_comes_again_gets_the_sum_of_its_gradients(table):
    table([1, 1, 3, 1]).sum().backward()
    np.testing.assert_array_equal(table.weight.grad, np.array([0.0, 3, 0, 1])[:, None] * np.ones(3))


@pytest.mark.parametrize("index", [1, -3])
def test_padding_starts_at_0_and_gets_no_gradient_though_its_vector_is_used(index):
    layer = nn.Embedding(4, 3, padding_idx=index, rng=0)
    assert layer.padding_idx == 1
    np.testing.assert_array_equal(layer.weight.data[1], 0)
    assert (layer.weight.data[[0, 2, 3]] != 0).all()
    layer.weight.data = np.ones((4, 3))
    y = layer([1, 0, 1, 3])
    np.testing.assert_array_equal(y.numpy(), 1)
    y.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad[:, 0], [1, 0, 0, 1])


def test_the_vectors_are_from_a_standard_normal_distribution():
    W = nn.Embedding(2000, 20, rng=0).weight.data
    assert abs(W.mean()) < 0.02
    assert W.std() == pytest.approx(1, abs=0.02)


def test_another_initializer_and_dtype():
    layer = nn.Embedding(4, 3, initializer=nn.init.constant(0.5), dtype=np.float32)
    assert layer.weight.dtype == np.float32
    np.testing.assert_array_equal(layer([0, 1]).numpy(), 0.5)


@pytest.mark.parametrize("wrong", [-1, 4, 400])
def test_a_number_outside_the_table_is_an_error_that_names_it_also_when_compiled(table, wrong):
    compiled = ag.compile(lambda x: ag.stop_gradient(table(x)))
    np.testing.assert_array_equal(compiled(np.array([0, 3])), table.weight.data[[0, 3]])
    for function in (table, compiled):
        with pytest.raises(ValueError, match=f"number {wrong} is out of range: with 4 vectors they run from 0 to 3"):
            function(np.array([0, wrong]))


@pytest.mark.parametrize("x", [[0.0, 1.0], [True, False], np.zeros(2, np.float32)])
def test_what_is_no_integer_is_refused(table, x):
    with pytest.raises(ag.errors.DTypeError, match=r"Embedding: x holds .*, but must hold integers"):
        table(x)


def test_words_are_refused():
    with pytest.raises(ag.errors.DTypeError, match="x holds <U3"):
        nn.Embedding(4, 3)(np.array(["the", "cat"]))


@pytest.mark.parametrize("padding", [4, -5])
def test_padding_is_one_of_the_numbers(padding):
    with pytest.raises(ValueError, match=f"padding_idx is {padding}"):
        nn.Embedding(4, 3, padding)


def test_it_learns_in_a_compiled_step(rng):
    """Words 0 and 1 mean 1, the others -1; numbers are the inputs of `fit` as they are."""
    x = rng.integers(0, 4, (40, 1))
    y = np.where(x < 2, 1.0, -1.0)
    model = nn.Sequential(nn.Embedding(4, 2, rng=0), nn.Flatten(), nn.Linear(2, 1, rng=1))
    history = nn.fit(
        model, (x, y), loss=nn.squared_error, optimizer=nn.SGD(model.parameters(), lr=0.2), epochs=60, progress=False
    )
    assert history.loss[-1] < 1e-3 < history.loss[0]
