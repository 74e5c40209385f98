"""What the accounts' tests share: named people, and a way to do two things at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from meadow.accounts import services
from meadow.accounts.models import Creator, Person
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal


@pytest.fixture
def mei() -> Person:
    return services.add_person(email="mei@example.com", name="Mei", locale="zh-hans")


@pytest.fixture
def ada() -> Person:
    return services.add_person(email="ada@example.com", name="Ada", locale="en")


@pytest.fixture
def otto() -> Person:
    person = services.add_person(email="otto@example.com", name="Otto", locale="en")
    return services.appoint_operator(person_id=person.pk, by=SYSTEM)


@pytest.fixture
def creator(mei: Person) -> Creator:
    applied = services.apply_as_creator(person_id=mei.pk, name="Mei", fields=["tea"])
    return services.approve_creator(creator_id=applied.pk, by=SYSTEM)


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Runs calls in threads that start together; each answers its result or the code it was refused with."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        barrier = Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            try:
                barrier.wait(10)
                return call()
            except Refusal as refusal:
                return refusal.code
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result(30) for future in [pool.submit(one, call) for call in calls]]

    return run
