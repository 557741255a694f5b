# The small outputs of a run, copied to where they are committed: results/published/{experiment}/.

PUBLISHED_FILES = [
    *figure_files("figure_1"),
    *figure_files("data"),
    *TABLE_FILES,
    *STATISTICS_FILES,
    *HISTORIES,
]
for task in TASKS:
    PUBLISHED_FILES += model_files(task, "evaluations/{task}/{run}/{weights}.csv")


rule publish_results:
    input:
        files=PUBLISHED_FILES,
        digests=digest_files(PUBLISHED_FILES),
        summaries=digest_files(HISTORIES),
    output:
        # `update`: a copy that fails leaves what was published before.
        files=[
            update(path.replace("results/", "results/published/", 1)) for path in PUBLISHED_FILES
        ],
        run=update(f"results/published/{experiment.name}/run.json"),
    log:
        f"results/{experiment.name}/logs/publish_results.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job("publish_results.py", {"experiment": experiment.name}),
    script:
        "../scripts/publish_results.py"
