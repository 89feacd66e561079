"""What a row of the control API is, and the words for what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from simulator.assembly.parts import Parts


class BadAsk(ValueError):
    """What was asked cannot be done: one line that says why and what to do. Answered with 400."""


class NotThere(LookupError):
    """What was asked for does not exist. Answered with 404."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller says: the query of a GET or DELETE, the JSON body of a POST. A wrong name is an error."""


class Nothing(Ask, frozen=True):
    """Nothing is asked beside the path itself."""


class Done(msgspec.Struct, frozen=True):
    """It was done."""

    ok: bool = True


class Text(msgspec.Struct, frozen=True):
    """An answer that is not JSON: plain lines."""

    text: str


class Row(NamedTuple):
    """One call: ``call`` gets the exchange's parts and an ``ask``, and gives an ``answer`` or an awaitable of one."""

    method: str
    name: str
    call: Callable[[Parts, Any], Any]
    ask: type[msgspec.Struct]
    answer: Any
    meaning: str
