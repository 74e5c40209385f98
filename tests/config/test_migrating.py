"""Is a new installation's history of tables the same, told quickly?"""

from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from meadow.config import migrating


def shop(state: ProjectState) -> None:
    fields = [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=9))]
    state.add_model(ModelState("catalog", "Shop", fields, {"indexes": [], "constraints": []}))


def test_a_constraint_and_an_index_stand_in_the_past_and_in_its_classes() -> None:
    only = models.UniqueConstraint(fields=["name"], name="only_name")
    quick = models.Index(fields=["name"], name="quick_name")
    state = ProjectState()
    shop(state)
    before = state.apps.get_model("catalog", "Shop")
    usual = ProjectState.add_index, ProjectState._append_option
    with migrating._quickly():
        state.add_constraint("catalog", "shop", only)
        state.add_index("catalog", "shop", quick)
    assert (ProjectState.add_index, ProjectState._append_option) == usual
    meta = state.apps.get_model("catalog", "Shop")._meta
    assert state.apps.get_model("catalog", "Shop") is before
    assert [each.name for each in meta.constraints] == ["only_name"]
    assert [each.name for each in meta.indexes] == ["quick_name"]
    assert state.models["catalog", "shop"].options["constraints"] == [only]
    assert [each.name for each in state.clone().models["catalog", "shop"].options["indexes"]] == ["quick_name"]
