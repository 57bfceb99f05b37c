"""The seam between the engine and its skins: protocols, the values they carry, and the errors they raise."""

from godtui.bloodbank.errors import (
    ConflictError,
    InstanceUnreachableError,
    NotConfirmedError,
    PublishError,
    StoreUnavailableError,
    TooLargeError,
    UnknownPositionError,
)
from godtui.bloodbank.frames import Dropped, Events, Frame, Gap, Position, Welcome
from godtui.bloodbank.health import ComponentHealth, Health, Status
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, BatchReport, Rejection, Unconfirmed
from godtui.candystore.queries import Page
from godtui.cursors import BadCursorError
from godtui.envelope import InvalidEventError
from godtui.operations.protocols import (
    BusOperations,
    ContractOperations,
    HealthOperations,
    Operations,
    Order,
    StoreOperations,
)

__all__ = [
    "MAX_BATCH_BYTES",
    "MAX_BATCH_EVENTS",
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
    "InstanceUnreachableError",
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
