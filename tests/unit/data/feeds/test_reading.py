"""Files as tables of texts: refusals in one sentence, and the right line for every row."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import FileRefusedError
from data.feeds.reading import read_feed
from data.feeds.specs import FEEDS
from data.feeds.splitting import split

SALES = FEEDS["sales"]
HEADER = "business_date,store_id,sku,units\n"
ROW = "2026-06-01,1,A,3\n"


@pytest.fixture
def read(tmp_path):
    def read_content(content, spec=SALES):
        path = tmp_path / "sales.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_feed(spec, path)

    return read_content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (HEADER, "it has a header but no rows"),
        (HEADER + "\n,,,\n", "it has a header but no rows"),
        ("\n" + HEADER + ROW, "first line is blank"),
        (
            HEADER + ROW + "2026-06-02,1,A,3",
            "ends within line 3, after '2026-06-02,1,A,3' and without a line break",
        ),
        (HEADER + ROW + "2026-06-02,1", "ends within line 3"),
        (HEADER.encode() + b"2026-06-01,Caf\xe9,A,3\n", "not UTF-8 text (line 2)"),
        ((HEADER + ROW).encode("utf-16"), "it is UTF-16 text"),
        ((HEADER + ROW).encode("utf-16-le"), "zero bytes (line 1)"),
        ("business_date,store_id,units\n2026-06-01,1,3\n", "header lacks sku; sales knows business_date"),
        ("business_date,units\n2026-06-01,1\n", "header lacks store_id and sku"),
        (
            HEADER.replace("units", "units,till") + "2026-06-01,1,A,3,7\n",
            "header has till, which is no column",
        ),
        (HEADER.replace("units", "units,sku") + "2026-06-01,1,A,3,7\n", "header names sku twice"),
        (HEADER.replace("units", "units,") + "2026-06-01,1,A,3,7\n", "column 5 of its header has no name"),
        (HEADER.replace(",", ";") + ROW.replace(",", ";"), "not separated by commas"),
        (HEADER + ROW + '2026-06-02,1,"A,3\n' + ROW, "a quotation mark opened on line 3 is never closed"),
        (gzip.compress((HEADER + ROW).encode(), mtime=0)[:-9], "the gzip file ends early"),
        (gzip.compress((HEADER + ROW).encode(), mtime=0)[:-8] + b"damaged!", "the gzip file is damaged"),
        ("line,column,value,reason," + HEADER + "3,units,x,y," + ROW, "lists rejected rows"),
    ],
    ids=lambda part: part[:30] if isinstance(part, str) and " " in part else "content",
)
def test_a_file_that_is_no_whole_feed_is_refused_in_one_sentence(read, content, sentence):
    with pytest.raises(FileRefusedError) as refusal:
        read(content)

    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileRefusedError, match="there is no such file"):
        read_feed(SALES, tmp_path / "sales.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(FileRefusedError, match="it is a folder"):
        read_feed(SALES, tmp_path)


def test_stock_needs_a_column_that_counts(read):
    with pytest.raises(FileRefusedError, match="lacks on_hand or in_stock"):
        read("business_date,store_id,sku\n2026-06-01,1,A\n", FEEDS["stock"])


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROW).encode(),
        b"\xef\xbb\xbf" + (HEADER + ROW).encode(),
        gzip.compress((HEADER + ROW).encode()),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
        (HEADER + ROW).replace("\n", "\r").encode(),
        b' Business_Date , "store_id",SKU,units\n 2026-06-01 ,"1",\tA , 3\n',
    ],
    ids=["plain", "byte order mark", "gzip", "windows", "old mac", "spaces and quotes"],
)
def test_the_same_rows_are_read_however_they_are_written(read, content):
    cells = read(content).cells

    assert cells.to_dict("index") == {
        2: {"business_date": "2026-06-01", "store_id": "1", "sku": "A", "units": "3"}
    }


def test_columns_may_stand_in_any_order_and_ids_stay_text(read):
    cells = read("units,sku,store_id,business_date\n3,1e5,007,2026-06-01\n").cells

    assert cells.loc[2, ["store_id", "sku"]].to_list() == ["007", "1e5"]


def test_text_that_looks_like_nothing_stays_text(read):
    cells = read(HEADER + "2026-06-01,NA,null,3\n").cells

    assert cells.loc[2, ["store_id", "sku"]].to_list() == ["NA", "null"]


def test_lines_count_quoted_line_breaks_and_blank_lines(read):
    raw = read(HEADER + ROW + '\n2026-06-01,"1\n2",A,3\n\r\n , ,,\n' + ROW + ROW)

    assert raw.cells.index.to_list() == [2, 4, 8, 9]
    assert raw.cells.loc[4, "store_id"] == "1\n2"
    assert raw.rows == 4


def test_a_row_that_does_not_fit_the_header_is_named_and_the_others_are_read(read):
    raw = read(HEADER + ROW + "2026-06-01,1,A\n" + '"a,b",2,3,4,5\n' + ROW)

    assert raw.cells.index.to_list() == [2, 5]
    assert raw.misfits["line"].to_list() == [3, 4]
    assert raw.misfits["reason"].to_list() == [
        "the row has 3 cells, the header has 4 columns",
        "the row has 5 cells, the header has 4 columns",
    ]
    assert raw.rows == 4


def test_a_file_of_misfits_only_has_no_cells(read):
    raw = read(HEADER + "1,2\n")

    assert len(raw.cells) == 0
    assert len(raw.misfits) == 1


def test_a_quotation_mark_within_a_plain_cell_is_part_of_it(read):
    raw = read(HEADER + '2026-06-01,1,5" pipe,3\n' + ROW)

    assert raw.cells["sku"].to_dict() == {2: '5" pipe', 3: "A"}


def test_a_doubled_quotation_mark_is_one(read):
    assert read(HEADER + '2026-06-01,1,"5"" pipe",3\n').cells.loc[2, "sku"] == '5" pipe'


def test_a_wrongly_quoted_row_is_rejected_with_its_line_and_the_others_are_read(read):
    raw = read(HEADER + ROW + '2026-06-01,1,"A"x,3\n' + ROW)

    assert raw.cells.index.to_list() == [2, 4]
    assert raw.misfits["line"].to_list() == [3]
    assert "must be doubled" in raw.misfits["reason"].iloc[0]


def test_an_endless_row_is_rejected_and_the_others_are_read(read):
    raw = read(HEADER + "2026-06-01,1," + "A" * 200_000 + ",3\n" + ROW)

    assert raw.cells.index.to_list() == [3]
    assert raw.misfits["reason"].to_list() == ["the row is longer than 100,000 characters"]


def test_a_mended_list_of_rejected_products_is_read_without_the_marks(read):
    raw = read(
        "line,column,value,reason,sku,style_id,category\n7,sku,,sku: is missing,A,a,x\n9,,?,too long,,,\n",
        FEEDS["products"],
    )

    assert list(raw.cells.columns) == ["sku", "style_id", "category"]
    assert raw.cells.index.to_list() == [2]


CELLS = st.text(st.sampled_from('ab ",\n\té'), max_size=5)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12))
def test_any_rows_come_back_with_the_lines_on_which_they_were_written(rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    expected = {}
    for row in rows:
        line = text.getvalue().count("\n") + 2
        writer.writerow(row)
        if any(cell.strip() for cell in row):
            expected[line] = [cell.strip() for cell in row]

    found = split(b"\n" + text.getvalue().encode(), ["a", "b", "c"])

    assert dict(zip(found.cells.index.to_list(), found.cells.to_numpy().tolist(), strict=True)) == expected
    assert len(found.misfits) == 0


@given(st.lists(st.text(st.sampled_from("ab,\n"), max_size=8), min_size=1, max_size=12))
def test_the_fast_and_the_careful_reader_agree(lines):
    body = "\n" + "\n".join(lines) + "\n"
    careful = body + 'x,5"\n'

    fast, slow = split(body.encode(), ["a", "b"]), split(careful.encode(), ["a", "b"])

    assert fast.cells.to_dict("index") == slow.cells.iloc[:-1].to_dict("index")
    assert fast.misfits["line"].to_list() == slow.misfits["line"].to_list()
