"""Runs flows: takes an event from an order's lane, decides, commits the outcome as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw

from bridge.beckn.context import answer_context
from bridge.beckn.request import Request
from bridge.flows.decide import decide
from bridge.flows.decision import Callback, Decision, World, answer_by, lapses_at
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
from bridge.flows.look import LOOK
from bridge.flows.ports import PullSoon
from bridge.observability import Metrics, bound, get_logger, learn
from bridge.observability.tracing import called
from bridge.orders.errands import Errand, kind_of
from bridge.orders.order import Order
from bridge.orders.pass_order import PassOrder
from bridge.orders.plans import CommandPlan, Plan, PreferencesPlan, TokenPlan
from bridge.store.database import Command, Database, packed
from bridge.store.journal import Journal
from bridge.store.lanes import Claim, Lanes
from bridge.store.members import MemberStore
from bridge.store.orders import OrderStore
from bridge.store.outbox import CallbackEntry
from bridge.store.slots import SlotStore
from bridge.workers.lane_runner import Ring

log = get_logger()

Record = Order | PassOrder | None
"""What a lane is about: nothing yet, charging, or a pass."""


class CommandEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be sent, in the command lane of its order.

    Args:
        sent: of a command: set before the first byte leaves; taken back when it is certain that
            none did.
        tries: how often that was so.
    """

    plan: Plan
    sent: bool = False
    tries: int = 0


class ErrandEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done outside, in the errand lane of its order.

    Args:
        tries: how often that came to nothing.
    """

    errand: Errand
    tries: int = 0


class LiveEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A PATCH for a track callback_url."""

    url: str
    body: Raw
    tries: int = 0


class LaneSet(NamedTuple):
    """The five kinds of lanes."""

    inbox: Lanes
    outbox: Lanes
    command: Lanes
    live: Lanes
    errand: Lanes


def for_its_ttl(_: Request) -> None:
    """Return that nobody waits for a shorter time than the ttl says."""
    return


