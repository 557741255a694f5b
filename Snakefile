# Delta Loss against Progressive Loss: figure 1, tables 2 and 4-7 of the paper.
from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/efficiency.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/expected.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/restore.smk"
include: "workflow/rules/costs.smk"


rule all:
    """Figure 1, all tables and statistics, and the claims."""
    default_target: True
    input:
        [figure_files("figure_1"), TABLE_FILES, STATISTICS_FILES, CLAIMS_FILES],


for puzzle in puzzle_names():

    rule:
        """Results of this puzzle only: its claims, table, panel of figure 1 and statistics."""
        name:
            puzzle
        input:
            lambda wildcards, task=puzzle: task_files(task),


rule data:
    """Examples of all puzzles, and their audits."""
    input:
        [examples_path(task, split) for task in TASKS for split in ("train", "test")],
        audit_files(TASKS),


rule models:
    """Trained weights of all runs."""
    input:
        [model_files(task, "models/{task}/{run}/{weights}.safetensors") for task in TASKS],


rule evaluations:
    """Answers of all runs after every step, on the test sets and on validation examples."""
    input:
        [answer_files(task, folder) for task in TASKS for folder in ("evaluations", "validations")],


rule statistics:
    """Tests of the differences between runs, and accuracies of untrained networks."""
    input:
        STATISTICS_FILES,


rule tables:
    """Tables 2 and 4-7."""
    input:
        TABLE_FILES,


rule figures:
    """Figure 1, its panels, and examples of the data."""
    input:
        [figure_files(name) for name in ("figure_1", "data", *(f"figure_1_{t}" for t in TASKS))],
