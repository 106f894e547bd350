"""Mapping is data: a row too few or too many stops the start, an overlay changes what is said."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest
import yaml

from bridge.ocpi.codec import encode
from bridge.ocpi.locations import ConnectorType
from tests.e2e.rig import ROOT, Rig, bridge_command, cli

CONFIG = {
    "public_url": "http://127.0.0.1:8080",
    "redis_url": "redis://127.0.0.1:1",
    "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Test Bridge"},
    "cpos": [],
    "beckn": {"subscriber_id": "bridge.example"},
}
"""A configuration whose Redis nobody runs: a start that gets that far does not end."""

ROWS = [
    ("mappings/codes/deg_evse_status.yaml", "RESERVED", "{ocpi: RESERVED,"),
    (
        "mappings/fields/deg_catalogue.yaml",
        "descriptor.name",
        "{beckn: descriptor.name, from: provi",
    ),
    ("mappings/actions.yaml", "track", "{action: track,"),
]
"""File, what a fault names, and how its row begins."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the program with its mappings, and a configuration beside it."""
    for name in ("bridge", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "bridge.yaml").write_text(yaml.safe_dump(CONFIG))
    return tmp_path


def rows_of(file: Path, start: str) -> tuple[list[str], int]:
    """Return the lines of a mapping file, and the place of the first row that starts so."""
    lines = file.read_text().splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if line.strip().startswith(f"- {start}"))
    return lines, place


@pytest.mark.parametrize(("name", "word", "start"), ROWS)
@pytest.mark.parametrize("times", [0, 2], ids=["deleted", "doubled"])
async def test_a_row_too_few_or_too_many_stops_the_start(
    copy: Path, name: str, word: str, start: str, times: int
) -> None:
    lines, place = rows_of(copy / name, start)
    lines[place : place + 1] = lines[place : place + 1] * times
    (copy / name).write_text("".join(lines))

    code, out, err = await bridge_command("serve", "--config", "bridge.yaml", cwd=copy, code=copy)

    assert (code, out) == (2, "")
    where = f"{name}:{place + 2}: row" if times else name
    assert any(where in fault and word in fault for fault in err.splitlines()), err


OVERLAY = """
table: connector_standard
dialect: deg
rows:
  - {ocpi: IEC_62196_T2, beckn: Mennekes plug, accepts: [Type 2]}
"""


async def test_an_overlay_replaces_a_row(world: Rig) -> None:
    assert await plugs(world) == {"CCS2", "Type 2"}
    (world.folder / "plugs.yaml").write_text(OVERLAY)

    await world.bridges[0].restart(mapping_overlays=["plugs.yaml"])

    assert await plugs(world) == {"CCS2", "Mennekes plug"}
    station = world.folder / "location.json"
    station.write_bytes(encode(world.cpo.locations["INDIRANAGAR"]))
    code, out, _ = await cli(world.bridges[0].config, "mapping", "explain", str(station))
    assert code == 0
    assert f"plugs.yaml:5: row 1 ({ConnectorType.IEC_62196_T2})" in out


async def plugs(world: Rig) -> set[str]:
    """Return the connector types that a search finds."""
    found = await world.bap.ask("search", {"intent": {}}, str(uuid.uuid4()))
    (provider,) = found["message"]["catalog"]["providers"]
    return {
        entry["value"]
        for item in provider["items"]
        for group in item["tags"]
        for entry in group["list"]
        if entry["descriptor"]["code"] == "connector-type"
    }


async def test_a_faulty_overlay_stops_the_start(copy: Path) -> None:
    overlay = copy / "plugs.yaml"
    overlay.write_text(OVERLAY.replace("IEC_62196_T2,", "IEC_62196_T9,"))
    (copy / "bridge.yaml").write_text(
        yaml.safe_dump({**CONFIG, "mapping_overlays": ["plugs.yaml"]})
    )

    code, _, err = await bridge_command("serve", "--config", "bridge.yaml", cwd=copy)

    assert code == 2
    assert "plugs.yaml:5: row 1" in err
    assert "IEC_62196_T9" in err
