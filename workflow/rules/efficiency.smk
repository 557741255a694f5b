# Time and memory of the losses, in every form: measured on random bits, without data or weights.
from deltaloss.config.efficiency import efficiency_modules, efficiency_settings

EFFICIENCY_TABLES = [
    f"results/{experiment.name}/tables/efficiency.{kind}" for kind in TABLE_FORMATS
]
EFFICIENCY_FILES = [f"results/{experiment.name}/efficiency/{task}.csv" for task in TASKS]
LOCAL_CORES = workflow.is_main_process and workflow.resource_settings.cores


localrules:
    tabulate_efficiency,


rule efficiency:
    """Time and memory of the losses."""
    input:
        EFFICIENCY_TABLES,


rule measure_efficiency:
    """Time and memory of one puzzle's losses at equal batch size; no other job runs beside it."""
    output:
        table="results/{experiment}/efficiency/{task}.csv",
        provenance="results/{experiment}/efficiency/{task}.json",
    log:
        "results/{experiment}/logs/measure_efficiency/{task}.log",
    conda:
        "../../envs/torch.yaml"
    # All cores of this machine, if jobs run here: others would disturb the clock. `workflow.cores`
    # itself would make commands without --cores fail, such as --unlock.
    threads: lambda wildcards: LOCAL_CORES or experiment.threads
    resources:
        gpu=GPUS,
        mem_mb=16000,
        runtime=240,
    params:
        job=lambda wildcards: job(
            "measure_efficiency.py",
            efficiency_settings(experiment, wildcards.task),
            *efficiency_modules(experiment, wildcards.task),
        ),
    script:
        "../scripts/measure_efficiency.py"


rule tabulate_efficiency:
    input:
        results=EFFICIENCY_FILES,
        digests=digest_files(EFFICIENCY_FILES),
    output:
        tables=reported(
            expand("results/{{experiment}}/tables/efficiency.{kind}", kind=TABLE_FORMATS),
            caption="../report/efficiency.rst",
            category="Tables",
            labels={"table": "efficiency", "what": "time and memory"},
        ),
        provenance="results/{experiment}/tables/efficiency.json",
    log:
        "results/{experiment}/logs/tabulate_efficiency.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job(
            "tabulate_efficiency.py",
            {"experiment": experiment.name},
            *puzzle_modules(TASKS, "card"),
        ),
    script:
        "../scripts/tabulate_efficiency.py"
