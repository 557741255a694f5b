# Helpers of the rules that publish, restore and verify: settings that results are expected to have.
from types import SimpleNamespace


def asked_of(path):
    """Return what decides whether a result is made again: `job` of the rule that makes it."""
    maker = next(r for r in workflow.rules if "job" in r.params.keys() and r.is_producer(path))
    asked = maker.params.job
    return asked(SimpleNamespace(**maker.get_wildcards(path))) if callable(asked) else asked


def published_job(script, files, **settings):
    """Return the params of jobs that check results, which `files` have settings beside them."""
    expected = published.expected_settings(files, asked_of)
    return job(script, {"experiment": experiment.name, "expected": expected, **settings})
