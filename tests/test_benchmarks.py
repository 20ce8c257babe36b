"""What benchmarks say of what they have measured."""

import pytest

from benchmarks import table
from benchmarks.measuring import absolute, compare

ORDER = ["publishing", "serving", "desk"]


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Puts what a part notes into an otherwise empty document; gives the document's lines."""
    document = tmp_path / "performance.md"
    document.write_text(f"# Before\n\n{table.BEGIN}{table.END}\nAfter\n")
    monkeypatch.setattr(table, "DOCUMENT", document)
    monkeypatch.setattr(table, "_circumstances", " and ".join)

    def put(part, *figures):
        path = tmp_path / part
        path.unlink(missing_ok=True)
        monkeypatch.setenv("BENCH_FIGURES", str(path))
        for figure in figures:
            figure()
        table.write(part, path, ["PostgreSQL 18"], ORDER)
        return document.read_text().splitlines()

    return put


def page(*rates):
    return lambda: compare(
        "a page", rates, [1000, 2000, 4000], unit="answers/s", of="nginx", must=0.4, aim=0.55,
        better="higher", decimals=0,
    )  # fmt: skip


def test_a_ratio_is_that_of_each_pair_and_is_judged_by_its_median(measure, capsys):
    lines = measure("serving", page(300, 1200, 2000))

    assert lines == [
        "# Before",
        "",
        table.BEGIN.strip(),
        *table.HEAD.splitlines(),
        "| `serving` | a page | 300, 1,200, 2,000 answers/s | nginx | 1,000, 2,000, 4,000 "
        "| 0.30, 0.50, 0.60 | ≥ 0.4 | ≥ 0.55 | must reached |",
        "",
        "- `serving`: PostgreSQL 18",
        table.END.strip(),
        "",
        "After",
    ]
    assert capsys.readouterr().out == (
        "a page: 1,200 answers/s; nginx: 2,000; ratio 0.30 / 0.50 / 0.60 (must reached; must 0.4, aim 0.55)\n"
    )


def test_a_limit_that_is_no_ratio_is_held_against_what_was_judged(measure, capsys):
    lines = measure(
        "serving",
        lambda: absolute("seen", [0.1, 0.2, 0.9], unit="s", judged=("p99", 0.9), must=1, aim=0.3),
    )

    assert (
        "| `serving` | seen | 0.10, 0.20, 0.90 s |  |  | p99: 0.90 s | ≤ 1 | ≤ 0.3 | must reached |"
        in lines
    )
    assert capsys.readouterr().out == (
        "seen: p99 0.90 s of 3; min 0.10, median 0.20, max 0.90 (must reached; must 1, aim 0.3)\n"
    )


def test_a_part_that_is_measured_again_replaces_its_own_rows_alone(measure):
    measure("desk", page(900, 1800, 3600))
    measure("serving", page(300, 400, 400), page(300, 400, 400))

    lines = measure("serving", page(100, 100, 100))

    assert [line.split(" | ")[0] + " | " + line.split(" | ")[-1] for line in lines[5:7]] == [
        "| `serving` | **missed** |",
        "| `desk` | aim reached |",
    ]
    assert lines[7:10] == ["", "- `serving`: PostgreSQL 18", "- `desk`: PostgreSQL 18"]


def test_a_part_that_notes_nothing_leaves_the_table_as_it_is(measure):
    before = measure("desk", page(900, 1800, 3600))

    assert measure("publishing") == before
