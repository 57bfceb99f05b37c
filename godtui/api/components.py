"""What a 503 says is missing, in its `component`, where that is not the store: server and client agree on it here."""

from __future__ import annotations

from typing import Final

DISPATCHER: Final = "dispatcher"
WEBHOOKS: Final = "webhooks"
