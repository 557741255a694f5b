# Pages that only the report needs. `snakemake --report` collects them with tables, figures and claims.


report: "../report/workflow.rst"


localrules:
    make_pages,


PAGES = {
    name: f"results/{experiment.name}/report/{name}.html"
    for name in ("settings", "examples", *STATISTICS)
}


rule make_pages:
    """Settings, data cards and statistics as pages."""
    input:
        audits=audit_files(TASKS),
        statistics=STATISTICS_FILES,
        digests=digest_files(STATISTICS_FILES),
    output:
        pages=[
            report(
                path,
                caption=f"../report/{'statistics' if name in STATISTICS else name}.rst",
                category="Seeds and tests" if name in STATISTICS else "Settings and data",
                labels={"page": name.replace("_", " ")},
            )
            for name, path in PAGES.items()
        ],
        provenance=f"results/{experiment.name}/report/pages.json",
    log:
        f"results/{experiment.name}/logs/make_pages.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job("make_pages.py", experiment.page_settings(), *puzzle_modules(TASKS, "card")),
    script:
        "../scripts/make_pages.py"
