"""Claims with error bars: what a notebook says is measured, recorded and asserted.

    claim = Claim("four heads instead of one", "03_multi_head")  # the clock starts
    ...                                     # train both with several seeds
    claim.differs(differences)              # one difference a seed, paired

prints the mean and the range over the seeds, where and how long it ran, and what is
normal on other machines; a value outside that range fails, with a message that says
where to look. The record is `notebooks/records/claims.csv`; `make claims` measures
it anew, `figures.claims("03_multi_head")` draws a notebook's part of it.
"""

import csv
import textwrap
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from gptlib.errors import require_number
from gptlib.files.atomic import write_table
from gptlib.files.fetch import project_folder

# Another processor rounds differently, and a training amplifies that: about as much
# as another seed does, and at least so much.
NATS_SLACK = 0.02
OTHER_SLACK = 0.1  # of the mean, for quantities in other units
LOOK = (
    "If you changed something above, that may be why: well done or try again. If not: "
    "run all cells from the top, in order, on a machine with nothing else to do"
)

measured: list["Record"] = []  # by this process, for `make notebooks` and `make claims`


@dataclass(frozen=True)
class Record:
    """What was measured for one claim: the values, one a seed (or repetition).

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
        """Whether three seeds or more say the same: all above zero, or all below."""
        low, high = min(self.values), max(self.values)
        return len(self.values) >= 3 and low * high > 0

    def shown(self, value: float, sign: bool = False) -> str:
        places = 3 if self.unit == "nats" else 2 if abs(self.mean) < 10 else 0
        return f"{value:{'+' if sign else ''}.{places}f}"

    def __str__(self) -> str:
        sign = self.kind == "difference"
        values = ", ".join(self.shown(value, sign) for value in self.values)
        seeds = "1 run" if len(self.values) == 1 else f"{len(self.values)} runs"
        text = (
            f"{self.name}: {self.shown(self.mean, sign)} {self.unit} "
            f"({seeds}: {values}{_verdict(self)})"
        )
        ran = (
            f"{self.device}, {self.threads} threads, torch {self.torch}, "
            f"{self.minutes:.1f} minutes"
        )
        return textwrap.fill(text, 79) + "\n" + ran


class Claim:
    """One claim of a notebook; made before its measurement, whose time it takes.

    unit: of the values. slack: how far beyond the recorded values is still normal, in
    that unit; default 0.02 nats, or a tenth of the mean in other units.
    device: where it runs, as torch names it.
    """

    def __init__(
        self,
        name: str,
        notebook: str,
        *,
        unit: str = "nats",
        slack: float | None = None,
        device: str = "cpu",
    ):
        self.name, self.notebook, self.unit, self.slack = (name, notebook, unit, slack)
        self.device = torch.device(device).type
        self._started = time.perf_counter()

    def differs(self, values) -> None:
        """Report differences A - B, one a seed, each of a pair with the same seed.

        Raises AssertionError, saying what is normal, when one is out of range.
        """
        self._report("difference", values)

    def measures(self, values) -> None:
        """Report a quantity's values, one a seed or repetition; else as `differs`."""
        self._report("quantity", values)

    def _report(self, kind: str, values) -> None:
        minutes = (time.perf_counter() - self._started) / 60
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
            device=self.device,
            threads=torch.get_num_threads(),
            torch=torch.__version__.split("+")[0],
        )
        print(record)
        measured.append(record)
        key = self.notebook, self.name
        for recorded in load_claims():
            if (recorded.notebook, recorded.name) == key:
                _compare(record, recorded)


def load_claims(notebook: str | None = None, path: Path | None = None) -> list[Record]:
    """Read the committed table, or a notebook's part; no file is an empty one."""
    path = claims_file() if path is None else path
    if not path.is_file():
        return []
    kinds = {field.name: field.type for field in fields(Record)}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    records = []
    for row in rows:
        values = tuple(float(value) for value in row.pop("values").split())
        simple = {name: kinds[name](value) for name, value in row.items()}
        records.append(Record(**simple, values=values))
    return [r for r in records if notebook in (None, r.notebook)]


def save_claims(records: list[Record], path: Path | None = None) -> None:
    """Write the table, notebook by notebook, in the order they were measured."""
    path = claims_file() if path is None else path
    columns = [field.name for field in fields(Record)]
    rows = []
    for record in sorted(records, key=lambda record: record.notebook):
        row = asdict(record)
        row["values"] = " ".join(f"{value:.4g}" for value in record.values)
        row["slack"] = f"{record.slack:.3g}"
        row["minutes"] = f"{record.minutes:.2f}"
        rows.append([row[name] for name in columns])
    write_table(path, columns, rows)


def update(notebook: str, new: list[Record]) -> None:
    """Bring a notebook's rows in line with what it measured just now.

    A row that is there stays as it was recorded; claims no longer made are dropped.
    """
    before = {record.name: record for record in load_claims(notebook)}
    others = [record for record in load_claims() if record.notebook != notebook]
    save_claims([*others, *(before.get(record.name, record) for record in new)])


def claims_file() -> Path:
    """Where the table is kept."""
    return project_folder("notebooks") / "records" / "claims.csv"


def _verdict(record: Record) -> str:
    if record.kind != "difference":
        return ""
    if record.beyond_noise:
        return "; all agree"
    return "; one seed" if len(record.values) == 1 else "; within the noise"


def _compare(record: Record, recorded: Record) -> None:
    low, high = recorded.normal
    normal = f"{recorded.shown(low)} to {recorded.shown(high)} {recorded.unit}"
    for value in record.values:
        assert low <= value <= high, (
            f"{record.name}: {record.shown(value)} {record.unit}, but normal on any "
            f"machine is {normal} (recorded on {recorded.device} with "
            f"{recorded.threads} threads, torch {recorded.torch}). {LOOK}."
        )
    print(f"recorded: {recorded.shown(recorded.mean)}; normal anywhere: {normal}")
