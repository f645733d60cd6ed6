"""What is compared of optimizers, schedules and clipping: run by nn in the suite, by PyTorch in tests/peers.

Everything here is of nn, or of neither; tests/peers/test_nn_optim.py holds the same in PyTorch's words, by these names.
"""

import numpy as np

import nn
from nn.optim.lbfgs import Trial, strong_wolfe

STEPS = 50
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
START = [rng.normal(size=shape) * 0.7 for shape in ((5, 3), (5,), (2, 5), (2,))]
LOSSES = np.abs(np.concatenate([np.linspace(1, 0.3, 8), np.full(10, 0.3), [0.2], np.full(20, 0.25), np.ones(11)]))

# class and options, which have the same names in both
OPTIMIZERS = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD, weight decay": ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    "SGD, momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "SGD, momentum, weight decay": ("SGD", {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1}),
    "SGD, Nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "SGD, Nesterov, weight decay": ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    "Adam": ("Adam", {"lr": 0.01}),
    "Adam, betas 0.5 and 0.9": ("Adam", {"lr": 0.01, "betas": (0.5, 0.9)}),
    "Adam, betas 0 and 0.99": ("Adam", {"lr": 0.01, "betas": (0.0, 0.99)}),
    "Adam, betas 0.95 and 0.9999": ("Adam", {"lr": 0.01, "betas": (0.95, 0.9999)}),
    "Adam, eps 1e-3": ("Adam", {"lr": 0.01, "eps": 1e-3}),
    "Adam, eps 1e-12": ("Adam", {"lr": 0.01, "eps": 1e-12}),
    "Adam, weight decay": ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    "AdamW": ("AdamW", {"lr": 0.01}),
    "AdamW, no decay": ("AdamW", {"lr": 0.01, "weight_decay": 0.0}),
    "AdamW, weight decay 0.5": ("AdamW", {"lr": 0.01, "weight_decay": 0.5}),
    "AdamW, betas 0.8 and 0.95, eps 1e-4": ("AdamW", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop, alpha 0.5": ("RMSprop", {"alpha": 0.5}),
    "RMSprop, alpha 0": ("RMSprop", {"alpha": 0.0, "eps": 1e-2}),
    "RMSprop, eps 1e-3": ("RMSprop", {"eps": 1e-3}),
    "RMSprop, weight decay": ("RMSprop", {"weight_decay": 0.1}),
    "RMSprop, momentum": ("RMSprop", {"lr": 0.003, "momentum": 0.9}),
    "RMSprop, centered": ("RMSprop", {"lr": 0.003, "centered": True}),
    "RMSprop, all": (
        "RMSprop",
        {"lr": 0.003, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.01, "momentum": 0.5, "centered": True},
    ),
    "Adagrad": ("Adagrad", {"lr": 0.1}),
    "Adagrad, lr decay": ("Adagrad", {"lr": 0.1, "lr_decay": 0.05}),
    "Adagrad, weight decay": ("Adagrad", {"lr": 0.1, "weight_decay": 0.1}),
    "Adagrad, initial accumulator": ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.3}),
    "Adagrad, eps 1e-2": ("Adagrad", {"lr": 0.1, "eps": 1e-2}),
    "Adagrad, all": (
        "Adagrad",
        {"lr": 0.2, "lr_decay": 0.01, "weight_decay": 0.02, "initial_accumulator_value": 0.1, "eps": 1e-6},
    ),
}

