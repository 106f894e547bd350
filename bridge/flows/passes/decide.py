"""From an event to its flow, for the orders of passes."""

from __future__ import annotations

from bridge.errors import ActionUnsupported, OrderUnknown, Refused
from bridge.flows.decision import Decision, World, refuse
from bridge.flows.jobs import BecknJob, Job, MemberUseJob, PaymentJob
from bridge.flows.passes.holding import cancel, rated, status, supported, used
from bridge.flows.passes.purchase import confirm, init, pass_named, select
from bridge.flows.payment import payment_told
from bridge.orders import intents
from bridge.orders.order import Order
from bridge.orders.pass_order import PassOrder

Record = Order | PassOrder | None


def is_about_pass(world: World, job: Job, record: Record) -> bool:
    """Tell whether an event concerns a pass: by what is stored, else by the item it names.

    Until an order is placed or paid, its transaction may turn to something else.
    """
    known = isinstance(record, PassOrder)
    if not isinstance(job, BecknJob):
        return known
    match job.intent:
        case intents.Search() | intents.GetCancellationReasons() | intents.GetRatingCategories():
            return False
        case intents.Select(wish=wish) | intents.Init(wish=wish) | intents.Confirm(wish=wish):
            if isinstance(record, PassOrder) and (record.bound or record.sold.id == wish.item_id):
                return True
            return pass_named(world, wish) is not None
        case _:
            return known


async def decide_pass(world: World, job: Job, record: Record) -> Decision:
    """Return what an event means for the order of a pass.

    A request that cannot be fulfilled is answered with an error and changes nothing.
    """
    order = record if isinstance(record, PassOrder) else None
    match job:
        case BecknJob(request=request):
            try:
                return _asked(world, job, record)
            except Refused as error:
                other = record if isinstance(record, Order) else None
                return Decision(other, (refuse(world, request, error),), pass_order=order)
        case MemberUseJob() if order is not None:
            return await used(world, order)
        case PaymentJob() if order is not None:
            return payment_told(world, order, job)
        case _:
            return Decision(None, pass_order=order)


def _asked(world: World, job: BecknJob, record: Record) -> Decision:
    """Return the answer to a Beckn request."""
    request, intent = job.request, job.intent
    match intent:
        case intents.Select():
            return select(world, request, intent, record)
        case intents.Init():
            return init(world, request, intent, record)
        case intents.Confirm():
            return confirm(world, request, intent, record)
        case intents.Support():
            return supported(world, request, intent, _known(request, record, None))
        case intents.Rating():
            return rated(world, request, intent, _known(request, record, None))
        case intents.Status():
            return status(world, request, _known(request, record, intent.order_id))
        case intents.Cancel():
            return cancel(world, request, intent, _known(request, record, intent.order_id))
        case _:
            _known(request, record, getattr(intent, "order_id", None))
            raise ActionUnsupported(f"{request.action}: a pass is neither started nor tracked")


def _known(request: intents.Request, record: Record, order_id: str | None) -> PassOrder:
    """Return the placed order that a request is about; a BAP sees only its own (decisions 13).

    Raises:
        OrderUnknown: there is none, or it is somebody else's: the two look the same.
    """
    if (
        not isinstance(record, PassOrder)
        or not record.placed
        or record.request.bap_id != request.bap_id
        or (order_id is not None and record.id != order_id)
    ):
        raise OrderUnknown(f"no order {order_id or 'in this transaction'}")
    return record
