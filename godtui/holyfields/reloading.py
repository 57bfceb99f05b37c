"""One schema folder, loaded again and again: what has not changed is not made again."""

from __future__ import annotations

from pathlib import Path

from godtui.holyfields.faults import SchemaFolderError
from godtui.holyfields.loading import Loaded, load_contracts
from godtui.holyfields.registry import Registry


class Reloader:
    """Loads a folder as `Registry.load` does, and remembers what it was made of. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: Loaded | None = None
        self._registry: Registry | None = None

    def load(self) -> Registry:
        """The contracts as they are now, the same registry where no file is another than at the last sound load.

        Raises SchemaFolderError listing all faults.
        """
        loaded, faults = load_contracts(self.folder, self._loaded)
        if faults:
            raise SchemaFolderError(self.folder, faults)
        if self._registry is None or loaded is not self._loaded:
            self._loaded, self._registry = loaded, Registry(self.folder, loaded.contracts)
        return self._registry
