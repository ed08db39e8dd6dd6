"""Forms of texts against those of the published programs."""

import pytest

from datasets.formats.text_forms import first_words, letter_form, natural_form, word_form


def test_the_two_forms_of_an_abstract():
    text = "  It's  the \"SVM\" (we don't know!), e.g. 3.5% of `x` they've -- café?  "
    assert natural_form(text) == "it 's the \"svm\" (we do n't know!), e.g. 3.5% of `x` they 've -- café?"
    # 'it', 'the', 'we', 'do', 'of', 'they' are stop words; single characters go; 'é' becomes a space.
    assert word_form(text) == "'s svm n't know `x` 've caf"


def test_the_letters_of_a_news_article_are_glued_where_the_published_program_glues_them():
    text = "\"It's 3.5% of U.S. trade,\" he said.They (we) don't know! A b 1990's"
    # 'u.s.' and 'said.They' lose their points without a space; 'a' is a stop word and 'b' is not.
    assert letter_form(text) == "'s us trade saidthey n't know b 's"


@pytest.mark.parametrize(
    ("num", "expected"),
    [(0, " one  two\nthree "), (1, "one"), (2, "one two"), (3, "one two three"), (9, "one two three")],
)
def test_the_first_words_are_joined_by_single_spaces(num, expected):
    assert first_words(" one  two\nthree ", num) == expected
