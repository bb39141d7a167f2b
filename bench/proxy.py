"""What the look at the live link costs: an app's site in Caddy, beside the same Caddy with a plain ``reverse_proxy``.

Rounds with and without alternate, in an order that turns around, so that what drifts meets both alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench import stage
from bench.report import Figure, Report, median, say
from potions.layout import Colour
from support.load import Load
from support.load_run import Bounds
from support.platform import Platform

STILL, BEHAVE = "still", "behave"
_CONNECTIONS = 32


class Plan(NamedTuple):
    """How much is asked in each round, and how many rounds there are of each kind."""

    requests: int = 5_000
    rounds: int = 40


QUICK = Plan(requests=2_000, rounds=12)


class Round(NamedTuple):
    """One round of load against one of the two proxies."""

    cpu: float
    """Seconds of processor time of the proxy for one request."""
    per_second: float
    failed: int


class Pair(NamedTuple):
    """A round with the product's site, and the one with a plain site beside it."""

    product: Round
    plain: Round


def run(plan: Plan) -> list[Report]:
    """The cost in front of the quickest app there is, and what is left of it in front of a real one."""
    with stage.folder() as place, stage.platform() as running:
        stage.deploy_both(running, STILL, lambda version: stage.still_archive(place, version))
        stage.deploy_both(running, BEHAVE, lambda version: stage.behave_archive(place, version))
        with stage.proxy(place) as product, stage.proxy(place) as plain:
            still, behave = (
                {colour: list(_pairs(running, product, plain, app, colour, plan)) for colour in Colour}
                for app in (STILL, BEHAVE)
            )
    return [_report_cpu(still), _report_rate(behave)]


def _pairs(
    running: Platform, product: stage.Proxy, plain: stage.Proxy, app: str, colour: Colour, plan: Plan
) -> Iterator[Pair]:
    say(f"{app}: {plan.rounds} rounds with the product's site and with a plain one, {colour} live")
    stage.trees_of(running).point(running.tree(app), colour)
    product.serve(_site_of(running, app, product.port))
    upstream = stage.port(running, app, colour)
    plain.serve(f"http://{app}.localhost:{plain.port} {{\n\treverse_proxy 127.0.0.1:{upstream}\n}}\n")
    for warm in (product, plain):
        _round(app, warm, plan.requests // 4)
    for number in range(plan.rounds):
        if number % 2:
            first = _round(app, product, plan.requests)
            yield Pair(first, _round(app, plain, plan.requests))
        else:
            first = _round(app, plain, plan.requests)
            yield Pair(_round(app, product, plan.requests), first)


def _site_of(running: Platform, app: str, port: int) -> str:
    """The site that the platform has written for an app, at another port."""
    return running.home.site(app).read_text().replace(f":{running.http_port} ", f":{port} ")


def _round(app: str, proxy: stage.Proxy, requests: int) -> Round:
    load = Load(
        ("127.0.0.1", proxy.port),
        f"{app}.localhost",
        kept_alive=_CONNECTIONS,
        fresh=0,
        bounds=Bounds(600, requests),
        processes=2,
    )
    # Before the first connection is opened: without requests the proxy does nothing.
    before = proxy.processor_seconds()
    with load:
        result = load.wait()
    return Round((proxy.processor_seconds() - before) / result.total, result.per_second, result.failed)


def _report_cpu(pairs: dict[Colour, list[Pair]]) -> Report:
    every = [pair for rounds in pairs.values() for pair in rounds]
    return Report(
        "Caddy in front of an app that is a fixed answer",
        [
            *(_cpu_figure(f"processor time a request, {colour} live", rounds) for colour, rounds in pairs.items()),
            _cpu_figure("processor time a request, both", every, at_most=1.15),
            _rate_figure("requests a second, both", every),
            _failed(every),
        ],
        [_note(every), "of all rounds, " + _spread([pair.product.cpu / pair.plain.cpu for pair in every])],
    )


def _report_rate(pairs: dict[Colour, list[Pair]]) -> Report:
    every = [pair for rounds in pairs.values() for pair in rounds]
    return Report(
        "Caddy in front of a real app (asyncio, Python)",
        [
            *(_rate_figure(f"requests a second, {colour} live", rounds) for colour, rounds in pairs.items()),
            _rate_figure("requests a second, both", every, at_least=0.97),
            _cpu_figure("processor time of the proxy a request, both", every),
            _failed(every),
        ],
        [
            _note(every),
            "of all rounds, " + _spread([pair.product.per_second / pair.plain.per_second for pair in every]),
        ],
    )


def _note(pairs: list[Pair]) -> str:
    return f"{len(pairs)} pairs of rounds; figures are the mean of the best quarter: what else runs here only ever adds"


def _spread(ratios: list[float]) -> str:
    return f"the pairs' own ratios: lowest {min(ratios):.3f}, median {median(ratios):.3f}, highest {max(ratios):.3f}"


def _cpu_figure(name: str, pairs: list[Pair], at_most: float | None = None) -> Figure:
    ours = _best([pair.product.cpu for pair in pairs])
    return Figure(name, ours * 1e6, "us", floor=_best([pair.plain.cpu for pair in pairs]) * 1e6, at_most=at_most)


def _rate_figure(name: str, pairs: list[Pair], at_least: float | None = None) -> Figure:
    ours = 1 / _best([1 / pair.product.per_second for pair in pairs])
    return Figure(name, ours, "/s", floor=1 / _best([1 / pair.plain.per_second for pair in pairs]), at_least=at_least)


def _best(costs: list[float]) -> float:
    """The mean of the lowest quarter, of one at least."""
    quarter = sorted(costs)[: max(1, len(costs) // 4)]
    return sum(quarter) / len(quarter)


def _failed(pairs: list[Pair]) -> Figure:
    return Figure("failed requests", sum(pair.product.failed + pair.plain.failed for pair in pairs), at_most=0)
