"""A client of the API with a key, and the people who hold one."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.client import Api


@pytest.fixture
def anyone() -> Api:
    """Somebody without a key."""
    return Api()


@pytest.fixture
def person(anyone: Api) -> Callable[..., Api]:
    """Makes people of the sandbox, each with a client that carries their key."""

    def make(name: str) -> Api:
        made = anyone.post("sandbox/persons", {"email": f"{name.lower()}@example.com", "name": name, "locale": "en"})
        assert made.status == 201, made.body
        return Api(made.json["key"]["secret"])

    return make


@pytest.fixture
def ada(person: Callable[..., Api], db: Any) -> Api:
    return person("Ada")


@pytest.fixture
def mei(person: Callable[..., Api], db: Any) -> Api:
    return person("Mei")


@pytest.fixture
def otto(anyone: Api, db: Any) -> Api:
    """The operator, made with the one-time code."""
    from meadow.accounts.services import issue_operator_code

    body = {"code": issue_operator_code(), "email": "otto@example.com", "name": "Otto"}
    made = anyone.post("operator/claim", body)
    assert made.status == 201, made.body
    return Api(made.json["key"]["secret"])
