"""Encodings and line ends: the same bars as in UTF-8, or a refusal; never text that was replaced in silence."""

import codecs
import csv
import encodings.aliases
import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.bars.form import tightened
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle

ROWS = [(f"2020-01-{day:02}", day * 1.25) for day in range(1, 29)]
TEXT = "symbol,timestamp,note,close\n" + "".join(f"AA,{day},x,{close}\n" for day, close in ROWS)
LINES = sorted(f"AA\t{day}\t{close!r}".encode() for day, close in ROWS)


def bars_of(path, **reading):
    settled, _ = settle([str(path)], Reading(values=("close",), **reading), slot=1, judged=True)
    parts = list(read_bars(str(path), settled.inputs[str(path)], keep_texts=True))
    found = [
        (part.symbols[code], int(at), value)
        for part in parts
        for code, at, value in zip(part.codes, part.times, part.values[0].tolist(), strict=True)
    ]
    return found, [text.reason for part in parts for text in part.texts], settled.inputs[str(path)].form


def all_codecs():
    """Every codec of text that Python has, found by its list of aliases."""
    for name in sorted(set(encodings.aliases.aliases.values())):
        try:
            info = codecs.lookup(name)
        except LookupError:
            continue
        if info._is_text_encoding and info.name not in ("punycode", "idna", "undefined", "utf-16", "utf-32"):
            yield info.name


@pytest.mark.parametrize("codec", list(all_codecs()))
def test_every_encoding_of_python(tmp_path, codec):
    (tmp_path / "plain.csv").write_text(TEXT)
    (tmp_path / "AA.csv").write_bytes(TEXT.encode(codec))
    plain, _, _ = bars_of(tmp_path / "plain.csv")
    found, rejected, _ = bars_of(tmp_path / "AA.csv", encoding=codec)
    assert found == plain and len(plain) == 28 and not rejected


@pytest.mark.parametrize("runner", ["inline", "local", pytest.param("spark", marks=pytest.mark.spark)])
@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda text: text.encode("utf-16"), "encoded as utf-16-le"),
        (lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), "encoded as utf-16-be"),
        (lambda text: text.encode("utf-32"), "encoded as utf-32-le"),
        (lambda text: text.replace("\n", "\r\n").encode("utf-16"), "encoded as utf-16-le"),
        (lambda text: text.replace("\n", "\r").encode("utf-16"), "encoded as utf-16-le, lines that end in CR alone"),
        (lambda text: text.replace("\n", "\r").encode(), "lines that end in CR alone"),
        (lambda text: codecs.BOM_UTF8 * 2 + text.encode(), None),
    ],
    ids=["utf-16", "utf-16-be", "utf-32", "crlf", "utf-16 cr", "cr", "two marks"],
)
def test_marks_and_line_ends(run_job, tmp_path, monkeypatch, runner, write, told):
    monkeypatch.setattr("windrow.runners.simulated.SPLIT_BYTES", 200)  # where it is split, that is in 5 pieces
    (tmp_path / "a.csv").write_bytes(write(TEXT))
    ran = run_job("-r", runner, "--window", "1", "-o", tmp_path / "out", tmp_path / "a.csv")
    assert ran.status == 0, ran.err
    assert (
        sorted(line for part in (tmp_path / "out").glob("part-*") for line in part.read_bytes().splitlines()) == LINES
    )
    forms = [f"{tmp_path}/a.csv: {told}"] if told else None
    assert json.loads((tmp_path / "out/_windrow.json").read_text()).get("forms") == forms
    assert told is None or forms[0] in ran.err


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("codec", ["utf-16-le", "gb18030", "shift_jis", "cp1252"])
def test_what_is_no_text_makes_rows_invalid_where_it_is_needed(tmp_path, codec, line_end):
    """In the close of one row and in the note, which no job needs, of another."""
    odd = {"utf-16-le": b"\x00\xd8", "gb18030": b"\xff", "shift_jis": b"\xff", "cp1252": b"\x81"}[codec]
    lines = [line.encode(codec) for line in TEXT.splitlines()]
    comma = ",".encode(codec)
    lines[5] = lines[5] + odd
    note = lines[9].split(comma)
    lines[9] = comma.join([*note[:2], odd, note[3]])
    (tmp_path / "AA.csv").write_bytes(line_end.encode(codec).join([*lines, b""]))
    found, rejected, _ = bars_of(tmp_path / "AA.csv", encoding=codec)
    assert len(found) == 27 and rejected == ["utf8"]
    assert [close for _, _, close in found] == [close for day, close in ROWS if day != "2020-01-05"]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(
    ("codec", "shared"), [("cp1252", True), ("koi8-r", True), ("gb18030", False), ("cp037", False)]
)
def test_mappers_share_what_has_a_byte_for_each_letter(run_job, tmp_path, monkeypatch, runner, codec, shared):
    monkeypatch.setattr("windrow.runners.simulated.SPLIT_BYTES", 150)
    symbol = bytes([0xE1]).decode(codec) if shared else "A"
    text = TEXT.replace("AA", symbol).replace("note", symbol)
    (tmp_path / "a.csv").write_bytes(text.encode(codec))
    options = ["-r", runner, "--num-cores", "1"] if runner == "local" else ["-r", runner]
    ran = run_job(*options, "-v", "--window", "1", "--encoding", codec, tmp_path / "a.csv")
    assert ran.status == 0 and ran.lines == [line.replace(b"AA", symbol.encode()) for line in LINES], ran.err
    assert (int(re.search("map tasks=([0-9]+)", ran.err)[1]) > 1) == shared, ran.err


