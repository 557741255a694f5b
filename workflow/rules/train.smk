# One network for each puzzle, run and seed.


rule train_model:
    input:
        examples=lambda wildcards: data_file(wildcards.task, "train"),
    output:
        model="results/{experiment}/models/{task}/{run}/seed{seed}.safetensors",
        history="results/{experiment}/histories/{task}/{run}/seed{seed}.csv",
        summary="results/{experiment}/histories/{task}/{run}/seed{seed}.json",
    log:
        "results/{experiment}/logs/train/{task}/{run}/seed{seed}.log",
    benchmark:
        "results/{experiment}/benchmarks/train/{task}/{run}/seed{seed}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=1,
        mem_mb=16000,
        runtime=2880,
    params:
        job=train_settings,
    script:
        "../scripts/train_model.py"
