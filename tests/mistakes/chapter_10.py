"""Wrong answers to the exercises of chapter 10, higher order and beyond."""

SLOPE = """
def slope_of_delta(z, y):
    a = np.tanh(z)
    return VALUE
"""

LEAST = """
def least_curvature(E, w, largest, v, rounds):
    for _ in range(rounds):
        v = v / np.linalg.norm(v)
        product = ag.hvp(E, w, v) - SHIFT
        shifted, v = v @ product, product
    return RESULT
"""

SENSITIVITY = """
def sensitivity(F, u, e):
    by_u, by_e = ag.jacobian(F)(u, e), ag.jacobian(F, argnums=1)(u, e)
    return VALUE
"""

STEP = """
def hamilton_step(H, q, p, h):
    new_p = p - h * ag.grad(H)(q, p)
    new_q = q + h * ag.grad(H, argnums=1)(q, MOMENTUM)
    return RESULT
"""

MISTAKES = {
    1: [
        (SLOPE.replace("VALUE", "(1 - a**2) ** 2"), "Two factors of delta"),  # the slope of the first factor alone
        (SLOPE.replace("VALUE", "(1 - a**2) ** 2 - (a - y) * 2 * a"), "at z ="),  # the slope of a forgotten
        (SLOPE.replace("VALUE", "(1 - a**2) ** 2 + (a - y) * 2 * a * (1 - a**2)"), "at z ="),
        (SLOPE.replace("VALUE", "(a - y) * (1 - a**2)"), "at z ="),  # delta
        (SLOPE.replace("VALUE", "None"), "and so has the slope"),
        (SLOPE.replace("VALUE", "a[:3]"), "and so has the slope"),
    ],
    2: [
        (LEAST.replace("SHIFT", "0 * v").replace("RESULT", "shifted"), "the least is not"),  # the furthest from 0
        (LEAST.replace("SHIFT", "largest * v").replace("RESULT", "shifted"), "out of the shifted matrix"),
        (LEAST.replace("SHIFT", "largest * v").replace("RESULT", "largest - shifted"), "the least is not"),
        (LEAST.replace("SHIFT", "largest").replace("RESULT", "shifted + largest"), "the least is not"),
        (LEAST.replace("SHIFT", "largest * v").replace("RESULT", "None"), "is one number"),
        (LEAST.replace("SHIFT", "largest * v").replace("RESULT", "v + largest"), "is one number"),
    ],
    3: [
        (SENSITIVITY.replace("VALUE", "np.linalg.solve(by_u, by_e)"), "To which side"),
        (SENSITIVITY.replace("VALUE", "-np.linalg.solve(by_u.T, by_e)"), "through all repetitions"),
        (SENSITIVITY.replace("VALUE", "-by_e"), "through all repetitions"),  # one repetition from the solution
        (SENSITIVITY.replace("VALUE", "-by_e / np.diag(by_u)"), "through all repetitions"),
        (SENSITIVITY.replace("VALUE", "-by_e / by_u"), "through all repetitions"),  # a matrix
        (SENSITIVITY.replace("VALUE", "np.zeros(3)"), "through all repetitions"),
        (SENSITIVITY.replace("VALUE", "None"), "not None"),
    ],
    4: [
        (STEP.replace("MOMENTUM", "p").replace("RESULT", "new_q, new_p"), "such steps the energy"),
        (
            STEP.replace("p - h", "p + h").replace("MOMENTUM", "new_p").replace("RESULT", "new_q, new_p"),
            "a spring pull",
        ),
        (STEP.replace("MOMENTUM", "new_p").replace("RESULT", "new_p, new_q"), "return q, then p"),
        (STEP.replace("MOMENTUM", "new_p").replace("RESULT", "new_q"), "are two arrays"),
        (STEP.replace("MOMENTUM", "new_p").replace("RESULT", "None"), "are two arrays"),
    ],
}
