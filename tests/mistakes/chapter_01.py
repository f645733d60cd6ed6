"""Wrong answers to the exercises of chapter 1, the chain rule as a graph."""

MISTAKES = {
    1: [
        ("arrows, derivative = 2, 14", "Each time that x is written"),
        ("arrows, derivative = 4, 4 + 2", "add up to 14, not 6"),  # one use of three
    ],
    2: [
        ("def slope(x): return 2 * np.tanh(x) * (1 - np.tanh(x) ** 2) * x", "x stands in both"),  # one path of two
        ("def slope(x): return 2 * np.tanh(x) * (1 - np.tanh(x) ** 2)", "the engine has"),
    ],
    3: [
        ("def neuron(w, b, x, t): d = np.tanh(w @ x + b) - t; return d, d * x, d", "delta is"),  # no slope
        (
            """
            def neuron(w, b, x, t):
                a = np.tanh(w @ x + b)
                delta = (a - t) * (1 - a**2)
                return delta, delta * w, delta
            """,
            "dE/dw is",
        ),
        (
            """
            def neuron(w, b, x, t):
                a = np.tanh(w @ x + b)
                delta = (a - t) * (1 - a**2)
                return delta, delta * x, delta * b
            """,
            "dE/db is",
        ),
    ],
}
