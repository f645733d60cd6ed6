"""Mistakes with models of tables: nn.tabular, and the command line around it."""

import os
import tempfile
from unittest import mock

import click
from click.testing import CliRunner

import nn
from nn import cli, tables, tabular
from nn.tabular import TabularModel
from nn.tabular.log import Same


def path(name):
    return os.path.join(tempfile.mkdtemp(), name)


def table(text="length,kind\n" + "1.5,cat\n3.5,dog\n" * 10, name="animals.csv"):
    file = path(name)
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)
    return file


def encoding(target="kind"):
    return tables.Encoding.of(tables.open_table(table()), target)


def saved(**changes):
    """A model's file, with something changed in what is said about the table."""
    model = TabularModel(nn.MLP([1, 2], rng=0), encoding())
    content = {"version": 1, "package": "9.9", "encoding": model.encoding.to_dict(), "about": {}, **changes}
    file = path("model.npz")
    nn.save(model.model, file, {"tabular": content})
    return file


def plain():
    file = path("model.npz")
    nn.save(nn.MLP([1, 2], rng=0), file)
    return file


def ready():
    file = path("model.npz")
    TabularModel(nn.MLP([1, 2], rng=0), encoding()).save(file)
    return file


def command(*arguments):
    result = CliRunner().invoke(cli.main, [str(a) for a in arguments], standalone_mode=False)
    raise result.exception


def train(file, *more):
    command("train", file, "--target", "kind", "--layers", "2", "--epochs", "1", "--out", path("out"), "--quiet", *more)


def number():
    rows = "".join(f"{i},{i / 7}\n" for i in range(40))
    data = tabular.prepare(tables.open_table(table("a,b\n" + rows)), "b")
    return tabular.train(data, tabular.Settings(layers=(), epochs=1), progress=False).model


def failing(what, error, *arguments):
    """Run a command in which something raises."""

    def fail(*_, **__):
        raise error

    with mock.patch(what, fail):
        command(*arguments)


def closed(*arguments):
    """Run a command that has no standard output."""
    with mock.patch("nn.cli.predict.sys", mock.Mock(stdout=None)):
        command(*arguments)


def training_of(error):
    file = table()
    failing("nn.cli.train.train", error, "train", file, "--target", "kind", "--out", path("out"), "--quiet")


def interrupted(*more):
    """A folder that holds a training that was not ended."""
    out = path("out")
    os.mkdir(out)
    file = table()
    data = tabular.prepare(tables.open_table(file), "kind")
    settings = tabular.Settings(layers=(2,), epochs=1)
    tabular.train(data, settings, checkpoint=os.path.join(out, "checkpoint.npz"), progress=False)
    command("train", file, "--target", "kind", "--layers", "2", "--epochs", "2", "--out", out, *more)


MODEL = {
    "TabularModel('model', encoding)": (
        lambda: TabularModel("model", encoding()),
        TypeError,
        [r"TabularModel: model is 'model'", "must be a Module"],
    ),
    "TabularModel(model, {})": (
        lambda: TabularModel(nn.MLP([1, 2], rng=0), {}),
        TypeError,
        ["TabularModel: encoding is", "must be an Encoding", r"nn\.tables\.Encoding\.of"],
    ),
    "TabularModel.load(a model of nn.save)": (
        lambda: TabularModel.load(plain()),
        nn.FileError,
        [r"model\.npz holds no model of a table", r"nn\.load"],
    ),
    "TabularModel.load(a newer version)": (
        lambda: TabularModel.load(saved(version=2)),
        nn.FileError,
        [r"autograd_mini 9\.9 wrote it, with version 2", "Install the newer"],
    ),
    "TabularModel.load(half a description)": (
        lambda: TabularModel.load(saved(about=None)),
        nn.FileError,
        ["what it says about the table's columns is incomplete", "Train the model again"],
    ),
    "TabularModel.load(a damaged encoding)": (
        lambda: TabularModel.load(saved(encoding={"version": 1})),
        tables.TableError,
        [r"model\.npz", "damaged"],
    ),
    "model.predict_proba(table) of a number": (
        lambda: number().predict_proba(table()),
        ValueError,
        ["predict_proba: b is a number", r"Use predict\(\)"],
    ),
    "tabular.rows_of(table, encoding, [99])": (
        lambda: tabular.rows_of(tables.open_table(table()), encoding(), [99]),
        tables.TableError,
        ["there is no row 99", "2 to 21, the header being row 1"],
    ),
    "train --resume with another option": (
        lambda: Same({"seed": 1, "ignore": []}).load_state_dict({"options": {"seed": 0, "ignore": []}}),
        ValueError,
        ["begun with seed 0, and now it is 1", "--out"],
    ),
}

