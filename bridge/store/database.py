"""The one way to Redis: single commands, and fenced transactions as one script."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisClusterException, RedisError

from bridge.errors import StoreUnavailable

Argument = str | bytes | int | float
Command = tuple[Argument, ...]


Value = bytes | str | None
"""What is read of one place; None: there is nothing."""


class Guard(NamedTuple):
    """A condition of a transaction: the reply of ``read`` must be ``expected`` (None = absent).

    A tuple is expected of a command that returns as many values.
    """

    read: Command
    expected: Value | tuple[Value, ...]


# What redis-py raises; a Cluster that cannot be reached is no RedisError to it.
_FAULTS = (RedisError, RedisClusterException, OSError)

PREFIX = "{bridge}:"
"""All keys share one hash tag, hence one slot of a cluster: transactions span any of them."""


def key(*parts: str) -> str:
    """Return the Redis key of these parts."""
    return PREFIX + ":".join(parts)


Observe = Callable[[str, float, bool], None]
"""Told of each round trip: what it was (command, commit, claim, script, wait), its time in seconds,
and whether it failed."""


def unobserved(operation: str, duration_s: float, failed: bool) -> None:
    """Tell nobody of a round trip."""


class Database:
    """A Redis client whose failures are StoreUnavailable."""

    def __init__(self, redis: Redis, *, observe: Observe = unobserved) -> None:
        self.redis = redis
        self._observe = observe
        self._commit = files("bridge.store").joinpath("scripts/commit.lua").read_text()
        self._claim = files("bridge.store").joinpath("scripts/claim.lua").read_text()
        self._scripts: dict[str, Any] = {}

    async def do(self, *command: Argument) -> Any:
        """Run one command; replies are bytes, as the protocol gives them.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        operation = "wait" if "BLOCK" in command else "command"
        return await self._observed(operation, self.redis.execute_command(*command))  # type: ignore[no-untyped-call]

    async def script(
        self,
        source: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        operation: str = "script",
    ) -> Any:
        """Run a Lua script by its digest, loading it when the server does not know it."""
        script = self._scripts.get(source)
        if script is None:
            script = self._scripts[source] = self.redis.register_script(source)
        return await self._observed(operation, script(keys=keys, args=args))

    async def _observed(self, operation: str, answer: Awaitable[Any]) -> Any:
        """Wait for an answer, and tell of the round trip. Raises StoreUnavailable."""
        started, failed = time.perf_counter(), False
        try:
            return await answer
        except _FAULTS as error:
            failed = True
            raise StoreUnavailable(f"Redis: {error}") from error
        finally:
            self._observe(operation, time.perf_counter() - started, failed)

    async def commit(self, commands: Sequence[Command], guards: Sequence[Guard] = ()) -> bool:
        """Run commands all or none, if all guards hold.

        Returns:
            False when a guard did not hold; nothing was written then.

        Raises:
            StoreUnavailable: Redis did not answer; whether it was written is not known.
        """
        args: list[Argument] = [len(guards)]
        for guard in guards:
            values = guard.expected if isinstance(guard.expected, tuple) else (guard.expected,)
            args += [len(guard.read), *guard.read, len(values)]
            for value in values:
                args += [0, ""] if value is None else [1, value]
        for command in commands:
            args += [len(command), *command]
        return bool(await self.script(self._commit, [PREFIX], args, operation="commit"))

    async def scan(self, pattern: str, step: int) -> AsyncIterator[str]:
        """Yield the keys that fit a pattern, ``step`` looked at at a time, each once at least.

        Raises:
            StoreUnavailable
        """
        try:
            async for name in self.redis.scan_iter(pattern, count=step):
                yield bytes(name).decode()
        except _FAULTS as error:
            raise StoreUnavailable(f"Redis: {error}") from error

    async def claim(self, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run the claim script of the lanes; see lanes.py."""
        return await self.script(self._claim, keys, args, operation="claim")


def packed(value: object) -> bytes:
    """Encode a record for Redis."""
    return msgspec.json.encode(value)
