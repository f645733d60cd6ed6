"""What the experiments ask of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from ..checks import real, shown, whole

__all__ = ["numbers_of", "positive_of", "seeds_of", "wholes_of"]

FEW = " Each costs as long again; five are a start."


def seeds_of(where: str, seeds: Any) -> tuple[int, ...]:
    """Return the seeds: those given, or the first so many from 0."""
    if isinstance(seeds, Real):
        return tuple(range(whole(where, "seeds", seeds, 1, FEW)))
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise TypeError(
            f"{where}: seeds is {shown(seeds)}, but must be how many seeds to take, or the seeds themselves. "
            "Write seeds=5, or seeds=range(5)."
        )
    found = tuple(whole(where, f"seeds[{i}]", seed, 0) for i, seed in enumerate(seeds))
    if not found or len(set(found)) < len(found):
        what = "which repeats one" if found else "which is empty"
        raise ValueError(
            f"{where}: seeds is {shown(list(found))}, {what}, but must hold different seeds. Write seeds=range(5)."
        )
    return found


def numbers_of(
    where: str, name: str, values: Any, need: str, check: Callable[[float], bool], example: str
) -> tuple[float, ...]:
    """Return different numbers in ascending order, at least one; `need` says in words what the check asks of each."""
    if isinstance(values, (str, Real)) or not isinstance(values, Iterable):
        raise TypeError(f"{where}: {name} is {shown(values)}, but must be a list of numbers. Write {name}={example}.")
    found = tuple(real(where, f"{name}[{i}]", value, need) for i, value in enumerate(values))
    if not found or not all(map(check, found)):
        wrong = next((v for v in found if not check(v)), None)
        what = "is empty" if wrong is None else f"holds {wrong:g}"
        raise ValueError(f"{where}: {name} {what}, but each of its numbers must {need}. Write {name}={example}.")
    return tuple(sorted(set(found)))


def positive_of(where: str, name: str, values: Any, example: str) -> tuple[float, ...]:
    """Return positive numbers, at least one."""
    return numbers_of(where, name, values, "be a positive, finite number", lambda v: v > 0, example)


def wholes_of(where: str, name: str, values: Any, example: str, most: int | None = None) -> list[int]:
    """Return different whole numbers in ascending order, at least one, from 1 to the most."""
    need = "be a whole number of at least 1" if most is None else f"be a whole number from 1 to {most}"
    found = numbers_of(where, name, values, need, lambda n: 1 <= n <= (most or n) and n == int(n), example)
    return [int(n) for n in found]
