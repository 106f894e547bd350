"""Messages that were right once: one to three things about each are changed, by chance but again
the same for the same seed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

Message = dict[str, Any]

DEEP: Any = []
for _ in range(80):
    DEEP = [DEEP]

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 0.1, 10**40, -(10**18), 1.5e300),
    *("", " ", "0", "-5", "1e9", "NaN", "x" * 5000, "\x00", "\ud800", "é\u202e", "🚗" * 50),
    *("2026-13-45T99:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "PT0S", "P9999D"),
    *("http://169.254.169.254/latest", "javascript:alert(1)", "../../etc/passwd", "a|b", "*"),
    *([], {}, [[]], [None], {"": ""}, DEEP),
)


class Mutant(NamedTuple):
    """What is sent.

    Args:
        body: its bytes.
        whole: the context is as it was, so that an ACK promises an answer under its message_id.
    """

    body: bytes
    whole: bool


def mutant(random: Random, original: Message) -> Mutant:
    """Return a changed message; one in ten is broken as bytes, one in five in its context too."""
    message = copy.deepcopy(original)
    context = random.random() < 0.2
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        part = random.choice(("context", "message")) if context else "message"
        message[part] = _changed(random, message[part])
    body = json.dumps(message, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")
    whole = not context and message["context"] == original["context"]
    if random.random() < 0.1:
        return Mutant(_broken(random, body), whole=False)
    return Mutant(body, whole)


def _changed(random: Random, tree: Any) -> Any:
    """Return a tree with one place of it changed."""
    places = list(_places(tree))
    if not places:
        return random.choice(ODD_VALUES)
    holder, name = random.choice(places)
    change = random.choice(CHANGES)
    change(random, holder, name)
    return tree


def _places(tree: Any) -> Any:
    """Yield every (container, key or index) of a tree."""
    if isinstance(tree, dict):
        for name, value in list(tree.items()):
            yield tree, name
            yield from _places(value)
    elif isinstance(tree, list):
        for index, value in enumerate(tree[:20]):
            yield tree, index
            yield from _places(value)


def _drop(_: Random, holder: Any, name: Any) -> None:
    del holder[name]


def _replace(random: Random, holder: Any, name: Any) -> None:
    holder[name] = copy.deepcopy(random.choice(ODD_VALUES))


def _wrap(random: Random, holder: Any, name: Any) -> None:
    value = holder[name]
    holder[name] = random.choice(([value], {"value": value}, json.dumps(value)))


def _repeat(random: Random, holder: Any, name: Any) -> None:
    holder[name] = [copy.deepcopy(holder[name]) for _ in range(random.choice((2, 101, 300)))]


def _retype(_: Random, holder: Any, name: Any) -> None:
    value = holder[name]
    if isinstance(value, str):
        try:
            holder[name] = json.loads(value)
        except ValueError:
            holder[name] = value.swapcase()
    elif isinstance(value, int | float):
        holder[name] = str(value)
    elif isinstance(value, dict):
        holder[name] = list(value.items())
    else:
        holder[name] = {"0": value}


def _add(random: Random, holder: Any, name: Any) -> None:
    if isinstance(holder, dict):
        holder[f"{name}_"] = copy.deepcopy(random.choice(ODD_VALUES))
    else:
        holder.insert(name, copy.deepcopy(random.choice(ODD_VALUES)))


def _swap(random: Random, holder: Any, name: Any) -> None:
    other = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[name], holder[other] = holder[other], holder[name]


CHANGES: tuple[Callable[[Random, Any, Any], None], ...] = (
    *(_drop, _replace, _replace, _wrap, _repeat, _retype, _add, _swap),
)


def _broken(random: Random, body: bytes) -> bytes:
    """Return bytes that are mostly no JSON any more."""
    at = random.randrange(len(body))
    return random.choice(
        (
            body[:at],
            body[:at] + bytes([random.randrange(256)]) + body[at + 1 :],
            body[:at] + b"\xff\xfe" + body[at:],
            body + body,
            b"[" * 5000 + body,
            body.replace(b":", b"::", 1),
            b"",
        )
    )
