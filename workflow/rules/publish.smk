# The small outputs of a run, copied to where they are committed: results/published/{experiment}/.

PUBLISHED_FILES = [
    *figure_files("figure_1"),
    *figure_files("data"),
    *TABLE_FILES,
    *STATISTICS_FILES,
    *[
        path
        for task in TASKS
        for kind in (
            "histories/{task}/{run}/seed{seed}.csv",
            "evaluations/{task}/{run}/seed{seed}.csv",
        )
        for path in model_files(task, kind)
    ],
]


rule publish_results:
    input:
        files=PUBLISHED_FILES,
        summaries=[
            path
            for task in TASKS
            for path in model_files(task, "histories/{task}/{run}/seed{seed}.json")
        ],
    output:
        files=[published(path) for path in PUBLISHED_FILES],
        run=f"results/published/{experiment.name}/run.json",
    log:
        f"results/{experiment.name}/logs/publish_results.log",
    localrule: True
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=job("publish_results.py", {"experiment": experiment.name}),
    script:
        "../scripts/publish_results.py"