COMMAND = {
    "train --target x": (
        lambda: command("train", table(), "--target", "knd", "--out", path("out")),
        click.ClickException,
        ["'knd'", "Did you mean 'kind'"],
    ),
    "train without a target": (
        lambda: command("train", table(), "--out", path("out")),
        click.UsageError,
        [r"Which column of .*animals\.csv is to be predicted\? Say --target COLUMN: length, kind"],
    ),
    "train --test 2": (lambda: train(table(), "--test", "2"), click.BadParameter, ["2 must be a fraction below 1"]),
    "train --layers a": (lambda: train(table(), "--layers", "a"), click.BadParameter, ["'a' must be numbers of units"]),
    "train --layers 0": (lambda: train(table(), "--layers", "0"), click.BadParameter, ["'0' must be numbers of units"]),
    "train --resume --restart": (
        lambda: train(table(), "--resume", "--restart"),
        click.UsageError,
        ["--resume goes on with a training, --restart begins it anew"],
    ),
    "train where one was interrupted": (
        interrupted,
        click.UsageError,
        ["a training that was interrupted after epoch 1", "--resume", "--restart"],
    ),
    "train --lr 1e300": (
        lambda: train(table(), "--lr", "1e300", "--optimizer", "sgd", "--epochs", "5"),
        click.ClickException,
        ["epoch", "learning rate"],
    ),
    "train --out file": (
        lambda: command("train", table(), "--target", "kind", "--out", table()),
        click.ClickException,
        [r"The report cannot be written to .*animals\.csv"],
    ),
    "train, and Ctrl-C": (
        lambda: training_of(KeyboardInterrupt()),
        click.ClickException,
        [r"Interrupted\. No epoch was over: there is nothing to resume"],
    ),
    "train on a disk that is full": (
        lambda: training_of(OSError(28, "No space left on device")),
        click.ClickException,
        ["The training stopped, since a file in .* cannot be written: No space left on device", "resume"],
    ),
    "train --layers 100000000": (
        lambda: training_of(MemoryError()),
        click.ClickException,
        ["There is not enough memory", "--layers", "--batch-size"],
    ),
    "train without pyarrow": (
        lambda: training_of(ImportError("There is no pyarrow. Install it.")),
        click.ClickException,
        ["There is no pyarrow"],
    ),
    "predict, and Ctrl-C": (
        lambda: failing("nn.cli.predict.model_of", KeyboardInterrupt(), "predict", "model", "data.csv"),
        click.ClickException,
        [r"Interrupted\."],
    ),
    "train of no file": (lambda: train("none.csv"), click.ClickException, [r"none\.csv"]),
    "predict with no model": (
        lambda: command("predict", "none", table()),
        click.UsageError,
        ["There is no model none", "train made"],
    ),
    "predict --probabilities of a number": (
        lambda: (number().save(file := path("m.npz")), command("predict", file, table(), "--probabilities")),
        click.UsageError,
        ["--probabilities is for classes, and b is a number"],
    ),
    "predict --out folder": (
        lambda: command("predict", ready(), table(), "--out", tempfile.mkdtemp()),
        click.ClickException,
        ["The predictions cannot be written to", "folder"],
    ),
    "predict --out FILE itself": (
        lambda: command("predict", ready(), file := table(), "--out", file),
        click.UsageError,
        [r"--out is .*animals\.csv, which is read: it would be lost"],
    ),
    "predict, the standard output being closed": (
        lambda: closed("predict", ready(), table()),
        click.ClickException,
        ["the standard output is closed. Name a file: --out"],
    ),
    "draw --out graph.pdf": (
        lambda: command("draw", ready(), table(), "--out", "graph.pdf"),
        click.UsageError,
        [r"must end in \.svg, \.png or \.html"],
    ),
    "explain --weight W7": (
        lambda: command("explain", ready(), table(), "--weight", "W7"),
        click.UsageError,
        [r"There is no weight W7\. The model has W1 \[2, 1\], b1 \[2\]"],
    ),
    "explain --index 5,0": (
        lambda: command("explain", ready(), table(), "--weight", "W1", "--index", "5,0"),
        click.UsageError,
        ["--index is 5,0, but the places of W1 are 0,0 to 1,0"],
    ),
    "completion of an unknown shell": (
        lambda: (os.environ.pop("SHELL", None), command("completion"))[1],
        click.UsageError,
        ["Which shell"],
    ),
}

ROWS = MODEL | COMMAND
