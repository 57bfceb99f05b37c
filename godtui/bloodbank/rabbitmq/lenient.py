"""Properties and headers of other clients, read without letting them end the connection; our own, written whole.

A broker passes on what any client wrote. pamqp raises on text that is not UTF-8, on moments beyond the year 9999 and on
tables it cannot follow; aiormq then drops the connection, and the broker hands out the same message on the next, for
ever. It writes numbers with half their digits, and only the beginning of long names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from pamqp import common, decode, encode

UNREADABLE: Final = "x-godtui-unreadable"
"""The one header of a message whose own cannot be read; says why."""
MAX_SHORT: Final = 255
MAX_NAME: Final = 128

_short_str = decode.short_str
_timestamp = decode.timestamp
_field_table = decode.field_table
_table_value = encode.encode_table_value


def install() -> None:
    """Read so from now on, in this process."""
    decode.METHODS["shortstr"] = short_text
    decode.METHODS["timestamp"] = moment
    decode.METHODS["table"] = table
    decode.TABLE_MAPPING[b"T"] = moment
    encode.encode_table_value = table_value


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


def table_value(value: Any) -> bytes:
    """A value of a table, its numbers in full. Raises TypeError, ValueError on what AMQP has no room for."""
    if isinstance(value, float):
        return b"d" + encode.double(value)
    if isinstance(value, dict):
        for name in value:
            check_name(name)
    return _table_value(value)


def check_name(name: str) -> None:
    """Raises ValueError on the name of a header that would be cut."""
    if len(name.encode()) > MAX_NAME:
        raise ValueError(f"the name of a header has at most {MAX_NAME} bytes, not {len(name.encode())}")
