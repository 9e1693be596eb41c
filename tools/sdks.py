"""Write the SDKs of the native provider into ``build/sdks/{nodejs,go,python}``, from its schema.

``tools/native-sdk`` holds the generators. A TypeScript program depends on ``file:.../build/sdks/nodejs/pulumi-dcs.tgz``,
which is compiled and packed here; a Go program has a ``replace`` of ``pulumi-dcs.invalid/sdk/go``; a Python program takes
``pip install build/sdks/python``. A second run does nothing, unless the schema or a generator changed.
Run by ``make sdks``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.programs import TOOLS, InstallError, Stopwatch, build

ROOT = TOOLS.parent
SCHEMA = ROOT / "dcs_migration" / "native" / "schema.json"
GENERATOR = TOOLS / "native-sdk"
SDKS = ROOT / "build" / "sdks"
STAMP = "made-from"

QUIETLY = ("--no-audit", "--no-fund", "--loglevel=error")


def main() -> int:
    """Write the SDKs, unless they are up to date; return the exit code."""
    try:
        made = make(SCHEMA, SDKS)
    except InstallError as error:
        print(f"sdks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sdks: interrupted", file=sys.stderr)
        return 130
    print(f"SDKs: {SDKS}{'' if made else ' is up to date'}", flush=True)
    return 0


def make(schema: Path, folder: Path) -> bool:
    """Write the SDKs of a schema into a folder, and return whether there was anything to do.

    Raises:
        InstallError: the schema isn't valid, or a step failed.
    """
    digest = digest_of(schema)
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text() == digest:
        return False
    print("Writing the SDKs: about 30 seconds, 2 minutes the first time.", flush=True)
    clock = Stopwatch()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Build in a separate folder, then move: an interrupted build must not look like an SDK.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".sdks-") as staging:
        made = Path(staging, folder.name)
        generator = Path(staging, GENERATOR.name)
        clock.say("building the generators")
        build(GENERATOR, ".", generator, clock=clock)
        clock.say("writing")
        run([str(generator), str(schema), str(made)], ROOT)
        clock.say("compiling the TypeScript")
        pack(made / "nodejs", Path(staging))
        (made / STAMP).write_text(digest)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    clock.say("written")
    return True


def pack(sdk: Path, staging: Path) -> None:
    """Leave of the TypeScript SDK the package that a registry would have, ``pulumi-dcs.tgz``.

    npm links to a folder, and installs what it depends on inside of it. A program would then have Pulumi's package twice:
    transforms fail, because the one doesn't know what was registered with the other.
    """
    sources = staging / "sources"
    sdk.rename(sources)
    run(["npm", "install", *QUIETLY], sources)
    run(["npm", "run", "--silent", "postinstall"], sources)
    described = json.loads((sources / "package.json").read_text("utf-8"))
    needed = {"@pulumi/pulumi": described["dependencies"]["@pulumi/pulumi"]}
    published = {**described, "files": ["bin"], "peerDependencies": needed}
    for key in ("scripts", "dependencies"):
        del published[key]
    (sources / "package.json").write_text(json.dumps(published, indent=4), "utf-8")
    sdk.mkdir()
    run(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(sdk)], sources)
    (packed,) = sdk.iterdir()
    packed.rename(sdk / "pulumi-dcs.tgz")


def digest_of(schema: Path) -> str:
    """Return the digest of everything that SDKs are made from."""
    files = [schema, *sorted(GENERATOR.iterdir()), Path(__file__)]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def run(command: list[str], folder: Path) -> None:
    """Run a command in a folder; raises `InstallError` after the command's output."""
    name = os.path.basename(command[0])
    if shutil.which(command[0]) is None:
        raise InstallError(f"no {name} found; run `make setup-languages` to see what to install")
    if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL).returncode:
        raise InstallError(f"{name} failed (see its output above)")


if __name__ == "__main__":
    sys.exit(main())
