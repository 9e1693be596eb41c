"""Write docs/messages.md: every error, warning and progress line of the package, read from its source.

A text is an error, a warning or a progress line by where it ends up: it is followed through constants, variables and
return values to a `raise`, a warning or a log line. ``python tools/messages.py`` writes the page; with ``--check`` it only
tells, by its exit code, whether the page is up to date.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dcs_migration"
PAGE = ROOT / "docs" / "messages.md"

ERROR, WARNING, PROGRESS, PART = "error", "warning", "progress", "part"
STRONGEST = (ERROR, WARNING, PROGRESS)
STEPS = 7  # from a text to where it is shown

# Functions that turn their arguments into a message. The first argument of the engine's `log` is its severity.
CALLS = {
    **dict.fromkeys(("CheckResult", "CheckFailure", "failures", "init"), ERROR),
    **dict.fromkeys(("warn", "warn_if_declared"), WARNING),
    **dict.fromkeys(("say", "pause", "until"), PROGRESS),
}
SEVERITIES = {"ERROR": ERROR, "WARNING": WARNING, "INFO": PROGRESS}
INTERNAL = ("Evidence", "OnChange")  # classes with words for readers of the code
IGNORED = (
    "debug",
    "add_argument",
    "add_parser",
    "ArgumentParser",
    "compile",
    "fullmatch",
    "match",
    "search",
    "sub",
)

# Where the messages come from: the first prefix that fits a module's path.
SECTIONS = {
    "life_cycles/inputs.py": "Inputs, in preview",
    "life_cycles/settings_": "Settings",
    "life_cycles/config.py": "Settings",
    "native/settings.py": "Settings",
    "credentials/": "Credentials",
    "dcs/": "The service and the network",
    "life_cycles/migration_completion/inputs.py": "Inputs, in preview",
    "life_cycles/migration_completion/": "Waits",
    "life_cycles/migration_task/inputs.py": "Inputs, in preview",
    "life_cycles/online_migration/inputs.py": "Inputs, in preview",
    "life_cycles/online_migration/": "Online migrations",
    "life_cycles/migration_instance/": "Online migrations",
    "life_cycles/migration_task/": "Tasks",
    "life_cycles/tasks/": "Tasks",
    "life_cycles/": "State, listing and plugin",
    "resources/": "The program's arguments and options",
    "native/": "The native provider",
    "command_line/": "The command line",
    "": "Inputs, in preview",
}

INTRODUCTION = """# Messages

Written by `python tools/messages.py` from the code. Search this page for a part of the text that you see; `{name}` stands
for a value. A long message is put together from several rows, and some rows are only parts of one.
[Troubleshooting](guides/troubleshooting.md) explains the most common messages.

