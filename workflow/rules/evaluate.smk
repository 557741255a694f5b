# Evaluation after every step: whether each whole answer is right.


rule evaluate_model:
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "test"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "test"),
        model="results/{experiment}/models/{task}/{run}/{weights}.safetensors",
    output:
        answers="results/{experiment}/evaluations/{task}/{run}/{weights}.npz",
        curve="results/{experiment}/evaluations/{task}/{run}/{weights}.csv",
        summary="results/{experiment}/evaluations/{task}/{run}/{weights}.json",
    log:
        "results/{experiment}/logs/evaluate/{task}/{run}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate/{task}/{run}/{weights}.tsv"
    priority: job_priority
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=1,
        mem_mb=16000,
        runtime=1440,
    params:
        job=lambda wildcards: evaluate_settings(
            "evaluate_model.py",
            wildcards.task,
            steps=experiment.tasks[wildcards.task].evaluation["steps"],
        ),
        checkpoints="results/{experiment}/checkpoints/evaluate/{task}/{run}/{weights}",
    script:
        "../scripts/evaluate_model.py"


rule evaluate_untrained:
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "test"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "test"),
    output:
        curve="results/{experiment}/evaluations/{task}/untrained/{weights}.csv",
        summary="results/{experiment}/evaluations/{task}/untrained/{weights}.json",
    log:
        "results/{experiment}/logs/untrained/{task}/{weights}.log",
    wildcard_constraints:
        weights="seed[0-9]+",
    priority: job_priority
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=1,
        mem_mb=16000,
        runtime=240,
    params:
        job=lambda wildcards: evaluate_settings(
            "evaluate_untrained.py",
            wildcards.task,
            seed=weights_seed(wildcards.weights),
            steps=experiment.tasks[wildcards.task].train_steps,
        ),
    script:
        "../scripts/evaluate_untrained.py"
