"""The table of time and memory."""

from __future__ import annotations

import pandas as pd
import pytest

from deltaloss.core.errors import DataError
from deltaloss.core.files import write_csv, write_json
from deltaloss.efficiency.ratios import tabulate_ratios
from deltaloss.evidence.efficiency import tabulate_efficiency
from deltaloss.evidence.provenance import load_table
from deltaloss.evidence.typeset import Table, save_table

from .latex import needs_latex, typeset

SECONDS = {
    ("delta", "published"): [2.0] * 8,
    ("delta", "ours"): [1.0] * 8,
    ("progressive-0.5", "published"): [2.0, 4.0] * 4,
    ("progressive-0.5", "ours"): [1.0] * 8,
}
VALUES = {
    "seconds": SECONDS,
    "largest_batch_8gb_predicted": {key: [1000 * len(key[0])] for key in SECONDS},
}


def measurements(task: str = "mazes"):
    return tabulate_ratios(VALUES, task=task, batch_size=7, steps=5)


def printed(table: Table) -> pd.DataFrame:
    names = [("", "Puzzle"), ("", "Loss"), ("", "Form")]
    return pd.concat([block.printed.set_index(names) for block in table.blocks], axis=1)


def test_every_loss_and_form_has_a_row_with_its_ratio_to_delta():
    table = tabulate_efficiency([measurements("chess"), measurements()], experiment="tiny")
    assert len(table.numbers) == 2 * 8
    assert len(printed(table)) == 2 * 4
    row = printed(table).loc[("Mazes", "Progressive, α = 0.5", "published")]
    assert row["Seconds per batch"].tolist() == ["3.000", "1.50\n± 0.45", "1.00"]
    assert row["Largest, predicted"].tolist() == ["15,000", "3.00"]
    assert "Chess 7, Mazes 7" in table.notes


def test_measures_of_a_gpu_are_printed_only_where_there_are_any():
    assert "GPU peak (MB)" not in printed(tabulate_efficiency([measurements()], experiment="t"))
    values = VALUES | {"gpu_peak_mb": SECONDS}
    measured = tabulate_ratios(values, task="mazes", batch_size=7, steps=5)
    rows = printed(tabulate_efficiency([measured], experiment="t"))
    assert rows["GPU peak (MB)", ""].tolist() == ["2.0", "1.0", "3.0", "1.0"]


@needs_latex
def test_the_table_fits_the_text(tmp_path):
    path = tmp_path / "efficiency.tex"
    values = VALUES | dict.fromkeys(("kept_mb", "gpu_peak_mb"), SECONDS)
    measured = tabulate_ratios(values, task="prefix_sums", batch_size=7, steps=5)
    save_table(tabulate_efficiency([measured], experiment="t"), [path])
    assert "Overfull" not in typeset([path], tmp_path)


def test_measurements_are_read_back_and_a_changed_file_is_refused(tmp_path):
    path = tmp_path / "mazes.csv"
    write_csv(path, measurements())
    write_json(path.with_suffix(".json"), {}, files=[path])
    assert load_table(path)["to_delta"].tolist() == measurements()["to_delta"].tolist()
    path.write_text(path.read_text().replace("published", "ours"))
    with pytest.raises(DataError, match="damaged or changed"):
        load_table(path)
