"""XML of news stories: what is found in it, and what is refused."""

import tracemalloc

import pytest

from datasets.formats.news_xml import find_elements
from harness.core.errors import DataError
from tests.datasets.reuters_files import story


def test_elements_come_in_order_with_their_parents_and_all_text_inside():
    content = b"<n><a k='1'>one<b>two</b></a><c><a>three &amp; &#233;</a></c><b/></n>"
    found = find_elements(content, {"a", "b"}, "x")
    assert [(one.name, one.text, one.parents) for one in found] == [
        ("a", "onetwo", ("n",)), ("b", "two", ("n", "a")), ("a", "three & \u00e9", ("n", "c")), ("b", "", ("n",)),
    ]  # fmt: skip
    assert [one.attributes for one in found] == [{"k": "1"}, {}, {}, {}]


def test_nested_elements_of_one_name_each_have_their_text():
    found = find_elements(b"<p>1<p>2<p>3</p></p>4</p>", {"p"}, "x")
    assert [one.text for one in found] == ["1234", "23", "3"]


PARAMETER = '<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>\n'


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'


FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (story(2290, "&b;", head=BOMB), "story 2290, line 2: declares the entity 'a'"),
        (story(2290, "&a;", head=FILE), "story 2290, line 2: declares the entity 'a'"),
        (story(2290, head=PARAMETER), "story 2290, line 2: declares the entity 'a'"),
        (story(2290, "&nbsp;"), "story 2290, line 7: not well-formed XML .undefined entity"),
        (story(2290)[:-30], "story 2290, line 11: not well-formed XML"),
        (b"", "story 2290, line 1: not well-formed XML"),
    ],
)
def test_entities_are_never_expanded(content, message):
    with pytest.raises(DataError, match=message):
        find_elements(content, {"p"}, "story 2290")


@pytest.mark.parametrize("encoding", ["nosuch", "utf-7", "rot13"])
def test_an_odd_encoding_is_refused_with_the_place(encoding):
    content = story(1).replace(b"iso-8859-1", encoding.encode())
    with pytest.raises(DataError, match="story 1: its encoding cannot be read .* Get the file again"):
        find_elements(content, {"p"}, "story 1")


def test_nesting_without_end_is_refused_in_little_memory():
    assert find_elements(b"<b>" * 50 + b"well" + b"</b>" * 50, {"b"}, "x")[49].text == "well"
    hostile = b"<p>" * 7000 + b"a" * 100 + b"</p>" * 7000
    tracemalloc.start()
    with pytest.raises(DataError, match="x, line 1: elements lie more than 50 deep"):
        find_elements(hostile, {"p"}, "x")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
