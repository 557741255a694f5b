"""Released weights in the config: where they lie, what decides them, and what is refused."""

from __future__ import annotations

import hashlib

import pytest

from deltaloss.core.errors import ConfigError, DataError
from deltaloss.core.runs import RELEASED

from .configs import changed, read

REVISION = "0123456789abcdef0123456789abcdef01234567"
HUB = {
    "repository": "someone/some-models",
    "revision": REVISION,
    "file": "a folder/model_best.pth",
}


def mazes(tmp_path, **released):
    config = changed(tasks__mazes__released=released)
    return read(config, tmp_path / "memory")


def test_a_checkpoint_of_a_data_set_has_a_place_of_its_own_commit(tmp_path):
    experiment = mazes(tmp_path, delta=HUB)
    released = experiment.tasks["mazes"].released["delta"]
    folder = f"results/data/released/someone--some-models/{REVISION}"
    assert released.path == f"{folder}/a folder/model_best.pth"
    settings = experiment.released_settings("mazes", "delta")
    assert settings["source"] == HUB
    later = {**HUB, "revision": REVISION[::-1]}
    assert mazes(tmp_path, delta=later).released_settings("mazes", "delta") != settings


def test_a_file_of_the_user_counts_by_its_content(tmp_path):
    path = tmp_path / "trained" / "model_best.pth"
    path.parent.mkdir()
    path.write_bytes(b"one")
    experiment = mazes(tmp_path, delta={"file": str(path.parent)})
    assert experiment.tasks["mazes"].released["delta"].path == str(path)
    source = {"file_name": path.name, "sha256": hashlib.sha256(b"one").hexdigest()}
    assert experiment.released_settings("mazes", "delta")["source"] == source
    moved = path.rename(tmp_path / path.name)
    again = mazes(tmp_path, delta={"file": str(moved)})
    assert again.released_settings("mazes", "delta")["source"] == source


def test_only_released_weights_have_the_network_of_the_checkpoint(tmp_path):
    experiment = mazes(tmp_path, delta={**HUB, "recall_relu": False})
    networks = {
        (run, weights): experiment.evaluate_settings("mazes", run, weights, steps=None)["network"]
        for run in ("delta", "progressive-0")
        for weights in ("seed42", RELEASED)
    }
    without = networks.pop(("delta", RELEASED))
    own = experiment.tasks["mazes"].network
    assert without == {**own, "recall_relu": False}
    assert list(networks.values()) == [own] * 3


def test_they_mix_no_states_where_trained_networks_do(tmp_path):
    config = changed(tasks__mazes__network__mixing=True, tasks__mazes__released={"delta": HUB})
    experiment = read(config, tmp_path / "memory")
    settings = [
        experiment.evaluate_settings("mazes", "delta", RELEASED, steps=None),
        experiment.released_settings("mazes", "delta"),
    ]
    assert all("mixing" not in one["network"] for one in settings)
    assert experiment.train_settings("mazes", "delta", "seed1")["network"]["mixing"]


def test_they_change_no_setting_of_others(tmp_path):
    plain, experiment = read(changed()), mazes(tmp_path, delta={**HUB, "recall_relu": False})
    for which in (plain, experiment):
        assert which.tasks["mazes"].summary == plain.tasks["mazes"].summary
        assert which.page_settings() == plain.page_settings()


WRONG = {
    "a branch": (
        {"delta": {**HUB, "revision": "main"}},
        r"delta\.revision: 'main': must be the hash of a commit, 40 .* git ls-remote",
    ),
    "a short hash": ({"delta": {**HUB, "revision": REVISION[:7]}}, "must be the hash of a commit"),
    "no revision": (
        {"delta": {"repository": "a/b", "file": "c"}},
        r"released\.delta: repository and revision belong together",
    ),
    "no repository": ({"delta": {"revision": REVISION, "file": "c"}}, "belong together"),
    "no file": ({"delta": {"repository": "a/b"}}, r"delta\.file: missing"),
    "no owner": ({"delta": {**HUB, "repository": "models"}}, "must be OWNER/NAME of a data set"),
    "dashes": ({"delta": {**HUB, "repository": "a/b--c"}}, "must be OWNER/NAME of a data set"),
    "up": ({"delta": {**HUB, "file": "../x.pth"}}, "must be a path in the repository"),
    "root": ({"delta": {**HUB, "file": "/x.pth"}}, "must be a path in the repository"),
    "a run that is not listed": (
        {"progressive-0.7": HUB},
        r"'progressive-0\.7' must be one of this puzzle's runs \(delta, .*; add it to runs",
    ),
    "twice": ({"progressive-0": HUB, "progressive-0.0": HUB}, "each once"),
    "no loss": ({"dleta": HUB}, "there is no loss 'dleta'"),
    "unknown key": ({"delta": {**HUB, "sha": "x"}}, r"delta\.sha: unknown key"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_refused_in_one_line(tmp_path, case):
    released, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as error:
        mazes(tmp_path, **released)
    assert str(error.value).startswith("tasks.mazes.released")


def test_a_missing_file_of_the_user_is_named(tmp_path):
    with pytest.raises(DataError, match=r"released\.delta: .*no\.pth: there is no such checkpoint"):
        mazes(tmp_path, delta={"file": str(tmp_path / "no.pth")})
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty/model_best\.pth: there is no such checkpoint"):
        mazes(tmp_path, delta={"file": str(tmp_path / "empty")})
