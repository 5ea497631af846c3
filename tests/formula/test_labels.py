"""Labels that are one label in several spellings, codes of missing values, or numbers."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from glmmlab.formula.labels import (
    difference,
    kind_of,
    missing_codes,
    missing_number,
    number_cure,
    number_hint,
    spelled_alike,
)


@pytest.mark.parametrize(
    ("labels", "about"),
    [
        (["Control", "Control "], "blanks"),
        (["N 50", "N  50"], "blanks"),
        (["N 50", "N\u00a050"], "blanks"),
        (["Control", "control", "CONTROL"], "letter case"),
        (["Höhe", "Ho\u0308he"], "the encoding of their characters"),
        (["10 \u00b5M", "10 \u03bcM"], "the encoding of their characters"),
        (["T1", "t1 "], "blanks and letter case"),
        (["Müll", "M\u200büll"], "characters that cannot be seen"),
        (["a\ufeffb", "ab", "AB "], "blanks, letter case and characters that cannot be seen"),
        (["no", "No", "NO"], "letter case"),
    ],
)
def test_spellings_are_found_and_the_cure_makes_them_one(labels, about):
    data = pd.DataFrame({"x": [*labels, "another label"]})
    groups = spelled_alike(data["x"])
    assert groups == [tuple(labels)]
    said, cure = difference(groups, "x")
    assert said == about
    exec(cure, {"data": data})
    assert data["x"].nunique() == 2


@pytest.mark.parametrize(
    "labels",
    [
        ["AA", "Aa", "aa"],
        ["A", "a"],
        ["AABB", "AaBb", "aabb"],
        ["A/A", "A/a", "a/a"],
        ["AB", "Ab", "aB", "ab"],
        ["Control", "Control 2", "control 2a"],
        ["N-50", "N 50", "N50"],
    ],
)
def test_alleles_and_other_labels_are_left_alone(labels):
    assert spelled_alike(labels) == []


def test_alleles_with_blanks_are_found():
    assert spelled_alike(["Aa", "AA", "Aa "]) == [("Aa", "Aa ")]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["a", "", "b"], [""]),
        (["0", ".", " - ", "?"], [".", " - ", "?"]),
        (["1.5", "NA", "N/A", "n/a", "NaN", "nan", "<NA>"],
         ["NA", "N/A", "n/a", "NaN", "nan", "<NA>"]),
        (["+", "-"], []),
        (["AF", "EU", "NA", "SA"], []),
        (["Na", "K", "none", "None", "null"], []),
        (["A.", "B-", "?!"], []),
    ],
)  # fmt: skip
def test_codes_of_missing_values(labels, found):
    assert missing_codes(labels) == found


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["0", "5", "10"], "numbers"),
        (["-1.5e3", ".5", "2."], "numbers"),
        (["0,5", "1"], "numbers with a decimal comma"),
        (["2024-05-03", "2024-05-17"], "dates"),
        (["3.5.2024", "17/05/24", "2024-05-17 10:30"], "dates"),
        (["1.2.3", "4"], None),
        (["5 cm", "6 cm"], None),
        (["0-5", "5-10"], None),
        ([], None),
    ],
)
def test_kinds(labels, kind):
    assert kind_of(labels) == kind


@pytest.mark.parametrize(
    "text",
    ["89,8;90,1;91", "89.8;n.d.;91;92", "89,8;.;91;92,5", "1;2;3"],
)
def test_the_cure_reads_numbers(text):
    """What the message says, carried out on the file that the labels came from."""
    file = "y\n" + text.replace(";", "\n")
    labels = pd.read_csv(io.StringIO(file), sep=";", dtype=str, na_filter=False)["y"].tolist()
    cure = number_cure(labels, "y").removeprefix("read the file with ").removeprefix("write ")
    assert number_hint(labels, "y").endswith(cure)
    room = {"pd": pd, "data": pd.DataFrame({"y": labels})}
    if cure.startswith("pd.read_csv"):
        room["data"] = eval(
            cure.replace("...", "file, sep=';'"), room | {"file": io.StringIO(file)}
        )
    else:
        exec(cure, room)
    values = room["data"]["y"]
    assert pd.api.types.is_numeric_dtype(values)
    assert values.notna().sum() == sum(kind_of([label]) is not None for label in labels)


def test_a_point_and_a_comma():
    data = pd.DataFrame({"y": ["89,8", "90.1", "x"]})
    exec(number_cure(data["y"], "y").removeprefix("write "), {"data": data, "pd": pd})
    assert data["y"].tolist()[:2] == [89.8, 90.1]


def test_words_are_no_numbers():
    assert number_hint(["yes", "no"], "y") == ""
    assert number_hint(["1", "a"], "y") == ""


def test_codes_among_numbers():
    assert missing_number([-9.0, 4.0, -999.0]).endswith("na_values=[-9, -999]")
    assert missing_number([-9.0, -3.0]) == missing_number([1.0]) == missing_number([-9.5]) == ""


@pytest.mark.parametrize("labels", [["Weiß", "Weiss"], ["10⁴", "104"]])
def test_different_characters_are_different_labels(labels):
    assert spelled_alike(labels) == []


def test_anything_added_stands_beside_nothing():
    assert missing_codes(["-", "++"]) == [] and missing_codes(["-", "low"]) == ["-"]
