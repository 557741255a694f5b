# Archives, fetched once, and examples, made or read once; experiments share both.


localrules:
    fetch_file,


rule fetch_file:
    """Fetch an archive, or a file named by its address; broken transfers are resumed."""
    output:
        update(f"{FOLDER}/{{file}}"),  # a file that is there is checked, not fetched again
    log:
        "results/data/logs/fetch/{file}.log",
    wildcard_constraints:
        file=r"([0-9a-f]{16}/)?[^/]+\.(tar\.gz|zst)",
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/fetch_file.py"


rule make_examples:
    """Make or read the examples of one split."""
    input:
        file=examples_file,
    output:
        examples=["results/data/{task}/{key}/{split}.npz"],
        manifests=["results/data/{task}/{key}/{split}.json"],
    log:
        "results/data/logs/{task}/{key}/{split}.log",
    wildcard_constraints:
        task=experiment.task_pattern(joint=False),
    priority: job_priority
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=12000,  # easy-to-hard-data loads whole sets: 8 GB for the paper's test mazes
        runtime=240,
    params:
        job=examples_job,
    script:
        "../scripts/make_examples.py"


use rule make_examples as make_joint_examples with:
    output:
        examples=expand("results/data/{{task}}/{{key}}/{split}.npz", split=["train", "test"]),
        manifests=expand("results/data/{{task}}/{{key}}/{split}.json", split=["train", "test"]),
    log:
        "results/data/logs/{task}/{key}.log",
    wildcard_constraints:
        task=experiment.task_pattern(joint=True),
    threads: experiment.threads