SEARCHED = {"line_search_fn": "strong_wolfe"}
SEARCHES = {  # of L-BFGS: options, and how many steps
    "LBFGS": ({"lr": 0.2, "max_iter": 4}, 20),
    "LBFGS, history of 2": ({"lr": 0.2, "max_iter": 1, "history_size": 2}, 30),
    "LBFGS, one iteration": ({"lr": 0.5, "max_iter": 1}, 30),
    "LBFGS, max_eval 3": ({"lr": 0.2, "max_iter": 20, "max_eval": 3}, 20),
    "LBFGS, tolerances": ({"lr": 0.2, "tolerance_grad": 0.05, "tolerance_change": 1e-3}, 20),
    "LBFGS, strong Wolfe": ({"max_iter": 2, **SEARCHED}, 25),
    "LBFGS, strong Wolfe, history of 3": ({"max_iter": 2, "history_size": 3, **SEARCHED}, 25),
    "LBFGS, strong Wolfe, lr 20": ({"lr": 20.0, "max_iter": 3, "max_eval": 20, **SEARCHED}, 20),
    "LBFGS, strong Wolfe, lr 0.01": ({"lr": 0.01, "max_iter": 1, "max_eval": 20, **SEARCHED}, 20),
    "LBFGS, strong Wolfe, max_eval 2": ({"max_iter": 4, "max_eval": 2, **SEARCHED}, 20),
    "LBFGS, strong Wolfe, one iteration": ({"max_iter": 1, **SEARCHED}, 25),
}
LONG = {  # so many iterations that rounding errors grow, in PyTorch as here
    "LBFGS, history of 2, 80 iterations": ({"lr": 0.2, "max_iter": 4, "history_size": 2}, 20),
    "LBFGS, strong Wolfe, lr 0.01, 60 iterations": ({"lr": 0.01, "max_iter": 3, "max_eval": 20, **SEARCHED}, 20),
    "LBFGS, strong Wolfe, to the end": ({"max_iter": 10, "tolerance_change": 0.0, **SEARCHED}, 20),
}


def line(seed):
    """Return a loss along a line, its slope, the first length to try, and how many more may follow."""
    random = np.random.default_rng(seed)
    a, b, c = random.normal(size=4) * (seed % 4), random.uniform(0.3, 6, size=4), random.uniform(0, 6, size=4)
    bent = 10 ** random.uniform(-2, 1)

    def value(t):
        return float(0.5 * bent * t * t + np.sum(a * np.sin(b * t + c)))

    def slope(t):
        return float(bent * t + np.sum(a * b * np.cos(b * t + c)))

    down = slope(0.0) + float(10 ** random.uniform(-2, 1))  # taken off, it leaves a negative slope at 0

    def value_down(t):
        return value(t) - down * t

    def slope_down(t):
        return slope(t) - down

    return value_down, slope_down, float(10 ** random.uniform(-3, 2)), int(random.integers(0, 30))


# Not three, along which a cubic through two close points multiplies a rounding by 1e7: PyTorch divides a number by a
# tensor by multiplying with its reciprocal, which rounds twice.
LINES = [*(seed for seed in range(200) if seed not in (35, 73, 87)), 534, 561, 661, 1970]  # these rise at the second


def trials(seed):
    """Return the lengths that a search along a line tries, and last the one that it takes."""
    value, slope, t, limit = line(seed)
    tried = []

    def evaluate(t):
        tried.append(t)
        return Trial(t, value(t), None, slope(t))

    found = strong_wolfe(evaluate, Trial(0.0, value(0.0), None, slope(0.0)), t, limit, 1.0)
    return [*tried, found.t]


