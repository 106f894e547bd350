"""Real processes on loopback: bridges as subprocesses, the sandbox CPO and BAP beside the test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from bridge.beckn.layer2 import Violation
from bridge.sandbox.bap import DOMAINS, Message, SandboxBap, Sign
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import find
from tests.layer2 import violation_of
from tests.onix import Onix
from tests.protocol_server import ProtocolServer
from tests.valkey import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0
SILENCE_S = 0.3
"""Without an on_search for so long, ``uei`` has found nothing."""

HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""Becomes a program that finds an open socket where systemd would put it."""


class Site:
    """An aiohttp application on a port of its own, which can go away and come back."""

    def __init__(self, make: Callable[[], web.Application]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._make = make
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        self._runner = web.AppRunner(self._make(), access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


@dataclass
class BridgeProcess:
    """``bridge serve`` as a subprocess."""

    config: Path
    url: str
    log: Path
    process: asyncio.subprocess.Process | None = None
    socket: socket.socket | None = None
    """Handed over open, as systemd does; None = it opens its port itself."""

    @property
    def ops_url(self) -> str:
        """Where operators ask: the port of their own, if the configuration has one."""
        at = yaml.safe_load(self.config.read_text()).get("ops_listen")
        return self.url if at is None else f"http://{at['host']}:{at['port']}"

    async def start(self, *, ready: bool = True) -> None:
        """Start, and wait until it is ready."""
        command: tuple[str, ...] = ("-m", "bridge", "serve", "--config", str(self.config))
        handed: tuple[int, ...] = ()
        if self.socket is not None:
            handed = (self.socket.fileno(),)
            command = ("-c", HAND_OVER, str(handed[0]), *command)
        with self.log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, *command),
                cwd=self.config.parent,
                stdout=out,
                stderr=out,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                pass_fds=handed,
            )
        if ready:
            await self.until_ready()

    def reconfigure_cpo(self, changes: Mapping[str, Any]) -> None:
        """Change keys of the only CPO in the configuration."""
        config = yaml.safe_load(self.config.read_text())
        config["cpos"][0] |= changes
        self.config.write_text(yaml.safe_dump(config))

    async def restart(self, **changes: Any) -> None:
        """Stop, change keys of the configuration, start again."""
        await self.stop()
        config = yaml.safe_load(self.config.read_text())
        self.config.write_text(yaml.safe_dump({**config, **changes}))
        await self.start()

    async def until_ready(self) -> None:
        """Wait for ``/health/ready``; fails at once when the process has ended."""
        assert self.process is not None
        process = self.process

        async def ready() -> bool:
            assert process.returncode is None, self.log.read_text()
            return await self.is_ready()

        await until(ready, timeout_s=START_S)

    async def is_ready(self) -> bool:
        """Ask ``/health/ready`` once."""
        return await self._is("ready")

    async def is_live(self) -> bool:
        """Ask ``/health/live`` once."""
        return await self._is("live")

    async def _is(self, state: str) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{self.ops_url}/health/{state}") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def metrics(self) -> dict[str, float]:
        """Return what ``/metrics`` says: each sample with its labels, and its value."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.ops_url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {sample: float(value) for sample, _, value in samples}

    def has_delivered(self, callback: Message) -> bool:
        """Whether the log says that a callback was delivered."""
        message_id = callback["context"]["message_id"]
        lines = self.log.read_text().splitlines()
        return any("callback.delivered" in line and message_id in line for line in lines)

    async def kill(self) -> None:
        """SIGKILL: no time to say good-bye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and wait for the end."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 30)


ACCOUNT = {"bank_code": "BANK0001", "bank_account_number": "0042", "upi_address": "bridge@upi"}
"""What the dialect ``uei`` has to tell of a BPP that collects."""


@dataclass
class Rig:
    """All parts of a walk-in."""

    folder: Path
    redis_url: str
    cpo: SandboxCpo
    cpo_site: Site
    bap: SandboxBap
    bap_site: Site
    bridges: list[BridgeProcess] = field(default_factory=list)
    beckn_sent: list[Message] = field(default_factory=list)
    layer2_violations: list[Violation] = field(default_factory=list)

    def sees(self, direction: str, action: str, message: Message) -> None:
        """Keep what the bridge sends; each has to be valid by the layer 2 of its domain."""
        if direction == "in":
            self.beckn_sent.append(message)
            violation = violation_of(message)
            if violation is not None:
                self.layer2_violations.append(violation)

    def add_bridge(self, **changes: Any) -> BridgeProcess:
        """Configure one more bridge on the same Redis."""
        port = free_port()
        public = self.bridges[0].url if self.bridges else f"http://127.0.0.1:{port}"
        config = {
            "public_url": public,
            "listen": {"host": "127.0.0.1", "port": port},
            "drain_grace_s": 0,
            "redis_url": self.redis_url,
            "data_dir": str(self.folder / "data"),
            "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Test Bridge"},
            "cpos": [
                {
                    "id": "cpo1",
                    "versions_url": f"{self.cpo_site.url}/ocpi/versions",
                    "token_a": self.cpo.token_a,
                    "provider": {"id": "cpo1.example", "name": "CPO One"},
                }
            ],
            "beckn": {"adapter": "none", "subscriber_id": "bridge.example"},
            "allow_hosts": ["127.0.0.1"],
            "support": {"phone": "1800112233", "email": "help@bridge.example"},
            **changes,
        }
        if "uei" in config["beckn"].get("dialects", ()):
            config["payment"] = ACCOUNT | config.get("payment", {})
        path = self.folder / f"bridge{len(self.bridges)}.yaml"
        path.write_text(yaml.safe_dump(config))
        log = self.folder / f"bridge{len(self.bridges)}.log"
        bridge = BridgeProcess(path, f"http://127.0.0.1:{port}", log)
        self.bridges.append(bridge)
        if len(self.bridges) == 1:
            self.bap.bridge_url = bridge.url
        return bridge

    async def until_catalogue(self) -> None:
        """Wait until a search finds the sandbox stations."""

        async def found() -> bool:
            try:
                await find(self.bap, str(uuid.uuid4()), within_s=SILENCE_S)
            except (LookupError, TimeoutError):
                return False
            return True

        await until(found, timeout_s=START_S)
        self.bap.callbacks.clear()
        self.beckn_sent.clear()


