"""Claims: measured, recorded, asserted, and made by their notebooks."""

import html
import sys

import nbformat
import pytest
import torch

from gptcourse import claims, figures
from gptcourse.claims import Record, claim
from gptlib import plots


def record(values, **changes):
    fields = dict(
        notebook="03_multi_head",
        name="four heads instead of one",
        kind="difference",
        unit="nats",
        values=tuple(values),
        slack=0.02,
        minutes=0.4,
        device="cpu",
        threads=2,
        torch="2.13.0",
    )
    return Record(**fields | changes)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """An empty table in place of the committed one, and nothing measured, in 03."""
    path = tmp_path / "claims.csv"
    monkeypatch.setattr(claims, "claims_file", lambda: path)
    monkeypatch.setattr(claims, "measured", [])
    monkeypatch.setattr(figures, "measured", claims.measured)
    for module in (claims, figures):
        monkeypatch.setattr(module, "current_notebook", lambda: "03_multi_head")
    return path


def test_a_claim_prints_one_line(table, capsys):
    claim("four heads").differs(torch.tensor([-0.35, -0.18, -0.18]))
    out = capsys.readouterr().out
    assert out == "four heads → −0.24 nats (3 seeds: −0.35 −0.18 −0.18)\n"
    (kept,) = claims.measured
    assert kept.beyond_noise and kept.kind == "difference"
    assert kept.notebook == "03_multi_head" and kept.minutes >= 0
    assert kept.torch == torch.__version__.split("+")[0]


def test_fewer_seeds_than_recorded_are_shown_beside_the_record(table, capsys):
    claim("four heads").differs([-0.35, -0.18, -0.18])
    claims.update("03_multi_head", list(claims.measured))
    capsys.readouterr()
    claim("four heads").differs([-0.3512])
    out = capsys.readouterr().out
    assert out == "four heads → −0.24 nats (3 seeds: −0.35 −0.18 −0.18; here −0.35)\n"
    with pytest.raises(AssertionError, match="four heads"):
        claim("four heads").differs([-0.9])


def test_a_quantity_has_no_sign_and_small_values_have_three_decimals(table, capsys):
    claim("error").measures([0.031, 0.029])
    claim("share", unit="%").measures([41.2])
    first, second = capsys.readouterr().out.splitlines()
    assert first == "error → 0.030 nats (2 runs: 0.031 0.029)"
    assert second == "share → 41 % (1 run)"


@pytest.mark.parametrize("values", [[0.1], [0.1, 0.2], [0.1, -0.1, 0.2]])
def test_fewer_seeds_or_two_signs_are_within_the_noise(values):
    assert not record(values).beyond_noise


def test_a_time_is_printed_and_never_asserted(table, capsys):
    recorded = record([-50.0, -51.0], name="fused", unit="% of time")
    claims.save_claims([recorded])
    claim("fused", unit="% of time").differs([+900.0, +800.0])
    assert "+850 % of time" in capsys.readouterr().out


def test_a_claim_needs_a_started_notebook(monkeypatch):
    monkeypatch.setattr(sys.modules["gptcourse.start"], "_notebook", None)
    with pytest.raises(RuntimeError, match="first cell"):
        claim("four heads")


def test_a_value_out_of_range_says_what_is_normal(table):
    claims.save_claims([record([-0.20, -0.19, -0.18])])
    finding = claim("four heads instead of one")
    finding.differs([-0.21, -0.17, -0.16])
    with pytest.raises(AssertionError, match=r"−0.22 to −0.16 \(rec.*run all cells"):
        finding.differs([-0.19, -0.1, -0.19])


def test_normal_is_wider_where_seeds_differ_more():
    assert record([1.0]).normal == pytest.approx((0.98, 1.02))
    assert record([1.0, 1.5]).normal == pytest.approx((0.5, 2.0))
    assert record([100.0], slack=30.0).normal == (70.0, 130.0)


def test_table_round_trip_and_update(table):
    old, gone = record([0.1, 0.2]), record([9.0], name="gone")
    other = record([7.0], notebook="01_bigram")
    claims.save_claims([old, gone, other])
    assert claims.load_claims() == [other, old, gone]
    new = record([5.0], name="new", kind="quantity", unit="%")
    claims.update("03_multi_head", [new, record([0.3])])
    assert claims.load_claims() == [other, new, old]


def test_a_wrong_value_is_refused(table):
    with pytest.raises(ValueError, match="value"):
        claim("a").differs([float("nan")])
    assert claims.measured == []


def test_the_figure_has_a_row_per_difference_and_greys_the_noise(table):
    claims.save_claims(
        [
            record([0.1, 0.2, 0.3]),
            record([-0.1, 0.1, 0.2], name="nothing"),
            record([3.0], name="no difference", kind="quantity"),
            record([40.0, 41.0, 42.0], name="faster", unit="%"),
        ]
    )
    figure = figures.claims()
    nats, percent = figure.axes
    labels = [label.get_text() for label in nats.get_yticklabels()]
    assert labels == ["four heads instead of one", "nothing"]
    assert [label.get_text() for label in percent.get_yticklabels()] == ["faster"]
    colours = [line.get_color() for line in nats.get_lines()]
    assert plots.GREY in colours and plots.TRAIN in colours
    assert figure.get_supxlabel() == "cpu, 2 threads, torch 2.13.0; 0.4 minutes"


def test_committed_claims_are_made_by_their_notebooks():
    """Each row's name stands in the outputs of its notebook."""
    folder = claims.claims_file().parents[1]
    for row in claims.load_claims():
        notebook = nbformat.read(folder / f"{row.notebook}.ipynb", as_version=4)
        outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
        printed = "".join(o.get("text", "") for o in outputs)
        folded = [o.get("data", {}).get("text/html", "") for o in outputs]
        printed += html.unescape("".join(folded))
        # As it was printed, whatever the line ends.
        assert "".join(row.name.split()) in "".join(printed.split()), row
        low, high = row.normal
        assert low < row.mean < high, row


def test_every_claim_that_a_notebook_makes_is_in_the_table():
    folder = claims.claims_file().parents[1]
    recorded = {row.notebook for row in claims.load_claims()}
    for path in folder.glob("[0-9]*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        makes = any("claim(" in source for source in code)
        assert makes == (path.stem in recorded), path.stem
