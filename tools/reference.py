"""Write docs/reference.md from the schemas, the tables of changes and the docstrings, and the tables of docs/emulator.md.

``python tools/reference.py`` writes them; with ``--check`` it only tells, by its exit code, whether they are up to date.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

import dcs_migration
from dcs_migration.credentials import agency, official_sdk, profiles, sources
from dcs_migration.life_cycles import config, inputs
from dcs_migration.life_cycles.tasks.props import OnChange
from dcs_migration.life_cycles.tasks.spec import Spec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # what it shares with the tests
from tools import emulator_tables
from tools.reference_tables import Schema, allowed, nested_shapes, table, type_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"
SCHEMAS = ROOT / "dcs_migration" / "schemas"

CHANGES = {
    OnChange.REPLACE: "runs again",
    OnChange.REPLACE_IF_GIVEN: "runs again; leaving it out does not",
    OnChange.IN_PLACE: "changed in place",
    OnChange.UPDATE: "state only",
}
PASSWORD_CHANGES = "state only, no call"
WAIT_CHANGES = "waits for what is not done yet"

NOT_IN_SCHEMAS = {"resource_name": "text", "tasks": "list of tasks", "opts": "`pulumi.ResourceOptions`"}

CONFIG = {
    "region": "Region. Required here or as `region=` on the resource; state then keeps it.",
    "projectId": "Project of the configured region. Without it IAM is asked once, at create.",
    "projectName": "Name of that project, where no id is set. Default: the name of the region.",
    "accessKey": "Access key. Use the environment, or at least `--secret` for its companions.",
    "secretKey": "Secret key: `pulumi config set --secret huaweicloud:secretKey`.",
    "securityToken": "Security token of temporary keys.",
    "profile": "Profile of Huawei's command-line tool (KooCLI) that has the keys; also alone, as `current` says.",
    "sharedConfigFile": f"The tool's file. Default `{profiles.DEFAULT_FILE}`.",
    "assumeRole": "Agency to act through: a map of `agencyName`, `domainName` or `domainId`, `duration`; or a list of such, "
    "each assumed with the keys of the one before.",
    "cloud": f"Domain of the cloud. Default `{config.DEFAULT_CLOUD}`.",
    "endpoints": "Map of URLs, `dcs`, `iam` and `sts`: `pulumi config set --path 'huaweicloud:endpoints.dcs' https://...`.",
    "insecure": "No TLS verification, and plain http is allowed. Default false.",
    "maxRetries": f"How often a read is tried again, 0 to 20. Default {config.DEFAULT_MAX_RETRIES}.",
}
ENVIRONMENT_ONLY = {
    "HW_AUTH_TOKEN": "A token in place of a key pair.",
    config.DCS_ENDPOINT: "URL of DCS, such as an emulator's. It goes before `huaweicloud:endpoints`.",
    config.IAM_ENDPOINT: "URL of IAM, when `huaweicloud:endpoints` names none.",
    config.STS_ENDPOINT: "URL of STS, when `huaweicloud:endpoints` names none.",
    **{
        name: f"{source.name}: see [credentials](guides/credentials.md)."
        for source in sources.SOURCES
        if source.fetch is not None
        for names in source.needs
        for name in names
    },
    **dict.fromkeys(official_sdk.OPTIONAL, "Optional part of it."),
    official_sdk.CREDENTIALS_FILE: f"The SDK's file of credentials. Default `{official_sdk.DEFAULT_CREDENTIALS_FILE}`.",
    **{
        variable: "Of the agency: as the parts of `huaweicloud:assumeRole`."
        for variable in agency.VARIABLES.values()
        if variable != agency.AGENCY
    },
    config.ACCEPT_ENDPOINT: "Host that tasks may have moved to: see [troubleshooting](guides/troubleshooting.md).",
    "DCS_MIGRATION_DEBUG": "`1` shows tracebacks with errors.",
}

INTRODUCTION = """# Reference

Written by `python tools/reference.py` from the schemas, the tables of changes and the docstrings of the code.

*On change* tells what a changed input does: **runs again** (the old task is stopped and deleted, a new one started;
the preview says so), **changed in place** (by a call), or **state only** (no call). Every input takes a plain value or a `pulumi.Output`. An unknown key, a wrong type or value is an error in preview, with its path.

## Resource options

Refused, because they would be ignored or do harm: `provider` of another package, `import_`, `id`, `urn`, and for a task
`delete_before_replace=False`, `retain_on_delete` and `deleted_with`. Of the others these behave in a way of their own:

