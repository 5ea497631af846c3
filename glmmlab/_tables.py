"""Tables as text and as HTML, drawn from the same cells, and the rules for printing numbers.

A room builds a :class:`Document` of paragraphs and :class:`Table` objects out of its frames;
``text()``, ``html()``, ``to_markdown()`` and ``to_latex()`` then show the same strings.  The HTML
carries no colours of its own (it follows a light or a dark notebook); every string is escaped for
the language it is written in.  :class:`Exported` gives these to every object that has a Document.
"""

from __future__ import annotations

import html
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SMALLEST_P = 2e-16
"""Below this a p-value is printed as a bound: the tail is smaller than double precision's eps."""

HUGE = 1e10
"""From here on numbers are printed with an exponent: nobody counts the digits."""

_RULE = "1px solid rgba(128, 128, 128, 0.55)"  # a grey that shows on white and on black


def escape(label: object) -> str:
    """Any label as harmless HTML text."""
    return html.escape(str(label), quote=True)


_MARKDOWN = re.compile(r"([\\`*_<>|~])")
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip
_NEGATIVE = re.compile(r"^-(?=[\d.]|inf)")


def escape_markdown(label: object) -> str:
    """Any label as literal Markdown.

    >>> print(escape_markdown("(1 | g) + a * b"))
    (1 \\| g) + a \\* b
    """
    return _MARKDOWN.sub(r"\\\1", str(label))


def escape_latex(label: object) -> str:
    """Any label as literal LaTeX; a leading minus of a number as a minus sign.

    >>> print(escape_latex("-0.5"), escape_latex("a_b < 5%"))
    $-$0.5 a\\_b \\textless{} 5\\%
    """
    text = "".join(_LATEX.get(character, character) for character in str(label))
    return _NEGATIVE.sub("$-$", text)


# ------------------------------------------------------------------------------- numbers


def format_fixed(values: Iterable[float], decimals: int, missing: str = "") -> list[str]:
    """Numbers with the same count of decimals; missing values as `missing`.

    Huge numbers (a limit of a mean without a finite estimate) have an exponent.

    >>> format_fixed([1.0, -0.00001, float("nan")], 2)
    ['1.00', '0.00', '']
    >>> format_fixed([4.7, 1.0142e304], 1)
    ['4.7', '1.01e+304']
    """
    return [_fixed(float(v), decimals, missing) for v in values]


def _fixed(value: float, decimals: int, missing: str) -> str:
    if math.isnan(value):
        return missing
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) >= HUGE:
        return f"{value:.3g}"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def common_decimals(values: Iterable[float], digits: int = 4, most: int = 6) -> int:
    """Decimals that give the smallest non-zero number `digits` significant digits (1 to `most`).

    >>> common_decimals([1.0975, 0.2260])
    4
    >>> common_decimals([251.4, 6.825])
    3
    """
    sizes = [abs(float(v)) for v in values if v != 0 and math.isfinite(v)]
    if not sizes:
        return 1
    return min(max(1, digits - 1 - math.floor(math.log10(min(sizes)))), most)


def format_joint(values: Sequence[float], digits: int = 4, missing: str = "") -> list[str]:
    """Numbers with common decimals; those too small to show so, in scientific notation.

    >>> format_joint([612.09, 35.0717])
    ['612.09', '35.07']
    >>> format_joint([0.5, 2.5e-8])
    ['0.500000', '2.500e-08']
    """
    decimals = common_decimals(values, digits)
    return [
        f"{v:.{digits - 1}e}"
        if 0 < abs(v) < 0.5 * 10.0**-decimals
        else _fixed(v, decimals, missing)
        for v in map(float, values)
    ]


