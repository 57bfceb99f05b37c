"""Contracts as Pydantic models."""

from godtui.holyfields.generate.python.emitter import emit

__all__ = ["emit"]
