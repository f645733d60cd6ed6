"""Wrong answers to the exercises of chapter 4, the worked example."""

MISTAKES = {
    1: [
        ("delta3, delta2_1 = -0.3282, -0.0409", "with another y"),  # those of y = 1
        ("delta3, delta2_1 = 0.6718, 0.3359", "slope times weight"),  # no slope
    ],
    2: [
        (
            """
            def mazur():
                x, y = np.array([0.05, 0.10]), np.array([0.01, 0.99])
                W1, b1 = np.array([[0.15, 0.20], [0.25, 0.30]]), 0.35
                W2, b2 = np.array([[0.40, 0.45], [0.50, 0.55]]), 0.60
                a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
                o = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
                delta2 = (o - y) * o * (1 - o)
                delta1 = W2 @ delta2 * a1 * (1 - a1)
                return np.sum((o - y) ** 2) / 2, delta2[0] * a1[0], delta1[0] * x[0]
            """,
            "dE/dw1 was published",
        ),
        ("def mazur(): return 0.298371109 * 2, 0.082167041, 0.000438568", "E was published"),  # no half
    ],
    3: [
        (
            """
            def one_step(x, y, weights, masks, learning_rate):
                a = [x]
                for W in weights:
                    a.append(1 / (1 + np.exp(-(W @ a[-1]))))
                deltas = [a[-1] - y]
                for l in range(len(weights) - 1, 0, -1):
                    deltas.insert(0, weights[l].T @ deltas[0] * a[l] * (1 - a[l]))
                steps = [np.outer(delta, below) for delta, below in zip(deltas, a)]
                return [W - learning_rate * step for W, step in zip(weights, steps)]
            """,
            "mask",
        ),
        (
            """
            def one_step(x, y, weights, masks, learning_rate):
                a = [x]
                for W in weights:
                    a.append(1 / (1 + np.exp(-(W @ a[-1]))))
                deltas = [(a[-1] - y) * a[-1] * (1 - a[-1])]
                for l in range(len(weights) - 1, 0, -1):
                    deltas.insert(0, weights[l].T @ deltas[0] * a[l] * (1 - a[l]))
                steps = [m * np.outer(delta, below) for m, delta, below in zip(masks, deltas, a)]
                return [W - learning_rate * step for W, step in zip(weights, steps)]
            """,
            "f' twice",
        ),
    ],
}