| option or command | with these resources |
|---|---|
| `ignore_changes` | The engine's. Paths in snake_case, as the inputs are written: `["target_instance.password"]`. |
| `replace_on_changes` | Ignored, because a dynamic provider cannot tell which property differs: the tables below decide. |
| `replacement_trigger` | The engine's. A change runs the migration again, and the preview says so; `triggers` do the same. |
| `--replace`, `pulumi state taint` | Runs the migration again. The preview shows `replace` on the row; that it RUNS AGAIN only the update says. |
| `retain_on_delete` of a component around it | Not inherited: the task is stopped and deleted, also where the component's other resources are retained. |
| `deleted_with` of a component around it | Inherited by the engine, and not seen by this package: the task goes on when both leave the state. Do not write it there. |
| `retain_on_delete` that a transform sets | The engine's: see [the mark](safety.md#the-mark). |
| `custom_timeouts` | Honoured as each resource says below. |
| `[diff: ...]` on the rows of `pulumi refresh --run-program` | The engine's comparison of what the program writes with the inputs in the state, defaults among them. It changes nothing. |
"""


@dataclass
class Doc:
    """A docstring in parts: its text, and its sections."""

    text: str
    arguments: dict[str, str] = field(default_factory=dict)
    example: str = ""


def parsed(docstring: str | None) -> Doc:
    """Take a docstring in Google's form apart."""
    text, *sections = re.split(
        r"^(Args|Raises|Returns|Example):\n", inspect.cleandoc(docstring or ""), flags=re.M
    )
    doc = Doc(markdown(text))
    for name, body in zip(sections[::2], sections[1::2], strict=True):
        body = textwrap.dedent(body).strip("\n")
        if name == "Example":
            doc.example = body
        elif name == "Args":
            for entry in re.split(r"^(?=\w+:)", body, flags=re.M):
                argument, _, words = entry.partition(":")
                if words:
                    doc.arguments[argument] = markdown(" ".join(words.split()))
    return doc


