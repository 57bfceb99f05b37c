"""The bus on screen: its name, its state, since when, the next try; and that nothing stops while it is away."""

from __future__ import annotations

import pytest

from godtui.candybar.bus import BusState
from godtui.operations import ComponentHealth
from tests.candybar.console import Console, console
from tests.candybar.fakes import NOON, elsewhere, event
from tests.candybar.healths import GAP, broker, relay, standing_by

SIZES = [(80, 24), (120, 40), (200, 50)]
DAY = 86_400_000_000
ELSEWHERE = elsewhere(url="http://10.0.0.2:8000")


def numbered(count: int, first: int = 1) -> list:
    return [event("agent.task.started", {"number": number}) for number in range(first, first + count)]


async def say(seen: Console, bus: ComponentHealth, **workers: ComponentHealth) -> None:
    """Let health tell this from now on, and wait until the console has heard it."""
    monitor = seen.engine.operations.monitor
    monitor.bus, monitor.workers = bus, workers
    await seen.pass_time(1)
    await seen.until(lambda: seen.app.link.health.components.get("bus") is bus, "the new health")
    await seen.ticks()


NAMED = (
    (broker(), "rabbitmq 127.0.0.1:5672 ● since 14:02:11"),
    (broker("blocked"), "rabbitmq 127.0.0.1:5672 ▲ since 14:02:11"),
    (broker("waiting", next_try=4.0), "rabbitmq 127.0.0.1:5672 ⟳ since 14:02:11 · next try in "),
    (broker("connecting"), "rabbitmq 127.0.0.1:5672 ⟳ since 14:02:11"),
    (broker("closed"), "rabbitmq 127.0.0.1:5672 ✖ since 14:02:11"),
    (broker("open", status="down"), "rabbitmq 127.0.0.1:5672 ✖ connected since 14:02:11"),
    (broker(gaps=[GAP]), "rabbitmq 127.0.0.1:5672 ▲ connected since 14:02:11"),
    (broker(since=NOON - DAY), "rabbitmq 127.0.0.1:5672 ● since Wed 11 Feb 14:02:11"),
)


@pytest.mark.parametrize("size", SIZES)
async def test_the_header_names_the_bus_its_state_and_since_when(size):
    async with console(numbered(1), size) as seen:
        for bus, said in NAMED:
            await say(seen, bus)
            assert said in seen.lines[0]
            assert f"bus {'rabbitmq ' if size[0] > 80 else ''}" in seen.lines[-1]
            glyph, style = seen.app.looks.status(seen.app.link.bus.look)
            drawn = [part for part in seen.segments[-1] if part.text == glyph]
            assert [part.style.color for part in drawn] == [style.color]


async def test_each_state_of_the_bus_has_a_glyph_and_a_colour_of_its_own():
    async with console(numbered(1)) as seen:
        looks = [seen.app.looks.status(BusState.of(bus, 0.0).look) for bus, _ in NAMED[:5]]
        assert [glyph for glyph, _ in looks] == ["●", "▲", "⟳", "⟳", "✖"]
        assert len({style.color for _, style in looks}) == 3


async def test_the_next_try_counts_down_from_the_answer_and_ends_at_the_try():
    async with console(numbered(1)) as seen:
        await say(seen, broker("waiting", next_try=3.0))
        seen.engine.operations.monitor.hang = True
        told = []
        for _ in range(2):
            told.append(next(part for part in ("in 3 s", "in 2 s", "in 1 s", "in 0 s") if part in seen.lines[0]))
            await seen.pass_time(1)
        assert told == sorted(told, reverse=True)
        assert told[0] != told[1]
    state = BusState.of(broker("waiting", next_try=3.0), 0.0)
    assert [BusState.of(broker("waiting", next_try=3.0), age).countdown for age in (0, 0.5, 2.1, 3, 60)] == [
        "next try in 3 s",
        "next try in 3 s",
        "next try in 1 s",
        "trying it again",
        "trying it again",
    ]
    assert len(state.countdown) == len("trying it again")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
async def test_a_long_node_shortens_and_the_rate_stays(width):
    node = "amqps://orders:***@broker-3.messaging.internal.example.org:5671/orders?cafile=%2Fetc%2Fca.pem"
    async with console(numbered(1), (width, 24)) as seen:
        await say(seen, broker("waiting", node=node, next_try=3.0))
        assert "⟳" in seen.lines[0]
        assert "0/s" in seen.lines[0]
        assert not any(secret in seen.text for secret in ("***", "orders:", "cafile", "amqps:"))
        assert width < 80 or "rabbitmq broker-3" in seen.lines[0]
        assert width < 60 or "next try in " in seen.lines[0]


@pytest.mark.parametrize("figures", [{}, {"since": 7, "node": 3, "gaps": 4, "next_try_seconds": "soon"}, {"node": "["}])
def test_a_health_that_makes_no_sense_is_left_out(figures):
    state = BusState.of(ComponentHealth("degraded", "odd", figures), 1.0)
    assert (state.look, state.name, state.since, state.next_try, state.gaps) == ("degraded", "", None, None, ())


@pytest.mark.parametrize("size", SIZES)
async def test_a_broker_that_is_away_is_said_and_the_store_stays_open(size):
    async with console(numbered(30), size) as seen:
        await say(seen, broker("waiting", next_try=3.0), relay=relay(14))
        assert seen.lines[1].startswith(" ⟳ no broker since 14:02:11, next try in 3 s: Connection refused")
        assert ("▲ 14 events wait for the broker" in seen.lines[1]) == (size[0] > 80)
        assert "(+1 more)" in seen.lines[1] or size[0] > 80
        assert "⟳ no broker 1 s" in seen.title
        await seen.press("k", "k", "enter")
        await seen.until_shown('"number": 28')
        await seen.press("escape", "/", *"payload.number=7", "enter")
        await seen.until(lambda: [row.split("number=")[1].split()[0] for row in seen.rows] == ["7"], "the one row")
        await seen.press("escape")
        await seen.until_shown("number=30")
        await say(seen, broker())
        await seen.until(lambda: " live " in seen.title, "live again")
        assert "no broker" not in seen.text
        seen.engine.append(*numbered(1, first=31))
        await seen.until_shown("number=31")


