"""Tables of bench/: medians, ratios of medians, nothing hidden."""

from bench import report


def measures(cpu_us, right=10, **wrong):
    return {"cpu_us": cpu_us, "sent": 10, "right": right, "replies": 10, "lost": 0, "wrong": wrong}


def row(runs):
    return {"when": "2026-01-01", "says": "some names", "titles": {"cpu_us": "A hit"}, "runs": runs}


RUNS = {
    "echo (recvmmsg)": [measures(2.0)],
    "Unbound": [measures(5.0), measures(3.0), measures(4.0)],
    "vouchd": [measures(3.0), measures(2.0), measures(2.4, right=7, ad=2, rcode=1)],
}


def test_table_has_medians_ranges_and_ratios():
    lines = list(report.tables("udp", row(RUNS)))
    assert "| vouchd | 2.40 | 2.00 – 3.00 | 1.20 | 0.60 | 3 | 27 of 30 (ad 2, rcode 1) |" in lines
    assert "| Unbound | 4.00 | 3.00 – 5.00 | 2.00 | 1.00 | 3 | 30 of 30 |" in lines
    assert "| echo (recvmmsg) | 2.00 | 2.00 – 2.00 | 1.00 | 0.50 | 1 | not judged |" in lines


def test_vouchd_stands_first_and_the_limit_last():
    names = [line.split("|")[1].strip() for line in report.tables("udp", row(RUNS)) if line.startswith("| ")][2:]
    assert names == ["vouchd", "Unbound", "echo (recvmmsg)"]


def test_goals_are_judged():
    text = "\n".join(report.tables("udp", row(RUNS)))
    assert "Goal: at most 0.62 of Unbound: 0.60, reached." in text
    assert "Goal: at most 1.2 of echo (recvmmsg): 1.20, reached." in text
    slow = RUNS | {"vouchd": [measures(4.0)]}
    assert "at most 0.62 of Unbound: 1.00, not reached." in "\n".join(report.tables("udp", row(slow)))


def test_what_did_not_answer_has_a_dash():
    restart = {"when": "2026-01-01", "says": "x", "titles": {"ms": "Restart"},
               "runs": {"vouchd": [{"ms": 3.0, "sent": 9}], "Unbound": [{"sent": 9}]}}
    lines = list(report.tables("restart", restart))
    assert "| Unbound | – | – | – | 1 | in 0 of 1 runs |" in lines
    assert "| vouchd | 3.00 | 3.00 – 3.00 | – | 1 | in 1 of 1 runs |" in lines


def test_results_of_other_versions_are_dropped(tmp_path):
    path = tmp_path / "results.json"
    report.Results(path, {"versions": {"Unbound": "1"}}).put("udp", row(RUNS))
    assert list(report.Results(path, {"versions": {"Unbound": "1"}}).rows) == ["udp"]
    assert not report.Results(path, {"versions": {"Unbound": "2"}}).rows


def test_only_what_stands_between_the_marks_is_replaced(tmp_path):
    path = tmp_path / "benchmarks.md"
    path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    where = {"machine": {"processor": "P", "memory_gib": 1, "system": "S", "kernel": "K"}, "cores": "2 cores",
             "versions": {"Unbound": "1"}}
    results = report.Results(tmp_path / "results.json", where)
    results.put("udp", row(RUNS))
    report.write_document(path, results, ["udp"])
    text = path.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "old" not in text and "### A hit" in text
