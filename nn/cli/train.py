"""train: from a file to a folder with a model and a report."""

from __future__ import annotations

import shlex
import tempfile
import time
import webbrowser
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from ..layers.activations import ACTIVATIONS
from ..reports import folder as folders
from ..reports import table as report
from ..saving import archive
from ..tables import Table
from ..tabular import Data, Settings, Trained, prepare, train
from ..tabular.log import Log, Same
from ..tabular.training import OPTIMIZERS, settled
from .demo import print_proof
from .options import FILE, HOW, Comma, apart, reading, table_of
from .program import ARGUMENTS, CODES, CannotWrite, Stopped, spoken, writing
from .screen import Screen, spelled

__all__ = ["train_command"]

CHECKPOINT, LOG = "checkpoint.npz", "log.jsonl"  # in the folder
EXAMPLES = f"""\b
Examples:
  autograd-mini train houses.csv --target price
  autograd-mini train iris.csv --target species --layers 16 --out iris
  autograd-mini train people.tsv --target income --missing impute --ignore id,name
  autograd-mini train train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz --layers 256,128 --epochs 10

{CODES}"""


class _Test(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.2
    """A fraction, or a file."""

    name = "fraction or file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a float or a Path."""
        try:
            fraction = float(value)
        except ValueError:
            return Path(value)
        if not 0 <= fraction < 1:
            self.fail(f"{value} must be a fraction below 1, such as 0.2, or a file.", param, ctx)
        return fraction


def _units(text: str) -> int:
    if (units := int(text)) < 1:
        raise ValueError
    return units


@click.command("train", epilog=EXAMPLES, short_help="Train a perceptron on a table or on images.")
@click.argument("file", type=FILE)
@click.option("--target", metavar="COLUMN", help="The column to predict.  [default, of images: label]")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Tell classes, or estimate a number.  [default: found from the target]",
)
@click.option(
    "--layers",
    type=Comma("units", _units, "numbers of units, such as 64,32"),
    default="64,32",
    show_default=True,
    help="Units of the hidden layers; '' for none.",
)
@click.option("--activation", type=click.Choice(sorted(ACTIVATIONS)), default="relu", show_default=True)
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True)
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="adam", show_default=True)
@click.option(
    "--lr", type=click.FloatRange(min=0, min_open=True), help="Learning rate.  [default: 0.001; sgd 0.05; adagrad 0.01]"
)
@click.option("--weight-decay", type=click.FloatRange(min=0), default=0.0, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), help="[default: 32; of more than 10,000 rows 128]")
@click.option("--epochs", type=click.IntRange(min=1), default=300, show_default=True, help="At most so many.")
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Stop when the validation error has not fallen for so many epochs.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.1,
    show_default=True,
    help="Fraction of the rows that tells when to stop.",
)
@click.option("--test", type=_Test(), default="0.2", show_default=True, help="Fraction of the rows, or another file.")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "impute"]),
    default="refuse",
    show_default=True,
    help="impute: missing numbers become the mean, with an input that says so; missing categories one of their own.",
)
@click.option(
    "--ignore",
    type=Comma("columns", str, "names of columns"),
    default="",
    help="""Columns to leave out: id,"last, first".""",
)
@click.option(
    "--category", type=Comma("columns", str, "names of columns"), default="", help="Columns whose numbers are names."
)
@click.option("--max-categories", type=click.IntRange(min=2), default=1000, show_default=True, help="Of one column.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of split, weights and batches.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@reading
@click.option("--out", type=FILE, help="The folder for report and model.  [default: named after the file]")
@click.option("--log", type=FILE, help="Where each epoch is a line of JSON.  [default: log.jsonl in the folder]")
@click.option("--resume", is_flag=True, help="Go on with a training that was interrupted.")
@click.option("--restart", is_flag=True, help="Begin anew where one was interrupted.")
@click.option("--open/--no-open", "open_page", default=False, help="Open the page in the browser.  [default: no]")
@click.option("--quiet", is_flag=True, help="Print only the path of the page.")
@click.pass_context
def train_command(ctx: click.Context, /, file: Path, **options: Any) -> None:
    """Train a perceptron on the table or the images in FILE.

    FILE is CSV or TSV, perhaps .gz, .npz, IDX images (.gz too), or Parquet where pyarrow is installed. Types of columns
    are found out, categories and missing values encoded; the encoding is stored with the model. Training stops when the
    error on held-out rows no longer falls; then the model is tested, its gradients are proved on the rows that it finds
    hardest, and a folder is written: index.html, the report; results.json; model.npz; log.jsonl; checkpoint.npz.
    """
    start = time.perf_counter()
    screen = Screen(options["quiet"])
    command = _command(ctx)
    out: Path = options["out"] or Path(f"{_stem(file)}-model")
    others = {**options, "labels": None, "part": "test" if options["part"] == "train" else None}
    read = {name: options[name] for name in HOW if name != "labels"}
    table = table_of(file, options)
    target = options["target"] or _usual(table)
    test = table_of(options["test"], others) if isinstance(options["test"], Path) else options["test"]
    kinds = dict.fromkeys(options["category"], "category")
    checkpoint, log = out / CHECKPOINT, options["log"] or out / LOG
    apart("--log", options["log"], file)
    _interrupted(checkpoint, options)
    with _folder(out), tempfile.TemporaryDirectory(prefix=".rows-", dir=out) as scratch:
        _check(log)
        data = prepare(
            table,
            target,
            task=options["task"],
            missing=options["missing"],
            ignore=options["ignore"],
            kinds=kinds,
            max_categories=options["max_categories"],
            test=test,
            validation=options["validation"],
            seed=options["seed"],
            dtype=options["dtype"],
            folder=scratch,
        )
        names = Settings.__dataclass_fields__
        settings = settled(Settings(**{name: value for name, value in options.items() if name in names}), data)
        _data(screen, data)
        same = {name.replace("_", "-"): getattr(settings, name) for name in names if name not in ("epochs", "patience")}
        same |= {"target": target, "test": str(options["test"]), "validation": options["validation"]}
        same |= {name: options[name] for name in ("task", "missing", "ignore", "category", "max_categories")}
        same |= read
        same["file"] = _fingerprint(file)
        same["targets"] = f"with checksum {zlib.crc32(data.train.targets()):08x}"  # labels may have their own file
        guard = Same(same)
        if options["resume"] and checkpoint.exists():
            guard.check(checkpoint)
        diary = Log(log, {"command": command, "file": str(file), **same, **folders.versions()})
        _begin(screen, data, settings)
        try:
            trained = train(
                data,
                settings,
                callbacks=[diary, guard],
                checkpoint=checkpoint,
                resume=options["resume"],
                progress=False if options["quiet"] else None,
            )
        except KeyboardInterrupt:
            raise Stopped(f"Interrupted. {_how_to_resume(checkpoint, command)}") from None
        except OSError as error:
            raise CannotWrite(
                f"The training stopped, since a file in {out} cannot be written: {error.strerror or error}. "
                f"{_how_to_resume(checkpoint, command)}"
            ) from None
        with writing("The report", out):
            trained.model.save(out / "model.npz")
            index, *_ = report.write(trained, out, command)
            diary.write({"event": "end", "stopped_by": trained.history.stopped_by, "scores": trained.scores})
    _results(screen, trained)
    screen.heading("Gradients", f"of the trained network, on the {trained.held} rows with the largest loss")
    print_proof(screen, trained.proof)
    screen.heading("Report", f"and beside it {', '.join(['results.json', 'model.npz', 'log.jsonl', 'checkpoint.npz'])}")
    screen.path(str(index))
    screen.say(f"  to read it, open {index.resolve().as_uri()} in a browser, or run this with --open")
    screen.path(f"to use the model: autograd-mini predict {shlex.quote(str(out))} FILE")
    screen.say(f"  all done in {time.perf_counter() - start:.1f} s")
    if options["quiet"]:
        click.echo(index)
    if options["open_page"]:
        webbrowser.open(index.resolve().as_uri())
    if trained.failures:
        click.echo(spelled(f"Not proved: {', '.join(trained.failures)}"), err=True)
        ctx.exit(1)


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """Make the folder inside the with-block; if nothing came of it, take it away again."""
    known = out.exists()
    with writing("The report", out):
        folders.prepare(out)
    try:
        yield
    except BaseException:
        if not known and not (out / CHECKPOINT).exists():
            with suppress(OSError):
                (out / LOG).unlink(missing_ok=True)  # which says no more than that a training began
                out.rmdir()
        raise


def _check(log: Path) -> None:
    """Find out whether the log can be written, and leave no trace of that."""
    known = log.exists()
    with writing("The log", log):
        log.open("a").close()
    if not known:
        log.unlink()


def _command(ctx: click.Context) -> str:
    """Return what was typed, without what only says how to go on."""
    arguments = [a for a in ctx.meta[ARGUMENTS] if a not in ("--resume", "--restart")]
    return shlex.join(["autograd-mini", *arguments])


def _stem(file: Path) -> str:
    """Return a file's name without endings."""
    name = file.name.removesuffix(".gz")
    return Path(name).stem or "table"


def _usual(table: Table) -> str:
    """Return the column that is the target if nothing is said: the labels of images."""
    for name in ("label", "y"):
        if table.kind in ("idx", "npz") and name in table.columns:
            return name
    raise click.UsageError(
        f"Which column of {table.path} is to be predicted? Say --target COLUMN: {', '.join(table.columns[:20])}"
        f"{', ...' if len(table.columns) > 20 else ''}."
    )


def _fingerprint(file: Path) -> str:
    """Return what tells a file from another."""
    checksum = size = 0
    with file.open("rb") as stream:
        while block := stream.read(2**20):
            checksum, size = zlib.crc32(block, checksum), size + len(block)
    return f"of {size:,} bytes with checksum {checksum:08x}"


def _interrupted(checkpoint: Path, options: dict[str, Any]) -> None:
    """Refuse to write over a training that could be resumed, unless that is meant."""
    if options["resume"] and options["restart"]:
        raise click.UsageError("--resume goes on with a training, --restart begins it anew: say one of them.")
    if options["restart"] or not checkpoint.exists():
        return
    if not options["resume"]:
        done = _epochs(checkpoint)
        results = checkpoint.with_name("results.json")
        if done and (not results.exists() or results.stat().st_mtime_ns < checkpoint.stat().st_mtime_ns):
            raise click.UsageError(
                f"{checkpoint.parent} holds a training that was interrupted after epoch {done}. Add --resume to go on "
                "with it, --restart to begin anew, or choose another folder with --out."
            )


def _epochs(checkpoint: Path) -> int:
    """Return how many epochs a checkpoint holds; 0 if there is none, or none that can be read."""
    try:
        return len(archive.unpack(*archive.read(checkpoint))["history"]["loss"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _how_to_resume(checkpoint: Path, command: str) -> str:
    done = _epochs(checkpoint)
    if not done:
        return "No epoch was over: there is nothing to resume."
    kept = "1 epoch is" if done == 1 else f"{done} epochs are"
    lines = [
        f"{kept} kept in {checkpoint}. To go on:",
        f"  {command} --resume",
        "To end it there, and write the report:",
        f"  {command} --resume --epochs {done}",
    ]
    return "\n".join(lines)


def _data(screen: Screen, data: Data) -> None:
    """Say what was read."""
    encoding, rows = data.encoding, f"{data.table.rows or 0:,} rows"
    screen.heading("Data", f"{data.table.path}: {rows}, {len(data.table.columns)} columns")
    kinds: dict[str, list[str]] = {}
    for column in encoding.inputs:
        shape = f" ({' x '.join(map(str, column.shape or (column.width,)))})" if column.kind == "block" else ""
        kinds.setdefault(column.kind, []).append(f"{column.name}{shape}")
    plural = {"number": "numbers", "category": "categories", "boolean": "yes or no", "block": "blocks of numbers"}
    for kind, names in kinds.items():
        more = f" and {len(names) - 8:,} more" if len(names) > 8 else ""
        screen.fact(plural.get(kind, kind), f"{', '.join(names[:8])}{more}")
    screen.fact("target", spoken(encoding.target.rule))
    for note in encoding.notes:
        if note != encoding.target.rule:
            screen.fact("note", spoken(note))


def _begin(screen: Screen, data: Data, settings: Settings) -> None:
    sizes = [data.encoding.width, *settings.layers, data.encoding.target.outputs]
    parts = [f"{len(data.train):,} rows to train on"]
    parts += [f"{len(data.validation):,} for validation"] if data.validation is not None else []
    parts += [f"{len(data.test):,} for the test"] if data.test is not None else []
    network = f"a {'-'.join(map(str, sizes))} perceptron, {settings.activation}, {settings.optimizer}"
    screen.heading("Training", f"{network}, seed {settings.seed}; {', '.join(parts)}")


def _results(screen: Screen, trained: Trained) -> None:
    """Say how it went."""
    history, patience = trained.history, trained.settings.patience
    stopped = f"no better for {patience}" if history.stopped_by == "validation" else "as many as allowed"
    restored = f"; restored the weights of epoch {history.best_epoch}" if history.best_epoch else ""
    screen.fact("epochs", f"{len(history.loss)}, {stopped}{restored}")
    main = "accuracy" if trained.model.classifies else "r2"
    for part, scores in trained.scores.items():
        if part == "training" and len(trained.scores) > 1:
            continue
        text = report.number(main, scores[main], "-")
        if trained.model.classifies and part == trained.held:
            wrong = int((trained.outputs.argmax(axis=1) != trained.targets).sum())
            text += f", {wrong:,} of {len(trained.targets):,} rows classified wrongly"
        elif not trained.model.classifies:
            text += f", RMSE {report.number('rmse', scores['rmse'], '-')}"
            text += f", mean absolute error {report.number('mae', scores['mae'], '-')}"
        screen.fact(f"{part} {report.NAMES[main]}", text)
    if trained.model.classifies:
        always = f"{report.number('accuracy', trained.baseline['accuracy'])}, always the most frequent class"
    else:
        always = f"RMSE {report.number('rmse', trained.baseline['rmse'], '-')}, always the mean"
    screen.fact("for comparison", always)
    for line in trained.unseen:
        screen.fact("note", spoken(line))
    screen.fact("seconds", f"{history.seconds:.1f}")
