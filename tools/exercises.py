"""Exercise notebooks: the chapters without their solutions, derived and never written by hand.

    python tools/exercises.py [FOLDER] [--colab REPOSITORY_URL]

A solution is what stands between ``solution-start`` and ``solution-end`` or in ``solution``; the
answers of a checkpoint are dropdowns of class ``answer`` and cells tagged ``hide-cell``. An empty
cell takes the place of each solution. What the book's builder understands and JupyterLab does not
becomes plain Markdown. Cells lose their outputs, and statements that need a result of a solution.
Pages of book/ that have exercises are read as notebooks first; what draws with the book's own
drawings (book/figures.py), or from the stored counts of its studies, stays in the book.
"""

from __future__ import annotations

import argparse
import ast
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "notebooks"
PAGES = (  # of book/, with exercises
    "from_lmm_to_glmm",
    "three_steps",
    "how_far_to_trust",
    "residual_tests",
    "wrap_up",
    "your_own_data",
)
OUTPUT = ROOT / "_build" / "exercises"
WELCOME = (
    "> **Your copy.** This is the chapter without its solutions. Run it from top to bottom, and "
    "write and try what you like: the chapter itself stays as it is. The solutions are folded "
    "under the exercises in the book."
)
OPENING = re.compile(r"^(:{3,}|`{3,})\{([a-z-]+)\}[ \t]*(.*)$")
# An answer inside a cell that prints Markdown, braces doubled or not.
PRINTED_ANSWER = re.compile(
    r"^:::\{+dropdown\}+[^\n]*\n:class-container: answer\n.*?^:::[ \t]*$", re.M | re.S
)
YOUR_ANSWER = "*Your answer:* ..."


