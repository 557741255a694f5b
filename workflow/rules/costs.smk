# Says before the first job how long training and evaluation will take.
from snakemake.logging import logger


onstart:
    needed = [(job.rule.name, job.wildcards.get("task")) for job in workflow.dag.needrun_jobs()]
    if predicted := experiment.predict(needed, cores=workflow.resource_settings.cores or 1):
        logger.info(predicted)
