# Convergence: how states and answers of the trained networks settle over the steps of the evaluation;
# recovery: whether the answers come back after the states are disturbed.


localrules:
    tabulate_convergence,
    tabulate_recovery,
    tabulate_stopping,
    draw_convergence,


CONVERGENCE_FILES = {
    task: [
        *(
            f"results/{experiment.name}/{path}"
            for name in ("convergence", "stopping")
            for path in (
                f"statistics/{name}_{task}.csv",
                *(f"tables/{name}_{task}.{kind}" for kind in TABLE_FORMATS),
            )
        ),
        *figure_files(f"convergence_{task}"),
    ]
    for task in TASKS
}

RECOVERY_FILES = {
    task: [
        f"results/{experiment.name}/statistics/recovery_{task}.csv",
        *(f"results/{experiment.name}/tables/recovery_{task}.{kind}" for kind in TABLE_FORMATS),
    ]
    for task in TASKS
}


rule convergence:
    """How the networks settle, and when to stop them: statistics, tables and figures."""
    input:
        list(CONVERGENCE_FILES.values()),


rule recovery:
    """Whether answers come back after the states are disturbed: statistics and tables."""
    input:
        list(RECOVERY_FILES.values()),


rule measure_convergence:
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "test"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "test"),
        model="results/{experiment}/models/{task}/{run}/{weights}.safetensors",
    output:
        steps="results/{experiment}/convergence/{task}/{run}/{weights}.csv",
        examples="results/{experiment}/convergence/{task}/{run}/{weights}_examples.csv",
        provenance=expand(
            "results/{{experiment}}/convergence/{{task}}/{{run}}/{{weights}}{part}.json",
            part=("", "_examples"),
        ),
    log:
        "results/{experiment}/logs/convergence/{task}/{run}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/convergence/{task}/{run}/{weights}.tsv"
    priority: job_priority
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=GPUS,
        mem_mb=more_memory,
        runtime=runtime("measure_convergence"),
    params:
        # fp32: coarser states cannot resolve a fixed point
        job=lambda wildcards: evaluate_settings(
            wildcards, script="measure_convergence.py", precision="fp32"
        ),
    script:
        "../scripts/measure_convergence.py"


rule tabulate_convergence:
    input:
        steps=lambda wildcards: convergence_files(wildcards.task),
        examples=lambda wildcards: convergence_files(wildcards.task, part="_examples"),
        digests=lambda wildcards: digest_files(
            [
                *convergence_files(wildcards.task),
                *convergence_files(wildcards.task, part="_examples"),
            ]
        ),
        audits=lambda wildcards: audit_files([wildcards.task]),  # refused data make no evidence
    output:
        statistic="results/{experiment}/statistics/convergence_{task}.csv",
        tables=reported(
            expand(
                "results/{{experiment}}/tables/convergence_{{task}}.{kind}", kind=TABLE_FORMATS
            ),
            caption="../report/convergence.rst",
            category="Tables",
            labels={"table": "convergence", "what": "{task}"},
        ),
        provenance=expand(
            "results/{{experiment}}/{folder}/convergence_{{task}}.json",
            folder=("statistics", "tables"),
        ),
    log:
        "results/{experiment}/logs/tabulate_convergence/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job(
            "tabulate_convergence.py",
            {"experiment": experiment.name, "kind": "convergence"},
            *puzzle_modules([wildcards.task], "card"),
        ),
    script:
        "../scripts/tabulate_convergence.py"


use rule tabulate_convergence as tabulate_stopping with:
    output:
        statistic="results/{experiment}/statistics/stopping_{task}.csv",
        tables=reported(
            expand("results/{{experiment}}/tables/stopping_{{task}}.{kind}", kind=TABLE_FORMATS),
            caption="../report/stopping.rst",
            category="Tables",
            labels={"table": "stopping", "what": "{task}"},
        ),
        provenance=expand(
            "results/{{experiment}}/{folder}/stopping_{{task}}.json",
            folder=("statistics", "tables"),
        ),
    log:
        "results/{experiment}/logs/tabulate_stopping/{task}.log",
    params:
        job=lambda wildcards: job(
            "tabulate_convergence.py",
            {"experiment": experiment.name, "kind": "stopping"},
            *puzzle_modules([wildcards.task], "card"),
        ),


rule draw_convergence:
    input:
        results=lambda wildcards: plotted_convergence_files(wildcards.task),
        digests=lambda wildcards: digest_files(plotted_convergence_files(wildcards.task)),
        audits=lambda wildcards: audit_files([wildcards.task]),
    output:
        figures=reported(
            expand(
                "results/{{experiment}}/figures/convergence_{{task}}.{kind}", kind=FIGURE_FORMATS
            ),
            caption="../report/convergence_figure.rst",
            category="Figures",
            labels={"figure": "convergence", "puzzle": "{task}"},
        ),
        provenance="results/{experiment}/figures/convergence_{task}.json",
    log:
        "results/{experiment}/logs/draw_convergence/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job(
            "draw_convergence.py",
            {"panel": experiment.panel_settings(wildcards.task)},
            *puzzle_modules([wildcards.task], "card"),
        ),
    script:
        "../scripts/draw_convergence.py"


rule measure_recovery:
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "test"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "test"),
        model="results/{experiment}/models/{task}/{run}/{weights}.safetensors",
    output:
        examples="results/{experiment}/recovery/{task}/{run}/{weights}.csv",
        provenance="results/{experiment}/recovery/{task}/{run}/{weights}.json",
    log:
        "results/{experiment}/logs/recovery/{task}/{run}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/recovery/{task}/{run}/{weights}.tsv"
    priority: job_priority
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=GPUS,
        mem_mb=more_memory,
        runtime=lambda wildcards, attempt: attempt * 240,
    params:
        job=lambda wildcards: evaluate_settings(wildcards, script="measure_recovery.py"),
    script:
        "../scripts/measure_recovery.py"


use rule tabulate_convergence as tabulate_recovery with:
    input:
        examples=lambda wildcards: recovery_files(wildcards.task),
        digests=lambda wildcards: digest_files(recovery_files(wildcards.task)),
        audits=lambda wildcards: audit_files([wildcards.task]),
    output:
        statistic="results/{experiment}/statistics/recovery_{task}.csv",
        tables=reported(
            expand("results/{{experiment}}/tables/recovery_{{task}}.{kind}", kind=TABLE_FORMATS),
            caption="../report/recovery.rst",
            category="Tables",
            labels={"table": "recovery", "what": "{task}"},
        ),
        provenance=expand(
            "results/{{experiment}}/{folder}/recovery_{{task}}.json",
            folder=("statistics", "tables"),
        ),
    log:
        "results/{experiment}/logs/tabulate_recovery/{task}.log",
    params:
        job=lambda wildcards: job(
            "tabulate_convergence.py",
            {"experiment": experiment.name, "kind": "recovery"},
            *puzzle_modules([wildcards.task], "card"),
        ),