async def test_an_alarm_of_the_broker_is_said_in_its_words():
    async with console(numbered(1), (120, 24)) as seen:
        await say(seen, broker("blocked"))
        assert " ▲ blocked since 14:02:11: the broker takes nothing: its memory or disk alarm is on;" in seen.lines[1]


async def test_a_gap_in_the_memory_is_said_with_short_times():
    async with console(numbered(1), (120, 24)) as seen:
        await say(seen, broker(gaps=[GAP]))
        assert " ▲ the memory's queue was deleted between 14:02:01 and 14:02:03: 12 events confirmed" in seen.lines[1]
        assert "more)" not in seen.lines[1]


async def test_events_that_wait_only_a_moment_are_no_alarm():
    async with console(numbered(1)) as seen:
        await say(seen, broker(), relay=relay(1))
        assert "wait" not in seen.lines[1]
        await seen.pass_time(4)
        await seen.until_shown("▲ 1 event waits for the broker")


async def test_what_others_name_themselves_is_only_text():
    async with console(numbered(1)) as seen:
        hostile = "\x1b[31m[red]node[/]\u202e"
        await say(seen, broker("waiting", why=hostile, next_try=1.0), persister=standing_by(hostile))
        assert "[red]node[/]" in seen.lines[1]
        assert not set(seen.text) & set("\x1b\u202e")


async def test_health_that_cannot_be_read_is_called_stale_and_keeps_its_name():
    async with console(numbered(1)) as seen:
        await say(seen, broker())
        seen.engine.operations.monitor.hang = True
        seen.clock.advance(41)
        await seen.ticks()
        await seen.until(lambda: "rabbitmq 127.0.0.1:5672 ⟳ stale 4" in seen.lines[0], "that it is stale")
        assert "⟳ stale 4" in seen.lines[-1]
        assert "●" not in seen.lines[0] + seen.lines[-1]
        await seen.press("k", "enter")
        await seen.until_shown('"number": 1')


async def test_standing_by_shows_what_arrives_without_a_history():
    async with console(size=(80, 24)) as seen:
        seen.engine.turn(ELSEWHERE)
        await say(seen, broker(), persister=standing_by(), dispatcher=standing_by())
        await seen.until_shown(
            "The history is with node-2-815 at http://10.0.0.2:8000.", "What happens from now on appears here."
        )
        assert " ◐ persister, dispatcher standing by: node-2-815 is active" in seen.lines[1]
        assert "godtui ◐ ─ rabbitmq 127.0.0.1:5672 ●" in seen.lines[0]
        seen.engine.tell(*numbered(3))
        await seen.until_shown(
            "number=3", "◐ the history is with node-2-815 at http://10.0.0.2:8000", "matched 3 · shown 3"
        )
        assert "live" in seen.title
        await seen.press("p")
        seen.engine.tell(*numbered(2, first=4))
        await seen.until_shown("paused +2")
        await seen.press("k", "enter")
        await seen.until_shown('"number": 2', "not stored here")
        assert "seq" not in seen.text
        await seen.press("n")
        await seen.until_shown('"number": 3')
        await seen.press("escape", "p")
        await seen.until_shown("number=5")


async def test_filtering_while_standing_by_shows_what_matches_from_now_on():
    async with console() as seen:
        seen.engine.turn(ELSEWHERE)
        await say(seen, broker(), persister=standing_by())
        await seen.until_shown("The history is with node-2-815 at http://10.0.0.2:8000.")
        await seen.press("/", *"payload.number>2", "enter")
        await seen.until_shown("filter: payload.number>2")
        await seen.until(lambda: seen.app.link.feed.ready, "the stream")
        seen.engine.tell(*numbered(4))
        await seen.until(lambda: [row.split("number=")[1].split()[0] for row in seen.rows] == ["3", "4"], "two rows")


async def test_a_takeover_goes_on_where_it_was_and_doubles_no_row():
    async with console() as seen:
        seen.engine.turn(ELSEWHERE)
        await say(seen, broker(), persister=standing_by())
        await seen.until_shown("The history is with node-2-815 at http://10.0.0.2:8000.")
        arrived = numbered(3)
        seen.engine.tell(*arrived)
        await seen.until_shown("number=3")
        seen.engine.append(*(one._replace(stored_at=seen.clock.now()) for one in (*arrived, *numbered(1, first=4))))
        seen.engine.turn(None)
        await say(seen, broker())
        await seen.pass_time(2)
        await seen.until_shown("number=4")
        assert [row.split("number=")[1].split()[0] for row in seen.rows] == ["1", "2", "3", "4"]
        assert "the history is with" not in seen.text
        assert "standing by" not in seen.text


async def test_ascii_and_no_colour_say_the_same(monkeypatch):
    monkeypatch.setenv("GODTUI_ASCII", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(numbered(1), (80, 24)) as seen:
        for bus, glyph in [
            (broker(), "*"),
            (broker("blocked"), "!"),
            (broker("closed"), "X"),
            (broker("waiting"), "@"),
        ]:
            await say(seen, bus, persister=standing_by())
            assert f"rabbitmq 127.0.0.1:5672 {glyph} since 14:02:11" in seen.lines[0]
            assert seen.text.isascii()