SCHEDULES = {  # each of an optimizer of two groups, with learning rates of 0.1 and 0.02; how many steps, beside
    "StepLR": (lambda o: nn.StepLR(o, 7, 0.5), 50),
    "StepLR, growing": (lambda o: nn.StepLR(o, 1, gamma=1.05), 50),
    "MultiStepLR": (lambda o: nn.MultiStepLR(o, [30, 5, 5, 12], 0.3), 50),
    "ExponentialLR": (lambda o: nn.ExponentialLR(o, 0.9), 50),
    "CosineAnnealingLR": (lambda o: nn.CosineAnnealingLR(o, 40), 41),
    "CosineAnnealingLR, beyond T_max": (lambda o: nn.CosineAnnealingLR(o, 10, eta_min=0.03), 50),
    "LambdaLR": (lambda o: nn.LambdaLR(o, lambda t: 1 / (1 + t)), 50),
    "LambdaLR of each group": (lambda o: nn.LambdaLR(o, [lambda t: 0.9**t, lambda t: (t % 3) / 2]), 50),
    "LinearWarmup": (lambda o: nn.LinearWarmup(o, 10), 50),
    "LinearWarmup, then StepLR": (lambda o: nn.LinearWarmup(o, 8, nn.StepLR(o, 7, 0.5), start_factor=0.01), 50),
    "LinearWarmup, then cosine": (
        lambda o: nn.LinearWarmup(o, 10, nn.CosineAnnealingLR(o, 40, 0.001), start_factor=0.1),
        51,
    ),
    "LinearWarmup, then ExponentialLR": (lambda o: nn.LinearWarmup(o, 1, nn.ExponentialLR(o, 0.95)), 50),
    "OneCycleLR": (lambda o: nn.OneCycleLR(o, 0.5, 50), 50),
    "OneCycleLR, linear": (lambda o: nn.OneCycleLR(o, 0.5, 37, anneal_strategy="linear"), 37),
    "OneCycleLR, three phases": (lambda o: nn.OneCycleLR(o, 0.5, 50, three_phase=True), 50),
    "OneCycleLR, three phases, linear": (
        lambda o: nn.OneCycleLR(o, 0.5, 50, pct_start=0.45, three_phase=True, anneal_strategy="linear"),
        50,
    ),
    "OneCycleLR of each group": (
        lambda o: nn.OneCycleLR(
            o, [0.5, 0.1], 50, pct_start=0.5, div_factor=5.0, final_div_factor=10.0, base_momentum=0.6
        ),
        50,
    ),
    "OneCycleLR, pct_start 0": (lambda o: nn.OneCycleLR(o, 0.5, 20, pct_start=0.0), 20),
    "OneCycleLR, pct_start 1": (lambda o: nn.OneCycleLR(o, 0.5, 20, pct_start=1.0), 20),
    "OneCycleLR, one step": (lambda o: nn.OneCycleLR(o, 0.5, 1), 1),
    "OneCycleLR, fixed momentum": (lambda o: nn.OneCycleLR(o, 0.5, 50, cycle_momentum=False), 50),
    "ReduceLROnPlateau": (lambda o: nn.ReduceLROnPlateau(o, patience=2), 50),
    "ReduceLROnPlateau, abs": (
        lambda o: nn.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.15, threshold_mode="abs"),
        50,
    ),
    "ReduceLROnPlateau, max": (lambda o: nn.ReduceLROnPlateau(o, "max", factor=0.5, patience=4, cooldown=3), 50),
    "ReduceLROnPlateau, max, abs": (
        lambda o: nn.ReduceLROnPlateau(o, "max", factor=0.7, patience=3, threshold=0.01, threshold_mode="abs"),
        50,
    ),
    "ReduceLROnPlateau, cooldown, min_lr of each group": (
        lambda o: nn.ReduceLROnPlateau(o, factor=0.3, patience=1, cooldown=4, min_lr=[0.01, 0.001]),
        50,
    ),
    "ReduceLROnPlateau, eps": (lambda o: nn.ReduceLROnPlateau(o, factor=0.5, patience=0, eps=0.01), 50),
}

