"""Uploaded files: what they are taken for, what is made of each line, and what is refused with a clear error."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience import Contact, DropReason, FileError, FileLimits, Line
from domain.errors import Invalid
from domain.sentences import sentence
from storage.files.columns import Columns, Meaning
from storage.files.contacts import Contacts, RowReader
from storage.files.sources import Overrides, Source

RUSSIAN = (
    "Ник;Телефон;Имя;Фамилия;Город\r\n"
    "@Anna_K;+7 900 123-45-67;Анна;Ким;Томск\r\n"
    'https://t.me/boris1?start=x;;Пётр;"Иванов; младший";\r\n'
    ";8 (900) 765-43-21;Фёдор;;\r\n"
    ";;;;\r\n"
)


def read(content: bytes, **overrides: object) -> list[Line]:
    source = Source(io.BytesIO(content), Overrides(**overrides))  # type: ignore[arg-type]
    return list(source.lines())


def found(content: bytes, **overrides: object) -> list[Contact | DropReason]:
    return [line.found for line in read(content, **overrides)]


def names(content: bytes, **overrides: object) -> list[str | None]:
    return [each.username for each in found(content, **overrides) if isinstance(each, Contact)]


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_a_table_is_read_in_every_encoding_and_with_every_delimiter(encoding: str, delimiter: str) -> None:
    text = RUSSIAN.replace(";", delimiter).replace(f"Иванов{delimiter} младший", "Иванов; младший")
    assert read(text.encode(encoding), default_country="RU") == [
        Line(
            2,
            delimiter.join(["@Anna_K", "+7 900 123-45-67", "Анна", "Ким", "Томск"]),
            Contact("anna_k", "+79001234567", None, "Анна", "Ким", {"Город": "Томск"}),
        ),
        Line(
            3,
            delimiter.join(["https://t.me/boris1?start=x", "", "Пётр", "Иванов; младший", ""]),
            Contact("boris1", None, None, "Пётр", "Иванов; младший"),
        ),
        Line(
            4, delimiter.join(["", "8 (900) 765-43-21", "Фёдор", "", ""]), Contact(None, "+79007654321", None, "Фёдор")
        ),
        Line(5, delimiter * 4, DropReason.EMPTY),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "username",
        "User",
        " LOGIN ",
        "nickname",
        "Ник",
        "логин",
        "Юзернейм",
        "telegram",
        "Имя пользователя",
        "Контакт",
    ],
)
def test_a_header_names_the_column_of_usernames(header: str) -> None:
    assert names(f"город,{header}\nТомск,@anna\n".encode()) == ["anna"]


@pytest.mark.parametrize("header", ["phone", "Tel.", "Телефон", "НОМЕР", "phone-number", "Номер телефона"])
def test_a_header_names_the_column_of_phones(header: str) -> None:
    assert found(f"город,{header}\nТомск,+79001234567\n".encode()) == [
        Contact(phone="+79001234567", fields={"город": "Томск"})
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("@anna", Contact("anna")),
        ("Anna_K", Contact("anna_k")),
        ("t.me/anna", Contact("anna")),
        ("https://telegram.me/Anna?start=1", Contact("anna")),
        ("+7 (900) 123-45-67", Contact(phone="+79001234567")),
        ("tel:+79001234567", Contact(phone="+79001234567")),
        ("0079001234567", Contact(phone="+79001234567")),
        ("79001234567", Contact(phone="+79001234567")),
        ("79001234567.0", Contact(phone="+79001234567")),
        ("123456789", Contact(user_id=123456789)),
        ("8 900 123-45-67", DropReason.PHONE_WITHOUT_COUNTRY),
        ("84951234567", DropReason.PHONE_WITHOUT_COUNTRY),
        ("+7 900 123", DropReason.BAD_PHONE),
        ("+79001234567 ext", DropReason.NOT_A_NAME),
        ("7.9E+10", DropReason.ROUNDED),
        ("1.23457e10", DropReason.ROUNDED),
        ("tg://resolve?domain=Anna&start=1", Contact("anna")),
        ("https://anna.t.me", Contact("anna")),
        ("https://t.me/+79001234567", Contact(phone="+79001234567")),
        ("https://wa.me/79001234567", Contact(phone="+79001234567")),
        ("tg://user?id=123456789", Contact(user_id=123456789)),
        ("Анна", DropReason.NOT_A_NAME),
        ("a b", DropReason.NOT_A_NAME),
        ("   ", DropReason.EMPTY),
        ("x" * 300, DropReason.TOO_LONG),
        ("=cmd()", DropReason.NOT_A_NAME),
    ],
)
def test_without_a_header_the_first_column_is_recognised_by_how_it_is_written(
    cell: str, expected: Contact | DropReason
) -> None:
    assert found(f"@first\n{cell}\n".encode()) == [Contact("first"), expected]


def test_national_phones_need_the_country() -> None:
    content = b"phone\n8 900 123-45-67\n9001234567\n84951234567\n7.9E+10\n"
    assert found(content, default_country="ru") == [
        Contact(phone="+79001234567"),
        Contact(phone="+79001234567"),
        Contact(phone="+74951234567"),
        DropReason.ROUNDED,
    ]
    assert set(found(content)) >= {DropReason.PHONE_WITHOUT_COUNTRY}


@pytest.mark.parametrize("cell", ["0", "-5", "12a", "9223372036854775808", "99999999999999999999"])
def test_an_id_is_a_number_that_a_database_holds(cell: str) -> None:
    assert found(f"id,username\n{cell},\n5,\n".encode()) == [DropReason.BAD_ID, Contact(user_id=5)]


def test_one_good_identifier_is_enough() -> None:
    assert found(b"username,phone\nno name,+79001234567\n") == [Contact(phone="+79001234567")]


def test_a_second_value_for_the_same_thing_is_kept_as_it_is_written() -> None:
    content = "phone,phone,имя,имя\n+79001234567,8 900 123-45-68,Анна,Ким\n,+79001234569,Б,Б\n".encode()
    assert found(content) == [
        Contact(phone="+79001234567", first_name="Анна", fields={"имя_4": "Ким"}),
        Contact(phone="+79001234569", first_name="Б"),
    ]
    assert found(content, default_country="RU")[0] == Contact(
        phone="+79001234567", first_name="Анна", fields={"phone_2": "8 900 123-45-68", "имя_4": "Ким"}
    )


@pytest.mark.parametrize("number", ["1,23457E+11", "7,9E+10"])
def test_a_shortened_number_in_a_list_of_one_column_is_one_cell(number: str) -> None:
    assert found(f"id\n123456789\n{number}\n5\n".encode()) == [
        Contact(user_id=123456789),
        DropReason.ROUNDED,
        Contact(user_id=5),
    ]
    assert found("Контакт\nt.me/anna\n@boris, @vera\n".encode()) == [Contact("anna"), DropReason.NOT_A_NAME]


def test_rows_may_be_longer_and_shorter_than_the_header() -> None:
    assert found(b"username,city\n@anna\n@boris,Tomsk,more\n") == [
        Contact("anna"),
        Contact("boris", fields={"city": "Tomsk", "column_3": "more"}),
    ]


def test_line_numbers_are_those_of_the_source_also_after_a_cell_of_several_lines() -> None:
    lines = read(b'username,note\n@anna,"one\ntwo"\n\n@boris,\n')
    assert [line.number for line in lines] == [2, 4, 5]


def test_excels_delimiter_hint_is_no_row() -> None:
    assert read(b"sep=;\r\nusername;x\r\n@anna;1\r\n")[0].number == 3


def test_json_objects_and_strings() -> None:
    objects = [{"username": "@Anna", "id": 77, "city": "Томск", "tags": ["a"]}, {"phone": "+79001234567"}, {"x": 1}]
    assert found(json.dumps(objects).encode()) == [
        Contact("anna", None, 77, fields={"city": "Томск", "tags": '["a"]'}),
        Contact(phone="+79001234567"),
        DropReason.NO_IDENTIFIER,
    ]
    assert found(b'\xef\xbb\xbf["@anna", "t.me/boris", 12345, null, true, " "]') == [
        Contact("anna"),
        Contact("boris"),
        Contact(user_id=12345),
        DropReason.EMPTY,
        DropReason.NOT_A_NAME,
        DropReason.EMPTY,
    ]


def test_json_lines() -> None:
    content = b'{"username": "@Anna", "id": 77}\n\n{"phone": "+79001234567"}\r\n"@boris"\nnull\n'
    assert [(line.number, line.found) for line in read(content)] == [
        (1, Contact("anna", None, 77)),
        (3, Contact(phone="+79001234567")),
        (4, Contact("boris")),
        (5, DropReason.EMPTY),
    ]
    assert Source(io.BytesIO(content), Overrides()).detected.format == "jsonl"
    assert found(b'{"username": "anna"}') == [Contact("anna")]


@pytest.mark.parametrize(
    ("content", "meanings"),
    [
        ("Анна,@anna,+7 900 123-45-67\nБорис,@boris,+7 900 123-45-68\n", ["", "username", "phone"]),
        ("100000001;https://t.me/anna;Томск\n100000002;https://t.me/boris;Омск\n", ["user_id", "username", ""]),
        ("@anna;15000000\n@boris;15000000\n@vera;15000000\n", ["username", ""]),  # no ids: they repeat
        ("Томск;79001234567\nОмск;79001234568\n;-\nУфа;89001234569\nМосква;79001234570\n", ["", "phone"]),
        ("@anna,2024-01-05\n@boris,2024-01-06\n", ["username", ""]),
        ("@anna,5\n79001234567,6\n@vera,7\n", ["contact", ""]),
        ("anna_k,5\nboris,6\n", ["contact", ""]),
        ("@anna\n79001234567\n", ["contact"]),
    ],
)
def test_without_a_header_columns_are_told_by_their_content(content: str, meanings: list[str]) -> None:
    detected = Source(io.BytesIO(content.encode()), Overrides()).detected
    assert (detected.header, list(detected.columns.values())) == (False, meanings)


def test_a_header_of_unknown_words_is_told_by_what_stands_below() -> None:
    content = "Люди;Город\n@anna;Томск\n@boris;Омск\n".encode()
    assert Source(io.BytesIO(content), Overrides()).detected.columns == {"Люди": "username", "Город": ""}
    assert found(content)[0] == Contact("anna", fields={"Город": "Томск"})


def test_the_header_can_be_overruled() -> None:
    content = b"anna,Tomsk\nboris,Omsk\n"
    assert found(b"phone\nboris\n", header=False) == [Contact("phone"), Contact("boris")]
    assert found(content, header=False)[0] == Contact("anna", fields={"column_2": "Tomsk"})
    assert found(content, header=True, mapping={"username": "anna"}) == [Contact("boris", fields={"Tomsk": "Omsk"})]


@pytest.mark.parametrize(
    "header", ["a,a_3,a", "a,a,a,a_2,a_3", ",,column_1", "Имя,имя,Имя"], ids=["late", "early", "empty", "case"]
)
def test_columns_of_the_same_name_are_told_apart(header: str) -> None:
    detected = Source(io.BytesIO(f"username,{header}\n@anna,{header}\n".encode()), Overrides()).detected
    assert len(detected.columns) == 2 + header.count(",")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"@anna\n@boris\n@vera\n", "more than 2 rows"),
        (b'["@anna", "@boris", "@vera"]', "more than 2 rows"),
        (b'{"id": 1}\n{"id": 2}\n{"id": 3}', "more than 2 rows"),
        (b"@anna,1,2,3\n", "4 columns"),
        (b"@anna,12345678901\n", "longer than 10"),
        (b'[{"username": "anna", "x": "12345678901"}]', "longer than 10"),
    ],
)
def test_limits_are_kept(content: bytes, words: str) -> None:
    limits = FileLimits(rows=2, columns=3, cell=10)
    with pytest.raises(FileError, match=words):
        list(Source(io.BytesIO(content), Overrides(), limits).lines())


CELLS = st.one_of(
    st.sampled_from(["@anna", "Anna_K", "t.me/anna", "+79001234567", "8 900 123-45-67", "7", "79001234567", "7.9E+10"]),
    st.text(alphabet="@ab1 +7()-.Ж", max_size=14),
    st.text(max_size=5),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=20),
    st.permutations([*Meaning, None]).map(lambda all_: all_[:5]),
    st.sampled_from([None, "RU", "KZ"]),
)
def test_the_short_way_reads_rows_as_the_long_one(
    rows: list[list[str]], meanings: list[Meaning | None], country: str | None
) -> None:
    contacts = Contacts(country)
    columns = Columns(tuple(f"c{n}" for n in range(len(meanings))), tuple(meanings))
    reader = RowReader(contacts, columns)
    for row in rows:
        wide = columns.widened(len(row)) if len(row) > len(meanings) else columns
        long = contacts.read(zip(wide.meanings, wide.names, row, strict=False))
        assert reader.read(row) == long
        assert reader.quickly(row) in (None, long)


def test_a_long_json_list_is_read_element_by_element() -> None:
    content = json.dumps([{"username": f"user_{n}", "note": "ж" * 500} for n in range(2_000)], ensure_ascii=False)
    assert len(names(content.encode("utf-16"))) == 2_000


def test_a_mapping_overrules_the_header() -> None:
    content = "Контактное лицо;Код\nanna_k;5\n".encode("cp1251")
    assert found(content, mapping={"username": "контактное лицо"}) == [Contact("anna_k", fields={"Код": "5"})]
    assert found(content, mapping={"username": "1", "user_id": "2"})[1] == Contact("anna_k", user_id=5)
    assert found(b'[{"who": "anna"}]', mapping={"username": "who"}) == [Contact("anna")]


def test_encoding_and_delimiter_can_be_overruled() -> None:
    assert found("username;имя\n@anna;Ян\n".encode("koi8-r"), encoding="KOI8-R", delimiter=";") == [
        Contact("anna", first_name="Ян")
    ]


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"delimiter": "x"}, "delimiter"),
        ({"default_country": "Россия"}, "default_country"),
        ({"mapping": {"nose": "1"}}, "mapping"),
        ({"mapping": {"first_name": "1"}}, "mapping"),
    ],
)
def test_an_override_that_cannot_be_is_named(overrides: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(b"@anna\n", **overrides)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n\t\n", "empty"),
        ("\ufeff".encode("utf-16"), "empty"),
        (b"username,phone\n", "nothing below"),
        ("имя,фамилия\nАнна,Ким\n".encode(), "No column"),
        (b"@anna\n@bo\0ris\n", "line 2: There is a NUL"),
        (b"PK\x03\x04" + b"\0" * 50, "broken or cut off"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, "XLS"),
        ("username,имя\n@anna,Анна\n@boris,Бор".encode() + b"\xd0", "line 3: The text is broken"),
        ("username,имя\n@anna,Анна\n".encode() + b"\xff\xfe\n" + "@boris,Борис".encode(), "line 3"),
        ("@anna\n".encode("utf-16") + b"\x00", "broken"),
        (b"username,a" + b",b" * 300 + b"\n@anna\n", "302 columns"),
        (b"username\n@anna\n" + b"x" * 10_001 + b"\n", "line 3: A cell is longer"),
        (b"username\n@anna\n" + b"x" * 3_000_000 + b"\n", "line 3"),
        (b'username\n@anna\n"@boris\n@vera\n', "line 3: A quotation mark"),
        (b'[{"username": "anna"}', "JSON is broken"),
        (b'[{"username": "anna"},]', "JSON is broken"),
        (b'["anna"] ["boris"]', "JSON is broken"),
        (b'{"username": "anna",\n"id": 5}', "line 1: The JSON is broken"),
        (b'{"username": "anna"}\n{"username": "bo', "line 2: The JSON is broken"),
        (b'{"username": "anna"}\n' + b'{"a":' * 50_000, "line 2: The JSON is broken: it is nested"),
        (b'{"x": 1}', "No key"),
        (b'username,note\n@anna,"' + b"x\n" * 10_000, "line 2: A cell is longer"),
        (b"username,note\n@anna," + b"x" * 10_000_000 + b"\n", "line 2: The line is too long"),
        (b'username,note\n@anna,"' + b"x\n" * 5_000_000 + b'"\n', "line 2: A cell is longer"),
        (b"username" + b",b" * 4_999 + b"\n@anna\n", "5000 columns"),
        (b"username\n" + b"@anna\n" * 200 + b"x" * 3_000_000, "line 202: The line is too long"),
        (b"[]", "empty"),
        (b"[" * 100_000, "nested too deeply"),
        (b'["\\u0000anna"]', "NUL"),
        (b'["\\ud800"]', "surrogate"),
        (b"[NaN]", "JSON is broken"),
        (b'[{"x": "anna"}]', "No key"),
        (json.dumps([{f"k{n}": n for n in range(201)}]).encode(), "201 keys"),
        (json.dumps([{"username": "x" * 10_001}]).encode(), "longer than"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_and_where(content: bytes, words: str) -> None:
    with pytest.raises(FileError) as caught:
        read(content)
    assert words in str(caught.value)
    assert caught.value.field == "file"


@pytest.mark.parametrize("content", [b"who,x\n@anna,1\n", b'[{"who": "anna"}]'])
@pytest.mark.parametrize("again", ["who", " WHO ", "1"])
def test_a_column_that_is_mapped_twice_is_told(content: bytes, again: str) -> None:
    if again == "1" and content.startswith(b"["):
        again = "Who"  # JSON's keys have no numbers
    with pytest.raises(Invalid, match="named twice") as caught:
        read(content, mapping={"username": "who", "phone": again})
    assert caught.value.field == "mapping"


@pytest.mark.parametrize("content", [b"username\n@anna\n", b'[{"username": "anna"}]'])
def test_a_mapping_to_a_column_that_is_not_there_is_refused(content: bytes) -> None:
    with pytest.raises(FileError, match="does not have it"):
        read(content, mapping={"phone": "тел"})


def test_a_name_in_windows_1251_is_not_taken_for_broken_utf_8() -> None:
    assert found("username;имя\n@anna;Пётр\n".encode("cp1251"))[0] == Contact("anna", first_name="Пётр")


def test_every_drop_reason_has_its_sentences() -> None:
    for reason in DropReason:
        assert all(sentence(reason).values())


@settings(max_examples=250, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(alphabet='@anAЖ;,\t|\n\r"[]{}: 7+\0\ud83d\ude00'.replace("\ud83d\ude00", "😀"), max_size=200).map(
            str.encode
        ),
        st.text(max_size=100).map(lambda text: text.encode("utf-16", "surrogatepass")),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda each: st.lists(each, max_size=5) | st.dictionaries(st.text(max_size=8), each, max_size=5),
            max_leaves=20,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_whatever_bytes_come_each_line_is_somebody_or_has_a_reason(content: bytes) -> None:
    try:
        lines = read(content)
    except FileError:
        return
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))
    for line in lines:
        if isinstance(line.found, Contact):
            assert line.found.username or line.found.phone or line.found.user_id
