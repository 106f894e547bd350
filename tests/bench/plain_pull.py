"""The limit of a pull: fetch the pages one after the other, decode them, do nothing else.

``python -m tests.bench.plain_pull URL TOKEN`` prints how many Locations came in how many seconds.
"""

from __future__ import annotations

import sys
import time

import aiohttp
import msgspec
import uvloop

from bridge.ocpi.headers import authorization
from bridge.ocpi.locations import Location


class Page(msgspec.Struct):
    """The envelope of a page."""

    data: list[Location]


class Pulled(msgspec.Struct):
    """What came, and how long it took."""

    locations: int
    seconds: float


async def pull(url: str, token: str) -> Pulled:
    """Read a list to its end."""
    page = msgspec.json.Decoder(Page)
    target: str | None = url
    count = 0
    async with aiohttp.ClientSession(headers={"Authorization": authorization(token)}) as http:
        started = time.perf_counter()
        while target is not None:
            async with http.get(target) as answer:
                count += len(page.decode(await answer.read()).data)
                following = answer.links.get("next")
                target = None if following is None else str(following["url"])
        return Pulled(count, time.perf_counter() - started)


if __name__ == "__main__":
    print(msgspec.json.encode(uvloop.run(pull(*sys.argv[1:]))).decode())
