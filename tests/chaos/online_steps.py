"""What users do in a course of online migrations, and to their states: one method for each kind of step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dcs_migration.life_cycles.reporting import ProviderError
from tests.chaos.online_cast import MIGRATIONS, Owned
from tests.chaos.online_course import Course
from tests.unit.life_cycle_world import CheckFailed


class Steps(Course):
    """One course under way: what its steps do."""

    # What users write.

    def change(self, owned: Owned) -> None:
        """The user changes a word; what the check refuses is taken back."""
        key, values = self.chance.choice(
            (
                ("state", ("running", "stopped", "switched")),
                ("state", ("running", "stopped")),
                ("bandwidth_limit_mb", (1, 2)),
                ("resume_mode", ("auto", "manual")),
                ("triggers", (["a"], ["b"], ["c"])),
            )
        )
        self._write(owned, key, self.chance.choice(values))

    def _write(self, owned: Owned, key: str, new: Any) -> None:
        changed = {**owned.wanted, key: new}
        if owned.online.state is not None and owned.instance.state is not None:
            try:
                owned.online.preview(owned.inputs(changed))
            except (ProviderError, CheckFailed) as error:
                self.said.append(str(error).replace("\n", " "))
                return
        elif changed.get("state") == "switched":
            return
        owned.wanted = changed

    def change_and_up(self, owned: Owned) -> None:
        """The usual case; a user whose command failed types it again."""
        self.change(owned)
        self.up_again(owned)

    def swap(self, owned: Owned) -> None:
        """The target has caught up, or soon will have, and the user switches, or back."""
        self.time_passes(owned)
        self.others.fall_behind(self.chance.choice((0, 4096)))
        back = owned.wanted.get("state") == "switched"
        self._write(owned, "state", self.chance.choice(("running", "stopped")) if back else "switched")
        self.up_again(owned)

    def up_again(self, owned: Owned) -> None:
        """Bring it up, and after a failure again: at once, when it has got on, or as the error says."""
        self.up(owned)
        if owned.refusal:
            if self.chance.random() < 0.5:
                self.heed(owned)
            self.chance.choice((self.time_passes, lambda _: None))(owned)
            self.up(owned)

    def heed(self, owned: Owned) -> None:
        """Do what the error says."""
        advice = self.refusals.advice(owned)
        if advice is None:
            return
        self.counts[f"heeded: {advice.kind}"] += 1
        if advice.kind == "replace":
            self.replace(owned)
        elif advice.kind == "run it again":
            self._write(owned, "triggers", [self.chance.randrange(1000)])
        elif advice.kind == "another name":
            owned.become(f"{owned.instance.urn}-too")
        elif advice.kind == "correct":
            self._correct(owned, advice.words)
        elif advice.kind == "stop it first":
            kept, owned.wanted = owned.wanted, {**owned.wanted, "state": "stopped"}
            self.up(owned)
            owned.wanted = kept
        elif advice.kind == "as it is":
            owned.wanted = {**owned.wanted, "state": advice.words[0]}
        else:
            owned.existing = advice.words[0] if advice.words else None

    def _correct(self, owned: Owned, words: Sequence[str]) -> None:
        """Write what the migration that is taken over has; another source or target is another migration."""
        task = self.promises.tasks().get(owned.existing or "")
        if task is None or {"source_instance", "target_instance"} & set(words):
            owned.existing = None
            return
        told = {key: task[key] for key in ("resume_mode", "bandwidth_limit_mb") if key in words and task[key]}
        if "bandwidth_limit_mb" in told:
            told["bandwidth_limit_mb"] = int(told["bandwidth_limit_mb"])
        kept = {key: value for key, value in owned.wanted.items() if key not in words}
        owned.wanted = {**kept, **told}

    # What users do to the state.

    def lose(self, owned: Owned) -> None:
        """`pulumi state delete` of one resource or both, or a backup that is restored."""
        lost = self.chance.choice(
            (owned.resources, owned.resources, owned.resources[1:], owned.resources[:1])
        )
        if owned.renames:
            lost = (
                owned.resources
            )  # nothing would tell a new resource of its old name that the instance is used
        for resource in lost:
            self.counts["states lost"] += resource.state is not None
            resource.state = resource.pending = None
        owned.leaving = owned.leaving and bool(owned.held)
        if self.chance.random() < 0.3:
            self.others.delete_what_is_lost()
        if owned.wanted.get("state") == "switched" and owned.online.state is None:
            owned.wanted = {**owned.wanted, "state": "running"}

    def rename(self, owned: Owned) -> None:
        """Rename a resource with an alias or its stack, or move it to a new stack: the owner goes with it."""
        if owned.instance.state is None or owned.online.state is None:
            return
        owned.renames += 1
        self.counts["renamed or moved"] += 1
        base = owned.instance.urn.partition("-renamed")[0]
        # If its old name remains in the old stack, a move makes two of one: docs/safety.md.
        alone = not any(each is not owned and each.instance.urn == base for each in self.playing)
        moved = alone and self.chance.random() < 0.3
        stack = f"stack-{owned.number}-{owned.renames}" if moved else None
        owned.become(f"{base}-renamed{owned.number}.{owned.renames}", stack)
        self.up_again(owned)

    def succeed(self, owned: Owned) -> None:
        """After a renaming, the old name is used for a new resource that does the same."""
        if owned.renames == 0:
            self.rename(owned)
        heir = self._heir_of(owned)
        base = owned.instance.urn.partition("-renamed")[0]
        # No stack has two resources of one URN.
        used = any(
            each is not heir and each.instance.urn == base and each.process == owned.process
            for each in self.playing
        )
        if owned.renames == 0 or heir is None or used:
            return
        self.counts["old names used again"] += 1
        if self.chance.random() < 0.3:
            self.others.fails(owned)
        heir.inherit(owned, base)
        if heir.wanted.get("state") == "switched":
            heir.wanted = {}
        self.up_again(heir)

    def _heir_of(self, owned: Owned) -> Owned | None:
        """Return a migration into the same target that has no state yet."""
        heirs = [each for each in self.playing if each is not owned and each.target == owned.target]
        return next((heir for heir in heirs if owned.held and not heir.held), None)

    def hand_over(self, owned: Owned) -> None:
        """Rename without an alias: the new one takes over what is there, and the old one goes in the same run."""
        heir = self._heir_of(owned)
        if heir is None or owned.has_taken_over or owned.online.state is None or owned.instance.state is None:
            return
        self.counts["handed over"] += 1
        base = heir.instance.urn.partition("-renamed")[0]
        heir.inherit(owned, f"{base}-renamed-{self.counts['handed over']}")
        heir.existing = owned.instance.id
        owned.written, owned.leaving = False, True
        self.up(heir)

    def take_over(self, owned: Owned) -> None:
        """Take over what no state holds, though the program still declares the resource for which it was made."""
        found = [
            id_
            for id_, made in self.promises.made.items()
            if id_ in self.promises.tasks()
            and self.promises.holder(id_) is None
            and made.maker.process == owned.process
            and not any(each.existing == id_ for each in self.playing)  # two may, which does it no harm
        ]
        if found and not owned.held:
            self.counts["taken over from the same program"] += 1
            owned.existing = self.chance.choice(found)
            self.up(owned)

    def misdirect(self, owned: Owned) -> None:
        """By mistake a program names the instance of someone else, which copies into another target."""
        others = [
            id_
            for id_, task in self.promises.tasks().items()
            if task["target_instance_id"] not in (None, owned.target)
            and "runs" in task
            and id_ not in owned.held
        ]
        if not others or not owned.written or owned.instance.state is None or owned.existing:
            return
        self.counts["another's instance named"] += 1
        kept, owned.wanted = owned.wanted, {**owned.wanted, "task_id": self.chance.choice(others)}
        if kept.get("state") == "switched":
            owned.wanted["state"] = "running"
        self.up(owned)
        owned.wanted = kept if owned.online.state is not None else {**kept, "state": "running"}

    def move_target(self, owned: Owned) -> None:
        """The user writes another target, which may be occupied."""
        targets = sorted({target for _, target, _ in MIGRATIONS} - {owned.target})
        if owned.online.state is None or owned.existing or owned.wanted.get("state") == "switched":
            return
        kept, owned.target = owned.target, self.chance.choice(targets)
        self.counts["targets changed"] += 1
        self.up_again(owned)
        if self.chance.random() < 0.5:
            owned.target = kept
            self.up_again(owned)

    # What happens in the cloud.

    def others_do(self, owned: Owned) -> None:
        """Someone does something in the console."""
        self.others.something(self.playing)

    def time_passes(self, owned: Owned) -> None:
        """It gets on: everything is copied, and the targets catch up."""
        self.others.time_passes()