CODE_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```[ \t]*\n?", re.M | re.S)
FRONT_MATTER = re.compile(r"\A---\n(.*?)^---\n", re.M | re.S)
GLUED = re.compile(r"\{glue:text\}`[^`]*`")
COLOURS = {"DATA", "FIXED", "RANDOM", "ASSUMED", "WRONG", "INK"}  # of glmmlab.plots.style


@dataclass(frozen=True)
class Directive:
    """A block that the book's builder understands: its name, title, options and text."""

    name: str
    title: str
    options: dict[str, str]
    body: str


def parts(text: str) -> Iterator[str | Directive]:
    """A Markdown cell as runs of plain lines and directives, in order."""
    lines = text.split("\n")
    plain: list[str] = []
    at = 0
    while at < len(lines):
        opening = OPENING.match(lines[at])
        if opening is None:
            plain.append(lines[at])
            at += 1
            continue
        fence, name, title = opening.groups()
        end = next((i for i in range(at + 1, len(lines)) if lines[i].rstrip() == fence), None)
        if end is None:
            raise ValueError(f"{lines[at]!r} is never closed")
        inside = lines[at + 1 : end]
        options: dict[str, str] = {}
        while inside and (option := re.match(r"^:([a-z-]+):[ \t]*(.*)$", inside[0])):
            options[option[1]] = option[2]
            inside = inside[1:]
        yield "\n".join(plain)
        plain = []
        yield Directive(name, title.strip(), options, "\n".join(inside).strip())
        at = end + 1
    yield "\n".join(plain)


def bibliography() -> dict[str, tuple[str, str]]:
    """Authors and year of every work that the course cites."""
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    works = {}
    for entry in re.split(r"^@", text, flags=re.M)[1:]:
        key = entry[entry.index("{") + 1 : entry.index(",")].strip()
        author = re.search(r"^\s*author\s*=\s*[{\"](.*?)[}\"],?\s*$", entry, re.M | re.S)
        year = re.search(r"^\s*year\s*=\s*[{\"]?(\d{4})", entry, re.M)
        if author is None or year is None:
            continue
        names = [name.strip() for name in re.split(r"\s+and\s+", author[1])]
        last = [n.split(",")[0] if "," in n else n.split()[-1] for n in names]
        last = [re.sub(r"[{}]", "", name) for name in last]
        short = f"{last[0]} et al." if len(last) > 2 else " and ".join(last)
        works[key] = (short, year[1])
    return works


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


class Chapter:
    """One pass over the cells of a chapter."""

    def __init__(self, works: dict[str, tuple[str, str]]) -> None:
        self.works = works
        self.cells: list[NotebookNode] = []
        self.dropped: list[str] = []  # sources of the code cells that were solutions
        self.open: str | None = None  # label of the exercise whose solution is being skipped
        self.code = False  # does that solution show code?

    def add(self, kind: str, source: str, name: str, **metadata: Any) -> None:
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        self.cells.append(make(source=source, id=name, metadata=metadata))

    def answer(self, label: str, *, code: bool) -> None:
        number = label.removeprefix("ex-").replace("-", ".")
        source = f"# Your answer to exercise {number}\n" if code else f"*Exercise {number}:* ..."
        kind = "code" if code else "markdown"
        self.add(kind, source, f"answer-{label}", tags=["answer"])

    def cite(self, role: re.Match[str]) -> str:
        found = [self.works.get(key.strip(), (key.strip(), "")) for key in role[2].split(",")]
        if role[1] == "t":
            return ", ".join(f"{who} ({year})" for who, year in found)
        return f"({'; '.join(f'{who} {year}' for who, year in found)})"

    def plain(self, text: str) -> str:
        """Markdown that JupyterLab understands, with the answers of checkpoints taken out."""
        pieces = []
        for part in parts(text):
            if isinstance(part, str):
                pieces.append(re.sub(r"\{cite:([pt])\}`([^`]+)`", self.cite, part))
            else:
                pieces.append(self.replaced(part))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(pieces)).strip()

    def replaced(self, part: Directive) -> str:
        body = self.plain(part.body)
        if part.name == "dropdown":
            if "answer" in part.options.get("class-container", ""):
                return YOUR_ANSWER
            return f"<details><summary>{part.title}</summary>\n\n{body}\n\n</details>\n"
        if part.name == "div" and part.title == "question":
            return quoted(body)
        if part.name == "div":
            return body
        if part.name == "margin":
            return quoted(f"{part.title}\n\n{body}".strip())
        if part.name == "admonition":
            return quoted(f"**{part.title}**\n\n{body}")
        raise ValueError(f"tools/exercises.py does not know the directive {part.name!r}")

    def markdown(self, cell: NotebookNode) -> None:
        pieces: list[str] = []
        written = 0

        def flush() -> None:
            nonlocal written
            if text := self.plain("\n".join(pieces)):
                self.add("markdown", text, f"{cell.id}-{written}" if written else cell.id)
                written += 1
            pieces.clear()

        for part in parts(cell.source):
            name = part.name if isinstance(part, Directive) else ""
            if name == "solution-start":
                flush()
                self.open, self.code = part.title, False
            elif name == "solution-end":
                assert self.open is not None, "a solution ends that never began"
                self.answer(self.open, code=self.code)
                self.open = None
            elif self.open is not None:
                continue
            elif name == "solution":
                flush()
                self.answer(part.title, code=False)
            elif name in ("exercise", "exercise-start"):
                pieces.append(f"### Exercise {part.title}\n\n{part.body}")
            elif isinstance(part, str):
                pieces.append(part)
            elif name != "exercise-end":
                pieces.append(self.replaced(part))
        flush()

    def read(self, cell: NotebookNode) -> None:
        if cell.cell_type == "markdown":
            self.markdown(cell)
            return
        tags = cell.metadata.get("tags", [])
        if self.open is not None or "hide-cell" in tags:
            self.code |= "remove-input" not in tags
            self.dropped.append(cell.source)
            if self.open is None:
                self.add("markdown", YOUR_ANSWER, f"{cell.id}-answer", tags=["answer"])
            return
        source = PRINTED_ANSWER.sub(YOUR_ANSWER, cell.source)
        metadata = {k: v for k, v in cell.metadata.items() if k in ("jupyter", "tags")}
        self.add("code", source, cell.id, **metadata)


