"""Run the benches and say which goals are met: ``python -m tests.bench [--small] [NAME ...]``.

Exit code 1: a goal was missed. With ``--small`` the figures mean nothing and no goal is held.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.bench import ack, authorize, pricing, pull, sessions
from tests.bench.bench import FULL, SMALL, Bench, Scale, report

BENCHES = (
    pull.BENCH,
    ack.BENCH,
    authorize.BENCH,
    sessions.BENCH,
    pricing.QUOTE_BENCH,
    pricing.COSTING_BENCH,
)


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all if none is named")
    parser.add_argument("--small", action="store_true", help="only see whether they run")
    given = parser.parse_args()
    benches = {bench.name: bench for bench in BENCHES}
    if unknown := set(given.names) - benches.keys():
        parser.error(f"no bench {', '.join(unknown)}; there are: {', '.join(benches)}")
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load before {load}")
    met = [_run(benches[name], SMALL if given.small else FULL) for name in given.names or benches]
    return 0 if given.small or all(met) else 1


def _run(bench: Bench, scale: Scale) -> bool:
    print(f"\n{bench.name}: {bench.measures}\n  limit: {bench.limit}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        lines, met = report(bench, uvloop.run(bench.run(Path(folder), scale)))
    print("\n".join(lines), flush=True)
    return met


if __name__ == "__main__":
    sys.exit(main())
