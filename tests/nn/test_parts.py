"""Every part of nn is asked the same: PyTorch's figures, difference quotients, compiled, described, float32, repr."""

import json
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as ag
import nn

# Made by PyTorch 2.13, in float64: `python tests/peers/torch_parts.py` writes them; tests/peers holds them against it.
STORED = json.loads((Path(__file__).parents[1] / "data" / "nn_parts.json").read_text("utf-8"))
NAMES = [f"{entry['part']} {np.shape(entry['x'])}" for entry in STORED]
each = pytest.mark.parametrize("entry", STORED, ids=NAMES)


def made(entry):
    """Return the part with the state that the figures start from."""
    part = eval(entry["part"], {"nn": nn})
    part.load_state_dict({name: np.array(value) for name, value in entry["state"].items()})
    return part


def inputs(entry):
    """Return the inputs; they can be differentiated, unless they are integers."""
    x = np.array(entry["x"])
    return ag.Tensor(x, requires_grad=x.dtype.kind == "f")


def arrays(entry):
    """Return inputs and cotangent."""
    return np.array(entry["x"]), np.array(entry["g"])


def value(a):
    return a.numpy() if isinstance(a, ag.Tensor) else np.asarray(a)


def close(found, expected, tolerance=1e-12):
    """Assert that two arrays agree, relative to the largest entry."""
    found, expected = value(found), value(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(1e-3, np.max(np.abs(expected), initial=0)))


@each
def test_outputs_gradients_and_state_are_pytorchs(entry):
    part, g = made(entry), np.array(entry["g"])
    for step in entry["training"]:
        x = inputs(entry)
        leaves = dict(part.named_parameters()) | ({"x": x} if x.requires_grad else {})
        y = part(x)
        close(y, step["y"])
        assert leaves.keys() == step["gradients"].keys()
        for name, found in zip(leaves, ag.gradients(y, list(leaves.values()), g), strict=True):
            close(found, step["gradients"][name])
    state = part.state_dict()
    assert list(state) == list(entry["after"])
    for name, value in entry["after"].items():
        close(state[name], value)
    part.eval()
    close(part(inputs(entry)), entry["evaluation"])
    for name, value in part.state_dict().items():  # evaluation changes nothing
        np.testing.assert_array_equal(value, state[name])


@each
@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_gradients_are_the_difference_quotients(entry, mode):
    part, (x, g) = made(entry).train(mode), arrays(entry)
    if x.dtype.kind == "f":
        assert ag.gradcheck(part, x)
    parameters = part.parameters()
    found = ag.gradients(part(x), parameters, g) if parameters else []
    rng = np.random.default_rng(0)
    for parameter, gradient in zip(parameters, found, strict=True):
        start, direction = parameter.data.copy(), rng.normal(size=parameter.shape)
        if getattr(part, "padding_idx", None) is not None:
            direction[part.padding_idx] = 0  # it has no gradient, though the outputs depend on it
        values = []
        for h in (1e-4, -1e-4):
            parameter.data = start + h * direction
            values.append(np.sum(g * part(x).numpy()))
        parameter.data = start
        assert (values[0] - values[1]) / 2e-4 == pytest.approx(np.sum(gradient * direction), rel=1e-6, abs=1e-6)


@each
def test_compiled_in_evaluation_is_eager(entry):
    part, (x, g) = made(entry).eval(), arrays(entry)
    x2 = x[::-1].copy()

    def swept(x):
        y = part(x)
        wanted = [*([x] if x.dtype.kind == "f" else []), *part.parameters()]
        return ag.stop_gradient((y, ag.gradients(y, wanted, g) if wanted else []))

    def eager(x):
        return swept(ag.Tensor(x, requires_grad=x.dtype.kind == "f"))

    compiled = ag.compile(swept)
    for batch in (x, x2, x):
        (y, found), (expected, gradients) = compiled(batch), eager(batch)
        close(y, expected)
        for one, other in zip(found, gradients, strict=True):
            close(one, other)


@each
def test_a_compiled_training_step_is_the_eager_one_also_in_what_it_tracks(entry):
    """A Linear layer before each part, so that there is something to train, whose gradient passes through it."""
    (x, g), models = arrays(entry), []
    for _ in range(2):
        before = [nn.Linear(x.shape[-1], x.shape[-1], rng=0)] if x.dtype.kind == "f" else []
        models.append(nn.Sequential(*before, made(entry)))
    optimizers = [nn.SGD(model.parameters(), lr=0.05, momentum=0.9) for model in models]

    def loss(o, y):
        return np.mean(np.sum(np.square(o - y).reshape(len(o), -1), axis=-1))

    step = nn.compile_step(models[0], loss, optimizers[0])
    batches = [x, x[::-1].copy(), x, np.concatenate([x, x])[: len(x)]]
    for batch in batches:
        value = step(batch, g)
        expected = loss(models[1](batch), g)
        optimizers[1].zero_grad()
        expected.backward()
        optimizers[1].step()
        assert value == pytest.approx(expected.item(), rel=1e-12)
    state = models[1].state_dict()
    for name, found in models[0].state_dict().items():
        close(found, state[name])
    assert nn.evaluate(models[0], x) == pytest.approx(nn.evaluate(models[1], x), rel=1e-11, abs=1e-12)


