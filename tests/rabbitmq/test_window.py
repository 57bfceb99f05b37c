"""The window: never more under way than fits, nobody overtaken, and nothing lost of who gives up."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from godtui.bloodbank.rabbitmq.afterlife import LONGEST_DELAY, SHORTEST_DELAY, tier
from godtui.bloodbank.rabbitmq.window import BYTES_A_PLACE, Window


def test_big_messages_take_more_places_and_never_more_than_there_are() -> None:
    window = Window(10)
    assert [window.places(size) for size in (0, BYTES_A_PLACE, 5 * BYTES_A_PLACE, 10**9)] == [1, 2, 6, 10]


async def test_who_waits_is_served_in_order() -> None:
    window = Window(3)
    served: list[int] = []

    async def enter(number: int, places: int) -> None:
        await window.enter(places)
        served.append(number)

    assert window.enter_at_once(3)
    waiting = [asyncio.create_task(enter(number, places)) for number, places in enumerate((3, 1, 2))]
    await asyncio.sleep(0)
    assert not window.enter_at_once(1), "nobody is overtaken"
    window.leave(1)
    await asyncio.sleep(0)
    assert served == []
    waiting[0].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert served == [1]
    window.leave(2)
    await asyncio.gather(*waiting[1:])
    assert served == [1, 2]


@given(st.data())
def test_places_are_all_free_in_the_end(data: st.DataObject) -> None:
    async def use() -> None:
        window = Window(4)
        inside = 0

        async def visit(places: int, turns: int) -> None:
            nonlocal inside
            await window.enter(places)
            inside += places
            assert inside <= 4
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                inside -= places
                window.leave(places)

        tasks = [
            asyncio.create_task(visit(data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3)))) for _ in range(8)
        ]
        for task in tasks:
            if data.draw(st.booleans()):
                await asyncio.sleep(0)
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert window.enter_at_once(4)

    asyncio.run(use())


@given(st.floats(SHORTEST_DELAY, 10 * LONGEST_DELAY))
def test_a_delay_is_rounded_up_by_at_most_a_tenth(seconds: float) -> None:
    milliseconds = tier(seconds)
    wanted = min(seconds, LONGEST_DELAY) * 1000
    assert wanted - 1e-6 <= milliseconds <= wanted * 1.1 + 1
    assert len(str(milliseconds).rstrip("0")) <= 2
    assert tier(milliseconds / 1000) == milliseconds
