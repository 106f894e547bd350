"""What flows need from the outside, each port one to four methods. Stores and clients fit them."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bridge.flows.jobs import Job
from bridge.ocpi.connection import Connection, Presented
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import EVSE
from bridge.ocpi.tokens import Token
from bridge.ocpi.types import ModuleID
from bridge.ocpi.versions import Version, VersionDetails
from bridge.orders.intents import Search
from bridge.orders.item import ChargingItem, ItemKey, Provider
from bridge.orders.order import Order, SessionKey
from bridge.orders.pass_order import Membership, SessionUse
from bridge.orders.slot import Slot
from bridge.orders.uses import Limit, Use


class Kind(enum.StrEnum):
    """The OCPI objects that are kept as the CPO's truth."""

    LOCATION = "location"
    TARIFF = "tariff"
    SESSION = "session"
    CDR = "cdr"


class ObjectStore(Protocol):
    """OCPI objects as encoded JSON, by kind, party and id (ids compare as CiStrings)."""

    async def read(self, kind: Kind, party: Party, object_id: str) -> bytes | None:
        """Return the stored object."""
        ...

    async def write(
        self,
        kind: Kind,
        party: Party,
        object_id: str,
        new: bytes | None,
        old: bytes | None,
        jobs: Mapping[str, Job] | None = None,
    ) -> bool:
        """Compare and set in one Redis transaction; None = absent.

        ``jobs`` (order key -> job) are queued in the same transaction. A change of a Location or
        Tariff reaches every replica's catalogue. False: ``old`` is not what is stored any more,
        nothing was written; read again.
        """
        ...

    def scan(self, kind: Kind, party: Party) -> AsyncIterator[dict[str, bytes]]:
        """Yield all Locations or tariffs of a party by folded id, some at a time.

        What is written meanwhile may be among them, and may come twice.
        """
        ...


class Wanted(NamedTuple):
    """An object that a push, or another object, speaks of and that we do not have."""

    party: Party
    id: str


