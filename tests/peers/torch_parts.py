"""What PyTorch computes of each part of nn: ``python tests/peers/torch_parts.py`` writes tests/data/nn_parts.json.

A part is given as text that makes it in nn and in torch.nn alike.
"""

import json
from pathlib import Path

import numpy as np
import torch

FILE = Path(__file__).parents[1] / "data" / "nn_parts.json"

CASES = [  # part, shape of the inputs
    ("nn.Identity()", (4, 3)),
    ("nn.Sigmoid()", (4, 3)),
    ("nn.Tanh()", (4, 3)),
    ("nn.ReLU()", (4, 3)),
    ("nn.LeakyReLU()", (4, 3)),
    ("nn.LeakyReLU(0.2)", (4, 3)),
    ("nn.ELU()", (4, 3)),
    ("nn.ELU(0.7)", (4, 3)),
    ("nn.GELU()", (4, 3)),
    ("nn.GELU('tanh')", (4, 3)),
    ("nn.SiLU()", (4, 3)),
    ("nn.Softplus()", (4, 3)),
    ("nn.Softplus(2.0, 1.5)", (4, 3)),
    ("nn.Softmax()", (4, 3)),
    ("nn.LogSoftmax()", (4, 3)),
    ("nn.Linear(3, 2)", (4, 3)),
    ("nn.Linear(3, 2, bias=False)", (2, 2, 3)),
    ("nn.BatchNorm1d(3)", (5, 3)),
    ("nn.BatchNorm1d(3)", (4, 3, 2)),
    ("nn.BatchNorm1d(3, eps=0.01, momentum=0.3)", (5, 3)),
    ("nn.BatchNorm1d(3, momentum=None)", (5, 3)),
    ("nn.BatchNorm1d(3, affine=False)", (5, 3)),
    ("nn.BatchNorm1d(3, track_running_stats=False)", (5, 3)),
    ("nn.LayerNorm(3)", (4, 3)),
    ("nn.LayerNorm([2, 3], eps=0.01)", (3, 2, 3)),
    ("nn.LayerNorm(3, elementwise_affine=False)", (4, 3)),
    ("nn.LayerNorm(3, bias=False)", (4, 3)),
    ("nn.Flatten()", (2, 3, 2)),
    ("nn.Flatten(0, 1)", (2, 3, 2)),
    ("nn.Embedding(5, 3)", (4, 2)),
    ("nn.Embedding(5, 3, padding_idx=1)", (4, 2)),
    ("nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.BatchNorm1d(4), nn.Linear(4, 2))", (5, 3)),
    ("nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))", (4, 3)),
    ("nn.Residual(nn.Linear(3, 2), shortcut=nn.Linear(3, 2, bias=False))", (4, 3)),
]


class Residual(torch.nn.Module):
    """He et al., 2016, eqs. 1 and 2: PyTorch has no class of its own for it."""

    def __init__(self, module, shortcut=None):
        super().__init__()
        self.module, self.shortcut = module, shortcut

    def forward(self, x):
        return (x if self.shortcut is None else self.shortcut(x)) + self.module(x)


class Names:
    """The names of torch.nn; what takes the last axis in nn takes it here."""

    Residual = Residual

    def __getattr__(self, name):
        return getattr(torch.nn, name)

    def Softmax(self):
        return torch.nn.Softmax(-1)

    def LogSoftmax(self):
        return torch.nn.LogSoftmax(-1)


def listed(state):
    return {name: value.tolist() for name, value in state.items()}


def figures(part, shape):
    """Return inputs, cotangent, state, and what came of them in two calls in training and one in evaluation."""
    rng = np.random.default_rng(len(part) + sum(shape))
    module = eval(part, {"nn": Names()}).double()
    whole = "Embedding" in part
    x = torch.tensor(rng.integers(0, 5, shape) if whole else rng.normal(size=shape).round(3) * 2)
    x.requires_grad_(not whole)
    state = {
        name: value if value.dtype == torch.int64 else torch.tensor((rng.normal(size=value.shape) ** 2 + 0.1).round(3))
        for name, value in module.state_dict().items()
    }
    module.load_state_dict(state)
    found = {"part": part, "x": x.tolist(), "state": listed(state), "training": []}
    for _ in range(2):
        y = module(x)
        g = torch.tensor(found.setdefault("g", rng.normal(size=y.shape).round(3).tolist()), dtype=torch.float64)
        leaves = {"x": x, **dict(module.named_parameters())} if not whole else dict(module.named_parameters())
        gradients = torch.autograd.grad(y, list(leaves.values()), g)
        found["training"].append({"y": y.tolist(), "gradients": listed(dict(zip(leaves, gradients, strict=True)))})
    found["after"] = listed(module.state_dict())
    found["evaluation"] = module.eval()(x).tolist()
    return found


if __name__ == "__main__":
    FILE.write_text("[\n" + ",\n".join(json.dumps(figures(*case)) for case in CASES) + "\n]\n", "utf-8")
