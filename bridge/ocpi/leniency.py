"""What is tolerated of a CPO that deviates from OCPI 2.2.1: each deviation has a name.

Whoever reads something a CPO sent and forgives it says so with a ``Met``; it is counted by CPO
(``bridge_ocpi_leniency_total``), told once in the log and listed in docs/ocpi-peers.md.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple


class Leniency(enum.StrEnum):
    """A deviation that costs nothing; the value is the label of the metric."""

    # Who calls
    RAW_TOKEN = "raw_token"
    """Authorization has the token as it is, not in Base64 (Q1)."""
    NEWLINE_TOKEN = "newline_token"
    """The Base64 in Authorization holds the token and a line end (Q2)."""
    UNPADDED_TOKEN = "unpadded_token"
    """The Base64 in Authorization lacks its padding (Q2)."""
    TOKEN_SCHEME_CASE = "token_scheme_case"
    """The scheme in Authorization is not spelled ``Token``."""
    OWN_TOKEN = "own_token"
    """The caller presents the token it gave to us; by flag only (Q3)."""

    # What comes with a request
    MESSAGE_ID_MISSING = "message_id_missing"
    """X-Request-ID or X-Correlation-ID is missing; the answer has new ones (Q4)."""
    BYTE_ORDER_MARK = "byte_order_mark"
    """A body begins with a byte order mark."""
    DOUBLED_SLASH = "doubled_slash"
    """A path has a slash too many (Q9)."""
    RECEIVER_ALIAS = "receiver_alias"
    """A module is called below ``/ocpi/receiver``; by flag only (Q10)."""
    CDR_ADDRESS = "cdr_address"
    """A CDR is sent to an address of its own; by PUT only with a flag (Q13)."""
    PATCH_WITHOUT_LAST_UPDATED = "patch_without_last_updated"
    """A PATCH does not say when; by flag only (Q34)."""
    PATCH_ADDRESS = "patch_address"
    """The URL of a session's PATCH names no session, its body does (Q45)."""
    ID_CASE = "id_case"
    """The same id in another case than before (Q26)."""

    # How values are written
    NUMBER_AS_STRING = "number_as_string"
    """A number in quotes (Q23)."""
    STRING_AS_NUMBER = "string_as_number"
    """A string, an id or a coordinate without quotes (Q23)."""
    DECIMAL_FOR_INT = "decimal_for_int"
    """An integer with decimals; it is rounded (Q23)."""
    BOOLEAN_SPELLING = "boolean_spelling"
    """A boolean as a word in quotes, or as 0 or 1."""
    TIMESTAMP_OFFSET = "timestamp_offset"
    """A timestamp with an offset instead of ``Z`` (Q22)."""
    TIMESTAMP_PRECISION = "timestamp_precision"
    """A timestamp of more than 25 characters; what is finer than a millisecond is cut (Q22)."""
    TIMESTAMP_SPELLING = "timestamp_spelling"
    """A timestamp with a space, lower-case letters, one digit too few, or no seconds (Q22)."""
    TIME_SPELLING = "time_spelling"
    """A local time other than HH:MM."""
    STRING_TOO_LONG = "string_too_long"
    """A text beyond its limit; it is cut, ids never are (Q28)."""
    CONTROL_CHARACTER = "control_character"
    """A line end or tab inside a text; a space takes its place."""
    UNUSABLE_URL = "unusable_url"
    """An optional URL that is too long; it is left out."""

    # How objects are built
    UNKNOWN_FIELD = "unknown_field"
    """A field that OCPI 2.2.1 does not have (Q30)."""
    UNKNOWN_VALUE = "unknown_value"
    """An enum value that OCPI 2.2.1 does not have; what it stands in is left out, or a value
    that promises nothing takes its place (Q27)."""
    NULL_IN_LIST = "null_in_list"
    """A null among the elements of a list (Q25)."""
    OBJECT_IN_LIST = "object_in_list"
    """A list of one where an object is due (Q16)."""
    WRAPPED_WORD = "wrapped_word"
    """An object or list around a bare word (Q16)."""
    SINGLE_FOR_LIST = "single_for_list"
    """One object or value where a list is due (Q20, Q29)."""
    REQUIRED_MISSING = "required_missing"
    """An EVSE without Connectors, a CDR without periods, a period without dimensions, a
    CdrLocation without coordinates, EVSE or Connector, a CommandResponse without time-out
    (Q20, Q33, Q42)."""
    LAST_UPDATED_MISSING = "last_updated_missing"
    """An EVSE or Connector without its date; that of what it stands in counts."""

    # What objects say
    PRICE_AS_NUMBER = "price_as_number"
    """A Price as OCPI 2.1.1 has it: a number, without VAT (Q23)."""
    PRICE_WITH_TAXES = "price_with_taxes"
    """A Price as OCPI 2.3.0 has it: before_taxes and taxes (Q32)."""
    COORDINATE_SCALE = "coordinate_scale"
    """A coordinate with fewer than 5 or more than 7 decimals (Q24)."""
    COORDINATES_SWAPPED = "coordinates_swapped"
    """A latitude beyond 90 degrees beside a longitude that could be one (Q24)."""
    UNUSABLE_PART = "unusable_part"
    """An optional object that says nothing, empty coordinates for one; it is left out (Q42)."""
    IMAGE_TYPE = "image_type"
    """The type of an image as a media type (Q28)."""
    OPENING_TIMES = "opening_times"
    """Hours that contradict themselves: regular ones although always open, or none at all."""
    PUBLISH_RULE = "publish_rule"
    """A published Location names whom it is shown to, or a rule names nobody; it is left out."""
    TOKEN_WITHOUT_PARTY = "token_without_party"
    """A CdrToken as OCPI 2.2 has it, without party: ours (Q31)."""
    REPEATED_ROLE = "repeated_role"
    """The same role of the same party twice in credentials."""
    ENERGY_IN_WH = "energy_in_wh"
    """Periods with Wh where the total is kWh (Q41)."""
    RESULT_IN_ERROR = "result_in_error"
    """A CommandResponse inside an error (Q19)."""
    SESSION_DIMENSION = "session_dimension"
    """A CDR with momentary values in its periods; they are left out."""

    # How our requests are answered
    NO_ENVELOPE = "no_envelope"
    """A success without an envelope: the bare object or list, or an empty acknowledgement."""
    STATUS_CODE = "status_code"
    """A status_code that is no integer, or none at all beside data (Q21)."""
    STATUS_MESSAGE = "status_message"
    """A status_message that is no text."""
    ANSWER_TIMESTAMP = "answer_timestamp"
    """An answer without a timestamp, or with one in another form (Q21)."""
    ERROR_WITH_DATA = "error_with_data"
    """A status_code of 2xxx beside an object or list that can be used all the same (Q18)."""
    CONTENT_TYPE = "content_type"
    """An answer in JSON that says it is something else."""
    FORBIDDEN = "forbidden"
    """HTTP 403 where 401 is meant (Q6)."""
    REDIRECT = "redirect"
    """A redirect on the same origin (Q8)."""
    RELATIVE_URL = "relative_url"
    """A URL of versions or their details, or of a next page, that is not absolute."""
    URL_SCHEME = "url_scheme"
    """A URL of versions or their details has https for http, or the other way round: its host and
    port have just answered in ours (Q14)."""
    EVSE_ADDRESS = "evse_address"
    """An EVSE has no address below its Location; the Location tells its status."""

    # How lists go on
    LINK_MISSING = "link_missing"
    """No Link to the next page although there was one; it was found by its offset (Q14)."""
    LINK_EMPTY = "link_empty"
    """A Link header without a link in it, as some have on the last page (Q14)."""
    LINK_SYNTAX = "link_syntax"
    """A Link without ``rel``, or without brackets around its URL."""
    LINK_ORIGIN = "link_origin"
    """A Link with another scheme, host or port than the endpoint; ours were used (Q14)."""
    LINK_PATH = "link_path"
    """A Link with a path that leads nowhere; its query was asked of the endpoint (Q14)."""
    LINK_FILTERS = "link_filters"
    """A Link without the dates that were asked for; they were added."""
    LINK_LOOP = "link_loop"
    """A Link that leads to nothing new: to a page read before, or to an empty one."""
    LINK_FOREIGN = "link_foreign"
    """A Link to another platform; it was not followed."""
    TOTAL_COUNT = "total_count"
    """X-Total-Count is missing, is no number, or is not what came (Q14)."""
    OFFSET_IGNORED = "offset_ignored"
    """The same page whatever the offset."""
    DATE_FILTER = "date_filter"
    """Objects that are older or newer than was asked for (Q15)."""
    DUPLICATE = "duplicate"
    """The same object twice in a list; the later one counts (Q15)."""


class Met(NamedTuple):
    """A leniency that was needed.

    Args:
        leniency: which one.
        place: JSON path such as ``evses[0].status``, or the name of a header; never a value.
    """

    leniency: Leniency
    place: str = ""


def first_of_each(met: Iterable[Met]) -> list[Met]:
    """Return each leniency once, at its first place: one object counts once for it."""
    first: dict[Leniency, Met] = {}
    for each in met:
        first.setdefault(each.leniency, each)
    return list(first.values())
