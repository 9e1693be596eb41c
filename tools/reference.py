"""Write docs/reference.md from the schemas, the tables of changes and the docstrings, and the tables of
docs/emulator.md. docs/reference.zh-CN.md is the same page in Chinese: see ``tools/reference_words.py``.

``python tools/reference.py`` writes them; with ``--check``, it only checks them: the exit code is 1 if they are
outdated.
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
from dcs_migration.credentials import agency, credentials_file, official_sdk, profiles, sources
from dcs_migration.life_cycles import config, inputs
from dcs_migration.life_cycles.tasks.props import OnChange
from dcs_migration.life_cycles.tasks.spec import Spec
from dcs_migration.names import NAMESPACE

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # to import modules shared with the tests
from tools import emulator_tables
from tools.reference_tables import allowed, nested_shapes, table, type_of
from tools.reference_words import ENGLISH, Chinese, Schema, Words

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"
SCHEMAS = ROOT / "dcs_migration" / "schemas"

CHANGES = {
    OnChange.REPLACE: "runs again",
    OnChange.REPLACE_IF_GIVEN: "runs again; removing it does not",
    OnChange.IN_PLACE: "changed in place",
    OnChange.UPDATE: "state only",
}
Change = tuple[str, str]  # its name in the table of translations, and its words
PASSWORD_CHANGES: Change = ("PASSWORD", "state only, no call")
WAIT_CHANGES: Change = ("WAIT", "waits for tasks that are not done")
NO_CHANGE: Change = ("", "")

OUTPUTS = "Every input, as written or with its default, and those below. A task's `id` is the service's id."
REQUIRED = "**required** {}"

NOT_IN_SCHEMAS = {"resource_name": "string", "tasks": "list of tasks", "opts": "`pulumi.ResourceOptions`"}

CONFIG = {
    "region": "Region. Required here or as `region=` on the resource; the state keeps it.",
    "projectId": "Project of the configured region. Without it, the provider looks it up in IAM at create.",
    "projectName": "Name of that project, if no id is set. Default: the name of the region.",
    "accessKey": "Access key. Prefer the environment. If you set keys here, set the other two with `--secret`.",
    "secretKey": "Secret key: `pulumi config set --secret huaweicloud:secretKey`.",
    "securityToken": "Security token of temporary keys.",
    "profile": "Profile of Huawei's command-line tool (KooCLI) with the keys. If only the file is set, its `current` profile.",
    "sharedConfigFile": f"The tool's file. Default `{profiles.DEFAULT_FILE}`.",
    "assumeRole": "Agency to assume: a map of `agencyName`, `domainName` or `domainId`, `duration`; or a list of such maps, "
    "each assumed with the keys of the previous one.",
    "cloud": f"Domain of the cloud. Default `{config.DEFAULT_CLOUD}`.",
    "endpoints": "Map of URLs, `dcs`, `iam` and `sts`: `pulumi config set --path 'huaweicloud:endpoints.dcs' https://...`.",
    "insecure": "Skip TLS verification, and allow plain http. Default false.",
    "maxRetries": f"How often a failed read is retried, 0 to 20. Default {config.DEFAULT_MAX_RETRIES}.",
}
OPTIONAL = (  # of OpenID Connect for an agency
    "Name of the session. Default `pulumi-dcs-migration`.",
    "How long the keys last, in seconds: 900 to 43200. Default 3600.",
    "A policy that limits what the keys may do.",
    "Ids of policies that limit what the keys may do, separated by commas.",
)
ENVIRONMENT_ONLY = {
    "HW_AUTH_TOKEN": "A token instead of a key pair.",
    config.DCS_ENDPOINT: "URL of DCS, such as an emulator's. It takes precedence over `huaweicloud:endpoints`.",
    config.IAM_ENDPOINT: "URL of IAM, if `huaweicloud:endpoints` doesn't have one.",
    config.STS_ENDPOINT: "URL of STS, if `huaweicloud:endpoints` doesn't have one.",
    **{
        name: f"{source.name}: see [credentials](guides/credentials.md)."
        for source in sources.SOURCES
        if source.fetch is not None
        for names in source.needs
        for name in names
    },
    **dict(zip(official_sdk.OPTIONAL, OPTIONAL, strict=True)),
    credentials_file.VARIABLE: f"The SDK's credentials file. Default `{credentials_file.DEFAULT_FILE}`.",
    **{
        variable: "A part of the agency, as in `huaweicloud:assumeRole`."
        for variable in agency.VARIABLES.values()
        if variable != agency.AGENCY
    },
    config.ACCEPT_ENDPOINT: "Host that the service has moved to, for existing tasks: see [troubleshooting](guides/troubleshooting.md).",
    "DCS_MIGRATION_DEBUG": "`1` shows tracebacks for errors.",
}

SETTINGS = """
Location settings come from the stack configuration first. Credentials come from the environment first; one source
must have the complete set ([why](guides/secrets.md)).
""".strip()

INTRODUCTION = """# Reference

