"""Who works off the lanes: what each kind of entry is handed to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import aiohttp

from bridge.beckn.layer2 import Layer2Files
from bridge.clients.beckn import patch_live
from bridge.clients.sender import CpoSender
from bridge.flows.decision import World
from bridge.flows.ports import PullSoon
from bridge.network import bpp_uri_of, outbox_of, patience_of
from bridge.observability import Metrics
from bridge.observability.tracing import Tracing
from bridge.outside import errands_of
from bridge.settings import Settings
from bridge.wiring import Stores
from bridge.workers.commands import CommandWorker
from bridge.workers.inbox import InboxWorker
from bridge.workers.lane_runner import Bell, LaneRunner, always
from bridge.workers.live import LiveWorker

PARALLEL_LANES = 64
"""Lanes of each kind that one process holds at a time."""


def runners_of(
    settings: Settings,
    stores: Stores,
    metrics: Metrics,
    tracing: Tracing,
    world: Callable[[], World],
    bell: Bell,
    send: CpoSender,
    http: aiohttp.ClientSession,
    guarded: aiohttp.ClientSession,
    pull_soon: PullSoon,
    layer2: Layer2Files,
    loaded: Callable[[], bool],
) -> list[LaneRunner]:
    """Return the workers of the five kinds of lanes.

    Requests wait for the catalogue: a search that came too early would be told of nothing.
    """
    lanes, database = stores.lanes, stores.database

    def reply_url(bap_uri: str) -> str:
        return (settings.beckn.callbacks_to or bap_uri).rstrip("/")

    inbox = InboxWorker(
        database=database,
        lanes=lanes,
        orders=stores.orders,
        slots=stores.slots,
        members=stores.members,
        journal=stores.journal,
        world=world,
        reply_url=reply_url,
        bpp_id=settings.beckn.subscriber_id,
        bpp_uri=bpp_uri_of(settings),
        patience=patience_of(settings),
        wake=bell.ring,
        pull_soon=pull_soon,
        metrics=metrics,
    )
    outbox = outbox_of(settings, stores, metrics, tracing, http, guarded, layer2)
    commands = CommandWorker(
        database=database,
        lanes=lanes,
        orders=stores.orders,
        send=send,
        metrics=metrics,
        wake=bell.ring,
    )
    live = LiveWorker(database=database, lanes=lanes.live, patch=partial(patch_live, guarded))
    handlers = {
        lanes.inbox: inbox.handle,
        lanes.outbox: outbox.handle,
        lanes.command: commands.handle,
        lanes.live: live.handle,
        lanes.errand: errands_of(settings, stores, http, metrics, bell.ring).handle,
    }
    run = partial(
        LaneRunner,
        parallel=PARALLEL_LANES,
        metrics=metrics,
        tracing=tracing,
        trace_of=stores.orders.trace_of,
    )
    ready = {lanes.inbox: loaded}
    return [
        bell.add(run(lane, handle, ready=ready.get(lane, always)))
        for lane, handle in handlers.items()
    ]
