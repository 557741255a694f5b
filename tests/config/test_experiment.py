"""A config becomes an experiment, or is refused in one line with key, value and remedy."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest

from deltaloss.core.errors import ConfigError, UserError
from deltaloss.puzzles.card import load_card

from .configs import CONFIG, ROOT, changed, read, with_preset

PRESETS = sorted(path.stem for path in (ROOT / "workflow" / "presets").glob("*.yaml"))


class TestTheExperimentOfThePaper:
    def test_has_nine_runs_at_the_best_alphas(self):
        tasks = read(CONFIG).tasks
        assert {task: [run.name for run in tasks[task].runs] for task in tasks} == {
            "chess": ["delta", "progressive-0", "progressive-0.5"],
            "mazes": ["delta", "progressive-0", "progressive-0.01"],
            "prefix_sums": ["delta", "progressive-0", "progressive-1"],
        }

    def test_lists_puzzles_in_the_order_of_their_tables(self):
        config = changed(tasks=dict(reversed(CONFIG["tasks"].items())))
        assert list(read(config).tasks) == ["chess", "mazes", "prefix_sums"]

    def test_trains_30_steps_and_evaluates_as_far_as_figure_1(self):
        tasks = read(CONFIG).tasks
        assert {task.train_steps for task in tasks.values()} == {30}
        steps = {name: task.evaluation["steps"] for name, task in tasks.items()}
        assert steps == {"chess": 300, "mazes": 1000, "prefix_sums": 500}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_an_experiment_name_of_its_own(preset):
    others = {CONFIG["experiment"], *(with_preset(p)["experiment"] for p in PRESETS if p != preset)}
    assert read(with_preset(preset)).name not in others


REFUSED = {
    "unknown key": (changed(sedes=[1]), r"^sedes: unknown key \(did you mean 'seeds'\?\); known: "),
    "unknown deep key": (
        changed(tasks__mazes__training__released__delta__learning_rte=1.0),
        r"^tasks\.mazes\.training\.released\.delta\.learning_rte: unknown key "
        r"\(did you mean 'learning_rate'\?\)",
    ),
    "unknown key of a set": (
        changed(training__paper__epocs=1), r"training\.paper\.epocs: .*'epochs'"
    ),
    "settings for a loss that is not there": (
        changed(training__released__omega={"epochs": 1}), r"training\.released\.omega: unknown key"
    ),
    "unknown task": (changed(tasks__maze=CONFIG["tasks"]["mazes"]), r"tasks\.maze: .*'mazes'"),
    "key that is a number": (
        changed(tasks__mazes__training={"released": {1: {}}}),
        r"tasks\.mazes\.training\.released\.1: unknown key",
    ),
    "alpha above 1": (
        changed(tasks__chess__runs=["delta", "progressive-1.5"]),
        r"^tasks\.chess\.runs: 'progressive-1\.5': alpha is 1\.5, allowed is 0 to 1",
    ),
    "unknown loss": (changed(tasks__chess__runs=["dleta"]), r"^tasks\.chess\.runs: .* 'dleta'"),
    "mixing in bf16": (
        changed(tasks__chess__network__mixing=True, precision="bf16"),
        r"^tasks\.chess\.network\.mixing: bf16 is too coarse for the weights of past states",
    ),
    "plotted, not listed": (
        changed(tasks__chess__plotted=["delta", "progressive-0.25"]),
        r"^tasks\.chess\.plotted: 'progressive-0\.25' is not listed in tasks\.chess\.runs",
    ),
    "sizes of chess": (
        changed(tasks__chess__sizes=[{"size": 8, "count": 5, "steps": 9}]),
        r"^tasks\.chess\.sizes: puzzles of chosen sizes cannot be made of Chess; leave sizes out",
    ),
    "an even size": (
        changed(tasks__mazes__sizes=[{"size": n, "count": 5, "steps": 9} for n in (19, 20)]),
        r"^tasks\.mazes\.sizes\[1\]\.size: 20 is even; mazes have odd sizes, such as 21",
    ),
    "more strings than there are": (
        changed(tasks__prefix_sums__sizes=[{"size": 2, "count": 5, "steps": 9}]),
        r"^tasks\.prefix_sums\.sizes\[0\]\.count: 5: there are 4 different strings of 2 bits",
    ),
    "a size listed twice": (
        changed(tasks__mazes__sizes=[{"size": 19, "count": n, "steps": 9} for n in (5, 6)]),
        r"^tasks\.mazes\.sizes: size 19 is listed twice; list each once",
    ),
    "the size of the training": (
        changed(tasks__mazes__sizes=[{"size": 9, "count": 5, "steps": 9}]),
        r"^tasks\.mazes\.sizes: size 9 is that of the training, whose examples may be among",
    ),
    "a size without steps": (
        changed(tasks__mazes__sizes=[{"size": 19, "count": 5}]),
        r"^tasks\.mazes\.sizes\[0\]\.steps: missing",
    ),
    "a size below those of the puzzle": (
        changed(tasks__mazes__sizes=[{"size": 1, "count": 5, "steps": 9}]),
        r"^tasks\.mazes\.sizes\[0\]\.size: 1: must be at least 3",
    ),
    "run listed twice": (
        changed(tasks__chess__runs=["delta", "progressive-0.5", "progressive-.50"]),
        r"'progressive-0\.5' is listed twice",
    ),
    "seven plotted": (
        changed(tasks__chess__plotted=[f"progressive-0.{i}" for i in range(1, 8)]),
        r"must list at most 6",
    ),
    "milestone beyond the end": (
        changed(tasks__chess__training__released__milestones=[130]),
        r"milestone 130 of 'delta' is not reached in 130 epochs",
    ),
    "unknown set": (
        changed(hyperparameters="realeased"), r"'realeased' \(did you mean 'released'\?\)"
    ),
    "setting without a value": (
        changed(training={"released": {}}),
        r"^tasks\.chess\.training: 'delta' has no optimizer; add it to the set 'released'",
    ),
    "number without a point": (
        changed(training__released__learning_rate="1e-3"),
        r"learning_rate: '1e-3' is text in YAML; write 1\.0e-3$",
    ),
    "number without the sign of its exponent": (
        changed(training__released__learning_rate="1.0e5"),
        r"learning_rate: '1\.0e5' is text in YAML; write 1\.0e\+5$",
    ),
    "whole number as a fraction": (
        changed(tasks__mazes__training__released__epochs="1e2"), r"epochs: '1e2': must be a whole"
    ),
    "not a number": (
        changed(training__released__learning_rate=float("nan")),
        r"learning_rate: nan: must be a finite number",
    ),
    "duplicate seeds": (changed(seeds=[1, 2, 1]), r"^seeds: 1 is listed twice"),
    "no seeds": (changed(seeds=[]), r"^seeds: \[\]: must list at least 1"),
    "seed that is no whole number": (changed(seeds=[1.0]), r"^seeds\[0\]: 1\.0: must be a whole"),
    "huge seed": (changed(seeds=[10**20]), r"seeds\[0\]: 10+: must be at most 4294967295"),
    "seed of 401 digits": (
        changed(seeds=[10**400]), r"seeds\[0\]: 1(0){49}\.\.\.(0){20}: must be at most 4294967295"
    ),
    "rate of 401 digits": (
        changed(training__released__learning_rate=10**400),
        r"learning_rate: 10+\.\.\.0+: must be at most",
    ),
    "number of 5001 digits": (changed(threads=10**5000), r"thousands of digits; write a smaller"),
    "huge width": (
        changed(tasks__mazes__network__width=10**12), r"width: 10+: must be at most 100000"
    ),
    "huge head": (
        changed(tasks__mazes__network__head=[32, 10**12]), r"head\[1\]: 10+: must be at most 100000"
    ),
    "too many steps": (
        changed(tasks__mazes__evaluation__steps=10**10), r"steps: 10+: must be at most 1000000"
    ),
    "too many threads": (changed(threads=10**6), r"threads: 1000000: must be at most 10000"),
    "no batch": (
        changed(tasks__mazes__evaluation__batch_size=0),
        r"evaluation\.batch_size: 0: must be a whole number of at least 1 .*, or auto",
    ),
    "date for a text": (
        changed(experiment=date(2024, 1, 1)),
        r"^experiment: 2024-01-01: must be text; put it in quotes",
    ),
    "run with a number of many digits": (
        changed(tasks__chess__runs=["delta", "progressive-1e-200"]),
        r"^tasks\.chess\.runs: 'progressive-1e-200': too many digits",
    ),
    "fewer steps than trained": (
        changed(tasks__mazes__evaluation__steps=29), r"evaluation\.steps: 29 is less than"
    ),
    "zero steps": (changed(tasks__mazes__train_steps=0), r"train_steps: 0: must be at least 2"),
    "even maze": (
        changed(tasks__mazes__data__test__size=10),
        r"^tasks\.mazes\.data\.test\.size: 10 is even.*such as 11",
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
    "source of another puzzle": (
        changed(tasks__mazes__data__source="lichess"), r"'lichess': allowed: archive, generate"
    ),
    "puzzle file that is not read": (
        changed(tasks__chess__data__puzzles="a.csv"), r"^tasks\.chess\.data\.puzzles: 'a\.csv'"
    ),
    "puzzle file with NUL": (
        changed(tasks__chess__data__source="lichess", tasks__chess__data__puzzles="a\0b"),
        r"^tasks\.chess\.data\.puzzles: 'a\\x00b': must be the path of a CSV",
    ),
    "puzzle address of a plain CSV": (
        changed(
            tasks__chess__data__source="lichess", tasks__chess__data__puzzles="https://x.org/a.csv"
        ),
        r"puzzles: 'https://x\.org/a\.csv': must be .* that ends in \.zst",
    ),
    "missing puzzle file": (
        changed(tasks__chess__data__source="lichess", tasks__chess__data__puzzles="no.csv"),
        r"^tasks\.chess\.data: no\.csv: there is no such puzzle file; write its path from",
    ),
    "puzzle path of 5,000 letters": (
        changed(tasks__chess__data__source="lichess", tasks__chess__data__puzzles="x" * 5000),
        r"^tasks\.chess\.data: x+ \.\.\. x+: cannot be read: File name too long",
    ),
    "length that the archive lacks": (
        changed(tasks__prefix_sums__data__test__size=80),
        r"^tasks\.prefix_sums\.data\.test\.size: 80: .*16 to 64, 72, .*source: generate$",
    ),
    "wrong digest": (
        changed(archives__sha256={"chess_data.tar.gz": "0" * 63}),
        r"chess_data\.tar\.gz: '0{63}': must be 64 hexadecimal digits",
    ),
    "digest of a file in a folder": (
        changed(archives__sha256={"a/b.zst": "0" * 64}), r"'a/b\.zst': must be the name of a file"
    ),
    "name of a set that is a number": (
        changed(training={1: {}}), r"^training: 1: must be text; put it in quotes"
    ),
    "empty name of a file": (changed(tasks__chess__data__puzzles=""), r"must not be empty"),
    "misspelt archive": (
        changed(archives__sha256={"maze_data_train9.tar.gz": "0" * 64}),
        r"archives\.sha256\.maze_data_train9\.tar\.gz: .*did you mean 'maze_data_train_9\.tar\.gz'",
    ),
    "missing key": (
        {key: value for key, value in CONFIG.items() if key != "seeds"}, r"^seeds: missing"
    ),
    "experiment out of its folder": (changed(experiment="../x"), r"^experiment: '\.\./x': must be"),
    "name of 300 letters": (changed(experiment="x" * 300), r"must have at most 100 characters"),
    "key with a line end": (changed(**{"a\nb": 1}), r"^a\?b: unknown key"),
    "experiment over the data": (changed(experiment="data"), r"^experiment: 'data': this name"),
    "name with a line end": (changed(experiment="x\n"), r"must be letters, digits"),
    "device": (changed(device="gpu"), r"^device: 'gpu': allowed: auto, cpu, cuda"),
    "precision": (changed(precision="fp16"), r"^precision: 'fp16': allowed: fp32, tf32, bf16"),
    "recompute": (changed(recompute="all"), r"^recompute: 'all': allowed: none, blocks, steps"),
    "select": (changed(select="best"), r"^select: 'best': allowed: first_best, last, both"),
    "end before a last epoch that is wanted": (
        changed(select="both", stop_at_perfect_validation=True),
        r"^stop_at_perfect_validation: true: the last epoch is wanted \(select: both\)",
    ),
    "run of a last epoch": (
        changed(tasks__mazes__runs=["delta", "delta@last"]),
        r"^tasks\.mazes\.runs: 'delta@last': list the run, and set select: both",
    ),
    "tasks is a list": (changed(tasks=["mazes"]), r"^tasks: \['mazes'\]: must be a mapping"),
    "nothing at all": ({}, r"missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_config_is_refused_in_one_line(case: str) -> None:
    config, message = REFUSED[case]
    with pytest.raises(UserError) as caught:
        read(config)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "mirror",
    [
        "ftp://x.org",
        "http://",
        "https:///x",
        "file://host/x",
        "HTTPS://x.org",
        "https://x y",
        "a\0b",
    ],
)
def test_a_mirror_that_nothing_can_be_fetched_from_is_refused(mirror: str) -> None:
    with pytest.raises(ConfigError, match=r"^archives\.mirrors\[1\]: '.*': must be an https://"):
        read(changed(archives__mirrors=["elsewhere", mirror]))


def test_addresses_and_folders_are_mirrors():
    mirrors = ["http://localhost:80", "https://me:word@x.org/a/", "file:///a b", "~/a", "../a b"]
    assert read(changed(archives__mirrors=mirrors)).archives["mirrors"] == mirrors


def test_two_puzzles_with_one_table_are_refused(monkeypatch):
    def load_with_one_table(name):
        return replace(load_card(name), table=5)

    monkeypatch.setattr("deltaloss.config.reading.load_card", load_with_one_table)
    with pytest.raises(ConfigError, match=r"tasks\.mazes: number 5 of its table is taken by chess"):
        read(CONFIG)


def test_digests_of_other_sizes_and_of_compressed_puzzle_files_are_accepted():
    names = ("maze_data_test_13.tar.gz", "chess_data.tar.gz", "lichess_db_puzzle.csv.zst")
    digests = dict.fromkeys(names, "0" * 64)
    assert read(changed(archives__sha256=digests)).archives["sha256"] == digests


def test_precision_decides_a_result_only_where_there_may_be_a_gpu():
    assert read(CONFIG).result_precision == "tf32"
    assert read(changed(device="cuda", precision="bf16")).result_precision == "bf16"
    assert read(changed(device="cpu", precision="bf16")).result_precision == "fp32"


def test_deterministic_algorithms_are_a_setting_where_there_may_be_a_gpu():
    def chosen(**settings):
        experiment = read(changed(deterministic=True, **settings))
        return experiment.train_settings("mazes", "delta", "seed1")["deterministic"]

    assert chosen()
    assert chosen(device="cuda")
    assert not chosen(device="cpu")
    assert not read(CONFIG).train_settings("mazes", "delta", "seed1")["deterministic"]


def test_the_last_epochs_are_evaluated_beside_selected_ones_if_both_are_kept():
    names = [run.name for run in read(changed(select="both")).evaluated_runs("mazes")]
    assert names[3:] == [f"{name}@last" for name in names[:3]]
    assert len(read(CONFIG).evaluated_runs("mazes")) == 3


def test_the_longest_trainings_come_first():
    experiment = read(CONFIG)
    priorities = [experiment.priority(task) for task in ("chess", "mazes", "prefix_sums")]
    assert priorities == [3, 2, 1]
    longer = read(changed(tasks__prefix_sums__training__released__epochs=10**6))
    assert longer.priority("prefix_sums") == 3


def test_nested_values_of_the_command_line_are_read_as_in_yaml():
    """--config 'seeds=[1, 20]' hands over texts; the config itself changes, for scripts read it."""
    config = changed(
        experiment="5",
        seeds=["1", "20"],
        tensorboard="false",
        training__released__learning_rate="1.0e-3",
        training__released__clip_norm="null",
        tasks__mazes__evaluation__batch_size="7",
        tasks__prefix_sums__evaluation__batch_size="auto",
    )
    read_back = read(config)
    assert read_back.tasks["mazes"].seeds == (1, 20)
    assert read_back.name == "5"
    assert read_back.tasks["chess"].training["delta"]["learning_rate"] == 0.001
    assert config["tensorboard"] is False
    assert config["training"]["released"]["clip_norm"] is None
    batches = [config["tasks"][t]["evaluation"]["batch_size"] for t in ("mazes", "prefix_sums")]
    assert batches == [7, "auto"]


class TestPathsOfExamples:
    def test_name_source_and_settings_and_are_shared_by_equal_examples(self):
        paper, quick = read(CONFIG), read(with_preset("quick"))
        assert (
            paper.examples_path("mazes", "test")
            == "results/data/mazes/archive_size59_count10000/test.npz"
        )
        assert (
            quick.examples_path("mazes", "train")
            == "results/data/mazes/generate_size9_count4000_seed42_pixels_per_position1/train.npz"
        )
        renamed = changed(experiment="other", seeds=[7], data_seed=1)
        assert read(renamed).examples_path("mazes", "test") == paper.examples_path("mazes", "test")

    def test_differ_where_settings_do(self):
        configs = [
            CONFIG,
            changed(tasks__chess__data__source="generate"),
            changed(tasks__chess__data__source="generate", data_seed=1),
            changed(tasks__chess__data__orientation="aligned"),
            changed(tasks__chess__data__test__count=5),
        ]
        assert len({read(config).examples_path("chess", "train") for config in configs}) == 5
        pinned = changed(archives__sha256={"chess_data.tar.gz": "0" * 64})
        assert read(pinned).examples_path("chess", "train") == read(CONFIG).examples_path(
            "chess", "train"
        )

    def test_follow_the_content_of_a_puzzle_file_not_its_name_or_the_seed(self, tmp_path):
        def path(content: str, name: str = "a.csv", seed: int = 42) -> str:
            (tmp_path / name).write_text(content)
            data = {"source": "lichess", "puzzles": str(tmp_path / name)}
            config = changed(data_seed=seed)
            config["tasks"]["chess"]["data"] |= data
            return read(config, tmp_path / "memory").examples_path("chess", "test")

        assert path("one", name="b.csv", seed=7) == path("one")
        assert path("other") != path("one")


PARSE = """
import sys
from snakemake.cli import main

before = set(sys.modules)  # plugins of Snakemake import what they like
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
assert "deltaloss.config.experiment" in sys.modules
heavy = {"torch", "pandas", "matplotlib", "scipy", "chess"} & (set(sys.modules) - before)
sys.exit(f"imported {heavy}" if heavy else 0)
"""


def test_parsing_the_workflow_imports_no_heavy_packages(tmp_path):
    """Snakemake parses the workflow again for every job."""
    done = subprocess.run(
        [sys.executable, "-c", PARSE, "--list", "--directory", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mixing_is_false_where_it_is_not_given():
    plain = read(CONFIG).train_settings("mazes", "delta", "seed1")
    for mixing in (False, True):
        config = changed(tasks__mazes__network__mixing=mixing)
        assert (read(config).train_settings("mazes", "delta", "seed1") == plain) is not mixing