class InboxWorker:
    """Handler of inbox lanes.

    Args:
        world: gives what flows may look at, with the time of now.
        reply_url: where an on_* message for a request's BAP goes, without the action.
        bpp_uri: where the network reaches us, as the answer to a request says.
        patience: how long an adapter waits for the answer to a request, s; None = for its ttl.
        wake: called with the kinds of lanes that have got something.
        pull_soon: asks for an early pull of a CPO's list.
    """

    def __init__(
        self,
        *,
        database: Database,
        lanes: LaneSet,
        orders: OrderStore,
        slots: SlotStore,
        members: MemberStore,
        journal: Journal,
        world: Callable[[], World],
        reply_url: Callable[[str], str],
        bpp_id: str,
        bpp_uri: Callable[[Request], str],
        patience: Callable[[Request], float | None] = for_its_ttl,
        wake: Ring,
        pull_soon: PullSoon,
        metrics: Metrics,
    ) -> None:
        self._db = database
        self._lanes = lanes
        self._orders = orders
        self._slots = slots
        self._members = members
        self._journal = journal
        self._world = world
        self._reply_url = reply_url
        self._bpp_id = bpp_id
        self._bpp_uri = bpp_uri
        self._patience = patience
        self._wake = wake
        self._pull_soon = pull_soon
        self._metrics = metrics

    async def handle(self, claim: Claim) -> None:
        """Decide one event and commit the outcome, unless somebody else has the lane by now."""
        job = msgspec.json.decode(claim.entry, type=Job)
        called(f"decide {_word(job)}")
        with bound(**_facts(job)):
            record = await self._orders.record(claim.lane)
            learn(**_facts_of(record))
            world = self._world()
            decision = await decide(world, job, record)
            learn(**_facts_of(decision.order))
            commands = self._outcome(world, claim.lane, job, record, decision)
            order = record if isinstance(record, Order) else None
            slots, guards = self._slots.saved(decision.order, order)
            commands += [*slots, *self._lanes.inbox.finished(claim)]
            if not await self._db.commit(commands, [self._lanes.inbox.held(claim), *guards]):
                log.warning("lane.lost", order=claim.lane)
                return
            self._wake(*_kinds(decision))
            for pull in decision.pulls:
                self._pull_soon(pull.cpo_id, pull.module, at_once=pull.at_once)
            self._count_state(record, decision.order or decision.pass_order)
            self._tell_bill(record, decision.order)

    def _count_state(self, before: Record, after: Record) -> None:
        """Count an order that has come into another state."""
        if after is not None and _moved(before, after):
            self._metrics.order_transitions.labels(after.state).inc()

    def _tell_bill(self, before: Record, after: Order | None) -> None:
        """Count a final bill; log one that differs from the CPO's own total as well."""
        bill = after.bill if after is not None else None
        known = before.bill if before is not None else None
        if after is None or bill is None or bill == known:
            return
        if bill.cdr_id is not None:
            self._metrics.bills.labels(after.item.cpo_id).inc()
        if not bill.deviates:
            return
        self._metrics.bill_deviations.labels(after.item.cpo_id).inc()
        log.warning(
            "bill.deviates",
            order=after.id,
            cdr=bill.cdr_id,
            ours=bill.quote.price,
        )

    def _outcome(
        self, world: World, lane: str, job: Job, before: Record, decision: Decision
    ) -> list[Command]:
        """Return the commands that carry out a decision."""
        commands: list[Command] = []
        after, held = decision.order, decision.pass_order
        if after is not None and after is not before:
            commands += self._orders.saved(after, before if isinstance(before, Order) else None)
        if isinstance(job, BecknJob) and (decision.plans or _moved(before, after or held)):
            commands += self._orders.traced(lane)
        if held is not None and held is not before:
            commands += self._orders.pass_saved(held) + self._members.saved(held)
        if (used := decision.member_use) is not None:
            commands += self._members.used(used)
            commands += self._lanes.inbox.push(used.held_by, packed(MemberUseJob(at=world.now)))
        for callback in decision.callbacks:
            entry = self._entry(world, lane, callback, job)
            wake = callback.solicited
            commands += self._lanes.outbox.push(lane, packed(entry), wake=wake)
        for plan in decision.plans:
            if isinstance(plan, CommandPlan):
                commands.append(self._orders.planned(plan))
            commands += self._lanes.command.push(lane, packed(CommandEntry(plan=plan)))
        for errand in decision.errands:
            commands += self._lanes.errand.push(lane, packed(ErrandEntry(errand=errand)))
        if decision.live is not None and after is not None and after.callback_url is not None:
            live = LiveEntry(url=after.callback_url, body=Raw(decision.live))
            commands += self._lanes.live.push(lane, packed(live))
        if after is not None or held is not None or isinstance(job, CommandResultJob):
            # What an operator commanded has a story without an order.
            commands += self._story(lane, job, before, decision)
        return commands

    def _entry(self, world: World, lane: str, callback: Callback, job: Job) -> CallbackEntry:
        """Return a callback as a whole Beckn message."""
        request = callback.request
        parts: dict[str, object] = {
            "context": answer_context(
                request,
                action=callback.action,
                message_id=callback.message_id,
                now=world.now,
                bpp_id=self._bpp_id,
                bpp_uri=self._bpp_uri(request),
            )
        }
        if callback.message is not None:
            parts["message"] = Raw(callback.message)
        if callback.error is not None:
            parts["error"] = Raw(callback.error)
        limit_s = (
            world.terms.search_deadline_s
            if request.action == "search"
            else world.terms.reply_deadline_s
        )
        bare = callback.error is not None and callback.message is None
        return CallbackEntry(
            order_key=lane,
            url=f"{self._reply_url(request.bap_uri)}/{callback.action}",
            action=callback.action,
            transaction_id=request.transaction_id,
            message_id=callback.message_id,
            body=Raw(msgspec.json.encode(parts)),
            solicited=callback.solicited,
            until=answer_by(request, limit_s=limit_s) if callback.solicited else None,
            lapses_at=lapses_at(request, self._patience(request)) if callback.solicited else None,
            echo=job.order if bare and isinstance(job, BecknJob) else UNSET,
            created_at=world.now,
        )

    def _story(self, lane: str, job: Job, before: Record, decision: Decision) -> list[Command]:
        """Return the commands that write the event into the order's journal."""
        if isinstance(job, DeadlineJob) and job.name == LOOK:
            # A CPO may be silent for hours, and that is no story.
            return []
        after = decision.order or decision.pass_order
        hop, protocol, what, detail = _told(job, decision.order)
        if after is not None and _moved(before, after):
            detail["state"] = str(after.state)
        if decision.notes:
            detail["note"] = "; ".join(decision.notes)
        commands = self._journal.note(lane, hop, protocol, what, **detail)
        for callback in decision.callbacks:
            commands += self._journal.note(
                lane,
                "bridge > BAP",
                "Beckn",
                callback.action,
                message_id=callback.message_id,
                unsolicited="" if callback.solicited else "yes",
                says=callback.summary,
            )
        for plan in decision.plans:
            what, detail = _sent(plan)
            commands += self._journal.note(
                lane, "bridge > CPO", "OCPI", what, cpo=plan.cpo_id, **detail
            )
        for errand in decision.errands:
            commands += self._journal.note(
                lane, "bridge", "bridge", f"errand {kind_of(errand)}", id=errand.id
            )
        return commands


