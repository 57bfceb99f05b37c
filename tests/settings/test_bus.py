"""Which bus is meant, who works on it, and that nothing shows its password."""

from __future__ import annotations

import pytest

from godtui.settings import BusIdentity, shown_url
from tests.settings.conftest import Machine


@pytest.mark.parametrize(
    ("url", "shown", "urls"),
    [
        ("amqp://guest:hunter2@localhost", "amqp://guest:***@localhost", ("amqp://guest:hunter2@localhost",)),
        (
            "amqps://u:hunter2@one:5671/v, amqps://u:hunter2@two/v",
            "amqps://u:***@one:5671/v, amqps://u:***@two/v",
            ("amqps://u:hunter2@one:5671/v", "amqps://u:hunter2@two/v"),
        ),
        ("amqp://localhost", "amqp://localhost", ("amqp://localhost",)),
        ("amqp://u:hun,ter2@localhost", "amqp://u:***@localhost", ("amqp://u:hun,ter2@localhost",)),
        ("amqp://u:%40hunter2@[::1]:5673/%2F", "amqp://u:***@[::1]:5673/%2F", ("amqp://u:%40hunter2@[::1]:5673/%2F",)),
        ("amqps://h?cafile=/x", "amqps://h?cafile=/x", ("amqps://h?cafile=/x",)),
    ],
)
def test_a_broker(machine: Machine, url: str, shown: str, urls: tuple[str, ...]) -> None:
    machine.environ["GODTUI_BUS_URL"] = url
    settings = machine.load()
    assert (settings.shown_bus_url, settings.bus_urls) == (shown, urls)
    assert "ter2" not in f"{settings!r} {settings} {settings.model_dump_json()} {settings.shared()} {settings.bus}"


NO_BUS = "it must be embedded:, amqp://… or amqps://…, several nodes with commas between them"
NO_HOST = "each node is a whole URL with a host name or address, as in amqp://one:5672,amqp://two:5672"
NO_PORT = "its port must be a whole number from 1 to 65535"
RESERVED = "in user, password and virtual host write @ as %40, / as %2F, ? as %3F, # as %23 and a space as %20"
NO_ESCAPE = "is followed by no two hexadecimal digits; write % itself as %25"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("embedded", NO_BUS),
        ("redis://u:hunter2@h", NO_BUS),
        ("amqp:u:hunter2@h", NO_BUS),
        ("localhost:5672", NO_BUS),
        ("amqp://h,redis://h", NO_BUS),
        ("amqp://", NO_HOST),
        ("amqp://:5672", NO_HOST),
        ("amqp://u:hunter2@", NO_HOST),
        ("amqp://one,two", NO_HOST),
        ("amqp://one,", NO_HOST),
        ("amqp://[::1", NO_HOST),
        ("amqp://a%20b", NO_HOST),
        ("amqp://u:hunter2@h:x", NO_PORT),
        ("amqp://u:hunter2@h:0", NO_PORT),
        ("amqp://h:65536", NO_PORT),
        ("amqp://h:-1", NO_PORT),
        ("amqp://u:hun/ter2@h", RESERVED),
        ("amqp://u:hun?ter2@h", RESERVED),
        ("amqp://u:hun#ter2@h", RESERVED),
        ("amqp://u:hun@ter2@h", RESERVED),
        ("amqp://u:hun ter2@h", RESERVED),
        ("amqp://u:hunter2@h/a\tb", RESERVED),
        ("amqp://h\x1b[2J", RESERVED),
        ("amqp://u:hunter2%@h", f"a % in its password {NO_ESCAPE}"),
        ("amqp://u:%zzhunter2@h", f"a % in its password {NO_ESCAPE}"),
        ("amqp://%u:hunter2@h", f"a % in its user {NO_ESCAPE}"),
        ("amqp://u:hunter2@h/100%", f"a % in its virtual host {NO_ESCAPE}"),
        ("amqp://u:hunter2%ff@h", "what is percent-encoded in its password is not UTF-8"),
        ("amqp://u:hunter2@h/%ff", "what is percent-encoded in its virtual host is not UTF-8"),
        ("amqp://u:hunter2@h/a,amqp://u:hunter2@i/b", "its nodes must name the same virtual host"),
    ],
)
def test_a_bus_that_is_none(machine: Machine, url: str, sentence: str) -> None:
    (fault,) = machine.faults(bus_url=url)
    assert fault.startswith("--bus is ")
    assert fault.endswith(f"; {sentence}")
    assert "ter2" not in fault
    assert fault.isprintable()


