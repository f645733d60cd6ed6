"""What goes wrong with RMSprop, Adagrad, L-BFGS, schedules and clipping."""

import numpy as np

import nn
from autograd_mini import errors


def p(value=(1.0,)):
    return [nn.Parameter(np.array(value))]


def sgd(**options):
    return nn.SGD(p(), **{"lr": 0.1, **options})


def groups():
    return nn.SGD([{"params": p()}, {"params": p()}], lr=0.1)


def with_gradient(value):
    parameters = p(value)
    parameters[0].grad = np.array(value)
    return parameters


def lbfgs_step(closure, **options):
    return nn.LBFGS(p(), **options).step(closure)


def seen():
    """Return the state of an L-BFGS that has taken a step with two weights."""
    opt = nn.LBFGS(p([1.0, 2.0]), max_iter=3)

    def closure():
        opt.zero_grad()
        loss = (opt.parameters[0] ** 4).sum()
        loss.backward()
        return loss

    opt.step(closure)
    return opt.state_dict()


def steps(schedule, n):
    for _ in range(n):
        schedule.step()


def warmup(then, **options):
    opt = sgd()
    return nn.LinearWarmup(opt, 5, then=then(opt), **options)


def half_done(opt):
    schedule = nn.StepLR(opt, 2)
    schedule.step()
    return schedule