def _kinds(decision: Decision) -> list[str]:
    """Return the kinds of lanes that a decision puts something into."""
    filled = {
        "outbox": decision.callbacks,
        "command": decision.plans,
        "errand": decision.errands,
        "live": decision.live,
        "inbox": decision.member_use,
    }
    return [kind for kind, entries in filled.items() if entries]


def _moved(before: Record, after: Record) -> bool:
    """Whether an order has come into another state."""
    return after is not None and (before is None or before.state is not after.state)


def _word(job: Job) -> str:
    """Return what kind of event a job is, in one word."""
    return job.request.action if isinstance(job, BecknJob) else str(job.__struct_config__.tag)


def _facts(job: Job) -> dict[str, str]:
    """Return what every log line of this event carries."""
    match job:
        case BecknJob(request=request):
            return {
                "action": request.action,
                "transaction_id": request.transaction_id,
                "message_id": request.message_id,
            }
        case SessionJob(session=session):
            return {"session_id": session.id}
        case CommandResponseJob(command_id=command_id) | CommandResultJob(command_id=command_id):
            return {"command_id": command_id}
        case _:
            return {}


def _facts_of(record: Record) -> dict[str, str | None]:
    """Return what every log line shows of an order."""
    if not isinstance(record, Order):
        return {}
    session = record.session
    return {"cpo": record.item.cpo_id, "session_id": None if session is None else session.id}


def _told(job: Job, order: Order | None) -> tuple[str, str, str, dict[str, str]]:
    """Return an event as a step of the story: hop, protocol, what, details."""
    session = order.session if order is not None else None
    match job:
        case BecknJob(request=request):
            return "BAP > bridge", "Beckn", request.action, {"message_id": request.message_id}
        case SessionJob():
            facts = {"id": job.session.id}
            if session is not None:
                facts |= {"status": str(session.status), "kwh": str(session.kwh)}
            return "CPO > bridge", "OCPI", "session", facts
        case CdrJob():
            cost = order.cdr.total_cost if order is not None and order.cdr is not None else None
            facts = {"id": job.cdr.id}
            if order is not None and order.cdr is not None and cost is not None:
                facts |= {
                    "total_energy": str(order.cdr.total_energy),
                    "total_cost": f"{cost.excl_vat} {order.cdr.currency}",
                }
            return "CPO > bridge", "OCPI", "CDR", facts
        case CommandResponseJob():
            said = str(job.result) if job.result is not None else f"no answer: {job.reason}"
            return "CPO > bridge", "OCPI", "CommandResponse", {"result": said}
        case CommandResultJob():
            return "CPO > bridge", "OCPI", "CommandResult", {"result": str(job.result)}
        case TokenJob(taken=taken):
            return "CPO > bridge", "OCPI", "token", {"taken": "yes" if taken else "no"}
        case PreferencesJob(result=result):
            return "CPO > bridge", "OCPI", "charging preferences", {"result": str(result or "")}
        case EvseJob(status=status):
            return "CPO > bridge", "OCPI", "EVSE status", {"status": str(status)}
        case DeadlineJob(name=name):
            return "bridge", "bridge", f"deadline {name}", {}
        case PaymentJob(event=event):
            return "gateway > bridge", "bridge", f"payment {event.kind}", {"id": event.id}
        case ErrandJob():
            outcome = "done" if job.done else f"given up: {job.reason}"
            facts = {"id": job.errand_id, "outcome": outcome}
            return "bridge", "bridge", f"errand {job.kind}", facts
        case MemberUseJob():
            return "bridge", "bridge", "membership used", {}


def _sent(plan: Plan) -> tuple[str, dict[str, str]]:
    """Return what is sent to a CPO as a step of the story: what, details."""
    match plan:
        case CommandPlan():
            return str(plan.type), {"command_id": plan.id}
        case TokenPlan(token=token):
            return "token", {"valid": "yes" if token.valid else "no"}
        case PreferencesPlan(preferences=wishes):
            return "charging preferences", {"energy_need": str(wishes.energy_need or "")}
