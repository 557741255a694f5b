"""Print the pins of what runs the workflow beside PyTorch: the packages to carry to a machine.

Follows the requirements of envs/requirements.txt through the installed packages; versions are those
of this environment, which constraints.txt pins. PyTorch and all that only it needs are left out.
"""

from __future__ import annotations

import argparse
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks import ROOT

LEFT_OUT = {"torch", "pulp"}  # PuLP is large, and Snakemake's greedy scheduler does without


def main() -> None:
    """Print a pin a line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wheel_list", description=__doc__)
    parser.add_argument("--without", nargs="*", default=[], help="what the machine has already")
    left_out = LEFT_OUT | {canonicalize_name(name) for name in parser.parse_args().without}
    lines = (ROOT / "envs" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    texts = [line.partition("#")[0].strip() for line in lines]
    waiting = [Requirement(text) for text in texts if text and not text.startswith("-")]
    pins: dict[str, str] = {}
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not wanted or name in pins or name in left_out:
            continue
        found = distribution(name)
        pins[name] = found.version
        waiting += [Requirement(text) for text in found.requires or []]
    print("\n".join(f"{name}=={version}" for name, version in sorted(pins.items())))


if __name__ == "__main__":
    main()
