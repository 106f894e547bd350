"""The catalogue of a replica: what the CPOs told, arranged for search, all in memory.

Redis holds the same objects as the truth; whoever reads them there puts them in here. For one
event loop: no method waits, none may run beside another.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from bridge.catalog import answer
from bridge.catalog.fragments import FragmentRenderer
from bridge.catalog.geo import Grid
from bridge.catalog.names import NameBook
from bridge.catalog.offers import (
    ObjectKey,
    Seller,
    Startable,
    object_key,
    offers,
    remotely_startable,
)
from bridge.catalog.passes import OnSale, PassShop, none_on_sale
from bridge.catalog.place import Hit, Place
from bridge.catalog.prices import PriceBoard
from bridge.catalog.promotions import NO_PROMOTIONS, Promotions, showing
from bridge.catalog.query import (
    Query,
    circle_of,
    query_of,
    seeks_charging,
    seeks_passes,
    shows_passes,
    wants_pass,
)
from bridge.errors import ItemUnavailable, ItemUnknown, ProviderUnknown
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.types import BusinessDetails
from bridge.orders.intents import Search
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.slot import Slot
from bridge.orders.terms import Offer, Pass, Surcharge

T = TypeVar("T")

CONTEXT_RESERVE = 4096
"""Bytes of a reply that are kept for the context around the message."""


class Counts(NamedTuple):
    """How much the catalogue holds; ``shown`` is what a search without filters finds."""

    parties: int
    tariffs: int
    locations: int
    shown_locations: int
    shown_connectors: int


class CatalogIndex:
    """Search and look-up of connectors on offer.

    Locations and tariffs may come in any order, before their party too: a connector is shown as
    soon as everything about it is known. All ids are compared as CiStrings, without case.

    Args:
        renderers: the dialects whose fragments are kept ready.
        max_reply_bytes: size of a whole on_search body, context included.
        max_messages: a search is answered with at most so many messages.
        default_radius_m: for a circle without radius; metres.
        clock: current time, aware; for what is asked for without a time.
        startable: which EVSEs can be started by command; the others are not shown.
        promoted, surcharges: the operator's, as they are now; the same tuples until they change.
        passes: the loyalty passes on sale now, of whichever provider.
    """

    def __init__(
        self,
        renderers: Sequence[FragmentRenderer],
        *,
        max_reply_bytes: int,
        default_radius_m: float,
        clock: Callable[[], datetime],
        max_messages: int = 5,
        startable: Startable = remotely_startable,
        promoted: Callable[[], tuple[Offer, ...]] = tuple,
        passes: OnSale = none_on_sale,
        surcharges: Callable[[], tuple[Surcharge, ...]] = tuple,
    ) -> None:
        if max_reply_bytes <= CONTEXT_RESERVE:
            raise ValueError(f"max_reply_bytes must be more than {CONTEXT_RESERVE}")
        self._renderers = {renderer.name: renderer for renderer in renderers}
        self._max_message_bytes = max_reply_bytes - CONTEXT_RESERVE
        self._max_messages = max_messages
        self._default_radius_m = default_radius_m
        self._clock = clock
        self._startable = startable
        self._promoted = promoted
        self._surcharges = surcharges
        self._promotions = NO_PROMOTIONS
        self._shop = PassShop(passes)
        self.clear()

    def clear(self) -> None:
        """Forget everything, the parties too."""
        self._sellers: dict[tuple[str, str], Seller] = {}
        self._away: dict[tuple[str, str], ConnectionStatus] = {}
        self._board = PriceBoard(self._surcharges)
        self._homeless: dict[ObjectKey, Location] = {}
        self._places: dict[ObjectKey, Place] = {}
        self._booked: dict[ObjectKey, tuple[Slot, ...]] = {}
        self._unprepared: set[ObjectKey] = set()
        self._in_order: list[ObjectKey] = []
        self._grid = Grid()
        self._names = NameBook()
        self._by_item_name: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._by_tariff: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def counts(self) -> Counts:
        """Return how much there is, shown as of now."""
        now = self._clock()
        places = [each for key, each in self._places.items() if key[:2] not in self._away]
        shown = [len(sales) for place in places if (sales := place.sales(now))]
        return Counts(
            parties=len(self._sellers),
            tariffs=len(self._board),
            locations=len(self._places) + len(self._homeless),
            shown_locations=len(shown),
            shown_connectors=sum(shown),
        )

    # What the CPOs tell

    def set_party(
        self,
        party: Party,
        cpo_id: str,
        provider: Provider,
        operator: BusinessDetails | None = None,
    ) -> None:
        """Say whose a party is and which provider it is shown as; its Locations follow."""
        key, seller = _party_key(party), Seller(cpo_id, provider, operator)
        if self._sellers.get(key) == seller:
            return
        self._sellers[key] = seller
        for location in self._locations_of(key):
            self.put_location(location)

    def set_status(self, party: Party, status: ConnectionStatus) -> None:
        """Say whether a party can be reached; what it sells is not on offer while it cannot."""
        if status is ConnectionStatus.CONNECTED:
            self._away.pop(_party_key(party), None)
        else:
            self._away[_party_key(party)] = status

    def drop_party(self, party: Party) -> None:
        """Forget a party with all its Locations and tariffs."""
        key = _party_key(party)
        for location in self._locations_of(key):
            self.remove_location(party, location.id)
        for tariff_key in self._board.keys_of(key):
            self._board.remove(tariff_key)
        self._sellers.pop(key, None)
        self._away.pop(key, None)

    def put_location(self, location: Location) -> None:
        """Add a Location, or replace it; it is encoded by ``prepare``, or when it is found."""
        key = object_key(location.country_code, location.party_id, location.id)
        self._take_out(key)
        seller = self._sellers.get(key[:2])
        if seller is None:
            self._homeless[key] = location
            return
        on_offer = offers(location, seller.cpo_id, self._startable)
        place = self._places[key] = Place(location, seller, on_offer, self._board)
        if place.offers:
            self._link(place)
            self._unprepared.add(key)
            if key in self._booked:
                place.book(self._booked[key])

    def prepare(self) -> bool:
        """Encode a Location before a search asks for it; False when all are ready.

        To be called when there is time: a search that comes first encodes what it finds.
        """
        if not self._unprepared:
            return False
        place, now = self._places[self._unprepared.pop()], self._clock()
        for renderer in self._renderers.values():
            place.encode(renderer, now)
        return True

    def remove_location(self, party: Party, location_id: str) -> None:
        """Take a Location out; nothing happens when it is not there."""
        self._take_out(object_key(party.country_code, party.party_id, location_id))

    def put_tariff(self, tariff: Tariff) -> None:
        """Add a tariff, or replace it; the connectors that refer to it are encoded anew."""
        key = object_key(tariff.country_code, tariff.party_id, tariff.id)
        self._board.put(key, tariff)
        self._reprice(key)

    def remove_tariff(self, party: Party, tariff_id: str) -> None:
        """Take a tariff out; connectors without another one are not shown any more."""
        key = object_key(party.country_code, party.party_id, tariff_id)
        self._board.remove(key)
        self._reprice(key)

    def set_booked(self, party: Party, location_id: str, slots: Iterable[Slot]) -> None:
        """Say what is firmly booked of a Location, all of it."""
        key = object_key(party.country_code, party.party_id, location_id)
        self._booked[key] = tuple(slots)
        place = self._places.get(key)
        if place is not None and place.offers:
            place.book(self._booked[key])
            self._unprepared.add(key)
        if not self._booked[key]:
            del self._booked[key]

    # What flows ask

    def find(self, provider_id: str, item_id: str, at: datetime | None = None) -> ChargingItem:
        """Return an item on sale by its id, or by an evse_id or EVSE uid that names just one.

        An empty ``provider_id`` stands for any provider: an item id names its party itself.

        Raises:
            ProviderUnknown: no party is shown as this provider.
            ItemUnknown: the provider sells no such connector, or the alias names several.
            ItemUnavailable: its party cannot be reached now.
        """
        wanted = provider_id.casefold()
        parties = {
            key
            for key, seller in self._sellers.items()
            if not wanted or seller.provider.id.casefold() == wanted
        }
        if not parties:
            raise ProviderUnknown(f"provider {provider_id!r} is not known")
        name, now = item_id.casefold(), self._clock()
        places = (
            self._places[key] for key in self._by_item_name.get(name, ()) if key[:2] in parties
        )
        named = [(place, sale) for place in places for sale in place.sold_as(name, now)]
        if len(named) != 1:
            fault = "names several connectors" if named else "is not known"
            raise ItemUnknown(f"item {item_id!r} of provider {provider_id!r} {fault}")
        ((place, sale),) = named
        if (status := self._away.get(place.key[:2])) is not None:
            raise ItemUnavailable(f"the operator of item {item_id!r} is {status} at its hub")
        return place.item(sale) if at is None else place.item_at(sale, at)

    def provider(self, provider_id: str) -> tuple[str, Provider]:
        """Return the CPO behind a provider, and the provider.

        Raises:
            ProviderUnknown: no party is shown as this provider.
        """
        wanted = provider_id.casefold()
        for seller in self._sellers.values():
            if seller.provider.id.casefold() == wanted:
                return seller.cpo_id, seller.provider
        raise ProviderUnknown(f"provider {provider_id!r} is not known")

    def current(self, item: ChargingItem) -> ChargingItem | None:
        """Return an ordered item as the CPO describes it now, still on sale or not.

        None when the CPO does not list the connector any more, or its EVSE is REMOVED or PLANNED.
        The tariff is the one in force now, None without one: an order has frozen its own.
        """
        key = item.key
        place = self._places.get(object_key(key.country_code, key.party_id, key.location_id))
        return None if place is None else place.listed(key, self._clock())

    def messages(self, dialect: str, search: Search, now: datetime) -> list[bytes]:
        """Return the ``message`` of each on_search that answers, nearest first; none = no hit.

        A message names each provider once, with its Locations nearest first. Without a circle the
        order is that of the ids. Passes of a provider go with what else it sells, and answer
        alone when they are what is sought.
        """
        renderer, limits = self._renderers[dialect], (self._max_message_bytes, self._max_messages)
        passes = self._shop.passes()
        if seeks_passes(search, self._names, passes):
            wanted = [each for each in passes if wants_pass(search, passes, each)]
            return answer.pass_messages(self._shelves(renderer, wanted, now), renderer, *limits)
        if not seeks_charging(search):
            return []
        shown = passes if passes and shows_passes(search) else ()
        shelves = {each.provider.id: each for each in self._shelves(renderer, shown, now)}
        return answer.messages(self._hits(renderer, search, now), renderer, *limits, shelves)

    def _shelves(
        self, renderer: FragmentRenderer, passes: Sequence[Pass], now: datetime
    ) -> list[answer.Shelf]:
        if not passes:
            return []
        providers = {
            seller.provider.id.casefold(): seller.provider
            for key, seller in self._sellers.items()
            if key not in self._away
        }
        return self._shop.shelves(renderer, providers, passes, now)

    def _hits(self, renderer: FragmentRenderer, search: Search, now: datetime) -> Iterator[Hit]:
        query = query_of(search, self._names, now)
        begin = None if query.window is None else query.window[0]
        promotions = self._promotions_now()
        shown = showing(promotions, query.window, now) if promotions.offers else None
        if query.promoted and shown is None:
            return
        for key in self._candidates(search, query):
            place = self._places.get(key)
            if place is None or key[:2] in self._away or not query.wants_place(place):
                continue
            chosen = [
                index for index, sale in enumerate(place.sales(now)) if query.wants(place, sale)
            ]
            if query.promoted and shown is not None:
                offers = place.promoted(now, shown)
                chosen = [index for index in chosen if offers[index]]
            if chosen:
                yield place.hit(renderer, chosen, now, begin, shown)

    def _promotions_now(self) -> Promotions:
        """Return the offers as they are now, encoded anew when they are others."""
        offers = self._promoted()
        if offers is not self._promotions.offers and offers != self._promotions.offers:
            self._promotions = Promotions(offers, list(self._renderers.values()))
        return self._promotions

    def _candidates(self, search: Search, query: Query) -> Iterable[ObjectKey]:
        """Return, in the order of the answer, at least every Location that may fit."""
        circle = circle_of(search, self._default_radius_m)
        if circle is not None:
            return (key for _, key in self._grid.within(*circle))
        if query.item_id is not None:
            return sorted(self._by_item_name.get(query.item_id, ()))
        if query.location_id is not None:
            return [(*party, query.location_id) for party in sorted(self._sellers)]
        return self._in_order

    # The registers behind

    def _link(self, place: Place) -> None:
        insort(self._in_order, place.key)
        self._names.add(place.names)
        if place.position is not None:
            self._grid.put(place.key, place.position)
        for tariff_key in place.tariff_keys():
            self._by_tariff[tariff_key].add(place.key)
        for name in place.item_names():
            self._by_item_name[name].add(place.key)

    def _unlink(self, place: Place) -> None:
        del self._in_order[bisect_left(self._in_order, place.key)]
        self._names.drop(place.names)
        self._grid.remove(place.key)
        for tariff_key in place.tariff_keys():
            _discard(self._by_tariff, tariff_key, place.key)
        for name in place.item_names():
            _discard(self._by_item_name, name, place.key)

    def _take_out(self, key: ObjectKey) -> None:
        self._homeless.pop(key, None)
        self._unprepared.discard(key)
        place = self._places.pop(key, None)
        if place is not None and place.offers:
            self._unlink(place)

    def _reprice(self, tariff_key: ObjectKey) -> None:
        for key in self._by_tariff.get(tariff_key, ()):
            self._places[key].reprice()
            self._unprepared.add(key)

    def _locations_of(self, party_key: tuple[str, str]) -> list[Location]:
        placed = [place.location for key, place in self._places.items() if key[:2] == party_key]
        return placed + [
            location for key, location in self._homeless.items() if key[:2] == party_key
        ]


def _party_key(party: Party) -> tuple[str, str]:
    return party.country_code.casefold(), party.party_id.casefold()


def _discard(register: dict[T, set[ObjectKey]], entry: T, key: ObjectKey) -> None:
    """Take a key out of an entry, and the entry out when it was the last."""
    register[entry].discard(key)
    if not register[entry]:
        del register[entry]
