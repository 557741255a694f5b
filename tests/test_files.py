"""Files are whole or not there; jobs say in one line what is wrong."""

from __future__ import annotations

import json
import logging
import re

import pytest

from deltaloss.errors import DataError
from deltaloss.files import atomic_path, write_json, write_text
from deltaloss.jobs import Progress, job_log, logger


class TestAtomic:
    def test_written_whole_with_its_folder(self, tmp_path):
        write_text(tmp_path / "a" / "b.txt", "α\n")
        assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "α\n"
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]

    def write_half(self, path):
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    def test_on_an_error_the_old_file_stays_alone(self, tmp_path):
        path = tmp_path / "b.txt"
        write_text(path, "old")
        with pytest.raises(RuntimeError):
            self.write_half(path)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_json_refuses_what_json_has_not(self, tmp_path):
        with pytest.raises(ValueError, match="Out of range float"):
            write_json(tmp_path / "a.json", {"loss": float("nan")})
        assert list(tmp_path.iterdir()) == []
        write_json(tmp_path / "a.json", {"loss": 0.5})
        assert json.loads((tmp_path / "a.json").read_text()) == {"loss": 0.5}


class TestJobs:
    def test_lines_go_to_the_log_and_to_the_terminal(self, tmp_path, capsys):
        with job_log(str(tmp_path / "logs" / "job.log"), "mazes delta"):
            logger.info("epoch %d", 3)
        assert capsys.readouterr().err == "[mazes delta] epoch 3\n"
        assert (tmp_path / "logs" / "job.log").read_text().endswith(" epoch 3\n")

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (DataError("x.csv, line 3: no"), r"\[job\] x\.csv, line 3: no\n"),
            (ZeroDivisionError("by zero"), r"\[job\] ZeroDivisionError: by zero \(see .*\.log\)\n"),
        ],
    )
    def test_an_error_is_one_line_and_its_traceback_is_in_the_log(
        self, tmp_path, capsys, error, said
    ):
        log = tmp_path / "job.log"
        with pytest.raises(SystemExit) as left, job_log(str(log), "job"):
            raise error
        assert left.value.code == 1
        assert re.fullmatch(said, capsys.readouterr().err)
        assert "Traceback" in log.read_text()
        assert logging.getLogger("deltaloss").handlers == []

    def test_progress_is_sparing_and_tells_the_end(self, caplog, monkeypatch):
        clock = [0.0]
        monkeypatch.setattr("deltaloss.jobs.time.monotonic", lambda: clock[0])
        progress = Progress()
        with caplog.at_level(logging.INFO, "deltaloss"):
            for done in range(1, 11):
                clock[0] += 2.0
                progress(done, 10, "epochs,")
        lines = [record.getMessage() for record in caplog.records]
        assert lines == [
            "3/10 epochs, 6 s, 14 s left",
            "6/10 epochs, 12 s, 8 s left",
            "9/10 epochs, 18 s, 2 s left",
            "10/10 epochs, 20 s, 0 s left",
        ]
