# Delta Loss against Progressive Loss: figure 1, tables 2 and 4-7 of the paper, from nothing.
from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/params.smk"


rule all:
    default_target: True
    input:
        figure_files("figure_1"),
        TABLE_FILES,
        STATISTICS_FILES,


rule chess:
    input:
        lambda wildcards: task_files("chess"),


rule mazes:
    input:
        lambda wildcards: task_files("mazes"),


rule prefix_sums:
    input:
        lambda wildcards: task_files("prefix_sums"),


rule data:
    input:
        [data_file(task, split) for task in TASKS for split in ("train", "test")],
        [f"results/{experiment.name}/data/{task}.json" for task in TASKS],


rule models:
    input:
        [
            model_files(task, "models/{task}/{run}/seed{seed}.safetensors")
            for task in experiment.tasks
        ],


rule evaluations:
    input:
        [model_files(task, "evaluations/{task}/{run}/seed{seed}.npz") for task in experiment.tasks],


rule statistics:
    input:
        STATISTICS_FILES,


rule tables:
    input:
        TABLE_FILES,


rule publish:
    input:
        f"results/published/{experiment.name}/run.json",


rule figures:
    input:
        figure_files("figure_1"),
        figure_files("data"),
        [figure_files(f"figure_1_{task}") for task in experiment.tasks],


include: "workflow/rules/data.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/publish.smk"
