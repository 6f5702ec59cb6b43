"""The runs that a reader keeps for comparison. Read next: `chart.py`."""

from gptlib.lab.run import Record


class KeptRuns(list[Record]):
    """Runs with different names, in the order in which they were kept."""

    def add(self, record: Record) -> None:
        """Keep a run; it replaces one of the same name."""
        self[:] = [old for old in self if old.name != record.name] + [record]

    def rename(self, name: str, to: str) -> None:
        """Rename a run. Raises ValueError if there is none, or the name is taken."""
        run, to = self.named(name), to.strip() or name
        if to != name and to in [other.name for other in self]:
            raise ValueError(f"{to!r} is the name of another kept run")
        run.name = to

    def delete(self, name: str) -> None:
        """Delete a run. Raises ValueError if there is none of this name."""
        self.remove(self.named(name))

    def named(self, name: str) -> Record:
        """Return the run of a name. Raises ValueError if there is none."""
        for run in self:
            if run.name == name:
                return run
        names = [run.name for run in self]
        raise ValueError(f"no kept run is called {name!r}; there are {names}")

    def ranked(self) -> list[Record]:
        """The runs, lowest val first, then smallest gap there."""
        return sorted(self, key=lambda run: (run.best.val, run.best.gap))

    def table(self) -> list[dict]:
        """One row per run, best first."""
        return [row(run) for run in self.ranked()]


def row(run: Record) -> dict:
    """What a table says about a run."""
    best, last = run.best, run.checks[-1]
    whole = "" if run.whole_val is None else f"{run.whole_val:.3f}"
    return {
        "run": run.name,
        "steps": len(run.history),
        "best val": f"{best.val:.3f}",
        "at step": best.step,
        "gap there": f"{best.gap:+.3f}",
        "gap at the end": f"{last.gap:+.3f}",
        "whole val": whole,
    }
