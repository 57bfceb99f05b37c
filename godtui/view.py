"""What skins show and what goes over HTTP as JSON objects."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """Read-only; the JSON form is what the API answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def document(self) -> dict[str, Any]:
        """The view as a JSON object."""
        return self.model_dump(mode="json")
