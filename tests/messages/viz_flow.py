"""What goes wrong with ag.Flow: its arguments, graphs that differ, files."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from .tensor import leaf

POINTS = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([-1, 1])
W = leaf([1.0, 2.0], name="w")


def film(steps=1, **keywords):
    made = ag.Flow(**keywords)
    for step in range(steps):
        made.add(np.sum(W * np.array([1.0, 3.0])), step=step)
    return made


def freed():
    y = np.sum(leaf([1.0, 2.0]) * 2)
    y.backward(retain_graph=False)
    ag.Flow().add(y)


def many():
    y = np.sum(W)
    for _ in range(20_001):
        y = y + 1.0
    ag.Flow().add(y)


ROWS = {
    "film.add(loss of many values)": (
        many,
        errors.AutogradError,
        ["Flow.add: this graph has more than 20,000 values", "fewer steps"],
    ),
    "ag.Flow(3)": (lambda: ag.Flow(3), TypeError, ["Flow: title is a int", "or None"]),
    "ag.Flow(points=X)": (
        lambda: ag.Flow(points=np.zeros((5, 2))),
        errors.ShapeError,
        ["points must be two arrays of finite numbers", r"shape \(n, 2\)", r"ag.Flow\(points="],
    ),
    "ag.Flow().grid": (lambda: ag.Flow().grid, ValueError, ["there is no plane", r"ag.Flow\(points=\(X, signs\)\)"]),
    "film.add(losses)": (
        lambda: ag.Flow().add(W * 2),
        errors.ShapeError,
        [r"Flow.add: loss has shape \(2,\)", "a single number", "np.mean"],
    ),
    "film.add(a Tensor that was not computed)": (
        lambda: ag.Flow().add(ag.Tensor(1.0)),
        errors.NothingRecordedError,
        [r"Flow.add\(\)"],
    ),
    "film.add(loss) of a graph already freed": (freed, errors.GraphFreedError, ["retain_graph=False"]),
    "film.add(loss, step=nan)": (
        lambda: ag.Flow().add(np.sum(W), step=float("nan")),
        ValueError,
        ["step is nan", "a finite number"],
    ),
    "film.add(loss, step=0) for the second time": (
        lambda: film().add(np.sum(W), step=0),
        ValueError,
        ["step is 0", "above that of the snapshot before, 0", "another Flow"],
    ),
    "film.add(another graph)": (
        lambda: film().add(np.sum(W) * 2),
        errors.AutogradError,
        ["Flow.add: ", "but must have", "same samples", "another Flow"],
    ),
    "film.add(a longer graph)": (
        lambda: film().add(np.sum(W * np.array([1.0, 3.0])) * 2),
        errors.AutogradError,
        ["this graph has 5 values, but must have 4"],
    ),
    "film.add(loss, picture=...) without points": (
        lambda: ag.Flow().add(np.sum(W), picture=np.zeros(784)),
        errors.ShapeError,
        [r"picture has shape \(784,\)", r"ag.Flow\(points=\(X, signs\)\)"],
    ),
    "film.add(loss, picture=too few)": (
        lambda: ag.Flow(points=POINTS).add(np.sum(W), picture=np.zeros(9)),
        errors.ShapeError,
        [r"picture has shape \(9,\)", "each row of film.grid", r"\(784,\)"],
    ),
    "film.add(loss, bounds=too many)": (
        lambda: ag.Flow().add(np.sum(W * np.array([1.0, 3.0])), bounds=[1.0, 2.0]),
        errors.ShapeError,
        [r"bounds has shape \(2,\)", "each layer: w"],
    ),
    "film.save(None)": (lambda: film().save(None), TypeError, ["path is None", r"film.save\('flow.html'\)"]),
    "film.save(path, title=3)": (lambda: film().save("a.html", title=3), TypeError, ["title is a int"]),
    "film.save(path, 'other')": (
        lambda: film().save("a.html", "other"),
        TypeError,
        ["beside it is a str", "another Flow", r"film.save\('flow.html', other\)"],
    ),
    "ag.Flow().save(path)": (lambda: ag.Flow().save("a.html"), ValueError, ["no snapshot to show", "film.add"]),
    "film.save(path, a longer one)": (
        lambda: film().save("a.html", film(2)),
        ValueError,
        ["the films have 1, 2 snapshots", "as many each"],
    ),
    "film.save(path, max_nodes='all')": (
        lambda: film().save("a.html", max_nodes="all"),
        TypeError,
        ["Flow.save: max_nodes is a str"],
    ),
    "film.save(path, max_nodes=1)": (
        lambda: film().save("a.html", collapse=False, max_nodes=1),
        errors.AutogradError,
        ["Flow.save: this graph has 4 values", "max_nodes=4"],
    ),
    "film.save('missing folder/a.html')": (
        lambda: film().save("missing folder/a.html"),
        OSError,
        [r"page could not be saved \(No such file or directory\)"],
    ),
}
