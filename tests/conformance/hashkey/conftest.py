"""One fresh exchange for each test."""

import pytest

from tests.wire import Client, Site


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def alice(site: Site) -> Client:
    return site.alice


@pytest.fixture
def bob(site: Site) -> Client:
    return site.bob
