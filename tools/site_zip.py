"""Pack the built book into one file that opens without a network: `make site-zip`.

    python tools/site_zip.py _build/html _build

The same pages give the same file: names are sorted, and every entry bears the time of the build
(SOURCE_DATE_EPOCH, if set; else the time at which the book's first page was written).
"""

from __future__ import annotations

import os
import sys
import zipfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

START = """GLMMs for agronomists, the course of glmmlab {version}.

Open index.html in a browser. Nothing on the pages needs a network.
"""
# Of use to a server only.
LEFT_OUT = {"404.html", "robots.txt", "sitemap.xml", ".nojekyll", ".buildinfo"}
FIRST_YEAR = 1980  # a zip file knows no earlier one


def build_time(site: Path) -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    seconds = float(epoch) if epoch else (site / "index.html").stat().st_mtime
    return max(datetime.fromtimestamp(seconds, UTC), datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))


def pack(site: Path, folder: Path) -> Path:
    """Write the archive into ``folder``; returns its path."""
    if not (site / "index.html").exists():
        raise SystemExit(f"{site} holds no book: run `make book` first")
    name = f"glmmlab-course-{version('glmmlab')}"
    stamp = build_time(site).timetuple()[:6]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.zip"
    contents = {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.name not in LEFT_OUT
    }
    contents["START_HERE.txt"] = START.format(version=version("glmmlab")).encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for inside, content in contents.items():
            entry = zipfile.ZipInfo(f"{name}/{inside}", stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return target


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    target = pack(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{target} ({target.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