GRADIENTS = [rng.normal(size=shape) for shape in ((5, 3), (5,), (), (2, 5))]
SPOILT = {value: [GRADIENTS[0], np.array([1.0, value, -2.0])] for value in (np.inf, -np.inf, np.nan)}
CLIPS = {  # gradients, largest norm and p; or the largest value alone
    "norm, shorter": (GRADIENTS, 1.0, 2.0),
    "norm, as it is": (GRADIENTS, 100.0, 2.0),
    "norm, by a little": (GRADIENTS, float(np.sqrt(sum(np.sum(g * g) for g in GRADIENTS))), 2.0),
    "norm, p = 1": (GRADIENTS, 1.0, 1.0),
    "norm, p = 3": (GRADIENTS, 0.5, 3.0),
    "norm, p = 0.5": (GRADIENTS, 2.0, 0.5),
    "norm, p = inf": (GRADIENTS, 0.3, np.inf),
    "norm, measured alone": (GRADIENTS, np.inf, 2.0),
    "norm of complex numbers": ([GRADIENTS[0] + 1j * GRADIENTS[0][::-1]], 0.5, 2.0),
    "norm of zeros": ([np.zeros(3), np.zeros((2, 2))], 1.0, 2.0),
    "norm with inf": (SPOILT[np.inf], 1.0, 2.0),
    "norm with inf, p = inf": (SPOILT[np.inf], 1.0, np.inf),
    "norm with NaN": (SPOILT[np.nan], 1.0, 2.0),
    "norm with NaN, p = inf": (SPOILT[np.nan], 1.0, np.inf),
    "norm that overflows": ([np.full(3, 1e200)], 1.0, 2.0),
    "value": (GRADIENTS, 0.5),
    "value, as it is": (GRADIENTS, 100.0),
    "value with inf": (SPOILT[np.inf], 1.0),
    "value with -inf": (SPOILT[-np.inf], 1.0),
    "value with NaN": (SPOILT[np.nan], 1.0),
}


class Net(nn.Module):
    """Two layers, whose weights begin at START."""

    def __init__(self, dtype=np.float64):
        self.weights = [nn.Parameter(value.astype(dtype)) for value in START]

    def forward(self, x):
        W1, b1, W2, b2 = self.weights
        return np.tanh(x @ W1.T + b1) @ W2.T + b2


def rows(t):
    """Return the samples of a batch: other ones at each step."""
    return (3 * t + np.arange(4)) % len(X)


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def make(name, parameters):
    kind, options = OPTIMIZERS[name]
    return getattr(nn, kind)(parameters, **options)


def steps(net, optimizer, compiled=False, count=STEPS):
    """Yield the loss before each step, and the weights after it."""
    step = nn.compile_step(net, nn.squared_error, optimizer) if compiled else None
    dtype = net.weights[0].dtype
    for t in range(count):
        x, y = X[rows(t)].astype(dtype), Y[rows(t)].astype(dtype)
        if step is None:
            optimizer.zero_grad()
            value = nn.squared_error(net(x), y)
            value.backward()
            optimizer.step()
            loss = value.item()
        else:
            loss = step(x, y)
        yield loss, flat([p.data for p in net.weights])


def closure_of(net, optimizer):
    """Return what L-BFGS calls: the loss of all samples, and its gradients."""

    def closure():
        optimizer.zero_grad()
        loss = nn.squared_error(net(X), Y)
        loss.backward()
        return loss

    return closure


def searches(name):
    """Yield the loss before each step, and the weights after it."""
    options, count = SEARCHES.get(name) or LONG[name]
    net = Net()
    optimizer = nn.LBFGS(net.weights, **options)
    for _ in range(count):
        yield optimizer.step(closure_of(net, optimizer)).item(), flat([p.data for p in net.weights])


def two_groups(kind=nn.SGD, **options):
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    return kind([{"params": [a]}, {"params": [b], "lr": 0.02}], **{"lr": 0.1, "momentum": 0.9, **options})


def rates(name):
    """Return what a schedule assigns: learning rates and momenta of both groups at each step."""
    build, count = SCHEDULES[name]
    optimizer = two_groups()
    schedule, found = build(optimizer), []
    for t in range(count):
        found.append([value for group in optimizer.groups for value in (group.lr, group.momentum)])
        if t + 1 < count:
            schedule.step(LOSSES[t])
    return np.array(found)


def clipped(name):
    """Return the gradients after clipping, as one vector, and the norm before, if it is by norm."""
    gradients, limit, *p = CLIPS[name]
    parameters = [nn.Parameter(np.zeros_like(g)) for g in gradients]
    for parameter, g in zip(parameters, gradients, strict=True):
        parameter.grad = g.copy()
    norm = nn.clip_grad_norm_(parameters, limit, *p) if p else nn.clip_grad_value_(parameters, limit)
    return flat([p.grad for p in parameters]), norm
