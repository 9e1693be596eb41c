"""What users do and what happens in the cloud: one method for each kind of step."""

from __future__ import annotations

import json

from tests.chaos.course import Course
from tests.chaos.leaks import FIRST_PASSWORD, OTHER_PASSWORD
from tests.chaos.model import ENDED, Managed, Run
from tests.chaos.plan import Step
from tests.unit.life_cycle_world import Resource

DRIFTS = ("SUCCESS", "FAILED", "TERMINATED", "MIGRATION_FAILED", "PAUSED", "INCRMIGEATING", "ERROR")
# In a recovery the cloud must take a valid request.
IN_THE_WAY = (
    "create-answers-error",
    "online-refused",
    "second-task-on-target-refused",
    "write-limit",
    "stop-of-import-refused",
)


class Steps(Course):
    """One schedule under way: what its steps do."""

    def go(self) -> None:
        """Take every step, then recover."""
        for step in self.schedule.steps:
            self.happened.append(f"at {self.clock.seconds:.1f}: {step}")
            self.figures.steps += 1
            self._pass(step.pause)
            getattr(self, "_" + step.kind.replace("-", "_"))(self.managed[step.resource], step)
            self._settle()
        self._recover()

    # What a user does.

    def _first(self, managed: Managed, value: int) -> None:
        """Write a definition, when there is none."""
        if managed.desired is not None:
            return
        managed.asked += 1
        target = "instance-shared" if value % 4 == 0 else f"instance-{managed.number}"
        if value % 5 == 0:
            managed.desired = {
                "migration_type": "online_migration",
                "migration_method": ("incremental_migration", "full_amount_migration")[value % 2],
                "source_instance": {"addrs": "10.0.0.1:6379"},
                "target_instance": {"id": target},
            }
            return
        managed.desired = {
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
            "target_instance": {"id": target},
        }
        if value % 3 == 0:
            managed.desired["task_name"] = "one-name-for-all"

    def _up(self, managed: Managed, step: Step, *, replace: bool = False) -> None:
        self._first(managed, step.value)
        self._command(step, lambda run: self._bring_up(run, managed, replace=replace))

    def _up_all(self, _: Managed, step: Step) -> None:
        def bring_up(run: Run) -> None:
            for managed in self.managed[: 1 + step.resource]:
                if not run.cli_dead and not run.plugin_dead:
                    self._bring_up(run, managed)
                    self._pass(step.value % 20)  # other resources of the program

        for managed in self.managed[: 1 + step.resource]:
            self._first(managed, step.value + managed.number)
        self._command(step, bring_up)

    def _replace(self, managed: Managed, step: Step) -> None:
        if managed.resource.state is not None:
            managed.asked += 1
            managed.replaces = True
            self._up(managed, step, replace=True)
            managed.replaces = False

    def _change(self, managed: Managed, step: Step) -> None:
        if managed.resource.state is None or managed.desired is None:
            return
        if "existing_task_id" in managed.desired:
            managed.desired.pop("existing_task_id")
            self._up(managed, step)
            return
        managed.asked += 1
        managed.desired["triggers"] = [step.value]
        if step.value % 4 == 0:
            managed.desired["description"] = f"change {step.value}"
        managed.replaces = True
        self._up(managed, step)
        managed.replaces = False

    def _rotate(self, managed: Managed, step: Step) -> None:
        # A task that quotes a password quotes it forever, and no later process knows an earlier password.
        if not self.quoted:
            self.password = OTHER_PASSWORD if self.password == FIRST_PASSWORD else FIRST_PASSWORD
        if managed.desired is not None:
            self._up(managed, step)

    def _refresh(self, managed: Managed, step: Step) -> None:
        def refresh(run: Run) -> None:
            for each in self.managed:
                if each.resource.state is not None and not (run.cli_dead or run.plugin_dead):
                    with self._attempt(run, each):
                        each.resource.refresh()

        self._command(step, refresh)
        self.tap.withdraw()
        if step.value % 2 and managed.desired is not None:
            self._command(Step("up", step.resource), lambda run: self._bring_up(run, managed))

    def _destroy(self, managed: Managed, step: Step) -> None:
        if managed.resource.state is None:
            return

        def destroy(run: Run) -> None:
            with self._attempt(run, managed):
                managed.resource.destroy()

        self._command(step, destroy)
        if managed.resource.state is None:
            managed.desired = None

    def _forget(self, managed: Managed, _: Step) -> None:
        """Lose the state of a resource: `pulumi state delete`, or a backup that is restored."""
        if managed.resource.state is None or managed.desired is None:
            return
        if "existing_task_id" in managed.desired or self.ledger.without_marks:
            return
        task = self.ledger.started.get(managed.resource.id)
        if task is not None:
            task.recorded = False
            managed.uncertain = managed.uncertain or managed.renames > 0
            if task.definition != managed.definition:
                task.stray = True
                self.ledger.counts["state lost after its definition was changed"] += 1
        managed.resource.state = None

    def _retain(self, managed: Managed, step: Step) -> None:
        """Ask for another run while a transform sets retain_on_delete."""
        state = managed.resource.state
        if state is None or managed.desired is None or "existing_task_id" in managed.desired:
            return
        managed.asked += 1
        managed.desired["triggers"] = [step.value % 3]
        managed.replaces = True
        if state.id in self.ledger.started and state.outputs.get("triggers") != managed.desired["triggers"]:
            self.ledger.started[state.id].retained = True
        self._command(step, lambda run: self._bring_up(run, managed, retain=True))
        managed.replaces = False

    def _rename(self, managed: Managed, step: Step) -> None:
        """Rename the resource with an alias: state stays, the URN is another."""
        if managed.resource.state is not None and managed.desired is not None:
            managed.renames += 1
            managed.resource.urn = f"{managed.resource.urn.partition('-renamed')[0]}-renamed{managed.renames}"
            self._up(managed, step)

    def _adopt(self, managed: Managed, step: Step) -> None:
        """Take over a task that someone started by hand."""
        if managed.resource.state is not None or managed.desired is not None:
            return
        id_ = self._started_by_hand("by-hand", f"instance-{managed.number}")
        managed.asked += 1
        managed.desired = {
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
            "target_instance": {"id": f"instance-{managed.number}"},
            "existing_task_id": id_,
        }
        self._up(managed, step)
        if managed.resource.state is None:
            managed.desired = None

    def _get(self, managed: Managed, step: Step) -> None:
        ids = sorted([*self.ledger.started, *self.ledger.foreign])
        if ids and not self.quoted:
            self._command(step, lambda run: self._read_only(run, managed, ids[step.value % len(ids)]))

    def _read_only(self, run: Run, managed: Managed, id_: str) -> None:
        reader = Managed(-1, Resource(managed.resource.plugin, "reader"))
        with self._attempt(run, reader):
            reader.resource.get(id_)

    # What happens in the cloud.

    def _wait(self, _: Managed, step: Step) -> None:
        self._pass(step.value)

    def _by_hand(self, managed: Managed, step: Step) -> None:
        state = managed.resource.state
        name = state.inputs["task_name"] if state else "one-name-for-all"
        self._started_by_hand(str(name), ("instance-shared", "instance-by-hand")[step.value % 2])

    def _copy(self, _: Managed, step: Step) -> None:
        """Someone copies the description of our task into their own task, which does something else."""
        id_ = self._any_task(step)
        if id_ is not None:
            (copied,) = [task for task in self.cloud.tasks() if task["id"] == id_]
            self._started_by_hand("copied", "instance-by-hand", str(copied["description"]))

    def _started_by_hand(self, name: str, target: str, description: str | None = None) -> str:
        quirks = self.cloud.quirks
        self.cloud.set_quirks([])
        more = {} if description is None else {"description": description}
        id_ = self.by_hand.create(name, target_instance={"id": target}, **more)
        self.cloud.set_quirks(quirks)
        self.ledger.foreign.add(id_)
        return id_

    def _any_task(self, step: Step) -> str | None:
        ids = sorted(task["id"] for task in self.cloud.tasks())
        # By age, because ids are random: the same seed then means the same task.
        ids.sort(key=lambda id_: [*self.ledger.started, *sorted(self.ledger.foreign)].index(id_))
        return ids[step.value % len(ids)] if ids else None

    def _console_delete(self, _: Managed, step: Step) -> None:
        id_ = self._any_task(step)
        if id_ is not None:
            self.cloud.remove(id_)

    def _drift(self, _: Managed, step: Step) -> None:
        id_ = self._any_task(step)
        if id_ is None or self.ledger.observe().get(id_) in ENDED:
            return
        status = DRIFTS[step.value % len(DRIFTS)]
        self.quoted = self.quoted or status == "FAILED"
        self.cloud.set_status(id_, status, self._told(step.kind) if status == "FAILED" else None)
        self.ledger.observe()

    def _recover(self) -> None:
        """The next `up` of everything, with nothing in its way: one task for each resource, an empty preview."""
        self.happened.append("recovery")
        self.cloud.set_quirks([spec for spec in self.schedule.quirks if spec not in IN_THE_WAY])
        self._pass(900.0)
        self.ledger.under_way = None
        self.tap.land_crossing()

        def bring_up(run: Run) -> None:
            for managed in self._all_desired():
                self._bring_up(run, managed)
                excused = self._names_what_is_gone(managed) or self.ledger.stands_in_the_way(managed)
                if managed.resource.state is None and not excused:
                    self.ledger.break_(f"no recovery of #{managed.number}")

        self._command(Step("up", 0), bring_up)
        self._settle()
        journal = json.dumps(self.cloud.requests(), ensure_ascii=False)
        self._search("the journal", journal)
        self._judge()

    def _names_what_is_gone(self, managed: Managed) -> bool:
        """Say whether the user asks for a task to be taken over that someone has deleted: that must fail."""
        wanted = (managed.desired or {}).get("existing_task_id")
        return wanted is not None and wanted not in self.ledger.listed()
