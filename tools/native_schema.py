"""Write dcs_migration/native/schema.json: the Pulumi package schema of the native provider.

Its inputs come from the JSON Schemas, its outputs and descriptions from the classes of the dynamic provider, and
the effects of changes from the tables of the resource types. ``python tools/native_schema.py`` writes it; with
``--check``, it only checks it: the exit code is 1 if it is outdated.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, get_args

import pulumi

import dcs_migration
from dcs_migration.life_cycles import config, inputs
from dcs_migration.life_cycles.migration_task.inputs import GET_SCHEMA
from dcs_migration.life_cycles.tasks.props import OnChange
from dcs_migration.names import PASSWORD
from dcs_migration.resources import types as shapes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # to import modules shared with the reference
from tools import reference
from tools.native_words import (
    FILTERS,
    FUNCTIONS,
    LEFT_OUT,
    LISTED,
    PACKAGE,
    PROVIDER,
    READ,
    REQUIRED,
    WORDS,
    camel,
    reworded,
)
from tools.reference_tables import nested_shapes

Spec = dict[str, Any]

FILE = reference.ROOT / "dcs_migration" / "native" / "schema.json"
EXAMPLES = Path(__file__).resolve().parent / "native_examples"
DISTRIBUTION = metadata("pulumi-dcs-migration")

RESOURCES: tuple[type[pulumi.Resource], ...] = (
    dcs_migration.MigrationTask,
    dcs_migration.MigrationCompletion,
    dcs_migration.MigrationInstance,
    dcs_migration.OnlineMigration,
    dcs_migration.OnlineMigrationTask,
)

TEXT: Spec = {"type": "string"}
ANY: Spec = {"$ref": "pulumi.json#/Any"}
OUTPUT_TYPES: Mapping[str, Spec] = {
    "str": TEXT,
    "str | None": TEXT,
    "Mapping[str, str]": {"type": "object", "additionalProperties": TEXT},
}
ALWAYS = ("str", "Mapping[str, str]", "Sequence[str]")  # outputs that always have a value

# With `replaceOnChanges`, Pulumi would decide: it would replace a task with only a changed password, and run the
# import again over live data. Instead, the provider's diff decides, and the documentation describes it with these
# texts.
REPLACES = (OnChange.REPLACE, OnChange.REPLACE_IF_GIVEN)

CONFIG_TYPES: Mapping[str, Spec] = {
    "secretKey": {**TEXT, "secret": True},
    "securityToken": {**TEXT, "secret": True},
    "assumeRole": {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}},
    "endpoints": {"type": "object", "additionalProperties": TEXT},
    "insecure": {"type": "boolean"},
    "maxRetries": {"type": "integer"},
}

EXAMPLE = """

{{{{% examples %}}}}
## Example Usage

{{{{% example %}}}}
{}
{{{{% /example %}}}}
{{{{% /examples %}}}}"""

TARGET, ROW = "GetMigrationTaskTargetInstance", "GetMigrationTasksTask"

# The code generator knows which Pulumi versions the SDKs need.
LANGUAGE: Spec = {
    "nodejs": {
        "packageName": "pulumi-dcs",
        # The generated code makes calls that older versions don't have.
        "dependencies": {"@pulumi/pulumi": "^3.276.0"},
        "respectSchemaVersion": True,
    },
    "python": {
        "packageName": "pulumi_dcs",
        "pyproject": {"enabled": True},
        "readme": "Huawei Cloud DCS (Redis) data-migration tasks as Pulumi resources, over the plugin `pulumi-resource-dcs`.",
        "respectSchemaVersion": True,
    },
    "go": {
        "importBasePath": "pulumi-dcs.invalid/sdk/go/dcs",
        "generateResourceContainerTypes": True,
        "respectSchemaVersion": True,
    },
}

# The names of the nested maps by key, and the values of the enumerations by name.
SHAPES: dict[frozenset[str], type] = {
    frozenset(each.__annotations__): each
    for name, each in vars(shapes).items()
    if inspect.isclass(each) and hasattr(each, "__total__") and not name.startswith("_")
}
CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(each) for name, each in vars(shapes).items() if get_args(each)
}
BY_VALUES = {frozenset(values): name for name, values in CHOICES.items()}

# The properties that texts can contain.
KNOWN = {each for resource in RESOURCES for each, *_ in reference.attributes_of(resource)}.union(
    {argument.name for resource in RESOURCES for argument in reference.arguments_of(resource)}, *SHAPES
)


def token(name: str) -> str:
    """Return the token of a resource, a type or a function."""
    return f"{PACKAGE}:index:{name}"


def of_type(name: str) -> Spec:
    """Refer to a type of this package."""
    return {"$ref": f"#/types/{token(name)}"}


def words(text: str) -> str:
    """Convert a text for Python to one for every language."""
    return reworded(text, KNOWN)


def type_of(described: Mapping[str, Any], *, output: bool = False) -> Spec:
    """Return the type of a property. An output is the service's text, which may be a new one."""
    kind = described.get("type", "string")
    if "enum" in described:
        choice = of_type(BY_VALUES[frozenset(described["enum"])])
        return TEXT if output else {"oneOf": [TEXT, choice]}
    if "properties" in described:
        return of_type(SHAPES[frozenset(described["properties"])].__name__)
    if isinstance(kind, list):
        return {"oneOf": [{"type": each} for each in kind]}
    if kind == "array":
        items = described.get("items")
        return {"type": "array", "items": type_of(items, output=output) if items else ANY}
    return {"type": kind}


