"""A bundle of an experiment's results for an archive: a zip file with RO-Crate metadata.

RO-Crate 1.2 (researchobject.org) describes the files in ``ro-crate-metadata.json``, which archives
such as WorkflowHub read.

python -m deltaloss.evidence.bundle BUNDLE     checks one
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rocrate.rocrate import ROCrate

from deltaloss.core.errors import DataError, UserError
from deltaloss.core.files import atomic_path, file_sha256
from deltaloss.evidence.published import check_content

SHA256 = "sha256"
SEALED = (".csv", ".json", ".npz")  # results whose digests stand in them or beside them
KINDS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".npz": "application/x-npz",
    ".safetensors": "application/x-safetensors",
}
TITLE = "Delta Loss against Progressive Loss"
PAPER = "A Simple Loss Function for Convergent Algorithm Synthesis using RNNs"


def make_bundle(
    target: Path, files: Iterable[Path], beside: Mapping[str, Path], run: Mapping[str, Any]
) -> int:
    """Write results and what explains them into a zip file.

    Args:
        target: the bundle.
        files: results, as paths below ``results/``; the bundle keeps these paths.
        beside: further files by their names in the bundle, such as the config.
        run: `describe_run` of the experiment.

    Returns:
        Number of files.
    """
    crate = ROCrate(version="1.2")
    crate.name = f"{TITLE}: experiment {run['experiment']}"
    crate.description = (
        f"Results of a reproduction of '{PAPER}' (Salle and Malmasi, ICLR 2023): tables, "
        "figures, statistics, claims, answers for each example and step, histories and weights."
    )
    crate.license = "https://spdx.org/licenses/MIT"
    crate.root_dataset["version"] = run["commit"] or "unknown"
    crate.root_dataset["softwareRequirements"] = [
        f"{name} {version}" for name, version in run["versions"].items()
    ]
    named = {str(path): path for path in files} | dict(beside)
    for name, path in named.items():
        crate.add_file(
            path,
            name,
            properties={
                SHA256: file_sha256(path),
                "contentSize": str(path.stat().st_size),
                "encodingFormat": KINDS.get(path.suffix, "application/octet-stream"),
            },
        )
    with atomic_path(target) as temporary:
        crate.write_zip(temporary)
    return len(named)


def check_bundle(bundle: Path) -> list[str]:
    """Read a bundle back: every file is described, whole, and the one that was described.

    Results are checked by their own digests, too, and answers against their accuracy curves.

    Returns:
        Lines of a report.

    Raises:
        DataError: the first file that is missing, damaged or not described.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            with zipfile.ZipFile(bundle) as archive:
                archive.extractall(folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{bundle}: no bundle, or damaged ({error})") from error
        try:
            crate = ROCrate(folder)
        except (ValueError, KeyError) as error:
            raise DataError(f"{bundle}: its ro-crate-metadata.json is damaged ({error})") from error
        described = {entity.id: entity for entity in crate.data_entities if entity.type == "File"}
        found = {
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        } - {"ro-crate-metadata.json"}
        for name in sorted(described.keys() ^ found):
            what = "missing" if name in described else "not described in ro-crate-metadata.json"
            raise DataError(f"{bundle}: {name}: {what}")
        for name, entity in described.items():
            if file_sha256(folder / name) != entity.get(SHA256):
                raise DataError(f"{bundle}: {name}: not the file that was described")
        results = [name for name in described if PurePosixPath(name).parts[0] == "results"]
        for name in results:
            if name.endswith(SEALED):
                check_content(folder / name)
        root = crate.root_dataset
        return [
            f"{bundle}: {root['name']}, of {root['datePublished']}, version {root['version']}",
            f"{len(described)} files as described, {len(results)} of them results",
        ]


if __name__ == "__main__":
    try:
        print("\n".join(check_bundle(Path(sys.argv[1]))))
    except UserError as failure:
        sys.exit(str(failure))