def test_ascii_demands_ascii(tmp_path):
    """Two bytes that are none, and together one letter in UTF-8, are not that letter."""
    (tmp_path / "AA.csv").write_bytes(TEXT.replace("AA,2020-01-05", "ÄA,2020-01-05").encode())
    found, rejected, _ = bars_of(tmp_path / "AA.csv", encoding="ascii")
    assert len(found) == 27 and rejected == ["utf8"]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_a_text_that_ends_within_a_character_is_refused(run_job, tmp_path, codec):
    text = f"symbol,timestamp,close,note\n{'AA,2020-01-01,1,x' * 1}\nAA,2020-01-02,2,漢"
    (tmp_path / "a.csv").write_bytes(text.encode(codec)[:-1])
    options = [] if codec == "utf-32" else ["--encoding", codec]
    ran = run_job("--window", "1", "--max-bad", "1", *options, tmp_path / "a.csv")
    assert ran.status == 1 and ran.out == b"" and "ends within a character of" in ran.err, ran.err


def test_a_line_feed_among_lone_carriage_returns_is_no_line_end(tmp_path):
    """As a lone carriage return is none among line feeds."""
    path, lines = tmp_path / "a.csv", TEXT.splitlines()
    path.write_bytes("\r".join([*lines, ""]).encode())
    layout = settle([str(path)], Reading(values=("close",)), slot=1)[0].inputs[str(path)]
    lines[3] = lines[3].replace("x", "x,9\nAA,2020-03-02,x")
    path.write_bytes("\r".join([*lines, ""]).encode())
    (part,) = read_bars(str(path), layout)
    assert len(part) == 27 and dict(part.rejected) == {"quote": 1}
    with pytest.raises(InputError, match="is not a CSV header"):
        settle([str(path)], Reading(values=("close",)), slot=1)


def test_letters_of_other_alphabets(run_job, tmp_path):
    for codec, symbol in {"cp1251": "ГАЗП", "shift_jis": "トヨタ", "gb18030": "中石油", "latin-1": "Ø"}.items():
        (tmp_path / "a.csv").write_bytes(f"symbol,date,close\n{symbol},2020-01-01,1.5\n".encode(codec))
        ran = run_job("-q", "--window", "1", "--encoding", codec, tmp_path / "a.csv")
        assert ran.lines == [f"{symbol}\t2020-01-01\t1.5".encode()], ran.err


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_text_that_is_longer_in_utf_8_is_read_to_its_end(run_job, tmp_path, runner):
    (tmp_path / "a.csv").write_bytes(TEXT.replace("x", "中石油" * 20).encode("gb18030"))
    ran = run_job("-q", "-r", runner, "--window", "1", "--encoding", "gb18030", tmp_path / "a.csv")
    assert (ran.status, ran.lines) == (0, LINES), ran.err


