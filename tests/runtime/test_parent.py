"""A job ends with the process that started it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
child.wait()
"""
CHILD = """
import signal, time
from deltaloss.runtime.parent import stop_with_parent
told = []
signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
with stop_with_parent():
    print("started", flush=True)
    while not told:
        time.sleep(0.05)
print("told to stop", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_the_parent_s_death_is_a_request_to_stop():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    assert parent.stdout.readline() == "started\n"
    parent.send_signal(signal.SIGKILL)
    out, _ = parent.communicate(timeout=60)  # ends when the child does, which holds the pipe
    assert out == "told to stop\n"