def property_of(described: Mapping[str, Any], text: str, change: OnChange | None = None) -> Spec:
    """Return an input: its type and description, whether it is secret, and whether a change replaces the resource."""
    if described.get("writeOnly"):
        mark = {"secret": True}
    else:
        mark = {"willReplaceOnChanges": True} if change in REPLACES else {}
    return {**type_of(described), "description": words(text), **mark}


def bag(properties: Mapping[str, Spec], required: Iterable[str]) -> Spec:
    """Return properties and which of them are required, both in Pulumi's spelling."""
    named = {camel(name): described for name, described in properties.items()}
    return {"properties": named, "required": sorted(camel(name) for name in required)}


def shape_words(shape: type) -> dict[str, str]:
    """Return the description of each key of a nested map; required keys are in a private class."""
    base = re.match(r"class \w+\((_\w+)", inspect.getsource(shape))
    inherited = shape_words(getattr(shapes, base[1])) if base else {}
    return inherited | {name: text for name, _, text in reference.attributes_of(shape)}


def types() -> Spec:
    """Return the nested maps and the enumerations."""
    found: Spec = {}
    for resource in RESOURCES:
        for path, described in nested_shapes(reference.schema_of(resource)):
            shape = SHAPES[frozenset(described["properties"])]
            found[token(shape.__name__)] = nested(shape, described, change_of(resource, path, inside=True))
    target = inputs.schema("migration_task")["properties"]["target_instance"]["properties"]
    told = {
        name: property_of(target[name], target[name]["description"]) for name in target if name != PASSWORD
    }
    found[token(TARGET)] = {
        "type": "object",
        "description": "The DCS instance that receives the data, as the service returns it.",
        **bag(told, ("id",)),
    }
    found[token(ROW)] = {
        "type": "object",
        "description": "One task of the listing.",
        **bag({name: property_of({}, text) for name, text in LISTED.items()}, ("id", "status")),
    }
    return found | {token(name): choice(values) for name, values in CHOICES.items()}


def change_of(resource: type[pulumi.Resource], key: str, *, inside: bool = False) -> OnChange | None:
    """Return the effect of a change of an input; in a map with a password, each other key has its own."""
    spec = reference.spec_of(resource)
    return spec.inputs[key] if spec is not None and inside == (key in spec.with_password) else None


def nested(shape: type, described: Mapping[str, Any], change: OnChange | None) -> Spec:
    """Return a nested map."""
    told = shape_words(shape)
    keys = {name: property_of(each, told[name], change) for name, each in described["properties"].items()}
    text = words(reference.parsed(shape.__doc__).text)
    return {"type": "object", "description": text, **bag(keys, described.get("required", ()))}


def choice(values: Iterable[str]) -> Spec:
    """Return an enumeration."""
    names = {value: "".join(map(str.capitalize, value.split("_"))) for value in values}
    return {"type": "string", "enum": [{"name": name, "value": value} for value, name in names.items()]}


def resource_of(resource: type[pulumi.Resource]) -> Spec:
    """Return a resource."""
    name = resource.__name__
    arguments = {
        each.name: each
        for each in reference.arguments_of(resource)
        if each.name not in reference.NOT_IN_SCHEMAS
    }
    given = {
        key: property_of(each.described, WORDS.get((name, key), each.words), change_of(resource, key))
        for key, each in arguments.items()
    }
    required = {key for key, each in arguments.items() if each.required or (name, key) in REQUIRED}
    written = bag(given, required)
    described = {
        "description": words(WORDS.get((name, ""), reference.parsed(resource.__doc__).text)) + examples(name),
        **outputs_of(resource, arguments, required),
        "inputProperties": written["properties"],
        "requiredInputs": written["required"],
    }
    if issubclass(resource, pulumi.ComponentResource):
        return {"isComponent": True, **described}
    # For states of the dynamic provider.
    described["aliases"] = [{"type": vars(inspect.getmodule(resource))["TYPE_TOKEN"]}]
    if name == "MigrationTask":
        described["stateInputs"] = bag(place(), ())
    return described


