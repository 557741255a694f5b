# From answers, histories and audits to statistics, tables and figures.


localrules:
    join_statistics,
    tabulate_data,
    tabulate_training,
    tabulate_accuracy,
    draw_figure_1,
    draw_panel,


JOINT_TABLES = [path for number in ("2", "4") for path in table_files(number)]  # of all puzzles
TABLE_FILES = JOINT_TABLES + [path for number in TABLES.values() for path in table_files(number)]
COMPARED = ("mcnemar", "seeds", "over_seeds")  # by `compare_runs`
STATISTICS = (*COMPARED, "untrained")
STATISTICS_FILES = [
    f"results/{experiment.name}/statistics/{statistic}.csv" for statistic in STATISTICS
]
HISTORIES = [
    path
    for task in TASKS
    for path in model_files(
        task, "histories/{task}/{run}/{weights}.csv", experiment.tasks[task].runs
    )
]


rule compare_runs:
    input:
        results=lambda wildcards: answer_files(wildcards.task),
        validations=lambda wildcards: answer_files(wildcards.task, "validations"),
        audits=lambda wildcards: audit_files([wildcards.task]),  # refused data make no evidence
    output:
        mcnemar="results/{experiment}/statistics/mcnemar_{task}.csv",
        seeds="results/{experiment}/statistics/seeds_{task}.csv",
        over_seeds="results/{experiment}/statistics/over_seeds_{task}.csv",
        provenance=expand(
            "results/{{experiment}}/statistics/{statistic}_{{task}}.json",
            statistic=COMPARED,
        ),
    log:
        "results/{experiment}/logs/compare_runs/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job(
            "compare_runs.py", {"train_steps": experiment.tasks[wildcards.task].train_steps}
        ),
    script:
        "../scripts/compare_runs.py"


rule join_statistics:
    input:
        tables=lambda wildcards: statistic_files(wildcards.statistic, TASKS),
        digests=lambda wildcards: digest_files(statistic_files(wildcards.statistic, TASKS)),
        audits=audit_files(TASKS),
    output:
        table="results/{experiment}/statistics/{statistic}.csv",
        provenance="results/{experiment}/statistics/{statistic}.json",
    log:
        "results/{experiment}/logs/join_statistics/{statistic}.log",
    wildcard_constraints:
        statistic="|".join(STATISTICS),
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job("join_statistics.py", {}),
    script:
        "../scripts/join_statistics.py"


rule tabulate_data:
    input:
        results=audit_files(TASKS),
    output:
        tables=reported(
            expand("results/{{experiment}}/tables/table_2.{kind}", kind=TABLE_FORMATS),
            caption="../report/table_2.rst",
            category="Tables",
            labels={"table": "2", "what": "Data"},
        ),
        provenance="results/{experiment}/tables/table_2.json",
    log:
        "results/{experiment}/logs/tabulate_data.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=table_job("data", TASKS),
    script:
        "../scripts/tabulate_results.py"


use rule tabulate_data as tabulate_training with:
    input:
        results=HISTORIES,
        digests=digest_files(HISTORIES),
        audits=audit_files(TASKS),
    output:
        tables=reported(
            expand("results/{{experiment}}/tables/table_4.{kind}", kind=TABLE_FORMATS),
            caption="../report/table_4.rst",
            category="Tables",
            labels={"table": "4", "what": "Training"},
        ),
        provenance="results/{experiment}/tables/table_4.json",
    log:
        "results/{experiment}/logs/tabulate_training.log",
    params:
        job=table_job("training", TASKS),


use rule tabulate_data as tabulate_accuracy with:
    input:
        results=lambda wildcards: [
            *answer_files(TASK_OF_TABLE[wildcards.number]),
            *released_files(TASK_OF_TABLE[wildcards.number]),
        ],
        tests=lambda wildcards: test_files(TASK_OF_TABLE[wildcards.number]),
        digests=lambda wildcards: digest_files(test_files(TASK_OF_TABLE[wildcards.number])),
        audits=lambda wildcards: audit_files([TASK_OF_TABLE[wildcards.number]]),
    output:
        tables=reported(
            expand("results/{{experiment}}/tables/table_{{number}}.{kind}", kind=TABLE_FORMATS),
            caption="../report/accuracy.rst",
            category="Tables",
            labels=lambda wildcards: {
                "table": wildcards.number,
                "what": experiment.tasks[TASK_OF_TABLE[wildcards.number]].card.title,
            },
        ),
        provenance="results/{experiment}/tables/table_{number}.json",
    log:
        "results/{experiment}/logs/tabulate_accuracy/{number}.log",
    wildcard_constraints:
        number="|".join(TASK_OF_TABLE),
    params:
        job=lambda wildcards: table_job("accuracy", [TASK_OF_TABLE[wildcards.number]]),


rule draw_figure_1:
    input:
        results=[path for task in TASKS for path in drawn_files(task)],
        audits=audit_files(TASKS),
    output:
        figures=reported(
            expand("results/{{experiment}}/figures/figure_1.{kind}", kind=FIGURE_FORMATS),
            caption="../report/figure_1.rst",
            category="Figures",
            labels={"figure": "1", "puzzle": "all"},
        ),
        provenance="results/{experiment}/figures/figure_1.json",
    log:
        "results/{experiment}/logs/draw_figure_1.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=figure_job(TASKS),
    script:
        "../scripts/draw_figure_1.py"


use rule draw_figure_1 as draw_panel with:
    input:
        results=lambda wildcards: drawn_files(wildcards.task),
        audits=lambda wildcards: audit_files([wildcards.task]),
    output:
        figures=expand(
            "results/{{experiment}}/figures/figure_1_{{task}}.{kind}", kind=FIGURE_FORMATS
        ),
        provenance="results/{experiment}/figures/figure_1_{task}.json",
    log:
        "results/{experiment}/logs/draw_panel/{task}.log",
    params:
        job=lambda wildcards: figure_job([wildcards.task]),


rule draw_data:
    input:
        results=[
            examples_path(task, split) for task in reversed(TASKS) for split in ("train", "test")
        ],
        manifests=[path for task in TASKS for path in manifest_files(task, "train", "test")],
    output:
        figures=reported(
            expand("results/{{experiment}}/figures/data.{kind}", kind=FIGURE_FORMATS),
            caption="../report/data.rst",
            category="Figures",
            labels={"figure": "data", "puzzle": "all"},
        ),
        provenance="results/{experiment}/figures/data.json",
    log:
        "results/{experiment}/logs/draw_data.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job(
            "draw_data.py",
            {},
            *puzzle_modules(TASKS, "card", "picture"),
        ),
    script:
        "../scripts/draw_data.py"
