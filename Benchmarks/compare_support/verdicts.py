"""Ratios against promises."""
import enum
import statistics
from dataclasses import dataclass

from .tally import ratios

# Figures of one machine in one hour differ by so much from those of another.
SLACK = 0.07


class Outcome(enum.Enum):
    MET = "met"
    WITHIN_SLACK = "met within slack"
    MISSED = "**missed**"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    value: float | None

    @property
    def is_failure(self):
        # What was promised and not measured has not been kept.
        return self.outcome in (Outcome.MISSED, Outcome.UNMEASURED)


def value_of(row, bar, values):
    """What the bar is about: the median of ratios within rounds, or of Tern's own values."""
    if bar.base is not None:
        found = ratios(values, "tern", bar.base)
    else:
        found = [value * row.scale for value in values.get("tern", {}).values()]
    return statistics.median(found) if found else None


def judge(row, bar, values):
    value = value_of(row, bar, values)
    if value is None:
        return Verdict(Outcome.UNMEASURED, None)
    if value <= bar.most:
        return Verdict(Outcome.MET, value)
    return Verdict(Outcome.WITHIN_SLACK if value <= bar.most * (1 + SLACK) else Outcome.MISSED, value)
