"""Does what docs/governance.md tells an operator to write work as it stands there?"""

import re

import pytest

from meadow.config.settings import CHECKOUT
from meadow.governance.language import check
from meadow.governance.rules.detectors import DETECTOR_ACTIONS, OVERTURN_PERCENT, OVERTURN_REVIEWED_LEAST, QUALITY_DAYS
from meadow.governance.rules.features import EVENT_TYPES
from meadow.governance.rules.shadow import LAYERS

PAGE = (CHECKOUT / "docs" / "governance.md").read_text("utf-8")
EXAMPLES = re.findall(r"```rule (\w+)\n(.+?)\n```", PAGE, re.S)


@pytest.mark.parametrize(("event_type", "condition"), EXAMPLES)
def test_every_example_of_the_language_can_be_saved(event_type: str, condition: str) -> None:
    assert check(condition, EVENT_TYPES[event_type].kinds).features


def test_the_page_names_what_there_is() -> None:
    assert len(EXAMPLES) >= 5
    assert all(f"`{action}`" in PAGE for action in DETECTOR_ACTIONS)
    assert all(f"| {layer} |" in PAGE for layer in LAYERS)
    assert f"{OVERTURN_PERCENT} % of at least five" in PAGE
    assert (OVERTURN_REVIEWED_LEAST, QUALITY_DAYS) == (5, 90)
    for path in re.findall(r"`((?:src|tests|bench)/[\w/.]+)`", PAGE):
        assert (CHECKOUT / path).exists(), path
