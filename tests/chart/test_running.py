"""A bridge that runs as the chart says answers what the kubelet asks, and ends in time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.chart.charts import bridge_of, one, render, way
from tests.chart.pod import placed
from tests.e2e.rig import BridgeProcess
from tests.valkey import free_port
from tests.waiting import until


async def test_probes_of_a_running_bridge(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its CPO is away all the while: that keeps no pod from being ready."""
    port, ops_port = free_port(), free_port()
    values = way("trial", port=port, opsPort=ops_port, redis={})
    values["secretEnv"]["BRIDGE_REDIS_URL"] = {"name": "bridge", "key": "redis-url"}
    values["config"]["cpos"][0]["versions_url"] = f"http://127.0.0.1:{free_port()}/ocpi/versions"
    values["config"]["drain_grace_s"] = 0
    manifests = render(values)
    for name, value in {**placed(manifests, tmp_path), "BRIDGE_REDIS_URL": redis_url}.items():
        monkeypatch.setenv(name, value)
    bridge = BridgeProcess(
        config=tmp_path / "config" / "bridge.yaml",
        url=f"http://127.0.0.1:{port}",
        log=tmp_path / "bridge.log",
    )
    container = bridge_of(one(manifests, "Deployment")["spec"]["template"]["spec"])
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}

    async def answers(probe: str) -> bool:
        asked = container[probe]["httpGet"]
        url = f"http://127.0.0.1:{ports[asked['port']]}{asked['path']}"
        try:
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    assert container["args"] == ["serve"]
    await bridge.start(ready=False)
    try:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            await until(partial(answers, probe), timeout_s=30)
        async with aiohttp.ClientSession() as http, http.get(f"{bridge.url}/metrics") as answer:
            assert answer.status == 404
    finally:
        assert await bridge.stop() == 0
