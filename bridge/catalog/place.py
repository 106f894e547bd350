"""One Location in the catalogue: what it sells now, and its JSON, encoded when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bridge.catalog.fragments import FragmentRenderer
from bridge.catalog.geo import Position, position
from bridge.catalog.hours import outlook
from bridge.catalog.names import folded
from bridge.catalog.offers import GONE, ObjectKey, Offer, Seller, connectors, item_key, object_key
from bridge.catalog.prices import NEVER, Price, PriceBoard
from bridge.catalog.promotions import Promotions, Showing
from bridge.catalog.spans import Span, common
from bridge.ocpi.locations import EnergyMix, Location
from bridge.ocpi.types import BusinessDetails
from bridge.orders.item import ChargingItem, ItemKey, Provider
from bridge.orders.slot import Slot
from bridge.orders.terms import Surcharge
from bridge.orders.where import is_for
from bridge.pricing.plan import choose_tariff


class Sale(NamedTuple):
    """An offer at the tariff in force; ``green`` by the Location's or the tariff's energy mix."""

    offer: Offer
    price: Price
    green: bool


class HitOffer(NamedTuple):
    """An offer that is for connectors of a hit.

    Args:
        number: the same for the same offer, whatever the hit.
        items: ids of those connectors as JSON strings; none = all of the Location.
    """

    number: int
    fragment: bytes
    items: Sequence[bytes]


class Hit(NamedTuple):
    """A Location that a search found, encoded, with those of its connectors that fit.

    ``id`` is that of the Location as a JSON string, needed with ``offers`` only.
    """

    provider: Provider
    location: bytes
    fulfillment: bytes
    items: Sequence[bytes]
    id: bytes = b""
    offers: Sequence[HitOffer] = ()


class _Shelf(NamedTuple):
    """What is on sale from ``since`` to right before ``until``, and its items by dialect.

    The items are those of some surcharges: with others they are encoded anew.
    """

    since: datetime
    until: datetime
    sales: tuple[Sale, ...]
    items: dict[str, tuple[tuple[Surcharge, ...], tuple[bytes, ...]]]


class _Slots(NamedTuple):
    """A fulfillment, and the time in which its free windows are the ones to show."""

    since: datetime
    until: datetime
    fragment: bytes


class _Matched(NamedTuple):
    """Which offers are for what is on sale, and as hits show them: by dialect, time and choice."""

    shelf: _Shelf
    promotions: Promotions
    offers: Sequence[frozenset[int]]
    shown: dict[tuple[str, frozenset[int], tuple[int, ...]], Sequence[HitOffer]]


CHOICES = 8
"""So many choices of connectors are remembered with their offers for each Location."""


class Place:
    """A Location with its offers; never changed, but for what it remembers of prices and JSON.

    Args:
        seller: whose it is.
        offers: the connectors that can be sold; empty when nothing is to be shown.
        board: the known tariffs; looked up again after :meth:`reprice`.
    """

    __slots__ = (
        "_board",
        "_fulfillments",
        "_later",
        "_locations",
        "_matched",
        "_shelf",
        "key",
        "location",
        "names",
        "offers",
        "operator",
        "position",
        "seller",
        "taken",
    )

    def __init__(
        self,
        location: Location,
        seller: Seller,
        offers: tuple[Offer, ...],
        board: PriceBoard,
    ) -> None:
        self.key = object_key(location.country_code, location.party_id, location.id)
        self.location = location
        self.seller = seller
        self.offers = offers
        self.operator = location.operator or seller.operator
        self.position = _position(location)
        self.names = _names(location, seller.provider, self.operator)
        self._board = board
        self._shelf: _Shelf | None = None
        self._matched: _Matched | None = None
        self._locations: dict[str, bytes] = {}
        self._fulfillments: dict[str, _Slots] = {}
        self._later: dict[str, _Slots] = {}
        self.taken: Sequence[Span] = ()

    def tariff_keys(self) -> set[ObjectKey]:
        """Return the tariffs its offers refer to, known or not."""
        return {key for offer in self.offers for key in self._tariff_keys(offer)}

    def item_id(self, offer: Offer) -> str:
        """Return the folded Beckn item id of an offer."""
        return str(item_key(self.location, offer)).casefold()

    def item_names(self) -> set[str]:
        """Return everything its offers can be called, folded: item ids and aliases."""
        ids = {self.item_id(offer) for offer in self.offers}
        return ids.union(*(offer.aliases() for offer in self.offers))

    def book(self, slots: Iterable[Slot]) -> None:
        """Take note of what is booked: the time that no EVSE is free in is ``taken``."""
        by_evse: dict[str, list[Span]] = {offer.evse.uid.casefold(): [] for offer in self.offers}
        for slot in slots:
            if slot.item.evse_uid in by_evse:
                by_evse[slot.item.evse_uid].append((slot.start, slot.end))
        self.taken = common(list(by_evse.values()))
        self._fulfillments.clear()
        self._later.clear()

    def reprice(self) -> None:
        """Forget the prices: a tariff has changed."""
        self._shelf = None

    def sales(self, now: datetime) -> tuple[Sale, ...]:
        """Return the offers to which a known tariff applies, by number."""
        return self._stock(now).sales

    def sold_as(self, name: str, now: datetime) -> list[Sale]:
        """Return the sales of this folded item id, or else of the EVSEs with this alias."""
        sales = self.sales(now)
        by_id = [sale for sale in sales if name == self.item_id(sale.offer)]
        return by_id or [sale for sale in sales if name in sale.offer.aliases()]

    def item(self, sale: Sale) -> ChargingItem:
        """Return the item that a sale offers."""
        return self._item(sale.offer, sale.price)

    def item_at(self, sale: Sale, at: datetime) -> ChargingItem:
        """Return the item of a sale for charging that starts at another time.

        Its tariff is the one in force then, None without one.
        """
        return self._item(sale.offer, _in_force(self._prices_of(sale.offer, at), at))

    def listed(self, key: ItemKey, now: datetime) -> ChargingItem | None:
        """Return a connector as the CPO describes it now, for sale or not.

        None when it is not listed any more, or its EVSE is REMOVED or PLANNED.
        """
        wanted = key.folded()
        for offer in connectors(self.location):
            if item_key(self.location, offer).folded() == wanted and offer.evse.status not in GONE:
                price = _in_force(self._prices_of(offer, now), now)
                return self._item(offer, price)
        return None

    def encode(self, renderer: FragmentRenderer, now: datetime) -> None:
        """Have the JSON of all that is on sale ready for the next search."""
        if self.sales(now):
            self.hit(renderer, (), now)

    def hit(
        self,
        renderer: FragmentRenderer,
        chosen: Sequence[int],
        now: datetime,
        begin: datetime | None = None,
        shown: Showing | None = None,
    ) -> Hit:
        """Return the Location with those of its sales that are chosen, by index.

        Args:
            begin: from when on free time is to be shown; None = from now on.
            shown: what may be shown of the operator's offers.
        """
        items = self._items(renderer, now)
        hit = Hit(
            self.seller.provider,
            self._location_fragment(renderer),
            self._fulfillment_fragment(renderer, now, begin or now),
            [items[index] for index in chosen],
        )
        found = () if shown is None else self._offers(renderer, chosen, now, shown)
        return hit._replace(id=_json(self.location.id), offers=found) if found else hit

    def promoted(self, now: datetime, shown: Showing) -> Sequence[frozenset[int]]:
        """Return for each sale the offers that are for it and may be shown, by index."""
        in_time = shown.in_time(self.location.time_zone)
        return [offers & in_time for offers in self._match(now, shown.promotions).offers]

    def _match(self, now: datetime, promotions: Promotions) -> _Matched:
        shelf, matched = self._stock(now), self._matched
        if matched is None or matched.shelf is not shelf or matched.promotions is not promotions:
            offers = [promotions.matching(self.item(sale)) for sale in shelf.sales]
            matched = self._matched = _Matched(shelf, promotions, offers, {})
        return matched

    def _offers(
        self, renderer: FragmentRenderer, chosen: Sequence[int], now: datetime, shown: Showing
    ) -> Sequence[HitOffer]:
        """Return the offers for any of the chosen sales."""
        matched, in_time = (
            self._match(now, shown.promotions),
            shown.in_time(self.location.time_zone),
        )
        key = (renderer.name, in_time, tuple(chosen))
        found = matched.shown.get(key)
        if found is None:
            if len(matched.shown) >= CHOICES:
                matched.shown.clear()
            found = matched.shown[key] = [
                HitOffer(
                    offer,
                    matched.promotions.fragment(renderer, offer),
                    self._narrowed(matched, offer, chosen),
                )
                for offer in sorted(
                    in_time & frozenset().union(*(matched.offers[index] for index in chosen))
                )
            ]
        return found

    def _narrowed(self, matched: _Matched, offer: int, chosen: Sequence[int]) -> Sequence[bytes]:
        """Return the ids of the chosen that an offer is for; none = for the whole Location."""
        if matched.promotions.is_for_whole_locations(offer):
            return ()
        sales = matched.shelf.sales
        return [
            _json(str(item_key(self.location, sales[index].offer)))
            for index in chosen
            if offer in matched.offers[index]
        ]

    def _stock(self, now: datetime) -> _Shelf:
        shelf = self._shelf
        if shelf is None or not shelf.since <= now < shelf.until:
            shelf = self._shelf = self._fill(now)
        return shelf

    def _fill(self, now: datetime) -> _Shelf:
        sales = []
        until = NEVER
        for offer in self.offers:
            prices = self._prices_of(offer, now)
            until = min([until, *(price.until for price in prices)])
            price = _in_force(prices, now)
            if price is not None:
                green = _is_green(self.location.energy_mix) or _is_green(price.tariff.energy_mix)
                sales.append(Sale(offer, price, green))
        return _Shelf(now, until, tuple(sales), {})

    def _tariff_keys(self, offer: Offer) -> Iterable[ObjectKey]:
        country_code, party_id, _ = self.key
        return (
            (country_code, party_id, tariff_id.casefold())
            for tariff_id in offer.connector.tariff_ids
        )

    def _prices_of(self, offer: Offer, now: datetime) -> list[Price]:
        time_zone = self.location.time_zone
        prices = (
            self._board.price(key, time_zone, now, offer.power_kw or None)
            for key in self._tariff_keys(offer)
        )
        return [price for price in prices if price is not None]

    def _item(self, offer: Offer, price: Price | None) -> ChargingItem:
        return ChargingItem(
            id=str(item_key(self.location, offer)),
            cpo_id=self.seller.cpo_id,
            provider=self.seller.provider,
            number=offer.number,
            location=replace(self.location, evses=(), operator=self.operator),
            evse=replace(offer.evse, connectors=(offer.connector,)),
            power_kw=offer.power_kw,
            tariff=None if price is None else price.tariff,
            price_kwh=None if price is None else price.kwh,
        )

    def _items(self, renderer: FragmentRenderer, now: datetime) -> tuple[bytes, ...]:
        shelf, surcharges = self._stock(now), self._board.surcharges()
        encoded = shelf.items.get(renderer.name)
        if encoded is None or encoded[0] is not surcharges:
            items = tuple(
                renderer.item_fragment(item, [s for s in surcharges if is_for(s.where, item)])
                for item in map(self.item, shelf.sales)
            )
            encoded = shelf.items[renderer.name] = (surcharges, items)
        return encoded[1]

    def _location_fragment(self, renderer: FragmentRenderer) -> bytes:
        fragment = self._locations.get(renderer.name)
        if fragment is None:
            fragment = self._locations[renderer.name] = renderer.location_fragment(self.location)
        return fragment

    def _fulfillment_fragment(
        self, renderer: FragmentRenderer, now: datetime, begin: datetime
    ) -> bytes:
        """Return free time: as it is now, unless others than those windows are asked for."""
        slots = self._fulfillments.get(renderer.name)
        if slots is None or not slots.since <= now < slots.until:
            slots = self._fulfillments[renderer.name] = self._free(renderer, now)
        if begin < slots.until:
            return slots.fragment
        later = self._later.get(renderer.name)
        if later is None or not later.since <= begin < later.until:
            later = self._later[renderer.name] = self._free(renderer, begin)
        return later.fragment

    def _free(self, renderer: FragmentRenderer, begin: datetime) -> _Slots:
        windows, until = outlook(self.location, begin, self.taken)
        return _Slots(begin, until, renderer.fulfillment_fragment(self.location, windows))


def _json(text: str) -> bytes:
    return msgspec.json.encode(text)


def _position(location: Location) -> Position | None:
    coordinates = location.coordinates
    return position(float(coordinates.latitude), float(coordinates.longitude))


def _names(
    location: Location, provider: Provider, operator: BusinessDetails | None
) -> tuple[str, ...]:
    operated_by = operator.name if operator is not None else None
    return tuple(folded(name) for name in (provider.name, location.name, operated_by) if name)


def _in_force(prices: Sequence[Price], now: datetime) -> Price | None:
    tariff = choose_tariff([price.tariff for price in prices], now)
    return next((price for price in prices if price.tariff is tariff), None)


def _is_green(energy_mix: EnergyMix | None) -> bool:
    return energy_mix is not None and energy_mix.is_green_energy
