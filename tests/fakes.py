"""The ports of the flows in memory: they promise what the stores in Redis do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.flows.jobs import Job
from bridge.flows.ports import CommandRecord, Kind
from bridge.flows.register import Claim
from bridge.ocpi.connection import Connection, Presented, TokenUse
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import Party
from bridge.ocpi.tokens import Token
from bridge.ocpi.versions import Version, VersionDetails
from bridge.orders.customer import customer_of
from bridge.orders.item import ItemKey
from bridge.orders.order import Order, OrderState, SessionKey, references_of
from bridge.orders.pass_order import Membership, MemberUse, PassOrder, PassState, SessionUse
from bridge.orders.plans import CommandPlan
from bridge.orders.slot import Slot, slot_of
from bridge.orders.token import token_of
from bridge.orders.transitions import PLACED, RUNNING
from bridge.orders.uses import Limit, keeps_uses, uses_of
from bridge.orders.uses import Use as OfferUse
from bridge.store.connections import GRACE_S, PENDING_S
from tests.factories import NOW

Use: TypeAlias = tuple[TokenUse, datetime | None]

WATCHED = RUNNING | {OrderState.CONFIRMED}


@dataclass
class MemoryObjects:
    """Fits ObjectStore and Inbox; ``jobs`` is what was queued, ``writes`` counts what was tried."""

    stored: dict[tuple[Kind, Party, str], bytes] = field(default_factory=dict)
    jobs: list[tuple[str, Job]] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    writes: int = 0

    async def read(self, kind: Kind, party: Party, object_id: str) -> bytes | None:
        """Return the stored object."""
        return self.stored.get((kind, party, object_id.casefold()))

    async def write(
        self,
        kind: Kind,
        party: Party,
        object_id: str,
        new: bytes | None,
        old: bytes | None,
        jobs: Mapping[str, Job] | None = None,
    ) -> bool:
        """Compare and set, and queue."""
        self.writes += 1
        place = (kind, party, object_id.casefold())
        if self.stored.get(place) != old:
            return False
        if new is None:
            self.stored.pop(place, None)
        else:
            self.stored[place] = new
        for order_key, job in (jobs or {}).items():
            self.jobs.append((order_key, job))
            if kind is Kind.SESSION:
                session = SessionKey(party.country_code, party.party_id, object_id)
                self.sessions[str(session)] = order_key
        return True

    async def scan(self, kind: Kind, party: Party) -> AsyncIterator[dict[str, bytes]]:
        """Yield all objects of a party by folded id."""
        yield {
            object_id: value
            for (stored_kind, owner, object_id), value in self.stored.items()
            if (stored_kind, owner) == (kind, party)
        }

    async def queue(self, order_key: str, job: Job) -> None:
        """Queue a job."""
        self.jobs.append((order_key, job))


@dataclass
class MemoryOrders:
    """Fits Orders, Correlation and Tokens; every key is read off the orders themselves."""

    objects: MemoryObjects
    emsp: Party
    issuer: str
    orders: dict[str, Order] = field(default_factory=dict)
    commands: dict[str, CommandRecord] = field(default_factory=dict)

    def put(self, order: Order) -> None:
        """Store an order."""
        self.orders[order.key] = order

    def plan(self, plan: CommandPlan) -> None:
        """Write a command down."""
        self.commands[plan.id] = CommandRecord(plan.order_key, plan.cpo_id, plan.type)

    async def load(self, key: str) -> Order | None:
        """Return an order by its key."""
        return self.orders.get(key)

    async def key_of_order_id(self, order_id: str) -> str | None:
        """Return the key behind a Beckn order id."""
        return next((each.key for each in self.orders.values() if each.id == order_id), None)

    async def by_reference(self, reference: str) -> str | None:
        """Return the order key of an authorization_reference."""
        for order in self.orders.values():
            if reference.casefold() in {each.casefold() for each in references_of(order)}:
                return order.key
        return None

    async def by_token(self, uid: str) -> str | None:
        """Return the order key of a token uid."""
        found = await self.get(uid)
        return None if found is None else found[1]

    async def by_session(self, key: SessionKey) -> str | None:
        """Return the order key a session was matched to before."""
        return self.objects.sessions.get(str(key))

    async def pending_starts(
        self, party: Party, location_id: str, evse_uid: str
    ) -> Sequence[tuple[str, str]]:
        """Return (order key, connector id) of every START without outcome on the EVSE."""
        return [
            (order.key, order.item.connector.id)
            for order in self.orders.values()
            if order.state is OrderState.STARTING and _at(order, party, location_id, evse_uid)
        ]

    async def running_on(self, party: Party, location_id: str, evse_uid: str) -> Sequence[str]:
        """Return the order keys to which the status of the EVSE matters."""
        return [
            order.key
            for order in self.orders.values()
            if order.state in WATCHED and _at(order, party, location_id, evse_uid)
        ]

    async def by_command(self, command_id: str) -> CommandRecord | None:
        """Return what a response_url belongs to."""
        return self.commands.get(command_id)

    async def get(self, uid: str) -> tuple[Token, str] | None:
        """Return a token by uid and the key of its order."""
        for order in self.orders.values():
            token = token_of(order, self.emsp, self.issuer)
            if token is not None and token.uid.casefold() == uid.casefold():
                return token, order.key
        return None

    async def all(self) -> Sequence[Token]:
        """Return every token, oldest first."""
        oldest_first = sorted(self.orders.values(), key=lambda order: order.created_at)
        tokens = (token_of(order, self.emsp, self.issuer) for order in oldest_first)
        return [token for token in tokens if token is not None]


def _at(order: Order, party: Party, location_id: str, evse_uid: str) -> bool:
    item = order.item
    return (
        Party(item.location.country_code, item.location.party_id) == party
        and item.location.id.casefold() == location_id.casefold()
        and item.evse.uid.casefold() == evse_uid.casefold()
    )


@dataclass
class MemoryUses:
    """Fits Uses; ``taken`` has, by offer id and order key, the customers of each."""

    taken: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    async def reached(self, use: OfferUse) -> Limit | None:
        """Return which limit leaves no room."""
        offer = use.offer
        others = {k: who for k, who in self._of(use).items() if k != use.order_key}
        if offer.uses is not None and len(others) >= offer.uses:
            return Limit.USES
        each = offer.uses_per_customer
        for customer in use.customers:
            if each is not None and sum(customer in who for who in others.values()) >= each:
                return Limit.USES_PER_CUSTOMER
        return None

    async def take(self, use: OfferUse) -> Limit | None:
        """Take the use if there is room."""
        reached = await self.reached(use)
        if reached is None:
            self._of(use)[use.order_key] = use.customers
        return reached

    async def give_back(self, use: OfferUse) -> None:
        """Forget the use."""
        self._of(use).pop(use.order_key, None)

    def save(self, order: Order) -> None:
        """Bring the uses of an order in line with where it stands."""
        for use in uses_of(order) if order.state in PLACED else []:
            if keeps_uses(order):
                self._of(use)[use.order_key] = use.customers
            else:
                self._of(use).pop(use.order_key, None)

    def _of(self, use: OfferUse) -> dict[str, tuple[str, ...]]:
        return self.taken.setdefault(use.offer.id, {})


@dataclass
class MemoryMembers:
    """Fits Members; ``used`` is by the order of the pass, then by the order that charged."""

    memberships: dict[str, dict[str, Membership]] = field(default_factory=dict)
    used: dict[str, dict[str, SessionUse]] = field(default_factory=dict)

    def save(self, order: PassOrder) -> None:
        """Bring the membership in line with its order."""
        for name in customer_of(order.billing, order.customer).keys():  # noqa: SIM118 - no dict
            own = self.memberships.setdefault(name, {})
            if order.state is PassState.CANCELLED:
                own.pop(order.key, None)
            elif order.membership is not None:
                own[order.key] = order.membership

    def note(self, what: MemberUse) -> None:
        """Note a use in place of an earlier one of its order."""
        uses = self.used.setdefault(what.held_by, {})
        if what.use is None:
            uses.pop(what.order_key, None)
        else:
            uses[what.order_key] = what.use

    async def of(self, customer_key: str) -> Sequence[Membership]:
        """Return the memberships of a customer."""
        return list(self.memberships.get(customer_key, {}).values())

    async def uses(self, order_key: str) -> tuple[SessionUse, ...]:
        """Return the last use by each charging order."""
        return tuple(self.used.get(order_key, {}).values())


@dataclass
class MemoryConnections:
    """Fits Connections and Registrations.

    Args:
        tokens_a: TOKEN_A of each CPO; their ids are those of the configuration.
        inbound: by token, whose it is, what for, and until when.
    """

    connections: dict[str, Connection] = field(default_factory=dict)
    tokens_a: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: NOW
    inbound: dict[str, tuple[str, TokenUse, datetime | None]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)

    async def get(self, cpo_id: str) -> Connection:
        """Return the connection."""
        return self.connections.get(cpo_id, Connection(cpo_id=cpo_id))

    async def save(self, connection: Connection) -> None:
        """Store the connection; one that is registered has used up TOKEN_A."""
        self.connections[connection.cpo_id] = connection
        if connection.registered:
            self.spent.add(connection.cpo_id)

    async def change(
        self, cpo_id: str, change: Callable[[Connection], Connection]
    ) -> tuple[Connection, Connection]:
        """Compare and set."""
        before = await self.get(cpo_id)
        self.connections[cpo_id] = change(before)
        return before, self.connections[cpo_id]

    async def present(self, candidates: Sequence[str]) -> Presented | None:
        """Recognise an inbound token."""
        for candidate in candidates:
            cpo_id, use, until = self.inbound.get(candidate, ("", TokenUse.REGISTER, self.now()))
            if until is None or until > self.now():
                return Presented(cpo_id, self._used(cpo_id, use, candidate), candidate)
        for candidate in candidates:
            for cpo_id, token_a in self.tokens_a.items():
                if candidate == token_a and self._invites(cpo_id):
                    return Presented(cpo_id, TokenUse.REGISTER, candidate)
        return None

    def _invites(self, cpo_id: str) -> bool:
        pending = {
            who
            for who, use, until in self.inbound.values()
            if use is TokenUse.PENDING and (until is None or until > self.now())
        }
        return cpo_id not in self.spent or cpo_id in pending

    def _used(self, cpo_id: str, use: TokenUse, token: str) -> TokenUse:
        if use is TokenUse.FRESH:
            self.inbound = {
                each: who
                for each, who in self.inbound.items()
                if who[:2] != (cpo_id, TokenUse.RETIRING)
            }
            self.inbound[token] = (cpo_id, TokenUse.REGISTERED, None)
        return TokenUse.PENDING if use is TokenUse.PENDING else TokenUse.REGISTERED

    async def offer(self, cpo_id: str, token: str) -> None:
        """Accept our TOKEN_B for as long as a POST may be open."""
        until = self.now() + timedelta(seconds=PENDING_S)
        self.inbound[token] = (cpo_id, TokenUse.PENDING, until)

    async def accept(self, cpo_id: str, token: str) -> None:
        """Accept one more token of a registered CPO."""
        self.inbound[token] = (cpo_id, TokenUse.REGISTERED, None)

    async def withdraw(self, cpo_id: str, token: str) -> None:
        """Accept it no longer."""
        self.inbound.pop(token, None)

    async def complete(self, connection: Connection, token: str) -> Claim | None:
        """Store the connection and make this its only inbound token."""
        return await self._connect(connection, {token: (TokenUse.REGISTERED, None)})

    async def hand_over(self, connection: Connection, token: str, old: str) -> Claim | None:
        """Store the connection; ``old`` is good until the first use of ``token``."""
        until = self.now() + timedelta(seconds=GRACE_S)
        both = {token: (TokenUse.FRESH, None), old: (TokenUse.RETIRING, until)}
        return await self._connect(connection, both)

    async def end(self, cpo_id: str) -> None:
        """Forget the connection and all its inbound tokens."""
        self.connections.pop(cpo_id, None)
        self._replace(cpo_id, {})
        self.spent.add(cpo_id)

    async def _connect(self, connection: Connection, tokens: Mapping[str, Use]) -> Claim | None:
        for cpo_id, other in self.connections.items():
            for party in connection.own_parties() & other.own_parties():
                if cpo_id != connection.cpo_id:
                    return Claim(party, cpo_id)
        await self.save(connection)
        self._replace(connection.cpo_id, tokens)
        return None

    def _replace(self, cpo_id: str, tokens: Mapping[str, Use]) -> None:
        others = {token: who for token, who in self.inbound.items() if who[0] != cpo_id}
        self.inbound = others | {token: (cpo_id, *use) for token, use in tokens.items()}


@dataclass
class RecordedPeers:
    """Fits PeerApi: answers what it was given, keeps what it was asked."""

    offered: Sequence[Version] | None = None
    offered_details: VersionDetails | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def versions(self, url: str, token: str) -> Sequence[Version]:
        """GET the versions endpoint."""
        self.asked.append((url, token))
        if self.offered is None:
            raise CpoUnavailable("versions: no answer")
        return self.offered

    async def details(self, url: str, token: str) -> VersionDetails:
        """GET the version details."""
        self.asked.append((url, token))
        if self.offered_details is None:
            raise CpoUnavailable("version details: no answer")
        return self.offered_details

    async def post_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """POST our credentials: the eMSP side never does."""
        raise AssertionError("the called side does not call credentials")

    async def put_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """PUT our credentials: as little."""
        raise AssertionError("the called side does not call credentials")

    async def delete_credentials(self, url: str, token: str) -> None:
        """DELETE our registration: as little."""
        raise AssertionError("the called side does not call credentials")


@dataclass
class MemorySlots:
    """Fits Slots; what is saved of an order is what the store's commands would write."""

    slots: dict[str, Slot] = field(default_factory=dict)

    async def hold(self, slot: Slot, now: datetime) -> bool:
        """Keep a connector softly, unless another order has its EVSE; what is over goes."""
        self.slots = {name: kept for name, kept in self.slots.items() if kept.until > now}
        for other in await self.busy(slot.item, now):
            if other.order_key != slot.order_key and (
                other.start < slot.end and slot.start < other.end
            ):
                return False
        self.slots[slot.order_key] = slot
        return True

    async def busy(self, item: ItemKey, now: datetime) -> list[Slot]:
        """Return all that is kept on the EVSE of a connector."""
        evse = replace(item.folded(), connector_id="")
        return [
            slot
            for slot in self.slots.values()
            if replace(slot.item, connector_id="") == evse and slot.until > now
        ]

    def save(self, order: Order, before: Order | None) -> bool:
        """Bring the slot of an order in line with it; False: it is not held any more."""
        old, new = slot_of(before), slot_of(order)
        if old == new:
            return True
        if new is None:
            self.slots.pop(order.key, None)
            return True
        held = self.slots.get(order.key)
        if held is None or (held.item, held.start, held.end) != (new.item, new.start, new.end):
            return False
        self.slots[order.key] = new
        return True
