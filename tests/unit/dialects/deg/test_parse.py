"""Requests that are wrong, and which field is named; golden pairs show the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec import Raw

from bridge.beckn.quirks import Quirk
from bridge.errors import BecknInvalid
from bridge.orders.intents import (
    Cancel,
    Confirm,
    Init,
    Intent,
    Measure,
    Quantity,
    Select,
    Update,
    Wish,
)
from tests.unit.dialects.deg.given import dialect

ITEM = "IN*SUN*PUNE-7*E1*1"
PROVIDER = {"id": "sun.example"}


def parse(action: str, message: Mapping[str, object]) -> Intent:
    """Read a message."""
    return dialect().parse(action, message, lambda _: None)


def fault(action: str, message: Mapping[str, object]) -> tuple[str, str]:
    """Return path and reason of a refusal."""
    with pytest.raises(BecknInvalid) as caught:
        parse(action, message)
    return caught.value.path, caught.value.reason


def order(**parts: object) -> dict[str, object]:
    """Return the message of a select that is right, with these parts of the order changed."""
    return {"order": {"provider": PROVIDER, "items": [{"id": ITEM}], **parts}}


def measured(value: object, unit: object) -> dict[str, object]:
    """Return a select for an amount."""
    measure = {"type": "CONSTANT", "value": value, "unit": unit}
    return order(items=[{"id": ITEM, "quantity": {"selected": {"measure": measure}}}])


def stops(*found: Mapping[str, object]) -> dict[str, object]:
    """Return a select with these stops."""
    return order(fulfillments=[{"id": "1", "stops": list(found)}])


def at(timestamp: str, type_: str | None = None) -> dict[str, object]:
    """Return a stop."""
    stop: dict[str, object] = {"time": {"timestamp": timestamp}}
    return stop if type_ is None else {"type": type_, **stop}


def wish(message: Mapping[str, object], quirks: list[str] | None = None) -> Wish:
    """Return what a select wishes."""
    found = dialect().parse("select", message, (quirks if quirks is not None else []).append)
    assert isinstance(found, Select)
    return found.wish


@pytest.mark.parametrize(
    ("message", "path", "reason"),
    [
        ({}, "message.order", "is missing"),
        ({"order": []}, "message.order", "must be an object"),
        ({"order": {"provider": PROVIDER}}, "message.order.items", "is missing"),
        (order(items=None), "message.order.items", "is missing"),
        (order(items={"id": ITEM}), "message.order.items", "must be a list"),
        (order(items=[{}]), "message.order.items[0].id", "is missing"),
        (order(items=["x"]), "message.order.items[0]", "must be an object"),
        (order(items=[{"id": {}}]), "message.order.items[0].id", None),
        (order(items=[{"id": ""}]), "message.order.items[0].id", None),
        (order(items=[{"id": "x" * 256}]), "message.order.items[0].id", None),
        (order(provider={}), "message.order.provider.id", "is missing"),
        (order(provider="sun"), "message.order.provider", "must be an object"),
        (order(fulfillments={}), "message.order.fulfillments", "must be a list"),
        (
            order(fulfillments=[{"stops": [{"time": {"timestamp": "noon"}}]}]),
            "message.order.fulfillments[0].stops[0].time.timestamp",
            "is not an RFC 3339 date-time",
        ),
        (
            order(fulfillments=[{"vehicle": {"capacity": "four"}}]),
            "message.order.fulfillments[0].vehicle.capacity",
            None,
        ),
    ],
)
def test_what_is_wrong_in_an_order_is_named(
    message: Mapping[str, object], path: str, reason: str | None
) -> None:
    named, said = fault("select", message)

    assert named == path
    assert said == (reason or said)


def test_an_order_is_about_one_connector() -> None:
    path, reason = fault("select", order(items=[{"id": ITEM}, {"id": "another"}]))

    assert path == "message.order.items"
    assert "one connector" in reason


@pytest.mark.parametrize(
    ("value", "unit", "measure", "own"),
    [
        ("100", "INR", Measure.AMOUNT, "100"),
        ("100.50", "inr", Measure.AMOUNT, "100.50"),
        ("2.5", "kWh", Measure.ENERGY, "2.5"),
        (2500, "Wh", Measure.ENERGY, "2.5"),
        ("90", "MINUTES", Measure.DURATION, "5400"),
        ("90", "min", Measure.DURATION, "5400"),
        ("0.5", "HOURS", Measure.DURATION, "1800"),
    ],
)
def test_how_much_is_said_in_money_energy_or_time(
    value: object, unit: str, measure: Measure, own: str
) -> None:
    quantity = wish(measured(value, unit)).quantity

    assert quantity == Quantity(measure=measure, value=Decimal(own), unit=unit, stated=str(value))


@pytest.mark.parametrize(
    ("value", "unit", "field"),
    [
        ("0", "INR", "value"),
        ("-5", "kWh", "value"),
        ("much", "INR", "value"),
        ("1e3", "INR", "value"),
        ("1,000", "INR", "value"),
        (True, "INR", "value"),
        (Decimal("1E+999999"), "INR", "value"),
        (Decimal("1E-999999"), "INR", "value"),
        (10**30, "INR", "value"),
        ("9999", "HOURS", "value"),
        ("5", "furlong", "unit"),
        ("5", "", "unit"),
        ("5", None, "unit"),
        (None, "INR", "value"),
    ],
)
def test_an_amount_that_is_none_is_named(value: object, unit: object, field: str) -> None:
    path, _ = fault("select", measured(value, unit))

    assert path == f"message.order.items[0].quantity.selected.measure.{field}"


def test_an_unknown_unit_is_told_the_known_ones() -> None:
    assert "kWh" in fault("select", measured("5", "furlong"))[1]


NOON = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
TWO = datetime(2026, 3, 4, 8, 30, tzinfo=UTC)
SAID_NOON, SAID_TWO = "2026-03-04T12:00:00+05:30", "2026-03-04T14:00:00+05:30"


@pytest.mark.parametrize(
    ("found", "expected", "quirks"),
    [
        ([], (None, None), []),
        ([at(SAID_NOON, "START")], (NOON, None), []),
        ([at(SAID_NOON, "START"), at(SAID_TWO, "END")], (NOON, TWO), []),
        ([at(SAID_NOON, "START"), at(SAID_TWO, "STOP")], (NOON, TWO), [Quirk.SPELLING]),
        ([at(SAID_NOON, "start"), at(SAID_TWO, "finish")], (NOON, TWO), [Quirk.SPELLING] * 2),
        ([at(SAID_NOON, "START"), at(SAID_TWO, "START")], (NOON, TWO), [Quirk.STOP_TYPE]),
        ([at(SAID_NOON), at(SAID_TWO)], (NOON, TWO), [Quirk.STOP_TYPE]),
        ([at(SAID_TWO, "END"), at(SAID_NOON, "START")], (NOON, TWO), []),
        ([at(SAID_TWO, "END")], (None, TWO), []),
        (
            [{"type": "START", "time": {"range": {"start": SAID_NOON, "end": SAID_TWO}}}],
            (NOON, TWO),
            [],
        ),
    ],
)
def test_the_slot_is_found_whatever_the_stops_are_called(
    found: list[Mapping[str, object]], expected: object, quirks: list[str]
) -> None:
    seen: list[str] = []

    wanted = wish(stops(*found), seen)

    assert (wanted.start, wanted.end) == expected
    assert seen == quirks


def test_a_slot_must_not_end_before_it_starts() -> None:
    path, _ = fault("select", stops(at(SAID_TWO, "START"), at(SAID_NOON, "END")))

    assert path == "message.order.fulfillments[0].stops"


def test_an_unknown_stop_is_named() -> None:
    path, _ = fault("select", stops(at(SAID_NOON, "TAKE-OFF")))

    assert path == "message.order.fulfillments[0].stops[0].type"


def test_what_nobody_reads_may_be_anything() -> None:
    assert wish(order(add_ons=5, xinput="x", tags=[1, {"list": 2}])).tags == Raw(b'[1,{"list":2}]')


def test_fields_of_the_first_edition_are_let_pass() -> None:
    group = {"descriptor": {"code": "b2b-agreement"}, "list": [{"value": "NET_30"}]}
    message = order(
        tags=[group],
        billing={"organization": {"descriptor": {"code": "GREENLOG001"}}},
        fulfillments=[
            {
                "vehicle": {"registration": "MH12AB1234"},
                "stops": [
                    {"type": "START", "authorization": {"type": "B2B_AGREEMENT", "driver_id": "d"}}
                ],
            }
        ],
    )

    found = parse("confirm", message)

    assert isinstance(found, Confirm)
    assert found.authorization_token is None
    assert found.payment is None
    assert found.billing == Raw(b'{"organization":{"descriptor":{"code":"GREENLOG001"}}}')


def test_init_hands_on_billing_and_customer() -> None:
    customer = {"person": {"name": "Asha Rao"}}

    found = parse("init", order(billing={"name": "Asha"}, fulfillments=[{"customer": customer}]))

    assert isinstance(found, Init)
    assert found.billing == Raw(b'{"name":"Asha"}')
    assert found.customer == Raw(b'{"person":{"name":"Asha Rao"}}')


def paying(**payment: object) -> dict[str, object]:
    """Return a confirm with this payment."""
    return order(payments=[payment])


@pytest.mark.parametrize(
    ("payment", "path"),
    [
        ({"type": "WHENEVER"}, "type"),
        ({"status": "PERHAPS"}, "status"),
        ({"collected_by": "SOMEBODY"}, "collected_by"),
        ({"params": {"amount": "-1"}}, "params.amount"),
        ({"params": {"amount": "a lot"}}, "params.amount"),
        ({"params": {"currency": "rupees"}}, "params.currency"),
        ({"params": []}, "params"),
        ({"tags": [{"list": {}}]}, "tags[0].list"),
    ],
)
def test_what_is_wrong_in_a_payment_is_named(payment: Mapping[str, object], path: str) -> None:
    assert fault("confirm", paying(**payment))[0] == f"message.order.payments[0].{path}"


@pytest.mark.parametrize(
    ("said", "paid"), [("PAID", True), ("paid", True), ("NOT-PAID", False), ("NOT_PAID", False)]
)
def test_paid_is_what_is_said_to_be_paid(said: str, paid: bool) -> None:
    found = parse("confirm", paying(status=said))

    assert isinstance(found, Confirm)
    assert found.payment is not None
    assert found.payment.paid is paid


@pytest.mark.parametrize(
    ("codes", "method"),
    [
        (["UPI-TRANFER"], "UPI-TRANSFER"),
        (["upi_transfer"], "UPI-TRANSFER"),
        (["PAYMENT-LINK"], "PAYMENT-LINK"),
        (["BARTER"], None),
        (["BARTER", "BANK-TRANSFER"], "BANK-TRANSFER"),
        (["BANK-TRANSFER", "PAYMENT-LINK"], None),
        ([], None),
    ],
)
def test_the_one_method_named_is_the_one_chosen(codes: list[str], method: str | None) -> None:
    tags = [{"list": [{"descriptor": {"code": code}} for code in codes]}]

    found = parse("confirm", paying(tags=tags))

    assert isinstance(found, Confirm)
    assert found.payment is not None
    assert found.payment.method == method


def updating(code: object, **more: object) -> dict[str, object]:
    """Return an update to a state."""
    state = {"descriptor": {"code": code}}
    return {"order": {"id": "o", "fulfillments": [{"state": state}]}, **more}


@pytest.mark.parametrize("code", [None, "COMPLETED", "fly", ""])
def test_an_update_must_say_start_or_stop(code: object) -> None:
    path, _ = fault("update", updating(code))

    assert path == "message.order.fulfillments[0].state.descriptor.code"


@pytest.mark.parametrize(
    ("target", "regular"),
    [
        ("order.fulfillments[0].state", True),
        ("order.fulfillments.state", False),
        ("order.fulfillments[].state", False),
        ("fulfillments[0].state.descriptor.code", False),
        ("message.order.fulfillments[0]", False),
    ],
)
def test_the_update_target_is_read_leniently(target: str, regular: bool) -> None:
    quirks: list[str] = []

    found = dialect().parse(
        "update", updating("start-charging", update_target=target), quirks.append
    )

    assert isinstance(found, Update)
    assert quirks == ([] if regular else [Quirk.UPDATE_TARGET])


@pytest.mark.parametrize("target", ["order.billing", "payments", "order.fulfillments[0].stops"])
def test_other_targets_are_refused(target: str) -> None:
    assert fault("update", updating("start-charging", update_target=target))[0] == (
        "message.update_target"
    )


@pytest.mark.parametrize(
    ("action", "message", "path"),
    [
        ("update", {}, "message.order"),
        ("update", {"order": {}}, "message.order.fulfillments"),
        ("update", {"order": {"fulfillments": []}}, "message.order.fulfillments"),
        ("status", {}, "message.order_id"),
        ("status", {"order_id": 5.5}, "message.order_id"),
        ("track", {"order": {"id": "o"}}, "message.order_id"),
        ("track", {"order_id": "o", "callback_url": "javascript:x"}, "message.callback_url"),
        ("cancel", {"cancellation_reason_id": "5"}, "message.order_id"),
        ("rating", {}, "message.ratings"),
        ("rating", {"ratings": []}, "message.ratings"),
        ("rating", {"ratings": [{"id": "f", "value": "5"}]}, "message.ratings[0].rating_category"),
        (
            "rating",
            {
                "ratings": [
                    {"id": "f", "rating_category": "Order", "value": "5"},
                    {"id": "f", "rating_category": "Weather", "value": "5"},
                ]
            },
            "message.ratings[1].rating_category",
        ),
        ("support", {"support": []}, "message.support"),
        ("support", {"support": {"ref_id": {}}}, "message.support.ref_id"),
        ("on_search", {}, "context.action"),
    ],
)
def test_what_is_wrong_in_other_requests_is_named(
    action: str, message: Mapping[str, object], path: str
) -> None:
    assert fault(action, message)[0] == path


@pytest.mark.parametrize(
    ("said", "reason", "only_asks"),
    [
        ({"descriptor": {"code": "SOFT_CANCEL"}}, "Cannot come", True),
        ({"descriptor": {"code": "soft-cancel", "short_desc": "rain"}}, "rain", True),
        ({"descriptor": {"code": "CONFIRM_CANCEL"}}, "Cannot come", False),
        ({"descriptor": {"code": "rain"}}, "rain", False),
        ({}, "Cannot come", False),
    ],
)
def test_a_cancel_asks_first_or_cancels(
    said: dict[str, object], reason: str, only_asks: bool
) -> None:
    message = {"order_id": "o", "cancellation_reason_id": "5", **said}

    assert parse("cancel", message) == Cancel(
        order_id="o", reason_id="5", reason=reason, only_asks=only_asks
    )


@pytest.mark.parametrize("reason_id", ["99", "user_request", None])
def test_a_reason_nobody_knows_is_handed_on(reason_id: str | None) -> None:
    message = {"order_id": "o", "cancellation_reason_id": reason_id}

    assert parse("cancel", message) == Cancel(order_id="o", reason_id=reason_id)


@pytest.mark.parametrize("named", [PROVIDER, [PROVIDER]])
def test_providers_are_taken_for_the_provider(named: object) -> None:
    quirks: list[str] = []

    found = wish({"order": {"providers": named, "items": [{"id": ITEM}]}}, quirks)

    assert found.provider_id == "sun.example"
    assert quirks == [Quirk.PROVIDERS]


def test_several_providers_are_none() -> None:
    message = {"order": {"providers": [PROVIDER, PROVIDER], "items": [{"id": ITEM}]}}

    assert fault("select", message)[0] == "message.order.provider"


def test_an_update_without_an_order_is_about_the_transaction() -> None:
    fulfillment = {"state": {"descriptor": {"code": "start-charging"}}}
    message = {
        "update_target": "order.fulfillments[0].state",
        "order": {"fulfillments": [fulfillment]},
    }
    quirks: list[str] = []

    found = dialect().parse("update", message, quirks.append)

    assert isinstance(found, Update)
    assert found.order_id is None
    assert quirks == [Quirk.ORDER_ID_MISSING]
