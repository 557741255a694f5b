"""What a config must be, and how a wrong one is refused: one line with key, value and remedy."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.configuration import Experiment, check_results_folder, read_experiment
from deltaloss.errors import ConfigError
from deltaloss.runs import LOSSES, check_loss, parse_run, run_pattern

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("nowhere")  # no config here names a puzzle file that is there
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())
PRESETS = sorted((ROOT / "workflow" / "presets").glob("*.yaml"))


def merged(base: Any, overlay: Any) -> Any:
    """Lay one config over another as Snakemake does with --configfile."""
    if isinstance(base, dict) and isinstance(overlay, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in overlay.items()}}
    return overlay


def changed(**paths: Any) -> dict[str, Any]:
    """Give the paper's config with keys changed; `__` stands for a point in a key."""
    config = copy.deepcopy(CONFIG)
    for path, value in paths.items():
        *parents, last = path.split("__")
        place = config
        for parent in parents:
            place = place[parent]
        place[last] = value
    return config


def read(config: dict[str, Any]) -> Experiment:
    return read_experiment(config, SCHEMA, memory=MEMORY)


class TestTheExperimentOfThePaper:
    def test_nine_trainings_at_the_best_alphas(self):
        tasks = read(CONFIG).tasks
        assert {task: [run.name for run in tasks[task].runs] for task in tasks} == {
            "chess": ["delta", "progressive-0", "progressive-0.5"],
            "mazes": ["delta", "progressive-0", "progressive-0.01"],
            "prefix_sums": ["delta", "progressive-0", "progressive-1"],
        }

    def test_steps(self):
        tasks = read(CONFIG).tasks
        assert {task.train_steps for task in tasks.values()} == {30}
        steps = {name: task.evaluation["steps"] for name, task in tasks.items()}
        assert steps == {"chess": 300, "mazes": 1000, "prefix_sums": 500}

    @pytest.mark.parametrize(
        ("chosen", "epochs", "milestones", "factor", "warmup"),
        [("released", 130, [100, 115], 0.1, 10), ("paper", 120, [100, 110], 0.01, 3)],
    )
    def test_switch_between_paper_and_released_code(
        self, chosen, epochs, milestones, factor, warmup
    ):
        training = read(changed(hyperparameters=chosen)).tasks["chess"].training
        for loss in ("delta", "progressive"):
            assert training[loss]["epochs"] == epochs
            assert training[loss]["milestones"] == milestones
            assert training[loss]["decay_factor"] == factor
            assert training[loss]["warmup_epochs"] == warmup

    @pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
    def test_presets_can_work_under_their_own_name(self, preset):
        overlay = yaml.safe_load(preset.read_text())
        experiment = read(merged(CONFIG, overlay))
        assert experiment.name == overlay["experiment"] != CONFIG["experiment"]


