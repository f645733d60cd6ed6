"""Objects in which a Tensor hides from whoever looks through a tree of results."""

import numpy as np


class Box:
    def __init__(self, inside):
        self.inside = inside


def objects_of(tensor):
    objects = np.empty(1, object)
    objects[0] = tensor
    return objects