def markdown(text: str) -> str:
    """Turn the marks of a docstring into those of a page."""
    text = re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`").strip()


def page() -> str:
    """Return the whole page."""
    public = [getattr(dcs_migration, name) for name in dcs_migration.__all__]
    resources = [each for each in public if inspect.isclass(each) and issubclass(each, pulumi.Resource)]
    functions = [each for each in public if inspect.isfunction(each)]
    parts = [INTRODUCTION]
    for resource in sorted(
        resources, key=lambda resource: (resource.__name__ != "MigrationTask", resource.__name__)
    ):
        parts += [f"## {resource.__name__}\n", *described_resource(resource)]
    for function in functions:
        parts += [f"## {function.__name__}\n", *described_callable(function, function.__name__)]
    parts += ["## Settings\n", *described_settings()]
    return "\n".join(parts)


def described_resource(resource: type[pulumi.Resource]) -> Iterator[str]:
    """Yield the parts about a resource."""
    doc = parsed(resource.__doc__)
    yield doc.text + "\n"
    if doc.example:
        yield f"```python\n{doc.example}\n```\n"
    schema, changes, with_password = schema_of(resource), *changes_of(resource)
    yield f"### Inputs of {resource.__name__}\n"
    yield from table(("input", "type", "allowed", "on change", ""), inputs_of(resource))
    for key, nested in nested_shapes(schema):
        yield f"### {resource.__name__}: `{key}`\n"
        yield from table(
            ("key", "type", "allowed", "on change", ""),
            nested_rows(nested, key, changes, with_password),
        )
    yield f"### Outputs of {resource.__name__}\n"
    if changes:
        yield "Every input, as written or defaulted, and those below. A task's `id` is the service's.\n"
    yield from table(("output", ""), outputs_of(resource, set(changes)))
    for name, member in vars(resource).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if not name.startswith("_") and inspect.isfunction(function):
            yield f"### {resource.__name__}.{name}\n"
            yield from described_callable(function, f"{resource.__name__}.{name}")


def described_callable(function: Any, shown: str) -> Iterator[str]:
    """Yield the parts about a function or a method."""
    doc = parsed(function.__doc__)
    signature = [
        f"{parameter.name}={parameter.default!r}"
        if parameter.default is not parameter.empty
        else parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if not parameter.name.startswith("_")
        if parameter.name not in ("self", "cls")
    ]
    yield f"`{shown}({', '.join(signature)})`\n"
    yield doc.text + "\n"
    yield from table(("argument", ""), ((f"`{name}`", words) for name, words in doc.arguments.items()))


def schema_of(resource: type[pulumi.Resource]) -> Schema:
    """Return the schema whose title is the resource's name; an empty one for a component without any."""
    for file in sorted(SCHEMAS.glob("*.json")):
        schema = inputs.schema(file.stem)
        if schema["title"] == resource.__name__:
            return schema
    return {"properties": {}}


def life_cycle_of(resource: type[pulumi.Resource]) -> str | None:
    """Return the package of a resource's life cycle; a component has none."""
    source = inspect.getsource(inspect.getmodule(resource) or dcs_migration)
    provider = re.search(r"from dcs_migration\.providers\.(\w+) import", source)
    if provider is None:
        return None
    source = inspect.getsource(importlib.import_module(f"dcs_migration.providers.{provider[1]}"))
    package = re.search(r"from (dcs_migration\.life_cycles\.\w+)\.life_cycle import", source)
    assert package is not None, f"{provider[1]} loads no life cycle"
    return package[1]


def spec_of(resource: type[pulumi.Resource]) -> Spec | None:
    """Return the table of a kind; a component and a wait have none."""
    package = life_cycle_of(resource)
    return getattr(importlib.import_module(f"{package}.life_cycle"), "SPEC", None) if package else None


def changes_of(resource: type[pulumi.Resource]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what a change of each input does, and which inputs hold a password."""
    package, spec = life_cycle_of(resource), spec_of(resource)
    if package is None:
        return {}, ()
    if spec is None:
        inputs = importlib.import_module(f"{package}.inputs").INPUTS
        return dict.fromkeys(inputs, WAIT_CHANGES), ()
    return {key: CHANGES.get(rule, rule.value) for key, rule in spec.inputs.items()}, tuple(
        spec.with_password
    )


@dataclass(frozen=True)
class Argument:
    """An argument of a constructor: its schema, if it has one, and the resource that has the schema."""

    name: str
    required: bool
    described: Schema
    owner: type[pulumi.Resource]
    words: str


def arguments_of(resource: type[pulumi.Resource]) -> Iterator[Argument]:
    """Yield the arguments of the constructor."""
    documented = parsed(resource.__init__.__doc__).arguments
    for name, parameter in inspect.signature(resource.__init__).parameters.items():
        if name == "self" or name.startswith("_"):
            continue
        # A component hands its arguments on: they are what they are there.
        elsewhere = re.match(r"As for `(\w+)`", documented.get(name, ""))
        owner = getattr(dcs_migration, elsewhere[1]) if elsewhere else resource
        described = schema_of(owner)["properties"].get(name, {})
        words = described.get("description") or documented.get(name, "")
        yield Argument(name, parameter.default is parameter.empty, described, owner, words)


def inputs_of(resource: type[pulumi.Resource]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each argument of the constructor."""
    for argument in arguments_of(resource):
        changes, _ = changes_of(argument.owner)
        required = "**required** " if argument.required and argument.described else ""
        kind = type_of(argument.described) or NOT_IN_SCHEMAS.get(argument.name, "")
        yield (
            f"`{argument.name}`",
            kind,
            allowed(argument.described),
            changes.get(argument.name, ""),
            required + argument.words,
        )


def nested_rows(
    shape: Schema, path: str, changes: Mapping[str, str], with_password: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each key of a nested map."""
    outer = re.split(r"[.\[]", path)[0]
    for key, described in shape["properties"].items():
        change = PASSWORD_CHANGES if key == "password" and outer in with_password else changes.get(outer, "")
        required = "**required** " if key in shape.get("required", ()) else ""
        yield (
            f"`{key}`",
            type_of(described),
            allowed(described),
            change,
            required + described.get("description", ""),
        )


def attributes_of(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the annotation and the words of each attribute that a class declares."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    for attribute, below in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            words = str(below.value.value) if told else ""  # type: ignore[attr-defined]
            yield attribute.target.id, ast.unparse(attribute.annotation), markdown(words)


def outputs_of(resource: type[pulumi.Resource], inputs: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the words of each attribute of the class that is not an input."""
    for name, annotation, words in attributes_of(resource):
        if annotation.startswith("pulumi.Output") and name not in inputs:
            yield f"`{name}`", words


def variables() -> dict[str, list[str]]:
    """Return the environment variables of each key of the configuration."""
    found: dict[str, list[str]] = {key: list(names) for key, names in config.WHERE.items()}
    static = [source for source in sources.SOURCES if source.security_token]
    stack = next(source for source in static if source.from_config)
    for source in static:
        if source is not stack:
            for key, name in zip(_parts(stack), _parts(source), strict=True):
                found.setdefault(key.removeprefix(f"{config.NAMESPACE}:"), []).append(name)
    for names in (profiles.PROFILE, profiles.FILE, (agency.AGENCY, agency.ASSUME_ROLE)):
        variable, key = names
        found[key.removeprefix(f"{config.NAMESPACE}:")] = [variable]
    known = {*found, "endpoints"}
    assert known == set(CONFIG), f"tell about {known ^ set(CONFIG)}"
    return found


def _parts(source: sources.Source) -> tuple[str, ...]:
    return (*source.required, source.security_token)


def described_settings() -> Iterator[str]:
    """Yield the tables of the configuration and of the environment."""
    of_key = variables()
    yield "Where the service is: stack configuration first. Who calls it: the environment first, one whole set from one"
    yield "source ([why](guides/secrets.md)).\n"
    yield from table(
        ("stack configuration", "environment", ""),
        (
            (f"`huaweicloud:{key}`", ", ".join(f"`{name}`" for name in of_key.get(key, ())), words)
            for key, words in CONFIG.items()
        ),
    )
    yield from table(
        ("environment only", ""), ((f"`{name}`", words) for name, words in ENVIRONMENT_ONLY.items())
    )


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    emulator = emulator_tables.rewritten(emulator_tables.PAGE.read_text("utf-8"))
    problems = [
        f"docs/emulator.md: write a description for {name}" for name in emulator_tables.unwritten(emulator)
    ]
    for file, text in ((PAGE, page()), (emulator_tables.PAGE, emulator)):
        if "--check" not in arguments:
            file.write_text(text, "utf-8")
        elif not file.is_file() or file.read_text("utf-8") != text:
            problems.append(f"docs/{file.name} is not up to date; run `python tools/reference.py`")
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
