"""Pages of Markdown whose Python is run: their code, and what they say comes out of it.

    python -m tests.documents docs/faq.md torch

runs a peer's blocks of a page, which are those that carry its title, in a process of their own: a peer brings threads
and warnings that the tests should not have.
"""

import contextlib
import io
import json
import linecache
import re
import sys
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```(?P<language>\w*)(?P<options>[^\n]*)\n(?P<body>.*?)^```$", re.M | re.S)
PEERS = {"PyTorch": "torch", "JAX": "jax", "HIPS autograd": "autograd", "MyGrad": "mygrad", "micrograd": "micrograd"}
FILE = "example.py"  # what a block is called where a message tells a line; the line is that in the block
WIDTH = 84  # characters that a page has room for


class Block(NamedTuple):
    """A fence: its language, whose title it carries, its text, its line, and the text that stands right below it."""

    language: str
    title: str | None
    body: str
    line: int
    stated: str | None


class Outcome(NamedTuple):
    """What a block is stated to put out, and what it did."""

    line: int
    stated: str | None
    found: str


def blocks(text: str) -> list[Block]:
    """Return the fences of a page."""
    found, result = list(FENCE.finditer(text)), []
    for fence, after in zip(found, [*found[1:], None], strict=True):
        title = re.search(r'title="([^"]*)"', fence["options"])
        below = after and after["language"] == "text" and not text[fence.end() : after.start()].strip()
        result.append(
            Block(
                fence["language"],
                title and title[1],
                fence["body"],
                text[: fence.start()].count("\n") + 2,
                after["body"] if below else None,
            )
        )
    return result


def run(found: list[Block], names: dict[str, object]) -> list[Outcome]:
    """Run blocks in order, in one namespace.

    What a block puts out is what it prints; an error counts as its last line, if the text below it says that there is
    one, and goes on upwards if not.
    """
    outcomes = []
    for block in found:
        linecache.cache[FILE] = (len(block.body), None, block.body.splitlines(keepends=True), FILE)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile(block.body, FILE, "exec"), names)
            except Exception as error:
                kind = type(error).__name__
                if not re.search(rf"^{kind}: ", block.stated or "", re.M):
                    raise
                print(f"{kind}: {error}")
        outcomes.append(Outcome(block.line, block.stated, printed.getvalue()))
    return outcomes


def alike(stated: str, found: str) -> bool:
    """Return whether a page shows what came out. It may fold a long line; what it goes on with is then indented."""
    left = stated.rstrip().split("\n")
    for line in found.rstrip().split("\n"):
        if not left:
            return False
        said, *left = left
        if len(line) <= WIDTH:
            if said.rstrip() != line.rstrip():
                return False
            continue
        while len(said.split()) < len(line.split()) and left and left[0].startswith("  "):
            said += " " + left.pop(0)
        if said.split() != line.split():
            return False
    return not left


if __name__ == "__main__":
    path, peer = Path(sys.argv[1]), sys.argv[2]
    theirs = [b for b in blocks(path.read_text("utf-8")) if b.language == "python" and PEERS.get(b.title or "") == peer]
    print(json.dumps(run(theirs, {"__name__": "__main__"})))
