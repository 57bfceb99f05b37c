"""TypeScript of contracts: Zod 4 schemas that judge as the bus does, and their types."""

from godtui.holyfields.generate.typescript.emitting import emit

__all__ = ["emit"]
