"""The long campaign: random schedules against provider, client and emulator, then kills of the real CLI.

Both are drawn from their seeds alone: ``--seed`` and ``--kill-seed`` go on where an earlier campaign stopped, or
show again what it found.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.chaos.kills import Outcome, strike
from tests.chaos.kills import draw as draw_kill
from tests.chaos.plan import draw
from tests.chaos.schedules import Broken, Figures, Machine
from tests.chaos.summary import Campaign, Failure
from tests.e2e.stack import require_cli

CHUNK = 100


def run_chunk(first: int, count: int) -> tuple[Figures, list[Failure]]:
    """Run schedules; return the figures, and each broken promise."""
    for name in list(os.environ):
        if name.startswith(("HW_", "HUAWEICLOUD_", "DCS_MIGRATION_")):
            del os.environ[name]
    found: list[Failure] = []
    with Machine() as machine:
        for seed in range(first, first + count):
            try:
                machine.run_seed(seed)
            except Broken as error:
                text = f"{error}\nthe shortest that shows it:\n{machine.shrunk(draw(seed))}"
                found.append(Failure("schedule", seed, text))
        return machine.figures, found


def run_kill(seed: int) -> Outcome | Failure:
    """Strike the real CLI once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            return strike(draw_kill(seed), Path(folder))
        except AssertionError as error:
            return Failure("kill", seed, str(error))


class Progress:
    """Tells how far a part is, at most every ten seconds."""

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._size = size
        self._began = time.monotonic()
        self._told = 0.0

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def tell(self, done: int, broken: int) -> None:
        """Print a line now and then, and at the end."""
        if self.seconds - self._told < 10 and done < self._size:
            return
        self._told = self.seconds
        print(f"{done} of {self._size} {self._what}, {broken} broken, {self.seconds:.0f} s", file=sys.stderr)


def run_schedules(campaign: Campaign, pool: ProcessPoolExecutor, first: int, count: int) -> None:
    """Run schedules in chunks."""
    progress = Progress("schedules", count)
    end = first + count
    chunks: list[Future[tuple[Figures, list[Failure]]]] = [
        pool.submit(run_chunk, seed, min(CHUNK, end - seed)) for seed in range(first, end, CHUNK)
    ]
    for chunk in as_completed(chunks):
        part, broken = chunk.result()
        campaign.add(part)
        campaign.failures += broken
        progress.tell(campaign.figures.schedules, len(campaign.failures))
    campaign.seconds_of_schedules = progress.seconds


def run_kills(campaign: Campaign, pool: ProcessPoolExecutor, first: int, count: int) -> None:
    """Strike the real CLI again and again, one blow at a time in each worker."""
    progress = Progress("kills", count)
    for future in as_completed([pool.submit(run_kill, seed) for seed in range(first, first + count)]):
        result = future.result()
        campaign.kills += 1
        if isinstance(result, Failure):
            campaign.failures.append(result)
            print(f"broken: {result.again}", file=sys.stderr)
        else:
            campaign.outcomes.append(result)
        progress.tell(campaign.kills, len(campaign.failures))
    campaign.seconds_of_kills = progress.seconds


def main() -> int:
    """Run the campaign; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule")
    parser.add_argument("--kills", type=int, default=112)
    parser.add_argument("--kill-seed", type=int, default=0, help="of the first kill")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    campaign = Campaign()
    with ProcessPoolExecutor(options.workers) as pool:
        if options.kills:
            require_cli()
        run_schedules(campaign, pool, options.seed, options.schedules)
        run_kills(campaign, pool, options.kill_seed, options.kills)
    for failure in campaign.failures[:5]:
        print(f"{failure.of} {failure.seed}: {failure.text}\nto see it again: {failure.again}\n")
    for failure in campaign.failures[5:]:
        print(f"{failure.of} {failure.seed} broke, too: {failure.again}")
    print(campaign.table())
    more = f"--seed {options.seed + options.schedules} --kill-seed {options.kill_seed + options.kills}"
    print(f'\nto go on: make chaos CHAOS="{more}"')
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
