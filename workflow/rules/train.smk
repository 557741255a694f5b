# One network for each puzzle, run and seed.


rule train_model:
    """Train one network; an interrupted training resumes from its last checkpoint."""
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "train"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "train"),
        none=lambda wildcards: published.check_weights_wanted(
            RESTORED.get(wildcards.task, []) if workflow.is_main_process else [],
            "results/{experiment}/histories/{task}/{run}/{weights}.csv".format(**wildcards),
        ),
    output:
        models=[
            f"results/{{experiment}}/models/{{task}}/{{run}}{suffix}/{{weights}}.safetensors"
            for suffix in SELECTED
        ],
        history="results/{experiment}/histories/{task}/{run}/{weights}.csv",
        summary="results/{experiment}/histories/{task}/{run}/{weights}.json",
    log:
        "results/{experiment}/logs/train/{task}/{run}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/train/{task}/{run}/{weights}.tsv"
    wildcard_constraints:
        run=run_pattern(),
        weights="seed[0-9]+",
    priority: job_priority
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=GPUS,
        mem_mb=lambda wildcards, attempt: attempt * experiment.tasks[wildcards.task].training_mb(),
        runtime=runtime("train_model"),
    params:
        job=train_settings,
        checkpoints="results/{experiment}/checkpoints/{task}/{run}/{weights}",
        tensorboard="results/{experiment}/tensorboard/{task}/{run}/{weights}",
    script:
        "../scripts/train_model.py"
