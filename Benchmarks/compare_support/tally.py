"""What has been seen: values of each round, notes, ratios."""
import statistics


class Tally:
    """What was seen on the way, to be told at the end."""

    def __init__(self):
        #: By row, by server, by round.
        self.values = {}
        self.notes = {}
        self.disturbed = 0
        self.repeated = 0
        #: Every result that was kept, as the generator reported it.
        self.runs = []

    def note(self, scenario, text):
        self.notes.setdefault(scenario, set()).add(text)


def keep(tally, row, who, number, result, field):
    """Keeps a member of the result, where `latency.p50` is a member of a member."""
    for part in field.split("."):
        result = result.get(part) if isinstance(result, dict) else None
    if result is not None:
        tally.values.setdefault(row, {}).setdefault(who, {})[number] = result


def ratios(values, who, base):
    common = sorted(set(values.get(who, {})) & set(values.get(base, {})))
    return [values[who][number] / values[base][number] for number in common if values[base][number] > 0]


def shown(list_of_ratios):
    if not list_of_ratios:
        return "–"
    return (f"{statistics.median(list_of_ratios):.2f} "
            f"({min(list_of_ratios):.2f}…{max(list_of_ratios):.2f}, {len(list_of_ratios)})")
