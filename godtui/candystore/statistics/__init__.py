"""Statistics for screens: numbers and rates by type, source and time, from the tallies and what lies beyond them."""

from godtui.candystore.statistics.asking import ask
from godtui.candystore.statistics.views import (
    MAX_BUCKETS,
    MAX_FIGURES,
    Bucket,
    By,
    Group,
    Latest,
    Question,
    Statistics,
    StatisticsRefusedError,
)

__all__ = [
    "MAX_BUCKETS",
    "MAX_FIGURES",
    "Bucket",
    "By",
    "Group",
    "Latest",
    "Question",
    "Statistics",
    "StatisticsRefusedError",
    "ask",
]
