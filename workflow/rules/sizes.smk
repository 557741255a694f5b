# Larger puzzles: every trained network on further test sets, `sizes` of the config, and how the steps
# that it needs grow with the size.


localrules:
    tabulate_sizes,
    draw_sizes,


SIZES_FILES = {
    task: [
        f"results/{experiment.name}/statistics/sizes_{task}.csv",
        *(f"results/{experiment.name}/tables/sizes_{task}.{kind}" for kind in TABLE_FORMATS),
        *figure_files(f"sizes_{task}"),
    ]
    for task in TASKS
    if experiment.tasks[task].sizes
}


rule sizes:
    """Accuracy and steps against the size of the puzzles, with the exponent of the steps."""
    input:
        wanted_sizes,


use rule evaluate_model as evaluate_size with:
    input:
        examples=lambda wildcards: at_size(wildcards).examples_path(wildcards.task, "test"),
        manifest=lambda wildcards: ancient(
            digest_files([at_size(wildcards).examples_path(wildcards.task, "test")])
        ),
        model="results/{experiment}/models/{task}/{run}/{weights}.safetensors",
    output:
        answers="results/{experiment}/sizes/{size}/{task}/{run}/{weights}.npz",
        curve="results/{experiment}/sizes/{size}/{task}/{run}/{weights}.csv",
        summary="results/{experiment}/sizes/{size}/{task}/{run}/{weights}.json",
    log:
        "results/{experiment}/logs/sizes/{size}/{task}/{run}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/sizes/{size}/{task}/{run}/{weights}.tsv"
    wildcard_constraints:
        size="[0-9]+",
        weights="seed[0-9]+",
    resources:
        gpu=GPUS,
        mem_mb=more_memory,
        runtime=lambda wildcards, attempt: (
            attempt * at_size(wildcards).minutes("evaluate_model", wildcards.task)
        ),
    params:
        job=lambda wildcards: evaluate_settings(
            wildcards,
            steps=at_size(wildcards).tasks[wildcards.task].evaluation["steps"],
        ),
        checkpoints="results/{experiment}/checkpoints/sizes/{size}/{task}/{run}/{weights}",


rule tabulate_sizes:
    input:
        results=lambda wildcards: sizes_files(wildcards.task),
        audits=lambda wildcards: audit_files([wildcards.task]),  # refused data make no evidence
    output:
        statistic="results/{experiment}/statistics/sizes_{task}.csv",
        tables=reported(
            expand("results/{{experiment}}/tables/sizes_{{task}}.{kind}", kind=TABLE_FORMATS),
            caption="../report/sizes.rst",
            category="Tables",
            labels={"table": "sizes", "what": "{task}"},
        ),
        provenance=expand(
            "results/{{experiment}}/{folder}/sizes_{{task}}.json",
            folder=("statistics", "tables"),
        ),
    log:
        "results/{experiment}/logs/tabulate_sizes/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job(
            "tabulate_sizes.py",
            {"experiment": experiment.name},
            *puzzle_modules([wildcards.task], "card"),
        ),
    script:
        "../scripts/tabulate_sizes.py"


rule draw_sizes:
    input:
        statistic="results/{experiment}/statistics/sizes_{task}.csv",
        digest="results/{experiment}/statistics/sizes_{task}.json",
    output:
        figures=reported(
            expand("results/{{experiment}}/figures/sizes_{{task}}.{kind}", kind=FIGURE_FORMATS),
            caption="../report/sizes_figure.rst",
            category="Figures",
            labels={"figure": "sizes", "puzzle": "{task}"},
        ),
        provenance="results/{experiment}/figures/sizes_{task}.json",
    log:
        "results/{experiment}/logs/draw_sizes/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job(
            "draw_sizes.py",
            {"panel": experiment.panel_settings(wildcards.task)},
            *puzzle_modules([wildcards.task], "card"),
        ),
    script:
        "../scripts/draw_sizes.py"
