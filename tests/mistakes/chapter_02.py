"""Wrong answers to the exercises of chapter 2, the reverse sweep."""

BACKWARD = """
SLOPES = {"add": lambda a, b: (1.0, 1.0), "mul": lambda a, b: (b, a), "sin": lambda a: (np.cos(a),)}

def backward(program, values):
    grad = {name: 0.0 for name in values}
    grad[program[-1][0]] = 1.0
    for name, operation, operands in ORDER:
        slopes = SLOPES[operation](*(values[operand] for operand in operands))
        for operand, slope in zip(operands, slopes):
            grad[operand] += grad[name] * slope
    return grad
"""

COUNT = """
def count_paths(graph, end, start):
    count = {name: 0 for name in graph}
    count[end] = 1
    for name in reversed(graph):
        for operand, slope in graph[name]:
            count[operand] += count[name] * FACTOR
    return count[start]
"""

TOPOLOGICAL = """
def topological(graph, end):
    order = []
    def visit(name):
        if name not in order:
            BEFORE
            for operand, _ in graph[name]:
                visit(operand)
            AFTER
    visit(end)
    return order
"""

MISTAKES = {
    1: [
        ("right, depth_first_says = 12, 12", "Three paths"),  # the path from u to y forgotten
        ("right, depth_first_says = 15, 15", "does not say 15"),
        ("right, depth_first_says = 15, 6", "does not say 6"),  # what is overwritten
    ],
    2: [
        (BACKWARD.replace("ORDER", "reversed(program)").replace("+=", "="), "In how many places"),
        (BACKWARD.replace("ORDER", "program"), "which line is first"),  # from the first line on
        (BACKWARD.replace("ORDER", "reversed(program)").replace("(b, a)", "(a, b)"), "not"),  # the product's own factor
        (BACKWARD.replace("ORDER", "program[-1:]").replace("in values", "in program[-1][2]"), "no derivative by"),
    ],
    3: [
        (COUNT.replace("FACTOR", "slope"), "Which slope counts"),  # the gradient
        (
            """
            def count_paths(graph, end, start):
                if end == start:
                    return 1
                return sum(count_paths(graph, operand, start) for operand, _ in graph[end])
            """,
            "Each path is walked by itself",
        ),
        (COUNT.replace("FACTOR", "1").replace("+=", "="), "not 1"),
    ],
    4: [
        (TOPOLOGICAL.replace("BEFORE", "order.append(name)").replace("AFTER", "pass"), "stands before it"),
        ("def topological(graph, end): return list(graph)", "stands before it"),
        (
            TOPOLOGICAL.replace("name not in order", "True")
            .replace("BEFORE", "pass")
            .replace("AFTER", "order.append(name)"),
            "more than once",
        ),
        ("def topological(graph, end): return [end]", "missing"),
    ],
}
