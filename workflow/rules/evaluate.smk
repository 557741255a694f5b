# Evaluation after every step: whether each whole answer is right, on the test set and, to choose a
# step without looking at it, on some validation examples.


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
        gpu=GPUS,
        mem_mb=more_memory,
        runtime=runtime("evaluate_model"),
    params:
        job=lambda wildcards: evaluate_settings(wildcards),
        checkpoints="results/{experiment}/checkpoints/evaluate/{task}/{run}/{weights}",
    script:
        "../scripts/evaluate_model.py"


use rule evaluate_model as evaluate_validation with:
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "train"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "train"),
        model="results/{experiment}/models/{task}/{run}/{weights}.safetensors",
    output:
        answers="results/{experiment}/validations/{task}/{run}/{weights}.npz",
        curve="results/{experiment}/validations/{task}/{run}/{weights}.csv",
        summary="results/{experiment}/validations/{task}/{run}/{weights}.json",
    log:
        "results/{experiment}/logs/validate/{task}/{run}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/validate/{task}/{run}/{weights}.tsv"
    params:
        job=lambda wildcards: evaluate_settings(
            wildcards, validation=experiment.validation_settings(wildcards.task)
        ),
        checkpoints="results/{experiment}/checkpoints/validate/{task}/{run}/{weights}",


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
        gpu=GPUS,
        mem_mb=more_memory,
        runtime=lambda wildcards, attempt: attempt * 240,
    params:
        job=lambda wildcards: evaluate_settings(
            wildcards,
            script="evaluate_untrained.py",
            seed=weights_seed(wildcards.weights),
            steps=experiment.tasks[wildcards.task].train_steps,
        ),
    script:
        "../scripts/evaluate_untrained.py"
