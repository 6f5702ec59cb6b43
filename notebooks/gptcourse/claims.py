"""Claims with error bars: what a notebook says is measured, recorded and asserted.

    claim("four heads instead of one", four, one)  # one loss per seed each, paired

prints the mean difference and each seed's in one line, those of the record where fewer
seeds run here; a value outside the range that
is normal on any machine fails, with a message that says where to look. Quantities of
time are printed only. The record is `notebooks/records/claims.csv`; `make claims`
measures it anew, `figures.claims()` draws a notebook's part of it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gptcourse.records import load_rows, save_rows, table
from gptcourse.start import current_notebook
from gptlib.errors import require_number

# Another processor rounds differently, and a training amplifies that: about as much
# as another seed does, and at least this much.
NATS_SLACK = 0.02
OTHER_SLACK = 0.1  # of the mean, for quantities in other units
# What depends on the machine and on what else runs there is never asserted.
TIMED = ("% of time", "× the time", "% of the peak")
LOOK = (
    "If you changed something above, that may be why: well done or try again. If not: "
    "run all cells from the top, in order, on a machine with nothing else to do"
)

measured: list["Record"] = []  # by this process, for `make notebooks` and `make claims`
_clock = [time.perf_counter()]  # when the last claim was reported


@dataclass(frozen=True)
class Record:
    """What was measured for one claim: the values, one per seed or repetition.

    kind: "difference" or "quantity". slack: how far beyond the values is normal.
    minutes: of the measuring cell, on `device` with `threads` threads.
    """

    notebook: str
    name: str
    kind: str
    unit: str
    values: tuple[float, ...]
    slack: float
    minutes: float
    device: str
    threads: int
    torch: str

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def normal(self) -> tuple[float, float]:
        """The lowest and the highest value that is normal on any machine."""
        slack = max(self.slack, max(self.values) - min(self.values))
        return min(self.values) - slack, max(self.values) + slack

    @property
    def beyond_noise(self) -> bool:
        """Whether three seeds or more agree: all above zero, or all below."""
        low, high = min(self.values), max(self.values)
        return len(self.values) >= 3 and low * high > 0

    def shown(self, value: float) -> str:
        """A value with as many decimals as the mean calls for, and a minus sign."""
        decimals = sum(abs(self.mean) < limit for limit in (10, 10, 0.1))
        sign = "+" if self.kind == "difference" else ""
        return f"{value:{sign}.{decimals}f}".replace("-", "−")

    def __str__(self) -> str:
        many = len(self.values) > 1
        timed = self.unit in TIMED  # in turns, with one seed
        runs = "seed" if self.kind == "difference" and not timed else "run"
        each = ": " + " ".join(map(self.shown, self.values)) if many else ""
        count = f"{len(self.values)} {runs}{'s' if many else ''}{each}"
        return f"{self.name} → {self.shown(self.mean)} {self.unit} ({count})"

    def with_one_run(self, here: "Record") -> str:
        """This record in one line, and what fewer runs measured here."""
        return f"{self}"[:-1] + f"; here {' '.join(map(self.shown, here.values))})"


class Claim:
    """One claim, made before its measurement, whose time it takes."""

    def __init__(self, name: str, unit: str, slack: float | None):
        self.name, self.notebook, self.unit = name, current_notebook(), unit
        self.slack, self.started = slack, time.perf_counter()

    def differs(self, values) -> None:
        """Report differences A - B, one per seed, each of a pair with the same seed.

        Raises AssertionError, saying what is normal, when one is out of range.
        """
        self._report("difference", values)

    def measures(self, values) -> None:
        """Report a quantity's values, one per seed or repetition; else as `differs`."""
        self._report("quantity", values)

    def _report(self, kind: str, values) -> None:
        minutes = (time.perf_counter() - self.started) / 60
        _clock[0] = time.perf_counter()
        values = tuple(require_number("value", float(v), -torch.inf) for v in values)
        mean = sum(values) / len(values)
        slack = NATS_SLACK if self.unit == "nats" else OTHER_SLACK * abs(mean)
        record = Record(
            notebook=self.notebook,
            name=self.name,
            kind=kind,
            unit=self.unit,
            values=values,
            slack=slack if self.slack is None else self.slack,
            minutes=minutes,
            device="cpu",
            threads=torch.get_num_threads(),
            torch=torch.__version__.split("+")[0],
        )
        measured.append(record)
        rows = [] if self.unit in TIMED else load_claims(self.notebook)
        known = [row for row in rows if row.name == self.name]
        fuller = [row for row in known if len(row.values) > len(values)]
        print(fuller[0].with_one_run(record) if fuller else record)
        for recorded in known:
            _compare(record, recorded)


def claim(
    name: str,
    values: Sequence[float] | None = None,
    baseline: Sequence[float] | None = None,
    *,
    unit: str = "nats",
    slack: float | None = None,
) -> Claim | None:
    """Claim that values differ from a baseline by what was recorded, seed by seed.

    values, baseline: one number per seed each; without a baseline the values
    themselves are claimed. Without values the clock starts, to report later with
    `differs` or `measures`. unit: those in `TIMED` are printed, not asserted. slack:
    how far beyond the recorded values is normal; default 0.02 nats, or a tenth of the
    mean in other units. Raises AssertionError, saying what is normal.
    """
    finding = Claim(name, unit, slack)
    if values is None:
        return finding
    finding.started = _clock[0]  # its work is what was done since the claim before
    if baseline is not None:
        pairs = zip(values, baseline, strict=True)
        finding.differs(one - other for one, other in pairs)
    else:
        finding.measures(values)
    return None


def load_claims(notebook: str | None = None) -> list[Record]:
    """Read the committed table, or a notebook's part."""
    records = load_rows(Record, claims_file())
    return [r for r in records if notebook in (None, r.notebook)]


def save_claims(records: list[Record]) -> None:
    """Write the table, by notebook, in the order of measuring."""
    records = sorted(records, key=lambda record: record.notebook)
    formats = {"values": ".4g", "slack": ".3g", "minutes": ".2f"}
    save_rows(claims_file(), Record, records, **formats)


def update(notebook: str, new: list[Record]) -> None:
    """Bring a notebook's rows in line with what it measured just now.

    A row that is there stays as it was recorded; claims no longer made are dropped.
    """
    before = {record.name: record for record in load_claims(notebook)}
    others = [record for record in load_claims() if record.notebook != notebook]
    save_claims([*others, *(before.get(record.name, record) for record in new)])


def claims_file() -> Path:
    """Where the table is kept."""
    return table("claims")


def _compare(record: Record, recorded: Record) -> None:
    low, high = recorded.normal
    for value in record.values:
        assert low <= value <= high, (
            f"{record.name}: {record.shown(value)} {record.unit}, but normal on any "
            f"machine is {record.shown(low)} to {record.shown(high)} (recorded on "
            f"{recorded.device} with {recorded.threads} threads, torch "
            f"{recorded.torch}). {LOOK}."
        )
