"""Which connectors of a Location can be sold, and what is fixed about each of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.locations import EVSE, Capability, Connector, Location, PowerType, Status
from bridge.ocpi.types import BusinessDetails
from bridge.orders.item import ItemKey, Provider

ObjectKey = tuple[str, str, str]
"""Country code, party id and id of a Location or Tariff, folded: CiStrings compare without case."""

GONE = frozenset({Status.REMOVED, Status.PLANNED})
"""An EVSE in one of these states is not there: taken away, or not built yet."""

PHASES = {
    PowerType.AC_1_PHASE: 1,
    PowerType.AC_2_PHASE: 2,
    PowerType.AC_2_PHASE_SPLIT: 2,
    PowerType.AC_3_PHASE: 3,
    PowerType.DC: 1,
}


class Seller(NamedTuple):
    """Whose connectors these are: the configured CPO and its name on the Beckn network.

    ``operator`` is who the party says it is: the operator of Locations that name none (O66).
    """

    cpo_id: str
    provider: Provider
    operator: BusinessDetails | None = None


Startable = Callable[[str, EVSE], bool]
"""Whether an EVSE of a CPO (its configured id) can be started by command."""


def startable_by(flags: Callable[[str], Flags]) -> Startable:
    """Return what tells whether an EVSE takes START_SESSION.

    It does when it says so, or else the operator says so of such EVSEs, or nobody says anything
    at all (decisions 12).

    Args:
        flags: what the operator said about a CPO, by its configured id.
    """

    def startable(cpo_id: str, evse: EVSE) -> bool:
        capabilities = flags(cpo_id).capabilities(evse)
        return not capabilities or Capability.REMOTE_START_STOP_CAPABLE in capabilities

    return startable


remotely_startable: Startable = startable_by(lambda cpo_id: NO_FLAGS)
"""The same of a CPO about which the operator said nothing."""


class Offer(NamedTuple):
    """A connector that can be sold once a tariff is known; ``number`` as in ChargingItem."""

    number: int
    evse: EVSE
    connector: Connector
    power_kw: Decimal

    def aliases(self) -> tuple[str, ...]:
        """Return what names the EVSE besides the item id, folded: its uid and its evse_id."""
        names = (self.evse.uid, self.evse.evse_id)
        return tuple(name.casefold() for name in names if name is not None)


def object_key(country_code: str, party_id: str, object_id: str) -> ObjectKey:
    """Return the key of a Location or Tariff."""
    return country_code.casefold(), party_id.casefold(), object_id.casefold()


def item_key(location: Location, offer: Offer) -> ItemKey:
    """Return the ids behind the Beckn item id."""
    return ItemKey(
        location.country_code, location.party_id, location.id, offer.evse.uid, offer.connector.id
    )


def connectors(location: Location) -> list[Offer]:
    """Return every connector the CPO tells of, numbered from 1 by EVSE uid and connector id.

    Numbers count connectors that are not sold as well, so a fault elsewhere in the Location does
    not rename a charger. Of two connectors with the same ids the last one counts.
    """
    by_ids = {
        (evse.uid.casefold(), connector.id.casefold()): (evse, connector)
        for evse in location.evses
        for connector in evse.connectors
    }
    return [
        Offer(number, evse, connector, power_kw(connector))
        for number, (_, (evse, connector)) in enumerate(
            sorted(by_ids.items(), key=lambda entry: entry[0]), start=1
        )
    ]


def offers(location: Location, cpo_id: str, startable: Startable) -> tuple[Offer, ...]:
    """Return the connectors that can be sold: published, present and started by command."""
    if not location.publish:
        return ()
    return tuple(
        offer
        for offer in connectors(location)
        if offer.evse.status not in GONE and startable(cpo_id, offer.evse)
    )


def power_kw(connector: Connector) -> Decimal:
    """Return the maximum power: as stated, else from voltage, current and phases."""
    if connector.max_electric_power is not None:
        watts = connector.max_electric_power
    else:
        watts = connector.max_voltage * connector.max_amperage * PHASES[connector.power_type]
    return Decimal(watts) / 1000
