"""Wrong answers to the exercises of chapter 7, first weights and vanishing gradients."""

BACKWARD = """
def backward(g, a, W, b):
    z = a @ W.T + b
    delta = g * (1 - np.tanh(z) ** 2)
    return RESULT
"""

MISTAKES = {
    1: [
        (
            'different = {"B"}',
            "A: after 3 steps the rows of W1 are different",
        ),  # as if zero were what keeps units equal
        ('different = {"A", "B"}', "C: after 3 steps"),  # forgets that biases part units, too
        ('different = {"A", "B", "C", "D"}', "D: after 3 steps the rows of W1 are equal"),
        ("different = set()", "A: after 3 steps"),
    ],
    2: [
        ("def bound(weights, steepest): return steepest ** (len(weights) - 1)", "it is no bound"),
        (
            "def bound(weights, steepest): return np.prod([steepest * np.linalg.norm(W, 2) for W in weights])",
            "larger than need be",
        ),
        (
            "def bound(weights, steepest): return np.prod([steepest * np.linalg.norm(W) for W in weights[1:]])",
            "not the largest stretch",  # the Frobenius norm
        ),
        (
            "def bound(weights, steepest):\n    product = weights[1]\n    for W in weights[2:]:\n"
            "        product = W @ product\n"
            "    return steepest ** (len(weights) - 1) * np.linalg.norm(product, 2)",
            "each layer has its own factor",  # the norm of the product
        ),
        (
            "def bound(weights, steepest): "
            "return steepest ** len(weights) * np.prod([np.linalg.norm(W, 2) for W in weights[1:]])",
            "it is no bound",
        ),
        (
            "def bound(weights, steepest): "
            "return np.prod([steepest * np.mean(np.linalg.svd(W)[1]) for W in weights[1:]])",
            "it is no bound",
        ),
    ],
    3: [
        ("def deviation(n_in, s): return np.sqrt(2 / n_in)", "s = 0.5"),  # He's, whatever the slope
        ("def deviation(n_in, s): return np.sqrt(1 / n_in)", "s = 0.0"),  # Xavier's
        ("def deviation(n_in, s): return 2 / ((1 + s**2) * n_in)", "s = 0.0"),  # the variance
        ("def deviation(n_in, s): return np.sqrt(2 / ((1 + s) * n_in))", "s = 0.2"),  # the slope, not squared
        ("def deviation(n_in, s): return np.sqrt(2 / (1 + s**2)) / 10", "n_in 400"),  # right for 100 inputs only
    ],
    4: [
        (BACKWARD.replace("RESULT", "delta @ W, delta.T @ a"), "The output depends on a in two ways"),
        (BACKWARD.replace("RESULT", "g + delta @ W.T, delta.T @ a"), "dE/da begins"),
        (BACKWARD.replace("RESULT", "delta + delta @ W, delta.T @ a"), "dE/da begins"),
        (BACKWARD.replace("RESULT", "g + delta @ W, (g + delta).T @ a"), "Which of the two ways"),
        (BACKWARD.replace("RESULT", "g + delta @ W, a.T @ delta"), "dE/dW begins"),
        (BACKWARD.replace("RESULT", "(g + delta @ W,)"), "two arrays are asked for"),
        (
            BACKWARD.replace("RESULT", "(delta @ W).tolist(), (delta.T @ a).tolist()"),
            "The output depends on a in two ways",
        ),
    ],
    5: [
        ("def dead(Z): return np.sum(np.all(Z < 0, axis=0))", "you say 1"),  # at 0 the slope is 0, too
        ("def dead(Z): return np.sum(np.any(Z <= 0, axis=0))", "Z ="),  # off on some sample
        ("def dead(Z): return np.sum(np.all(Z <= 0, axis=1))", "Z ="),  # samples on which all units are off
        ("def dead(Z): return np.sum(Z <= 0)", "Z ="),
    ],
}
