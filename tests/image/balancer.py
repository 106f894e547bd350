"""A load balancer for TCP: it sends connections to replicas that say that they are ready."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.image.programs import answers

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter

LOOKS_EVERY_S = 0.1
WAITS_S = 5.0
"""A connection waits so long for some replica to be ready."""


class Balancer:
    """Takes connections at a port, and hands each to the next replica that is ready.

    What is open stays where it is: it neither looks into connections nor moves them.

    Args:
        ports: where the replicas listen.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.ready: list[int] = []
        self.refused: list[str] = []
        self._ports = tuple(ports)
        self._some = asyncio.Condition()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Work while inside."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", port)
        looks = [asyncio.create_task(self._look(each)) for each in self._ports]
        try:
            yield
        finally:
            for each in looks:
                each.cancel()
            await asyncio.gather(*looks, return_exceptions=True)
            server.close()

    async def _look(self, port: int) -> None:
        """Ask a replica again and again how it is."""
        while True:
            ready = await answers(f"http://127.0.0.1:{port}/health/ready")
            async with self._some:
                if not ready and port in self.ready:
                    self.ready.remove(port)
                if ready and port not in self.ready:
                    self.ready.append(port)
                    self._some.notify_all()
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _connection(self, client: Reader, to_client: Writer) -> None:
        try:
            async with asyncio.timeout(WAITS_S), self._some:
                await self._some.wait_for(lambda: self.ready)
                port = self.ready.pop(0)
                self.ready.append(port)
            replica, to_replica = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, TimeoutError) as error:
            self.refused.append(repr(error))
            to_client.close()
            return
        await asyncio.gather(pump(client, to_replica), pump(replica, to_client))


async def pump(source: Reader, sink: Writer) -> None:
    """Hand bytes on until one side ends; then end the other."""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
