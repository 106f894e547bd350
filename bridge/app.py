"""The composition root: from settings to a running application. It knows every concrete class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from bridge.catalog.index import CatalogIndex
from bridge.catalog.offers import startable_by
from bridge.clients.live_status import LiveEvses
from bridge.clients.ocpi import OcpiClient
from bridge.clients.refusals import Refusals
from bridge.clients.sender import CpoSender
from bridge.clients.traffic import Traffic
from bridge.clients.wire import cpo_session
from bridge.dialects.dialect import Dialect
from bridge.flows.decision import Terms, World
from bridge.flows.ports import LiveStatus
from bridge.gauges import Gauges, redis_observer
from bridge.mapping import Mappings, load
from bridge.network import beckn_edge, challenge_answer_of, ocpi_side, sessions_of
from bridge.observability import Metrics, get_logger
from bridge.ocpi.locations import Status
from bridge.operator import Operator
from bridge.outside import payment_edge
from bridge.runners import runners_of
from bridge.server.beckn_routes import beckn_routes
from bridge.server.door import attentive
from bridge.server.middlewares import beckn_faults, last_words
from bridge.server.ops_routes import Ops, ops_routes
from bridge.server.payment_routes import payment_routes
from bridge.server.session_routes import session_routes
from bridge.server.subscribe_routes import subscribe_routes
from bridge.settings import Settings, data_path
from bridge.settings.layer2 import layer2_of
from bridge.wiring import (
    Stores,
    dialects_of,
    emsp_of,
    notice,
    now,
    observer,
    party_of,
    puller_of,
    reachability,
    stores_of,
    tolerance,
    tracing_of,
)
from bridge.workers.asked import Asked
from bridge.workers.catalog_follower import CatalogFollower
from bridge.workers.commercial import CommercialTerms
from bridge.workers.deadlines import watch_deadlines
from bridge.workers.deviations import keep_deviations
from bridge.workers.draining import Drain
from bridge.workers.lane_runner import Bell
from bridge.workers.presence import keep_presence, this_replica
from bridge.workers.refused_tokens import RefusedTokens
from bridge.workers.registration import RegistrationWorker
from bridge.workers.renewal import RenewalWorker
from bridge.workers.spare import Rush
from bridge.workers.stopping import ended

log = get_logger()

LISTENING = web.AppKey("listening", asyncio.Event)
"""Set once the port is open: a CPO calls us back while our registration is still open."""

OPERATIONS = web.AppKey("operations", web.Application)
"""What serves operators: an application of its own where ``ops_listen`` gives it a port."""

METRICS = web.AppKey("metrics", Metrics)

COMMERCIAL = web.AppKey("commercial", CommercialTerms)
"""What reads the commercial terms again when the process is told to."""

DRAIN = web.AppKey("drain", Drain)
"""What ends the work while the port is still open."""


def terms_of(settings: Settings) -> Terms:
    """Return the limits of the business as flows read them."""
    names = set(Terms.__struct_fields__) - {"collected_by"}
    given = {name: getattr(settings.terms, name) for name in names}
    return Terms(**given, collected_by=settings.payment.collected_by)


def world_of(
    settings: Settings,
    mappings: Mappings,
    stores: Stores,
    dialects: Sequence[Dialect],
    follower: CatalogFollower,
    live: LiveStatus,
    operator: Operator,
    commercial: CommercialTerms,
) -> World:
    """Return what flows may look at; each event gets it with its own time and terms."""

    def statuses(table: str) -> frozenset[Status]:
        answers = mappings.table(None, table)
        return frozenset(status for status in Status if answers.to_beckn(status) == "yes")

    return World(
        now=now(),
        terms=terms_of(settings),
        emsp=party_of(settings),
        issuer=settings.ocpi.business_name,
        public_url=settings.public_url,
        dialects={dialect.name: dialect for dialect in dialects},
        mappings=mappings,
        catalog=follower.index,
        search=follower.index,
        live=live,
        freshness=follower,
        objects=stores.objects,
        slots=stores.slots,
        contacts=operator,
        uses=stores.uses,
        startable=statuses("startable"),
        bookable=statuses("bookable"),
        members=stores.members,
        flags=operator.flags,
        commercial=commercial.current,
    )


async def once(event: asyncio.Event, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run something after an event."""
    await event.wait()
    await work()


def follower_of(
    settings: Settings,
    stores: Stores,
    dialects: Sequence[Dialect],
    operator: Operator,
    connected: Callable[[str], None],
    commercial: CommercialTerms,
    rush: Rush,
) -> CatalogFollower:
    """Return the catalogue of this replica and what keeps it in step with Redis."""
    index = CatalogIndex(
        dialects,
        max_reply_bytes=settings.limits.max_reply_bytes,
        max_messages=settings.limits.max_reply_messages,
        default_radius_m=settings.terms.default_radius_km * 1000,
        clock=now,
        startable=startable_by(operator.flags),
        promoted=lambda: commercial.current.offers,
        passes=lambda: commercial.current.passes,
        surcharges=lambda: commercial.current.surcharges,
    )
    return CatalogFollower(
        database=stores.database,
        objects=stores.objects,
        slots=stores.slots,
        connections=stores.connections,
        cpo_ids=tuple(cpo.id for cpo in settings.cpos),
        index=index,
        provider_of=operator.provider_of,
        status_ttl_s=settings.evse_status_ttl_s,
        connected=connected,
        rush=rush,
    )


