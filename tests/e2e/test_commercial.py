"""The file of commercial terms under a running bridge, and before its start."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.e2e.rig import BridgeProcess, cli, rig, write_commercial
from tests.waiting import until


def told(bridge: BridgeProcess, *words: str) -> int:
    """Return how many lines of the log have all the words."""
    lines = bridge.log.read_text().splitlines()
    return sum(all(word in line for word in words) for line in lines)


async def test_terms_change_under_a_running_bridge(tmp_path: Path, redis_url: str) -> None:
    async with rig(tmp_path, redis_url, commercial="fees: [{id: a, amount: 1}]") as parts:
        (bridge,) = parts.bridges
        assert bridge.process is not None
        assert told(bridge, "commercial.loaded", '"fees": 1') == 1

        write_commercial(tmp_path, "fees: [{id: a, amount: 0}]\noffers: [{id: o, share: 7}]")
        bridge.process.send_signal(signal.SIGHUP)
        await until(lambda: told(bridge, "commercial.refused", "must be at most 1") == 1)
        assert told(bridge, "commercial.refused", "fees.0.amount: must be more than 0") == 1
        assert await bridge.is_ready()

        # Nobody says that there is another one: it is seen.
        write_commercial(tmp_path, {"fees": [{"id": i, "amount": "1"} for i in "ab"]})
        await until(lambda: told(bridge, "commercial.loaded", '"fees": 2') == 1, timeout_s=20)
        metrics = await bridge.metrics()
        assert metrics['bridge_commercial_reloads_total{result="loaded"}'] == 2
        assert metrics['bridge_commercial_reloads_total{result="refused"}'] == 1


async def test_a_bad_file_is_found_by_the_check_and_stops_the_start(
    tmp_path: Path, redis_url: str
) -> None:
    async with rig(tmp_path, redis_url, commercial="overcharge_share: 0.2") as parts:
        (bridge,) = parts.bridges
        code, out, _ = await cli(bridge.config, "config", "check")
        assert (code, out[:3]) == (0, "ok:")
        write_commercial(tmp_path, "overcharge_share: 2\nfee: []")
        for command in (("config", "check"), ("serve",)):
            code, _, err = await cli(bridge.config, *command)
            assert code == 2
            assert "overcharge_share: must be at most 1" in err
            assert "fee: unknown key" in err
