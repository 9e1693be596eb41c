"""Check the prose of the project: its pages, its docstrings and comments, and the descriptions in its schemas.

``python -m tools.prose`` checks the clean paths, and ``python -m tools.prose PATH...`` checks others.
``--messages`` also checks the strings in the code, and ``--counts`` prints the number of findings per file. The
rules are those of proselint and the words of ``tools/prose_words.py``.
"""

from __future__ import annotations

import argparse
import ast
import bisect
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from proselint.checks import __register__ as proselint_checks
from proselint.config import DEFAULT, Config
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

from tools.prose_words import CLEAN, LATER, MESSAGE_PATTERNS, NOISE, PATTERNS, SERVICE_TEXTS

ROOT = Path(__file__).resolve().parent.parent
CODE = "`_`"  # stands for inline code, so that the words around it are not read as neighbors

Line = tuple[int, str]
Paragraph = list[Line]


@dataclass(frozen=True, order=True)
class Finding:
    """One place where the prose breaks a rule."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f"{self.file}:{self.line}: {self.rule}: {self.message}"


# Reading prose


def of_markdown(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs, headings and table cells of a page, without its code and the targets of its links."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "inline" and token.map:
            yield list(_inline_lines(token.children or [], token.map[0] + 1))


def _inline_lines(tokens: Iterable[Token], number: int) -> Iterator[Line]:
    words = ""
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            yield number, words
            number, words = number + 1, ""
        elif token.type == "code_inline":
            words += CODE
        elif token.type in ("text", "image"):
            words += token.content
    yield number, words


def of_python(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of the docstrings and comments of a module."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            # A string on a line of its own is a docstring, or describes the attribute above it.
            yield from _docstring_paragraphs(node.value.value, node.lineno)
    yield from _comment_paragraphs(text)


def _docstring_paragraphs(docstring: str, first: int) -> Iterator[Paragraph]:
    paragraph: Paragraph = []
    code_indent = -1  # of the heading above an example; -1 outside of one
    for number, line in enumerate(docstring.splitlines(), first):
        words, indent = line.strip(), len(line) - len(line.lstrip())
        if words and indent <= code_indent:
            code_indent = -1
        if not words or code_indent >= 0 or words.startswith(">>>"):
            yield paragraph
            paragraph = []
        elif words == "Example:" or words.endswith("::"):
            code_indent = indent
        else:
            paragraph.append((number, _without_code(words)))
    yield paragraph


def _comment_paragraphs(text: str) -> Iterator[Paragraph]:
    paragraph: Paragraph = []
    column = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        number, start = token.start
        words = re.split(r"(?:noqa|type|codespell|pyright|pragma)\b ?:", token.string.lstrip("#!"))[0]
        if not paragraph or (paragraph[-1][0] + 1, column) != (number, start):
            yield paragraph
            paragraph = []
        paragraph.append((number, _without_code(words.strip())))
        column = start
    yield paragraph


def _without_code(words: str) -> str:
    return re.sub(r"(?::\w+:)?(`+)[^`]+\1", CODE, words)


def of_messages(text: str) -> Iterator[Paragraph]:
    """Yield the strings of a module that look like sentences: those with four words or more."""
    nodes = list(ast.walk(ast.parse(text)))
    apart = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    apart |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if id(node) in apart or not isinstance(node, (ast.Constant, ast.JoinedStr)):
            continue
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        words = "".join(str(part.value) if isinstance(part, ast.Constant) else CODE for part in parts)
        words = words.encode("utf-8", "replace").decode()  # proselint refuses half of a surrogate pair
        if len(words.split()) > 3:
            yield [(node.lineno, _without_code(" ".join(words.split())))]


def of_json(text: str) -> Iterator[Paragraph]:
    """Yield each description of a schema."""
    for number, line in enumerate(text.splitlines(), 1):
        for described in re.findall(r'"description": ("(?:[^"\\]|\\.)*")', line):
            yield from ([(number, _without_code(words))] for words in json.loads(described).splitlines())


READERS = {".md": of_markdown, ".py": of_python, ".json": of_json}
FOLDERS = ("docs", "examples", "dcs_migration", "dcs_emulator", "tools", "tests")


def files_of(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the files with prose among these files and below these folders, in order."""
    for path in map(ROOT.joinpath, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            # Of JSON files, the schemas alone are written for readers.
            described = file.suffix != ".json" or "schema" in file.relative_to(ROOT).as_posix()
            if file.suffix in READERS and described and "node_modules" not in file.parts:
                yield file


# Checking it


def _proselint_config() -> Config:
    if not CheckRegistry().checks:
        CheckRegistry().register_many(proselint_checks)
    # proselint takes the first name that fits, so the longer names come first.
    return Config(max_errors=10_000, checks=dict.fromkeys(NOISE, False) | DEFAULT["checks"])


def check(file: str, paragraphs: Iterable[Paragraph], *, messages: bool = False) -> list[Finding]:
    """Return what is found in these paragraphs, or in these messages, in the order of their lines."""
    patterns = [*PATTERNS, *(MESSAGE_PATTERNS if messages and file not in SERVICE_TEXTS else ())]
    numbers: list[int] = []
    starts: list[int] = []
    content = "\n"  # proselint puts one in front of a text
    for paragraph in filter(None, paragraphs):
        for number, words in paragraph:
            numbers.append(number)
            starts.append(len(content))
            content += words + " "
        content = content[:-1] + "\n\n"

    def finding(position: int, rule: str, message: str) -> Finding:
        at = max(bisect.bisect_right(starts, position) - 1, 0)
        return Finding(file, numbers[at], rule, message)

    found = [
        finding(match.start(), "words", f"{match[0]!r}: write {instead}")
        for pattern, instead in patterns
        for match in pattern.finditer(content)
    ]
    if numbers:
        for result in LintFile(file, content[1:]).lint(_proselint_config()):
            match = result.check_result
            if (
                "\n" not in content[slice(*match.span)].strip()
            ):  # not across paragraphs, such as two cells with "yes"
                found.append(finding(match.span[0], f"proselint {match.check_path}", match.message))
    return sorted(set(found))


def findings(paths: Iterable[str], messages: bool = False) -> Iterator[Finding]:
    """Yield what is found in these files and folders, with or without the messages of modules."""
    for file in files_of(paths):
        text = file.read_text("utf-8")
        name = file.relative_to(ROOT).as_posix()
        yield from check(name, READERS[file.suffix](text))
        if messages and file.suffix == ".py":
            yield from check(name, of_messages(text), messages=True)


def main(arguments: list[str]) -> int:
    """Print the findings; return the exit code."""
    parser = argparse.ArgumentParser(prog="tools.prose", description="Check the prose of the project.")
    parser.add_argument("paths", nargs="*", help="files and folders; default: the clean ones")
    parser.add_argument("--all", action="store_true", help="check everything")
    parser.add_argument("--messages", action="store_true", help="check the messages in the code, too")
    parser.add_argument("--counts", action="store_true", help="print the number of findings per file")
    options = parser.parse_args(arguments)
    everything = [*(page.name for page in sorted(ROOT.glob("*.md"))), *FOLDERS] if options.all else []
    paths = everything or options.paths or CLEAN
    found = list(findings(paths, options.messages))
    if paths is CLEAN:
        found = [each for each in found if each.file not in LATER]
    if options.counts:
        counts: dict[str, int] = {}
        for each in found:
            counts[each.file] = counts.get(each.file, 0) + 1
        print(*(f"{count:5} {file}" for file, count in counts.items()), f"{len(found):5} in all", sep="\n")
    else:
        print(*found, sep="\n", end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
