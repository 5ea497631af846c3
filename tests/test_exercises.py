"""Exercise notebooks: no solution is left, every exercise is, they run, and work is never lost."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # lab.py imports exercises
    spec.loader.exec_module(module)
    return module


exercises = load("exercises")
lab = load("lab")


CHAPTERS = [*NOTEBOOKS, *(ROOT / "book" / f"{name}.md" for name in exercises.PAGES)]
COPIES = [f"{path.stem}.ipynb" for path in CHAPTERS]


def chapter_of(path: Path) -> NotebookNode:
    """A notebook, or a page of the book as one."""
    if path.suffix == ".md":
        return exercises.page_as_notebook(path)[0]
    return nbformat.read(path, as_version=4)


def copy_of(path: Path) -> NotebookNode:
    dropped = exercises.page_as_notebook(path)[1] if path.suffix == ".md" else []
    return exercises.exercise_notebook(chapter_of(path), None, dropped)


def solutions(chapter: NotebookNode) -> list[str]:
    """Sources of the code cells inside solutions, found without the tool under test."""
    found, inside = [], False
    for cell in chapter.cells:
        marks = re.findall(r"\{solution-(start|end)\}", cell.source)
        if cell.cell_type == "markdown" and marks:
            inside = marks[-1] == "start"
        elif cell.cell_type == "code" and inside:
            found.append(cell.source)
    return found


every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@every_chapter
def test_no_solution_and_no_output_is_left(path: Path) -> None:
    chapter = chapter_of(path)
    copy = copy_of(path)
    whole = "\n".join(cell.source for cell in copy.cells)
    hidden = solutions(chapter)
    assert hidden, "a chapter has solutions in code"
    assert not {source.strip() for source in hidden} & {cell.source for cell in copy.cells}
    assert "solution-" not in whole and "class-container: answer" not in whole
    assert "hide-cell" not in str([cell.metadata for cell in copy.cells])
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@every_chapter
def test_every_exercise_is_left_with_a_cell_to_answer_in(path: Path) -> None:
    chapter = chapter_of(path)
    text = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    wanted = re.findall(r"^[:`]{3,}\{exercise(?:-start)?\} (.*)$", text, re.M)
    assert len(wanted) >= 4
    cells = copy_of(path).cells
    for title in wanted:
        at = [i for i, cell in enumerate(cells) if f"### Exercise {title}" in cell.source]
        assert len(at) == 1, title
        following = cells[at[0] + 1]
        assert "answer" in following.metadata["tags"]
        assert title.split()[0] in following.source


@every_chapter
def test_what_only_the_books_builder_understands_is_gone(path: Path) -> None:
    for cell in copy_of(path).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"^[:`]{3,}\{|^:[a-z-]+: |\{cite:", cell.source, re.M), cell.source


@every_chapter
def test_cells_outside_solutions_are_the_chapters_own(path: Path) -> None:
    """In step by construction: code is copied, or shortened by whole lines."""
    chapter = chapter_of(path)
    lines = {line for cell in chapter.cells for line in cell.source.split("\n")}
    for cell in copy_of(path).cells:
        if cell.cell_type == "code" and "answer" not in cell.metadata.get("tags", []):
            own = set(cell.source.split("\n")) - {exercises.YOUR_ANSWER}
            assert own <= lines


@pytest.mark.slow
@every_chapter
def test_the_copy_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    source = tmp_path / f"{path.stem}.ipynb"
    nbformat.write(copy_of(path), source)
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    done = subprocess.run(
        [*command, "--output", "run.ipynb", str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    run = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    assert any(cell.get("outputs") for cell in run.cells)


def test_pages_with_exercises_are_all_derived() -> None:
    """All but the welcome page, whose exercises are about the set-up itself."""
    pages = (ROOT / "book").glob("*.md")
    asked = {path.stem for path in pages if "{exercise}" in path.read_text(encoding="utf-8")}
    assert asked - {"index"} == set(exercises.PAGES)


def test_a_page_keeps_its_code_and_loses_its_bookkeeping() -> None:
    chapter, dropped = exercises.page_as_notebook(ROOT / "book" / "from_lmm_to_glmm.md")
    code = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "code")
    assert "from glmmlab.plots.style import FIXED, RANDOM" in code
    assert "glue(" not in code and "figures" not in code
    assert any("glue(" in source for source in dropped)
    words = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    assert "glue:text" not in words and "../notebooks/" not in words


def cell(kind: str, source: str, name: str, tags: tuple[str, ...] = ()) -> NotebookNode:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source=source, id=name, metadata={"tags": list(tags)} if tags else {})


def small_chapter(*cells: NotebookNode) -> NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})


EXERCISE = "```{exercise} 0.1 Code: add\n:label: ex-0-1\n:nonumber:\n\nAdd.\n```"


CHECKS = """i = 2
assert x == 1
for _ in [0]:
    assert mine
