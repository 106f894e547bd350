"""The demo: store, sandbox CPO, bridge and sandbox BAP on loopback, and one use case."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from rich.console import Console

from bridge.errors import BridgeError
from bridge.sandbox.bap import DOMAINS, Message, SandboxBap
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import GPS, find
from bridge.sandbox.stories import PROVIDER, Stage, Story, set_tariff
from bridge.sandbox.timeline import Timeline

START_S = 30.0
POLL_S = 0.1
SILENCE_S = 1.0
"""How long an on_search may take before it counts as the silence of ``uei``: nothing found."""


class DemoFailed(BridgeError):
    """A step of the demo did not happen."""


async def play(
    console: Console,
    story: Story,
    tell: Callable[[list[Message]], None],
    *,
    dialect: str,
    once: bool,
) -> None:
    """Start everything, play a use case, then stay up for the user's own calls unless ``once``.

    Args:
        tell: is given the final bills.
        dialect: what the BAP speaks.

    Raises:
        DemoFailed: a step did not happen.
    """
    timeline = Timeline(console)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-demo-")))
        cpo = SandboxCpo(token_a="demo-token-a", seen=timeline.ocpi)
        set_tariff(cpo, story)
        cpo.url = await stack.enter_async_context(served(cpo.app(), 9101))
        bap = SandboxBap(bridge_url="", domain=DOMAINS[dialect], seen=timeline.beckn)
        bap.url = await stack.enter_async_context(served(bap.app(), 5301))
        config, bap.bridge_url = configured(folder, cpo, bap, story.commercial, dialect)
        timeline.note(f"CPO {cpo.url}   bridge {bap.bridge_url}   BAP {bap.url}\n")
        await stack.enter_async_context(bridge_running(config, folder, bap.bridge_url))
        try:
            await _catalogue_ready(bap)
            bills = await story.play(Stage(bap, cpo, lambda words: timeline.note(f"{words}\n")))
        except (TimeoutError, AssertionError, LookupError, aiohttp.ClientError) as error:
            tail = tail_of(folder / "bridge.log")
            raise DemoFailed(f"the play stopped: {error!r}\n{tail}") from error
        tell(bills)
        if not once:
            show_curl(console, bap)
            transaction_id = bills[-1]["context"]["transaction_id"]
            console.print(f"\nbridge trace {transaction_id} --config {config}", markup=False)
            await asyncio.Event().wait()


def show_bill(console: Console, final: Message) -> None:
    """Print the final bill line by line."""
    order = final["message"]["order"]
    console.print("\n[bold]Final bill[/]")
    for line in order["quote"]["breakup"]:
        console.print(f"  {line['title']:<48}{line['price']['value']:>10}")
    price = order["quote"]["price"]
    console.print(f"  [bold]{'Total':<48}{price['value']:>10} {price['currency']}[/]")
    for payment in order["payments"]:
        amount = payment["params"]["amount"]
        console.print(f"  {payment['type']:<48}{amount:>10} {payment['status']}")


def show_curl(console: Console, bap: SandboxBap) -> None:
    """Print a request that can be sent by hand."""
    context = bap.context("search", str(uuid.uuid4()))
    circle = {"gps": GPS, "radius": {"value": "20", "unit": "km"}}
    stops = [{"location": {"circle": circle}}]
    intent = {"fulfillment": {"type": "CHARGING", "stops": stops}}
    body = json.dumps({"context": context, "message": {"intent": intent}})
    console.print("\nEverything stays up until Ctrl-C; callbacks are shown above. Try:\n")
    console.print(
        f"curl -sS {bap.bridge_url}/beckn/search -H 'Content-Type: application/json' -d '{body}'",
        markup=False,
        soft_wrap=True,
    )


def tail_of(log: Path) -> str:
    """Return the end of a log file."""
    return log.read_text()[-3000:]


def configured(
    folder: Path, cpo: SandboxCpo, bap: SandboxBap, commercial: Message, dialect: str
) -> tuple[Path, str]:
    """Write the bridge's configuration; return its path and the bridge's address."""
    terms = folder / "commercial.yaml"
    terms.write_text(yaml.safe_dump(commercial, sort_keys=False))
    port = free_port(8080)
    url = f"http://127.0.0.1:{port}"
    config = {
        "public_url": url,
        "drain_grace_s": 0,
        "listen": {"host": "127.0.0.1", "port": port},
        "redis_url": "embedded",
        "data_dir": str(folder / "data"),
        "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Demo Bridge"},
        "cpos": [
            {
                "id": "sandbox",
                "versions_url": f"{cpo.url}/ocpi/versions",
                "token_a": cpo.token_a,
                "provider": {"id": PROVIDER, "name": cpo.name},
            }
        ],
        "beckn": {
            "adapter": "none",
            "subscriber_id": "bridge.example",
            "dialects": [dialect],
        },
        "allow_hosts": ["127.0.0.1"],
        "support": {"phone": "1800112233", "email": "help@bridge.example"},
        "payment": {
            "bank_code": "DEMO0000001",
            "bank_account_number": "000000000000",
            "upi_address": "bridge@demo",
        },
        "commercial": str(terms),
        "otp": {"sender": "webhook", "url": f"{bap.url}/otp", "secret": "demo-otp-secret-only"},
    }
    path = folder / "bridge.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path, url


@asynccontextmanager
async def served(app: web.Application, port: int) -> AsyncIterator[str]:
    """Serve an application on loopback; give its URL."""
    port = free_port(port)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def free_port(wanted: int) -> int:
    """Return the port if nobody has it, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed("no free port on 127.0.0.1")


@asynccontextmanager
async def bridge_running(config: Path, folder: Path, url: str) -> AsyncIterator[None]:
    """Run ``bridge serve`` as a process of its own until the block is left.

    Raises:
        DemoFailed: it ended, or was not ready in time; with the end of its log.
    """
    log = folder / "bridge.log"
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "serve", "--config", str(config)),
            stdout=out,
            stderr=out,
            env=dict(os.environ),
        )
    try:
        async with aiohttp.ClientSession() as http:
            await _ready(http, url, process, log)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(
    http: aiohttp.ClientSession, url: str, process: asyncio.subprocess.Process, log: Path
) -> None:
    """Wait for ``/health/ready``."""
    try:
        async with asyncio.timeout(START_S):
            while process.returncode is None:
                try:
                    async with http.get(f"{url}/health/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        words = f"the bridge is not ready in {START_S:.0f} s\n{tail_of(log)}"
        raise DemoFailed(words) from error
    raise DemoFailed(f"the bridge ended with {process.returncode}\n{tail_of(log)}")


async def _catalogue_ready(bap: SandboxBap) -> None:
    """Wait until the bridge has pulled the CPO's stations: a search finds some."""
    seen, bap.seen = bap.seen, lambda direction, action, message: None
    try:
        async with asyncio.timeout(START_S):
            while True:
                try:
                    await find(bap, str(uuid.uuid4()), within_s=SILENCE_S)
                except (LookupError, TimeoutError):
                    await asyncio.sleep(POLL_S)
                else:
                    return
    finally:
        bap.seen = seen
        bap.callbacks.clear()
