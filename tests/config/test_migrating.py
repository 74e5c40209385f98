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


def test_a_new_field_and_a_new_model_find_each_other_and_python_code_gets_fresh_classes() -> None:
    state = ProjectState()
    shop(state)
    before = state.apps.get_model("catalog", "Shop")
    usual = ProjectState.add_model, ProjectState.add_field
    with migrating._quickly():
        key = models.ForeignKey("catalog.Shop", models.CASCADE, related_name="goods")
        state.add_model(ModelState("catalog", "Good", [("id", models.BigAutoField(primary_key=True)), ("shop", key)]))
        state.add_field("catalog", "shop", "city", models.CharField(max_length=9, default=""), True)
    assert (ProjectState.add_model, ProjectState.add_field) == usual
    newer, good = state.apps.get_model("catalog", "Shop"), state.apps.get_model("catalog", "Good")
    assert newer is not before
    assert [field.name for field in newer._meta.local_fields] == ["id", "name", "city"]
    assert [each.name for each in newer._meta.related_objects] == ["goods"]
    assert good._meta.get_field("shop").related_model._meta.db_table == newer._meta.db_table
    state.clear_delayed_apps_cache()
    shops, goods = state.apps.get_model("catalog", "Shop"), state.apps.get_model("catalog", "Good")
    assert goods._meta.get_field("shop").related_model is shops
