from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import LEAKED, RECIPE, build_run

from curate.errors import RunError
from curate.report import html
from curate.report.funnel import ReasonCount, as_text, funnels, undecided_counts
from curate.report.html import render
from curate.report.text import excerpt, marked_excerpt, printable


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made run."""
    return build_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    """Its report."""
    return render(run)


class Tags(HTMLParser):
    """Collects tags, the elements that are open at the end, and the text inside <mark>."""

    void = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.marked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag; it is open unless it is void."""
        self.seen.add(tag)
        self.attributes += attrs
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.seen.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        """The innermost open element is the one that ends."""
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        """Keep what is marked."""
        if self.open and self.open[-1] == "mark":
            self.marked.append(data)


def tags(page: str) -> Tags:
    """The page, parsed; it must be well-formed."""
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_the_funnel_adds_up_and_orders_reasons_by_lines(run: Path) -> None:
    """in = kept + dropped + undecided; the largest reason first, ties by name."""
    rows, responses = funnels(json.loads((run / "manifest.json").read_text()))
    assert (rows.n_in, rows.kept, rows.dropped, rows.undecided) == (12, 4, 7, 1)
    assert rows.reasons[:3] == (
        ReasonCount("contaminated", 2, 1),
        ReasonCount("too-easy", 2, 1),
        ReasonCount("exact-duplicate", 1, 1),
    )  # fmt: skip
    assert (responses.n_in, responses.kept, responses.dropped, responses.undecided) == (9, 4, 2, 1)
    assert responses.share(responses.dropped) == pytest.approx(2 / 9)


def test_a_run_without_responses_has_one_funnel(run: Path) -> None:
    """Response counts of zero are no funnel."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["counts"]["responses"] = {"in": 0, "kept": 0, "dropped": 0, "undecided": 0}
    assert [funnel.grain for funnel in funnels(manifest)] == ["row"]


def test_the_funnel_as_text_shows_counts_shares_and_bars(run: Path) -> None:
    """One line per reason with its bar and how many lines only it drops."""
    manifest = json.loads((run / "manifest.json").read_text())
    lines = as_text(manifest, width=12).splitlines()
    assert "  contaminated                2  16.67% ██  only 1" in lines
    assert lines[-1] == "undecided because of: too-easy (1), wrong-answer (1)"
    assert undecided_counts(manifest) == (("too-easy", 1), ("wrong-answer", 1))


def test_the_funnel_names_reasons_without_a_line_at_its_foot(run: Path) -> None:
    """They are no lines of the funnel; of many rules most drop nothing."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["reasons"]["row"] |= {"url": {"rows": 0, "only": 0}, "empty-prompt": {"rows": 0, "only": None}}
    manifest["reasons"]["response"]["too-long"] = {"responses": 0, "only": 0}
    text = as_text(manifest)
    assert text.splitlines()[-1] == "no line: empty-prompt, url, too-long"
    assert text.count("url") == 1
    assert "no line" not in as_text(json.loads((run / "manifest.json").read_text()))


def test_responses_of_rows_not_kept_are_a_line_of_the_funnel(run: Path) -> None:
    """in = kept + dropped + undecided + of rows not kept; a manifest without the count has no such line."""
    manifest = json.loads((run / "manifest.json").read_text())
    found = funnels(manifest)[1]
    assert (found.n_in, found.kept, found.dropped, found.undecided, found.of_other_rows) == (9, 4, 2, 1, 2)
    assert "of rows not kept            2  22.22% ██████" in as_text(manifest).splitlines()
    del manifest["counts"]["responses"]["of_other_rows"]
    assert "of rows not kept" not in as_text(manifest)


def test_a_count_without_meaning_is_a_dash(run: Path) -> None:
    """`only` is null for a reason that follows from what other rules drop."""
    text = as_text(json.loads((run / "manifest.json").read_text()), width=12)
    assert "  no-response-left            1   8.33% █  only –" in text.splitlines()


