"""Contracts as Pydantic models."""

from godtui.holyfields.generate.python.emitter import emit, too_deep

__all__ = ["emit", "too_deep"]
