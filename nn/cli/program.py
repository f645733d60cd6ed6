"""The program's commands under one roof: whatever goes wrong is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np

import autograd_mini as ag

from ..saving import FileError
from ..tables import TableError
from ..training import NonFiniteLossError

__all__ = ["ARGUMENTS", "CODES", "CannotWrite", "Program", "Refused", "Stopped", "spoken", "writing"]

ARGUMENTS = "nn.cli.arguments"  # under which click keeps them
DONE, UNPROVED, USAGE, DATA, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130

CODES = f"""\b
Exit codes:
  {DONE:<3}  all done
  {UNPROVED:<3}  done, but a gradient is not proved
  {USAGE:<3}  an argument, or a file or folder that it names, cannot be used
  {DATA:<3}  what a file holds is refused: data that make no sense, a damaged model, columns that are missing
  {FAILED:<3}  the training failed: its error became infinite, or memory ran out
  {INTERRUPTED:<3}  interrupted by Ctrl-C"""


# How a message names an argument of the package, and how the command line calls it.
SPOKEN = (
    (r"\b(task|missing|encoding|part|decimal|separator)=(['\"])(.+?)\2", r"--\1 \3"),
    (r"\bheader=False", "--no-header"),
    (r"\bheader=True", "--header"),
    (r"\bkinds=\{(['\"])(.+?)\1: ['\"]category['\"]\}", r"--category \2"),
    (r"\(kinds\)", "(--category)"),
    (r"leave it out of missing_words", "say so with --value-word"),
    (r"\b(missing|value)_words\b", r"--\1-word"),
    (r"\bmax_categories\b", "--max-categories"),
    (r"\((ignore|labels|encoding|separator|decimal|header|part)\b", r"(--\1"),
)


class CannotWrite(click.ClickException):
    """A file or folder cannot be written."""

    exit_code = USAGE


class Refused(click.ClickException):
    """What a file holds cannot be used."""

    exit_code = DATA


class Failed(click.ClickException):
    """A training did not come to an end."""

    exit_code = FAILED


class Stopped(click.ClickException):
    """Ctrl-C was pressed."""

    exit_code = INTERRUPTED

    def show(self, file: Any = None) -> None:
        """Print what was said, without the word Error."""
        click.echo(self.format_message(), file=file or sys.stderr)


class Program(click.Group):
    """A group of commands that end in a sentence."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed, for reports and for how to go on."""
        ctx.meta[ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn what it raises into what click prints and exits with."""
        try:
            with np.errstate(all="ignore"):  # fit itself says where numbers become infinite
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise Stopped("Interrupted.") from None
        except (TableError, FileError) as error:
            raise Refused(sentence(error)) from None
        except NonFiniteLossError as error:
            raise Failed(sentence(error)) from None
        except BrokenPipeError:  # the reader of our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(DONE)
        except (MemoryError, OSError) as error:
            if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:  # a map of a file raises the second
                advice = "Take fewer or smaller --layers, or a smaller --batch-size."
                raise Failed(f"There is not enough memory. {advice}") from None
            raise CannotWrite(sentence(error)) from None
        except (ag.errors.AutogradError, ImportError, ValueError) as error:
            raise Refused(sentence(error)) from None


def sentence(error: BaseException) -> str:
    """Return what an error says, on its own; of the system's, with the file."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        return f"{name}{error.strerror}."
    return spoken(str(error)) or type(error).__name__


def spoken(text: str) -> str:
    """Return a message of the package with its arguments as the command line has them."""
    for pattern, option in SPOKEN:
        text = re.sub(pattern, option, text)
    return text


@contextmanager
def writing(what: str, where: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{what} cannot be written to {where}: {error.strerror or error}.") from None
