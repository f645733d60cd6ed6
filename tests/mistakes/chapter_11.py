"""Wrong answers to the exercises of chapter 11, extending the engine."""

LENGTH = "def length_rule(g, y, x): return "
SIGMOID = "def sigmoid_rule(g, y, z): return "
PUSHED = "def pushed(pull, v, n): return "

BACKWARD = """
def backward(x, y, weights, biases):
    a = [x]
    for W, b in zip(weights, biases):
        a.append(np.logaddexp(0, W @ a[-1] + b))
    deltas = [(a[-1] - y) * LAST]
    for l in reversed(range(1, len(weights))):
        deltas.insert(0, BELOW)
    return [np.outer(delta, below) for delta, below in zip(deltas, a)], deltas
"""
SLOPE = "(1 - np.exp(-a[-1]))"
HIDDEN = "(1 - np.exp(-a[l]))"

MISTAKES = {
    1: [
        ("def bell_rule(g, y, z): return g * z * y", "The sign is wrong"),
        ("def bell_rule(g, y, z): return -z * y", "drops its g"),
        ("def bell_rule(g, y, z): return -2 * g * z * y", "same factor, 2"),
        ("def bell_rule(g, y, z): return -g * z", "wrong rule"),
        ("def bell_rule(g, y, z): return -g * z * ag.stop_gradient(y)", "gradient of the gradient"),
    ],
    2: [
        (LENGTH + "np.expand_dims(g / y, 1) * x", "rows 0 0"),  # nan there
        (LENGTH + "g[:, None] * x / (y + 1e-8)[:, None]", "rows 0 0"),  # nearly right everywhere
        (LENGTH + "np.where(y[:, None] == 0, 0, g[:, None] * x / y[:, None])", "next order"),  # too late
        (LENGTH + "np.expand_dims(1 / np.where(y == 0, 1, y), 1) * x", "drops its g"),
        (LENGTH + "np.expand_dims(g * np.where(y == 0, 1, y), 1) * x", "wrong rule"),
        (LENGTH + "np.expand_dims(g, 1) * x", "wrong rule"),
        (LENGTH + "g * x / y", "operands could not be broadcast"),  # shapes that do not fit
    ],
    3: [
        (SIGMOID + "g * y * (1 - y)", "at z = 40"),
        (SIGMOID + "g * nn.sigmoid(-z) * (1 - nn.sigmoid(-z))", "at z = -40"),
        (SIGMOID + "g * y * y * np.exp(-z)", "at z = -800"),
        (SIGMOID + "g * y * nn.sigmoid(z)", "wrong rule"),
    ],
    4: [
        (PUSHED + "ag.grad(lambda g: np.sum(pull(g)))(np.zeros(n))", "the tangent is"),
        (PUSHED + "pull(v[:n]) * np.ones(3)", "the tangent is"),  # v J
        (PUSHED + "np.array([pull(e) for e in np.eye(n)]).T @ v[:n]", "the tangent is"),
        (PUSHED + "pull(np.ones(n)) * v", "the tangent is"),
        (PUSHED + "sum(pull(e) @ v for e in np.eye(n))", "the tangent is"),
    ],
    5: [
        (BACKWARD.replace("LAST", SLOPE).replace("BELOW", "weights[l].T @ deltas[0] * a[l] * (1 - a[l])"), "hidden"),
        (BACKWARD.replace("LAST", SLOPE).replace("BELOW", "weights[l].T @ deltas[0]"), "hidden"),
        (BACKWARD.replace("LAST", "1").replace("BELOW", f"weights[l].T @ deltas[0] * {HIDDEN}"), "output"),
        (
            BACKWARD.replace("LAST", "a[-1] * (1 - a[-1])").replace(
                "BELOW", "weights[l].T @ deltas[0] * a[l] * (1 - a[l])"
            ),
            "output",
        ),
        (
            BACKWARD.replace("(a[-1] - y)", "(y - a[-1])")
            .replace("LAST", SLOPE)
            .replace("BELOW", f"weights[l].T @ deltas[0] * {HIDDEN}"),
            "sign",
        ),
    ],
}