Kinds of messages: **error** (nothing more is done for the resource), **warning** (the command continues), **progress**
(shown while something runs), **part** (a part of other messages, or what the command line prints).
"""


@dataclass(frozen=True)
class Message:
    """A text, and where it is from."""

    section: str
    module: str
    line: int
    kind: str
    text: str


class Source:
    """The modules of a package, with what refers to what."""

    def __init__(self, package: Path) -> None:
        """Parse all modules."""
        self.modules = {
            path.relative_to(package).as_posix(): ast.parse(path.read_text("utf-8"))
            for path in sorted(package.rglob("*.py"))
        }
        self.parents: dict[ast.AST, ast.AST] = {}
        self.module_of: dict[ast.AST, str] = {}
        self.uses: dict[str, list[ast.AST]] = defaultdict(list)
        self.constants: dict[tuple[str, str], str] = {}
        self._steps: dict[ast.AST, tuple[str | None, list[ast.AST]]] = {}
        for name, tree in self.modules.items():
            for node in ast.walk(tree):
                self.module_of[node] = name
                for child in ast.iter_child_nodes(node):
                    self.parents[child] = node
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    self.uses[node.id].append(node)
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    self.uses[node.attr].append(node)
            for node in tree.body:
                if isinstance(node, ast.Assign):
                    pairs = zip(_parts(node.targets[0]), _parts(node.value), strict=False)
                    self.constants |= {
                        (name, name_of(target)): str(value.value).removesuffix(".0")
                        for target, value in pairs
                        if isinstance(value, ast.Constant)
                    }

    @cached_property
    def errors(self) -> set[str]:
        """The names of exception classes: those of the package, and of Python's those that it raises itself."""
        classes = [
            node
            for tree in self.modules.values()
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
        ]
        found = {"Exception", "TypeError", "ValueError"}
        for _ in classes:
            found |= {each.name for each in classes if {ast.unparse(base) for base in each.bases} & found}
        return found

    def kind(self, text: ast.AST) -> str:
        """Follow a text, step by step, to the first place where something is done with it."""
        reached, seen = [text], {text}
        for _ in range(STEPS):
            found = [self._step(node) for node in reached]
            kinds = {kind for kind, _ in found if kind}
            if kinds:
                return next(kind for kind in STRONGEST if kind in kinds)
            reached = [use for _, uses in found for use in uses if use not in seen]
            seen.update(reached)
        return PART

    def _step(self, node: ast.AST) -> tuple[str | None, list[ast.AST]]:
        if node not in self._steps:
            self._steps[node] = self._next(node)
        return self._steps[node]

    def _next(self, node: ast.AST) -> tuple[str | None, list[ast.AST]]:
        """Return what a text becomes where it stands, or the places where what it is put into is used."""
        while node in self.parents:
            child, node = node, self.parents[node]
            if isinstance(node, ast.Call) and child is not node.func:
                called = name_of(node.func)
                severity = node.args[0] if called == "log" and node.args else None
                if isinstance(severity, ast.Constant):
                    return SEVERITIES.get(str(severity.value)), []
                if called in self.errors or called.strip("_") in CALLS:
                    return CALLS.get(called.strip("_"), ERROR), []
                if called == "append" and isinstance(node.func, ast.Attribute):
                    return None, self._uses(node.func.value)
            elif isinstance(node, ast.Raise) or (isinstance(node, ast.keyword) and node.arg == "across"):
                return ERROR, []
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                parts = [part for target in targets for part in _parts(target)]
                if any("warning" in name_of(part) for part in parts):
                    return WARNING, []
                return None, [use for part in parts for use in self._uses(part)]
            elif isinstance(node, (ast.Yield, ast.YieldFrom, ast.Return, ast.For)):
                function = self._function_of(node)
                if isinstance(function, ast.FunctionDef):
                    kind = (
                        WARNING
                        if "warning" in function.name
                        else ERROR
                        if function.name == "__str__"
                        else None
                    )
                    return kind, [] if kind else self._uses(function)
        return None, []

    def _uses(self, target: ast.AST) -> list[ast.AST]:
        """Return where a name is used: a private one in its module, a variable in its function."""
        name = name_of(target)
        uses, function = self.uses[name], self._function_of(target)
        if name.startswith("_"):
            uses = [use for use in uses if self.module_of[use] == self.module_of[target]]
        if isinstance(target, ast.Name) and function is not None:
            uses = [use for use in uses if self._function_of(use) is function]
        return uses

    def _function_of(self, node: ast.AST) -> ast.AST | None:
        found: ast.AST | None = node
        while found is not None and not isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found = self.parents.get(found)
        return found

    def texts(self, module: str) -> Iterator[tuple[ast.expr, str]]:
        """Yield the texts of a module that a user may read, with their placeholders."""
        for node in ast.walk(self.modules[module]):
            if not isinstance(node, (ast.Constant, ast.JoinedStr)) or self._is_other(node):
                continue
            text = "".join(self._template(node))
            words = re.findall(r"[a-z]{2,}|'t\b", re.sub(r"\{[^}]*\}", " ", text))
            said = " " in text.strip() and len(words) >= 3 - ("{" in text) and "%s" not in text
            if said or "; {" in text:
                yield node, " ".join(text.split())

    def _is_other(self, node: ast.AST) -> bool:
        """Whether a text isn't a message: a docstring, part of another text, help, a log for developers, a pattern."""
        parent = self.parents[node]
        if isinstance(parent, (ast.Expr, ast.JoinedStr, ast.FormattedValue)):
            return True
        while isinstance(parent, (ast.keyword, ast.IfExp, ast.BinOp, ast.Tuple, ast.List, ast.Call)):
            if isinstance(parent, ast.Call) and name_of(parent.func) in IGNORED:
                return True
            parent = self.parents[parent]
        internal = (
            isinstance(self.parents.get(parent), ast.ClassDef) and name_of(self.parents[parent]) in INTERNAL
        )
        return internal or isinstance(parent, (ast.Subscript, ast.Compare, ast.arguments))

    def _constant(self, value: ast.expr) -> str | None:
        """Return the text of a constant: the module's own, or the only one of the package that is called so."""
        name = name_of(value)
        values = {text for (_, known), text in self.constants.items() if known == name}
        own = self.constants.get((self.module_of[value], name))
        return own or (values.pop() if len(values) == 1 and name.isupper() else None)

    def _template(self, node: ast.expr) -> Iterator[str]:
        for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
            if isinstance(part, ast.FormattedValue):
                yield self._constant(part.value) or f"{{{placeholder(part.value)}}}"
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def name_of(node: ast.AST) -> str:
    """Return the last name of a variable, an attribute or a function."""
    return str(getattr(node, "attr", None) or getattr(node, "name", None) or getattr(node, "id", ""))


