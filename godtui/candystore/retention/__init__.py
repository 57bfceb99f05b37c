"""What became too old, or too much, is cut from the front of the log: little by little, and never what is needed."""

from godtui.candystore.retention.cutting import Cut, CutStep, Keeper, Needed, Trim
from godtui.candystore.retention.worker import EVENT_TYPE, RetentionWorker, retention_told

__all__ = [
    "EVENT_TYPE",
    "Cut",
    "CutStep",
    "Keeper",
    "Needed",
    "RetentionWorker",
    "Trim",
    "retention_told",
]
