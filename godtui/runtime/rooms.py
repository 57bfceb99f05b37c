"""Every room that has tables in the log's file."""

from __future__ import annotations

from typing import Final

from godtui.bloodbank.tables import MIGRATIONS as BLOODBANK
from godtui.candystore.replay.tables import MIGRATIONS as REPLAYS
from godtui.candystore.tallies import MIGRATIONS as TALLIES
from godtui.dispatcher.tables import MIGRATIONS as DISPATCHER
from godtui.eventlog import Migrations

ROOMS: Final[tuple[Migrations, ...]] = (BLOODBANK, DISPATCHER, REPLAYS, TALLIES)
