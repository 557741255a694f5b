# Is each whole answer right, after every step?


rule evaluate_model:
    input:
        examples=lambda wildcards: data_file(wildcards.task, "test"),
        model="results/{experiment}/models/{task}/{run}/seed{seed}.safetensors",
    output:
        bits="results/{experiment}/evaluations/{task}/{run}/seed{seed}.npz",
        curve="results/{experiment}/evaluations/{task}/{run}/seed{seed}.csv",
    log:
        "results/{experiment}/logs/evaluate/{task}/{run}/seed{seed}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate/{task}/{run}/seed{seed}.tsv"
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
        partial="results/{experiment}/checkpoints/evaluate/{task}/{run}/seed{seed}",
    script:
        "../scripts/evaluate_model.py"


rule evaluate_untrained:
    input:
        examples=lambda wildcards: data_file(wildcards.task, "test"),
    output:
        "results/{experiment}/evaluations/{task}/untrained/seed{seed}.csv",
    log:
        "results/{experiment}/logs/untrained/{task}/seed{seed}.log",
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
            seed=int(wildcards.seed),
            steps=experiment.tasks[wildcards.task].train_steps,
        ),
    script:
        "../scripts/evaluate_untrained.py"
