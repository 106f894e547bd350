"""The error tree of the bridge.

    BridgeError
    +-- ConfigurationError            start refused; exit code 2
    |   +-- SettingsInvalid           every fault of the configuration, at once
    |   +-- MappingInvalid            every fault of mappings/*.yaml, at once
    |   +-- Layer2Invalid             every fault of a layer-2 file, at once
    +-- WrongUse                      a command cannot use what it was given; exit code 2
    +-- BadInput                      a message that cannot be read; nothing is stored
    |   +-- NotJson                   the body is no JSON document
    |   +-- BecknInvalid              NACK, names the field
    |   |   +-- ActionNotApplicable   NACK, an action that nobody needs here
    |   +-- SignatureInvalid          a key or signature that proves nothing; it is not repeated
    |   +-- OcpiInvalid               OCPI 2001, names the field
    +-- Refused                       understood, but not possible: on_* with ``error``
    |   +-- ProviderUnknown, LocationUnknown, ItemUnknown, FulfillmentUnknown,
    |   |   OrderUnknown, RatingInvalid, OfferUnknown, OfferUnavailable
    |   +-- BusinessRefused, ActionUnsupported, ItemUnavailable, QuoteUnavailable,
    |   |   PaymentUnsupported, TrackingUnavailable, StartFailed, NotAuthorized,
    |   |   CancellationImpossible, UpdateImpossible
    |   +-- CpoUnavailable            the CPO does not answer, or answers nonsense; retryable
    |       +-- CallFailed            how one call to a peer ended (flows/peer.py)
    |           +-- PartyAway         its hub does not reach the party; nothing was sent
    +-- OcpiRefused                   what the eMSP side answers a CPO with
    |   +-- Unauthorized, MethodNotAllowed, PartyUnknown, ObjectUnknown,
    |   |   LocationNotKnown, TokenUnknown, NotEnoughInformation,
    |   |   ClientApiUnusable, VersionUnsupported, EndpointsMissing
    |   +-- BodyTooLarge              nothing of it was read (server/ocpi_routes.py)
    +-- TooOften                      a sender is above its rate; nothing was stored
    +-- RegistrationFailed            an exchange of credentials failed (flows/failures.py)
    |   +-- PlatformUnreachable, TokenARefused, VersionNotOffered,
    |   |   EndpointsNotOffered, AlreadyRegistered, OurApiUnusable,
    |   |   CredentialsRefused, OutcomeUnknown, PartyClaimed, NoCpoRole,
    |   |   TokenRefused, NotRegisteredThere, RenewalUnknown, NotUnregistered
    +-- UnknownCode                   a code table has no row for a word (mapping/codes.py)
    +-- StoreUnavailable              Redis does not answer; retryable
    +-- RegistryUnavailable           whose key it is cannot be found out now; retryable
    +-- CallbackFailed                a BAP or adapter did not take an on_*; retryable
    |   +-- CallbackRefused           it answered NACK; final
    |   |   +-- CallbackTooLarge      it takes smaller messages only
    |   +-- CallbackInvalid           it breaks layer 2 and was not even sent; final
    +-- ErrandFailed                  nobody outside did it; retryable
    |   +-- ErrandRefused             it cannot be done; final
    +-- DemoFailed                    a step of the walk-in did not happen (sandbox/demo.py)
    +-- NotHealthy                    a bridge that is asked how it is (cli/health.py)

Every class says by itself what the two sides answer: ``beckn_code`` (BECKN-005, a string),
``ocpi_status`` and ``http_status`` (OCPI 2.2.1, 1.3 HTTP vs OCPI status), ``retryable``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar


class BridgeError(Exception):
    """Base of all errors the bridge raises on purpose."""

    retryable: ClassVar[bool] = False
    beckn_code: ClassVar[str] = "40000"
    ocpi_status: ClassVar[int] = 3000
    http_status: ClassVar[int] = 200


class ConfigurationError(BridgeError):
    """The bridge does not start: each of ``faults`` names a place and what is wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class SettingsInvalid(ConfigurationError):
    """The configuration file or a ``BRIDGE_`` variable cannot be used."""


class MappingInvalid(ConfigurationError):
    """A file under ``mappings/`` or an overlay cannot be used."""


class WrongUse(BridgeError):
    """A command of the command line cannot use what it was given; says which option or file."""


class Layer2Invalid(ConfigurationError):
    """A layer-2 file cannot be used."""


class BadInput(BridgeError):
    """A message that cannot be read. ``path`` is a JSON path such as ``context.bap_id``."""

    beckn_code = "30000"
    ocpi_status = 2001

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}" if path else reason)


class NotJson(BadInput):
    """The body is not a JSON document."""

    http_status = 400

    def __init__(self, reason: str) -> None:
        super().__init__("", reason)


class BecknInvalid(BadInput):
    """A Beckn message of the wrong shape, or not meant for this BPP."""


class ActionNotApplicable(BecknInvalid):
    """A request for what makes no sense here."""

    beckn_code = "40001"


class SignatureInvalid(BadInput):
    """A key or signature that proves nothing (BECKN-006).

    Args:
        by_gateway: it is the gateway's, not the sender's.
    """

    http_status = 401

    def __init__(self, reason: str, *, by_gateway: bool = False) -> None:
        super().__init__("", reason)
        self.by_gateway = by_gateway


