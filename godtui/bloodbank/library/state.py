"""How the way to the events is."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Status: TypeAlias = Literal["connecting", "connected", "waiting", "closed"]


class State(NamedTuple):
    """`waiting` for the next try after the connection was lost or refused; `detail` says why, without any password."""

    status: Status
    detail: str = ""
