"""What the application and the command line share: stores, dialects, the eMSP, what is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from bridge.clients.configuration import ConfigurationApi
from bridge.clients.ocpi import Exchange, OcpiClient
from bridge.dialects.deg.dialect import Deg
from bridge.dialects.dialect import Dialect
from bridge.dialects.uei.dialect import Uei
from bridge.dialects.uei.money import ACCOUNT, NO_ACCOUNT
from bridge.dialects.v1.settings import DialectSettings, PaymentOptions, RefundTerms
from bridge.errors import SettingsInvalid
from bridge.flows.emsp.emsp import About, Emsp
from bridge.mapping import Mappings
from bridge.observability import Event, Metrics, get_logger, learn
from bridge.observability.metrics import NONE
from bridge.observability.tracing import OFF, Tracing, join
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import ModuleID
from bridge.operator import Operator
from bridge.orders.order import transaction_of
from bridge.settings import Settings
from bridge.settings.model import Tracing as TracingSettings
from bridge.store.connect import connect
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database, Observe, unobserved
from bridge.store.deviations import Deviations, Kind
from bridge.store.inbox import Inbox
from bridge.store.journal import Journal
from bridge.store.lanes import Lanes
from bridge.store.members import MemberStore
from bridge.store.objects import ObjectStore
from bridge.store.orders import OrderStore
from bridge.store.outbox import DeadLetters
from bridge.store.presence import Presence
from bridge.store.pulls import Pulls
from bridge.store.sealed import Seal
from bridge.store.slots import SlotStore
from bridge.store.uses import UseStore
from bridge.workers.asked import Asked
from bridge.workers.inbox import LaneSet
from bridge.workers.puller import Puller
from bridge.workers.sources import Tools
from bridge.workers.spare import Rush

log = get_logger()

CALM = frozenset(
    {
        *("connection.registered", "connection.renewed", "connection.ended"),
        *("cpo.registered", "cpo.registering", "cpo.renewed", "pull.done", "token.authorized"),
        "hub.party_changed",
    }
)
"""Events of a CPO's connection that are as they should be."""


def now() -> datetime:
    """Return the time of now, aware."""
    return datetime.now(UTC)


class Stores(NamedTuple):
    """Everything that keeps facts in Redis."""

    database: Database
    lanes: LaneSet
    inbox: Inbox
    orders: OrderStore
    slots: SlotStore
    members: MemberStore
    objects: ObjectStore
    journal: Journal
    dead: DeadLetters
    connections: ConnectionStore
    pulls: Pulls
    deviations: Deviations
    uses: UseStore
    presence: Presence


def stores_of(settings: Settings, redis_url: str, observe: Observe = unobserved) -> Stores:
    """Return the stores, on one Redis client; ``observe`` is told of each round trip."""
    database = Database(connect(redis_url), observe=observe)
    retention_s = settings.retention_days * 86_400
    buried_s = retention_s // 2
    lanes = LaneSet(*(Lanes(database, kind, failed_kept_s=buried_s) for kind in LaneSet._fields))
    tokens_a = {cpo.id: cpo.token_a.get_secret_value() for cpo in settings.cpos}
    return Stores(
        database=database,
        lanes=lanes,
        inbox=Inbox(database, lanes.inbox),
        orders=OrderStore(
            database,
            emsp=party_of(settings),
            issuer=settings.ocpi.business_name,
            retention_s=retention_s,
        ),
        slots=SlotStore(database),
        members=MemberStore(database, retention_s=retention_s),
        objects=ObjectStore(database, lanes.inbox, retention_s=retention_s),
        journal=Journal(database, retention_s=retention_s),
        dead=DeadLetters(database, lanes.outbox, retention_s=retention_s),
        connections=ConnectionStore(database, tokens_a, seal=Seal(settings.secrets_keys)),
        pulls=Pulls(database),
        deviations=Deviations(database, retention_s=retention_s),
        uses=UseStore(database, retention_s=retention_s),
        presence=Presence(database),
    )


def emsp_of(
    settings: Settings,
    stores: Stores,
    operator: Operator,
    client: OcpiClient,
    *,
    wake: Callable[[], None],
    asked: Asked,
    tolerated: Callable[[str, Met], None],
    tracing: Tracing = OFF,
) -> Emsp:
    """Return what keeps the facts of CPOs, pushed or pulled."""
    cpos = operator.cpos()
    return Emsp(
        objects=stores.objects,
        orders=stores.orders,
        correlation=stores.orders,
        tokens=stores.orders,
        inbox=stores.inbox,
        connections=stores.connections,
        registrations=stores.connections,
        peers=lambda cpo_id: ConfigurationApi(client, cpos[cpo_id], answering=True),
        party=party_of(settings),
        business_name=settings.ocpi.business_name,
        public_url=operator.public_url,
        overrides=operator.overrides,
        now=now,
        wake=wake,
        pull_soon=asked.pull_soon,
        sync_soon=asked.sync_soon,
        notice=notice,
        hubs=operator.is_hub,
        flags=operator.flags,
        tolerated=tolerated,
        refused=refusal(stores.deviations),
        pushed=stores.presence.pushed,
        cpo_ids=operator.cpo_ids(),
        about=about_order(stores, tracing),
    )


def puller_of(
    stores: Stores,
    operator: Operator,
    client: OcpiClient,
    emsp: Emsp,
    asked: Asked,
    metrics: Metrics,
    rush: Rush,
) -> Puller:
    """Return what pulls the lists of CPOs."""

    def bad(cpo_id: str, module: ModuleID) -> None:
        metrics.bad_objects.labels(cpo_id, module).inc()

    tools = Tools(
        client=client,
        emsp=emsp,
        objects=stores.objects,
        pulls=stores.pulls,
        notice=notice,
        bad=bad,
        rush=rush,
    )
    return Puller(tools=tools, connections=stores.connections, cpos=operator.pulled(), asked=asked)


