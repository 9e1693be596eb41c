"""A project that is configured by its name: where tasks are made, and what a later change of the name says."""

from __future__ import annotations

import pytest

from dcs_emulator.operations import project_id_of
from tests.unit.life_cycle_world import BACKUP_IMPORT, REGION, CheckFailed, Resource, World

SHOP = {"HW_PROJECT_NAME": f"{REGION}_shop"}
OFFICE = {"HW_PROJECT_NAME": f"{REGION}_office"}


def made_with(world: World, **environ: str) -> Resource:
    """A resource that was created under these settings, in an earlier run."""
    resource = world.resource(plugin=world.new_plugin(environ=environ))
    resource.up(BACKUP_IMPORT)
    return resource


@pytest.mark.parametrize(
    "config", [{}, {"huaweicloud:projectName": SHOP["HW_PROJECT_NAME"]}], ids=["environment", "stack"]
)
def test_the_project_of_that_name_is_looked_up(world: World, config: dict[str, str]) -> None:
    """IAM is asked once by the name that is configured, not by that of the region."""
    resource = world.resource(plugin=world.new_plugin(config=config, environ={} if config else SHOP))
    resource.up(BACKUP_IMPORT)
    assert world.task(resource.id)["project_id"] == project_id_of(SHOP["HW_PROJECT_NAME"])
    assert resource.outputs["project_id"] == project_id_of(SHOP["HW_PROJECT_NAME"])
    assert world.count("KeystoneListProjects") == 1
    assert resource.preview(BACKUP_IMPORT).step == "same"


def test_an_id_needs_no_look_up(world: World) -> None:
    """The id goes before the name."""
    resource = made_with(world, **SHOP, HW_PROJECT_ID="project-7")
    assert world.task(resource.id)["project_id"] == "project-7"
    assert world.count("KeystoneListProjects") == 0
    resource.plugin = world.new_plugin(environ={**OFFICE, "HW_PROJECT_ID": "project-7"})
    assert resource.preview(BACKUP_IMPORT).step == "same"


def test_it_belongs_to_the_configured_region_only(world: World) -> None:
    """A task of another region lives in that region's own project."""
    resource = world.resource(plugin=world.new_plugin(environ=SHOP))
    resource.up({**BACKUP_IMPORT, "region": "emulator-9"})
    assert world.task(resource.id)["project_id"] == project_id_of("emulator-9")


def test_a_get_looks_there(world: World) -> None:
    """What is read without a check finds the same project."""
    made = made_with(world, **SHOP)
    other = world.resource("other", plugin=world.new_plugin(environ=SHOP))
    assert other.get(made.id)["project_id"] == project_id_of(SHOP["HW_PROJECT_NAME"])


@pytest.mark.parametrize("refreshed", [False, True], ids=["at once", "after a refresh"])
@pytest.mark.parametrize(
    ("before", "known"), [({}, REGION), (SHOP, SHOP["HW_PROJECT_NAME"])], ids=["none", "another"]
)
def test_another_name_later_is_told_in_preview(
    world: World, before: dict[str, str], known: str, refreshed: bool
) -> None:
    """The task keeps its location, and the user is asked, for any earlier state."""
    resource = made_with(world, **before)
    if refreshed:
        resource.refresh()
        resource.up(BACKUP_IMPORT)
        resource.refresh()
    resource.plugin = world.new_plugin(environ=OFFICE)
    with pytest.raises(CheckFailed) as caught:
        resource.preview(BACKUP_IMPORT)
    (line,) = caught.value.lines
    assert line.startswith(
        f"project_id: this task lives in project {known}, but the configuration now names "
        f"{OFFICE['HW_PROJECT_NAME']}; set "
    )
    assert resource.preview({**BACKUP_IMPORT, "project_id": resource.outputs["project_id"]}).step == "same"
    assert resource.preview({**BACKUP_IMPORT, "project_id": "project-7"}).step == "replace"


def test_a_name_that_is_taken_back_changes_nothing(world: World) -> None:
    """State says where the task lives, as for an id; and when the name comes back, it is the same one."""
    resource = made_with(world, **SHOP)
    resource.plugin = world.new_plugin()
    assert resource.up(BACKUP_IMPORT).outputs["project_id"] == project_id_of(SHOP["HW_PROJECT_NAME"])
    resource.plugin = world.new_plugin(environ=SHOP)
    assert resource.preview(BACKUP_IMPORT).step == "same"


def test_a_name_that_nobody_knows_is_told(world: World) -> None:
    """The line names the setting."""
    with pytest.raises(Exception, match=r"see no project named no such name; .*huaweicloud:projectName"):
        made_with(world, HW_PROJECT_NAME="no such name")


def test_the_name_of_the_region_is_its_own_project(world: World) -> None:
    """Who writes it out later changes nothing."""
    resource = made_with(world)
    resource.plugin = world.new_plugin(environ={"HW_PROJECT_NAME": REGION})
    assert resource.preview(BACKUP_IMPORT).step == "same"
