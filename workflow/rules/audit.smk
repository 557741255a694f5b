# One report for each puzzle: labels, duplicates, leaks. Each file of examples is also audited when it
# is made, so that wrong ones reach no training; an `ancient` input of trainings would not do: Snakemake
# 9.27 then leaves out trainings that are due whenever an audit is made again (its issue 4166).


rule audit_data:
    """Prove every label of a puzzle's examples, and look for repeats and leaks."""
    input:
        train=lambda wildcards: examples_path(wildcards.task, "train"),
        test=lambda wildcards: examples_path(wildcards.task, "test"),
        manifests=lambda wildcards: manifest_files(wildcards.task, "train", "test"),
    output:
        "results/{experiment}/data/{task}.json",
    log:
        "results/{experiment}/logs/audit_data/{task}.log",
    priority: job_priority
    conda:
        "../../envs/data.yaml"
    params:
        job=lambda wildcards: job(
            "audit_data.py",
            {
                "split_seed": experiment.data_seed,
                "strict": experiment.strict,
                "validation_fraction": (
                    experiment.tasks[wildcards.task].data["validation_fraction"]
                ),
            },
            *puzzle_modules([wildcards.task], "audit"),
        ),
    script:
        "../scripts/audit_data.py"
