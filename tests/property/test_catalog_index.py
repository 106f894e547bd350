"""The catalogue is what was last told, in whatever order, and a search is a filter over it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.errors import ItemUnknown
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Connector, ConnectorType, Location, Status
from bridge.ocpi.tariffs import Tariff
from bridge.orders.intents import Search
from tests.unit.catalog.world import (
    NOW,
    OTHER_PARTY,
    PARTY,
    PROVIDER,
    World,
    connector,
    energy,
    evse,
    items,
    location,
    providers,
    tariff,
)

PARTIES = [PARTY, OTHER_PARTY]
parties = st.sampled_from(PARTIES)
ids = st.sampled_from(["A", "a", "B", "C"])
standards = st.sampled_from([ConnectorType.IEC_62196_T2, ConnectorType.CHADEMO])

connectors = st.builds(
    lambda id, tariffs, standard, power: connector(
        id, tariffs=tariffs, standard=standard, max_electric_power=power
    ),
    ids,
    st.lists(ids, max_size=2),
    standards,
    st.sampled_from([7_000, 50_000]),
)
evses = st.builds(
    lambda uid, plugs, status, evse_id: evse(uid, *plugs, status=status, evse_id=evse_id),
    ids,
    st.lists(connectors, min_size=1, max_size=3),
    st.sampled_from([Status.AVAILABLE, Status.REMOVED, Status.CHARGING]),
    st.none() | st.sampled_from(["X1", "X2", "A"]),
)
locations = st.builds(
    lambda id, party, of_evses, publish, at, name: replace(
        location(id, party=party, publish=publish, at=at, name=name), evses=tuple(of_evses)
    ),
    ids,
    parties,
    st.lists(evses, max_size=3),
    st.sampled_from([True, True, True, False]),
    st.tuples(st.floats(12.9, 13.0), st.floats(77.5, 77.6)),
    st.none() | st.sampled_from(["Blue", "Red"]),
)
tariffs = st.builds(
    lambda id, party, price: tariff(id, energy(str(price)), party=party),
    ids,
    parties,
    st.integers(1, 30),
)
removals = st.tuples(st.sampled_from(["location", "tariff"]), parties, ids)
dropped = st.tuples(st.just("party"), parties, st.just(""))
Told = Location | Tariff | tuple[str, Party, str]


def tell(world: World, what: Told) -> None:
    match what:
        case ("location", party, id):
            world.index.remove_location(party, id)
        case ("tariff", party, id):
            world.index.remove_tariff(party, id)
        case ("party", party, _):
            world.index.drop_party(party)
            world.index.set_party(party, "again", PROVIDER)
        case Location() | Tariff():
            world.put(what)


def key(thing: Location | Tariff) -> tuple[str, ...]:
    return (
        type(thing).__name__,
        thing.country_code.lower(),
        thing.party_id.lower(),
        thing.id.lower(),
    )


def final(story: Sequence[Told]) -> tuple[list[Location | Tariff], list[Party]]:
    """Return what is left of a story in the end, and the parties that were dropped once."""
    left: dict[tuple[str, ...], Location | Tariff] = {}
    again = []
    for what in story:
        if isinstance(what, tuple):
            kind, party, id = what
            gone = (party.country_code.lower(), party.party_id.lower())
            for one in list(left):
                same = one[0].lower() == kind and one[3] == id.lower()
                if one[1:3] == gone and (kind == "party" or same):
                    del left[one]
            again += [party] if kind == "party" else []
        else:
            left[key(what)] = what
    return list(left.values()), again


searches = st.builds(
    Search,
    text=st.none() | st.sampled_from(["blue", "red", "EV charger", "xyz"]),
    latitude=st.none() | st.just(12.95),
    longitude=st.just(77.55),
    radius_m=st.none() | st.sampled_from([2_000.0, 8_000.0]),
    connectors=st.none() | standards.map(lambda one: (one,)),
    min_power_kw=st.none() | st.just(Decimal(22)),
    location_id=st.none() | ids,
    item_id=st.none() | st.sampled_from(["a", "x1", "IN*ABC*A*A*A"]),
    provider_id=st.none() | st.just("abc.example"),
)


@settings(deadline=None)
@given(
    story=st.lists(locations | tariffs | removals | dropped, max_size=30),
    search=searches,
    data=st.data(),
)
def test_the_order_in_which_things_were_told_does_not_matter(
    story: list[Told], search: Search, data: st.DataObject
) -> None:
    world = World()
    for number, what in enumerate(story):
        tell(world, what)
        if number % 5 == 0:
            world.messages()  # what was encoded before must not stay

    left, again = final(story)
    fresh = World()
    for party in again:
        fresh.index.set_party(party, "again", PROVIDER)
    fresh.put(*data.draw(st.permutations(left)))
    assert world.index.messages("plain", search, NOW) == fresh.index.messages("plain", search, NOW)
    assert world.index.counts() == fresh.index.counts()


@settings(deadline=None)
@given(
    things=st.lists(locations, max_size=12),
    prices=st.lists(tariffs, max_size=6),
    search=searches,
)
def test_a_search_finds_part_of_the_catalogue_and_all_of_it_by_id(
    things: list[Location], prices: list[Tariff], search: Search
) -> None:
    world = World().put(*prices, *things)
    everything = {item["id"]: item for item in world.items()}
    found = items(world.index.messages("plain", search, NOW))
    assert len({item["id"] for item in found}) == len(found)
    assert all(everything[item["id"]] == item for item in found)

    shown = {part["id"]: part["items"] for part in providers(world.messages())}
    for provider_id, of_provider in shown.items():
        for item in of_provider:
            assert world.index.find(provider_id, item["id"]).id == item["id"]
        others = {one["id"].upper() for one in everything.values()} - {
            one["id"].upper() for one in of_provider
        }
        for other in others:
            try:
                world.index.find(provider_id, other)
            except ItemUnknown:
                continue
            raise AssertionError(f"{other} is no item of {provider_id}")


@settings(deadline=None)
@given(things=st.lists(locations, max_size=8), prices=st.lists(tariffs, min_size=1, max_size=6))
def test_what_is_shown_is_what_the_rules_say(things: list[Location], prices: list[Tariff]) -> None:
    world = World().put(*prices, *things)
    known = {key(one)[1:] for one in prices}
    last = {key(one): one for one in things}
    expected = set()
    for place in last.values():
        plugs: dict[tuple[str, str], tuple[Status, Connector]] = {
            (one.uid.lower(), plug.id.lower()): (one.status, plug)
            for one in place.evses
            for plug in one.connectors
        }
        for (uid, plug_id), (status, plug) in plugs.items():
            party = (place.country_code.lower(), place.party_id.lower())
            priced = any((*party, id.lower()) in known for id in plug.tariff_ids)
            if place.publish and status is not Status.REMOVED and priced:
                expected.add("*".join([*party, place.id.lower(), uid, plug_id]))
    assert {item["id"].lower() for item in world.items()} == expected
