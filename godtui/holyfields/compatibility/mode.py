"""Which way a change has to be compatible."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What has to stay acceptable: backward, what the old contracts accepted; forward, the old go on accepting.

    The transitive modes judge every registered version, the others the newest one of each type.
    """

    BACKWARD = "backward"
    FORWARD = "forward"
    FULL = "full"
    BACKWARD_TRANSITIVE = "backward-transitive"
    FORWARD_TRANSITIVE = "forward-transitive"
    FULL_TRANSITIVE = "full-transitive"
    NONE = "none"

    @property
    def transitive(self) -> bool:
        """Whether every version is judged."""
        return self.endswith("-transitive")

    @property
    def backward(self) -> bool:
        """Whether the new has to accept what the old accepted."""
        return self.startswith(("backward", "full"))

    @property
    def forward(self) -> bool:
        """Whether the old has to accept what the new accepts."""
        return self.startswith(("forward", "full"))
