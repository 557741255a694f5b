# The paper's tables 4-7, ours beside the paper's printed values.


rule tabulate_training:
    input:
        [model_files(task, "histories/{task}/{run}/seed{seed}.csv") for task in TASKS],
    output:
        tables=report(
            expand("results/{{experiment}}/tables/table_4.{kind}", kind=TABLE_FORMATS),
            caption="../report/table_4.rst",
            category="Tables",
            labels={"table": "4", "what": "training"},
        ),
        provenance="results/{experiment}/tables/table_4.json",
    log:
        "results/{experiment}/logs/tabulate_training.log",
    localrule: True
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=job(
            "tabulate_training.py",
            {"experiment": experiment.name, "tasks": [task_summary(task) for task in TASKS]},
        ),
    script:
        "../scripts/tabulate_training.py"


rule tabulate_accuracy:
    input:
        lambda wildcards: model_files(
            TASK_OF_TABLE[wildcards.number], "evaluations/{task}/{run}/seed{seed}.csv"
        ),
    output:
        tables=report(
            expand("results/{{experiment}}/tables/table_{{number}}.{kind}", kind=TABLE_FORMATS),
            caption="../report/accuracy.rst",
            category="Tables",
            labels={"table": "{number}", "what": "accuracy"},
        ),
        provenance="results/{experiment}/tables/table_{number}.json",
    log:
        "results/{experiment}/logs/tabulate_accuracy/{number}.log",
    wildcard_constraints:
        number="[567]",
    localrule: True
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda wildcards: job(
            "tabulate_accuracy.py",
            {"experiment": experiment.name, **task_summary(TASK_OF_TABLE[wildcards.number])},
        ),
    script:
        "../scripts/tabulate_accuracy.py"
