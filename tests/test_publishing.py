"""What the published book says of itself, and the archive of it. Pages: `make site-check`."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import pytest
import yaml
from docutils.nodes import container, document, paragraph
from docutils.utils import new_document

import glmmlab

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://someone.example/glmmlab/"
EPOCH = "1700000000"  # 14 November 2023, 22:13:20 UTC


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


publishing = load("book/_ext/publishing.py")
site_zip = load("tools/site_zip.py")


@pytest.fixture
def at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)


def a_page(question: str) -> document:
    page = new_document("page")
    page += paragraph("", "What stands first need not be the question.")
    page += container("", paragraph("", question), classes=["question"])
    return page


def an_app(folder: Path, base: str = ADDRESS) -> SimpleNamespace:
    config = SimpleNamespace(
        html_baseurl=base,
        html_title="GLMMs for agronomists",
        project="glmmlab",
        release=glmmlab.__version__,
        root_doc="book/index",
        html_theme_options={"extra_footer": "<p>Prose.</p>"},
    )
    builder = SimpleNamespace(format="html", get_target_uri=lambda name: f"{name}.html")
    env = SimpleNamespace(
        found_docs={"book/index", "notebooks/counts"},
        get_doctree=lambda _: a_page("Can I be sure?"),
    )
    return SimpleNamespace(config=config, builder=builder, env=env, outdir=folder, srcdir=ROOT)


@pytest.mark.usefixtures("at_a_time")
def test_version_and_date_of_the_source_stand_on_every_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", ADDRESS.rstrip("/"))
    app = an_app(tmp_path, base="")
    publishing.set_address(app, app.config)
    assert app.config.html_baseurl == ADDRESS
    footer = app.config.html_theme_options["extra_footer"]
    assert footer.startswith("<p>Prose.</p>")
    assert f"glmmlab {glmmlab.__version__}, built on 14 November 2023" in footer


def test_an_address_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "someone.example")
    app = an_app(tmp_path, base="")
    with pytest.raises(ValueError, match="SITE_URL must start with https://"):
        publishing.set_address(app, app.config)


@pytest.mark.usefixtures("at_a_time")
def test_the_sitemap_names_every_page_and_robots_the_sitemap(tmp_path: Path) -> None:
    publishing.write_sitemap(an_app(tmp_path), None)
    root = ElementTree.parse(tmp_path / "sitemap.xml").getroot()
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    assert [place.text for place in root.findall("s:url/s:loc", space)] == [
        f"{ADDRESS}book/index.html",
        f"{ADDRESS}notebooks/counts.html",
    ]
    assert {day.text for day in root.findall("s:url/s:lastmod", space)} == {"2023-11-14"}
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (tmp_path / "robots.txt").read_text()


def test_without_an_address_there_is_no_sitemap(tmp_path: Path) -> None:
    publishing.write_sitemap(an_app(tmp_path, base=""), None)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("at_a_time")
def test_meta_tags_cite_and_escape(tmp_path: Path) -> None:
    about = 'Is "a < b" </script> an answer?'
    tags = "\n".join(publishing.meta_tags(an_app(tmp_path), "notebooks/counts", "Counts", about))
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    author = cited["authors"][0]["name"]
    assert f'<meta name="citation_author" content="{author}" />' in tags
    assert '<meta name="citation_publication_date" content="2023/11/14" />' in tags
    assert "Is &quot;a &lt; b&quot; &lt;/script&gt; an answer?" in tags
    assert tags.count("</script>") == 1
    assert f'content="{ADDRESS}_static/social_card.png"' in tags


def test_a_page_is_described_by_its_question_cut_between_words() -> None:
    assert publishing.summary(a_page("Can I\nbe sure?")) == "Can I be sure?"
    long = publishing.summary(a_page("words " * 100))
    assert len(long) <= publishing.LONGEST_DESCRIPTION + 4
    assert long.endswith("words ...")


@pytest.mark.usefixtures("at_a_time")
def test_the_front_door_leads_to_the_first_page_and_describes_the_book(tmp_path: Path) -> None:
    publishing.write_front_door(an_app(tmp_path), None)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<meta http-equiv="refresh" content="0; url=book/index.html" />' in text
    assert '<meta property="og:title" content="GLMMs for agronomists" />' in text
    assert '<meta name="description" content="Can I be sure?" />' in text


def test_the_card_has_the_size_that_the_tags_say() -> None:
    header = (ROOT / "book" / "assets" / "social_card.png").read_bytes()[:24]
    size = (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big"))
    assert size == publishing.CARD_SIZE


@pytest.mark.usefixtures("at_a_time")
def test_one_book_gives_one_archive(tmp_path: Path) -> None:
    site = tmp_path / "html"
    (site / "book").mkdir(parents=True)
    for name in ("index.html", "404.html", "sitemap.xml", "book/counts.html"):
        (site / name).write_text(name)
    archives = [site_zip.pack(site, tmp_path / folder) for folder in ("a", "b")]
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as archive:
        names = {name.split("/", 1)[1] for name in archive.namelist()}
        assert {entry.date_time for entry in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    assert names == {"index.html", "book/counts.html", "START_HERE.txt"}


def test_every_action_of_the_workflows_is_pinned_to_a_commit() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
    assert workflows
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        for action in re.findall(r"uses:\s*(\S+)", text):
            assert action.startswith("./") or re.search(r"@[0-9a-f]{40}$", action), action
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_the_notes_of_the_handouts_are_of_chapters() -> None:
    notes = yaml.safe_load((ROOT / "book" / "handouts.yml").read_text(encoding="utf-8"))
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = {toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])}
    assert set(notes) <= pages
    known = {"minutes", "blank", "write", "watch", "sheet"}
    assert all(set(note) <= known for note in notes.values())
    for note in notes.values():
        assert all(set(heard) == {"says", "ask"} for heard in note.get("watch", []))
        for task in note.get("sheet", []):
            assert set(task) in ({"ask", "axes", "answer"}, {"ask", "columns", "rows", "answer"})
