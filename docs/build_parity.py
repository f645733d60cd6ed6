"""Write docs/parity.md: how much each part of nn differs from PyTorch's, by the tests in tests/peers.

python docs/build_parity.py     run the tests, and write the page
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("parity.md")
TESTS = [f"tests/peers/test_nn_{area}.py" for area in ("parts", "losses", "optim", "save")]

INTRODUCTION = """# nn beside PyTorch

Written by `python docs/build_parity.py` from what `tests/peers/test_nn_*.py` measure, in float64, {versions}.
Held to 1e-12, part by part.

The difference of two arrays is the largest of their entries', relative to the largest entry. Compared are: of
activations and layers, outputs, all gradients, buffers, in training and evaluation, over several random inputs; of
losses, values and gradients; of initial weights, their bounds; of optimizers, every weight after every one of 50 steps
(L-BFGS: 20 to 30); of schedules, the rates over their whole range; of states, the outputs after a state dict went to
PyTorch or back, as a dict, `.npz` and `.safetensors`.

| | parts | largest difference | where |
|---|---:|---:|---|"""


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "parity.tsv"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *TESTS]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "NN_PARITY": str(file)}, check=True)
        lines = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    areas: dict[str, dict[str, float]] = {}
    for area, part, difference in lines:
        parts = areas.setdefault(area, {})
        parts[part] = max(float(difference), parts.get(part, 0.0))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy"))
    text = [INTRODUCTION.format(versions=versions)]
    for area, parts in areas.items():
        worst = max(parts, key=lambda part: parts[part])
        text.append(f"| {area} | {len(parts)} | {parts[worst]:.1e} | {cell(worst)} |")
    for area, parts in areas.items():
        text += ["", f"## {area.capitalize()}", "", "| part | difference |", "|---|---:|"]
        text += [f"| {cell(part)} | {parts[part]:.1e} |" for part in sorted(parts, key=str.lower)]
    PAGE.write_text("\n".join(text) + "\n", "utf-8")


def cell(part: str) -> str:
    return part.replace("|", "\\|")


if __name__ == "__main__":
    main()