def write_commercial(folder: Path, terms: str | Mapping[str, Any]) -> Path:
    """Write a file of commercial terms, whole at once; return where it is."""
    path, draft = folder / "commercial.yaml", folder / "commercial.draft"
    draft.write_text(terms if isinstance(terms, str) else yaml.safe_dump(dict(terms)))
    return draft.replace(path)


@asynccontextmanager
async def rig(
    folder: Path,
    redis_url: str,
    *,
    cpo_of: Callable[[str], SandboxCpo] = SandboxCpo,
    cpo_changes: Mapping[str, Any] | None = None,
    sign: Sign | None = None,
    commercial: str | Mapping[str, Any] | None = None,
    adapter: ProtocolServer | Onix | None = None,
    domain: str = DOMAINS["deg"],
    **changes: Any,
) -> AsyncIterator[Rig]:
    """Start a CPO, a BAP and one bridge; end everything afterwards.

    Args:
        cpo_of: makes the CPO of its TOKEN_A.
        cpo_changes: more keys of its entry in the configuration; ``{cpo}`` is its address.
        sign: signs what the BAP sends.
        commercial: the file of commercial terms, as YAML or as what it means.
        adapter: what stands between the BAP and the bridge.
        domain: what the BAP speaks.
        changes: keys of the configuration; ``{bap}`` is the address of the BAP.
    """
    if commercial is not None:
        changes["commercial"] = str(write_commercial(folder, commercial))
    cpo = cpo_of("token-a-of-the-sandbox")
    cpo_site = Site(cpo.app)
    cpo.url = cpo_site.url
    bap = SandboxBap(bridge_url="", domain=domain, sign=sign)
    bap_site = Site(bap.app)
    bap.url = bap_site.url
    changes = json.loads(json.dumps(changes).replace("{bap}", bap.url))
    whole = Rig(folder, redis_url, cpo, cpo_site, bap, bap_site)
    bap.seen = whole.sees
    await cpo_site.start()
    await bap_site.start()
    adapter_site = None if adapter is None else Site(adapter.app)
    try:
        if adapter is not None and adapter_site is not None:
            adapter.url = adapter_site.url
            await adapter_site.start()
            changes["beckn"] = {**behind(adapter), **changes.get("beckn", {})}
        bridge = whole.add_bridge(**changes)
        if adapter is not None:
            put_between(adapter, bap, bridge)
        bridge.reconfigure_cpo(json.loads(json.dumps(cpo_changes or {}).replace("{cpo}", cpo.url)))
        await bridge.start()
        await whole.until_catalogue()
        yield whole
        assert whole.layer2_violations == []
    finally:
        for bridge in whole.bridges:
            if bridge.process is not None:
                await bridge.stop()
        if adapter_site is not None:
            await adapter_site.stop()
        await bap_site.stop()
        await cpo_site.stop()


def behind(adapter: ProtocolServer | Onix) -> dict[str, Any]:
    """Return what the bridge is told of its adapter."""
    names = {"subscriber_id": "bridge.example"}
    if isinstance(adapter, Onix):
        return {**names, "adapter": "onix", "reply_base_url": f"{adapter.url}/bpp/caller"}
    return {**names, "adapter": "protocol-server", "reply_base_url": adapter.url}


def put_between(adapter: ProtocolServer | Onix, bap: SandboxBap, bridge: BridgeProcess) -> None:
    """Lead a BAP's requests through an adapter."""
    bap.bridge_url = adapter.url
    if isinstance(adapter, Onix):
        adapter.bridge_url = bridge.url
    else:
        adapter.webhook = f"{bridge.url}/beckn"


async def cli(config: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a ``bridge`` command; return exit code, output, errors."""
    return await bridge_command(*arguments, "--config", str(config), cwd=config.parent)


async def bridge_command(
    *arguments: str, cwd: Path, code: Path = ROOT, **variables: str
) -> tuple[int, str, str]:
    """Run ``python -m bridge``; return exit code, output, errors, in none of which a traceback is.

    Args:
        code: folder that holds the package ``bridge``.
        variables: environment of this run, besides our own.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *arguments),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(code), "COLUMNS": "200", **variables},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = out.decode(), err.decode()
    assert "Traceback" not in "".join(said), said
    assert process.returncode is not None
    return process.returncode, *said