@each
def test_a_part_is_made_again_from_its_description(entry):
    part = made(entry)
    twin = type(part).from_config(part.config())
    assert repr(twin) == repr(part)
    assert [(n, p.shape, p.dtype) for n, p in twin.named_parameters()] == [
        (n, p.shape, p.dtype) for n, p in part.named_parameters()
    ]
    twin.load_state_dict(part.state_dict())
    x = np.array(entry["x"])
    for mode in (True, False):
        np.testing.assert_array_equal(*(value(m.train(mode)(x)) for m in (part, twin)))


def plain(value):
    """Return whether a description holds only what a file can."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or isinstance(value, (bool, int, float, str, np.ndarray, nn.Module))


@each
def test_a_description_is_of_numbers_text_lists_arrays_and_modules(entry):
    for _, module in made(entry).named_modules():
        assert plain(module.config())


def in_float32(module):
    """Return the same part with float32 parameters."""

    def low(value):
        if isinstance(value, nn.Module):
            return in_float32(value)
        return [low(v) for v in value] if isinstance(value, list) else value

    config = {name: low(value) for name, value in module.config().items()}
    if "dtype" in config:
        config["dtype"] = "float32"
    return type(module).from_config(config)


@each
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_a_float32_part_computes_in_float32(entry, given):
    part, x = in_float32(made(entry)), np.array(entry["x"])
    casts = any(p.dtype == np.float32 for _, p in [*part.named_parameters(), *part.named_buffers()])
    if x.dtype.kind == "f":
        if given == "float64" and not casts and "dtype" not in part.config():
            assert part(x).dtype == np.float64  # a part without weights keeps the dtype that it gets
            return
        x = x.astype(given)
    leaf = ag.Tensor(x, requires_grad=x.dtype.kind == "f")
    for mode in (True, False):
        y = part.train(mode)(leaf)
        assert y.dtype == np.float32
        if y.requires_grad:
            y.backward(np.ones(y.shape, np.float32))
    assert all(p.grad is not None and p.dtype == p.grad.dtype == np.float32 for p in part.parameters())
    assert all(b.dtype == np.float32 for name, b in part.named_buffers() if not name.endswith("tracked"))
    assert leaf.grad is None or leaf.grad.dtype == leaf.dtype


@each
def test_complex_numbers_are_refused_where_the_formula_is_of_real_ones(entry):
    part, x = made(entry), np.array(entry["x"]) * 1j
    if type(part).__name__ in ("Identity", "Tanh", "Flatten"):
        y = part(x)
        np.testing.assert_allclose(np.ravel(y), np.ravel(np.tanh(x) if isinstance(part, nn.Tanh) else x), rtol=1e-14)
    else:
        with pytest.raises(ag.errors.DTypeError, match="complex128, but must be"):
            part(x)


def test_who_changes_a_description_does_not_change_the_part():
    model, layer = nn.MLP([3, 4, 2], rng=0), nn.Linear(3, 2, mask=np.ones((2, 3)), rng=0)
    model.config()["sizes"].append(9)
    layer.config()["mask"][:] = 0
    assert model.config()["sizes"] == [3, 4, 2]
    np.testing.assert_array_equal(layer.mask, 1)


def test_a_repr_can_be_read():
    text = {entry["part"]: repr(made(entry)) for entry in STORED}
    assert text["nn.LeakyReLU(0.2)"] == "LeakyReLU(negative_slope=0.2)"
    assert text["nn.Softplus()"] == "Softplus(beta=1, threshold=20)"
    assert text["nn.GELU()"] == "GELU(approximate='none')"
    assert text["nn.SiLU()"] == "SiLU()"
    assert text["nn.BatchNorm1d(3)"] == "BatchNorm1d(3)"
    assert text["nn.BatchNorm1d(3, eps=0.01, momentum=0.3)"] == "BatchNorm1d(3, eps=0.01, momentum=0.3)"
    assert text["nn.BatchNorm1d(3, momentum=None)"] == "BatchNorm1d(3, momentum=None)"
    assert text["nn.LayerNorm(3)"] == "LayerNorm(3)"
    assert text["nn.LayerNorm([2, 3], eps=0.01)"] == "LayerNorm((2, 3), eps=0.01)"
    assert text["nn.Embedding(5, 3, padding_idx=1)"] == "Embedding(5, 3, padding_idx=1)"
    assert (text["nn.Flatten()"], text["nn.Flatten(0, 1)"]) == ("Flatten()", "Flatten(0, 1)")
    assert text["nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))"] == (
        "Residual(\n  (module): Sequential(\n    (0): Linear(3 -> 3)\n    (1): ReLU()\n  )\n)"
    )