class OcpiInvalid(BadInput):
    """An OCPI object or parameter that breaks OCPI 2.2.1."""


class Refused(BridgeError):
    """A request that was understood and cannot be fulfilled; the BAP learns it in the callback."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or (type(self).__doc__ or "").split("\n")[0].rstrip(".")
        super().__init__(self.reason)


class ProviderUnknown(Refused):
    """Provider not found."""

    beckn_code = "30001"


class LocationUnknown(Refused):
    """Provider location not found."""

    beckn_code = "30002"


class ItemUnknown(Refused):
    """Item not found."""

    beckn_code = "30004"


class OfferUnknown(Refused):
    """Offer not found."""

    beckn_code = "30006"


class OfferUnavailable(Refused):
    """Offer not for this order."""

    beckn_code = "30006"


class FulfillmentUnknown(Refused):
    """Fulfillment not found."""

    beckn_code = "30008"


class OrderUnknown(Refused):
    """Order not found."""

    beckn_code = "30010"


class RatingInvalid(Refused):
    """Rating value or id not usable."""

    beckn_code = "30015"


class BusinessRefused(Refused):
    """The order does not allow this now."""

    beckn_code = "40000"


class ActionUnsupported(Refused):
    """Action not supported."""

    beckn_code = "40001"


class ItemUnavailable(Refused):
    """Item not available."""

    beckn_code = "40002"


class QuoteUnavailable(Refused):
    """Quote not available or no longer valid."""

    beckn_code = "40003"


class PaymentUnsupported(Refused):
    """Payment not accepted."""

    beckn_code = "40004"


class TrackingUnavailable(Refused):
    """Tracking not available."""

    beckn_code = "40005"


class StartFailed(Refused):
    """Charging could not be started."""

    beckn_code = "40006"


class NotAuthorized(Refused):
    """The driver has not proved to be who is meant: an OTP is missing, wrong or expired."""

    beckn_code = "50000"


class CancellationImpossible(Refused):
    """Cancellation not possible."""

    beckn_code = "50001"


class UpdateImpossible(Refused):
    """Update not possible."""

    beckn_code = "50002"


class CpoUnavailable(Refused):
    """The charge point operator does not answer; try again later."""

    retryable = True
    beckn_code = "40000"


class TooOften(BridgeError):
    """A sender makes more requests than it may (``limits``); nothing of this one was stored.

    Args:
        retry_after_s: when one more will be taken.
    """

    ocpi_status = 2000
    http_status = 429

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        super().__init__(f"too many requests, try again in {self.retry_after_s} s")


class OcpiRefused(BridgeError):
    """The eMSP side refuses a CPO's request."""

    ocpi_status = 2000

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or (type(self).__doc__ or "").split("\n")[0].rstrip(".")
        super().__init__(self.reason)


class Unauthorized(OcpiRefused):
    """Unknown or missing credentials token."""

    ocpi_status = 2001
    http_status = 401


class MethodNotAllowed(OcpiRefused):
    """Method not allowed here."""

    http_status = 405


class PartyUnknown(OcpiRefused):
    """Country code and party id are not those of a party of this connection."""

    ocpi_status = 2001
    http_status = 404


class ObjectUnknown(OcpiRefused):
    """Object not found."""

    http_status = 404


class LocationNotKnown(ObjectUnknown):
    """Location, EVSE or Connector not found."""

    ocpi_status = 2003


class TokenUnknown(ObjectUnknown):
    """Token not found."""

    ocpi_status = 2004


class NotEnoughInformation(OcpiRefused):
    """Not enough information to decide."""

    ocpi_status = 2002


class ClientApiUnusable(OcpiRefused):
    """Unable to use the client's API."""

    ocpi_status = 3001


class VersionUnsupported(OcpiRefused):
    """No mutual OCPI version."""

    ocpi_status = 3002


class EndpointsMissing(OcpiRefused):
    """Expected endpoints are missing."""

    ocpi_status = 3003


class StoreUnavailable(BridgeError):
    """Redis does not answer."""

    retryable = True
    ocpi_status = 3000


class RegistryUnavailable(BridgeError):
    """The Beckn registry gives no usable answer."""

    retryable = True


class CallbackFailed(BridgeError):
    """A callback was not delivered; it may be tried again."""

    retryable = True


class CallbackRefused(CallbackFailed):
    """The receiver answered a callback with NACK.

    Args:
        status: of its HTTP answer.
        places: where in the callback its schema failed, JSON pointers.
    """

    retryable = False

    def __init__(self, reason: str = "", *, status: int = 200, places: Sequence[str] = ()) -> None:
        self.status = status
        self.places = tuple(places)
        super().__init__(": ".join([reason, ", ".join(places)] if places else [reason]))


class CallbackTooLarge(CallbackRefused):
    """A callback is larger than its receiver takes."""


class CallbackInvalid(CallbackFailed):
    """A callback breaks the network's layer-2 file, and such callbacks are withheld."""

    retryable = False


class ErrandFailed(BridgeError):
    """Something outside was not done; it may be tried again."""

    retryable = True


class ErrandRefused(ErrandFailed):
    """Something outside cannot be done: trying again would change nothing."""

    retryable = False
