"""Holyfields' lint: what keeps a schema folder from being loaded, and what loads and is better otherwise."""

from godtui.holyfields.lint.findings import CODES, FAULTS, STYLE, Finding
from godtui.holyfields.lint.linting import lint

__all__ = ["CODES", "FAULTS", "STYLE", "Finding", "lint"]
