"""The Markdown table and the JSON."""
import json
import statistics

from .servers import FLOOR_ENGINES
from .tally import ratios, shown
from .verdicts import SLACK, judge

TITLES = {"tern": "Tern", "before": "Tern before"}


def title_of(name):
    return TITLES.get(name, name)


class Report:
    def __init__(self, scenarios, tally, others, facts, rounds):
        self.scenarios = scenarios
        self.tally = tally
        #: Servers beside coturn, Tern and the floor, each with columns of its own.
        self.others = others
        self.facts = facts
        self.rounds = rounds

    def rows(self):
        return [(scenario, row, self.tally.values.get(row.name, {})) for scenario in self.scenarios
                for row in scenario.rows]

    def verdicts(self):
        return [(row, bar, judge(row, bar, values)) for _, row, values in self.rows() for bar in row.bars]

    # MARK: - Markdown

    def markdown(self):
        heads = ["scenario", "coturn", "Tern", "floor"] + [title_of(name) for name in self.others]
        heads += ["Tern : coturn", "Tern : floor"] + [f"Tern : {title_of(name)}" for name in self.others]
        heads += ["at most", "verdict"]
        lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
        lines += ["| " + " | ".join(self._cells(*row)) + " |" for row in self.rows()]
        return "\n".join(lines + [""] + self._explanations())

    def _cells(self, scenario, row, values):
        def median(who):
            mine = list(values.get(who, {}).values())
            return f"{statistics.median(mine) * row.scale:,.{row.digits}f}" if mine else "–"

        floors = [f"{median(engine)} {engine}" for engine in scenario.floors if values.get(engine)]
        cells = [row.title, median("coturn"), median("tern"), ", ".join(floors) or "–"]
        cells += [median(name) for name in self.others]
        base = scenario.floors[0] if scenario.floors else "–"
        for name in ("coturn", base, *self.others):
            cells.append(shown(ratios(values, "tern", name) if row.has_ratios else []))
        verdicts = [(bar, judge(row, bar, values)) for bar in row.bars]
        cells.append(", ".join(self._promise(row, bar) for bar, _ in verdicts) or "–")
        cells.append(", ".join(verdict.outcome.value for _, verdict in verdicts) or "–")
        return cells

    @staticmethod
    def _promise(row, bar):
        if bar.base is None:
            return f"{bar.most:,g}"
        return f"{bar.most:.2f} × {bar.base}" + (" floor" if bar.base in FLOOR_ENGINES else "")

    def _explanations(self):
        tally = self.tally
        lines = [
            "Server CPU in µs for each datagram delivered, request answered or cycle finished, unless the row says"
            " otherwise.",
            "Medians; ratios are medians of those within a round, with the least, the greatest and the number of"
            " rounds.",
            f"A bar is met within slack up to {SLACK:.0%} above it.",
            f"{tally.repeated} runs repeated because of others on the machine; {tally.disturbed} kept though"
            " disturbed.",
            "Measured on " + ", ".join(f"{name} {value}" for name, value in self.facts.items() if value) + ".",
        ]
        ciphers = {}
        for run in tally.runs:
            if run.get("encryption"):
                ciphers.setdefault((run["transport"], run["server"]), set()).add(run["encryption"])
        lines += [f"{transport} of {title_of(who)}: {'; '.join(sorted(found))}."
                  for (transport, who), found in sorted(ciphers.items())]
        for name, texts in tally.notes.items():
            lines += [f"note: {name}: {text}" for text in sorted(texts)]
        return lines

    # MARK: - JSON

    def write_json(self, path):
        rows = [self._object(*row) for row in self.rows()]
        content = {
            "machine": self.facts, "rounds": self.rounds, "rows": rows, "runs": self.tally.runs,
            "repeated": self.tally.repeated, "disturbed": self.tally.disturbed,
            "notes": {name: sorted(texts) for name, texts in self.tally.notes.items()},
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.write("\n")

    def _object(self, scenario, row, values):
        bars = []
        for bar in row.bars:
            verdict = judge(row, bar, values)
            bars.append({"atMost": bar.most, "base": bar.base, "value": verdict.value,
                         "verdict": verdict.outcome.name.lower().replace("_", " ")})
        bases = ["coturn", *scenario.floors, *self.others]
        return {
            "name": row.name, "title": row.title, "field": row.field,
            # Rounds are keys of objects here, because a round may be missing.
            "values": {who: {str(number + 1): value * row.scale for number, value in by_round.items()}
                       for who, by_round in values.items()},
            "ratios": {base: found for base in bases if (found := ratios(values, "tern", base))},
            "bars": bars,
        }
