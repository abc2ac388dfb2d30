"""Results as a table for people: medians, ranges, ratios; kept between runs, so that rows can be run one by one."""

import json
import platform
import re
import statistics

from bench import peers

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
UNITS = {"cpu_us": "µs", "memory_octets": "octets", "ms": "ms", "ratio": "times",
         "miss_percent": "% of questions"}
# Row to (subject, what it is compared with, at most).
GOALS = {"udp": [(peers.VOUCHD_NAME, peers.YARDSTICK, 0.62), (peers.VOUCHD_NAME, "echo (recvmmsg)", 1.2)],
         "rate": [(peers.VOUCHD_NAME, peers.YARDSTICK, 1.0), (peers.VOUCHD_NAME, "echo (recvmmsg)", 1.15)],
         "udp-many": [(peers.VOUCHD_MANY_NAMES, peers.VOUCHD_NAME, 1.25)],
         "rate-workers": [(peers.VOUCHD_TWO_WORKERS, peers.VOUCHD_NAME, 1.05)]}


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory_kib = int(re.search(r"^MemTotal:\s*(\d+)", file.read(), re.MULTILINE)[1])
    with open("/etc/os-release", encoding="utf-8") as file:
        system = re.search(r'^PRETTY_NAME="?([^"\n]*)', file.read(), re.MULTILINE)
    return {"processor": model[1] if model else platform.machine(), "memory_gib": round(memory_kib / 2**20),
            "kernel": platform.release(), "system": system[1] if system else "?"}


class Results:
    """A file of {"where": …, "rows": {row: {"when":, "says":, "titles":, "runs": {subject: [measures]}}}}."""

    def __init__(self, path, where):
        """where: machine and versions.  Rows measured elsewhere, or on other versions, are not compared with."""
        self.path = path
        self.where = where
        self.rows = {}
        if path.exists():
            kept = json.loads(path.read_text())
            if kept["where"] == where:
                self.rows = kept["rows"]

    def put(self, name, row):
        self.rows[name] = row
        self.path.write_text(json.dumps({"where": self.where, "rows": self.rows}, indent=1) + "\n")


def tables(name, row):
    """Lines of Markdown."""
    for measure, title in row["titles"].items():
        yield from ["", f"### {title}", "", f"{_capital(row['says'])} ({row['when']}; `ROWS={name}`).", ""]
        yield from _table(name, row["runs"], measure)


def _table(name, runs, measure):
    """A ratio is that of the medians of one run of the bench."""
    medians = {subject: _median(each, measure) for subject, each in runs.items()}
    references = [subject for subject in medians if subject == peers.YARDSTICK or subject.startswith("echo")]
    latency = measure == "cpu_us" and any("p50_us" in one for each in runs.values() for one in each)
    head = ["", f"median, {_unit(measure)}", "range"] + [f"/ {reference}" for reference in references]
    head += ["p50, µs", "p99, µs"] * latency + ["runs", "right answers"]
    yield _line(head)
    yield _line(["---"] + ["---:"] * (len(head) - 1))
    for subject, each in sorted(runs.items(), key=lambda item: _order(item[0])):
        cells = [subject, _number(medians[subject]), _range(each, measure)]
        cells += [_ratio(medians[subject], medians[reference]) for reference in references]
        if latency:
            cells += [_number(_median(each, "p50_us")), _number(_median(each, "p99_us"))]
        yield _line(cells + [str(len(each)), _right(subject, each, measure)])
    for subject, reference, goal in GOALS.get(name, []):
        yield from _goal(medians, subject, reference, goal)


def _unit(measure):
    """Names of ratios begin with what they are of."""
    return UNITS["ratio" if measure.endswith("_ratio") else measure]


def _goal(medians, subject, reference, goal):
    ratio = _ratio(medians.get(subject), medians.get(reference))
    if ratio != "–":
        verdict = "reached" if medians[subject] / medians[reference] <= goal else "not reached"
        yield from ["", f"Goal: at most {goal} of {reference}: {ratio}, {verdict}."]


def _order(subject):
    """vouchd first, the limits last."""
    return (subject.startswith("echo"), subject != peers.VOUCHD_NAME)


def _values(each, measure):
    return [one[measure] for one in each if measure in one]


def _median(each, measure):
    values = _values(each, measure)
    return statistics.median(values) if values else None


def _range(each, measure):
    values = _values(each, measure)
    return f"{_number(min(values))} – {_number(max(values))}" if values else "–"


def _ratio(value, reference):
    return f"{value / reference:.2f}" if value and reference else "–"


def _number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _right(subject, each, measure):
    """Of all questions sent; what was wrong with the others."""
    if subject.startswith("echo"):
        return "not judged"
    if measure == "ms":     # polled: only the first one counts
        return f"in {len(_values(each, measure))} of {len(each)} runs"
    sent = sum(one["sent"] for one in each)
    right = sum(one["right"] for one in each)
    wrong = {}
    for one in each:
        for fault, count in one["wrong"].items():
            wrong[fault] = wrong.get(fault, 0) + count
    lost = sum(one["lost"] for one in each)
    faults = [f"{fault} {count:,}" for fault, count in wrong.items()] + [f"lost {lost:,}"] * bool(lost)
    return f"{right:,} of {sent:,}" + (f" ({', '.join(faults)})" if faults else "")


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _capital(text):
    return text[:1].upper() + text[1:]


def generated(results, order):
    where = results.where
    lines = [BEGIN, "", "## Machine and versions", "",
             f"{where['machine']['processor']}, {where['cores']}, {where['machine']['memory_gib']} GiB; "
             f"{where['machine']['system']}, Linux {where['machine']['kernel']}.", "",
             ", ".join(f"{name} {version}" for name, version in where["versions"].items()) + ".", "", "## Results"]
    for name in order:
        if name in results.rows:
            lines += tables(name, results.rows[name])
    return "\n".join(lines + ["", END])


def write_document(path, results, order):
    """Replaces what stands between the marks, and nothing else."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(before + generated(results, order) + after)
