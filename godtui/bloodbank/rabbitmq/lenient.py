"""Properties and headers of other clients, read without letting them end the connection.

A broker passes on what any client wrote. pamqp raises on text that is not UTF-8, on moments beyond the year 9999 and on
tables it cannot follow; aiormq then drops the connection, and the broker hands out the same message on the next, for
ever.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from pamqp import common, decode

UNREADABLE: Final = "x-godtui-unreadable"
"""The one header of a message whose own cannot be read; says why."""
MAX_SHORT: Final = 255

_short_str = decode.short_str
_timestamp = decode.timestamp
_field_table = decode.field_table


def install() -> None:
    """Read so from now on, in this process."""
    decode.METHODS["shortstr"] = short_text
    decode.METHODS["timestamp"] = moment
    decode.METHODS["table"] = table
    decode.TABLE_MAPPING[b"T"] = moment


def short_text(value: bytes) -> tuple[int, str]:
    """A short string; bytes that are not UTF-8 are escaped, and what then is too long is cut."""
    try:
        return _short_str(value)
    except UnicodeDecodeError:
        length = value[0]
        escaped = value[1 : length + 1].decode("utf-8", "backslashreplace").encode()
        return length + 1, escaped[:MAX_SHORT].decode("utf-8", "ignore")


def moment(value: bytes) -> tuple[int, datetime]:
    """A moment; one that no calendar has, such as one in microseconds, is the last there is."""
    try:
        return _timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, datetime.max.replace(tzinfo=UTC)


def table(value: bytes) -> tuple[int, common.FieldTable]:
    """A table of headers, or that it cannot be read."""
    try:
        return _field_table(value)
    except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
        (length,) = common.Struct.integer.unpack(value[:4])
        return 4 + length, {UNREADABLE: f"{type(error).__name__}: {error}"[:MAX_SHORT]}
