"""How exchanges of credentials come to nothing, and what the operator does about it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from bridge.errors import BridgeError, CpoUnavailable
from bridge.flows.peer import CallFailed


class RegistrationFailed(BridgeError):
    """No connection to the CPO came about; the message tells the operator what to do."""

    advice: ClassVar[str] = ""

    def __init__(self, cpo_id: str, reason: str) -> None:
        self.cpo_id = cpo_id
        self.reason = reason
        super().__init__(f"{cpo_id}: {reason}. {self.advice}")


class PlatformUnreachable(RegistrationFailed):
    """The CPO's platform gave no usable answer."""

    retryable = True
    advice = "Check versions_url and that the CPO's platform is up; the bridge tries again."


class TokenARefused(RegistrationFailed):
    """The CPO does not accept TOKEN_A."""

    advice = (
        "Compare token_a with what the CPO gave out. A TOKEN_A is good for one registration: "
        "if an earlier one was cut off, ask the CPO for a new TOKEN_A."
    )


class VersionNotOffered(RegistrationFailed):
    """The CPO does not speak OCPI 2.2.1."""

    advice = "Ask the CPO for the versions_url of a platform with 2.2.1."


class EndpointsNotOffered(RegistrationFailed):
    """The CPO's version details lack modules that the bridge needs."""

    advice = "If the CPO has them without saying so, set their URLs under endpoints."


class AlreadyRegistered(RegistrationFailed):
    """The CPO holds this platform for registered."""

    advice = "Ask the CPO to delete the old registration and to give out a new TOKEN_A."


class OurApiUnusable(RegistrationFailed):
    """The CPO could not read our versions or version details."""

    retryable = True
    advice = "Check public_url: the CPO must reach it while our POST is open."


class CredentialsRefused(RegistrationFailed):
    """The CPO refuses our credentials."""

    advice = "Ask the CPO what it expects; our party is under ocpi."


class OutcomeUnknown(RegistrationFailed):
    """The CPO may have registered us, but its answer did not arrive."""

    retryable = True
    advice = "The bridge tries again; if TOKEN_A is refused then, ask the CPO for a new one."


class PartyClaimed(RegistrationFailed):
    """A party of the CPO comes over another connection already."""

    advice = (
        "A party may come over one connection only: have it left out here, or end the other "
        "connection. To register again takes a new TOKEN_A."
    )


class NoCpoRole(RegistrationFailed):
    """The platform is neither that of a CPO nor a hub."""

    advice = "Ask for the versions_url of its CPO platform. To register again takes a new TOKEN_A."


class TokenRefused(RegistrationFailed):
    """A CPO that we are registered with does not accept our token any more."""

    advice = (
        "Let the CPO renew by PUT at its side; or ask it for a new TOKEN_A, set it, and run "
        "bridge cpo register."
    )


class NotRegisteredThere(RegistrationFailed):
    """The CPO does not hold us for registered, or takes no PUT."""

    advice = "Ask the CPO. If it has deleted us: a new TOKEN_A, and bridge cpo register."


class RenewalUnknown(RegistrationFailed):
    """The CPO may have changed our token, but its answer did not arrive."""

    retryable = True
    advice = (
        "Both tokens of ours stay valid. Run bridge cpo rotate again: if our own token is refused "
        "then, the CPO has changed it; ask for a new TOKEN_A."
    )


class NotUnregistered(RegistrationFailed):
    """The CPO did not confirm the end of the connection; nothing was changed here."""

    advice = "Run bridge cpo unregister again; with --local it is forgotten here only."


class Case(NamedTuple):
    """What it means when an exchange of credentials fails: POST and PUT differ in it."""

    refused: type[RegistrationFailed]
    not_allowed: type[RegistrationFailed]
    not_allowed_means: str
    unknown: type[RegistrationFailed]


POST = Case(TokenARefused, AlreadyRegistered, "we are registered there", OutcomeUnknown)
PUT = Case(TokenRefused, NotRegisteredThere, "we are not registered there", RenewalUnknown)


def failure_of(cpo_id: str, error: CpoUnavailable, case: Case) -> RegistrationFailed:
    """Say what a failed exchange of credentials means.

    A refusal leaves the CPO as it was. Whoever says nothing usable may have acted: ``unknown``.
    """
    http, code = status_of(error)
    told = words_of(error)
    if http in (401, 403):
        return case.refused(cpo_id, f"it refuses our token: {told}")
    if http == 405:
        return case.not_allowed(cpo_id, f"it answered 405, {case.not_allowed_means}: {told}")
    if code == 3001:
        return OurApiUnusable(cpo_id, f"it could not use our API: {told}")
    if code == 3002:
        return VersionNotOffered(cpo_id, f"it finds no version in common: {told}")
    if code == 3003:
        return CredentialsRefused(cpo_id, f"it misses endpoints among ours: {told}")
    if http == 429 or (isinstance(error, CallFailed) and error.nothing_left):
        return PlatformUnreachable(cpo_id, told)
    if (code is not None and 2000 <= code < 3000) or (http is not None and 400 <= http < 500):
        return CredentialsRefused(cpo_id, f"it refuses our credentials: {told}")
    return case.unknown(cpo_id, told)


def status_of(error: CpoUnavailable) -> tuple[int | None, int | None]:
    """Return the HTTP and the OCPI status of the answer, if there was one."""
    return (error.http, error.code) if isinstance(error, CallFailed) else (None, None)


def words_of(error: CpoUnavailable) -> str:
    """Return the failure with the peer's own words, for the operator only."""
    said = error.said if isinstance(error, CallFailed) else ""
    return f"{error.reason} ({said})" if said else error.reason
