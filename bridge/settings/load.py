"""Brings file and environment together into checked settings; every fault is told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from bridge.errors import SettingsInvalid
from bridge.settings.model import Settings
from bridge.settings.sources import Draft, Location, Named, lay_environment_over, place, read_file

SECRETS: Final[tuple[tuple[str, ...], ...]] = (
    ("secrets_key",),
    ("beckn", "encryption_private_key"),
    ("beckn", "private_key"),
    ("beckn", "webhook_hmac_key"),
    ("otp", "secret"),
    ("payment", "secret"),
)
"""Where secrets stand that can also come from a file; those of CPOs apart."""

_PACKAGE = Path(__file__).resolve().parent.parent


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the configuration file and lay the ``BRIDGE_`` variables over it.

    ``path`` wins over ``BRIDGE_CONFIG``; with neither, the environment alone has to do. Relative
    paths in it are seen from the working directory. Raises SettingsInvalid with every fault as
    ``where: what``, the place being a dotted path or the variable that set it; never a value.
    """
    if path is None and environ.get("BRIDGE_CONFIG"):
        path = Path(environ["BRIDGE_CONFIG"])
    draft = Draft(tree=read_file(path) if path else {})
    lay_environment_over(draft, environ)
    _bring_tokens(draft)
    for secret in SECRETS:
        _bring_secret(draft, *secret)
    _refuse_doubles(draft)
    settings = _checked(draft)
    if settings is None or draft.faults:
        raise SettingsInvalid([f"{where}: {what}" for where, what in draft.faults.items()])
    return settings


def data_path(name: str) -> Path:
    """Find the folder ``mappings`` or ``config``: inside an installed bridge, else beside it."""
    packed = _PACKAGE / "_data" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name


def _checked(draft: Draft) -> Settings | None:
    try:
        return Settings.model_validate(draft.tree)
    except ValidationError as error:
        draft.blame_all(error)
    return None


def token_variable(cpo_id: str) -> str:
    """Name the variable that holds a CPO's token A: ``BRIDGE_CPO_CPO1_TOKEN_A`` for ``cpo1``."""
    return f"BRIDGE_CPO_{re.sub('[^A-Z0-9]', '_', cpo_id.upper())}_TOKEN_A"


def _cpos(draft: Draft) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, cpo in enumerate(_list(draft.tree.get("cpos"))):
        if isinstance(cpo, dict):
            yield index, cpo


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bring_tokens(draft: Draft) -> None:
    """Put each CPO's token A into the tree: from its variable, else as it stands, else its file."""
    unused = set(draft.tokens)
    for index, cpo in _cpos(draft):
        at = ("cpos", index, "token_a")
        name = token_variable(str(cpo.get("id")))
        if name in draft.tokens:
            draft.origins[at] = name
            cpo["token_a"] = draft.tokens[name]
            unused.discard(name)
        elif cpo.get("token_a_file") is None:
            if cpo.get("token_a") is None:
                draft.blame(at, f"required: as token_a, as token_a_file, or in {name}")
        elif cpo.get("token_a") is not None:
            draft.blame(at, "given twice: here and as token_a_file")
        else:
            at_file: Location = ("cpos", index, "token_a_file")
            # A token that is missing besides would be a second fault.
            cpo["token_a"] = _text_of_file(draft, at_file, cpo["token_a_file"]) or "unread"
    for name in sorted(unused):
        draft.faults[name] = "no CPO has this id"


def _bring_secret(draft: Draft, *at: str) -> None:
    """Put a secret into the tree: as it stands, else from the file that ``{name}_file`` names.

    Of two that are given the one from the environment counts.
    """
    *parents, name = at
    holder: dict[str, Any] = draft.tree
    for parent in parents:
        holder = _mapping(holder.get(parent))
    at_file: Location = (*parents, f"{name}_file")
    path = holder.get(f"{name}_file")
    if path is None:
        return
    if holder.get(name) is not None:
        if (at in draft.origins) == (at_file in draft.origins):
            draft.blame(at, f"given twice: here and as {name}_file")
        if at_file not in draft.origins:
            return
    # A fault of the secret is a fault of what stands in the file.
    draft.origins[at] = draft.origins.get(at_file, place(at_file))
    holder[name] = _text_of_file(draft, at_file, path)


def _text_of_file(draft: Draft, at: Location, path: object) -> str | None:
    try:
        return Path(str(path)).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        draft.blame(at, f"cannot be read: {reason}")
    return None


def _refuse_doubles(draft: Draft) -> None:
    """Refuse a CPO id, a provider id or a party that stands twice.

    Two CPO ids that share one token variable count as one id.
    """
    ids: list[Named] = []
    providers: list[Named] = []
    parties: list[Named] = []
    for index, cpo in _cpos(draft):
        at: Location = ("cpos", index)
        if "id" in cpo:
            ids.append(((*at, "id"), token_variable(str(cpo["id"]))))
        rows = [((*at, "parties", row), p) for row, p in enumerate(_list(cpo.get("parties")))]
        for where, holder in [(at, cpo), *rows]:
            party = _mapping(holder)
            provider = _mapping(party.get("provider"))
            if "id" in provider:
                providers.append(((*where, "provider", "id"), str(provider["id"])))
            if "country_code" in party and "party_id" in party:
                name = f"{party['country_code']}*{party['party_id']}".upper()
                parties.append(((*where, "party_id"), name))
    for named in (ids, providers, parties):
        draft.refuse_twice(named)
