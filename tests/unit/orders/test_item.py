"""Item ids: one for each connector of any CPO, and back again (decisions 11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ItemUnknown
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Status
from bridge.orders.item import ItemKey
from tests.factories import connector, evse, item, location

IDS = st.text(st.sampled_from("aB*%2A5e/ ~é") | st.characters(codec="utf-8"), min_size=1)
KEYS = st.builds(ItemKey, IDS, IDS, IDS, IDS, IDS)


@given(key=KEYS)
def test_an_id_is_read_back(key: ItemKey) -> None:
    assert ItemKey.parse(str(key)) == key
    assert str(key).count("*") == 4


@given(one=KEYS, two=KEYS)
def test_two_connectors_have_two_ids(one: ItemKey, two: ItemKey) -> None:
    assert (str(one) == str(two)) is (one == two)


@given(key=KEYS)
def test_keys_compare_without_case(key: ItemKey) -> None:
    assert key.folded() == key.folded().folded()


def test_case_is_kept_but_does_not_count() -> None:
    shouted = ItemKey("IN", "ABC", "LOC", "EVSE", "CON")
    whispered = ItemKey("in", "abc", "loc", "evse", "con")
    assert shouted != whispered
    assert shouted.folded() == whispered.folded() == whispered
    assert str(shouted) == "IN*ABC*LOC*EVSE*CON"


@pytest.mark.parametrize(
    ("parts", "item_id"),
    [
        (("IN", "ABC", "L*1", "E1", "1"), "IN*ABC*L%2A1*E1*1"),
        (("IN", "ABC", "L%1", "E1", "1"), "IN*ABC*L%251*E1*1"),
        (("IN", "ABC", "L%2A", "E1", "1"), "IN*ABC*L%252A*E1*1"),
        (("IN", "ABC", "L 1", "E/1", "ü"), "IN*ABC*L 1*E/1*ü"),
    ],
)
def test_a_star_inside_is_encoded(parts: tuple[str, str, str, str, str], item_id: str) -> None:
    assert str(ItemKey(*parts)) == item_id


@pytest.mark.parametrize("item_id", ["", "E1", "IN*ABC*L1*E1", "IN*ABC*L1*E1*1*2", "IN*ABC**E1*1"])
def test_what_does_not_have_five_parts_names_no_connector(item_id: str) -> None:
    with pytest.raises(ItemUnknown):
        ItemKey.parse(item_id)


def test_an_item_knows_what_it_is() -> None:
    made = item(location(evses=(evse(status=Status.CHARGING, connectors=(connector(id="7"),)),)))
    assert made.key == ItemKey("IN", "ABC", "L1", "E1", "7")
    assert made.connector.id == "7"
    assert made.party == Party("IN", "ABC")
    assert made.status is Status.CHARGING
