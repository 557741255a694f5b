"""The processor of this machine, on whose kind the last bits of a sum depend."""

from __future__ import annotations

import platform
import re
from pathlib import Path


def processor() -> str:
    """Return the number and model of the CPUs, read from /proc where there is one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()


def processor_model(text: str) -> str:
    """Model of the CPUs in a text of `processor`, without their number."""
    return re.sub(r"^[0-9]+ x ", "", text)
