# What Snakemake says before the first job and after the last one.
from snakemake.logging import logger

from deltaloss.config.closing import closing_lines, failure_lines


onstart:
    needed = [(job.rule.name, job.wildcards.get("task")) for job in workflow.dag.needrun_jobs()]
    if predicted := experiment.predict(needed, cores=workflow.resource_settings.cores or 1):
        logger.info(predicted)


onsuccess:
    cards = {name: chosen.card for name, chosen in experiment.tasks.items()}
    configs = [Path(path).absolute() for path in workflow.config_settings.configfiles]
    here = [
        path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        for path in configs
    ]
    logger.info(
        "\n".join(["", *closing_lines(Path(f"results/{experiment.name}"), cards, here), ""])
    )


onerror:
    logger.info("\n".join(failure_lines(map(Path, log if isinstance(log, list) else [log]))))
