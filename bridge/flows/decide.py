"""From an event to its flow: the one place that knows them all."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from bridge.errors import OrderUnknown, Refused
from bridge.flows.bill import settled_by
from bridge.flows.cancel import cancel
from bridge.flows.command import command_response, command_result
from bridge.flows.confirm import confirm
from bridge.flows.deadline import deadline_passed
from bridge.flows.decision import Decision, World, refuse
from bridge.flows.evse import evse_changed
from bridge.flows.init import init
from bridge.flows.jobs import (
    BecknJob,
    CdrJob,
    CommandResponseJob,
    CommandResultJob,
    DeadlineJob,
    ErrandJob,
    EvseJob,
    Job,
    MemberUseJob,
    PaymentJob,
    PreferencesJob,
    SessionJob,
    TokenJob,
)
from bridge.flows.look import looked_for
from bridge.flows.meta import meta
from bridge.flows.otp import otp_answered
from bridge.flows.passes.decide import decide_pass, is_about_pass
from bridge.flows.passes.usage import member_use
from bridge.flows.payment import paid_back, payment_told
from bridge.flows.ports import Kind
from bridge.flows.preferences import preferences_answered
from bridge.flows.promotion import give_back_uses
from bridge.flows.rating import rating
from bridge.flows.search import search
from bridge.flows.select import select
from bridge.flows.session import session_changed
from bridge.flows.slots import not_too_early
from bridge.flows.start import start
from bridge.flows.status import status
from bridge.flows.stop import stop
from bridge.flows.support import support
from bridge.flows.token import token_answered, withdrawn
from bridge.flows.track import track
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import restored
from bridge.ocpi.headers import Party
from bridge.ocpi.sessions import Session
from bridge.orders import intents
from bridge.orders.order import Order
from bridge.orders.pass_order import PassOrder
from bridge.orders.transitions import PLACED


async def decide(world: World, job: Job, record: Order | PassOrder | None) -> Decision:
    """Return what an event means for the order of its lane, which is of charging or of a pass.

    A request that cannot be fulfilled is answered with an error and changes nothing. An event of
    an order that is not there any more changes nothing. Whatever happens, an order that waits for
    news of its session has a time at which it is looked for.
    """
    if isinstance(job, DeadlineJob):
        # Whoever saw it pass took it off the list: a clock behind his must not undo that.
        world = replace(world, now=max(world.now, job.at))
    if is_about_pass(world, job, record):
        return paid_back(await decide_pass(world, job, record))
    order = record if isinstance(record, Order) else None
    decision = withdrawn(world, order, await _decided(world, job, order))
    decision = paid_back(decision)
    if decision.order is None:
        return decision
    kept = looked_for(world, order, decision.order)
    return decision._replace(order=kept, member_use=member_use(order, kept))


async def _decided(world: World, job: Job, order: Order | None) -> Decision:
    if isinstance(job, BecknJob):
        try:
            return await _asked(world, job, order)
        except Refused as error:
            if order is not None and order.state not in PLACED:
                await give_back_uses(world, order)
            return Decision(order, (refuse(world, job.request, error),))
    if order is None:
        return Decision(None)
    match job:
        case SessionJob(session=key):
            party = Party(key.country_code, key.party_id)
            body = await world.objects.read(Kind.SESSION, party, key.id)
            if body is None:
                return Decision(order)
            return session_changed(world, order, restored(body, Session))
        case CdrJob(cdr=key):
            party = Party(key.country_code, key.party_id)
            body = await world.objects.read(Kind.CDR, party, key.id)
            if body is None:
                return Decision(order)
            return settled_by(world, order, restored(body, CDR))
        case CommandResponseJob():
            return command_response(world, order, job)
        case CommandResultJob():
            return command_result(world, order, job)
        case TokenJob():
            return token_answered(order, job)
        case PreferencesJob():
            return preferences_answered(order, job)
        case EvseJob(status=now):
            return evse_changed(world, order, now)
        case DeadlineJob(name=name):
            return deadline_passed(world, order, name)
        case ErrandJob():
            return Decision(otp_answered(order, job))
        case MemberUseJob():
            return Decision(order)
        case PaymentJob():
            return payment_told(world, order, job)
        case _:
            assert_never(job)


async def _asked(world: World, job: BecknJob, order: Order | None) -> Decision:
    """Return the answer to a Beckn request."""
    request, intent = job.request, job.intent
    match intent:
        case intents.Search():
            return search(world, request, intent)
        case intents.GetCancellationReasons() | intents.GetRatingCategories():
            return meta(world, request, intent)
        case intents.Select():
            return await select(world, request, intent, order)
        case intents.Init():
            return await init(world, request, intent, order)
        case intents.Confirm():
            return await confirm(world, request, intent, order)
        case intents.Support():
            return support(world, request, intent, order)
        case intents.Rating():
            return rating(world, request, intent, _known(request, order, None))
        case intents.Update(verb=intents.Verb.START):
            known = _known(request, order, intent.order_id)
            await not_too_early(world, known)
            return start(world, request, known, intent.authorization_token)
        case intents.Update():
            return stop(world, request, _known(request, order, intent.order_id))
        case intents.Status():
            return status(world, request, _known(request, order, intent.order_id))
        case intents.Track():
            return track(world, request, intent, _known(request, order, intent.order_id))
        case intents.Cancel():
            return cancel(world, request, intent, _known(request, order, intent.order_id))
        case _:
            assert_never(intent)


def _known(request: intents.Request, order: Order | None, order_id: str | None) -> Order:
    """Return the placed order that a request is about; a BAP sees only its own (decisions 13).

    Raises:
        OrderUnknown: there is none, or it is somebody else's: the two look the same.
    """
    if (
        order is None
        or order.state not in PLACED
        or order.request.bap_id != request.bap_id
        or (order_id is not None and order.id != order_id)
    ):
        raise OrderUnknown(f"no order {order_id or 'in this transaction'}")
    return order
