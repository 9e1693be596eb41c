"""What `make verified` runs: the cases, then the open questions. What it prints is meant to be reported."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

from dcs_migration.dcs.errors import DcsMigrationError
from tests.verified.answers import table
from tests.verified.cloud import Cloud, the_cloud
from tests.verified.probe import Probe
from tests.verified.settings import OPT_IN, Missing, opted_in

CASES = Path(__file__).parent
MOST_SECONDS = 4 * 60 * 60  # for one case; every wait in it has a bound of its own
QUIET = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # it was: the package itself
HOW = f"for the real service set {OPT_IN}=1, and what docs/guides/verifying.md names"


def describe(cloud: Cloud, real: bool) -> str:
    """Say what is met, and what will be used there."""
    version = importlib.metadata.version("pulumi-dcs-migration")
    where = f"{cloud.account.endpoint}, region {cloud.account.region}" if real else f"an emulator; {HOW}"
    online = (
        "with online migrations" if cloud.named.source else "without online migrations: no source is named"
    )
    today = cloud.clock.now().date()
    return (
        f"pulumi-dcs-migration {version}, {today}, against {where}; {online}; its tasks are named verified-*"
    )


def run_cases(online: bool) -> int:
    """Run the cases that what is named allows; return pytest's exit code."""
    files = ["test_imports.py", *(["test_online.py"] if online else [])]
    bounded = ["-v", f"--timeout={MOST_SECONDS}"]
    tidy = ["-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=failed", "-W", QUIET]
    return int(pytest.main([*bounded, *tidy, *(str(CASES / name) for name in files)]))


def main() -> int:
    """Run everything; 0 when all cases hold, 2 when nothing could be run."""
    try:
        with the_cloud(os.environ) as cloud:
            print(describe(cloud, opted_in(os.environ)), flush=True)
            code = run_cases(online=cloud.named.source is not None)
            if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                probe = Probe(cloud)
                try:
                    probe.run()
                finally:
                    print(f"\n{table(probe.answers)}", flush=True)
            return code
    except (Missing, DcsMigrationError) as error:
        print(f"verified: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
