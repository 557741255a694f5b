# One report for each puzzle: labels, duplicates, leaks.


rule audit_data:
    """Prove every label of a puzzle's examples, and look for repeats and leaks."""
    input:
        train=lambda wildcards: examples_path(wildcards.task, "train"),
        test=lambda wildcards: examples_path(wildcards.task, "test"),
    output:
        "results/{experiment}/data/{task}.json",
    log:
        "results/{experiment}/logs/audit_data/{task}.log",
    conda:
        "../../envs/data.yaml"
    params:
        job=lambda wildcards: job(
            "audit_data.py",
            {
                "strict": experiment.strict,
                "validation_fraction": (
                    experiment.tasks[wildcards.task].data["validation_fraction"]
                ),
            },
            *puzzle_modules([wildcards.task], "audit"),
        ),
    script:
        "../scripts/audit_data.py"
