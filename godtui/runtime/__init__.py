"""Building, starting, supervising, draining and stopping the engine."""

from godtui.runtime.engine import Engine, MakeService, Service
from godtui.runtime.hosting import Guest, Host
from godtui.runtime.interpreter import tune
from godtui.runtime.supervisor import Supervisor, Worker

__all__ = ["Engine", "Guest", "Host", "MakeService", "Service", "Supervisor", "Worker", "tune"]
