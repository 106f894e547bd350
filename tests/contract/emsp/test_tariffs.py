"""Tariffs as a CPO pushes them (OCPI 2.2.1 mod_tariffs, Receiver)."""

from __future__ import annotations

import pytest

from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import at, tariff

PATH = "tariffs/IN/ABC/T1"


@pytest.mark.requirement("O69")
@pytest.mark.endpoint("serves PUT {tariffs}/{country_code}/{party_id}/{tariff_id}")
@pytest.mark.endpoint("serves GET {tariffs}/{country_code}/{party_id}/{tariff_id}")
async def test_put_creates_and_replaces_and_get_returns_it(rig: Rig) -> None:
    assert (await rig.put(PATH, tariff())).status == (201, 1000)
    changed = tariff(currency="EUR", last_updated=at(1))
    assert (await rig.put(PATH, changed)).status == (200, 1000)
    assert (await rig.get(PATH)).data == changed


@pytest.mark.requirement("O69")
@pytest.mark.endpoint("serves DELETE {tariffs}/{country_code}/{party_id}/{tariff_id}")
async def test_delete_removes(rig: Rig) -> None:
    await rig.put(PATH, tariff())
    answer = await rig.delete("tariffs/in/abc/t1")
    assert answer.status == (200, 1000)
    assert answer.is_bare
    assert (await rig.get(PATH)).status == (404, 2000)
    assert (await rig.delete(PATH)).status == (404, 2000)
    assert (await rig.put(PATH, tariff())).status == (201, 1000)


@pytest.mark.requirement("O69")
async def test_there_is_no_patch(rig: Rig) -> None:
    await rig.put(PATH, tariff())
    answer = await rig.patch(PATH, {"currency": "EUR", "last_updated": at(1)})
    assert answer.status == (405, 2000)
    assert (await rig.get(PATH)).data == tariff()


async def test_prices_come_back_digit_by_digit(rig: Rig) -> None:
    component = {"type": "ENERGY", "price": 18.1234, "vat": 18.5, "step_size": 1}
    await rig.put(PATH, tariff(elements=[{"price_components": [component]}]))
    found = (await rig.get(PATH)).data["elements"][0]["price_components"][0]
    assert (str(found["price"]), str(found["vat"])) == ("18.1234", "18.5")