def test_quarantined_rows_have_no_share_of_the_rows_that_came_in(run: Path) -> None:
    """They were not in, so a percentage of what was in could be more than 100."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["counts"]["rows"]["quarantined"] = 30
    assert "(quarantined, not in)           30" in as_text(manifest).splitlines()


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    """No script, image, link element or address; well-formed; scripts are forbidden besides."""
    found = tags(page)
    assert not found.seen & {"script", "img", "link", "iframe", "object", "base", "form"}
    assert not [value for name, value in found.attributes if name in ("src", "srcset", "onclick", "onload")]
    assert all(str(value).startswith("#") for name, value in found.attributes if name == "href")
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in page


def test_markup_and_control_characters_of_rows_are_inert(page: str) -> None:
    """A <script> in a prompt is text; NUL and escape are spelled out; other characters stay."""
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    assert "a \\x00 NUL, a \\x1b[31m red, 数学 🙂" in page


def test_the_page_marks_the_leak_and_names_the_item(page: str) -> None:
    """The matched part of a contaminated prompt is marked, with benchmark and item beside it."""
    assert tags(page).marked == [LEAKED, LEAKED]
    assert page.split('id="rows-contaminated"')[1].split("</section>")[0].count("<mark>") == 2
    assert "matches toy_bench / toy-7" in page


def test_the_page_shows_a_duplicate_beside_the_row_that_stayed(page: str) -> None:
    """Row 3 stands next to row 0, with the values the keep-one rule saw of both."""
    section = page.split('id="rows-near-duplicate"')[1].split("</section>")[0]
    assert "kept instead: row 0" in section
    assert re.findall(r"<dt>pass\.correct</dt><dd>(\w+)</dd>", section) == ["null", "1"]


def test_the_page_has_a_section_for_every_reason_with_its_rule(page: str) -> None:
    """Rows, responses and undecided lines: rule text, counts and measured values."""
    for anchor in ("rows-contaminated", "rows-no-response-left", "responses-looping", "lines-too-easy"):
        assert f'id="{anchor}"' in page
    looping = page.split('id="responses-looping"')[1].split("</section>")[0]
    assert "loops.longest_run &gt;= 50" in looping
    assert "<dt>loops.longest_run</dt><dd>400</dd>" in looping
    assert "[1,100 characters]" in looping


def test_the_page_names_reasons_that_dropped_nothing_in_one_line(run: Path) -> None:
    """No empty card for each: neither a section nor a line of the funnel."""
    manifest = json.loads((run / "manifest.json").read_text())
    none = {"rows": 0, "only": 0}
    manifest["reasons"]["row"] |= {"url": none, "empty-prompt": none}
    manifest["reasons"]["response"] = {"too-long": {"responses": 0, "only": 0}}
    page = render(run, manifest)
    tags(page)
    assert "No row dropped by: empty-prompt, url." in page
    assert "No response dropped by: too-long." in page
    assert 'id="rows-url"' not in page
    assert 'href="#rows-url"' not in page
    assert 'href="#responses"' in page


def test_the_page_shows_responses_of_rows_not_kept_and_counts_without_meaning(page: str) -> None:
    """A part of the bar and of its legend; a dash where `only` is null."""
    assert '<span class="of_other_rows" style="width:22.2222%">' in page
    assert "of rows not kept <b>2</b> (22.2%)" in page
    line = page.split('href="#rows-no-response-left"')[1].split("</tr>")[0]
    assert '<td class="n">1</td><td class="n">–</td><td class="n">8.3%</td>' in line


@pytest.mark.parametrize(
    ("output", "format_name", "sentence"),
    [
        ("", "messages", "The records are shuffled with the seed 0 ("),
        ("[output]\nshuffle-seed = 7\n", "verl", "The records are shuffled with the seed 7 ("),
        ('[output]\nshuffle-seed = "none"\n', "verl", "The records are in the order of the input."),
        ("", "original", "The records are in the order of the input."),
        ("[output]\nshuffle-seed = 7\n", "original", "The records are shuffled with the seed 7 ("),
    ],
)
def test_the_page_says_in_which_order_the_records_are(
    tmp_path: Path, output: str, format_name: str, sentence: str
) -> None:
    """The recipe's seed; where it names none 0 or, in the format original, the order of the input."""
    run = build_run(tmp_path / "run", RECIPE + output)
    manifest = json.loads((run / "manifest.json").read_text())
    assert sentence in render(run, {**manifest, "format": format_name})


