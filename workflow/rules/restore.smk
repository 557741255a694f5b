# With `resume_published`, results of finished trainings are taken from results/published/{experiment}/.
#
# These rules have no wildcards, so Snakemake prefers them to those that train and evaluate. The copies
# are no inputs: `publish` writes them, from what is made here.

RESTORED = {}
try:
    for task in TASKS if experiment.resume_published else []:
        RESTORED[task] = published.find_restorable(experiment, task, NETWORK_FILES[task], asked_of)
except UserError as error:
    sys.exit(f"config: {error}")


for task in [task for task in TASKS if RESTORED.get(task)]:

    rule:
        name:
            f"restore_{task}"
        input:
            audits=audit_files([task]),
        output:
            files=RESTORED[task],
            summaries=digest_files(RESTORED[task]),
        log:
            f"results/{experiment.name}/logs/restore/{task}.log",
        localrule: True
        conda:
            "../../envs/evidence.yaml"
        params:
            # Named otherwise than `job`, by which `asked_of` finds the rules that compute.
            published=published_job(
                "restore_results.py",
                RESTORED[task],
                copies=published.copies_digest(RESTORED[task]),
            ),
        script:
            "../scripts/restore_results.py"
