# Are the data right? A report for each puzzle, the paper's table 2, and a figure with examples.


rule audit_data:
    input:
        train=lambda wildcards: data_file(wildcards.task, "train"),
        test=lambda wildcards: data_file(wildcards.task, "test"),
    output:
        "results/{experiment}/data/{task}.json",
    log:
        "results/{experiment}/logs/audit_data/{task}.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        job=lambda wildcards: job(
            "audit_data.py",
            {
                "strict": experiment.strict,
                "validation_fraction": (
                    experiment.tasks[wildcards.task].data["validation_fraction"]
                ),
            },
            f"datasets.audit_{wildcards.task}",
        ),
    script:
        "../scripts/audit_data.py"


rule tabulate_data:
    input:
        expand("results/{{experiment}}/data/{task}.json", task=TASKS),
    output:
        tables=report(
            expand("results/{{experiment}}/tables/table_2.{kind}", kind=TABLE_FORMATS),
            caption="../report/table_2.rst",
            category="Tables",
            labels={"table": "2", "what": "data"},
        ),
        provenance="results/{experiment}/tables/table_2.json",
    log:
        "results/{experiment}/logs/tabulate_data.log",
    localrule: True
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=job("tabulate_data.py", {"experiment": experiment.name}),
    script:
        "../scripts/tabulate_data.py"


rule draw_data:
    input:
        [data_file(task, split) for task in reversed(TASKS) for split in ("train", "test")],
    output:
        figures=report(
            expand("results/{{experiment}}/figures/data.{kind}", kind=FIGURE_FORMATS),
            caption="../report/data.rst",
            category="Figures",
            labels={"figure": "data"},
        ),
        provenance="results/{experiment}/figures/data.json",
    log:
        "results/{experiment}/logs/draw_data.log",
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        job=job("draw_data.py", {}),
    script:
        "../scripts/draw_data.py"