`python tools/reference.py` writes this page from the schemas, the change tables and the docstrings.

*On change* shows the effect of a changed input: **runs again** (the old task is stopped and deleted, and a new one is
started; the preview says so), **changed in place** (with a call), or **state only** (without a call). Every input accepts
a plain value or a `pulumi.Output`. An unknown key, or a wrong type or value, is an error in preview, with its path.

## Resource options

These options are refused, because they would be ignored or do harm: `provider` of another package, `import_`, `id`,
`urn`, and for a task `delete_before_replace=False`, `retain_on_delete` and `deleted_with`.

These options and commands behave differently:

| option or command | with these resources |
|---|---|
| `ignore_changes` | Works as in Pulumi. Write paths in snake_case, like the inputs: `["target_instance.password"]`. |
| `replace_on_changes` | Ignored, because a dynamic provider can't report which property differs: the tables below apply. |
| `replacement_trigger` | Works as in Pulumi. A change runs the migration again, and the preview says so; `triggers` do the same. |
| `--replace`, `pulumi state taint` | Runs the migration again. The preview shows `replace` on the row; only the update says that it RUNS AGAIN. |
| `retain_on_delete` of a component around it | Not inherited: the task is stopped and deleted, even if the component's other resources are retained. |
| `deleted_with` of a component around it | Pulumi inherits it, and this package doesn't see it: the task keeps running when both leave the state. Don't set it there. |
| `retain_on_delete` that a transform sets | Works as in Pulumi: see [the owner mark](safety.md#the-owner-mark). |
| `custom_timeouts` | Supported, as described for each resource. |
| `[diff: ...]` on the rows of `pulumi refresh --run-program` | Pulumi's comparison of the program's inputs with those in the state, including defaults. It changes nothing. |
"""


@dataclass
class Doc:
    """A parsed docstring: its text and its sections."""

    text: str
    arguments: dict[str, str] = field(default_factory=dict)
    example: str = ""


def parsed(docstring: str | None) -> Doc:
    """Parse a docstring in Google's format."""
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
    """Convert a docstring's markup to Markdown."""
    text = re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`").strip()


def page(words: Words = ENGLISH) -> str:
    """Return the whole page in a language."""
    public = [getattr(dcs_migration, name) for name in dcs_migration.__all__]
    resources = [each for each in public if inspect.isclass(each) and issubclass(each, pulumi.Resource)]
    functions = [each for each in public if inspect.isfunction(each)]
    parts = [words("introduction", INTRODUCTION.strip()) + "\n"]
    for resource in sorted(
        resources, key=lambda resource: (resource.__name__ != "MigrationTask", resource.__name__)
    ):
        parts += [f"## {resource.__name__}\n", *described_resource(resource, words)]
    for function in functions:
        parts += [f"## {function.__name__}\n", *described_callable(function, function.__name__, words)]
    parts += [f"## {words('heading settings', 'Settings')}\n", *described_settings(words)]
    return "\n".join(parts)


def described_resource(resource: type[pulumi.Resource], words: Words) -> Iterator[str]:
    """Yield the parts about a resource."""
    doc, name = parsed(resource.__doc__), resource.__name__
    yield words(name, doc.text) + "\n"
    if doc.example:
        yield f"```python\n{doc.example}\n```\n"
    schema, changes, with_password = schema_of(resource), *changes_of(resource)
    yield f"### {words('heading inputs', 'Inputs of {}').format(name)}\n"
    yield from table(head(words, "input", "type", "allowed", "on change"), inputs_of(resource, words))
    for key, nested in nested_shapes(schema):
        yield f"### {words('heading nested', '{}: {}').format(name, f'`{key}`')}\n"
        yield from table(
            head(words, "key", "type", "allowed", "on change"),
            nested_rows(nested, key, changes, with_password, words),
        )
    outputs = list(table(head(words, "output"), outputs_of(resource, set(changes), words)))
    if outputs:
        yield f"### {words('heading outputs', 'Outputs of {}').format(name)}\n"
        if changes:
            yield words("outputs", OUTPUTS) + "\n"
        yield from outputs
    for method, member in vars(resource).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if not method.startswith("_") and inspect.isfunction(function):
            yield f"### {name}.{method}\n"
            yield from described_callable(function, f"{name}.{method}", words)


def described_callable(function: Any, shown: str, words: Words) -> Iterator[str]:
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
    yield words(shown, doc.text) + "\n"
    yield from table(
        head(words, "argument"),
        ((f"`{name}`", words(f"{shown}({name})", text)) for name, text in doc.arguments.items()),
    )


def head(words: Words, *names: str) -> tuple[str, ...]:
    """Return the head of a table; the last column, which describes, has no name."""
    return (*(words(f"column {name}", name) for name in names), "")


def schema_of(resource: type[pulumi.Resource]) -> Schema:
    """Return the schema whose title is the resource's name; an empty one for a component without any."""
    for file in sorted(SCHEMAS.glob("*.json")):
        schema = inputs.schema(file.stem)
        if schema["title"] == resource.__name__:
            return schema
    return {"properties": {}}


def life_cycle_of(resource: type[pulumi.Resource]) -> str | None:
    """Return the package of a resource's lifecycle; a component has none."""
    source = inspect.getsource(inspect.getmodule(resource) or dcs_migration)
    provider = re.search(r"from dcs_migration\.providers\.(\w+) import", source)
    if provider is None:
        return None
    source = inspect.getsource(importlib.import_module(f"dcs_migration.providers.{provider[1]}"))
    package = re.search(r"from (dcs_migration\.life_cycles\.\w+)\.life_cycle import", source)
    assert package is not None, f"{provider[1]} loads no life cycle"
    return package[1]


def spec_of(resource: type[pulumi.Resource]) -> Spec | None:
    """Return the table of a resource type; a component and a wait have none."""
    package = life_cycle_of(resource)
    return getattr(importlib.import_module(f"{package}.life_cycle"), "SPEC", None) if package else None


def changes_of(resource: type[pulumi.Resource]) -> tuple[dict[str, Change], tuple[str, ...]]:
    """Return the effect of a change of each input, and the inputs with a password."""
    package, spec = life_cycle_of(resource), spec_of(resource)
    if package is None:
        return {}, ()
    if spec is None:
        inputs = importlib.import_module(f"{package}.inputs").INPUTS
        return dict.fromkeys(inputs, WAIT_CHANGES), ()
    changes = {key: (rule.name, CHANGES.get(rule, rule.value)) for key, rule in spec.inputs.items()}
    return changes, tuple(spec.with_password)


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
        # A component passes its arguments on, so their descriptions are those of the other resource.
        elsewhere = re.match(r"As for `(\w+)`", documented.get(name, ""))
        owner = getattr(dcs_migration, elsewhere[1]) if elsewhere else resource
        described = schema_of(owner)["properties"].get(name, {})
        words = described.get("description") or documented.get(name, "")
        yield Argument(name, parameter.default is parameter.empty, described, owner, words)


def inputs_of(resource: type[pulumi.Resource], words: Words) -> Iterator[tuple[str, ...]]:
    """Yield a row for each argument of the constructor."""
    for argument in arguments_of(resource):
        changes, _ = changes_of(argument.owner)
        kind = type_of(argument.described, words)
        if argument.name in NOT_IN_SCHEMAS and not kind:
            kind = words(f"type of {argument.name}", NOT_IN_SCHEMAS[argument.name])
        text = words.described(argument.described) or words(
            f"{resource.__name__}({argument.name})", argument.words
        )
        yield (
            f"`{argument.name}`",
            kind,
            allowed(argument.described, words),
            changed(words, changes.get(argument.name, NO_CHANGE)),
            required(text, words) if argument.required and argument.described else text,
        )


def required(text: str, words: Words) -> str:
    """Return the description of a required input."""
    return words("required", REQUIRED).replace("{}", text)


def changed(words: Words, change: Change) -> str:
    """Return the words for what a change does."""
    return words(f"change {change[0]}", change[1])


def nested_rows(
    shape: Schema, path: str, changes: Mapping[str, Change], with_password: tuple[str, ...], words: Words
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each key of a nested map."""
    outer = re.split(r"[.\[]", path)[0]
    for key, described in shape["properties"].items():
        own = key == "password" and outer in with_password
        change = PASSWORD_CHANGES if own else changes.get(outer, NO_CHANGE)
        text = words.described(described)
        yield (
            f"`{key}`",
            type_of(described, words),
            allowed(described, words),
            changed(words, change),
            required(text, words) if key in shape.get("required", ()) else text,
        )


def attributes_of(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield the name, annotation and description of each attribute that a class declares."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    for attribute, below in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            words = str(below.value.value) if told else ""  # type: ignore[attr-defined]
            yield attribute.target.id, ast.unparse(attribute.annotation), markdown(" ".join(words.split()))


def outputs_of(resource: type[pulumi.Resource], inputs: set[str], words: Words) -> Iterator[tuple[str, str]]:
    """Yield the name and description of each attribute of the class that isn't an input."""
    for name, annotation, text in attributes_of(resource):
        if annotation.startswith("pulumi.Output") and name not in inputs:
            yield f"`{name}`", words(f"{resource.__name__}.{name}", text)


def variables() -> dict[str, list[str]]:
    """Return the environment variables of each key of the configuration."""
    found: dict[str, list[str]] = {key: list(names) for key, names in config.LOCATION_SETTINGS.items()}
    static = [source for source in sources.SOURCES if source.security_token]
    stack = next(source for source in static if source.from_config)
    for source in static:
        if source is not stack:
            for key, name in zip(_parts(stack), _parts(source), strict=True):
                found.setdefault(key.removeprefix(f"{NAMESPACE}:"), []).append(name)
    for names in (profiles.PROFILE, profiles.FILE, (agency.AGENCY, agency.ASSUME_ROLE)):
        variable, key = names
        found[key.removeprefix(f"{NAMESPACE}:")] = [variable]
    known = {*found, "endpoints"}
    assert known == set(CONFIG), f"tell about {known ^ set(CONFIG)}"
    return found


def _parts(source: sources.Source) -> tuple[str, ...]:
    return (*source.required, source.security_token)


def described_settings(words: Words) -> Iterator[str]:
    """Yield the tables of the configuration and of the environment."""
    of_key = variables()
    yield words("settings", SETTINGS) + "\n"
    yield from table(
        head(words, "stack configuration", "environment"),
        (
            (
                f"`huaweicloud:{key}`",
                words("separator", ", ").join(f"`{name}`" for name in of_key.get(key, ())),
                words(f"config {key}", text),
            )
            for key, text in CONFIG.items()
        ),
    )
    yield from table(
        head(words, "environment only"),
        ((f"`{name}`", words(f"environment {name}", text)) for name, text in ENVIRONMENT_ONLY.items()),
    )


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    emulator = emulator_tables.rewritten(emulator_tables.PAGE.read_text("utf-8"))
    problems = [
        f"docs/emulator.md: write a description for {name}" for name in emulator_tables.unwritten(emulator)
    ]
    chinese = Chinese()
    pages = {
        PAGE: page(),
        PAGE.with_name(PAGE.stem + chinese.suffix): page(chinese),
        emulator_tables.PAGE: emulator,
    }
    problems += [f"tools/{chinese.file.name}: {problem}" for problem in chinese.problems()]
    for file, text in pages.items():
        if "--check" not in arguments:
            file.write_text(text, "utf-8")
        elif not file.is_file() or file.read_text("utf-8") != text:
            problems.append(f"docs/{file.name} is not up to date; run `python tools/reference.py`")
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
