"""What goes wrong with buffers, shared parameters, parameter groups, checkpoints, and what else fit takes."""

import copy
import functools
import os
import tempfile

import numpy as np

import autograd_mini as ag
import nn
from autograd_mini import errors
from nn import archive

X = np.random.default_rng(0).normal(size=(6, 3))
LABELS = np.array([0, 1, 0, 1, 1, 0])


def model():
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=1), nn.Linear(4, 2, rng=2))


def fit(net=None, data=(X, LABELS), *, optimizer=nn.Adam, **options):
    net = model() if net is None else net
    usual = {"loss": nn.cross_entropy, "epochs": 1, "progress": False, "compile": False}
    return nn.fit(net, data, optimizer=optimizer(net.parameters()), **{**usual, **options})


@functools.cache
def directory():
    return tempfile.mkdtemp()


def checkpoint(**changes):
    """Return the path of a training's checkpoint, some of its content replaced."""
    path = os.path.join(directory(), f"{'_'.join(changes) or 'run'}.npz")
    fit(checkpoint=path)
    if changes:
        state = archive.unpack(*archive.read(path))
        archive.write(path, *archive.pack({**state, **changes}))
    return path


def saved_model():
    path = os.path.join(directory(), "model.npz")
    nn.save(model(), path)
    return path


def tied():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
    net[1].weight = net[0].weight
    return net


def groups(**options):
    a, b = nn.Parameter([1.0], name="a"), nn.Parameter([1.0], name="b")
    return nn.SGD([{"params": [a]}, {"params": [b]}], lr=0.1, **options)


def load(optimizer, state):
    return optimizer([nn.Parameter([1.0])]).load_state_dict(state)


ADAM = nn.Adam([nn.Parameter([1.0])]).state_dict()


class Bare(nn.Optimizer):
    """An optimizer without an update."""


def bare_step():
    w = nn.Parameter([1.0])
    (w * w).sum().backward()
    Bare([w], lr=0.1).step()


class Doubled(nn.SGD):
    """An optimizer with a step of its own."""

    def step(self):
        super().step()
        super().step()


class ByNorm(nn.Optimizer):
    """An optimizer that looks at a whole parameter."""

    def update(self, p, g, _state, lr):
        return p - lr * g / np.sqrt(np.sum(g * g)), ()


class Own:
    """What steps, and no more."""

    def __init__(self, parameters):
        self.parameters = parameters

    def zero_grad(self):
        """Forget the gradients."""

    def step(self):
        """Do nothing."""


LBFGS = nn.LBFGS([nn.Parameter([1.0])]).state_dict()