def dialects_of(settings: Settings, mappings: Mappings) -> list[Dialect]:
    """Return the Beckn dialects that are switched on."""
    payment = settings.payment
    options = DialectSettings(
        bpp_id=settings.beckn.subscriber_id,
        bpp_name=settings.ocpi.business_name,
        zone=settings.time_zone,
        payment=PaymentOptions(
            methods=payment.methods,
            url=payment.url,
            bank_code=payment.bank_code,
            bank_account_number=payment.bank_account_number,
            upi_address=payment.upi_address,
        ),
        refund=RefundTerms(share=settings.terms.refund_share, within=settings.terms.refund_within),
    )
    missing = [name for name in ACCOUNT if getattr(payment, name) is None]
    if missing and "uei" in settings.beckn.dialects and payment.collected_by == "BPP":
        log.warning("payment.account_missing", dialect="uei", keys=missing, told=NO_ACCOUNT)
    known: dict[str, Callable[[], Dialect]] = {
        "deg": lambda: Deg(mappings, options),
        "uei": lambda: Uei(mappings, options, settings.beckn.uei_profile),
    }
    return [known[name]() for name in settings.beckn.dialects]


def party_of(settings: Settings) -> Party:
    """Return the eMSP party of the bridge."""
    return Party(settings.ocpi.country_code, settings.ocpi.party_id)


def observer(metrics: Metrics, *heard: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Return what counts and logs every request to a CPO, and tells it to others."""

    def observe(exchange: Exchange) -> None:
        code = exchange.code
        # A code of the peer's own making is no word of a closed set.
        status = NONE if code is None else str(code) if 1000 <= code < 5000 else "other"
        who = ("out", exchange.cpo_id or NONE, exchange.module)
        metrics.ocpi_requests.labels(*who, exchange.method, status).inc()
        metrics.ocpi_seconds.labels(*who).observe(exchange.duration_s)
        log.info(
            "ocpi.called",
            cpo=exchange.cpo_id,
            module=exchange.module,
            method=exchange.method,
            url=exchange.url,
            http=exchange.http,
            code=exchange.code,
            ms=round(exchange.duration_s * 1000),
            correlation_id=exchange.correlation_id,
            **({"error": exchange.error, "said": exchange.said} if exchange.error else {}),
        )
        if exchange.unreached is not None:
            log.warning(
                "hub.party_unreachable",
                cpo=exchange.cpo_id,
                party=str(exchange.unreached),
                module=exchange.module,
                code=code,
            )
        for hear in heard:
            hear(exchange)

    return observe


def tolerance(metrics: Metrics, deviations: Deviations) -> Callable[[str, Met], None]:
    """Return what counts each leniency that a CPO needed, and tells of it once."""
    told: set[tuple[str, Leniency]] = set()

    def tolerated(cpo_id: str, met: Met) -> None:
        metrics.leniencies.labels(cpo_id, met.leniency).inc()
        deviations.note(cpo_id, Kind.FORGIVEN, met.leniency, met.place)
        if (cpo_id, met.leniency) not in told:
            told.add((cpo_id, met.leniency))
            log.warning("ocpi.tolerated", cpo=cpo_id, leniency=met.leniency, place=met.place)

    return tolerated


def refusal(deviations: Deviations) -> Callable[[str, str, str], None]:
    """Return what takes note of a request that only a flag would have had forgiven."""

    def refused(cpo_id: str, flag: str, place: str) -> None:
        deviations.note(cpo_id, Kind.REFUSED, flag, place)

    return refused


def reachability(metrics: Metrics, cpo_ids: Iterable[str]) -> Callable[[str, bool], None]:
    """Return what tells of each CPO that goes down or is back; until then all are up."""
    for cpo_id in cpo_ids:
        metrics.cpo_up.labels(cpo_id).set(1)

    def changed(cpo_id: str, up: bool) -> None:
        metrics.cpo_up.labels(cpo_id).set(int(up))
        if up:
            log.info("cpo.reachable", cpo=cpo_id)
        else:
            log.warning("cpo.unreachable", cpo=cpo_id)

    return changed


def tracing_of(wanted: TracingSettings) -> Tracing:
    """Return what makes spans.

    Raises:
        SettingsInvalid: traces are switched on, and what sends them is not installed.
    """
    if wanted.endpoint is None:
        return OFF
    try:
        from bridge.observability.otel import over_http
    except ImportError as error:
        raise SettingsInvalid(
            [f"tracing.endpoint: install beckn-ocpi-bridge[otel] for traces ({error})"]
        ) from error
    return over_http(
        wanted.endpoint, service_name=wanted.service_name, sample_ratio=wanted.sample_ratio
    )


def about_order(stores: Stores, tracing: Tracing) -> About:
    """Return what has log and trace of a request show which order it is about."""

    async def about(order_key: str, session_id: str | None) -> None:
        learn(transaction_id=transaction_of(order_key), session_id=session_id)
        if tracing.on:
            join(await stores.orders.trace_of(order_key))

    return about


def notice(event: Event, *, cpo_id: str, **fields: object) -> None:
    """Log an event of a CPO's connection; what failed or is odd as a warning."""
    tell = log.info if event in CALM else log.warning
    tell(event, cpo=cpo_id, **fields)
