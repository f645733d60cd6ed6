"""Wrong answers to the course's exercises, as learners give them: chapter_NN.py for each chapter.

MISTAKES is, for the number of each exercise, a list of wrong answers: the code that a learner writes in the exercise's
cell, and a part of what the check has to say about it.
"""

import importlib
import pkgutil

__all__ = ["MISTAKES"]

MISTAKES: dict[tuple[str, int], list[tuple[str, str]]] = {}  # (chapter, exercise): the mistakes

for module in pkgutil.iter_modules(__path__):
    found = importlib.import_module(f".{module.name}", __name__)
    MISTAKES |= {(module.name.removeprefix("chapter_"), number): each for number, each in found.MISTAKES.items()}
