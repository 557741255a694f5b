"""The benchmark: its workloads are the paper's, its clocks and files tell the truth."""

from __future__ import annotations

import json
import time

import pytest
import torch

from benchmarks.compare import main, measure_evaluation, measure_memory, measure_training
from benchmarks.engine import GPU_VARIANTS, PLAIN, Engine, variants
from benchmarks.jobs import multiplying
from benchmarks.measure import Memory, gpu_memory, in_turn, matrix_rate
from benchmarks.report import markdown, merged
from benchmarks.workloads import (
    TASKS,
    evaluation_network,
    load_workload,
    operations,
    random_examples,
)
from deltaloss.core.runs import parse_run
from deltaloss.evidence.paper import TASKS as PAPER_TASKS

CPU = torch.device("cpu")


class TestWorkloads:
    def test_the_paper_s_puzzles(self):
        assert set(TASKS) == set(PAPER_TASKS)

    @pytest.mark.parametrize(
        ("name", "millions"), [("prefix_sums", 100), ("mazes", 451), ("chess", 772)]
    )
    def test_operations_are_those_of_the_known_multiply_adds(self, name, millions):
        workload = load_workload(name, device="cpu")
        counted = operations(workload, workload.train_shape, steps=30, readouts=30)
        # Known are those of a plain step, whose recall convolves the input at every step.
        assert counted / 30 / 2e6 == pytest.approx(millions, rel=0.02)

    @pytest.mark.parametrize("name", TASKS)
    def test_states_of_evaluations_neither_settle_nor_overflow(self, name):
        workload = load_workload(name, device="cpu", quick=True)
        network = evaluation_network(workload)
        batch = random_examples(workload.task, workload.test_shape, 4)
        with torch.no_grad():
            *_, before, last = network.unroll(workload.task.encode(batch.inputs), 1000)
        assert last.isfinite().all()
        assert ((last - before).flatten(1).abs().amax(1) > 0).all()

    def test_chess_targets_are_two_squares(self):
        workload = load_workload("chess", device="cpu")
        batch = random_examples(workload.task, workload.train_shape, 9)
        assert (batch.targets.flatten(1).sum(1) == 2).all()


class TestOnAGpu:
    """No GPU here: what is asked of one, and its memory with a stand-in for the allocator."""

    @pytest.mark.parametrize(
        ("name", "run", "batch"), [("mazes", "delta", 100), ("chess", "progressive-0", 300)]
    )
    def test_the_batches_are_the_config_s(self, name, run, batch):
        workload = load_workload(name, device="cuda")
        assert workload.settings(parse_run(run)).batch_size == batch

    def test_each_precision_competes(self):
        contestants, lacking = variants("cuda")
        names = [one.name for one in contestants]
        assert names[:4] == ["plain", "plain fp32", "engine fp32", "engine tf32"]
        assert len(names) + len(lacking) == len(GPU_VARIANTS)

    def test_an_option_that_the_library_lacks_is_named(self):
        engine = Engine(name="x", network_options={"warp": 1}, loss_options={"woof": 2})
        assert engine.missing() == ["warp", "woof"]
        assert Engine(name="y").missing() == []

    def test_memory(self, monkeypatch):
        allocated = iter([100, 150])
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: next(allocated))
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 400)
        calls = []
        memory = gpu_memory(lambda: lambda: calls.append(1))
        assert (memory.held, memory.peak, memory.working) == (50, 300, 250)
        assert len(calls) == 2


class Slow(Engine):
    """The engine, with a rest."""

    def training(self, job):
        return self._rest_after(super().training(job))

    def evaluation(self, job):
        return self._rest_after(super().evaluation(job))

    def _rest_after(self, work):
        return lambda: (work(), time.sleep(0.2))


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.setattr("benchmarks.compare.measure_memory", lambda *_: Memory(held=1, peak=3))


@pytest.mark.usefixtures("no_memory")
def test_what_is_slower_shows_as_slower():
    workload = load_workload("prefix_sums", device="cpu", quick=True)
    contestants = [PLAIN, Engine(name="engine"), Slow(name="slow")]
    options = {"repeats": 3, "device": CPU}
    training = measure_training(workload, parse_run("progressive-0.5"), contestants, **options)
    evaluation = measure_evaluation(workload, contestants, **options)
    for cell, key in ((training, "seconds_per_batch"), (evaluation, "seconds")):
        assert min(cell["variants"]["slow"][key]) >= 0.2
        assert min(cell["variants"]["engine"][key]) < 0.2
        assert [len(one[key]) for one in cell["variants"].values()] == [3, 3, 3]
    rates = [one["example_steps_per_second"] for one in evaluation["variants"].values()]
    assert rates[2] < rates[1]
    assert len(training["draws"]) == 1
    assert len(training["draws"][0]) == 2