ROWS = {
    # --------------------------------------------------------------------------------------- what is left out silently
    "nn.compile_step(an optimizer with a step of its own)": (
        lambda: nn.compile_step(model(), nn.cross_entropy, Doubled(model().parameters(), lr=0.1)),
        TypeError,
        [r"Doubled has a step\(\) of its own", r"numbers\(\) and update\(\)"],
    ),
    "nn.compile_step(an optimizer that looks at a whole parameter)(x, y)": (
        lambda: nn.compile_step(net := model(), nn.cross_entropy, ByNorm(net.parameters(), lr=0.1))(X, LABELS),
        errors.TraceError,
        [r"update\(\) of ByNorm is not elementwise", "Write the loop"],
    ),
    "nn.fit(metrics=two of one name)": (
        lambda: fit(validation=(X, LABELS), metrics=["accuracy", "accuracy"]),
        ValueError,
        ["two metrics are called accuracy", "Write metrics="],
    ),
    "nn.fit(an optimizer without state_dict(), checkpoint=...)": (
        lambda: fit(optimizer=Own, checkpoint=os.path.join(directory(), "own.npz")),
        TypeError,
        ["the checkpoint is to hold the state of", r"no state_dict\(\)", "leave out checkpoint"],
    ),
    "nn.fit(a frozen model)": (
        lambda: fit(model().freeze()),
        errors.NothingRecordedError,
        ["all parameters of the model are frozen", r"model\.unfreeze\(\)"],
    ),
    "opt.load_state_dict(steps of fewer parameters)": (
        lambda: load(nn.Adam, {**ADAM, "missed": []}),
        ValueError,
        ["the state counts the steps of 0 parameters", "arrays for 1"],
    ),
    "lbfgs.load_state_dict(without its search)": (
        lambda: load(nn.LBFGS, {**LBFGS, "search": None}),
        ValueError,
        ["the search of the state is None", r"LBFGS\.state_dict\(\)"],
    ),
    # ------------------------------------------------------------------------------------------------- modules
    "ag.compile(model with batch normalisation in training mode)(X)": (
        lambda: ag.compile(model())(X),
        errors.TraceError,
        ["gets a new value in the forward pass", r"model\.eval\(\)", r"nn\.compile_step"],
    ),
    "model.load_state_dict(different values for a shared weight)": (
        lambda: tied().load_state_dict(tied().state_dict() | {"1.weight": np.ones((2, 2))}),
        ValueError,
        [r"0\.weight and 1\.weight are one in this model", "differ in the state"],
    ),
    # ---------------------------------------------------------------------------------------- parameter groups
    "nn.SGD([{'parameters': ...}])": (
        lambda: nn.SGD([{"parameters": model().parameters()}], lr=0.1),
        TypeError,
        ["SGD: one of the groups is", "dict with params"],
    ),
    "nn.SGD([{'params': ..., 'rate': 1}])": (
        lambda: nn.SGD([{"params": model().parameters(), "rate": 1}], lr=0.1),
        TypeError,
        ["SGD: a group gives 'rate'", "It takes lr, momentum"],
    ),
    "nn.Groups([])": (lambda: nn.Groups([]), ValueError, ["Groups got no optimizers", r"nn\.Groups\(\["]),
    "nn.Groups([parameters])": (
        lambda: nn.Groups([model().parameters()]),
        TypeError,
        ["Groups: one of the optimizers is a list", "steps from gradients"],
    ),
    "nn.Groups that share a parameter": (
        lambda: nn.Groups([nn.SGD([p], lr=0.1) for p in [nn.Parameter([1.0], name="w")] * 2]),
        ValueError,
        ["Groups: w is in two groups", "Leave it out"],
    ),
    "groups.lr": (lambda: groups().lr, AttributeError, ["each group has its own lr", r"opt\.groups\[0\]\.lr"]),
    "groups.lr = 0.3": (
        lambda: setattr(groups(), "lr", 0.3),
        AttributeError,
        ["lr is of the groups", r"for group in opt\.groups: group\.lr = 0\.3"],
    ),
    "groups.rate": (lambda: groups().rate, AttributeError, ["Groups has no attribute 'rate'"]),
    "step() of an optimizer without update()": (
        bare_step,
        NotImplementedError,
        [r"Bare has no update\(\)", r"def update\(self, p, g, state, lr\)"],
    ),
    "opt.load_state_dict(model.state_dict())": (
        lambda: load(nn.Adam, model().state_dict()),
        ValueError,
        [r"Adam\.load_state_dict: state is a dict", r"Adam\.state_dict\(\)"],
    ),
    "opt.load_state_dict(state of another kind)": (
        lambda: load(nn.AdamW, ADAM),
        ValueError,
        ["the state is of Adam with", "this is AdamW", "as it was"],
    ),
    "opt.load_state_dict(state for another parameter)": (
        lambda: nn.Adam([nn.Parameter([1.0, 2.0])]).load_state_dict(ADAM),
        ValueError,
        ["does not fit the 1 here in number or shapes", "same parameters"],
    ),
    "groups.load_state_dict(state of one group)": (
        lambda: groups().load_state_dict(copy.deepcopy(ADAM)),
        ValueError,
        [r"Groups\.load_state_dict: state is a dict", "as many groups, 2"],
    ),
    # ----------------------------------------------------------------------------------------------------- fit
    "nn.fit(validation=1.0)": (
        lambda: fit(validation=1.0),
        ValueError,
        [r"fit: validation is 1\.0", "fraction between 0 and 1", r"validation=0\.2"],
    ),
    "nn.fit(batches, validation=0.2)": (
        lambda: fit(data=[(X, LABELS)], validation=0.2),
        ValueError,
        ["which is not split", r"data=\(X, y\), or validation=\(inputs, targets\)"],
    ),
    "nn.fit(schedule=0.9)": (
        lambda: fit(schedule=0.9),
        TypeError,
        [r"schedule is 0\.9", r"nn\.CosineAnnealingLR\(optimizer"],
    ),
    "nn.fit(schedule of another optimizer)": (
        lambda: fit(schedule=nn.StepLR(nn.SGD(model().parameters(), lr=0.1), step_size=1)),
        ValueError,
        ["the schedule is of another optimizer"],
    ),
    "class of nn.Callback with another library's method": (
        lambda: type("Mine", (nn.Callback,), {"on_validation_end": print}),
        TypeError,
        [r"Mine: fit never calls on_validation_end\(\)", "on_epoch_end", "Rename it"],
    ),
    "class of nn.Callback with another library's arguments": (
        lambda: type("Mine", (nn.Callback,), {"on_epoch_end": lambda self, epoch, logs=None: None}),
        TypeError,
        [r"Mine: fit calls on_epoch_end\(\) with the run alone", r"def on_epoch_end\(self, run\)"],
    ),
    "nn.fit(callbacks=['print'])": (
        lambda: fit(callbacks=["print"]),
        TypeError,
        ["a callback is 'print'", r"nn\.Callback", r"callbacks=\[lambda run"],
    ),
    "nn.fit(clip_norm=1, clip_value=1)": (
        lambda: fit(clip_norm=1, clip_value=1),
        ValueError,
        ["clip_norm and clip_value are both given", "Take clip_norm"],
    ),
    "nn.fit(optimizer=nn.LBFGS)": (
        lambda: fit(optimizer=nn.LBFGS, batch_size=2),
        ValueError,
        ["the data come in 3 batches", "must come in one with LBFGS", "Write batch_size=None"],
    ),
    "nn.fit(optimizer=nn.LBFGS, clip_norm=1)": (
        lambda: fit(optimizer=nn.LBFGS, batch_size=None, clip_norm=1),
        ValueError,
        ["not for LBFGS", "Leave them out"],
    ),
    # --------------------------------------------------------------------------------------------- checkpoints
    "nn.fit(checkpoint=3)": (lambda: fit(checkpoint=3), TypeError, ["checkpoint is 3", r"checkpoint='run\.npz'"]),
    "nn.fit(checkpoint='run')": (
        lambda: fit(checkpoint=os.path.join(directory(), "run")),
        ValueError,
        ["checkpoint is", r"ends in \.npz", r"checkpoint='run\.npz'"],
    ),
    "nn.fit(checkpoint in no directory)": (
        lambda: fit(checkpoint=os.path.join(directory(), "nowhere", "run.npz")),
        FileNotFoundError,
        ["there is no directory", "nowhere", "Make it first"],
    ),
    "nn.fit(resume=True)": (
        lambda: fit(resume=True),
        ValueError,
        ["resume is True", "no checkpoint to go on from", r"checkpoint='run\.npz'"],
    ),
    "nn.fit(resume=3)": (lambda: fit(resume=3), TypeError, ["resume is 3", "Write resume=True"]),
    "nn.fit(resume='nothing.npz')": (
        lambda: fit(resume=os.path.join(directory(), "nothing.npz")),
        FileNotFoundError,
        [r"nothing\.npz"],
    ),
    "nn.fit(resume=a saved model)": (
        lambda: fit(resume=saved_model()),
        archive.FileError,
        [r"model\.npz holds no training", r"nn\.load"],
    ),
    "nn.fit(resume=a checkpoint of the future)": (
        lambda: fit(resume=checkpoint(version=99)),
        archive.FileError,
        ["of version 99", "reads version 1", "the release that wrote it"],
    ),
    "nn.fit(resume=..., batch_size=2)": (
        lambda: fit(resume=checkpoint(), batch_size=2),
        ValueError,
        [r"run\.npz is of a training with batch_size 32, and this one has 2", "without resume"],
    ),
    "nn.fit(resume=a training of a model without dropout)": (
        lambda: fit(resume=checkpoint(generators={})),
        ValueError,
        ["another model or without this schedule", "as they were"],
    ),
    "nn.fit(resume=..., another kind of generator)": (
        lambda: fit(resume=checkpoint(), rng=np.random.Generator(np.random.MT19937(0))),
        ValueError,
        ["random generator of another kind than MT19937", "Pass one of that kind"],
    ),
}
