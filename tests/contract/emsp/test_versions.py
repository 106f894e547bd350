"""Versions and version details (OCPI 2.2.1 version_information_endpoint)."""

from __future__ import annotations

import pytest

from tests.contract.emsp.rig import PUBLIC_URL, ROOT, Rig
from tests.contract.emsp.samples import OTHER_TOKEN


@pytest.mark.requirement("O40")
@pytest.mark.endpoint("serves GET {versions_url}")
async def test_versions_lists_221_with_an_address_that_works(rig: Rig) -> None:
    listed = (await rig.get("versions", root="/ocpi/")).data
    assert listed == [{"version": "2.2.1", "url": ROOT}]
    path = listed[0]["url"].removeprefix(PUBLIC_URL)
    assert (await rig.get("", root=path)).data["version"] == "2.2.1"
    assert (await rig.get("versions", root="/ocpi/", token=None)).status == (401, 2001)


@pytest.mark.requirement("O41")
@pytest.mark.requirement("O42")
@pytest.mark.endpoint("serves GET {version_details_url}")
async def test_details_list_every_module_with_its_role(rig: Rig) -> None:
    details = (await rig.get("")).data
    listed = {each["identifier"]: (each["role"], each["url"]) for each in details["endpoints"]}
    assert listed == {
        "credentials": ("SENDER", f"{ROOT}/credentials"),
        "locations": ("RECEIVER", f"{ROOT}/locations"),
        "tariffs": ("RECEIVER", f"{ROOT}/tariffs"),
        "sessions": ("RECEIVER", f"{ROOT}/sessions"),
        "cdrs": ("RECEIVER", f"{ROOT}/cdrs"),
        "tokens": ("SENDER", f"{ROOT}/tokens"),
        "commands": ("SENDER", f"{ROOT}/commands"),
    }


async def test_each_cpo_reads_the_address_it_uses(memory_rig: Rig) -> None:
    behind_sidecars = await memory_rig.on(public_url=lambda cpo_id: f"http://{cpo_id}.bridge/")
    listed = (await behind_sidecars.get("versions", root="/ocpi/", token=OTHER_TOKEN)).data
    assert listed[0]["url"] == "http://cpo2.bridge/ocpi/2.2.1"
