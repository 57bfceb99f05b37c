"""A virtual host that several instances share."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests import broker


@pytest.fixture(scope="package")
def vhost() -> Iterator[str]:
    """The URL of a virtual host of these tests' own."""
    node = broker.shared()
    name = f"instances-{uuid4().hex}"
    node.add_vhost(name)
    yield node.url_of(name)
    node.control("delete_vhost", name)
