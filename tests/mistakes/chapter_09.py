"""Wrong answers to the exercises of chapter 9, what a gradient costs."""

EACH_BY_ITSELF = """
def partials(x):
    found = []
    for i in range(len(x)):
        product = 1.0
        for j in range(len(x)):
            if j != i:
                product = product * x[j]
        found.append(product)
    return found
"""

DIVIDED = """
def partials(x):
    product = x[0]
    for v in x[1:]:
        product = product * v
    return [product / v for v in x]
"""

ONE_TOO_FAR = """
def partials(x):
    before, after = [1.0], [1.0]
    for i in range(len(x) - 1):
        before.append(before[-1] * x[i])
        after.append(after[-1] * x[-1 - i])
    return [b * a for b, a in zip(before, after)]
"""

EVERY_WAY = """
def cheapest(sizes):
    def fewest(i, j):
        if j == i + 1:
            return 0
        return min(fewest(i, k) + fewest(k, j) + sizes[i] * sizes[k] * sizes[j] for k in range(i + 1, j))

    return fewest(0, len(sizes) - 1)
"""

GREEDY = """
def cheapest(sizes):
    sizes, total = list(sizes), 0
    while len(sizes) > 2:
        costs = [a * b * c for a, b, c in zip(sizes, sizes[1:], sizes[2:])]
        total += min(costs)
        del sizes[costs.index(min(costs)) + 1]
    return total
"""

FORWARD = "def cheapest(sizes): return sum(sizes[0] * a * b for a, b in zip(sizes[1:], sizes[2:]))"
REVERSE = "def cheapest(sizes): return sum(a * b * sizes[-1] for a, b in zip(sizes[:-2], sizes[1:-1]))"
NO_JOIN = "def cheapest(sizes): return sum(a * b for a, b in zip(sizes, sizes[1:])) if len(sizes) > 2 else 0"

MISTAKES = {
    1: [
        (EACH_BY_ITSELF, "more than 36"),
        (DIVIDED, "Here x_4 is 0"),
        (ONE_TOO_FAR, "the partial by x_1 is"),
        ("def partials(x): return [np.prod(x[:i] + x[i + 1 :]) for i in range(len(x))]", "more than 36"),
        ("def partials(x): return list(ag.grad(np.prod)(np.array(x, float)))", "write products with *"),
        ("def partials(x): return x[1:]", "12 partials are asked for"),
    ],
    2: [
        (EVERY_WAY, "Keep the best of each part"),
        (GREEDY, "is not the fewest"),
        (FORWARD, "is not the fewest"),
        (REVERSE, "is not the fewest"),
        (NO_JOIN, "is too few"),
    ],
    3: [
        ("def numbers_kept(sizes, samples): return samples * sum(sizes[1:])", "the engine keeps"),  # the outputs
        ("def numbers_kept(sizes, samples): return samples * sum(sizes)", "the engine keeps"),  # the inputs
        ("def numbers_kept(sizes, samples): return 2 * samples * sum(sizes[1:-1])", "the engine keeps"),  # z, too
        (
            "def numbers_kept(sizes, samples): return sum(n * m for n, m in zip(sizes, sizes[1:]))",
            "the engine keeps 8,000",
        ),
        ("def numbers_kept(sizes, samples): return sum(sizes[1:-1])", "the engine keeps 8,000"),
    ],
    4: [
        ("def computed(n): return 2 * n", "4 layers: the engine computed 12"),
        ("def computed(n): return n * np.log2(n)", "2 layers: the engine computed 4"),
        ("def computed(n): return n * n", "4 layers: the engine computed 12"),
        ("def computed(n): return n + 2 ** np.log2(n)", "4 layers: the engine computed 12"),
    ],
}
