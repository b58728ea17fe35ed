"""The errors of the Graph API, in Meta's words, with the statuses of contract section 9."""

from typing import Any

import attrs


@attrs.frozen
class Refusal:
    """One error answer: HTTP status and `error` object."""

    code: int | None
    message: str
    status: int = 400
    type: str | None = "OAuthException"
    subcode: int | None = None
    is_transient: bool | None = None
    user_title: str | None = None
    user_message: str | None = None

    def body(self, trace_id: str | None) -> dict[str, Any]:
        """The `error` object in the key order of modern samples (contract 5.1)."""
        members: dict[str, Any] = {
            "message": self.message,
            "type": self.type,
            "is_transient": self.is_transient,
            "code": self.code,
            "error_subcode": self.subcode,
            "error_user_title": self.user_title,
            "error_user_msg": self.user_message,
            "fbtrace_id": trace_id,
        }
        return {"error": {key: value for key, value in members.items() if value is not None}}

    def with_words(self, **words: str) -> "Refusal":
        """The same refusal with its message's blanks filled in."""
        return attrs.evolve(self, message=self.message.format(**words))


class Refused(Exception):
    """Raised inside the emulator where a call ends in *refusal*."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


REDUCE = "Please reduce the amount of data you're asking for, then retry your request"
GONE = (
    "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, "
    "or does not support this operation. Please read the Graph API documentation at "
    "https://developers.facebook.com/docs/graph-api"
)

NO_TOKEN = Refusal(104, "An access token is required to request this resource.")  # contract 5.2, P-spring
TOKEN_UNREADABLE = Refusal(190, "Invalid OAuth access token - Cannot parse access token")
TOKEN_EXPIRED = Refusal(
    190, "Error validating access token: Session has expired on Monday, 04-May-26 06:00:00 PDT.", subcode=463
)
NOT_A_PAGE_TOKEN = Refusal(190, "(#190) This method must be called with a Page Access Token")  # contract 1.2
WRONG_NODE = Refusal(
    3, "(#3) Application does not have the capability to make this API call."
)  # contract 1.2, four reports
UNSUPPORTED_METHOD = Refusal(100, "Unsupported {method} request.", type="GraphMethodException", subcode=33)
UNSUPPORTED_ON_INSTAGRAM = Refusal(
    100, "Unsupported request - method type: {method}", type="IGApiException"
)  # contract 7.18
OBJECT_GONE = Refusal(100, GONE, type="GraphMethodException", subcode=33)
ALIAS_UNKNOWN = Refusal(803, "(#803) Some of the aliases you requested do not exist: {id}")
UNKNOWN_PATH = Refusal(2500, "Unknown path components: {path}")
FIELDS_BROKEN = Refusal(2500, "{problem}")
FIELD_UNKNOWN = Refusal(100, "(#100) Tried accessing nonexisting field ({field}) on node type ({node})")
PARAM_WRONG = Refusal(100, "(#100) {problem}")
CURSOR_WRONG = Refusal(100, "(#100) Invalid cursors values")  # wording of 2642, contract 5.2; the code here is INF
CURSOR_EXPIRED = Refusal(2642, "(#2642) Invalid cursors values")
CURSOR_TOO_DEEP = Refusal(100, "(#100) The After Cursor specified exceeds the max limit supported by this endpoint")
TOO_MUCH_ASKED = Refusal(1, REDUCE, status=500, type=None)  # contract 5.3: often without type and fbtrace_id
POISONED = Refusal(1, "An unknown error occurred", status=500)  # contract 7.2: OAuthException, code 1
HIGH_VOLUME = Refusal(
    # Contract 1.6 gives no code for this one; 2 is what an unavailable listing says elsewhere.
    2,
    "(#2) Service temporarily unavailable: this Page has too many conversations to be listed",
    status=500,
)
MESSAGE_DELETED = Refusal(100, "(#100) The message has been deleted", subcode=33)  # contract 1.6; code unknown (8.17)
PROOF_MISSING = Refusal(
    100, "API calls from the server require an appsecret_proof argument", type="GraphMethodException"
)
PROOF_WRONG = Refusal(100, "Invalid appsecret_proof provided in the API argument", type="GraphMethodException")

_MESSENGER_FULL = (
    "(#80006) There have been too many messenger api calls to this Page account. "
    "Wait a bit and try again. For more info, please refer to "
    "https://developers.facebook.com/docs/graph-api/overview/rate-limiting#messenger."
)

# Code → what Meta answers; sources in contract 4.3 and 5.2, statuses in 9.
BY_CODE: dict[int, Refusal] = {
    1: Refusal(1, "An unknown error occurred", status=500),
    2: Refusal(2, "An unexpected error has occurred. Please retry your request later.", is_transient=True),
    3: WRONG_NODE,
    4: Refusal(4, "(#4) Application request limit reached", status=403, is_transient=True),
    10: Refusal(10, "(#10) Application does not have permission for this action"),
    17: Refusal(17, "(#17) User request limit reached"),
    32: Refusal(32, "(#32) Page request limit reached"),
    100: Refusal(100, "(#100) Invalid parameter"),
    102: Refusal(102, "Session key invalid or no longer valid"),
    104: NO_TOKEN,
    190: TOKEN_UNREADABLE,
    200: Refusal(200, "(#200) Permissions error", status=403),
    230: Refusal(230, "(#230) Requires pages_messaging permission to manage the object", status=403),
    341: Refusal(341, "(#341) Feed action request limit reached"),
    368: Refusal(368, "The action attempted has been deemed abusive or is otherwise disallowed"),
    613: Refusal(613, "(#613) Calls to this api have exceeded the rate limit."),
    803: ALIAS_UNKNOWN,
    2500: Refusal(2500, "An active access token must be used to query information about the current user."),
    80001: Refusal(80001, "(#80001) There have been too many calls to this Page account. Wait a bit and try again."),
    80002: Refusal(
        80002, "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again."
    ),
    80006: Refusal(80006, _MESSENGER_FULL),
}

# What a caller must slow down for (contract 4.3).
LIMIT_CODES = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})


def refusal_for(code: int, subcode: int | None = None) -> Refusal:
    """Meta's answer for *code*; an unlisted code gets a plain message, as an unknown one would."""
    if code == 190 and subcode == 463:
        return TOKEN_EXPIRED
    known = BY_CODE.get(code) or Refusal(code, f"(#{code}) An error occurred")
    return known if subcode is None else attrs.evolve(known, subcode=subcode)
