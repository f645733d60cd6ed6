"""What a graph keeps for its sweep, beside PyTorch's: a four-layer MLP, batch 256, widths 1024, float32."""

import numpy as np
import pytest
import torch

import nn
from tests.test_memory import BATCH, LAYERS, WIDTH, residuals

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
LOSSES = {"squared_error": torch.nn.functional.mse_loss, "cross_entropy": torch.nn.functional.cross_entropy}
SMALL = 10_000  # bytes: values of at most 1,024 elements stay with their nodes, for the pictures


def torch_residuals(activation, loss, x, target):
    """Return the bytes of all storage that PyTorch saves, but for parameters, input and target."""
    layers = [torch.nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS)]
    inner = [part for layer in layers[:-1] for part in (layer, ACTIVATIONS[activation]())]
    model, x, target = torch.nn.Sequential(*inner, layers[-1]), torch.tensor(x), torch.tensor(target)
    given = {t.untyped_storage().data_ptr() for t in (x, target, *model.parameters())}
    saved = {}

    def pack(t):
        storage = t.untyped_storage()
        if storage.data_ptr() not in given:
            saved[storage.data_ptr()] = storage.nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        result = LOSSES[loss](model(x), target)
    assert result.requires_grad  # and so all that was saved is alive
    return sum(saved.values())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_an_mlp_keeps_no_more_than_pytorch(activation, loss):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, WIDTH)).astype(np.float32)
    target = rng.integers(0, WIDTH, BATCH) if loss == "cross_entropy" else x + 1
    model = nn.MLP([WIDTH] * (LAYERS + 1), activation=activation, output="identity", rng=0, dtype=np.float32)
    ours = sum(residuals(getattr(nn, loss)(model(x), target), [x, target, *(p.data for p in model.parameters())]))
    assert ours <= torch_residuals(activation, loss, x, target) + SMALL