def python(source: str) -> str:
    """The cell without the lines that only a notebook understands; line numbers stay."""
    return re.sub(r"^[%!].*$", "", source, flags=re.M)


def made(source: str) -> set[str]:
    """Names that a cell gives to the cells after it."""
    table = symtable.symtable(python(source), "cell", "exec")
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}


def needed(table: symtable.SymbolTable) -> set[str]:
    """Names that code takes from the cells before it; what is local to a function is its own."""
    own = {
        s.get_name()
        for s in table.get_symbols()
        if s.is_referenced() and (s.is_global() or table.get_type() == "module")
    }
    return own.union(*(needed(inner) for inner in table.get_children()))


def without(source: str, missing: set[str]) -> str:
    """The cell without the statements that need a missing name."""
    lines = source.split("\n")
    for statement in ast.parse(python(source)).body:
        used = needed(symtable.symtable(ast.unparse(statement), "statement", "exec"))
        if used & missing:
            for at in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[at] = "\0"
    return "\n".join(line for line in lines if line != "\0").strip()


def drop_orphans(cells: list[NotebookNode], dropped: list[str]) -> None:
    """Take out of the cells what needs a result of dropped code, and what needs that in turn."""
    lost = set().union(*(made(source) for source in dropped))
    while True:
        kept = set().union(*(made(cell.source) for cell in cells))
        if not lost - kept:
            return
        missing, lost = lost - kept, set()
        for cell in cells:
            before = cell.source
            cell.source = without(before, missing)
            lost |= made(before) - made(cell.source)


@dataclass
class Repository:
    """Where copies that run on somebody else's machine get the course from."""

    url: str

    def setup(self) -> str:
        return (
            "# Installs the course on this machine; about a minute, once a session.\n"
            f'%pip install -q "glmmlab @ git+{self.url}"'
        )

    def absolute(self, text: str) -> str:
        """Links between files of a clone, as addresses."""
        owner = self.url.removeprefix("https://github.com/")
        notebooks = f"https://colab.research.google.com/github/{owner}/blob/exercises"
        text = re.sub(r"\]\(\.\./book/", f"]({self.url}/blob/main/book/", text)
        return re.sub(r"\]\(([a-z_]+\.ipynb)", rf"]({notebooks}/\1", text)


def _cell_of(inside: str) -> tuple[str, list[str]]:
    """The code and the tags of a code cell in a page."""
    if matter := FRONT_MATTER.match(inside):
        return inside[matter.end() :], list(yaml.safe_load(matter[1]).get("tags", []))
    lines = inside.split("\n")
    tags: list[str] = []
    while lines and (option := re.match(r"^:([a-z-]+):[ \t]*(.*)$", lines[0])):
        if option[1] == "tags":
            tags = list(yaml.safe_load(option[2]))
        lines = lines[1:]
    return "\n".join(lines), tags


def _setup(source: str) -> tuple[str, set[str]]:
    """The first cell of a page for readers who do not have book/figures.py; and what it loses."""
    found = re.search(r"^from figures import (.*)\n", source, re.M)
    if found is None:
        return source, set()
    names = found[1].split(", ")
    colours = [name for name in names if name in COLOURS]
    ours = f"from glmmlab.plots.style import {', '.join(colours)}\n" if colours else ""
    lost = {*names, "glue"} - {*colours}
    kept = source.replace(found[0], ours)
    kept = re.sub(r"^from myst_nb import glue\n", "", kept, flags=re.M)
    before = ""
    while kept != before:  # what needs something lost is lost as well
        before, kept = kept, without(kept, lost)
        lost |= made(before) - made(kept)
    return kept, lost


def _kind(source: str) -> str:
    """What a cell shows, for those who do not see it."""
    if "plt." in source or "pd.DataFrame" not in source:
        return "numbers" if "Markdown(" in source else "a figure"
    return "a table"


