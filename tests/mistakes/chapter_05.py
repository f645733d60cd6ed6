"""Wrong answers to the exercises of chapter 5, losses and output deltas."""

CLASSIFIER = """
def classifier(x, y, weights, biases):
    a = [x]
    for W, b in zip(weights[:-1], biases[:-1]):
        a.append(np.tanh(a[-1] @ W.T + b))
    o = nn.softmax(a[-1] @ weights[-1].T + biases[-1])
    deltas = [OUTPUT]
    for l in range(len(weights) - 1, 0, -1):
        deltas.insert(0, deltas[0] @ weights[l] * HIDDEN)
    gradients = [delta.T @ below for delta, below in zip(deltas, a)]
    return deltas, gradients, [delta.sum(axis=0) for delta in deltas]
"""

MISTAKES = {
    1: [
        ("def count_delta(z, y): return 1 - y / np.exp(z)", "Exercise 1: at z"),  # dJ/do
        ("def count_delta(z, y): return z - y", "Exercise 1: at z"),
    ],
    2: [
        (
            "def softmax_delta(z, y): o = nn.softmax(z); return (o - y) * o * (1 - o)",
            "the diagonal alone",
        ),
        ("def softmax_delta(z, y): return nn.softmax(z) - y", "the cross-entropy's"),
    ],
    3: [("alpha = 0.2 / 50", "2 times theirs"), ("alpha = 0.2 * 50 * 2", "1e+04 times theirs")],
    4: [
        (CLASSIFIER.replace("OUTPUT", "o - y").replace("HIDDEN", "(1 - a[l] ** 2)"), "missing 1/n"),
        (CLASSIFIER.replace("OUTPUT", "(o - y) / len(x)").replace("HIDDEN", "a[l] * (1 - a[l])"), "hidden delta"),
        (CLASSIFIER.replace("OUTPUT", "(o - y) * o * (1 - o) / len(x)").replace("HIDDEN", "(1 - a[l] ** 2)"), "f'"),
    ],
}