REFUSED = {
    "unknown key": (changed(sedes=[1]), r"^sedes: unknown key \(did you mean 'seeds'\?\); known: "),
    "unknown deep key": (
        changed(tasks__mazes__training__released__delta__learning_rte=1.0),
        r"^tasks\.mazes\.training\.released\.delta\.learning_rte: unknown key "
        r"\(did you mean 'learning_rate'\?\)",
    ),
    "unknown task": (changed(tasks__maze=CONFIG["tasks"]["mazes"]), r"tasks\.maze: .*'mazes'"),
    "alpha above 1": (
        changed(tasks__chess__runs=["delta", "progressive-1.5"]),
        r"^tasks\.chess\.runs: 'progressive-1\.5': alpha is 1\.5, allowed is 0 to 1",
    ),
    "alpha below 0": (changed(tasks__chess__runs=["progressive--0.5"]), r"alpha from 0 to 1"),
    "alpha on delta": (changed(tasks__chess__runs=["delta-0.5"]), r"the delta loss has no alpha"),
    "alpha empty on delta": (changed(tasks__chess__runs=["delta-"]), r"delta loss has no alpha"),
    "milestone beyond the end": (
        changed(tasks__chess__training__released__delta__milestones=[130]),
        r"delta\.milestones: 130 is not reached in 130 epochs",
    ),
    "seven plotted": (
        changed(tasks__chess__plotted=[f"progressive-0.{i}" for i in range(1, 8)]),
        r"must list at most 6",
    ),
    "a key that is a number": (
        changed(tasks__mazes__training={"released": {1: {}}}),
        r"tasks\.mazes\.training\.released\[1\]",
    ),
    "huge seed": (changed(seeds=[10**20]), r"seeds\[0\]: 10+: must be at most 4294967295"),
    "name with a line end": (changed(experiment="x\n"), r"must be letters, digits"),
    "empty name of a file": (changed(tasks__chess__data__puzzles=""), r"must not be empty"),
    "misspelt archive": (
        changed(archives__sha256={"maze_data_train9.tar.gz": "0" * 64}),
        r"archives\.sha256\.maze_data_train9\.tar\.gz: no archive is called so",
    ),
    "no alpha": (changed(tasks__chess__runs=["progressive"]), r"needs an alpha"),
    "alpha nan": (changed(tasks__chess__runs=["progressive-nan"]), r"needs an alpha"),
    "unknown loss": (
        changed(tasks__chess__runs=["dleta"]),
        r"no loss 'dleta' \(did you mean 'delta",
    ),
    "plotted, not listed": (
        changed(tasks__chess__plotted=["delta", "progressive-0.25"]),
        r"^tasks\.chess\.plotted: 'progressive-0\.25' is not listed in tasks\.chess\.runs",
    ),
    "run listed twice": (
        changed(tasks__chess__runs=["delta", "progressive-0.5", "progressive-.50"]),
        r"'progressive-0\.5' is listed twice",
    ),
    "duplicate seeds": (changed(seeds=[1, 2, 1]), r"^seeds: 1 is listed twice"),
    "no seeds": (changed(seeds=[]), r"^seeds: \[\]: must list at least 1"),
    "seed that is no whole number": (changed(seeds=[1.0]), r"^seeds\[0\]: 1\.0: must be a whole"),
    "fewer steps than trained": (
        changed(tasks__mazes__evaluation__steps=29), r"evaluation\.steps: 29 is less than"
    ),
    "zero steps": (changed(tasks__mazes__train_steps=0), r"train_steps: 0: must be at least 2"),
    "even maze": (
        changed(tasks__mazes__data__test__size=10),
        r"test\.size: 10 is even.*such as 11",
    ),
    "tiny maze": (changed(tasks__mazes__data__test__size=1), r"size: 1: must be at least 3"),
    "no strings": (changed(tasks__prefix_sums__data__test__count=0), r"must be at least 1"),
    "batch larger than data": (
        changed(tasks__prefix_sums__data__train__count=100),
        r"batch_size 100 of 'delta' is more than the 80 training examples",
    ),
    "nothing to validate on": (
        changed(tasks__prefix_sums__data__validation_fraction=0.99999), r"both need some"
    ),
    "number as text": (
        changed(tasks__mazes__training__released__delta__learning_rate="1e-3"),
        r"learning_rate: '1e-3' is text in YAML; write a number, with a point: 1\.0e-3",
    ),
    "not a number": (
        changed(tasks__mazes__training__released__delta__learning_rate=float("nan")),
        r"learning_rate: nan: must be a finite number",
    ),
    "unknown set": (
        changed(hyperparameters="realeased"), r"'realeased' \(did you mean 'released'\?\)"
    ),
    "no settings for a loss": (
        changed(tasks__mazes__training__released={"delta": CONFIG["tasks"]["mazes"]["training"]
        ["released"]["delta"]}),
        r"'progressive' is missing, but tasks\.mazes\.runs lists 'progressive-0'",
    ),
    "settings for a loss that is not there": (
        changed(tasks__mazes__training__released__omega=CONFIG["tasks"]["mazes"]["training"]
        ["released"]["delta"]),
        r"training\.released: there is no loss 'omega'",
    ),
    "missing key": (
        {key: value for key, value in CONFIG.items() if key != "seeds"}, r"^seeds: missing"
    ),
    "experiment out of its folder": (changed(experiment="../x"), r"^experiment: '\.\./x': must be"),
    "experiment over the data": (changed(experiment="data"), r"^experiment: 'data': this name"),
    "device": (changed(device="gpu"), r"^device: 'gpu': allowed: auto, cpu, cuda"),
    "precision": (changed(precision="fp16"), r"^precision: 'fp16': allowed: fp32, tf32, bf16"),
    "recompute": (changed(recompute="all"), r"^recompute: 'all': allowed: none, blocks, steps"),
    "tasks is a list": (changed(tasks=["mazes"]), r"^tasks: \['mazes'\]: must be a mapping"),
    "nothing at all": ({}, r"missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line(case: str) -> None:
    config, message = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        read(config)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def test_refused_results_folders(tmp_path: Path) -> None:
    check_results_folder(tmp_path / "new" / "deep")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is not a folder"):
        check_results_folder(tmp_path / "file" / "paper")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="is not a folder"):
        check_results_folder(tmp_path / "lost" / "paper")


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ConfigError, match="cannot be written"):
        check_results_folder(tmp_path / "results")