longer = mine + [3]
def of(mine):
    return mine + 1
assert longer and of(1)
assert of(1) == i"""


def test_checks_lose_only_what_needs_a_solution() -> None:
    """Also what needs it at second hand; a function's own variable may have the same name."""
    copy = exercises.exercise_notebook(
        small_chapter(
            cell("markdown", "# Title", "a"),
            cell("code", "%matplotlib inline\nx = 1", "b"),
            cell("markdown", EXERCISE + "\n\n```{solution-start} ex-0-1\n```", "c"),
            cell("code", "mine = [i for i in range(x)]", "d"),
            cell("markdown", "It is so.\n\n```{solution-end}\n```", "e"),
            cell("code", CHECKS, "f"),
        )
    )
    assert [c.id for c in copy.cells] == ["a", "your-copy", "b", "c", "answer-ex-0-1", "f"]
    assert copy.cells[3].source == "### Exercise 0.1 Code: add\n\nAdd."
    kept = CHECKS.split("\n")
    assert copy.cells[5].source.split("\n") == [*kept[:2], *kept[5:7], kept[8]]


def test_a_solution_in_words_gets_a_cell_for_words() -> None:
    text = f"{EXERCISE}\n\n```{{solution}} ex-0-1\n:class: dropdown\n\nTwo.\n```\n\nOn we go."
    copy = exercises.exercise_notebook(
        small_chapter(cell("markdown", "# T", "t"), cell("markdown", text, "a"))
    )
    kinds = [(c.cell_type, c.source.split("\n")[0]) for c in copy.cells[2:]]
    assert kinds == [
        ("markdown", "### Exercise 0.1 Code: add"),
        ("markdown", "*Exercise 0.1:* ..."),
        ("markdown", "On we go."),
    ]


def test_answers_of_a_checkpoint_go_and_predictions_stay_folded() -> None:
    text = (
        "**Q1.** Why?\n\n:::{dropdown} Answer\n:class-container: answer\n\nThus.\n:::\n\n"
        ":::{dropdown} Predict first: up?\n:class-container: predict\n\nDown.\n:::"
    )
    printed = cell(
        "code", f'Markdown(f"""\n{text.replace("{", "{{").replace("}", "}}")}\n""")', "b"
    )
    first, _, second = exercises.exercise_notebook(
        small_chapter(cell("markdown", text, "a"), printed)
    ).cells
    assert "Thus" not in first.source and exercises.YOUR_ANSWER in first.source
    assert "<details><summary>Predict first: up?</summary>\n\nDown.\n\n</details>" in first.source
    assert "Thus" not in second.source and exercises.YOUR_ANSWER in second.source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{solution-start} ex-0-1\n```", "ex-0-1 never ends"),
        ("```{exercise} 0.1 Open\n\nNo end", "never closed"),
        (":::{mystery} M\n:::", "mystery"),
    ],
)
def test_a_chapter_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        exercises.exercise_notebook(small_chapter(cell("markdown", text, "a")))


