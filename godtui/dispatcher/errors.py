"""What the dispatcher and its ingress refuse, in sentences for those who asked."""

from __future__ import annotations


class DispatcherError(Exception):
    """The root of what is raised here."""


class DispatcherUnavailableError(DispatcherError):
    """No dispatcher works here; the message says who does, where that is known, or what to do."""


class UnknownTicketError(DispatcherError, LookupError):
    """No ticket of that id or reference was ever seen."""


class TicketStateError(DispatcherError):
    """A ticket in its present state does not allow that."""


class WebhookDisabledError(DispatcherError):
    """Deliveries cannot be verified: no secret is set."""


class SignatureError(DispatcherError):
    """The signature is missing, or is not that of these bytes."""


class NotJsonError(DispatcherError, ValueError):
    """The delivery's body is not JSON that can be kept."""


class NotDurableError(DispatcherError):
    """The delivery could not be made durable in time; sent again it is held once."""
