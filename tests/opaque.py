"""Objects that hide something: a Tensor from whoever looks through a tree of results, an array in another kind."""

import numpy as np


class Box:
    def __init__(self, inside):
        self.inside = inside


def objects_of(tensor):
    objects = np.empty(1, object)
    objects[0] = tensor
    return objects


class Elsewhere:
    """An array of another kind than NumPy's, which has nothing but its looks."""

    def __init__(self, a):
        self.a = np.asarray(a)

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "a"), name)

    def __array_function__(self, *_):
        raise NotImplementedError