def page_as_notebook(path: Path) -> tuple[NotebookNode, list[str]]:
    """A page of book/ as a notebook without its bookkeeping; and the code that was taken out."""
    text = path.read_text(encoding="utf-8")
    matter = FRONT_MATTER.match(text)
    assert matter is not None, f"{path.name} has no header"
    kernel = yaml.safe_load(matter[1])["kernelspec"]
    cells: list[NotebookNode] = []
    dropped: list[str] = []
    drawings: set[str] = set()

    def prose(piece: str) -> None:
        piece = re.sub(r"\]\(\.\./notebooks/", "](", GLUED.sub("...", piece)).strip()
        piece = re.sub(r"\]\((\w+\.md)", r"](../book/\1", piece)
        if piece:
            name = f"{path.stem}-{len(cells):03d}"
            cells.append(nbformat.v4.new_markdown_cell(piece, id=name))

    at = matter.end()
    for found in CODE_CELL.finditer(text):
        prose(text[at : found.start()])
        at = found.end()
        source, tags = _cell_of(found[1])
        if "hide-cell" in tags:
            (source, drawings), tags = _setup(source), []
        elif "remove-cell" in tags:
            dropped.append(source)
            continue
        elif without(source, drawings) != source.strip():
            dropped.append(source)
            prose(f"*The book has {_kind(source)} here.*")
            continue
        name = f"{path.stem}-{len(cells):03d}"
        cells.append(nbformat.v4.new_code_cell(source.strip(), id=name, metadata={"tags": tags}))
    prose(text[at:])
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), dropped


def exercise_notebook(
    chapter: NotebookNode, repository: Repository | None = None, dropped: Sequence[str] = ()
) -> NotebookNode:
    """The chapter without its solutions and outputs, with cells to answer in."""
    reader = Chapter(bibliography())
    reader.dropped.extend(dropped)
    for cell in chapter.cells:
        reader.read(cell)
    if reader.open is not None:
        raise ValueError(f"the solution of {reader.open} never ends")
    answers = [cell for cell in reader.cells if "answer" in cell.metadata.get("tags", [])]
    code = [c for c in reader.cells if c.cell_type == "code" and c not in answers]
    drop_orphans(code, reader.dropped)
    cells = [cell for cell in reader.cells if cell.source]
    cells.insert(1, nbformat.v4.new_markdown_cell(source=WELCOME, id="your-copy"))
    if repository is not None:
        for cell in cells:
            if cell.cell_type == "markdown":
                cell.source = repository.absolute(cell.source)
        setup = nbformat.v4.new_code_cell(source=repository.setup(), id="install")
        cells.insert(2, setup)
    metadata = {"kernelspec": chapter.metadata["kernelspec"]}
    copy = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(copy)
    return copy


def derived(repository: Repository | None = None) -> dict[str, str]:
    """Name and text of every exercise notebook."""
    found = {}
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        copy = exercise_notebook(nbformat.read(path, as_version=4), repository)
        found[path.name] = nbformat.writes(copy) + "\n"
    for name in PAGES:
        chapter, dropped = page_as_notebook(ROOT / "book" / f"{name}.md")
        copy = exercise_notebook(chapter, repository, dropped)
        found[f"{name}.ipynb"] = nbformat.writes(copy) + "\n"
    return found


def write(folder: Path, repository: Repository | None = None) -> list[Path]:
    """Make the folder hold the exercise notebooks of the chapters as they are now, and no other."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = derived(repository)
    for old in folder.glob("*.ipynb"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in texts]


def main() -> None:
    parser = argparse.ArgumentParser(description="Chapters without solutions.")
    parser.add_argument("folder", nargs="?", type=Path, default=OUTPUT)
    parser.add_argument("--colab", metavar="URL", help="the repository's address on GitHub")
    options = parser.parse_args()
    repository = None
    if options.colab:
        if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", options.colab):
            parser.error(f"not like https://github.com/someone/glmmlab: {options.colab}")
        repository = Repository(options.colab)
    written = write(options.folder, repository)
    print(f"{len(written)} exercise notebooks in {options.folder}")


if __name__ == "__main__":
    main()