def format_p(values: Iterable[float], digits: int = 3, missing: str = "") -> list[str]:
    """P-values to `digits` significant digits: fixed from 0.0001 up, scientific below.

    The fixed ones share their decimals, so that a column can be scanned; values under 2e-16
    print as ``< 2e-16``.

    >>> format_p([0.0689524, 0.000105130, 1.3e-15, 1e-40])
    ['0.068952', '0.000105', '1.30e-15', '< 2e-16']
    >>> format_p([0.08111, 0.01111], digits=4)
    ['0.08111', '0.01111']
    """
    numbers = [float(v) for v in values]
    plain = [v for v in numbers if v >= 1e-4]
    smallest = min(plain, default=1.0)
    decimals = max(digits - 1 - math.floor(math.log10(smallest)), 3) if plain else 3
    decimals = min(decimals, digits + 3)
    return [_p_text(v, decimals, digits, missing) for v in numbers]


def _p_text(p: float, decimals: int, digits: int, missing: str) -> str:
    if math.isnan(p):
        return missing
    if p < SMALLEST_P:
        return "< 2e-16"
    return f"{p:.{decimals}f}" if p >= 1e-4 else f"{p:.{digits - 1}e}"


def format_significant(value: float, digits: int = 3) -> str:
    """One number to `digits` significant digits, whole digits never in scientific notation.

    >>> [format_significant(v) for v in (24.4077, 655.0, 0.50, 1958.9, 2.5e-7)]
    ['24.4', '655', '0.5', '1959', '2.5e-07']
    """
    return f"{value:.0f}" if 10.0**digits <= abs(value) < 1e9 else f"{value:.{digits}g}"


def stars(p: float) -> str:
    """R's significance codes.

    >>> [stars(p) for p in (0.0001, 0.004, 0.03, 0.08, 0.5)]
    ['***', '**', '*', '.', '']
    """
    if math.isnan(p):
        return ""
    codes = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))
    return next((code for bound, code in codes if p <= bound), "")


