"""What labels look like: one label spelled in several ways, codes of missing values, numbers.

All of it looks at the levels of a column, each once, not at its rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

Kind = Literal["numbers", "numbers with a decimal comma", "dates"]

MISSING = frozenset({"", ".", "-", "?", "NA", "N/A", "n/a", "NaN", "nan", "<NA>"})
"""Labels that stand for missing values; "none" and "Na" (sodium) are treatments."""
OF_PANDAS = frozenset({"nan", "<NA>"})
"""What ``astype(str)`` makes of missing values, so that no file holds it."""
MISSING_NUMBERS = (-9.0, -99.0, -999.0, -9999.0)

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_DATE = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}([./-])\d{1,2}\2(\d{4}|\d{2}))"
    r"([ T]\d{1,2}:\d{2}(:\d{2})?)?"
)


def _compatible(text: str) -> str:
    """One encoding of each character, as NFKC has it, but raised digits stay: 10⁴ is not 104."""
    return "".join(
        c if c.isdigit() and not c.isdecimal() else unicodedata.normalize("NFKC", c)
        for c in unicodedata.normalize("NFC", text)
    )


_STEPS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ('.str.normalize("NFKC")', "the encoding of their characters", _compatible),
    (".str.strip()", "blanks", str.strip),
    (
        '.str.replace(r"\\s+", " ", regex=True)',
        "blanks",
        lambda label: re.sub(r"\s+", " ", label),
    ),
    (".str.lower()", "letter case", str.lower),
)
"""Steps that make spellings alike: as pandas writes them, what they are about, and what they do."""


def spelled_alike(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of labels that differ only in blanks, letter case or what cannot be seen.

    Alleles (``Aa`` and ``AA``, ``aabb`` and ``AABB``) differ by their case alone and are left as
    they are.

    Examples
    --------
    >>> spelled_alike(["Control", "Control ", "N 50", "control"])
    [('Control', 'Control ', 'control')]
    >>> spelled_alike(["AA", "Aa", "aa"]), spelled_alike(["AB", "Ab", "aB", "ab"])
    ([], [])
    """
    labels = list(labels)
    distinct = {" ".join(label.split()).lower() for label in labels}
    if len(distinct) == len(labels) and all(map(str.isascii, labels)):  # most columns, in short
        return []
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(visible(label).lower(), []).append(label)
    found = []
    for group in folded.values():
        if len(group) > 1 and _are_alleles([visible(label) for label in group]):
            by_case: dict[str, list[str]] = {}
            for label in group:
                by_case.setdefault(visible(label), []).append(label)
            found += list(by_case.values())
        else:
            found.append(group)
    return [tuple(group) for group in found if len(group) > 1]


def visible(text: str) -> str:
    """A text without what cannot be seen: outer and repeated blanks, encodings, empty characters.

    Examples
    --------
    >>> visible(" Ho\\u0308he\\u00a0 (cm)") == "Höhe (cm)"
    True
    """
    if not text.isascii():
        text = _compatible(text)
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(text.split())


def _are_alleles(texts: Sequence[str]) -> bool:
    """Whether letters stand for alleles: one letter, pairs (``AaBB``), or ``aB`` beside ``AB``."""
    letters = [re.sub(r"[\W_]", "", text) for text in texts]
    first = letters[0].casefold()
    if not first.isalpha():
        return False
    if len(first) == 1 or re.fullmatch(r"((.)\2)+", first):
        return True
    usual = (str.lower, str.upper, str.capitalize)
    return len(first) <= 4 and not all(text in {f(text) for f in usual} for text in letters)


def is_short_code(label: str) -> bool:
    """Whether a label is a symbol of up to four letters, as genes have, and not a word.

    Examples
    --------
    >>> is_short_code("Vrn-A1"), is_short_code("Rht1"), is_short_code("Control")
    (True, True, False)
    """
    return len(re.sub(r"[\W_\d]", "", label)) <= 4


def difference(groups: Sequence[Sequence[str]], column: str) -> tuple[str, str]:
    """In what the spellings differ, and the assignment that makes them one.

    Examples
    --------
    >>> difference([("Control", "control ")], "trt")
    ('blanks and letter case', "data['trt'] = data['trt'].str.strip().str.lower()")
    """
    labels = [label for group in groups for label in group]
    needed = list(_STEPS)
    for step in _STEPS:
        fewer = [other for other in needed if other is not step]
        if _distinct(labels, fewer) == _distinct(labels, needed):
            needed = fewer
    kinds = list(dict.fromkeys(about for _, about, _ in needed))
    if _distinct(labels, needed) > len(groups):
        kinds.append("characters that cannot be seen")
        pairs = ((label, visible(group[0])) for group in groups for label in group)
        changes = ", ".join(f"{label!a}: {clean!r}" for label, clean in pairs if label != clean)
        cure = f".replace({{{changes}}})"
    else:
        cure = "".join(code for code, _, _ in needed)
    said = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    return said, f"data[{column!r}] = data[{column!r}]{cure}"


def _distinct(labels: Iterable[str], steps: Sequence[tuple[str, str, Callable[[str], str]]]) -> int:
    found = set()
    for label in labels:
        for _, _, change in steps:
            label = change(label)
        found.add(label)
    return len(found)


def quoted(labels: Sequence[str], limit: int = 5) -> str:
    """Labels in quotes, with escapes where they would look the same without.

    Examples
    --------
    >>> quoted(["Control", "Control "])
    "'Control', 'Control '"
    >>> quoted(["Höhe", "Ho\\u0308he"])
    "'H\\\\xf6he', 'Ho\\\\u0308he'"
    """
    return ", ".join(spelled(*labels)[:limit]) + (", ..." if len(labels) > limit else "")


