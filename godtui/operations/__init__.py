"""The seam between the engine and its skins: protocols, the values they carry, and the errors they raise."""

from godtui.bloodbank.errors import ConflictError, NotConfirmedError, PublishError, TooLargeError
from godtui.bloodbank.health import ComponentHealth, Health, Status
from godtui.bloodbank.publisher import Receipt
from godtui.envelope import InvalidEventError
from godtui.operations.protocols import (
    BadCursorError,
    BatchReport,
    BusOperations,
    ContractOperations,
    Dropped,
    Events,
    Frame,
    Gap,
    HealthOperations,
    Operations,
    Order,
    Page,
    Position,
    Rejection,
    StoreOperations,
    StoreUnavailableError,
    Unconfirmed,
    UnknownPositionError,
    Welcome,
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