def test_a_bus_in_toml_is_text(machine: Machine) -> None:
    machine.toml.write_text('bus_url = ["amqp://u:hunter2@h"]\n')
    (fault,) = machine.faults()
    assert fault.endswith(f"; {NO_BUS}")
    assert "hunter2" not in fault


SAME: list[tuple[str, str]] = [
    ("embedded:", "embedded:"),
    ("amqp://h", "amqp://h:5672"),
    ("amqps://h", "amqps://h:5671"),
    ("amqp://u:old@h", "amqp://v:new@h"),
    ("amqp://H.lan", "amqp://h.lan"),
    ("amqp://h", "amqp://h/"),
    ("amqp://h/%2F", "amqp://h"),
    ("amqp://h/a%2fb", "amqp://h/a/b"),
    ("amqp://localhost", "amqp://127.0.0.1"),
    ("amqp://localhost", "amqp://[::1]"),
    ("amqp://a,amqp://b", "amqp://b, amqp://a"),
    ("amqp://a,amqp://b", "amqp://b,amqp://c"),
    ("amqp://a", "amqp://a,amqps://a"),
]
OTHER: list[tuple[str, str]] = [
    ("embedded:", "amqp://localhost"),
    ("amqp://a", "amqp://b"),
    ("amqp://h", "amqp://h:5673"),
    ("amqp://h", "amqps://h"),
    ("amqp://h/a", "amqp://h/b"),
    ("amqp://h/a", "amqp://h"),
    ("amqp://h/a", "amqp://h/A"),
    ("amqp://localhost", "amqp://127.0.0.2"),
]


@pytest.mark.parametrize(("one", "two", "same"), [(*row, True) for row in SAME] + [(*row, False) for row in OTHER])
def test_the_same_bus(one: str, two: str, same: bool) -> None:
    first, second = BusIdentity.of(one), BusIdentity.of(two)
    assert first.is_same(second) is second.is_same(first) is same
    assert BusIdentity.read(first.document()) == first


def test_a_bus_is_named_without_who_logs_in() -> None:
    assert str(BusIdentity.of("embedded:")) == "the bus embedded:"
    assert str(BusIdentity.of("amqp://u:hunter2@h")) == "the broker h:5672"
    several = BusIdentity.of("amqp://u:hunter2@b/a%0Ab,amqps://[fe80::1]/a%0ab")
    assert str(several) == "the broker [fe80::1]:5671,b:5672 (virtual host a%0Ab)"


def test_no_worker_is_for_brokers(machine: Machine) -> None:
    said = "but the embedded bus is the store itself; leave persister in, or name a broker with --bus"
    assert machine.faults(workers="none") == (f'--workers is "none", {said}',)
    machine.environ["GODTUI_WORKERS"] = "dispatcher"
    assert machine.faults() == (f'GODTUI_WORKERS (environment) is "dispatcher", {said}',)
    assert machine.load(bus_url="amqp://h").workers == ("dispatcher",)
    machine.toml.write_text('bus_url = "amqp://h"\nworkers = ["dispatcher"]\n')
    assert machine.load(workers="none").workers == ()
    assert machine.load(bus_url="embedded:", workers="persister").workers == ("persister",)


def test_what_another_process_says_of_a_setting(machine: Machine) -> None:
    machine.environ["GODTUI_BUS_URL"] = "amqp://u:hunter2@one,amqp://u:hunter2@two"
    shared = machine.load(workers="none").shared()
    assert (shared["bus_url"], shared["workers"]) == ("amqp://u:***@one,amqp://u:***@two", "none")
    mine = machine.load(bus_url="amqp://v:other@two", port=1)
    assert mine.shares("bus_url", shared["bus_url"])
    assert mine.shares("host", shared["host"])
    assert not mine.shares("port", shared["port"])
    assert not mine.shares("workers", shared["workers"])
    assert not mine.shares("workers", None)
    for theirs in ("embedded:", "amqp://three", "(not shown: it may hold a password)", None):
        assert not mine.shares("bus_url", theirs)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("embedded:", "embedded:"),
        ("amqp://user@host", "amqp://user@host"),
        ("amqp://u:a@b:c@host", "amqp://u:***@host"),
        ("amqp://u:a/b?c#d@host/v", "amqp://u:***@host/v"),
        ("amqp://u:a@one, amqp://v:b@two", "amqp://u:***@one, amqp://v:***@two"),
        ("amqp://u:a@one,v:b@two", "amqp://u:***@two"),
        ("u:a@host", "(not shown: it may hold a password)"),
        ("amqp://u/v:a@host", "(not shown: it may hold a password)"),
    ],
)
def test_no_url_shows_a_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown
