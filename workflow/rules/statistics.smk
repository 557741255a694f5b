# Which differences between the runs of a puzzle are more than chance?


rule compare_runs:
    input:
        lambda wildcards: model_files(wildcards.task, "evaluations/{task}/{run}/seed{seed}.npz"),
    output:
        table="results/{experiment}/statistics/mcnemar_{task}.csv",
        provenance="results/{experiment}/statistics/mcnemar_{task}.json",
    log:
        "results/{experiment}/logs/compare_runs/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        job=lambda wildcards: job("compare_runs.py", task_summary(wildcards.task)),
    script:
        "../scripts/compare_runs.py"


rule join_statistics:
    input:
        lambda wildcards: statistic_files(wildcards.statistic, TASKS),
    output:
        table="results/{experiment}/statistics/{statistic}.csv",
        provenance="results/{experiment}/statistics/{statistic}.json",
    log:
        "results/{experiment}/logs/join_statistics/{statistic}.log",
    wildcard_constraints:
        statistic="mcnemar|untrained",
    localrule: True
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=job("join_statistics.py", {}),
    script:
        "../scripts/join_statistics.py"