def spelled(*labels: str) -> list[str]:
    """Each label in quotes, with escapes where they would look the same without."""
    texts = [repr(label) for label in labels]
    if len({unicodedata.normalize("NFC", text) for text in texts}) < len(texts):
        return [ascii(label) for label in labels]
    return texts


def missing_codes(labels: Sequence[str]) -> list[str]:
    """Labels that look like codes of missing values.

    ``-`` beside ``+`` is absence, and ``NA`` among codes of two capitals is one of them.

    Examples
    --------
    >>> missing_codes(["0", "5", ".", "NA "])
    ['.', 'NA ']
    >>> missing_codes(["+", "-"]), missing_codes(["AF", "EU", "NA"])
    ([], [])
    """
    found = [label for label in labels if label.strip() in MISSING]
    if not found:
        return []
    others = [label for label in labels if label not in found]
    if any(set(label.strip()) == {"+"} for label in others):
        found = [label for label in found if label.strip() != "-"]
    if len(others) > 1 and all(re.fullmatch("[A-Z]{2}", label) for label in others):
        found = [label for label in found if label != "NA"]
    return found


def kind_of(labels: Sequence[str]) -> Kind | None:
    """What a set of labels is the text of, if all of them are.

    Examples
    --------
    >>> kind_of(["85,9", "90"]), kind_of(["12.5", "3"]), kind_of(["3.5.2024", "12.5.2024"])
    ('numbers with a decimal comma', 'numbers', 'dates')
    >>> kind_of(["A1", "A2"]) is None
    True
    """
    texts = [label.strip() for label in labels]
    if not texts:
        return None
    if all(_DATE.fullmatch(text) for text in texts):
        return "dates"
    commas = [text for text in texts if _COMMA.fullmatch(text)]
    if not all(_PLAIN.fullmatch(text) for text in texts if text not in set(commas)):
        return None
    return "numbers with a decimal comma" if commas else "numbers"


def day_first(dates: Iterable[str]) -> bool | None:
    """Whether the day stands before the month; None if the dates do not tell.

    Examples
    --------
    >>> day_first(["3.5.2024"]), day_first(["2024-05-03"]), day_first(["25/5/2024"])
    (True, False, True)
    >>> day_first(["3/5/2024"]) is None, day_first(["5/25/2024"])
    (True, False)
    """
    found = [re.match(r"(\d{1,2})([./-])(\d{1,2})[./-]", text.strip()) for text in dates]
    parts = [(int(m[1]), m[2], int(m[3])) for m in found if m]
    if not parts:
        return False
    if any(first > 12 or sign == "." for first, sign, _ in parts):
        return True
    return False if any(second > 12 for _, _, second in parts) else None


def number_hint(labels: Sequence[str], column: str) -> str:
    """What labels look like if most of them are numbers, and how to read these; "" otherwise.

    Examples
    --------
    >>> number_hint(["89,8", "90,1", "n.d."], "y")
    "most of it is numbers, with a decimal comma ('89,8'), but not 'n.d.': read the file with \
pd.read_csv(..., decimal=',', na_values=['n.d.'])"
    >>> number_hint(["89.8", "90"], "y")
    "it is numbers as text: write data['y'] = pd.to_numeric(data['y'])"
    """
    others = _no_numbers(labels)
    if 2 * len(others) >= len(labels):
        return ""
    comma = next((label for label in labels if _COMMA.fullmatch(label.strip())), None)
    said = "most of it is numbers" if others else "it is numbers as text"
    if comma is not None:
        said += f", with a decimal comma ({comma!r})"
    if others:
        said += f", but not {quoted(others)}"
    return f"{said}: {number_cure(labels, column)}"


def number_cure(labels: Sequence[str], column: str) -> str:
    """How to make numbers of labels, of which those that are no numbers go missing.

    Examples
    --------
    >>> number_cure(["89,8", "90.1"], "y")
    "write data['y'] = pd.to_numeric(data['y'].str.replace(',', '.'))"
    """
    others = _no_numbers(labels)
    texts = [label.strip() for label in labels if label not in set(others)]
    comma = any(_COMMA.fullmatch(text) for text in texts)
    if comma and any("." in text for text in texts):
        end = ", errors='coerce'" if others else ""
        changed = f"data[{column!r}].str.replace(',', '.'){end}"
        return f"write data[{column!r}] = pd.to_numeric({changed})"
    options = ["decimal=','"] if comma else []
    options += [f"na_values={others[:5]!r}"] if others else []
    if not options:
        return f"write data[{column!r}] = pd.to_numeric(data[{column!r}])"
    return f"read the file with pd.read_csv(..., {', '.join(options)})"


def _no_numbers(labels: Sequence[str]) -> list[str]:
    return [label for label in labels if kind_of([label]) in (None, "dates")]


def missing_number(values: Iterable[float]) -> str:
    """A question about numbers below zero that are all codes of missing values; "" otherwise.

    Examples
    --------
    >>> missing_number([3.0, -99.0])
    'Is -99 a code of missing values? Read the data with na_values=[-99]'
    >>> missing_number([3.0, -4.5])
    ''
    """
    below = sorted({float(value) for value in values if value < 0}, reverse=True)
    if not below or any(value not in MISSING_NUMBERS for value in below):
        return ""
    codes = ", ".join(f"{value:g}" for value in below)
    verb = "Is" if len(below) == 1 else "Are"
    noun = "a code" if len(below) == 1 else "codes"
    return f"{verb} {codes} {noun} of missing values? Read the data with na_values=[{codes}]"
