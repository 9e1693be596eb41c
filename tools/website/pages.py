"""Collects the pages of the site: those in docs/, and the files that they link to elsewhere in the repository.

A page in docs/ keeps its path. Everything else goes into ``repository/``: a Markdown page unchanged, a folder as its
README with a list of its files, and any other file as a page that shows it. The links are rewritten in the collected
pages only, so GitHub still shows the files correctly.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
from pathlib import Path

from tools.translations import FENCE, HEADING, LINK, TRANSLATED, anchors
from tools.website import diagrams

ELSEWHERE = "repository"
ASSETS = {".svg", ".png", ".json"}  # files in docs/ that the pages show or link to
UNLISTED = {
    "README.md",
    "README.zh-CN.md",
    "go.sum",
    "package-lock.json",
}  # left out of the list of a folder's files

_WEB = re.compile(r"[a-z]+:")

# The language for syntax highlighting, by file extension.
LANGUAGES = {
    ".go": "go",
    ".json": "json",
    ".py": "python",
    ".toml": "toml",
    ".ts": "typescript",
    ".yaml": "yaml",
    ".yml": "yaml",
}


class Pages:
    """Writes the pages of a repository into a folder."""

    def __init__(self, root: Path, folder: Path) -> None:
        """Set the repository's root and the folder that MkDocs reads."""
        self.root = root
        self.folder = folder
        self.pending: list[str] = []
        self.written: set[str] = set()

    def gather(self) -> None:
        """Write every page of docs/ and every file that a page links to."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for file in sorted((self.root / "docs").rglob("*")):
            path = file.relative_to(self.root).as_posix()
            if file.suffix == ".md":
                self.pending.append(path)
            elif file.suffix in ASSETS:
                self._write(self.place(path), file.read_bytes())
        while self.pending:
            path = self.pending.pop()
            if path not in self.written:
                self.written.add(path)
                self._write(self.place(path), self.page(path).encode())

    def place(self, path: str) -> str:
        """Return a file's path in the site."""
        if path.startswith("docs/") and Path(path).suffix in {".md", *ASSETS}:
            return path.removeprefix("docs/")
        if path.endswith(".md"):
            return f"{ELSEWHERE}/{path}"
        return f"{ELSEWHERE}/{path.replace('.', '-')}.md"  # MkDocs leaves out names that start with a dot

    def page(self, path: str) -> str:
        """Return the page for a file of the repository."""
        file = self.root / path
        folder, name = posixpath.split(path)
        if not path.endswith(".md"):
            language = LANGUAGES.get(file.suffix, "text")
            shown = f'````{language} title="{path}"\n{file.read_text("utf-8").rstrip()}\n````\n'
            return f"---\nsearch: {{exclude: true}}\n---\n\n# {name}\n\n{shown}"
        if not path.endswith(TRANSLATED) and (translated := file.with_suffix(TRANSLATED)).is_file():
            self.pending.append(translated.relative_to(self.root).as_posix())
        text = file.read_text("utf-8") if file.is_file() else f"# {folder}\n"
        if name.startswith("README.") and folder not in ("", "docs") and (files := self.files_of(folder)):
            text += "\n## 文件\n\n" if path.endswith(TRANSLATED) else "\n## Files\n\n"
            text += "".join(f"- [`{each}`]({each})\n" for each in files)
        return self._rewritten(text, path)

    def files_of(self, folder: str) -> list[str]:
        """Return the files of a folder, except those in subfolders with their own README."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=self.root / folder, capture_output=True, text=True, check=True)
        files = sorted(filter(None, listed.stdout.split("\0")))
        nested = {posixpath.dirname(each) for each in files if posixpath.basename(each) == "README.md"} - {""}
        return [
            each
            for each in files
            if posixpath.basename(each) not in UNLISTED and (self.root / folder / each).is_file()
            if not any(each.startswith(f"{above}/") for above in nested)
        ]

    def _rewritten(self, text: str, path: str) -> str:
        """Return the text of a page with links, file names and diagrams that MkDocs understands."""
        names = self._anchors_of_the_original(path) if path.endswith(TRANSLATED) else []
        parts: list[str] = []
        end = 0

        def anchored(heading: re.Match[str]) -> str:
            return f'{heading[1]} <a id="{names.pop(0)}"></a>{heading[2]}' if names else heading[0]

        for fence in FENCE.finditer(text):
            parts.append(HEADING.sub(anchored, self._linked(text[end : fence.start()], path)))
            parts.append(self._fence(fence, path))
            end = fence.end()
        return "".join(parts) + HEADING.sub(anchored, self._linked(text[end:], path))

    def _anchors_of_the_original(self, path: str) -> list[str]:
        """Return the anchors of the English page: links from English pages use them."""
        original = self.root / (path.removesuffix(TRANSLATED) + ".md")
        return anchors(original.read_text("utf-8")) if original.is_file() else []

    def _fence(self, fence: re.Match[str], path: str) -> str:
        """Return a code block: pictures for a diagram, and the file's name as a title."""
        marks, language, name, body = fence.groups()
        if language == "mermaid" and (pictures := diagrams.pictures(body)):
            lines = []
            for scheme, picture in pictures.items():
                file = f"diagrams/{diagrams.name_of(body)}-{scheme}.svg"
                self._write(file, picture.encode())
                target = posixpath.relpath(file, posixpath.dirname(self.place(path)))
                lines.append(f"![]({target}#only-{scheme})")
            return "\n".join(lines)
        title = f' title="{name}"' if name else ""
        return f"{marks}{language}{title}\n{body}{marks}"

    def _linked(self, text: str, path: str) -> str:
        """Rewrite the links outside code blocks, and remove the line with the link to the other language."""
        counterpart = path.replace(TRANSLATED, ".md") if path.endswith(TRANSLATED) else path[:-3] + TRANSLATED
        lines = []
        for line in text.splitlines(keepends=True):
            targets = [self._target(link, path) for link in LINK.findall(line)]
            if counterpart not in targets:  # the site has its own switch
                lines.append(LINK.sub(lambda link: f"]({self._link(link[1], path)})", line))
        return "".join(lines)

    def _target(self, link: str, path: str) -> str:
        """Return the path of a link's target in the repository."""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link.partition("#")[0]))
        return posixpath.join(target, "README.md") if (self.root / target).is_dir() else target

    def _link(self, link: str, path: str) -> str:
        """Return a link for the site. A broken link is unchanged, so that MkDocs reports it."""
        file, hash_, heading = link.partition("#")
        target = self._target(link, path)
        if not file or _WEB.match(link) or target.startswith(".."):
            return link
        there = self.root / target
        if not there.exists() and not (there.name == "README.md" and there.parent.is_dir()):
            return link
        target = target.replace(TRANSLATED, ".md")  # the site picks the reader's language
        place = self.place(target)
        if not (target.startswith("docs/") and place == target.removeprefix("docs/")):
            self.pending.append(target)
        return posixpath.relpath(place, posixpath.dirname(self.place(path))) + hash_ + heading

    def _write(self, place: str, content: bytes) -> None:
        file = self.folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
