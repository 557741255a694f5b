"""What a run says when it has ended."""

from __future__ import annotations

from pathlib import Path

from deltaloss.config.closing import closing_lines
from deltaloss.puzzles.card import load_card

CARDS = {name: load_card(name) for name in ("chess", "mazes")}
HEAD = "run,seeds,solved,max_accuracy_percent,steps_until_max_accuracy"


def test_tables_are_given_in_short_and_places_where_there_is_something(tmp_path):
    (tmp_path / "tables").mkdir()
    rows = ["delta,1,0,24.25,7", "progressive-0.5,6,4,100,163.5", "progressive-0,6,0,12,"]
    (tmp_path / "tables" / "table_5.csv").write_text("\n".join([HEAD, *rows, ""]))
    (tmp_path / "claims.html").touch()
    assert closing_lines(tmp_path, CARDS, []) == [
        "Chess        Delta                         24.2 % after 7 steps",
        "             Progressive, α = 0.5         100.0 % after 163.5 steps, solved: 4 of 6",
        "             Progressive, α = 0            12.0 %, solved: 0 of 6",
        f"claims       {tmp_path / 'claims.html'}",
    ]


def test_the_report_s_command_has_the_same_configs(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "figure_1.png").touch()
    lines = closing_lines(tmp_path, CARDS, [Path("a.yaml"), Path("b.yaml")])
    report = tmp_path / "report.html"
    assert lines[-1] == f"report       snakemake --report {report} --configfile a.yaml b.yaml"


def test_nothing_is_said_of_nothing(tmp_path):
    assert closing_lines(tmp_path, CARDS, []) == []
