"""Wrong answers to the exercises of chapter 6, gradient descent."""

ONE_PASS = """
def one_pass(w, X, Y, alpha, size):
    for start in range(0, len(X), size):
        x, y = X[start : start + size], Y[start : start + size]
        w = w - alpha * x.T @ (x @ w - y) / DIVISOR
    return w
"""

MOMENTUM = """
def with_momentum(slope, w, alpha, mu, steps):
    v = 0.0
    for _ in range(steps):
        v = VELOCITY
        w = w - alpha * v
    return w
"""

RMSPROP = """
def rmsprop(slope, w, alpha, steps):
    v = 0.0
    for t in range(1, steps + 1):
        g = slope(w)
        v = 0.99 * v + 0.01 * g**2
        w = w - alpha * g / (ROOT + 1e-8)
    return w

first_step = LENGTH
"""

MISTAKES = {
    1: [
        ("def edge(H): return 1 / np.linalg.eigvalsh(H)[-1]", "still converges"),  # where it begins to swing
        ("def edge(H): return 2 / np.linalg.eigvalsh(H)[0]", "it diverges"),  # the flattest direction
        ("def edge(H): return 2 / np.max(np.diag(H))", "it diverges"),
        ("def edge(H): return 2 / np.trace(H)", "still converges"),
    ],
    2: [
        (ONE_PASS.replace("DIVISOR", "size"), "last batch has 2"),
        (ONE_PASS.replace("DIVISOR", "1"), "batches of 10 lead"),  # the sum
        (ONE_PASS.replace("DIVISOR", "len(X)"), "batches of 5 lead"),
        (ONE_PASS.replace("w - alpha", "w + alpha").replace("DIVISOR", "len(x)"), "batches of 10 lead"),
        ("def one_pass(w, X, Y, alpha, size): return w - alpha * X.T @ (X @ w - Y) / len(X)", "batches of 5 lead"),
    ],
    3: [
        (MOMENTUM.replace("VELOCITY", "mu * v + (1 - mu) * slope(w)"), "after step 1"),
        (MOMENTUM.replace("VELOCITY", "slope(w)"), "after step 2"),
        (MOMENTUM.replace("VELOCITY", "mu * v - slope(w)"), "after step 1"),
    ],
    4: [
        (RMSPROP.replace("ROOT", "np.sqrt(v)").replace("LENGTH", "1"), "the first step is 10 alpha long"),
        (RMSPROP.replace("ROOT", "v").replace("LENGTH", "10"), "after step 1"),
        (RMSPROP.replace("ROOT", "np.sqrt(v / (1 - 0.99**t))").replace("LENGTH", "10"), "after step 1"),  # Adam's
    ],
}
