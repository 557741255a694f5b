"""Status of a run: a line per running job on a terminal, the time left, logs of failed jobs."""

from __future__ import annotations

import atexit
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from deltaloss.config.costs import in_words
from deltaloss.core.log import QUIET_VARIABLE

LINE_SECONDS = 60.0  # between lines about the run, where there is no terminal
REFRESH_SECONDS = 1.0
FAILED_LINES = 4  # of a failed job's log
TAIL_BYTES = 20_000

_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (.*)")
_END = re.compile(r"finished in [\d.]+ s")


@dataclass(frozen=True)
class RunningJob:
    """A job by its rule and the wildcards that tell it from others, and its log."""

    name: str
    log: Path | None

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> RunningJob:
        """Make it of the fields of Snakemake's event."""
        wildcards = {**(event.get("wildcards") or {})}
        wildcards.pop("experiment", None)
        logs = event.get("log") or []
        name = " ".join([event["rule_name"], *map(str, wildcards.values())])
        return cls(name, Path(logs[0]) if logs else None)

    def messages(self) -> list[str]:
        """Return the latest messages of its log; tracebacks and the time it took are left out."""
        try:
            with (self.log or Path()).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        found = [match[1] for match in map(_LINE.fullmatch, lines) if match]
        return [message for message in found if not _END.fullmatch(message)]

    def worth_keeping(self) -> list[str]:
        """Return what stays of the log of a job that has ended: warnings, and the last message."""
        *others, last = self.messages() or [""]
        warnings = [message for message in others if message.startswith("warning")]
        return [*warnings, last] if last else warnings


class RunStatus(logging.Handler):
    """Follows a run by the log events of Snakemake.

    Args:
        seconds: predicted time of each job to do, by job id.
        cores: processors that they share.
        instead_of: the handler of Snakemake's own lines, which are left out while jobs run. On a
            terminal there is a line per running job instead, with jobs done and the time left
            below; elsewhere a line about the run, each minute at most. None to add nothing to them.
    """

    def __init__(
        self, seconds: Mapping[int, float], *, cores: int, instead_of: logging.Handler | None
    ) -> None:
        super().__init__()
        self._to_do = dict(seconds)
        self._jobs, self._work = len(seconds), sum(seconds.values())
        self._cores = cores
        self._running: dict[int, RunningJob] = {}
        self._failed: list[RunningJob] = []
        self._started = self._said = time.monotonic()
        self._other = instead_of
        self._ending = ExitStack()
        if instead_of is not None:
            instead_of.setLevel(logging.WARNING)
            self._ending.callback(instead_of.setLevel, logging.NOTSET)
        self._live = self._start_live() if instead_of and sys.stderr.isatty() else None

    def emit(self, record: logging.LogRecord) -> None:
        """Follow the start and the end of jobs."""
        event = record.__dict__
        kind = str(event.get("event", ""))
        if kind == "job_info":
            self._running[event["jobid"]] = RunningJob.of_event(event)
        elif kind == "job_error":
            job = self._running.pop(event["jobid"], None) or RunningJob.of_event(event)
            self._failed.append(job)
            self._say(f"{job.name} failed")
        elif kind == "job_finished":
            self._finish(event["job_id"])

    def stop(self) -> None:
        """Release the terminal, and let Snakemake speak again; may be called twice."""
        self._live = None
        self._ending.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    def time_left(self) -> float:
        """Predict the seconds to the end, by what the finished work took and by its prediction."""
        left = sum(self._to_do.values())
        done = self._work - left
        predicted = left / self._cores
        if not done:
            return max(predicted - self.elapsed, 0.0)
        trust = min(1.0, 10 * done / self._work)  # the first tenth of the work says little
        return trust * self.elapsed * left / done + (1 - trust) * predicted

    def describe(self) -> str:
        """Say how many jobs are done, and how long the others will take."""
        done = self._jobs - len(self._to_do)
        left = self.time_left()
        said = f", about {in_words(left)} left" if left >= 1 else ""
        return f"{done} of {self._jobs} jobs done{said}"

    @property
    def failed_logs(self) -> list[Path]:
        """Logs of the failed jobs."""
        return [job.log for job in self._failed if job.log]

    def failures(self) -> Iterator[str]:
        """Yield lines about each failed job: its name, its log and the end of that."""
        for job in self._failed:
            end = f"; the end of its log, {job.log}:" if job.log else ""
            yield f"{job.name} failed{end}"
            yield from (f"    {message}" for message in job.messages()[-FAILED_LINES:])

    def _finish(self, number: int) -> None:
        self._to_do.pop(number, None)
        job = self._running.pop(number, None)
        if self._live is not None:
            if job is not None:
                for message in job.worth_keeping():
                    self._say(f"{job.name}: {message}")
            return
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS or not self._to_do:
            self._said = now
            self._say(self.describe())

    def _say(self, line: str) -> None:
        if self._live is not None:
            self._live.console.print(Text(line, overflow="ellipsis", no_wrap=True))
        elif self._other is not None:
            print(line, file=sys.stderr, flush=True)

    def _start_live(self) -> Live:
        os.environ[QUIET_VARIABLE] = "1"  # of the jobs that this process starts
        self._ending.callback(os.environ.pop, QUIET_VARIABLE, None)
        live = Live(
            get_renderable=self.lines,
            console=Console(stderr=True),
            refresh_per_second=1 / REFRESH_SECONDS,
            transient=True,
        )
        before = sys.stderr
        live.start()  # it replaces sys.stderr by one that writes above the lines
        self._ending.callback(live.stop)
        if isinstance(self._other, logging.StreamHandler):
            self._other.setStream(sys.stderr)
            self._ending.callback(self._other.setStream, before)
        atexit.register(self.stop)
        return live

    def lines(self) -> Group:
        """Return the lines of the terminal, each cut at its width."""
        lines = []
        for job in list(self._running.values()):
            last = "".join(job.messages()[-1:])
            lines.append(f"{job.name}: {last}" if last else job.name)
        lines.append(self.describe())
        return Group(*(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))
