"""Wrong answers to the exercises of chapter 8, stopping and generalisation."""

DESCEND = """
def descend(w, slope, held_out, alpha, steps):
    best, lowest = w.copy(), held_out(w)
    for _ in range(steps):
        STEP
        if held_out(w) < lowest:
            KEEP
    return best
"""

FIRST_FORGOTTEN = """
def descend(w, slope, held_out, alpha, steps):
    lowest = np.inf
    for _ in range(steps):
        w = w - alpha * slope(w)
        if held_out(w) < lowest:
            best, lowest = w.copy(), held_out(w)
    return best
"""

STANDARDISE = """
def standardise(training, new):
    mean, deviation = ROWS.mean(axis=0), ROWS.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (training - mean) / deviation, (new - MEAN) / DEVIATION
"""

DELTAS = """
def deltas(x, y, W1, W2, m, p):
    a1 = np.tanh(W1 @ x)
    dropped = a1 * m / (1 - p)
    delta2 = W2 @ dropped - y
    return HIDDEN, delta2
"""

MATRIX = """
def recall_and_precision(matrix):
    right = np.diag(matrix)
    return FIRST, SECOND
"""


def standardise(rows="training", mean="mean", deviation="deviation"):
    return STANDARDISE.replace("ROWS", rows).replace("MEAN", mean).replace("DEVIATION", deviation)


def matrix(first, second):
    return MATRIX.replace("FIRST", first).replace("SECOND", second)


KEEP = "best, lowest = w.copy(), held_out(w)"
STEP = "w = w - alpha * slope(w)"

MISTAKES = {
    1: [
        (DESCEND.replace("STEP", "w -= alpha * slope(w)").replace("KEEP", KEEP.replace(".copy()", "")), "another name"),
        (DESCEND.replace("STEP", STEP).replace("KEEP", KEEP).replace("return best", "return w"), "the last weights"),
        (DESCEND.replace("STEP", STEP).replace("KEEP", KEEP).replace("< lowest", "> lowest"), "best weights are those"),
        (DESCEND.replace("STEP", STEP).replace("KEEP", KEEP + "\n        else:\n            break"), "after step"),
        (DESCEND.replace("STEP", STEP).replace("KEEP", "best = w.copy()"), "after step"),  # better than the first
        (FIRST_FORGOTTEN, "those after step 0"),
    ],
    2: [
        (standardise(mean="new.mean(axis=0)"), "if it comes alone"),  # each by its own
        (standardise("np.concatenate([training, new])"), "Whose mean"),
        (standardise("new"), "Whose mean"),
        (standardise().replace("np.where(deviation > 0, deviation, 1.0)", "deviation"), "not finite"),
        (standardise(deviation="1"), "in training deviations"),
        (standardise(mean="0"), "as far from the training"),
    ],
    3: [
        (DELTAS.replace("HIDDEN", "W2.T @ delta2 * (1 - a1**2)"), "put out"),
        (DELTAS.replace("HIDDEN", "W2.T @ delta2 * m * (1 - a1**2)"), "delta of the hidden layer"),
        (DELTAS.replace("HIDDEN", "W2.T @ delta2 * m / (1 - p) * (1 - dropped**2)"), "delta of the hidden layer"),
        (DELTAS.replace("HIDDEN", "W2.T @ delta2 * m / (1 - p)"), "delta of the hidden layer"),
        (DELTAS.replace("HIDDEN", "W2.T @ delta2 * m * (1 - a1**2)").replace("m / (1 - p)", "m"), "delta of the"),
        (
            DELTAS.replace("return HIDDEN, delta2", "return delta2, W2.T @ delta2 * m / (1 - p) * (1 - a1**2)"),
            "delta of the hidden layer has shape (2,), not (6,)",
        ),
        (
            DELTAS.replace("return HIDDEN, delta2", "return (W2.T @ delta2 * m / (1 - p) * (1 - a1**2),)"),
            "two arrays are asked for",
        ),
        (DELTAS.replace("HIDDEN", "-W2.T @ delta2 * m / (1 - p) * (1 - a1**2)"), "delta of the hidden layer"),
    ],
    4: [
        (matrix("right / matrix.sum(axis=0)", "right / matrix.sum(axis=1)"), "exchanged"),
        (matrix("right / matrix.sum()", "right / matrix.sum(axis=0)"), "the recall of class 0"),
        (matrix("right / matrix.sum(axis=1)", "right / matrix.sum(axis=1)"), "the precision of class 0"),
        (matrix("right", "right"), "the recall of class 0"),
    ],
}
