# The small results of a run, copied to where they are committed, results/published/{experiment}/, and
# compared with what lies there. A puzzle is published by itself as soon as its runs and seeds have ended.


localrules:
    publish_results,
    list_changes,
    verify_results,
    bundle_results,


ANSWERS = [
    f"{folder}/{{task}}/{{run}}/{{weights}}.{kind}"
    for folder in ("evaluations", "validations")
    for kind in ("npz", "csv")
]
NETWORK_FILES = {  # of single networks: what `resume_published` takes back
    task: [
        *model_files(task, "histories/{task}/{run}/{weights}.csv", experiment.tasks[task].runs),
        *(path for pattern in ANSWERS for path in model_files(task, pattern)),
        *statistic_files("untrained", [task]),
    ]
    for task in TASKS
}
PUZZLE_FILES = {
    task: [
        *NETWORK_FILES[task],
        *(
            path
            for kind in ("npz", "csv")
            for path in released_files(task, f"evaluations/{{task}}/{{run}}/{{weights}}.{kind}")
        ),
        *table_files(TABLES[task]),
        *(
            f"results/{experiment.name}/figures/{name}_{task}.png"
            for name in ("figure_1", *(["alpha"] if task in experiment.swept else []))
        ),
        *claims_files(f"claims_{task}", ("csv", "md")),
        f"results/{experiment.name}/efficiency/{task}.csv",
        *(path for name in COMPARED for path in statistic_files(name, [task])),
    ]
    for task in TASKS
}
PUZZLE_SUMMARIES = {
    task: digest_files([*PUZZLE_FILES[task], *audit_files([task])]) for task in TASKS
}
ANALYSES = {  # of a puzzle, which are published by themselves
    f"{name}_{task}": [path for path in paths if not path.endswith((".pdf", ".svg"))]
    for task in TASKS
    for name, paths in (
        ("convergence", CONVERGENCE_FILES[task] + convergence_files(task, part="_examples")),
        ("recovery", RECOVERY_FILES[task] + recovery_files(task)),
        ("thinking", THINKING_FILES[task]),
        ("sizes", SIZES_FILES.get(task, [])),
    )
    if paths
}
PUBLISHED_PARTS = {
    **{task: (PUZZLE_FILES[task], PUZZLE_SUMMARIES[task]) for task in TASKS},
    **{part: (paths, digest_files(paths)) for part, paths in ANALYSES.items()},
}
JOINT_FILES = [
    *(path for name in ("figure_1", "data") for path in figure_files(name)),
    *JOINT_TABLES,
    *STATISTICS_FILES,
    *CLAIMS_FILES,
]
PUBLISHED_FILES = [path for paths in PUZZLE_FILES.values() for path in paths] + JOINT_FILES
PUBLISHED_SUMMARIES = digest_files([*PUBLISHED_FILES, *audit_files(TASKS)])


rule publish:
    """Copies of the small results for committing, in results/published/."""
    input:
        f"results/published/{experiment.name}/run.json",


rule publish_results:
    input:
        files=JOINT_FILES,
        summaries=digest_files(JOINT_FILES),
        puzzles=[f"results/published/{experiment.name}/run_{task}.json" for task in TASKS],
    output:
        # `update`: a copy that fails leaves what was published before.
        files=[update(published.path_of(path)) for path in JOINT_FILES],
        summaries=[update(published.path_of(path)) for path in digest_files(JOINT_FILES)],
        run=update(f"results/published/{experiment.name}/run.json"),
    log:
        f"results/{experiment.name}/logs/publish/all.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: published_job("publish_results.py", JOINT_FILES),
    script:
        "../scripts/publish_results.py"


for part, (files, summaries) in PUBLISHED_PARTS.items():

    rule:
        """Copies of one puzzle's results, or of an analysis of it, for committing."""
        name:
            f"publish_{part}"
        input:
            files=files,
            summaries=summaries,
        output:
            files=[update(published.path_of(path)) for path in files],
            summaries=[update(published.path_of(path)) for path in summaries],
            run=update(f"results/published/{experiment.name}/run_{part}.json"),
        log:
            f"results/{experiment.name}/logs/publish/{part}.log",
        localrule: True
        conda:
            "../../envs/evidence.yaml"
        params:
            job=lambda wildcards, summaries=summaries: published_job(
                "publish_results.py", summaries
            ),
        script:
            "../scripts/publish_results.py"


rule list_changes:
    """Say which published results are of other settings or code than the present."""
    log:
        f"results/{experiment.name}/logs/list_changes.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: published_job("list_changes.py", listed_summaries()),
        summaries=lambda wildcards: listed_summaries(),
    script:
        "../scripts/list_changes.py"


rule verify_results:
    """Compare all results with the published ones; makes those that are not there."""
    input:
        files=lambda wildcards: published.check_fresh(PUBLISHED_FILES, experiment.resume_published),
        summaries=PUBLISHED_SUMMARIES,
    log:
        f"results/{experiment.name}/logs/verify_results.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job("verify_results.py", {"experiment": experiment.name}),
    script:
        "../scripts/verify_results.py"


rule bundle:
    """Everything of an experiment in one file for an archive, with its description."""
    input:
        f"results/{experiment.name}/bundle.zip",


rule bundle_results:
    input:
        files=PUBLISHED_FILES,
        summaries=PUBLISHED_SUMMARIES,
        models=[
            path
            for task in TASKS
            for path in model_files(task, "models/{task}/{run}/{weights}.safetensors")
        ],
        documents=[
            ancient(workflow.source_path(f"../../{name}")) for name in ("LICENSE", "CITATION.cff")
        ],
    output:
        bundle=f"results/{experiment.name}/bundle.zip",
        config=f"results/{experiment.name}/bundle/config.yaml",
        run=f"results/{experiment.name}/bundle/run.json",
    log:
        f"results/{experiment.name}/logs/bundle.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: published_job("bundle_results.py", PUBLISHED_SUMMARIES),
    script:
        "../scripts/bundle_results.py"