@given(st.floats(0, 1).map(lambda alpha: float(f"{alpha:g}")))
def test_run_names_read_back(alpha: float) -> None:
    run = parse_run(f"progressive-{alpha:g}")
    assert run.alpha == alpha
    assert parse_run(run.name) == run


def test_precision_decides_a_result_only_where_there_may_be_a_gpu() -> None:
    assert read(CONFIG).result_precision == "tf32"
    assert read(changed(device="cuda", precision="bf16")).result_precision == "bf16"
    assert read(changed(device="cpu", precision="bf16")).result_precision == "fp32"


class TestChessDataAreNamedByWhatTheyAre:
    @pytest.fixture
    def key(self, tmp_path):
        """Give the folder's name for a puzzle file with this rating under this name."""

        def key(rating: int = 900, name: str = "a.csv", data_seed: int = 42) -> str:
            fen = "r6k/pp2r2p/4Rp1Q/3p4/8/1N1P2R1/PqP2bPP/7K b - - 0 24"
            rows = f"00008,{fen},f2g3 e6e7,{rating},77,95,8,a,b\n" * 3
            (tmp_path / name).write_text(rows)
            config = changed(
                tasks__chess__data__source="lichess",
                tasks__chess__data__puzzles=str(tmp_path / name),
                data_seed=data_seed,
            )
            chess = config["tasks"]["chess"]
            counts = {"train": {"count": 2}, "test": {"count": 1}, "validation_fraction": 0.5}
            chess["data"] |= counts
            for settings in chess["training"]["released"].values():
                settings["batch_size"] = 1
            return read_experiment(config, SCHEMA, memory=tmp_path / "memory").chess_key()

        return key

    def test_the_content_of_a_csv_counts_and_its_name_does_not(self, key):
        assert key().startswith("lichess-")
        assert key(name="b.csv") == key()
        assert key(rating=1000) != key()

    def test_a_csv_is_read_without_a_seed(self, key):
        assert key(data_seed=7) == key()

    def test_other_settings_other_folder(self):
        keys = {
            read(config).chess_key()
            for config in (
                CONFIG,
                changed(tasks__chess__data__source="generate"),
                changed(tasks__chess__data__source="generate", data_seed=1),
                changed(tasks__chess__data__orientation="aligned"),
                changed(tasks__chess__data__test__count=5),
            )
        }
        assert len(keys) == 5
        pinned = changed(archives__sha256={"chess_data.tar.gz": "0" * 64})
        assert read(pinned).chess_key() == read(CONFIG).chess_key()
        assert read(CONFIG).chess_key() == read(changed(data_seed=1)).chess_key()


def test_schema_explains_every_key() -> None:
    """Each property of the schema has a description, its own or that of what it refers to."""
    schema = yaml.safe_load(SCHEMA.read_text())

    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        return node

    def unexplained(node: dict[str, Any], place: str) -> list[str]:
        found = []
        for key, child in node.get("properties", {}).items():
            whole = resolve(child)
            if "description" not in whole and "allOf" not in child and not key.endswith("data"):
                found.append(f"{place}.{key}")
            found += unexplained(whole, f"{place}.{key}")
        return found

    nodes = {"config": schema, **schema["$defs"]}
    assert [key for name, node in nodes.items() for key in unexplained(node, name)] == []


def test_alpha_is_written_exactly():
    texts = ["0.12345678", "0.12345679", "0.0000001", "0", "1", "0.5"]
    assert [parse_run(f"progressive-{text}").name for text in texts] == [
        f"progressive-{text}" for text in texts
    ]
    assert parse_run("progressive-1e-3").name == "progressive-0.001"
    assert parse_run("progressive-0.50").name == "progressive-0.5"


def test_a_loss_without_a_module(monkeypatch):
    monkeypatch.setitem(LOSSES, "lost", False)
    with pytest.raises(ConfigError, match=r"'lost' is in .* but has no losses/lost\.py"):
        parse_run("lost")


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_a_module(loss):
    assert check_loss(loss) is None
    text = f"{loss}-0.5" if LOSSES[loss] else loss
    assert parse_run(text).loss == loss


def test_how_runs_are_written_in_paths():
    pattern = re.compile(run_pattern())
    for name in ("delta", "progressive-0", "progressive-1", "progressive-0.25"):
        assert pattern.fullmatch(name)
    for name in ("delta-0.5", "progressive", "progressive-2", "progressive-.5", "untrained"):
        assert not pattern.fullmatch(name)
