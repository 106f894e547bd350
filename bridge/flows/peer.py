"""How a call to an OCPI peer ends when it does not end well."""

from __future__ import annotations

from bridge.errors import CpoUnavailable


class CallFailed(CpoUnavailable):
    """A peer gave no usable answer to one request.

    ``reason`` names the module and what happened, for drivers too: it never repeats words of the
    peer. Those are in ``said``.

    Args:
        nothing_left: True when that is certain: no name, no connection, no TLS.
        undelivered: True when a hub says that it could not pass the request on.
        http: HTTP status, None when no answer came; 401 for a 403, which some peers answer instead.
        code: OCPI status_code, None when there was none that can be read.
        said: what the peer says about it, short, printable, freed of our token.
        data: what the envelope carried all the same, untyped: a 2xxx can hold a CommandResponse.
        no_answer: nobody who speaks OCPI answered: no connection, a time-out, or an HTTP 5xx of
            something that stands before the peer.
        refused: the connection was refused at once: to try again costs nothing.
        retry_after_s: the peer wants to be left alone for so long.
    """

    def __init__(
        self,
        reason: str,
        *,
        nothing_left: bool = False,
        undelivered: bool = False,
        http: int | None = None,
        code: int | None = None,
        said: str = "",
        data: object = None,
        no_answer: bool = False,
        refused: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.nothing_left = nothing_left
        self.undelivered = undelivered
        self.http = http
        self.code = code
        self.said = said
        self.data = data
        self.no_answer = no_answer
        self.refused = refused
        self.retry_after_s = retry_after_s

    @property
    def may_have_arrived(self) -> bool:
        """Whether the party may have got the request, and acted on it."""
        return not (self.nothing_left or self.undelivered)


class PartyAway(CallFailed):
    """The party is not connected to its hub: nothing is sent to it, and nothing kept for later.

    OCPI 2.2.1 mod_hub_client_info.
    """

    retryable = False
    beckn_code = "40002"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, nothing_left=True)
