# What Snakemake says before the first job, while jobs run and after the last one.
from snakemake.logging import logger

from deltaloss.config.closing import closing_lines, failure_lines


onstart:
    from snakemake.settings.enums import Quietness
    from deltaloss.config.status import RunStatus  # its imports are for this process only

    jobs = list(workflow.dag.needrun_jobs())
    needed = {
        workflow.dag.jobid(job): (
            f"{job.rule.name}{job.wildcards.get('size', '')}",
            job.wildcards.get("task"),
        )
        for job in jobs
    }
    cores = workflow.resource_settings.cores or workflow.resource_settings.nodes or 1
    quiet = workflow.output_settings.quiet or ()
    if predicted := experiment.predict(needed.values(), cores=cores):
        logger.info(predicted)
    workflow.globals["status"] = RunStatus(
        {number: experiment.seconds(*job) for number, job in needed.items()},
        cores=cores,
        instead_of=logger.handlers[0] if Quietness.RULES in quiet else None,
    )
    logger.addHandler(status)


onsuccess:
    status.stop()
    cards = {name: chosen.card for name, chosen in experiment.tasks.items()}
    configs = [Path(path).absolute() for path in workflow.config_settings.configfiles]
    here = [
        path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        for path in configs
    ]
    folder = Path(f"results/{experiment.name}")
    logger.info(
        "\n".join(["", *closing_lines(folder, cards, here, seconds=status.elapsed), ""])
    )


onerror:
    status.stop()
    said = [Path(path) for path in (log if isinstance(log, list) else [log])]
    logger.info("\n".join(["", *status.failures(), *failure_lines(said, status.failed_logs)]))
