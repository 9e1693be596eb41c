"""The long chaos campaign: random operation sequences against provider, client and emulator, then kills of the
real CLI.

Each part depends only on its seeds. Use the options for seeds to continue an earlier campaign, or to reproduce
what it found.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.chaos import kills, online, plan
from tests.chaos.neighbour import Neighbour, bring_up
from tests.chaos.schedules import Broken, Machine
from tests.chaos.summary import KILLS, PARTS, Campaign, Failure
from tests.e2e.stack import FRONT_END, require_cli
from tests.shared.servers import SERVERS, Server
from tests.unit.life_cycle_world import FRONT_ENDS

DYNAMIC, FILE = "dynamic", "file"  # the defaults of a campaign
CHUNKS = {"schedule": 100, "course": 100, "kill": 1, "online kill": 1}


def options(server: Server | None = None) -> str:
    """Return the options that a command needs in addition to the seed to reproduce a result."""
    front_end = os.environ.get(FRONT_END, DYNAMIC)
    return (f" --front-end {front_end}" if front_end != DYNAMIC else "") + (
        f" --backend {server.kind}" if server else ""
    )


def run_schedules(of: str, seeds: range, campaign: Campaign) -> None:
    """Run random operation sequences on tasks; report a broken promise with the shortest sequence that shows it."""
    with Machine() as machine:
        for seed in seeds:
            try:
                machine.run_seed(seed)
            except Broken as error:
                text = (
                    f"{error}\nthe shortest sequence that reproduces it:\n{machine.shrunk(plan.draw(seed))}"
                )
                campaign.failures.append(Failure(of, seed, text, options()))
        campaign.figures = machine.figures


def run_courses(of: str, seeds: range, campaign: Campaign) -> None:
    """Run random operation sequences on online migrations."""
    for seed in seeds:
        try:
            campaign.courses += online.run(seed)
        except AssertionError as error:
            campaign.failures.append(Failure(of, seed, str(error), options()))


def run_kills(of: str, seeds: range, campaign: Campaign, neighbour: Neighbour, server: Server | None) -> None:
    """Kill the real CLI once for each seed; the states are kept separately on a server or in a folder."""
    for seed in seeds:
        store = server and server.of(f"{KILLS[of]}_{seed}")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                kill = kills.draw(seed, KILLS[of])
                campaign.outcomes.append(kills.strike(kill, Path(folder), neighbour, store))
            except AssertionError as error:
                campaign.failures.append(Failure(of, seed, str(error), options(server)))


RUNS: dict[str, Callable[..., None]] = {
    "schedule": run_schedules,
    "course": run_courses,
    "kill": run_kills,
    "online kill": run_kills,
}


def run_chunk(of: str, seeds: range, *beside: Neighbour | Server | None) -> Campaign:
    """Run seeds of a part in a separate process; the shell's settings don't reach the provider."""
    for name in list(os.environ):
        if name.startswith(("HW_", "HUAWEICLOUD_", "DCS_MIGRATION_")):
            del os.environ[name]
    campaign = Campaign()
    RUNS[of](of, seeds, campaign, *beside)
    campaign.done[of] = len(seeds)
    return campaign


def run_part(
    campaign: Campaign, pool: ProcessPoolExecutor, of: str, seeds: range, folder: Path, server: Server | None
) -> None:
    """Run a part in chunks, and show its progress: at most every ten seconds, and at the end."""
    beside: list[Neighbour | Server | None] = []
    if of in KILLS and seeds:
        beside = [bring_up(kills.TARGETS[KILLS[of]], folder / KILLS[of]), server]
    began = told = time.monotonic()
    chunks = [seeds[start : start + CHUNKS[of]] for start in range(0, len(seeds), CHUNKS[of])]
    for future in as_completed([pool.submit(run_chunk, of, chunk, *beside) for chunk in chunks]):
        part = future.result()
        campaign.add(part)
        for failure in part.failures:
            print(f"broken: {failure.again}", file=sys.stderr)
        now = time.monotonic()
        campaign.seconds[of] = now - began
        if now - told >= 10 or campaign.done[of] == len(seeds):
            told = now
            broken = sum(failure.of == of for failure in campaign.failures)
            line = f"{campaign.done[of]} of {len(seeds)} {of}s, {broken} broken, {now - began:.0f} s"
            print(line, file=sys.stderr)


def arguments(words: list[str] | None = None) -> tuple[dict[str, range], int, str]:
    """Return the seeds of each part, the number of workers, and the storage for the states of the kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    for part in PARTS.values():
        parser.add_argument(f"--{part.count}", type=int, default=part.default, help=part.what)
        parser.add_argument(f"--{part.seed}", type=int, default=0, help="first seed")
    parser.add_argument(
        "--front-end",
        choices=FRONT_ENDS,
        default=DYNAMIC,
        help="front end for the schedules and online courses",
    )
    parser.add_argument(
        "--backend", choices=(FILE, *SERVERS), default=FILE, help="backend for the states of the kills"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = vars(parser.parse_args(words))
    os.environ[FRONT_END] = given["front_end"]  # the workers inherit it
    seeds: dict[str, range] = {}
    for of, part in PARTS.items():
        first = given[part.seed.replace("-", "_")]
        seeds[of] = range(first, first + given[part.count.replace("-", "_")])
    return seeds, given["workers"], given["backend"]


def main() -> int:
    """Run the campaign; 1 when a promise was broken."""
    seeds, workers, backend = arguments()
    campaign = Campaign()
    if any(seeds[of] for of in KILLS):
        require_cli()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        nullcontext() if backend == FILE else SERVERS[backend]() as server,
        ProcessPoolExecutor(workers) as pool,
    ):
        for of in PARTS:
            run_part(campaign, pool, of, seeds[of], Path(folder), server)
    for failure in campaign.failures[:5]:
        print(f"{failure.of} {failure.seed}: {failure.text}\nto reproduce it: {failure.again}\n")
    for failure in campaign.failures[5:]:
        print(f"{failure.of} {failure.seed} broke too; to reproduce it: {failure.again}")
    print(campaign.table())
    more = " ".join(f"--{part.seed} {seeds[of].stop}" for of, part in PARTS.items())
    print(f"\nbackend for the states of the kills: {backend}")
    print(f'\nto continue: make chaos CHAOS="{more}"')
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
