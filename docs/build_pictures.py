"""Draw the README's pictures: docs/neuron.svg, the graph of a neuron, and docs/sweep.svg, a network's sweep, animated.

python docs/build_pictures.py            draw them
python docs/build_pictures.py --check    say whether the committed pictures are the ones that would be drawn
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import autograd_mini as ag
import nn

PICTURES = ["neuron.svg", "sweep.svg"]
NOTES = {
    "layer 1": "layer 1: a1 = relu(W1 x);  backward δ¹ = relu′(z1) ⊙ w2 δ²,  ∂E/∂W1 = δ¹ xᵀ",
    "layer 2": "layer 2: o = w2 · a1;  backward δ² = 2 (o − y),  ∂E/∂w2 = δ² a1",
}
PLACE = re.compile(r' (x|y|d|points|width|height|viewBox|transform)="[^"]*"')


def leaf(value: object, name: str) -> ag.Tensor:
    """Return a weight."""
    return ag.Tensor(value, requires_grad=True, name=name)


def neuron(path: Path) -> None:
    """Draw a neuron with two inputs, and its error."""
    x, w, b = ag.Tensor([1.0, -2.0], name="x"), leaf([0.5, 0.25], "w"), leaf(0.1, "b")
    z = w @ x + b
    a = nn.sigmoid(z)
    E = 0.5 * (a - 1.0) ** 2
    z.name, a.name, E.name = "z", "a", "E"
    ag.draw(E, theme="auto").save(path)


def sweep(path: Path) -> None:
    """Animate the forward pass and the sweep of a network of 2, 2 and 1 units, in numbers to be checked by head."""
    x, W1, w2 = ag.Tensor([1.0, -2.0], name="x"), leaf([[0.5, -0.25], [0.75, 0.5]], "W1"), leaf([2.0, -0.5], "w2")
    with ag.scope("layer 1"):
        z1 = W1 @ x
        a1 = nn.relu(z1)
    with ag.scope("layer 2"):
        o = a1 @ w2
    d = o - 0.5
    E = d**2
    z1.name, a1.name, o.name, d.name, E.name = "z1", "a1", "o", "d", "E"
    ag.animate(
        E,
        path,
        notes=NOTES,
        title="A network of 2, 2 and 1 units: its values forward, then the gradients of E backward",
    )


def without_places(svg: str) -> str:
    """Return what a picture shows, without where: the last digits of places depend on the layout's release."""
    return PLACE.sub("", svg)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as directory:
        for name, draw in zip(PICTURES, (neuron, sweep), strict=True):
            fresh, committed = Path(directory) / name, HERE / name
            draw(fresh)
            text = fresh.read_text("utf-8")
            if not check:
                committed.write_text(text, "utf-8")
            elif not committed.exists() or without_places(text) != without_places(committed.read_text("utf-8")):
                sys.exit(f"{name} is stale: python docs/build_pictures.py")
            else:
                print(f"{name} is up to date")


if __name__ == "__main__":
    main()
