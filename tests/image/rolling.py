"""A rolling restart under load: the parts of compose.yaml as processes, two bridges, no engine.

``python -m tests.image.rolling`` plays 60 seconds of it and prints what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.image.balancer import Balancer
from tests.image.compose import Loopback, Service, services
from tests.image.dockerfile import inherited
from tests.image.programs import Program, bill_of, running
from tests.pages import ROOT
from tests.valkey import free_port, valkey
from tests.waiting import until

CROWD = 40
"""Drivers who charge at a time, at most."""

ENOUGH = 0.95
"""Share of the wanted rate that counts as reached."""

EVSES_EACH = 3
"""So that an EVSE is free for a while, and every replica knows it, before the next driver comes."""

PATIENCE_S = 120.0


@dataclass
class Outcome:
    """What came of it.

    Args:
        took_s: how long each walk-in took, from its search to the answer about its help desk.
        wrong: bills that do not add up.
        failed: walk-ins without a final bill, and why.
        pushes_failed: what the CPO could not push, or the bridge refused.
        connections_failed: those that the balancer could give to nobody.
        restarts: bridges that were stopped and started again, each with its seconds.
        ends: exit codes of the bridges that were stopped.
    """

    took_s: list[float] = field(default_factory=list)
    bills: list[Decimal] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    pushes_failed: list[str] = field(default_factory=list)
    connections_failed: list[str] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    lasted_s: float = 0.0

    def told(self) -> str:
        """Return it in a few lines."""
        took = sorted(self.took_s) or [0.0]
        return "\n".join(
            [
                f"{self.begun} walk-ins begun in {self.lasted_s:.1f} s, {self.per_second:.1f} per"
                f" second; {len(self.bills)} bills delivered, {sum(self.bills)} INR",
                f"{len(self.restarts)} restarts, each"
                f" {min(self.restarts):.1f} to {max(self.restarts):.1f} s, exit codes {self.ends}",
                f"a walk-in took {took[len(took) // 2]:.1f} s (median), {took[-1]:.1f} s at most",
                f"failed: {len(self.failed)} walk-ins, {len(self.pushes_failed)} pushes of the CPO,"
                f" {len(self.connections_failed)} connections",
                *(f"  {each}" for each in self.faults),
            ]
        )

    @property
    def begun(self) -> int:
        """How many drivers came."""
        return len(self.bills) + len(self.failed)

    @property
    def per_second(self) -> float:
        """How many came each second; fewer than wanted where the machine is too slow or busy."""
        return self.begun / self.lasted_s

    @property
    def faults(self) -> list[str]:
        """Everything that went wrong."""
        return [*self.wrong, *self.failed, *self.pushes_failed, *self.connections_failed]


@dataclass
class Fleet:
    """Two bridges behind a balancer, a CPO, a BAP and a Valkey, all running."""

    bridges: Sequence[Program]
    balancer: Balancer
    bap_url: str
    cpo_log: Path
    room: asyncio.Semaphore

    def pushes_failed(self) -> list[str]:
        """Return the lines of the CPO's log about pushes that nobody took."""
        lines = self.cpo_log.read_text().splitlines()
        return [line for line in lines if "not delivered" in line or "refused:" in line]


@asynccontextmanager
async def fleet(
    folder: Path, *, crowd: int = CROWD, session_s: float = 8, grace_s: float | None = None
) -> AsyncIterator[Fleet]:
    """Run what compose.yaml runs, with two bridges; the CPO has EVSEs for everybody.

    Args:
        session_s: how long a driver charges who does not stop.
        grace_s: drain_grace_s of the bridges; None = as it is by default.
    """
    more = ("--more-evses", str(crowd * EVSES_EACH), "--session-s", str(session_s))
    found = services()
    loopback = Loopback({name: free_port() for name in found})
    ports = [free_port(), free_port()]
    balancer = Balancer(ports)
    grace = {} if grace_s is None else {"BRIDGE_DRAIN_GRACE_S": str(grace_s)}
    bridges = [bridge_at(port, found["bridge"], loopback, folder, grace) for port in ports]
    cpo = sandbox(found["cpo"], loopback, folder, *more)
    bap = sandbox(found["bap"], loopback, folder)
    async with AsyncExitStack() as stack:
        lines = ("appendonly yes", "maxmemory-policy noeviction")
        store = valkey(folder / "valkey", *lines, port=loopback.ports["valkey"])
        await stack.enter_async_context(store)
        await stack.enter_async_context(balancer.listening(loopback.ports["bridge"]))
        await stack.enter_async_context(running(cpo, *bridges, bap))
        await until(lambda: sells(loopback.url("bap")), PATIENCE_S, pause_s=0.5)
        yield Fleet(bridges, balancer, loopback.url("bap"), cpo.log, asyncio.Semaphore(crowd))