class PullSoon(Protocol):
    """Asks for what a CPO knows and we lack; it is fetched beside whatever goes on."""

    def __call__(
        self,
        cpo_id: str,
        module: ModuleID,
        wanted: Wanted | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        """Have the CPO's list pulled before its time, or this one object of it fetched.

        ``at_once``: however short ago it was pulled; somebody waits for what it says now.
        """
        ...


class Orders(Protocol):
    """Reading side of the orders; they are written by the worker that ran the flow."""

    async def load(self, key: str) -> Order | None:
        """Return an order by its key."""
        ...

    async def key_of_order_id(self, order_id: str) -> str | None:
        """Return the key behind a Beckn order id."""
        ...


class Correlation(Protocol):
    """From OCPI facts back to the order (mapping H1)."""

    async def by_reference(self, reference: str) -> str | None:
        """Return the order key of an authorization_reference (CiString)."""
        ...

    async def by_token(self, uid: str) -> str | None:
        """Return the order key of a token uid (CiString)."""
        ...

    async def by_session(self, key: SessionKey) -> str | None:
        """Return the order key a session was matched to before."""
        ...

    async def pending_starts(
        self, party: Party, location_id: str, evse_uid: str
    ) -> Sequence[tuple[str, str]]:
        """Return (order key, connector id) of every START without outcome on the EVSE."""
        ...

    async def running_on(self, party: Party, location_id: str, evse_uid: str) -> Sequence[str]:
        """Return the order keys with a running session on the EVSE."""
        ...

    async def by_command(self, command_id: str) -> CommandRecord | None:
        """Return what a response_url belongs to."""
        ...


class Inbox(Protocol):
    """Where events of orders come in that change no OCPI object."""

    async def queue(self, order_key: str, job: Job) -> None:
        """Queue a job in the order's lane; it is in Redis when this returns."""
        ...


class CommandRecord(NamedTuple):
    """A command that was written down: whose it is, and which CPO may answer it."""

    order_key: str
    cpo_id: str
    type: str


class Connections(Protocol):
    """Registered platforms and inbound credentials tokens (kept as hashes)."""

    async def get(self, cpo_id: str) -> Connection:
        """Return the connection; an unregistered one when nothing is stored."""
        ...

    async def save(self, connection: Connection) -> None:
        """Store the connection and announce it to all replicas."""
        ...

    async def change(
        self, cpo_id: str, change: Callable[[Connection], Connection]
    ) -> tuple[Connection, Connection]:
        """Compare and set; return what was stored and what is, announced if it differs.

        ``change`` is called again when somebody came between.
        """
        ...

    async def present(self, candidates: Sequence[str]) -> Presented | None:
        """Recognise an inbound token, among the readings of one Authorization header."""
        ...


class Tokens(Protocol):
    """The eMSP's own tokens: one for each placed order."""

    async def get(self, uid: str) -> tuple[Token, str] | None:
        """Return a token by uid (CiString) and the key of its order."""
        ...

    async def all(self) -> Sequence[Token]:
        """Return every token, oldest first."""
        ...


class PeerApi(Protocol):
    """Configuration modules of a peer, called with a token that need not be stored yet.

    All methods raise CpoUnavailable when there is no usable answer.
    """

    async def versions(self, url: str, token: str) -> Sequence[Version]:
        """GET the versions endpoint."""
        ...

    async def details(self, url: str, token: str) -> VersionDetails:
        """GET the version details."""
        ...

    async def post_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """POST our credentials, return theirs."""
        ...

    async def put_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """PUT our new credentials, return theirs."""
        ...

    async def delete_credentials(self, url: str, token: str) -> None:
        """DELETE our registration at the peer."""
        ...


class Catalog(Protocol):
    """The in-memory catalogue of this replica."""

    def find(self, provider_id: str, item_id: str, at: datetime | None = None) -> ChargingItem:
        """Return an item by id or alias, with the tariff in force when charging starts, or now.

        Raises ProviderUnknown, ItemUnknown, ItemUnavailable.
        """
        ...

    def current(self, item: ChargingItem) -> ChargingItem | None:
        """Return the item as the CPO describes it now; None when it is gone."""
        ...

    def provider(self, provider_id: str) -> tuple[str, Provider]:
        """Return the CPO behind a provider, and the provider. Raises ProviderUnknown."""
        ...


class LiveStatus(Protocol):
    """The CPO's own word on an EVSE."""

    async def evse(self, cpo_id: str, item: ChargingItem) -> EVSE | None:
        """GET the EVSE (Locations, Sender). None: the CPO does not know it.

        Raises:
            CpoUnavailable: no usable answer within the time-out.
        """
        ...


class CatalogSearch(Protocol):
    """Search over the in-memory catalogue."""

    def messages(self, dialect: str, search: Search, now: datetime) -> list[bytes]:
        """Return the ``message`` of each on_search, best first; none when nothing fits."""
        ...


class Slots(Protocol):
    """What connectors are kept for whom; an order that is saved keeps its slot or lets it go."""

    async def hold(self, slot: Slot, now: datetime) -> bool:
        """Keep a connector softly, atomically; False: another order has its EVSE at that time.

        An order has one slot: its own is no obstacle, and is replaced.
        """
        ...

    async def busy(self, item: ItemKey, now: datetime) -> Sequence[Slot]:
        """Return all that is kept on the EVSE of a connector from now on, whoever has it."""
        ...


class Uses(Protocol):
    """Who has the offers of which there are only so many; an order that is saved brings its own
    in line with where it stands.
    """

    async def reached(self, use: Use) -> Limit | None:
        """Return which limit leaves no room for this use; None = there is room."""
        ...

    async def take(self, use: Use) -> Limit | None:
        """Take the use if no limit is reached, atomically; an order takes it once."""
        ...

    async def give_back(self, use: Use) -> None:
        """Let others have it; nothing happens if the order has none."""
        ...


class Freshness(Protocol):
    """How old our knowledge of an EVSE is."""

    def fresh(self, item: ChargingItem) -> bool:
        """Return whether its status was heard recently enough to be believed."""
        ...


class Members(Protocol):
    """Who has a loyalty pass, and what it was used for; written by the worker that ran the flow."""

    async def of(self, customer_key: str) -> Sequence[Membership]:
        """Return the memberships of a customer (``Customer.keys``), of whatever time."""
        ...

    async def uses(self, order_key: str) -> tuple[SessionUse, ...]:
        """Return the last use by each charging order, of the membership of a pass's order."""
        ...


class Contact(NamedTuple):
    """Where a driver gets help."""

    phone: str | None
    email: str | None
    url: str | None


class Contacts(Protocol):
    """Support contacts and addresses that the operator configured."""

    def support(self, cpo_id: str | None) -> Contact | None:
        """Return the CPO's contact, else our own, else None."""
        ...

    def feedback_url(self) -> str | None:
        """Return the form that on_rating offers."""
        ...

    def callback_allowed(self, url: str) -> str | None:
        """Return why a track callback_url may not be called; None = it may."""
        ...
