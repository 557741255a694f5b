# Watching a network think: answers to a solved and to a failing puzzle, step by step, with the first seed.


THINKING_FILES = {
    task: [
        *figure_files(f"thinking_{task}"),
        f"results/{experiment.name}/figures/thinking_{task}.gif",
    ]
    for task in TASKS
}


rule thinking:
    """Pictures and animations of answers step by step, of each puzzle."""
    input:
        list(THINKING_FILES.values()),


rule record_thinking:
    input:
        examples=lambda wildcards: examples_path(wildcards.task, "test"),
        manifest=lambda wildcards: manifest_files(wildcards.task, "test"),
        model="results/{experiment}/models/{task}/{run}/{weights}.safetensors",
        evaluation="results/{experiment}/evaluations/{task}/{run}/{weights}.npz",
        compared=lambda wildcards: [
            f"results/{wildcards.experiment}/evaluations/{wildcards.task}/{run.name}/{wildcards.weights}.npz"
            for run in experiment.tasks[wildcards.task].plotted
        ],
    output:
        recording="results/{experiment}/thinking/{task}/{run}/{weights}.npz",
        provenance="results/{experiment}/thinking/{task}/{run}/{weights}.json",
    log:
        "results/{experiment}/logs/record_thinking/{task}/{run}/{weights}.log",
    conda:
        "../../envs/torch.yaml"
    threads: experiment.threads
    resources:
        gpu=GPUS,
        mem_mb=more_memory,
        runtime=60,
    params:
        job=lambda wildcards: evaluate_settings(wildcards, script="record_thinking.py"),
    script:
        "../scripts/record_thinking.py"


rule draw_thinking:
    input:
        recordings=lambda wildcards: thinking_files(wildcards.task),
        digests=lambda wildcards: digest_files(thinking_files(wildcards.task)),
        manifest=lambda wildcards: manifest_files(wildcards.task, "test"),
    output:
        figures=reported(
            expand("results/{{experiment}}/figures/thinking_{{task}}.{kind}", kind=FIGURE_FORMATS),
            caption="../report/thinking.rst",
            category="Figures",
            labels={"figure": "thinking", "puzzle": "{task}"},
        ),
        animation="results/{experiment}/figures/thinking_{task}.gif",
        provenance="results/{experiment}/figures/thinking_{task}.json",
    log:
        "results/{experiment}/logs/draw_thinking/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job(
            "draw_thinking.py",
            {"train_steps": experiment.tasks[wildcards.task].train_steps},
            *puzzle_modules([wildcards.task], "card", "answer_picture"),
        ),
    script:
        "../scripts/draw_thinking.py"
