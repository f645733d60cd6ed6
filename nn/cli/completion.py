"""completion: what a shell needs to complete commands, options and files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

__all__ = ["completion_command"]

SHELLS = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/autograd-mini.fish"}

EXAMPLES = """\b
To have it in every shell:
  autograd-mini completion bash >> ~/.bashrc
  autograd-mini completion zsh >> ~/.zshrc
  autograd-mini completion fish > ~/.config/fish/completions/autograd-mini.fish
To have it in this one:
  eval "$(autograd-mini completion bash)"
"""


@click.command("completion", epilog=EXAMPLES, short_help="Print what makes a shell complete commands.")
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False)
@click.pass_context
def completion_command(ctx: click.Context, shell: str | None) -> None:
    """Print the lines that make SHELL complete commands, options and files; by default of the shell in use."""
    if shell is None:
        shell = Path(os.environ.get("SHELL", "")).name
        if shell not in SHELLS:
            raise click.UsageError("Which shell? Say bash, zsh or fish.")
    root: Any = ctx.find_root().command
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root, {}, "autograd-mini", "_AUTOGRAD_MINI_COMPLETE").source())
