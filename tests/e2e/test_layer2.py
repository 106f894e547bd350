"""A layer-2 file at work: what it refuses is NACKed, what we send is looked at."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import yaml

from bridge.sandbox.drive import find
from tests.e2e.rig import bridge_command, rig
from tests.layer2 import document, ttl_is_an_instant
from tests.redis_source import empty
from tests.waiting import until

CONTEXT = {"type": "object", "required": ["action"]}


def beckn_with(path: Path, **changes: Any) -> dict[str, Any]:
    """Return the configuration's part about Beckn, with a layer-2 file."""
    entry = {"domain": "deg:ev-charging", "version": "1.1.0", "file": str(path)}
    return {"adapter": "none", "subscriber_id": "bridge.example", "layer2": [entry], **changes}


def written(path: Path) -> Path:
    """Write a file that wants a quote with an id in each on_select, which no network does."""

    def change(whole: dict[str, Any]) -> None:
        paths = whole["paths"]
        paths["/on_search"] = paths["/select"] = paths["/on_select"] = None
        for action, part, wanted in (
            ("search", "intent", []),
            ("on_search", "catalog", []),
            ("select", "order", ["items", "fulfillments"]),
            ("on_select", "order", ["id"]),
        ):
            schema = {
                "properties": {
                    "context": CONTEXT,
                    "message": {"properties": {part: {"required": wanted}}},
                }
            }
            content = {"application/json": {"schema": schema}}
            paths[f"/{action}"] = {"post": {"requestBody": {"content": content}}}

    path.write_text(yaml.safe_dump(document(change)))
    return path


async def test_bad_messages_are_refused_and_ours_withheld(
    tmp_path: Path, redis_server: str
) -> None:
    beckn = beckn_with(written(tmp_path / "net.yaml"), layer2_outbound="withhold")
    async with rig(tmp_path, redis_server, beckn=beckn) as world:
        choice = await find(world.bap, str(uuid.uuid4()))
        bare = choice.order(amount="5", unit="kWh")
        _, nack = await world.bap.send("select", bare, str(uuid.uuid4()))
        assert nack["message"]["ack"]["status"] == "NACK"
        assert nack["error"]["paths"] == "message.order"
        assert "fulfillments" in nack["error"]["message"]

        whole = choice.order(amount="5", unit="kWh", fulfillments=[{"id": "1"}])
        _, ack = await world.bap.send("select", whole, str(uuid.uuid4()))
        assert ack["message"]["ack"]["status"] == "ACK"
        bridge = world.bridges[0]

        async def counted() -> bool:
            return (await bridge.metrics()).get(
                'bridge_beckn_layer2_violations_total{action="on_select",direction="out"}'
            ) == 1

        await until(counted)
        metrics = await bridge.metrics()
        assert metrics['bridge_beckn_layer2_violations_total{action="select",direction="in"}'] == 1
        assert metrics["bridge_dead_letters"] == 1
        assert "callback.invalid" in bridge.log.read_text()
        assert [each["context"]["action"] for each in world.beckn_sent] == ["on_search"]
    await empty(redis_server)


async def test_a_file_that_cannot_work_stops_the_start_and_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(yaml.safe_dump(document(ttl_is_an_instant)))
    config = tmp_path / "bridge.yaml"
    settings = {
        "public_url": "http://127.0.0.1:8080",
        "redis_url": "redis://127.0.0.1:1",
        "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Test Bridge"},
        "cpos": [],
        "beckn": beckn_with(path),
    }
    config.write_text(yaml.safe_dump(settings))
    for command in (("serve", "--config", str(config)), ("config", "check", str(config))):
        code, _, err = await bridge_command(*command, cwd=tmp_path)
        assert code == 2
        assert "context.ttl is typed as date-time" in err
        assert f"bridge beckn layer2 fix {path}" in err

    code, out, _ = await bridge_command("beckn", "layer2", "fix", str(path), cwd=tmp_path)
    mended = tmp_path / "net.corrected.yaml"
    assert (code, f"{mended} written" in out) == (0, True)
    settings["beckn"] = beckn_with(mended)
    config.write_text(yaml.safe_dump(settings))
    assert (await bridge_command("config", "check", str(config), cwd=tmp_path))[0] == 0
    code, out, _ = await bridge_command("beckn", "layer2", "fix", str(mended), cwd=tmp_path)
    assert (code, "nothing to mend" in out) == (0, True)
    code, _, err = await bridge_command("beckn", "layer2", "fix", "nowhere.yaml", cwd=tmp_path)
    assert (code, "nowhere.yaml: cannot be read" in err) == (2, True)
