"""The seam between the engine and its skins: protocols, the values they carry, and the errors they raise."""

from godtui.bloodbank.errors import ConflictError, NotConfirmedError, PublishError, TooLargeError
from godtui.bloodbank.health import ComponentHealth, Health, Status
from godtui.bloodbank.receipt import Receipt
from godtui.candystore.live import Dropped, Events, Frame, Gap, Position, Welcome
from godtui.candystore.queries import BadCursorError, Page
from godtui.envelope import InvalidEventError
from godtui.operations.protocols import (
    BatchReport,
    BusOperations,
    ContractOperations,
    HealthOperations,
    Operations,
    Order,
    Rejection,
    StoreOperations,
    StoreUnavailableError,
    Unconfirmed,
    UnknownPositionError,
)

__all__ = [
    "BadCursorError",
    "BatchReport",
    "BusOperations",
    "ComponentHealth",
    "ConflictError",
    "ContractOperations",
    "Dropped",
    "Events",
    "Frame",
    "Gap",
    "Health",
    "HealthOperations",
    "InvalidEventError",
    "NotConfirmedError",
    "Operations",
    "Order",
    "Page",
    "Position",
    "PublishError",
    "Receipt",
    "Rejection",
    "Status",
    "StoreOperations",
    "StoreUnavailableError",
    "TooLargeError",
    "Unconfirmed",
    "UnknownPositionError",
    "Welcome",
]
