import nbformat
import pytest
import torch

from gptcourse import claims, figures
from gptcourse.claims import Claim, Record
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
    """An empty table in place of the committed one, and nothing measured."""
    path = tmp_path / "claims.csv"
    monkeypatch.setattr(claims, "claims_file", lambda: path)
    monkeypatch.setattr(claims, "measured", [])
    return path


def test_a_claim_prints_what_it_is_worth(table, capsys):
    Claim("four heads", "03_multi_head").differs(torch.tensor([-0.2, -0.19, -0.195]))
    out = capsys.readouterr().out
    assert "-0.195 nats (3 runs: -0.200, -0.190, -0.195; all agree)" in out
    assert f"torch {torch.__version__.split('+')[0]}" in out and "minutes" in out
    (kept,) = claims.measured
    assert kept.beyond_noise and kept.kind == "difference"


@pytest.mark.parametrize(
    ("values", "says"),
    [([0.1], "one seed"), ([0.1, 0.2], "noise"), ([0.1, -0.1, 0.2], "noise")],
)
def test_what_the_seeds_do_not_show_is_said(table, capsys, values, says):
    Claim("a change", "07_overfitting").differs(values)
    assert says in capsys.readouterr().out
    assert not claims.measured[0].beyond_noise


def test_a_value_out_of_range_says_what_is_normal(table, capsys):
    claims.save_claims([record([-0.20, -0.19, -0.18])])
    claim = Claim("four heads instead of one", "03_multi_head")
    claim.differs([-0.21, -0.17, -0.16])
    assert "normal anywhere: -0.220 to -0.160 nats" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"-0.220 to -0.160 nats .*run all cells"):
        claim.differs([-0.19, -0.1, -0.19])


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
        Claim("a", "b").differs([float("nan")])
    assert claims.measured == []


def test_the_figure_has_a_row_a_difference_and_greys_the_noise(table):
    claims.save_claims(
        [
            record([0.1, 0.2, 0.3]),
            record([-0.1, 0.1, 0.2], name="nothing"),
            record([3.0], name="no difference", kind="quantity"),
            record([40.0, 41.0, 42.0], name="faster", unit="%"),
        ]
    )
    nats, percent = figures.claims("03_multi_head").axes
    labels = [label.get_text() for label in nats.get_yticklabels()]
    assert labels == ["four heads instead of one", "nothing"]
    assert [label.get_text() for label in percent.get_yticklabels()] == ["faster"]
    colours = [line.get_color() for line in nats.get_lines()]
    assert plots.GREY in colours and plots.TRAIN in colours


def test_committed_claims_are_made_by_their_notebooks():
    """Each row's name stands in its notebook's code, and one seed is said to be one."""
    folder = claims.claims_file().parents[1]
    for row in claims.load_claims():
        notebook = nbformat.read(folder / f"{row.notebook}.ipynb", as_version=4)
        outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
        printed = "".join(o.get("text", "") for o in outputs)
        # As it was printed, whatever the line ends.
        assert "".join(row.name.split()) in "".join(printed.split()), row
        if row.kind == "difference" and len(row.values) == 1:
            assert "oneseed)" in "".join(printed.split()), row
        low, high = row.normal
        assert low < row.mean < high, row


def test_every_claim_that_a_notebook_makes_is_in_the_table():
    folder = claims.claims_file().parents[1]
    recorded = {row.notebook for row in claims.load_claims()}
    for path in folder.glob("[0-9]*.ipynb"):
        makes = "Claim(" in path.read_text(encoding="utf-8")
        assert makes == (path.stem in recorded), path.stem