@pytest.mark.parametrize(
    ("text", "asked", "says"),
    [
        (TEXT.encode("utf-16"), "cp1252", "begins with the mark of utf-16-le, but --encoding is cp1252"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-16-le", "begins with the mark of utf-8, but --encoding is utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16", "has no mark, so its order of bytes is not known"),
        (TEXT.encode("utf-16-le"), None, "has zeros between its letters, .*: --encoding utf-16-le"),
        (TEXT.encode("utf-16-be"), None, "has zeros between its letters, .*: --encoding utf-16-be"),
        ("symbol,date,clôse,close\nAA,2020-01-01,1,1\n".encode("cp1252"), None, "is not a CSV header in UTF-8"),
        (TEXT.encode("utf-16-be"), "utf-16-le", "has no symbol column"),
    ],
)
def test_what_contradicts_or_is_not_known_is_refused(tmp_path, text, asked, says):
    (tmp_path / "a.csv").write_bytes(text)
    with pytest.raises(InputError, match=says):
        bars_of(tmp_path / "a.csv", encoding=asked)


@pytest.mark.parametrize("name", ["", "cp99999", "base64", "rot13", "zlib", "idna", "unicode_escape", "a\0b", "../x"])
def test_what_is_no_encoding_is_refused(run_job, tmp_path, name):
    (tmp_path / "a.csv").write_text(TEXT)
    ran = run_job("--encoding", name, tmp_path / "a.csv")
    assert ran.status == 2 and "is not an encoding of text that Python knows; give one, e.g. cp1252" in ran.err


def test_standard_input(run_job):
    ran = run_job("-q", "--window", "1", "-", stdin=TEXT.encode("utf-16"))
    assert ran.status == 0 and ran.lines == LINES


#: Quoted fields with blanks around them, and what they are to csv, told that blanks may precede quotes.
LOOSE = [
    '"AA", "2020-01-01", "a, ""b"" c", "10.5"',
    '"AA" , "2020-01-02" , ", ""x""" , "1,234.5" ',
    '  "AA",2020-01-03,plain, 7',
    'AA, "2020-01-04", " , ", "8"',
    '"A, ""B""", "2020-01-05", "", "9"',
]


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_blanks_around_quoted_fields(run_job, tmp_path, delimiter):
    lines = ['"symbol", "timestamp", "note", "close"', *LOOSE]
    if delimiter != ",":  # commas within quotes stay
        rows = list(csv.reader(io.StringIO("\n".join(lines)), skipinitialspace=True))
        lines = [f"{delimiter} ".join('"{}"'.format(field.strip().replace('"', '""')) for field in row) for row in rows]
    (tmp_path / "a.csv").write_text("\r\n".join([*lines, ""]), newline="")
    ran = run_job("--window", "1", tmp_path / "a.csv")
    values = {"AA": [("01", "10.5"), ("02", "1234.5"), ("03", "7.0"), ("04", "8.0")], 'A, "B"': [("05", "9.0")]}
    right = [f"{symbol}\t2020-01-{day}\t{value}".encode() for symbol, of in values.items() for day, value in of]
    assert (ran.status, ran.lines) == (0, sorted(right)), ran.err
    assert "blanks around quotes" in ran.err


@settings(max_examples=300)
@given(
    st.lists(st.lists(st.text('ab ",;\t', max_size=6), min_size=2, max_size=4), min_size=1, max_size=5), st.randoms()
)
def test_blanks_around_quotes_are_removed_as_by_csv(rows, chance):
    """Written by hand with blanks before and behind, and read by csv from what is left."""

    def field(text):
        blanks = [" " * chance.randint(0, 2) for _ in range(2)]
        return f'{blanks[0]}"{text.replace(chr(34), chr(34) * 2)}"{blanks[1]}'

    text = "".join(",".join(map(field, row)) + "\n" for row in rows)
    left = tightened(text.encode(), ",").decode()
    assert list(csv.reader(io.StringIO(left), strict=True)) == rows
    assert left == "".join(",".join(field.strip() for field in line) + "\n" for line in split_by_hand(text))
    odd = text + '"open, "x"\n' + text  # a quote that is not closed, in one line
    assert tightened(odd.encode(), ",").decode().startswith(left) and tightened(odd.encode(), ",").decode().endswith(
        left
    )


def split_by_hand(text):
    """The fields of each line, quotes and blanks kept."""
    for line in text.splitlines():
        fields, within = [""], False
        for character in line:
            within ^= character == '"'
            if character == "," and not within:
                fields.append("")
            else:
                fields[-1] += character
        yield fields


def test_without_blanks_around_quotes_nothing_is_removed(run_job, tmp_path):
    (tmp_path / "a.csv").write_text('symbol,date,close\n"A, ""B"" C",2020-01-01,1\n')
    ran = run_job("-q", "--window", "1", tmp_path / "a.csv")
    assert ran.out == b'A, "B" C\t2020-01-01\t1.0\n'
