"""A CPO above its rate is told so in an envelope; others go on."""

from __future__ import annotations

from bridge.nesting import MAX_DEPTH
from bridge.server.rates import Limiter, Rate
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import LOC, location, tariff


async def test_a_cpo_above_its_rate_is_429(rig: Rig) -> None:
    limited = await rig.with_rate(Limiter(Rate(0.01, 1)))
    assert (await limited.put("tariffs/IN/ABC/T1", tariff())).status == (201, 1000)
    answer = await limited.put("tariffs/IN/ABC/T2", tariff("T2"))
    assert answer.status == (429, 2000)
    assert 90 <= int(answer.headers["Retry-After"]) <= 100
    assert "too many requests" in answer.envelope["status_message"]
    value = rig.metrics.registry.get_sample_value("bridge_rate_limited_total", {"side": "ocpi"})
    assert value == 1


async def test_who_has_no_token_uses_up_nobodys_rate(rig: Rig) -> None:
    limited = await rig.with_rate(Limiter(Rate(0.01, 1)))
    for _ in range(3):
        assert (await limited.get("tokens", token="nobody")).http == 401
    assert (await limited.get("tokens")).http == 200


async def test_a_body_that_is_nested_deeper_than_any_object_is_400(rig: Rig) -> None:
    deep: object = "x"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    answer = await rig.put(f"locations/{LOC}", {**location(), "unknown": deep})
    assert answer.status == (400, 2001)