ROWS = {
    # --- RMSprop and Adagrad
    "nn.RMSprop(complex)": (
        lambda: nn.RMSprop(p([1j])),
        errors.DTypeError,
        ["RMSprop: a parameter is complex128, but must be real", "two Parameters"],
    ),
    "nn.Adagrad(complex)": (
        lambda: nn.Adagrad(p([1j])),
        errors.DTypeError,
        ["Adagrad: a parameter is complex128, but must be real", "two Parameters"],
    ),
    "nn.RMSprop(p, alpha=1)": (lambda: nn.RMSprop(p(), alpha=1), ValueError, [r"alpha is 1, but must lie in \[0, 1\)"]),
    "nn.RMSprop(p, eps=0)": (lambda: nn.RMSprop(p(), eps=0), ValueError, ["eps is 0, but must be positive"]),
    "nn.Adagrad(p, lr_decay=-1)": (lambda: nn.Adagrad(p(), lr_decay=-1), ValueError, ["lr_decay is -1", "at least 0"]),
    "nn.Adagrad(p, initial_accumulator_value=-1)": (
        lambda: nn.Adagrad(p(), initial_accumulator_value=-1),
        ValueError,
        ["Adagrad: initial_accumulator_value is -1", "at least 0"],
    ),
    # --- L-BFGS
    "lbfgs.step()": (
        lambda: nn.LBFGS(p()).step(),
        TypeError,
        ["LBFGS: step\\(\\) needs a closure", r"opt\.step\(closure\)", r"loss\.backward\(\)"],
    ),
    "lbfgs.step(loss)": (lambda: lbfgs_step(1.0), TypeError, ["closure is 1.0, but must be a function"]),
    "lbfgs.step(closure that returns nothing)": (
        lambda: lbfgs_step(lambda: None),
        TypeError,
        ["the closure returned None", "must return the loss", "`return loss` missing"],
    ),
    "lbfgs.step(closure without backward())": (
        lambda: lbfgs_step(lambda: 1.0),
        errors.NothingRecordedError,
        ["no parameter has a gradient", r"loss\.backward\(\)"],
    ),
    "lbfgs.update(...)": (
        lambda: nn.LBFGS(p()).update(np.ones(1), np.ones(1), ()),
        TypeError,
        ["LBFGS: a step needs several sweeps", r"opt\.step\(closure\)", r"nn\.fit"],
    ),
    "nn.LBFGS(complex)": (
        lambda: nn.LBFGS(p([1j])),
        errors.DTypeError,
        ["LBFGS: the parameters are complex128, but must be of one real dtype"],
    ),
    "nn.LBFGS(float32 and float64)": (
        lambda: nn.LBFGS([*p(), *p(np.ones(2, np.float32))]),
        errors.DTypeError,
        ["the parameters are float64 and float32", "one vector", r"dtype=np\.float64"],
    ),
    "nn.LBFGS(p, line_search_fn='armijo')": (
        lambda: nn.LBFGS(p(), line_search_fn="armijo"),
        ValueError,
        ["line_search_fn is 'armijo'", "None or 'strong_wolfe'"],
    ),
    "nn.LBFGS(p, max_iter=0)": (lambda: nn.LBFGS(p(), max_iter=0), ValueError, ["max_iter is 0", "at least 1"]),
    "lbfgs.load_state_dict(of another model)": (
        lambda: nn.LBFGS(p(), max_iter=3).load_state_dict(seen()),
        ValueError,
        [r"LBFGS\.load_state_dict: the state is for 2 numbers, and the parameters have 1"],
    ),
    # --- schedules
    "nn.StepLR(model)": (
        lambda: nn.StepLR(nn.MLP([1, 1]), 3),
        TypeError,
        ["StepLR: optimizer is an MLP", r"StepLR\(nn\.SGD\("],
    ),
    "nn.StepLR(opt, every='step')": (
        lambda: nn.StepLR(sgd(), 3, every="step"),
        ValueError,
        ["every is 'step'", "'epoch' or 'batch'"],
    ),
    "nn.StepLR(opt, 0)": (lambda: nn.StepLR(sgd(), 0), ValueError, ["StepLR: step_size is 0", "at least 1"]),
    "nn.StepLR(opt, 3, gamma=0)": (lambda: nn.StepLR(sgd(), 3, gamma=0), ValueError, ["gamma is 0", "positive"]),
    "a schedule without rate()": (
        lambda: type("Mine", (nn.Schedule,), {})(sgd()),
        NotImplementedError,
        [r"Mine has no rate\(\)", r"def rate\(self, t, group=0\)"],
    ),
    "schedule.load_state_dict(of another kind)": (
        lambda: nn.StepLR(sgd(), 3).load_state_dict(nn.ExponentialLR(sgd(), 0.9).state_dict()),
        ValueError,
        [r"StepLR\.load_state_dict: state is of ExponentialLR", r"StepLR\.state_dict\(\)"],
    ),
    "schedule.load_state_dict(of two groups)": (
        lambda: nn.StepLR(sgd(), 3).load_state_dict(nn.StepLR(groups(), 3).state_dict()),
        ValueError,
        ["for 2 parameter groups, and the optimizer has 1"],
    ),
    "nn.OneCycleLR(two groups, [0.1])": (
        lambda: nn.OneCycleLR(groups(), [0.1], 10),
        ValueError,
        ["max_lr is a list of 1", "as many as the optimizer has parameter groups, 2"],
    ),
    "nn.OneCycleLR(opt, anneal_strategy='cosine')": (
        lambda: nn.OneCycleLR(sgd(), 0.1, 10, anneal_strategy="cosine"),
        ValueError,
        ["anneal_strategy is 'cosine'", "'cos' or 'linear'"],
    ),
    "nn.OneCycleLR(opt, pct_start=30)": (
        lambda: nn.OneCycleLR(sgd(), 0.1, 10, pct_start=30),
        ValueError,
        ["pct_start is 30", "between 0 and 1"],
    ),
    "nn.OneCycleLR(opt, pct_start=0.6, three_phase=True)": (
        lambda: nn.OneCycleLR(sgd(), 0.1, 10, pct_start=0.6, three_phase=True),
        ValueError,
        [r"pct_start is 0\.6", "between 0 and 1/2 with three_phase"],
    ),
    "nn.OneCycleLR(adam, cycle_momentum=True)": (
        lambda: nn.OneCycleLR(nn.Adam(p()), 0.1, 10, cycle_momentum=True),
        ValueError,
        ["cycle_momentum is True", "Adam's betas are fixed", r"momentum=0\.9"],
    ),
    "nn.OneCycleLR(sgd without momentum, cycle_momentum=True)": (
        lambda: nn.OneCycleLR(sgd(), 0.1, 10, cycle_momentum=True),
        ValueError,
        ["cycle_momentum is True", "this SGD was made without one"],
    ),
    "one_cycle.step() once too often": (
        lambda: steps(nn.OneCycleLR(sgd(), 0.1, 3), 4),
        ValueError,
        ["step 4 was asked for, but total_steps is 3", "as many steps as there are batches"],
    ),
    "nn.MultiStepLR(opt, 30)": (
        lambda: nn.MultiStepLR(sgd(), 30),
        TypeError,
        ["milestones is 30, but must be a list", r"\[30, 60\]"],
    ),
    "nn.LambdaLR(opt, 0.95)": (
        lambda: nn.LambdaLR(sgd(), 0.95),
        TypeError,
        [r"lr_lambda is 0\.95, but must be a function", r"lambda t: 0\.95\*\*t"],
    ),
    "nn.LambdaLR(opt, lambda t: -1)": (
        lambda: nn.LambdaLR(sgd(), lambda t: -1.0),
        ValueError,
        [r"lr_lambda\(0\) is -1\.0, but must return a finite number of at least 0"],
    ),
    "nn.LinearWarmup(opt, 5, then=0.1)": (
        lambda: warmup(lambda _: 0.1),
        TypeError,
        [r"then is 0\.1, but must be a schedule", r"then=nn\.CosineAnnealingLR"],
    ),
    "nn.LinearWarmup(opt, 5, then=one that is half done)": (
        lambda: warmup(half_done),
        ValueError,
        ["then has taken steps already, but must be new"],
    ),
    "nn.LinearWarmup(opt, 5, then=of another optimizer)": (
        lambda: warmup(lambda _: nn.StepLR(sgd(), 2)),
        ValueError,
        ["then is of another optimizer", "of the same optimizer"],
    ),
    "nn.LinearWarmup(opt, 5, then=..., every='batch')": (
        lambda: warmup(lambda opt: nn.StepLR(opt, 2), every="batch"),
        ValueError,
        ["every is 'batch', and that of then is 'epoch'", "Give it to then"],
    ),
    "nn.LinearWarmup(opt, 5, start_factor=0)": (
        lambda: nn.LinearWarmup(sgd(), 5, start_factor=0),
        ValueError,
        ["start_factor is 0", "above 0 and at most 1"],
    ),
    "plateau.preview(3)": (
        lambda: nn.ReduceLROnPlateau(sgd()).preview(3),
        ValueError,
        ["depend on the losses", r"optimizer\.lr"],
    ),
    "plateau.step()": (
        lambda: nn.ReduceLROnPlateau(sgd()).step(),
        TypeError,
        ["ReduceLROnPlateau: loss is None", r"schedule\.step\(validation_loss\)"],
    ),
    "nn.ReduceLROnPlateau(opt, mode='minimum')": (
        lambda: nn.ReduceLROnPlateau(sgd(), mode="minimum"),
        ValueError,
        ["mode is 'minimum'", "'min' or 'max'"],
    ),
    "nn.ReduceLROnPlateau(opt, factor=1)": (
        lambda: nn.ReduceLROnPlateau(sgd(), factor=1),
        ValueError,
        ["factor is 1, but must be above 0 and below 1"],
    ),
    # --- clipping
    "nn.clip_grad_norm_(model, 1)": (
        lambda: nn.clip_grad_norm_(nn.MLP([1, 1]), 1.0),
        TypeError,
        ["clip_grad_norm_: parameters is an MLP", r"model\.parameters\(\)"],
    ),
    "nn.clip_grad_value_([array], 1)": (
        lambda: nn.clip_grad_value_([np.ones(2)], 1.0),
        TypeError,
        ["clip_grad_value_ clips the gradients of Parameters, and one of these is a ndarray"],
    ),
    "nn.clip_grad_value_(complex, 1)": (
        lambda: nn.clip_grad_value_(with_gradient([1j]), 1.0),
        errors.DTypeError,
        ["a gradient is complex128, but must be real", r"nn\.clip_grad_norm_"],
    ),
    "nn.clip_grad_norm_(p, 0)": (
        lambda: nn.clip_grad_norm_(with_gradient([1.0]), 0),
        ValueError,
        ["max_norm is 0, but must be above 0"],
    ),
}
