"""The index of words behind the log: a file of its own, made from the log alone, that only ever says where to look.

What it finds is a superset; a filter's predicate decides. What it has not reached yet is scanned.
"""

from godtui.candystore.search.hints import MAX_ALTERNATIVES, expression, leads
from godtui.candystore.search.indexer import Search, State
from godtui.candystore.search.lookups import Moments, SearchUnavailableError, Words, spans
from godtui.candystore.search.tables import FILE_NAME
from godtui.candystore.search.values import Values, few_in_range

__all__ = [
    "FILE_NAME",
    "MAX_ALTERNATIVES",
    "Moments",
    "Search",
    "SearchUnavailableError",
    "State",
    "Values",
    "Words",
    "expression",
    "few_in_range",
    "leads",
    "spans",
]
