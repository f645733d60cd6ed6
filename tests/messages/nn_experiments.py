"""What goes wrong with the experiments on training, and with what experiments return."""

import sys
from unittest import mock

import nn
from autograd_mini import errors
from nn.experiments import Experiment, Spread


def one():
    return Experiment("Is it?", ("R11",), "It is.", ("seed",), ((0,),), {}, draw=lambda figure: None)


def plot_without_matplotlib():
    with mock.patch.dict(sys.modules, {"matplotlib": None}):
        one().plot()


ROWS = {
    "nn.experiments.Spread([])": (
        lambda: Spread([]),
        ValueError,
        ["Spread: values is empty", "a number for each seed"],
    ),
    "nn.experiments.Spread([1.0], 'mode')": (
        lambda: Spread([1.0], "mode"),
        ValueError,
        ["Spread: kind is 'mode'", "'mean' or 'median'", "Write kind='median'"],
    ),
    "nn.experiments.Experiment(a row too long)": (
        lambda: Experiment("Is it?", ("R11",), "It is.", ("seed",), ((0, 1),), {}, draw=print),
        ValueError,
        ["rows holds one of 2 cells", "as many as there are columns, 1"],
    ),
    "experiment.plot() without matplotlib": (
        plot_without_matplotlib,
        ImportError,
        [r"Experiment\.plot", r"pip install 'autograd-mini\[plot\]'"],
    ),
    "nn.experiments.learning_rates(seeds='five')": (
        lambda: nn.experiments.learning_rates(seeds="five"),
        TypeError,
        ["learning_rates: seeds is 'five'", r"seeds=range\(5\)"],
    ),
    "nn.experiments.momentum(seeds=[])": (
        lambda: nn.experiments.momentum(seeds=[]),
        ValueError,
        [r"momentum: seeds is \[\], which is empty", r"seeds=range\(5\)"],
    ),
    "nn.experiments.stopping(seeds=[1, 1])": (
        lambda: nn.experiments.stopping(seeds=[1, 1]),
        ValueError,
        [r"stopping: seeds is \[1, 1\], which repeats one", "different seeds"],
    ),
    "nn.experiments.adaptive_rates(0.1)": (
        lambda: nn.experiments.adaptive_rates(0.1),
        TypeError,
        ["adaptive_rates: rates is 0.1", r"a list of numbers\. Write rates=\(0\.01, 0\.1, 1\.0\)"],
    ),
    "nn.experiments.learning_rates([0.5, -1])": (
        lambda: nn.experiments.learning_rates([0.5, -1]),
        ValueError,
        ["learning_rates: factors holds -1", "must be a positive, finite number", r"factors=\(0\.1, 0\.5, 1\.05\)"],
    ),
    "nn.experiments.initializations(())": (
        lambda: nn.experiments.initializations(()),
        ValueError,
        ["initializations: depths is empty", "whole number of at least 1"],
    ),
    "nn.experiments.batch_modes([500], samples=100)": (
        lambda: nn.experiments.batch_modes([500], samples=100),
        ValueError,
        ["batch_modes: batch_sizes holds 500", "a whole number from 1 to 100"],
    ),
    "nn.experiments.local_minima([1, 2], [1])": (
        lambda: nn.experiments.local_minima([1, 2], [1]),
        errors.ShapeError,
        [r"local_minima: inputs has shape \(2,\) and targets \(1,\)", "a number for each sample"],
    ),
    "nn.experiments.local_minima([nan], [1])": (
        lambda: nn.experiments.local_minima([float("nan")], [1]),
        ValueError,
        ["local_minima: inputs holds nan", "must lie between -1e.100 and 1e.100", "Divide them by a constant"],
    ),
    "nn.experiments.initializations(samples=1000)": (
        lambda: nn.experiments.initializations(samples=1000),
        ValueError,
        [r"initializations: 1000 \+ 1000 digits are asked for", "there are 1797", "Take fewer samples"],
    ),
    "nn.experiments.update_sense(alpha=1e-30)": (
        lambda: nn.experiments.update_sense(1, alpha=1e-30),
        ValueError,
        ["update_sense: alpha is 1e-30, with which no weight moves", r"Write alpha=0\.1"],
    ),
    "nn.experiments.momentum(seeds=1, steps=1)": (
        lambda: nn.experiments.momentum(seeds=1, steps=1),
        ValueError,
        ["momentum: seeds gives 1 errors of which none has minima of different depth", "Take more seeds: seeds=100"],
    ),
}
