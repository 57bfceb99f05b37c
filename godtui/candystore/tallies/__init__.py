"""Tallies: how many events of each type and source were stored in which stretch of time, counted as they come."""

from godtui.candystore.tallies.keeping import Tallier
from godtui.candystore.tallies.subtracting import subtract
from godtui.candystore.tallies.tables import MIGRATIONS

__all__ = ["MIGRATIONS", "Tallier", "subtract"]
