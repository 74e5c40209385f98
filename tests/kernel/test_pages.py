"""The addresses of pages in mails are those that the whole installation answers."""

import pytest
from django.conf import settings
from django.urls import reverse

from meadow.kernel import pages


@pytest.mark.parametrize(
    ("name", "args"), [("order", ["ord_1"]), ("claim", ["clm_1"]), ("my_limits", []), ("transparency", [])]
)
def test_a_link_to_a_page_is_the_address_that_answers(name: str, args: list[str]) -> None:
    assert pages.link(name, *args) == settings.MEADOW.base_url + reverse(name, args=args)