def test_a_folder_of_copies_follows_the_chapters(tmp_path: Path) -> None:
    (tmp_path / "gone.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "counts.ipynb").write_text("{}", encoding="utf-8")
    written = exercises.write(tmp_path)
    assert sorted(tmp_path.glob("*.ipynb")) == sorted(written)
    assert [path.name for path in written] == COPIES
    assert {path.name: path.read_text(encoding="utf-8") for path in written} == exercises.derived()


def test_colab_copies_install_the_course_first_and_link_outwards() -> None:
    url = "https://github.com/someone/glmmlab"
    plain, colab = exercises.derived(), exercises.derived(exercises.Repository(url))
    for name, text in colab.items():
        book = nbformat.reads(text, as_version=4)
        code = [c for c in book.cells if c.cell_type == "code"]
        assert code[0].source.split("\n")[1] == f'%pip install -q "glmmlab @ git+{url}"'
        words = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
        assert not re.search(r"\]\((?!https://|#)", words)
        assert "%pip" not in plain[name]


def test_colab_copies_want_an_address_on_github(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "exercises.py"), str(tmp_path), "--colab"]
    wrong = subprocess.run([*command, "https://example.org/x"], capture_output=True, text=True)
    assert wrong.returncode != 0 and "github.com/someone/glmmlab" in wrong.stderr


# --- the learner's folder ----------------------------------------------------------------------


@pytest.fixture
def one_notebook(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The chapters' copies, as a dictionary that a test may change."""
    texts = {"counts.ipynb": "first edition", "link_functions.ipynb": "links"}
    monkeypatch.setattr(exercises, "derived", lambda: dict(texts))
    return texts


def test_an_untouched_copy_follows_its_chapter(
    one_notebook: dict[str, str], tmp_path: Path
) -> None:
    assert lab.prepare(tmp_path) == []
    one_notebook["counts.ipynb"] = "second edition"
    assert lab.prepare(tmp_path) == []
    assert (tmp_path / "counts.ipynb").read_text(encoding="utf-8") == "second edition"


def test_work_is_kept_and_said_so(one_notebook: dict[str, str], tmp_path: Path) -> None:
    lab.prepare(tmp_path)
    (tmp_path / "counts.ipynb").write_text("my answers", encoding="utf-8")
    said = lab.prepare(tmp_path)
    assert said[0] == "Kept as you left it: counts.ipynb"
    assert "FRESH=1" in said[-1]
    one_notebook["counts.ipynb"] = "second edition"
    assert lab.prepare(tmp_path)[0] == "Kept as you left it: counts.ipynb (its chapter has changed)"
    assert (tmp_path / "counts.ipynb").read_text(encoding="utf-8") == "my answers"


def test_a_notebook_that_was_only_opened_is_no_work(tmp_path: Path) -> None:
    lab.prepare(tmp_path)
    path = tmp_path / "counts.ipynb"
    book = nbformat.read(path, as_version=4)
    book.metadata["language_info"] = {"name": "python", "version": "3.13.1"}
    nbformat.write(book, path)
    assert lab.prepare(tmp_path) == []
    answer = next(c for c in book.cells if "answer" in c.metadata.get("tags", []))
    answer.source += "2 + 2"
    nbformat.write(book, path)
    assert lab.prepare(tmp_path)[0] == "Kept as you left it: counts.ipynb"


@pytest.mark.usefixtures("one_notebook")
def test_a_file_that_was_there_before_is_kept(tmp_path: Path) -> None:
    (tmp_path / "counts.ipynb").write_text("from elsewhere", encoding="utf-8")
    assert "counts.ipynb" in lab.prepare(tmp_path)[0]
    assert (tmp_path / "counts.ipynb").read_text(encoding="utf-8") == "from elsewhere"


@pytest.mark.usefixtures("one_notebook")
def test_fresh_copies_put_work_aside_each_time(tmp_path: Path) -> None:
    for number in (1, 2):
        lab.prepare(tmp_path)
        (tmp_path / "counts.ipynb").write_text(f"answers {number}", encoding="utf-8")
        (said,) = lab.prepare(tmp_path, fresh=True)
        assert f"before-{number}" in said and "link_functions" not in said
        assert (tmp_path / "counts.ipynb").read_text(encoding="utf-8") == "first edition"
    for number in (1, 2):
        kept = tmp_path / f"before-{number}" / "counts.ipynb"
        assert kept.read_text(encoding="utf-8") == f"answers {number}"


def test_the_command_makes_the_copies(tmp_path: Path) -> None:
    """As a learner on Windows runs it: one Python, one script, from any folder."""
    command = [sys.executable, str(ROOT / "tools" / "lab.py"), "--copy-only", "--folder", "my lab"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert str(tmp_path / "my lab") in done.stdout
    names = [path.name for path in sorted((tmp_path / "my lab").glob("*.ipynb"))]
    assert names == sorted(COPIES)
