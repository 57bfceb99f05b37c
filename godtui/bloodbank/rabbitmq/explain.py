"""What a broker or the way to it objected to, in a sentence that says what to do."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import ssl
from typing import Final

from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelInvalidStateError,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionInternalError,
    ConnectionNotAllowed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from yarl import URL

_INEQUIVALENT: Final = re.compile(
    r"inequivalent arg '(?P<argument>[^']+)' for (?P<kind>queue|exchange) '(?P<name>[^']*)' in vhost '[^']*': "
    r"received (?P<wanted>.+?) but current is (?P<found>.+)"
)
_VALUE: Final = re.compile(r"(?:the value )?'(?P<value>[^']*)'(?: of type '[^']*')?")
_RESOURCE: Final = re.compile(
    r"access to (?P<what>\w+ '[^']*') in vhost '(?P<vhost>[^']*)' refused for user '(?P<user>[^']*)'"
)
_ERRNO: Final = re.compile(r"\[Errno (?P<number>\d+)\]")
_NO_LEADER: Final = ("leader not known", "not_available", "noproc", "nodedown", "no longer available")

LEADERLESS: Final = (
    "it takes no consumers although the broker answers: it has lost its leader, or is overloaded;"
    " where this lasts, delete that queue, it is declared anew"
)
"""Of a queue that is there, while whoever wants something of it waits in vain."""

SETTING_OF: Final = {
    "x-queue-type": "GODTUI_QUEUE_TYPE",
    "x-message-ttl": "GODTUI_MESSAGE_TTL",
}

BROKER_ERRORS: Final = (AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError, OSError, RuntimeError)
"""What a call to a broker may raise when it, or the way to it, is not there."""

# What goes wrong is said here, in a sentence; the library would log it as well, with traces.
for library in ("aiormq", "aio_pika"):
    logging.getLogger(library).setLevel(logging.CRITICAL)


class DeclarationError(RuntimeError):
    """The broker refuses to declare a queue or an exchange; the cause is what it said."""

    def __init__(self, name: str, cause: BaseException) -> None:
        said = explained(cause)
        super().__init__(said if name.partition(" ")[2] in said else f"{name}: {said}")
        self.name = name


def explained(error: BaseException, url: str = "") -> str:
    """A sentence without any password."""
    match error:
        case DeclarationError():
            return str(error)
        case AuthenticationError() | ProbableAuthenticationError():
            user = URL(url).user if url else None
            named = f" of user {user!r}" if user else ""
            return f"the broker refuses the name or password{named}; check GODTUI_BUS_URL"
        case ConnectionNotAllowed():
            return f"the broker does not let us in: {_text(error)}"
        case InvalidFrameError():
            return _shut_out(URL(url)) if "Connection.OpenOk" in _text(error) else "it does not speak AMQP as we do"
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate is not trusted ({error.verify_message}); add ?cafile=… to the URL"
        case ssl.SSLError():
            return f"no TLS there ({error.reason or error}); is it the right port?"
        case TimeoutError():
            return "it does not answer"
    if isinstance(error.__cause__, ssl.SSLError):
        return explained(error.__cause__, url)
    return _refusal(error)


def _shut_out(url: URL) -> str:
    """aiormq only says that the answer to the opening was a farewell."""
    vhost = url.path.removeprefix("/").replace("%2F", "/") or "/"
    return (
        f"the broker does not let user {url.user or 'guest'!r} into virtual host {vhost!r}:"
        " it is not there, or the user has no permission for it; see rabbitmqctl list_permissions"
    )


def _refusal(error: BaseException) -> str:
    """What the broker says of a queue or an exchange, or how it ended the talk."""
    match error:
        case ChannelAccessRefused():
            return _access(_text(error))
        case ChannelPreconditionFailed():
            return _precondition(_text(error))
        case ConnectionInternalError():
            return (
                "the broker has an error of its own (541); a queue that has lost its leader does this:"
                " see its log, and delete that queue, it is declared anew"
            )
        case ChannelNotFoundEntity():
            return f"not there: {_text(error)}"
        case ChannelLockedResource():
            return f"another connection has it for itself: {_text(error)}"
        case ChannelInvalidStateError() | RuntimeError():
            return "the connection was closed meanwhile"
    return _plain(error)


def _access(text: str) -> str:
    found = _RESOURCE.search(text)
    if found is None:
        return f"the broker refuses access: {text}"
    what, vhost, user = found.group("what", "vhost", "user")
    return (
        f"user {user!r} has no permission for {what} in virtual host {vhost!r};"
        " grant it with rabbitmqctl set_permissions, or let someone who may declare it"
    )


def _precondition(text: str) -> str:
    found = _INEQUIVALENT.search(text)
    if found is None:
        return f"the broker refuses: {text}"
    argument, kind, name = found.group("argument", "kind", "name")
    wanted, current = _value(found["wanted"]), _value(found["found"])
    setting = SETTING_OF.get(argument)
    way = f"set {setting} to match, or " if setting else ""
    return (
        f"{kind} {name} exists with {argument} = {current}, wanted is {wanted};"
        f" {way}empty and delete the {kind}, it is declared anew"
    )


def _value(text: str) -> str:
    found = _VALUE.match(text.strip())
    return found["value"] if found else text.strip()


def _text(error: BaseException) -> str:
    """The broker's own words, without the code before them."""
    words = " ".join(str(each) for each in error.args if isinstance(each, str)) or str(error)
    return re.sub(r"^[A-Z_]+ - ", "", words).strip()


def _plain(error: BaseException) -> str:
    text, cause = _text(error), error.__cause__
    if isinstance(error, OSError):
        # asyncio says which address it was, which is said already, and tries several of a host.
        number = _errno(error) or _errno(cause)
        if number:
            return os.strerror(number).lower()
        if isinstance(cause, asyncio.IncompleteReadError):
            return "the broker ended the connection"
        if isinstance(error, socket.gaierror) or isinstance(cause, socket.gaierror):
            return "no host of that name is known"
    if any(mark in text for mark in _NO_LEADER):
        return f"{text}; where this lasts, a queue has lost its leader: delete that queue, it is declared anew"
    return text or type(error).__name__


def _errno(error: BaseException | None) -> int | None:
    """What the operating system objected to, also where it did so several times."""
    if not isinstance(error, OSError) or isinstance(error, socket.gaierror):
        return None
    if isinstance(error.errno, int) and error.errno > 0:
        return error.errno
    found = _ERRNO.search(str(error))
    return int(found["number"]) if found else None
