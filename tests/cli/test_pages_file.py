"""The pages file: what it may say, and a sentence for each way it can be wrong, wherever the token slid to."""

from pathlib import Path

import pytest

from cli.commands import Run
from conversations_async import Page, Platform
from conversations_async.cli.endings import UsageError
from conversations_async.cli.pages_file import read_pages

PAGE = '[[page]]\nid = "1001"\ntoken = "canary"\n'


def refused(file: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_pages(file)
    assert caught.value.__cause__ is None
    sentence = str(caught.value)
    assert sentence.startswith(str(file))
    assert "canary" not in sentence.removeprefix(str(file))
    return sentence.removeprefix(str(file))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ": holds no Page"),
        ("canary", ": is not TOML; look at its end"),
        ("[[page]]\nid = 'canary\n\n", ": is not TOML; look at"),
        ("page = 'canary'", ": each Page is written as [[page]]"),
        ("[page]\nid = 'canary'", ": each Page is written as [[page]]"),
        ("pages = []", ': unknown key "pages"'),
        ("canary-EAAG = 1", ": unknown key; "),
        (PAGE + 'tokn = "x"', ', line 1: unknown key "tokn"; did you mean "token"; a Page has id, token'),
        (PAGE + 'Canary_EAAG = "x"', ", line 1: unknown key; a Page has id, token"),
        ("[[page]]\ntoken = 'canary'", ", line 1: a Page without an id"),
        ("[[page]]\nid = 'canary'\ntoken = '1'", ", line 1: the id of a Page is written in digits"),
        ("[[page]]\nid = ''\ntoken = '1'", "written in digits"),
        ("[[page]]\nid = true\ntoken = '1'", "written in digits"),
        (f"[[page]]\nid = '{'1' * 33}'\ntoken = '1'", "written in digits"),
        (PAGE + "\n\n" + PAGE, ", line 6: Page 1001 is there twice; the first time at"),
        ("[[page]]\nid = '1'", ", line 1: Page 1 has no token: give one of token, token_env and token_file"),
        (PAGE + "token_env = 'A'", ", line 1: Page 1001 has token and token_env: keep one of them"),
        ("[[page]]\nid = '1'\ntoken = 5", "token is a text"),
        ("[[page]]\nid = '1'\ntoken = ''", "token is a text"),
        ("[[page]]\nid = '1'\ntoken = 'canary with spaces'", "a token must be printable ASCII"),
        (
            "[[page]]\nid = '1'\ntoken_env = 'NOT_SET'",
            "the environment variable NOT_SET that token_env names is not set",
        ),
        ("[[page]]\nid = '1'\ntoken_env = 'canary'", "the environment variable that token_env names is not set"),
        ("[[page]]\nid = '1'\ntoken_env = 'canary=x'", "is not set"),
        ("[[page]]\nid = '1'\ntoken_file = 'canary'", "the file that token_file names cannot be read: no such file"),
        ("[[page]]\nid = '1'\ntoken_file = '.'", "cannot be read: is a directory"),
        ("[[page]]\nid = '1'\ntoken_file = 'empty'", "the file that token_file names is empty"),
        ('[[page]]\nid = "1"\ntoken_file = "canary\\u0000"', "cannot be read"),
        (PAGE + "name = 3", "Page 1001: name is a text"),
        (PAGE + "platforms = []", "platforms is a list"),
        (PAGE + "platforms = 3", "platforms is a list"),
        (PAGE + "platforms = ['canary']", "unknown platform; choose messenger or instagram"),
        (PAGE + "platforms = ['instagramm']", 'did you mean "instagram"?'),
        (PAGE + "graph = 'canary'", 'graph is "facebook" or "instagram"'),
        (PAGE + "graph = 'instagram'\nplatforms = ['messenger']", "its platform is instagram"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_what_without_quoting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "pages.toml").write_text(text)
    assert words in refused(tmp_path / "pages.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ": holds no Page"),
        ("id,token\n", ": holds no Page"),
        ("id,tokens\n1,canary\n", ', line 1: unknown column "tokens"; did you mean "token"'),
        ("1001,canary-EAAG\n", ", line 1: unknown column; the columns are id, token"),
        ("id,id,token\n1,2,canary\n", ", line 1: a column is there twice"),
        ("id,token\n1001,canary,canary\n", ", line 2: has more cells"),
        ("id,token\n1001,canary\n\n1001,canary\n", ", line 4: Page 1001 is there twice"),
        ("id,token\ncanary,1\n", ", line 2: the id of a Page is written in digits"),
        ("id,name\n1001,canary\n", ", line 2: Page 1001 has no token"),
        ("id,token,token_env\n1001,canary,A\n", ", line 2: Page 1001 has token and token_env"),
        ("id,token,platforms\n1001,canary,mesenger\n", 'did you mean "messenger"?'),
        ('id,token\n1001,"canary', "is not CSV"),
    ],
)
def test_a_csv_that_is_wrong_says_where_and_what_without_quoting(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pages.csv").write_text(text)
    assert words in refused(tmp_path / "pages.csv")


def test_a_file_that_cannot_be_read_is_told_by_its_name(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.toml") == ": there is no such pages file"
    assert refused(tmp_path) == ": is a directory, not a pages file"
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    assert refused(tmp_path / "latin.toml") == ": is not text in UTF-8"
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    assert "TOML" in (sentence := refused(tmp_path / "deep.toml")) or "too deep" in sentence


def test_toml_and_csv_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_1002", "canary-2\n")
    (tmp_path / "three").write_text("canary-3\n")
    toml, csv = tmp_path / "pages.toml", tmp_path / "PAGES.CSV"
    toml.write_text(
        '[[page]]\nid = 1001\ntoken = "canary-1"\nname = "Ä"\nplatforms = ["MESSENGER"]\n'
        '[[page]]\nid = "1002"\ntoken_env = "TOKEN_OF_1002"\n'
        '[[page]]\nid = "1003"\ntoken_file = "three"\ngraph = "instagram"\n'
    )
    csv.write_text(
        "\ufeffID;token;token_env;token_file;name;platforms;graph\r\n"
        "1001;canary-1;;;Ä;messenger;\r\n1002;;TOKEN_OF_1002\r\n\r\n1003;;;three;;;instagram\r\n",
        encoding="utf-8",
    )
    assert read_pages(toml) == read_pages(csv)
    assert read_pages(toml) == [
        Page("1001", "canary-1", name="Ä", platforms=(Platform.MESSENGER,)),
        Page("1002", "canary-2"),
        Page("1003", "canary-3", graph="instagram"),
    ]


def test_several_platforms_fit_into_one_cell(tmp_path: Path) -> None:
    (tmp_path / "pages.csv").write_text(
        'id,token,platforms\n1,canary,"instagram, messenger"\n2,canary,instagram+messenger'
    )
    assert [page.platforms for page in read_pages(tmp_path / "pages.csv")] == [tuple(reversed(Platform))] * 2


def test_the_command_ends_with_2_and_the_sentence(command: Run, tmp_path: Path) -> None:
    (tmp_path / "pages.toml").write_text(PAGE + PAGE)
    ended = command("threads", "--pages", tmp_path / "pages.toml", "-v")
    assert ended.status == 2
    assert len(ended.told) == 1
    assert "line 4: Page 1001 is there twice" in ended.err
