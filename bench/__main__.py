"""``python -m bench``: run benches one after the other, print their tables or JSON; exit status 1 if one is over."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from bench import deploy, proxy, rollback, switch
from bench.report import Report, machine, print_report

Bench = Callable[[argparse.Namespace], list[Report]]


def _switch(options: argparse.Namespace) -> list[Report]:
    plan = switch.QUICK if options.quick else switch.Plan()
    asked = {name: value for name in plan._fields if (value := getattr(options, name, None)) is not None}
    return [switch.run(plan._replace(**asked))]


BENCHES: dict[str, Bench] = {
    "switch": _switch,
    "proxy": lambda options: proxy.run(proxy.QUICK if options.quick else proxy.Plan()),
    "rollback": lambda options: [rollback.run(5 if options.quick else 20)],
    "deploy": lambda options: deploy.run(3 if options.quick else 7),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", nargs="*", metavar="BENCH", help=f"which: {', '.join(BENCHES)}; all without a word")
    parser.add_argument("--quick", action="store_true", help="fewer requests and rounds")
    parser.add_argument("--json", action="store_true", help="the results as JSON on stdout")
    parser.add_argument("--requests", type=int, help="switch: how many in all")
    parser.add_argument("--switches", type=int, help="switch: how many under them")
    parser.add_argument("--connections", type=int, help="switch: how many at a time, a quarter of them fresh")
    options = parser.parse_args()
    if unknown := set(options.bench) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}")
    return options


def main() -> int:
    """Run what was asked for."""
    options = _arguments()
    where = machine()
    reports = [report for name in options.bench or BENCHES for report in BENCHES[name](options)]
    if options.json:
        print(json.dumps({"machine": where, "reports": [report.plain() for report in reports]}, indent=2))
    else:
        print("  ".join(f"{name} {value}" for name, value in where.items()), end="\n\n")
        for report in reports:
            print_report(report)
    return 0 if all(report.is_within for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