def _parts(value: ast.expr) -> list[ast.expr]:
    return value.elts if isinstance(value, ast.Tuple) else [value]


def placeholder(value: ast.expr) -> str:
    """Name a value for a reader: `', '.join(row.id for row in rows)` is {row.id}."""
    match value:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name.startswith("_"):
            return name.strip("_")
        case ast.Call(args=[argument, *_]) if not isinstance(argument, (ast.Constant, ast.List)):
            return placeholder(argument)
        case ast.Call(args=[ast.Constant(value=str(name))]):
            return name
        case ast.Call(func=function):
            return placeholder(function)
        case (
            ast.GeneratorExp(elt=inner)
            | ast.Subscript(value=inner)
            | ast.IfExp(body=inner)
            | ast.BinOp(left=inner)
        ):
            return placeholder(inner)
        case ast.BoolOp(values=[inner, *_]) | ast.Starred(value=inner):
            return placeholder(inner)
    names = [name.strip("_") for name in re.findall(r"[A-Za-z_]\w*", ast.unparse(value)) if name != "self"]
    return ".".join(names[-2:]).lower() or "value"


def messages(package: Path = PACKAGE) -> list[Message]:
    """Return the messages of a package, section by section, in the order of the code."""
    source = Source(package)
    found = {
        Message(section_of(module), module, node.lineno, source.kind(node), text)
        for module in source.modules
        for node, text in source.texts(module)
    }
    order = list(dict.fromkeys(SECTIONS.values()))
    return sorted(found, key=lambda each: (order.index(each.section), each.module, each.line, each.text))


def section_of(module: str) -> str:
    """Return the title of the section that a module's messages belong to."""
    return next(title for prefix, title in SECTIONS.items() if module.startswith(prefix))


def page(found: list[Message]) -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for title in dict.fromkeys(each.section for each in found):
        rows = dict.fromkeys((each.kind, each.text) for each in found if each.section == title)
        parts.append(f"## {title}\n\n| kind | message |\n|---|---|")
        parts += [f"| {kind} | {code(text)} |" for kind, text in rows]
        parts.append("")
    return "\n".join(parts)


def code(text: str) -> str:
    """Return a text as code in a table."""
    text = text.replace("|", r"\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    text = page(messages())
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text("utf-8") != text:
            print("docs/messages.md is out of date: run `python tools/messages.py`", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
