"""Every chapter opens with its question and goals, and closes with a checkpoint and exercises."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FEWEST_ANSWERS, FEWEST_EXERCISES = 3, 4
HIDDEN = "<!-- an answer -->"  # stands for a folded cell with an answer in code


def text_of(path: Path) -> str:
    """The chapter as one text; of its code only what prints Markdown, and marks of answers."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    parts = []
    for cell in nbformat.read(path, as_version=4).cells:
        if "hide-cell" in cell.metadata.get("tags", []):
            parts.append(HIDDEN)
        elif cell.cell_type == "markdown" or "Markdown(" in cell.source:
            parts.append(cell.source)
    return "\n\n".join(parts)


def is_chapter(text: str) -> bool:
    return re.search(r"\{exercise(-start)?\}", text) is not None


FILES = [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
CHAPTERS = {path: text for path in sorted(FILES) if is_chapter(text := text_of(path))}
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def exercises(text: str) -> dict[str, str]:
    """Title of every exercise by its label."""
    found = re.findall(r"^[`:]{3,}\{exercise(?:-start)?\} (.+)\n:label: (\S+)$", text, re.MULTILINE)
    return {label: title for title, label in found}


def number(path: Path) -> int:
    titles = exercises(CHAPTERS[path]).values()
    numbers = {int(title.split(".")[0]) for title in titles}
    assert len(numbers) == 1, f"exercises of {path.name} have several chapters' numbers"
    return numbers.pop()


@every_chapter
def test_it_opens_with_its_question_and_its_goals(path: Path) -> None:
    text = CHAPTERS[path]
    question = text.index("{div} question")
    goals = re.search(r"^After (this|these)\b.* you can:?$\n+[*-] ", text, re.MULTILINE)
    assert goals, "say what the reader will be able to do"
    assert question < goals.start()


@every_chapter
def test_it_closes_with_a_checkpoint_whose_answers_are_folded(path: Path) -> None:
    text = CHAPTERS[path]
    _, checkpoint = re.split(r"^## Checkpoint$", text, flags=re.MULTILINE)
    checkpoint = re.split(r"^## ", checkpoint, flags=re.MULTILINE)[0]
    questions = re.findall(r"\*\*Q?\d\.\*\* ", checkpoint)
    answers = checkpoint.count("class-container: answer") + checkpoint.count(HIDDEN)
    assert len(questions) == answers >= FEWEST_ANSWERS


@every_chapter
def test_it_has_exercises_with_one_solution_each(path: Path) -> None:
    text = CHAPTERS[path]
    labels = list(exercises(text))
    solved = re.findall(r"^[`:]{3,}\{solution(?:-start)?\} (\S+)$", text, re.MULTILINE)
    assert len(labels) >= FEWEST_EXERCISES
    assert solved == labels
    assert text.count(":class: dropdown") >= len(labels), "a solution is folded"
    assert [title.split()[0] for title in exercises(text).values()] == [
        f"{number(path)}.{n}" for n in range(1, len(labels) + 1)
    ]


def test_chapters_are_numbered_as_the_welcome_page_numbers_them() -> None:
    index = ROOT / "book" / "index.md"
    table = re.findall(r"^\| (\d+) \| \[.+?\]\((.+?)\) \| .+\? \|$", CHAPTERS[index], re.MULTILINE)
    listed = {(index.parent / link).resolve(): int(n) for n, link in table}
    assert {**listed, index: 1} == {path: number(path) for path in CHAPTERS}


def test_every_chapter_has_a_handout_of_its_own() -> None:
    notes = yaml.safe_load((ROOT / "book" / "handouts.yml").read_text(encoding="utf-8"))
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in CHAPTERS}
    assert set(notes) == names
    assert all(entry["watch"] for entry in notes.values())
