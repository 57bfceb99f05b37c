"""The wire to another instance, for the skin that offers its operations."""

from godtui.bloodbank.http.answers import Answer, error, faults, filter_error, publish_error
from godtui.bloodbank.http.connection import Connection
from godtui.bloodbank.http.publishing import publish, publish_batch
from godtui.bloodbank.http.streaming import stream, text

__all__ = [
    "Answer",
    "Connection",
    "error",
    "faults",
    "filter_error",
    "publish",
    "publish_batch",
    "publish_error",
    "stream",
    "text",
]
