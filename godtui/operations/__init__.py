"""The seam between the engine and its skins: protocols, the values they carry, and the errors they raise."""

from godtui.bloodbank.deadletters import DeadLetter
from godtui.bloodbank.errors import (
    ConflictError,
    HistoryElsewhereError,
    InstanceUnreachableError,
    LetterError,
    NotConfirmedError,
    NotRequeuedError,
    PublishError,
    RequeueRefusedError,
    StoreUnavailableError,
    TooLargeError,
    UnknownLetterError,
    UnknownPositionError,
)
from godtui.bloodbank.frames import Dropped, Events, Frame, Gap, Position, Welcome
from godtui.bloodbank.health import ComponentHealth, Health, Status
from godtui.bloodbank.letterbox import LetterPage
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, BatchReport, Rejection, Unconfirmed
from godtui.bloodbank.requeue import Requeued
from godtui.candystore.queries import Page
from godtui.cursors import BadCursorError
from godtui.envelope import InvalidEventError
from godtui.operations.protocols import (
    BusOperations,
    ContractOperations,
    HealthOperations,
    LetterOperations,
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
    "DeadLetter",
    "Dropped",
    "Events",
    "Frame",
    "Gap",
    "Health",
    "HealthOperations",
    "HistoryElsewhereError",
    "InstanceUnreachableError",
    "InvalidEventError",
    "LetterError",
    "LetterOperations",
    "LetterPage",
    "NotConfirmedError",
    "NotRequeuedError",
    "Operations",
    "Order",
    "Page",
    "Position",
    "PublishError",
    "Receipt",
    "Rejection",
    "RequeueRefusedError",
    "Requeued",
    "Status",
    "StoreOperations",
    "StoreUnavailableError",
    "TooLargeError",
    "Unconfirmed",
    "UnknownLetterError",
    "UnknownPositionError",
    "Welcome",
]