# -------------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Table:
    """Cells that are already strings, with their headings.

    Attributes
    ----------
    columns : sequence of str
        Headings of the columns.
    rows : sequence of (sequence of str)
        Cells, one sequence a row, as long as `columns`.
    title : str
        Stands above the table; empty for none.
    left : int
        How many leading columns are labels: aligned left, and row headings in HTML.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    left: int = 1

    def text(self) -> str:
        """The table in monospaced columns.

        >>> print(Table(("", "Df", "p"), [("gen", "1", "0.08111")]).text())
             Df        p
        gen   1  0.08111
        """
        cells = [tuple(self.columns), *map(tuple, self.rows)]
        widths = [max(len(row[j]) for row in cells) for j in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.ljust(width) if j < self.left else cell.rjust(width)
                for j, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([self.title, *lines] if self.title else lines)

    def html(self) -> str:
        """The table as an HTML fragment; all strings escaped, no background, no text colour."""
        cell = "padding: 0.15em 0.7em; white-space: nowrap;"
        head = "".join(
            f'<th scope="col" style="{cell} text-align: {self._side(j)};'
            f' border-bottom: {_RULE};">{escape(c)}</th>'
            for j, c in enumerate(self.columns)
        )
        body = "".join(f"<tr>{self._html_row(row, cell)}</tr>" for row in self.rows)
        caption = (
            '<caption style="caption-side: top; text-align: left; font-weight: bold;'
            f' padding: 0.3em 0.7em;">{escape(self.title)}</caption>'
            if self.title
            else ""
        )
        return (
            '<div style="overflow-x: auto;"><table style="border-collapse: collapse;'
            " color: inherit; font-size: inherit;"  # pages in quirks mode do not inherit these
            f' border-bottom: {_RULE}; font-variant-numeric: tabular-nums; margin: 0.4em 0;">'
            f"{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def to_markdown(self) -> str:
        """The table in Markdown's pipe form.

        >>> print(Table(("", "p"), [("a * b", "0.08")]).to_markdown())
        |  | p |
        | :-- | --: |
        | a \\* b | 0.08 |
        """
        sides = [":--" if j < self.left else "--:" for j in range(len(self.columns))]
        body = [[escape_markdown(c) for c in row] for row in (self.columns, *self.rows)]
        lines = ["| " + " | ".join(cells) + " |" for cells in (body[0], sides, *body[1:])]
        return "\n".join([f"**{escape_markdown(self.title)}**\n", *lines] if self.title else lines)

    def to_latex(self) -> str:
        r"""The table as a LaTeX tabular with the rules of booktabs.

        >>> print(Table(("", "z"), [("a_b", "-1.2")]).to_latex())
        \begin{tabular}{lr}
        \toprule
         & z \\
        \midrule
        a\_b & $-$1.2 \\
        \bottomrule
        \end{tabular}
        """
        sides = "".join(self._side(j)[0] for j in range(len(self.columns)))
        head, *body = [
            " & ".join(map(escape_latex, row)) + r" \\" for row in (self.columns, *self.rows)
        ]
        lines = [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", head, r"\midrule", *body]
        lines += [r"\bottomrule", r"\end{tabular}"]
        title = [rf"\textbf{{{escape_latex(self.title)}}}", ""] if self.title else []
        return "\n".join([*title, *lines])

    def to_html(self) -> str:
        """The table as an HTML fragment."""
        return self.html()

    def _side(self, column: int) -> str:
        return "left" if column < self.left else "right"

    def _html_row(self, row: Sequence[str], cell: str) -> str:
        return "".join(
            f'<th scope="row" style="{cell} text-align: left; font-weight: normal;">'
            f"{escape(c)}</th>"
            if j < self.left
            else f'<td style="{cell} text-align: right;">{escape(c)}</td>'
            for j, c in enumerate(row)
        )


@dataclass(frozen=True)
class Document:
    """Paragraphs and tables in order, under an optional heading."""

    parts: Sequence[str | Table]
    heading: str = ""

    def text(self) -> str:
        """All parts as text, a blank line between them."""
        parts = [p if isinstance(p, str) else p.text() for p in self.parts]
        return "\n\n".join(([self.heading] if self.heading else []) + parts)

    def html(self) -> str:
        """All parts as one HTML fragment."""
        heading = f"<p><strong>{escape(self.heading)}</strong></p>" if self.heading else ""
        parts = "".join(_paragraph(p) if isinstance(p, str) else p.html() for p in self.parts)
        return f'<div class="glmmlab">{heading}{parts}</div>'

    def to_markdown(self) -> str:
        """All parts as Markdown, a blank line between them."""
        parts = [f"**{escape_markdown(self.heading)}**"] if self.heading else []
        for part in self.parts:
            if isinstance(part, str):
                parts.append("  \n".join(map(escape_markdown, part.split("\n"))))
            else:
                parts.append(part.to_markdown())
        return "\n\n".join(parts)

    def to_latex(self) -> str:
        """All parts as LaTeX (needs the package booktabs)."""
        parts = [rf"\textbf{{{escape_latex(self.heading)}}}"] if self.heading else []
        for part in self.parts:
            if isinstance(part, str):
                parts.append(" \\\\\n".join(map(escape_latex, part.split("\n"))))
            else:
                parts.append(part.to_latex())
        return "\n\n".join(parts)

    def to_html(self) -> str:
        """All parts as one HTML fragment."""
        return self.html()


class Exported(ABC):
    """Something with a Document, for other programs: Markdown, LaTeX, HTML."""

    @abstractmethod
    def _document(self) -> Document:
        """The parts in order."""

    def to_markdown(self) -> str:
        """As Markdown, for a report or an issue."""
        return self._document().to_markdown()

    def to_latex(self) -> str:
        """As LaTeX, for a paper; the tables use the rules of the package booktabs."""
        return self._document().to_latex()

    def to_html(self) -> str:
        """As an HTML fragment without colours of its own, every label escaped."""
        return self._document().html()


def _paragraph(text: str) -> str:
    lines = "<br>".join(escape(line) for line in text.split("\n"))
    return f'<p style="margin: 0.4em 0.7em;">{lines}</p>'
