"""The estate as `registry.yaml` tells it: services and their checks, and what Plane's ids mean."""

from godtui.estate.errors import EstateError
from godtui.estate.model import GROUPS, Estate, Plane, PlaneState, Project, Service

__all__ = ["GROUPS", "Estate", "EstateError", "Plane", "PlaneState", "Project", "Service"]
