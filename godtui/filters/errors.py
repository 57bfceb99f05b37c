"""What can be wrong with a filter."""

from __future__ import annotations


class FilterError(ValueError):
    """A filter that cannot be understood: one sentence, and the place it speaks of.

    `offset` is the character at which the faulty term begins; `parameter` is the query parameter the text came in,
    `filter` where it is written in the language itself.
    """

    def __init__(self, message: str, offset: int, parameter: str = "filter") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.parameter = parameter

    @property
    def position(self) -> str:
        """The place as problems name it, such as `filter:12`."""
        return f"{self.parameter}:{self.offset}"