def bridge_at(
    port: int, service: Service, loopback: Loopback, folder: Path, more: dict[str, str]
) -> Program:
    """Return a bridge with the configuration of compose.yaml, at a port of its own."""
    config = folder / f"bridge-{port}.yaml"
    config.write_text(loopback.configuration(port))
    given = {**loopback.environment(service), "BRIDGE_CONFIG": str(config), **more}
    at = f"http://127.0.0.1:{port}/health/ready"
    return program(["serve"], at, given, folder, f"bridge-{port}")


def sandbox(service: Service, loopback: Loopback, folder: Path, *more: str) -> Program:
    """Return a sandbox program of compose.yaml."""
    words = [*loopback.command(service), *more]
    at = f"{loopback.url(service.name)}/health/live"
    return program(words, at, loopback.environment(service), folder, service.name)


def program(
    words: Sequence[str], at: str, given: dict[str, str], folder: Path, name: str
) -> Program:
    """Return a ``bridge`` command as a process."""
    environment = {
        **inherited(),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "300",
        **given,
    }
    command = [sys.executable, "-m", "bridge", *words]
    return Program(command, at, environment, folder, folder / f"{name}.log")


async def sells(bap_url: str) -> bool:
    """Whether a driver can charge: the catalogue is there."""
    try:
        await bill_of(bap_url, stops="")
    except AssertionError:
        return False
    return True


async def roll(whole: Fleet, *, seconds: float, per_second: float) -> Outcome:
    """Restart both bridges one after the other while walk-ins begin; wait for the last bill.

    Walk-ins begin for so many seconds, and as long as both were not restarted; fewer per second
    where the machine cannot do so many, since all drivers are charging then.
    """
    outcome = Outcome()
    begun_s = time.monotonic()
    twice = asyncio.Event()
    restarting = asyncio.create_task(restart_all(whole, outcome, seconds, twice))
    async with asyncio.TaskGroup() as drivers:
        for number in itertools.count():
            left_s = begun_s + number / per_second - time.monotonic()
            await asyncio.sleep(max(0.0, left_s))
            if number / per_second >= seconds and (twice.is_set() or restarting.done()):
                break
            await whole.room.acquire()
            drivers.create_task(charge(whole, outcome, stops=number % 2 == 0))
        outcome.lasted_s = time.monotonic() - begun_s
    await restarting
    outcome.pushes_failed = whole.pushes_failed()
    outcome.connections_failed = whole.balancer.refused
    return outcome


async def restart_all(whole: Fleet, outcome: Outcome, seconds: float, twice: asyncio.Event) -> None:
    """Restart each bridge when the other one is ready, again and again while there is time."""
    begun_s = time.monotonic()
    for number, each in enumerate(itertools.cycle(whole.bridges)):
        if number >= len(whole.bridges) and time.monotonic() - begun_s > seconds * 0.8:
            return
        await until(lambda: len(whole.balancer.ready) == len(whole.bridges), PATIENCE_S)
        stopped_s = time.monotonic()
        outcome.ends.append(await each.stop())
        await each.start()
        outcome.restarts.append(time.monotonic() - stopped_s)
        if number + 1 == len(whole.bridges):
            twice.set()


async def charge(whole: Fleet, outcome: Outcome, *, stops: bool) -> None:
    """Play one walk-in to its bill."""
    began_s = time.monotonic()
    try:
        order = await bill_of(whole.bap_url, **({"stops": ""} if stops else {}))
    except AssertionError as error:
        outcome.failed.append(str(error))
        return
    finally:
        whole.room.release()
    outcome.took_s.append(time.monotonic() - began_s)
    total = Decimal(order["quote"]["price"]["value"])
    outcome.bills.append(total)
    if total != sum(Decimal(line["price"]["value"]) for line in order["quote"]["breakup"]):
        outcome.wrong.append(f"a bill whose lines do not add up: {order['quote']}")


async def play(seconds: float, per_second: float, grace_s: float | None) -> Outcome:
    """Play it in a folder that is removed unless something failed."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-rolling-"))
    async with fleet(folder, grace_s=grace_s) as whole:
        outcome = await roll(whole, seconds=seconds, per_second=per_second)
    if outcome.faults:
        print(f"logs: {folder}")
    return outcome


def main() -> None:
    """Play it; the exit code is 0 only if nothing failed, and as many drivers came as wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=5)
    parser.add_argument("--grace-s", type=float, default=None)
    given = parser.parse_args()
    outcome = asyncio.run(play(given.seconds, given.per_second, given.grace_s))
    print(outcome.told())
    if outcome.per_second < given.per_second * ENOUGH:
        sys.exit(f"this machine was too busy for {given.per_second:g} walk-ins per second")
    sys.exit(bool(outcome.faults))


if __name__ == "__main__":
    main()