def test_the_page_counts_sources(page: str) -> None:
    """Rows in and kept per source; rows that name none are a line of their own."""
    cells = re.findall(r"<td>([\w()]+)</td>" + r'<td class="n">(\d+)</td>' * 4, page)
    assert ("books", "3", "2", "0", "1") in cells
    assert ("(none)", "1", "0", "1", "0") in cells


def test_the_same_run_gives_the_same_page_wherever_it_lies(run: Path, page: str, tmp_path: Path) -> None:
    """No time, no path, no unordered iteration in the page."""
    assert render(build_run(tmp_path / "elsewhere")) == page
    assert str(run) not in page


def test_examples_are_a_sample_that_is_always_the_same(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more lines than fit some are shown, the same ones every time."""
    monkeypatch.setattr(html, "EXAMPLES", 1)
    monkeypatch.setattr(html, "KEPT_EXAMPLES", 2)
    pages = {render(run) for _ in range(8)}
    assert len(pages) == 1
    section = pages.pop().split('id="kept"')[1].split("<h2")[0]
    assert len(re.findall(r'class="id">row (\d+)', section)) == 2


def test_a_run_about_to_be_finished_gives_its_manifest(run: Path, page: str, tmp_path: Path) -> None:
    """The page can be made before manifest.json is there."""
    copy = build_run(tmp_path / "run")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").unlink()
    assert render(copy, manifest) == page
    with pytest.raises(RunError, match="expected a finished run"):
        render(copy)


def test_a_run_without_responses_or_reasons_has_a_page(run: Path, tmp_path: Path) -> None:
    """Tables that are not there are sections that are not there."""
    import shutil

    copy = build_run(tmp_path / "run", RECIPE, {})
    for name in ("input/responses", "response_verdicts", "evidence/math", "evidence/loops"):
        shutil.rmtree(copy / name)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["counts"]["responses"] = {"in": 0, "kept": 0, "dropped": 0, "undecided": 0}
    manifest["reasons"] = {"row": {}, "response": {}}
    manifest["undecided"] = {}
    manifest["evidence"] = {
        name: item for name, item in manifest["evidence"].items() if item["grain"] == "row"
    }
    page = render(copy, manifest)
    tags(page)
    assert 'id="responses"' not in page
    assert "The recipe has no rule about rows." in page


@given(st.text(), st.integers(-5, 50), st.integers(-5, 50), st.integers(1, 40))
def test_a_marked_excerpt_never_loses_or_invents_text(text: str, start: int, end: int, limit: int) -> None:
    """Pieces hold printable text only, the marked one is the span, and short texts are whole."""
    pieces = marked_excerpt(text, (start, end), limit)
    marked = [piece.text for piece in pieces if piece.marked]
    inside = text[max(start, 0) : max(end, 0)]
    assert marked == ([excerpt(inside, limit)] if inside else [])
    if len(text) <= limit // 2:
        assert "".join(piece.text for piece in pieces) == printable(text)


def test_a_long_text_is_cut_in_the_middle_with_a_count() -> None:
    """Ten million characters become a few hundred, and the page says how many are missing."""
    cut = excerpt("a" * 10_000_000, 600)
    assert "[9,999,400 characters]" in cut
    assert len(cut) < 700
