"""Wrong answers to the exercises of chapter 3, the delta rules."""

MISTAKES = {
    1: [
        ("def one_step_back(W, delta, a): return W @ delta * (1 - a**2)", "reads rows"),
        ("def one_step_back(W, delta, a): return W.T @ delta", "slope of the tanh is missing"),
        (
            "def one_step_back(W, delta, a): return W.T @ delta * a * (1 - a)",
            "Exercise 1: it is",
        ),  # the sigmoid's slope
    ],
    2: [
        (
            """
            def backward(x, y, weights, biases):
                a = [x]
                for W, b in zip(weights, biases):
                    a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
                deltas = [a[-1] - y]
                for l in range(len(weights) - 1, 0, -1):
                    deltas.insert(0, weights[l].T @ deltas[0] * a[l] * (1 - a[l]))
                return deltas, [np.outer(delta, below) for delta, below in zip(deltas, a)], deltas
            """,
            "missing f'",
        ),
        (
            """
            def backward(x, y, weights, biases):
                a = [x]
                for W, b in zip(weights, biases):
                    a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
                deltas = [(y - a[-1]) * a[-1] * (1 - a[-1])]
                for l in range(len(weights) - 1, 0, -1):
                    deltas.insert(0, weights[l].T @ deltas[0] * a[l] * (1 - a[l]))
                return deltas, [np.outer(delta, below) for delta, below in zip(deltas, a)], deltas
            """,
            "sign",
        ),
    ],
    3: [
        (
            """
            def backward_rows(x, y, weights, biases, f, f_prime):
                z, a = [], [x]
                for W, b in zip(weights, biases):
                    z.append(a[-1] @ W.T + b)
                    a.append(f(z[-1]))
                deltas = [(a[-1] - y) * f_prime(z[-1])]
                for l in range(len(weights) - 1, 0, -1):
                    deltas.insert(0, deltas[0] @ weights[l] * f_prime(a[l]))
                return deltas, [d.T @ below for d, below in zip(deltas, a)], [d.sum(axis=0) for d in deltas]
            """,
            "hidden delta",
        ),
        (
            """
            def backward_rows(x, y, weights, biases, f, f_prime):
                z, a = [], [x]
                for W, b in zip(weights, biases):
                    z.append(a[-1] @ W.T + b)
                    a.append(f(z[-1]))
                deltas = [(a[-1] - y) * f_prime(z[-1])]
                for l in range(len(weights) - 1, 0, -1):
                    deltas.insert(0, deltas[0] @ weights[l] * f_prime(z[l - 1]))
                return deltas, [d.T @ below for d, below in zip(deltas, a)], [d.mean(axis=0) for d in deltas]
            """,
            "bias gradient",
        ),
    ],
    4: [
        (
            """
            def changes(x, y, weights, biases, learning_rate):
                a = [x]
                for w, b in zip(weights, biases):
                    a.append(1 / (1 + np.exp(-(a[-1] @ w + b))))
                Delta = [(a[-1] - y) * a[-1] * (1 - a[-1])]
                for l in range(len(weights) - 1, 0, -1):
                    Delta.insert(0, a[l] * (1 - a[l]) * (weights[l] @ Delta[0]))
                return [learning_rate * np.outer(below, D) for below, D in zip(a, Delta)]
            """,
            "sign",
        ),
    ],
}
