"""For drivers: the live page of a session, public under an address that nobody can guess."""

from __future__ import annotations

import html

from aiohttp import web

from bridge.errors import StoreUnavailable
from bridge.flows.decision import summary_of
from bridge.orders.order import Order
from bridge.pricing.progress import progress
from bridge.store.orders import OrderStore

PAGE = """<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10">
<title>Charging session</title>
<style>body{{font:16px/1.5 system-ui;max-width:32rem;margin:3rem auto;padding:0 1rem}}
dt{{color:#666}}dd{{margin:0 0 .7rem;font-size:1.3rem}}</style>
<h1>{station}</h1>
<dl>{facts}</dl>
"""


def session_routes(orders: OrderStore) -> list[web.RouteDef]:
    """Return ``/session/{random}`` (decisions 28)."""

    async def session(request: web.Request) -> web.Response:
        return await _session(orders, request)

    return [web.get("/session/{tracking_id}", session)]


async def _session(orders: OrderStore, request: web.Request) -> web.Response:
    """Show a running session: a page for people, JSON for programs. No personal data."""
    try:
        order_key = await orders.key_of_tracking_id(request.match_info["tracking_id"])
        order = None if order_key is None else await orders.load(order_key)
    except StoreUnavailable as error:
        raise web.HTTPServiceUnavailable(text="try again later") from error
    if order is None:
        raise web.HTTPNotFound(text="no such session")
    facts = live_facts(order)
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    if "text/html" not in request.headers.get("Accept", ""):
        return web.json_response(facts, headers=headers)
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in facts.items()
    )
    station = html.escape(order.item.location.name or order.item.location.address)
    page = PAGE.format(station=station, facts=rows)
    return web.Response(text=page, content_type="text/html", headers=headers)


def live_facts(order: Order) -> dict[str, str]:
    """Return what the live page shows of an order."""
    facts = {"state": str(order.state), "summary": summary_of(order)}
    if order.session is not None:
        facts["energy"] = f"{order.session.kwh} kWh"
        facts["started"] = order.session.start_date_time.isoformat()
        facts["updated"] = order.session.last_updated.isoformat()
    so_far = progress(order)
    if so_far is not None:
        facts["cost"] = f"{so_far.cost.price} {so_far.cost.currency}"
        if so_far.ends_at is not None:
            facts["estimated end"] = so_far.ends_at.isoformat()
    return facts
