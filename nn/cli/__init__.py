"""The command line: arguments in, results printed, exit codes out."""

from __future__ import annotations

import click

import autograd_mini as ag

from .completion import completion_command
from .demo import demo_command
from .predict import predict_command
from .program import CODES, Program
from .train import train_command
from .views import compare_command, draw_command, explain_command

__all__ = ["main"]

EPILOG = f"""\b
Examples:
  autograd-mini demo
  autograd-mini train iris.csv --target species
  autograd-mini predict iris-model new.csv --out predictions.csv
  autograd-mini COMMAND --help

{CODES}"""


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(ag.__version__, prog_name="autograd-mini")
def main() -> None:
    """Train multi-layer perceptrons with gradients that prove themselves."""


for command in (
    train_command,
    predict_command,
    compare_command,
    draw_command,
    explain_command,
    demo_command,
    completion_command,
):
    main.add_command(command)