def test_a_work_without_enough_memory_is_left_out():
    def greedy():
        raise torch.OutOfMemoryError

    seconds = in_turn({"greedy": greedy, "modest": lambda: None}, repeats=2, device=CPU)
    assert seconds["greedy"] == []
    assert len(seconds["modest"]) == 2


def test_works_take_turns():
    said = []
    works = {name: (lambda name=name: said.append(name)) for name in "ab"}
    in_turn(works, repeats=2, device=CPU)
    assert said == ["a", "b"] * 3


def test_a_matrix_product_is_measured():
    assert matrix_rate(CPU, "fp32", size=64) > 0


class Hoard:
    """Holds 64 MiB between calls, and uses 128 MiB more in each."""

    def __init__(self):
        self.held = torch.ones(2**24)

    def __call__(self):
        return torch.ones(2**25).sum()


def test_memory_held_and_working():
    memory = measure_memory(Hoard, CPU)
    assert memory.held == pytest.approx(2**26, rel=0.2)
    assert memory.working == pytest.approx(2**27, rel=0.1)


def test_precision_is_put_back():
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    with multiplying("fp32", tuned=True):
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.benchmark
    with multiplying("tf32", tuned=False):
        assert torch.get_float32_matmul_precision() == "high"
    assert before == (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision())


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("benchmark") / "quick"
    arguments = "--quick --threads 1 --device cpu --tasks prefix_sums --losses delta"
    main([*arguments.split(), "--variants", "engine", "--output", str(output)])
    return output


class TestFiles:
    def test_the_json_has_every_repeat_and_where_it_was_measured(self, output):
        results = json.loads(output.with_suffix(".json").read_text())
        (training,), (evaluation,) = results["training"], results["evaluation"]
        assert list(training["variants"]) == ["plain", "engine"]
        for one in training["variants"].values():
            assert len(one["seconds_per_batch"]) == results["settings"]["repeats"] == 3
            assert one["operations_per_second"] > 0
        for one in evaluation["variants"].values():
            assert set(one["memory"]) == {"held", "peak", "working"}
            assert one["memory"]["peak"] >= one["memory"]["held"] > 0
        assert {"device", "processor", "torch", "python"} <= set(results["machine"])
        assert {"commit", "changed_files", "measured"} <= set(results)

    def test_the_table_has_a_row_for_each_contestant(self, output):
        rows = output.with_suffix(".md").read_text().splitlines()
        rows = [row for row in rows if row.startswith("| prefix_sums |")]
        assert len(rows) == 4
        assert [row.split(" | ")[3] for row in rows] == ["plain", "engine"] * 2

    def test_a_ratio_is_plain_s_seconds_by_the_engine_s(self, output):
        results = json.loads(output.with_suffix(".json").read_text())
        variants = results["training"][0]["variants"]
        variants["plain"]["seconds_per_batch"] = [3.0, 9.0, 4.0]
        variants["engine"]["seconds_per_batch"] = [2.0, 1.0, 8.0]
        assert "| engine | 2 | 2.00 |" in markdown(results)

    def test_a_gpu_s_share_is_held_against_its_precision(self, output):
        results = json.loads(output.with_suffix(".json").read_text())
        results["matrix_operations_per_second"] = {"fp32": 1e9, "tf32": 4e9}
        for one in results["training"][0]["variants"].values():
            one["operations_per_second"] = 1e9
        rows = markdown(results).splitlines()
        shares = [row.split(" | ")[-1] for row in rows if " | delta | " in row]
        assert shares == ["25.0 |", "100.0 |"]  # plain's convolutions are in TF32

    def test_parts_are_joined(self, output):
        part = json.loads(output.with_suffix(".json").read_text())
        assert len(merged([part, part])["training"]) == 2

    def test_an_unknown_variant_is_refused(self, capsys):
        with pytest.raises(SystemExit):
            main(["--variants", "warp"])
        assert "'engine'" in capsys.readouterr().err
