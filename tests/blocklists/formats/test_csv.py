"""Tables: which column holds the names, which the categories."""

from __future__ import annotations

import pytest

from blocklists import formats
from blocklists.entries import ADDRESS, NOT_A_LINE, NOT_A_NAME, NOT_FOR_DNS, PATTERN
from tests.blocklists.formats.answers import answers, items


@pytest.mark.parametrize(
    "table",
    [
        ("domain,category", "a.com,Gambling", "b.com, phishing "),
        ("Category;Host", "Gambling;a.com", "phishing;b.com"),
        ("id\turl\ttype", "1\thttp://a.com/\tgambling", "2\tb.com\tphishing"),
        ("# made daily", '# "url","threat"', '"https://a.com","gambling"', '"b.com:80","phishing"'),
        ("a.com,gambling", "b.com,phishing"),
        ("1|gambling|a.com|2026-01-02", "2|phishing|b.com|2026-01-02"),
        ("\ufeffdomain,category,note", 'a.com,gambling,"one, two"', "*.B.com.,phishing,"),
    ],
)
def test_columns_are_found(table: tuple[str, ...]) -> None:
    assert answers("csv", *table) == ["a.com [gambling]", "b.com [phishing]"]
    assert formats.detect("\n".join(table).encode()) == "csv"


def test_a_table_without_categories_has_no_labels() -> None:
    assert answers("csv", "1,google.com", "2,bbc.co.uk") == ["google.com", "bbc.co.uk"]
    assert answers("csv", "domain,seen", "a.com,2026", "b.com,2025") == ["a.com", "b.com"]


@pytest.mark.parametrize(
    ("field", "result"),
    [
        ("http://user@a.com:8080/", "a.com [x]"),
        ("https://A.com", "a.com [x]"),
        ("a.com/", "a.com [x]"),
        ("sportfogadás.com", "xn--sportfogads-t7a.com [x]"),
        ("http://a.com/page", NOT_FOR_DNS),
        ("a.com/page", NOT_FOR_DNS),
        ("http://a.com?x", NOT_FOR_DNS),
        ("http://1.2.3.4/", ADDRESS),
        ("http://[2001:db8::1]/", ADDRESS),
        ("casino*.com", PATTERN),
        ("someone@a.com", NOT_A_NAME),
        ("", NOT_A_NAME),
        ("two words", NOT_A_NAME),
    ],
)
def test_a_url_is_its_host_where_the_whole_site_is_meant(field: str, result: str) -> None:
    assert answers("csv", "domain,category", f"{field},x") == [result]


def test_a_bad_row_costs_one_row() -> None:
    table = ["domain,category", "a.com", '"b.com,x', "c.com,x", "", "domain,category"]
    assert answers("csv", *table) == [NOT_A_LINE, NOT_A_LINE, "c.com [x]"]
    assert [item.line for item in items("csv", "\n".join(table).encode())] == [2, 3, 4]


def test_without_a_column_of_names_every_line_is_rejected() -> None:
    assert answers("csv", "one,two", "three,four") == [NOT_A_LINE, NOT_A_LINE]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("0.0.0.0\ta.com\n0.0.0.0\tb.com\n", "hosts"),
        ("a.com\t# one\nb.com\t# two\n", "plain"),
        ("a.com # one, two\nb.com # one, two\n", "plain"),
    ],
)
def test_other_lists_are_no_tables(table: str, word: str) -> None:
    assert formats.detect(table.encode()) == word
