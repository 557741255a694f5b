"""What a run says when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaloss.config.closing import closing_lines, failure_lines
from deltaloss.puzzles.card import load_card

CARDS = {name: load_card(name) for name in ("chess", "mazes")}
HEAD = "run,seeds,solved,max_accuracy_percent,steps_until_max_accuracy"


def test_tables_are_given_in_short_and_places_where_there_is_something(tmp_path):
    (tmp_path / "tables").mkdir()
    rows = ["delta,1,0,24.25,7", "progressive-0.5,6,4,100,163.5", "progressive-0,6,0,12,"]
    (tmp_path / "tables" / "table_5.csv").write_text("\n".join([HEAD, *rows, ""]))
    (tmp_path / "claims.html").touch()
    assert closing_lines(tmp_path, CARDS, [], seconds=1234) == [
        "Chess        Delta                         24.2 % after 7 steps",
        "             Progressive, α = 0.5         100.0 % after 163.5 steps, solved: 4 of 6",
        "             Progressive, α = 0            12.0 %, solved: 0 of 6",
        f"claims       {tmp_path / 'claims.html'}",
        "took         21 min",
    ]


def test_the_report_s_command_has_the_same_configs(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "figure_1.png").touch()
    lines = closing_lines(tmp_path, CARDS, [Path("a.yaml"), Path("b.yaml")], seconds=0)
    report = tmp_path / "report.html"
    assert lines[-2] == f"report       snakemake --report {report} --configfile a.yaml b.yaml"


def test_nothing_is_said_of_nothing(tmp_path):
    assert closing_lines(tmp_path, CARDS, [], seconds=5) == []


class TestFailures:
    @pytest.mark.parametrize(
        ("said", "meaning"),
        [
            ("OSError: [Errno 28] No space left on device", "the disk is full: free some space"),
            ("PermissionError: [Errno 13] Permission denied: 'a'", "a file cannot be written or"),
        ],
        ids=["disk", "permissions"],
    )
    def test_a_cause_in_a_job_s_log_is_named_with_it(self, tmp_path, said, meaning):
        job = tmp_path / "job.log"
        job.write_text(f"Traceback\n{said}\n")
        first, last = failure_lines([tmp_path / "missing.log"], [job])
        assert first.startswith(f"{job}: {meaning}")
        assert "start the same command again" in last

    def test_a_killed_job_has_no_last_word_of_its_own(self, tmp_path):
        (tmp_path / "a.log").write_text("Command 'x' died with <Signals.SIGKILL: 9>.")
        assert "a job was killed, as Linux does when" in failure_lines([tmp_path / "a.log"], [])[0]

    def test_other_causes_are_left_to_the_end_of_the_job_s_log(self, tmp_path):
        (line,) = failure_lines([tmp_path / "missing.log"], [tmp_path / "job.log"])
        assert line.startswith("Correct that")
