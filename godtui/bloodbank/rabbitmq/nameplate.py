"""Who has a role says so in a queue of one message, which all may read."""

from __future__ import annotations

from typing import Final

from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.commands import Basic
from pamqp.common import FieldTable

from godtui import jsontext
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.rabbitmq.answers import answered
from godtui.bloodbank.rabbitmq.explain import DeclarationError
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.topology import naming

SUFFIX: Final = ".active"
MAX_BYTES: Final = 8192
ARGUMENTS: Final[FieldTable] = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "drop-head"}


class Nameplate:
    """The note of one role. It outlives who wrote it: the next learns from it who had the role before."""

    def __init__(self, link: Link, role: str) -> None:
        self.queue = role + SUFFIX
        self._link = link

    async def read(self) -> Holder | None:
        """Who is named there: None where nobody ever was, nameless where nothing can be read, as while another reads.

        Raises what the broker objects.
        """
        async with answered():
            channel = await self._link.channel()
            try:
                async with naming(f"queue {self.queue}"):
                    await channel.queue_declare(self.queue, passive=True)
                    found = await channel.basic_get(self.queue)
            except DeclarationError as error:
                if isinstance(error.__cause__, ChannelNotFoundEntity):
                    return None
                raise
            # Closing gives it back.
            await channel.close()
        return _read(found.body) if isinstance(found.delivery, Basic.GetOk) else Holder()

    async def write(self, holder: Holder) -> None:
        """Name who has it from now on. Raises what the broker objects."""
        async with answered():
            channel = await self._link.channel(confirms=True)
            properties = Basic.Properties(content_type="application/json", delivery_mode=2)
            async with naming(f"queue {self.queue}"):
                await channel.queue_declare(self.queue, durable=True, arguments=ARGUMENTS)
                await channel.basic_publish(
                    jsontext.dumps(holder.document()), routing_key=self.queue, properties=properties, mandatory=True
                )
            await channel.close()


def _read(body: bytes) -> Holder:
    """What anyone may have put there."""
    if len(body) > MAX_BYTES:
        return Holder()
    try:
        return Holder.read(jsontext.parse(body))
    except jsontext.JsonError:
        return Holder()
