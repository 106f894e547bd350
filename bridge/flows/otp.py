"""OTPs: issued at init, asked for at the step that they are for (use case 5; decisions 20)."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from bridge.errors import NotAuthorized
from bridge.flows.decision import World
from bridge.flows.discounts import knows_email, knows_phone
from bridge.flows.jobs import ErrandJob
from bridge.orders.customer import Customer, customer_of
from bridge.orders.errands import OtpErrand
from bridge.orders.order import Order
from bridge.orders.otp import IssuedOtp, OtpMedium, OtpStep, digest_of, is_said, new_code
from bridge.orders.terms import DiscountKind, OtpUse

SENT_AT_MOST: Final = 5
"""OTPs that one transaction can have sent: whoever guesses, or pesters, has to begin anew."""

TOKEN: Final = "fulfillments[0].stops[0].authorization.token"


def step_of(world: World, order: Order) -> OtpStep | None:
    """Return the step of an order that needs an OTP; an agreement's is always confirm."""
    discount = order.agreed.discount
    if discount is not None and discount.kind is DiscountKind.B2B:
        return OtpStep.CONFIRM
    match world.commercial.otp.use:
        case OtpUse.NONE:
            return None
        case OtpUse.CONFIRM:
            return OtpStep.CONFIRM
        case OtpUse.START:
            return OtpStep.START


def with_otp_of(draft: Order, known: Order | None) -> Order:
    """Return a draft that remembers the OTPs of its transaction."""
    return draft if known is None else replace(draft, otp=known.otp, otps_sent=known.otps_sent)


def issued(world: World, order: Order) -> tuple[Order, tuple[OtpErrand, ...]]:
    """Return the order of an init with its OTP, and the errand that brings a new one.

    One that is still good, and went to the same contact, stays as it is: an init that is repeated
    sends nothing.

    Raises:
        NotAuthorized: there is nobody to send it to, or too many were sent.
    """
    step = step_of(world, order)
    if step is None:
        return replace(order, otp=None), ()
    to = _contact(world, order)
    known = order.otp
    if (
        known is not None
        and (known.step, known.sent_to) == (step, to.keys()[0])
        and not _is_spent(world, known)
        and not known.undelivered
    ):
        return order, ()
    return _new(world, order, step, to)


def proven(
    world: World, order: Order, step: OtpStep, token: str | None
) -> tuple[Order, NotAuthorized | None, tuple[OtpErrand, ...]]:
    """Return the order after a token was, or was not, said at a step, and why that is not enough.

    A wrong one costs an attempt: the order has to be kept though its request is refused. Where no
    init can follow any more, an OTP that is spent is replaced.
    """
    otp = order.otp
    if otp is None or otp.step is not step or otp.proven:
        return order, None, ()
    if _is_spent(world, otp):
        return _spent(world, order, otp)
    if not token or not token.strip():
        return order, NotAuthorized(f"{TOKEN} is missing: say the OTP that was sent"), ()
    if is_said(otp, order.key, token):
        return replace(order, otp=replace(otp, proven=True, salt="", digest="")), None, ()
    otp = replace(otp, attempts=otp.attempts - 1)
    order = replace(order, otp=otp)
    if not otp.attempts:
        return _spent(world, order, otp)
    left = f"{otp.attempts} attempt{'s' if otp.attempts > 1 else ''} left"
    return order, NotAuthorized(f"{TOKEN} is not the OTP that was sent: {left}"), ()


def otp_wanted(order: Order | None, errand: OtpErrand) -> bool:
    """Tell whether an OTP still is the one that its order waits for."""
    return (
        order is not None
        and order.otp is not None
        and order.otp.id == errand.id
        and not order.otp.proven
    )


def otp_answered(order: Order, job: ErrandJob) -> Order:
    """Return the order after its OTP could not be delivered: the next init sends another."""
    if job.done or order.otp is None or order.otp.id != job.errand_id:
        return order
    return replace(order, otp=replace(order.otp, undelivered=True))


def _spent(
    world: World, order: Order, otp: IssuedOtp
) -> tuple[Order, NotAuthorized, tuple[OtpErrand, ...]]:
    """Refuse, and send another OTP if the order is placed: it cannot be initialised again."""
    why = "expired" if otp.attempts else "has no attempt left"
    if otp.step is OtpStep.CONFIRM:
        return order, NotAuthorized(f"the OTP {why}; send init again"), ()
    try:
        order, errands = _new(world, order, otp.step, _contact(world, order))
    except NotAuthorized as error:
        return order, NotAuthorized(f"the OTP {why}; {error}"), ()
    return order, NotAuthorized(f"the OTP {why}; another one was sent"), errands


def _new(
    world: World, order: Order, step: OtpStep, to: Customer
) -> tuple[Order, tuple[OtpErrand, ...]]:
    if order.otps_sent >= SENT_AT_MOST:
        raise NotAuthorized(f"{SENT_AT_MOST} OTPs were sent in this transaction; begin another")
    terms = world.commercial.otp
    code, salt = new_code(terms.digits), secrets.token_hex(16)
    otp = IssuedOtp(
        id=str(uuid.uuid4()),
        step=step,
        medium=OtpMedium.PHONE if to.phone is not None else OtpMedium.EMAIL,
        sent_to=to.keys()[0],
        salt=salt,
        digest=digest_of(salt, order.key, code),
        expires_at=world.now + timedelta(seconds=terms.life_s),
        attempts=terms.attempts,
    )
    errand = OtpErrand(
        id=otp.id,
        order_key=order.key,
        transaction_id=order.request.transaction_id,
        code=code,
        to=to,
        until=otp.expires_at,
    )
    return replace(order, otp=otp, otps_sent=order.otps_sent + 1), (errand,)


def _is_spent(world: World, otp: IssuedOtp) -> bool:
    return otp.expires_at <= world.now or not otp.attempts


def _contact(world: World, order: Order) -> Customer:
    """Return the one contact that an OTP goes to.

    By an agreement only one that the company registered: whoever knows its address has not
    yet its phone.

    Raises:
        NotAuthorized: there is none.
    """
    customer = customer_of(order.billing, order.customer)
    discount = order.agreed.discount
    if discount is not None and discount.kind is DiscountKind.B2B:
        of_order = (each for each in world.commercial.agreements if each.id == discount.id)
        agreement = next(of_order, None)
        if agreement is not None and knows_phone(agreement, customer):
            return Customer(phone=customer.phone)
        if agreement is not None and knows_email(agreement, customer):
            return Customer(email=customer.email)
    elif customer.phone is not None:
        return Customer(phone=customer.phone)
    elif customer.email is not None:
        return Customer(email=customer.email)
    raise NotAuthorized("billing.phone is missing: an OTP has to be sent")
