"""What goes wrong with the with-blocks: no_grad, recording, keep, scope."""

import autograd_mini as ag


def decorated(setting, kind):
    def generator():
        yield 1

    async def coroutine():
        pass

    return setting({"generator": generator, "coroutine": coroutine}[kind])


ROWS = {
    "@ag.no_grad": (lambda: ag.no_grad(decorated), TypeError, ["no_grad takes no argument", r"@ag\.no_grad\(\)"]),
    "@ag.recording": (lambda: ag.recording(decorated), TypeError, ["recording takes no", r"@ag\.recording\(\)"]),
    "@ag.keep": (lambda: ag.keep(decorated), TypeError, ["keep takes no argument", r"@ag\.keep\(\)"]),
    "@ag.scope": (
        lambda: ag.scope(decorated),
        TypeError,
        ["scope takes a name", r"ag\.scope\(\"layer1\"\)", "function"],
    ),
    "ag.scope(3)": (lambda: ag.scope(3), TypeError, [r"ag\.scope\(\"layer1\"\)", "not a int"]),
    "ag.no_grad()(w * w)": (
        lambda: ag.no_grad()(ag.Tensor(1.0)),
        TypeError,
        [r"ag\.no_grad decorates functions; this is a Tensor", r"with ag\.no_grad\("],
    ),
    "@ag.no_grad() of a generator": (
        lambda: decorated(ag.no_grad(), "generator"),
        TypeError,
        ["generator is a generator", r"with ag\.no_grad\(\.\.\.\):` inside"],
    ),
    "@ag.scope('a') of a coroutine": (
        lambda: decorated(ag.scope("a"), "coroutine"),
        TypeError,
        ["coroutine is a generator or coroutine", r"with ag\.scope\(\.\.\.\):` inside"],
    ),
}
