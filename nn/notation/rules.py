"""What a rule is, whoever writes it: expressions in no notation yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .formulas import Formula
from .vocabulary import VOCABULARIES, checked

__all__ = [
    "Dropped",
    "Equation",
    "Expression",
    "Jacobian",
    "Named",
    "Normalized",
    "Outputs",
    "Point",
    "Rule",
    "Slope",
    "Total",
    "Weighted",
]


class Point(NamedTuple):
    """A value of the network: z of a Linear layer, v of a normalization, a of an activation, ã of dropout, s of a sum.

    `layer` counts Linear layers from 1, the input being 0, or is a name such as "l+1"; `extra` tells two of one layer
    apart.
    """

    letter: str
    layer: int | str
    extra: str = ""


@dataclass(frozen=True)
class Named:
    """A cotangent that has a name of its own: delta = dE/dz, or u = dE/dv."""

    point: Point


@dataclass(frozen=True)
class Weighted:
    """The deltas of a layer, sent back through its weights (claims Y8, M4, R3); `point` is the layer's z."""

    point: Point


@dataclass(frozen=True)
class Slope:
    """A cotangent times f'(z), entry by entry."""

    function: str
    at: Point
    then: Expression


@dataclass(frozen=True)
class Jacobian:
    """A cotangent through a softmax or its logarithm, where every output depends on every z (claim Y10)."""

    function: str
    at: Point
    out: Point
    then: Expression


@dataclass(frozen=True)
class Dropped:
    """A cotangent of what dropout returns: 0 where a unit was put out, else divided by the part that stays."""

    point: Point
    keep: float
    then: Expression


@dataclass(frozen=True)
class Normalized:
    """The cotangent u = dE/dv sent back through a normalization; `over` is "batch", "running" or "sample"."""

    over: str
    point: Point
    scaled: bool


@dataclass(frozen=True)
class Total:
    """Cotangents that add up, where a value is used more than once."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Outputs:
    """dJ/do of a loss, or its delta where the last activation is part of the loss (`joined`; claim Y10).

    `share` is "n", "N" (a sum of weights), or empty: what the sum is divided by. `options` are those of the loss that
    its rule shows: ``("weight", "pos_weight", "label_smoothing", "labels", "log_outputs")``, `threshold` Huber's.
    """

    loss: str
    point: Point
    joined: bool = False
    factor: float = 0.5
    share: str = "n"
    options: tuple[str, ...] = ()
    threshold: float = 1.0


Expression = Named | Weighted | Slope | Jacobian | Dropped | Normalized | Total | Outputs


class Equation(NamedTuple):
    """Both sides of a rule; `symbol` is the name of the whole array that the left side is an entry of."""

    symbol: Formula
    left: Formula
    right: Formula

    @property
    def text(self) -> str:
        """The equation as text."""
        return f"{self.left.text} = {self.right.text}"

    @property
    def latex(self) -> str:
        """The equation as LaTeX, without dollar signs."""
        return f"{self.left.latex} = {self.right.latex}"


@dataclass(frozen=True)
class Rule:
    r"""How one array of the backward pass comes about, in no notation yet.

    Parameters
    ----------
    of : {"delta", "W", "b", "gamma", "beta", "z", "a", "update"}
        The cotangent of a point, or the gradient of a parameter; of the forward pass z and a; the step of the weights.
    point : Point
        The point; of a parameter, what its layer returns.
    is_ : Expression, or Point
        The cotangent; of W, z and the update the layer's inputs; of a, the `Slope` of its function. The others need
        nothing.
    samples : bool
        Whether a batch adds up (claim Y6), or there is one sample.
    output : bool
        Whether it is the last layer: R then writes k for the unit.
    branched : bool
        Whether values are used in several places, so that R, too, must tell layers apart.

    Examples
    --------
    >>> from nn.notation import NOTATIONS, Point, Rule, Slope, Weighted
    >>> hidden = Rule("delta", Point("z", 1), Slope("sigmoid", Point("z", 1), Weighted(Point("z", 2))))
    >>> for notation in NOTATIONS:
    ...     print(hidden.equation(notation).text)
    δᵢ¹ = σ′(zᵢ¹) Σⱼ wⱼᵢ² δⱼ²
    Δ² = (W³ᵀ Δ³) ⊙ σ′(Z²)
    Δⱼ = g′(inⱼ) Σₖ wⱼₖ Δₖ
    >>> gradient = Rule("W", Point("z", 1), Point("a", 0), samples=False)
    >>> for notation in NOTATIONS:
    ...     print(gradient.equation(notation).text)
    ∂E/∂wᵢⱼ¹ = δᵢ¹ aⱼ⁰
    ∂C/∂W² = Δ² A¹ᵀ
    −∂Loss/∂wᵢⱼ = aᵢ Δⱼ
    """

    of: str
    point: Point
    is_: Expression | Point | None = None
    samples: bool = True
    output: bool = False
    branched: bool = False

    def equation(self, notation: str) -> Equation:
        """Return the rule in one of the three notations, "Y", "M" or "R".

        Raises
        ------
        ValueError
            If there is no such notation.
        """
        from .writing import Writer

        return Writer(VOCABULARIES[checked("Rule.equation", notation)], self).equation()