def outputs_of(
    resource: type[pulumi.Resource], arguments: Mapping[str, reference.Argument], required: set[str]
) -> Spec:
    """Return the outputs: those that the class declares and, for a custom resource, every input."""
    found: Spec = {}
    always = set()
    if not issubclass(resource, pulumi.ComponentResource):
        always |= required
        found |= {
            key: {**type_of(each.described, output=True), "description": words(each.words)}
            for key, each in arguments.items()
        }
    for key, annotation, text in reference.attributes_of(resource):
        kind = re.fullmatch(r"pulumi\.Output\[(.*)\]", annotation)
        if kind and (resource.__name__, key) not in LEFT_OUT:
            found[key] = {**(found.get(key) or OUTPUT_TYPES[kind[1]]), "description": words(text)}
            always |= {key} if kind[1] in ALWAYS else set()
    return bag(found, always)


def examples(name: str) -> str:
    """Return the examples of a resource, if it has an examples file."""
    file = EXAMPLES / f"{name}.md"
    return EXAMPLE.format(file.read_text("utf-8").strip()) if file.is_file() else ""


def place() -> Spec:
    """Return the location inputs of a task that is only read."""
    named = inputs.schema(GET_SCHEMA)["properties"]
    return {name: property_of(each, each["description"]) for name, each in named.items() if name != "id"}


def functions(resources: Spec) -> Spec:
    """Return the functions."""
    task = resources[token("MigrationTask")]["properties"]
    told = {name: {**task.get(camel(name), TEXT), "description": text} for name, text in READ.items()}
    told["target_instance"] |= of_type(TARGET)
    listing = {
        "type": "array",
        "items": of_type(ROW),
        "description": "The tasks, in the order of the service.",
    }
    filters = {name: property_of({}, text) for name, text in FILTERS.items()}
    return {
        token("getMigrationTask"): {
            "description": words(FUNCTIONS["getMigrationTask"]),
            "inputs": bag({"id": told["id"], **place()}, ("id",)),
            "outputs": bag(told, ("id", "region", "project_id", "status")),
        },
        token("getMigrationTasks"): {
            "description": words(FUNCTIONS["getMigrationTasks"]),
            "inputs": bag(filters, ()),
            "outputs": bag({"tasks": listing}, ("tasks",)),
        },
    }


def settings() -> Spec:
    """Return the configuration. Its variables are only in the descriptions, because an SDK that reads them would
    write them into states."""
    read = reference.variables() | {
        "endpoints": [config.DCS_ENDPOINT, config.IAM_ENDPOINT, config.STS_ENDPOINT]
    }
    found = {}
    for key, text in reference.CONFIG.items():
        names = ", ".join(f"`{name}`" for name in read.get(key, ()))
        text = f"{text} Environment: {names}." if names else text
        found[key] = {**CONFIG_TYPES.get(key, TEXT), "description": words(text)}
    return found


def schema() -> Spec:
    """Return the whole schema."""
    resources = {token(each.__name__): resource_of(each) for each in RESOURCES}
    return {
        "name": PACKAGE,
        "displayName": "Huawei Cloud DCS Migration",
        "version": DISTRIBUTION["Version"],
        "description": "Huawei Cloud DCS (Redis) data-migration tasks as Pulumi resources.",
        "keywords": ["category/database", "kind/native", *DISTRIBUTION["Keywords"].split(",")],
        "license": DISTRIBUTION["License-Expression"],
        "publisher": DISTRIBUTION["Name"],
        "meta": {"supportPack": True},
        "config": {"variables": settings()},
        "types": types(),
        "provider": {"description": words(PROVIDER), "inputProperties": settings()},
        "resources": resources,
        "functions": functions(resources),
        "language": LANGUAGE,
    }


def main(arguments: list[str]) -> int:
    """Write or check the file; return the exit code."""
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in arguments:
        FILE.write_text(text, "utf-8")
    elif not FILE.is_file() or FILE.read_text("utf-8") != text:
        print(f"{FILE.name} is not up to date; run `python tools/native_schema.py`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