def create_app(settings: Settings, redis_url: str) -> web.Application:
    """Return the bridge as an aiohttp application; its workers run as long as it does.

    Call it inside the event loop that will run it.

    Args:
        redis_url: where the store really is; ``embedded`` was resolved before.

    Raises:
        MappingInvalid: a mapping file or overlay cannot be used.
        Layer2Invalid: nor can a layer-2 file.
        SettingsInvalid: nor can the file of commercial terms.
    """
    mappings = load(data_path("mappings"), settings.mapping_overlays)
    layer2 = layer2_of(settings.beckn)
    metrics, tracing = Metrics(), tracing_of(settings.tracing)
    metrics.mapping.info({"fingerprint": mappings.fingerprint})
    log.info("mapping.loaded", fingerprint=mappings.fingerprint)
    commercial = CommercialTerms(settings, metrics)
    operator, bell = Operator(settings), Bell()
    stores = stores_of(settings, redis_url, redis_observer(metrics))
    tolerated = tolerance(metrics, stores.deviations)
    http, guarded = sessions_of(settings, operator.bap_guard())
    refused = RefusedTokens(stores.connections, notice)
    cpo_http = cpo_session(operator.cpo_guard())
    client = OcpiClient(
        cpo_http,
        party_of(settings),
        observe=observer(metrics, Refusals(refused.tell).heard),
        limit_bytes=settings.limits.max_cpo_body_bytes,
        tolerated=tolerated,
        traffic=Traffic(reachability(metrics, operator.cpos())),
        tls=operator.tls(),
        tracing=tracing,
    )
    dialects = dialects_of(settings, mappings)
    asked = Asked()
    emsp = emsp_of(
        settings,
        stores,
        operator,
        client,
        wake=bell.ring,
        asked=asked,
        tolerated=tolerated,
        tracing=tracing,
    )
    rush = Rush()
    puller = puller_of(stores, operator, client, emsp, asked, metrics, rush)
    follower = follower_of(settings, stores, dialects, operator, asked.wake, commercial, rush)
    cpos = operator.cpos()
    live = LiveEvses(client, stores.connections, cpos)
    world = world_of(settings, mappings, stores, dialects, follower, live, operator, commercial)

    def world_now() -> World:
        return replace(world, now=now(), commercial=commercial.current)

    send = CpoSender(
        client=client,
        connections=stores.connections,
        cpos=cpos,
        response_url=operator.response_url,
    )
    runners = runners_of(
        *(settings, stores, metrics, tracing, world_now, bell, send, http, guarded),
        *(asked.pull_soon, layer2, lambda: follower.loaded),
    )
    registration = RegistrationWorker(
        client=client,
        connections=stores.connections,
        pulls=stores.pulls,
        candidates=operator.candidates(),
        notice=notice,
        registered=asked.wake,
    )
    renewal = RenewalWorker(
        client=client,
        connections=stores.connections,
        pulls=stores.pulls,
        rotations=operator.rotations(),
        notice=notice,
    )
    edge = beckn_edge(settings, operator, stores, dialects, bell, metrics, http, layer2, tracing)
    attend = attentive(settings.limits.body_s, metrics)
    app = web.Application(
        client_max_size=settings.limits.max_body_bytes,
        middlewares=[attend, beckn_faults(quiet=edge.quiet, metrics=metrics)],
    )
    listening = app[LISTENING] = asyncio.Event()
    app[COMMERCIAL] = commercial
    drain = app[DRAIN] = Drain(runners)
    app.on_response_prepare.append(last_words(lambda: drain.begun))
    answer = challenge_answer_of(settings.beckn)
    app.add_routes(subscribe_routes(answer, settings.beckn.subscriber_id))
    app.add_routes(beckn_routes(edge))
    shared = settings.ops_listen is None
    app[OPERATIONS] = app if shared else web.Application(middlewares=[attend])
    app[METRICS] = app[OPERATIONS][METRICS] = metrics
    app[OPERATIONS].add_routes(
        ops_routes(
            Ops(
                database=stores.database,
                metrics=metrics,
                measure=Gauges(
                    metrics=metrics,
                    stores=stores,
                    cpo_ids=operator.cpo_ids(),
                    counts=follower.index.counts,
                ),
                loaded=lambda: follower.loaded,
                leaving=lambda: drain.begun,
            )
        )
    )
    app.add_routes(session_routes(stores.orders))
    app.add_routes(payment_routes(payment_edge(settings, stores, metrics, bell.ring)))
    app.add_routes(ocpi_side(settings, emsp, metrics, tracing))

    async def running(_: web.Application) -> AsyncIterator[None]:
        works = [
            follower.run(),
            watch_deadlines(stores.inbox, bell.ring, metrics),
            once(listening, registration.run),
            once(listening, renewal.run),
            refused.run(),
            puller.run(),
            keep_deviations(stores.deviations),
            keep_presence(stores.presence, this_replica()),
            commercial.run(),
        ]
        tasks = {asyncio.create_task(work) for work in works}
        drain.work_begins()
        yield
        await drain.work_ends()
        await ended(tasks | drain.tasks)
        await cpo_http.close()
        await http.close()
        await guarded.close()
        await stores.database.redis.aclose()
        await tracing.close()

    app.cleanup_ctx.append(running)
    return app
