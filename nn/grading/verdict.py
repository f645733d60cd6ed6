"""What the grader says: a verdict, and the mistakes in it, as text and as HTML."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape

__all__ = ["Mistake", "Verdict"]

WIDTH = 100


@dataclass(frozen=True)
class Mistake:
    """One mistake in a backward pass.

    Attributes
    ----------
    kind : str
        Such as ``"sign"`` or ``"missing f'"``; ``"unknown"`` if the numbers fit no mistake that is known.
    term : str
        Where: ``"forward pass"``, ``"output delta"``, ``"hidden delta"``, ``"weight gradient"``, ``"bias gradient"``,
        ``"gradients"`` (of weight and bias) or ``"update"``.
    layers : tuple of int
        The layers of the network shown (`Verdict.sizes`) where it is, counted from 1, the output first.
    found, right : str
        The equation that reproduces the student's numbers, and the one that is right; `found` is empty if unknown.
    explanation : str
        The difference in words.
    numbers : str
        One entry of the student's array, and what it should be.
    hints : tuple of str
        From a nudge to the right equation.
    claim : str
        The claims that the rule comes from.
    """

    kind: str
    term: str
    layers: tuple[int, ...]
    found: str
    right: str
    explanation: str
    numbers: str
    hints: tuple[str, ...]
    claim: str

    @property
    def place(self) -> str:
        """Term and layers in words."""
        if not self.layers:
            return self.term
        names = [str(layer) for layer in self.layers]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{self.term}, layer{'s' if len(names) > 1 else ''} {listed}"


@dataclass(frozen=True, repr=False)
class Verdict:
    """What `check_delta_rule` found; shows itself as text and, in a notebook, as HTML.

    Attributes
    ----------
    passed : bool
        Whether no term departs from the hand rule.
    score : int
        0 to 100: the mean over the rules of the share of layers and networks where each is right, *given what the
        student computed above*, so that a slip counts where it is and not in every layer below. The rules are those of
        the forward pass, if the function has its own, of the output delta, the hidden deltas, and of weight and bias
        gradients or updates, if returned. 100 only if passed.
    first : tuple of (int, str) or None
        Layer and term of the first departure on the way from the output to the input; 0 is the forward pass.
    mistakes : tuple of Mistake
        In the order of the sweep.
    notes : tuple of str
        What is no mistake, but should be known: the convention found, terms that were not graded.
    sizes : tuple of int
        Widths of the network that layers and numbers refer to, inputs first.
    networks : int
        How many networks it was graded on.
    crash : str
        Which error it raised, and on how many of the networks; empty if on none.

    Examples
    --------
    >>> import numpy as np, nn
    >>> def backward(x, y, W1):  # one sample, one layer of sigmoids, squared error
    ...     o = 1 / (1 + np.exp(-W1 @ x))
    ...     delta = (y - o) * o * (1 - o)
    ...     return {"delta1": delta, "dW1": np.outer(delta, x)}
    >>> verdict = nn.check_delta_rule(backward)
    >>> verdict.passed, verdict.score, verdict.first
    (False, 66, (1, 'output delta'))
    >>> verdict.mistakes[0].kind, verdict.mistakes[0].right
    ('sign', 'δᵢᴸ = (oᵢ − yᵢ) f′(zᵢᴸ)')
    >>> print(verdict.hints[0])
    Nudge the output up a little: does the error grow or fall? Compare with the sign of your output delta.
    """

    passed: bool
    score: int
    first: tuple[int, str] | None
    mistakes: tuple[Mistake, ...]
    notes: tuple[str, ...]
    sizes: tuple[int, ...]
    networks: int
    crash: str = ""

    @property
    def hints(self) -> tuple[str, ...]:
        """Hints on the first mistake, from a nudge to the equation: show as many as needed, mend, and check again."""
        return self.mistakes[0].hints if self.mistakes else ()

    def headline(self) -> str:
        """Return the verdict in one line."""
        if self.passed:
            return f"Right: agrees with the hand rule on {self.networks} networks. Score 100."
        before = f"{self.crash}; on the others it " if self.crash else ""
        if self.first is None:
            return f"{before}is right. Score {self.score}."
        layer, term = self.first
        where = term if layer == 0 else f"{term} of layer {layer} of {len(self.sizes) - 1}"
        kind = next(mistake.kind for mistake in self.mistakes if mistake.term == term)
        return f"{before}{'departs' if before else 'Departs'} first at the {where}: {kind}. Score {self.score}."

    def __str__(self) -> str:
        lines = [self.headline()]
        for k, mistake in enumerate(self.mistakes, 1):
            lines += ["", f"{k}. {mistake.kind} ({mistake.place})"]
            lines += _wrapped(mistake.explanation)
            lines += [f"   {label} {text}" for label, text in _facts(mistake)]
        if self.notes:
            lines.append("")
            for note in self.notes:
                lines += textwrap.wrap(note, WIDTH, initial_indent="Note: ", subsequent_indent="      ")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{escape(mistake.kind)}</b> ({escape(mistake.place)})<br>{escape(mistake.explanation)}"
            '<table style="background:none;color:inherit">'
            + "".join(
                f'<tr style="background:none"><td style="text-align:left">{escape(label)}</td>'
                f'<td style="text-align:left">{escape(text)}</td></tr>'
                for label, text in _facts(mistake)
            )
            + "</table></li>"
            for mistake in self.mistakes
        )
        notes = "".join(f"<p>Note: {escape(note)}</p>" for note in self.notes)
        body = f"<ol>{items}</ol>" if items else ""
        return f'<div class="verdict"><p><b>{escape(self.headline())}</b></p>{body}{notes}</div>'


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="   ", subsequent_indent="   ")


def _facts(mistake: Mistake) -> list[tuple[str, str]]:
    """Return the labelled lines of a mistake."""
    claims = f"   ({mistake.claim})" if mistake.claim else ""
    rows = [("you have  ", mistake.found), ("should be ", f"{mistake.right}{claims}" if mistake.right else "")]
    return [(label, text) for label, text in [*rows, ("for example", mistake.numbers)] if text]
