"""What the page tests begin with."""

import pytest
from django.test import Client
from tests.web.world import World, browser, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def client() -> Client:
    """A browser that says what browsers say, in English."""
    return browser()
