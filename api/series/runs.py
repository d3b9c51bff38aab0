"""What is so or isn't over time, as a strip of runs: from when to when a signal had one value. Pure."""

from dataclasses import dataclass

from api.series.columns import Columns


@dataclass(frozen=True, kw_only=True)
class Run:
    """From `begins` to `ends` (ms since 1970 UTC) each of `n` readings was `value`; None: of some bins that can't be
    told apart they were several."""

    begins: int
    ends: int
    value: float | None
    n: int


def runs_of(columns: Columns, *, width_ms: int, lasts: bool) -> list[Run]:
    """The runs from oldest to newest. Where the line is broken a run ends with its last point.

    `width_ms`: of a point's bin, 0: points are readings. `lasts`: a value holds until the next one; else it was so when
    it was measured, and nobody knows between.
    """
    runs: list[Run] = []
    joined = False
    for t, low, high, n, bad in zip(columns.t, columns.lo, columns.hi, columns.n, columns.bad, strict=True):
        if n == 0:
            joined = joined and bad > 0
            continue
        value = low if low == high else None
        last = runs[-1] if runs else None
        if last is not None and joined and lasts:
            last = runs[-1] = Run(begins=last.begins, ends=t, value=last.value, n=last.n)
        if last is not None and joined and last.value == value:
            runs[-1] = Run(begins=last.begins, ends=t + width_ms, value=value, n=last.n + n)
        else:
            runs.append(Run(begins=t, ends=t + width_ms, value=value, n=n))
        joined = True
    return runs
