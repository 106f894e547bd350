"""A Prometheus (Debian's package) that watches bridges, and what it answers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import yaml

from tests.valkey import free_port
from tests.waiting import until


class Series(NamedTuple):
    """One line of an answer: its labels, and points of (time in s, value)."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def ready(self) -> bool:
        """Tell whether it answers."""
        try:
            async with self._http.get(f"{self._url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def over(self, query: str, begin: float, end: float, step_s: float) -> list[Series]:
        """Return what a query gives over a time."""
        asked = {"query": query, "start": str(begin), "end": str(end), "step": str(step_s)}
        async with self._http.post(f"{self._url}/api/v1/query_range", data=asked) as answer:
            body = await answer.json()
        assert body["status"] == "success", body
        return [
            Series(
                each["metric"],
                [(float(at), float(value)) for at, value in each["values"] if value != "NaN"],
            )
            for each in body["data"]["result"]
        ]


@asynccontextmanager
async def prometheus(
    folder: Path, bridges: Sequence[str], *, every_s: float
) -> AsyncIterator[Prometheus]:
    """Run one that scrapes bridges, each as a pod of its own.

    Raises:
        RuntimeError: it is not installed.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise RuntimeError("prometheus is not here: apt-get install prometheus")
    targets = [
        {
            "targets": [urlsplit(url).netloc],
            "labels": {"namespace": "demo", "pod": f"bridge-{number}"},
        }
        for number, url in enumerate(bridges)
    ]
    scrape = {"job_name": "bridge", "static_configs": targets}
    config = {
        "global": {"scrape_interval": f"{round(every_s * 1000)}ms"},
        "scrape_configs": [{**scrape, "scrape_timeout": f"{round(every_s * 1000)}ms"}],
    }
    file, address = folder / "prometheus.yaml", f"127.0.0.1:{free_port()}"
    file.write_text(yaml.safe_dump(config), "utf-8")
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    )
    try:
        async with aiohttp.ClientSession() as http:
            running = Prometheus(f"http://{address}", http)
            await until(running.ready, timeout_s=30)
            yield running
    finally:
        process.terminate()
        await process.wait()
