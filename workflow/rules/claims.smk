# The ledger of the paper's claims, and accuracy and steps against alpha.

JUDGED = ("seeds", "over_seeds", "mcnemar")  # statistics
CLAIMS_FILES = claims_files("claims")


localrules:
    judge_claims,
    judge_claims_of_puzzle,
    draw_sweep,


rule claims:
    """The paper's claims that can be tested, with their verdicts."""
    input:
        CLAIMS_FILES,


rule judge_claims:
    input:
        statistics=[f"results/{experiment.name}/statistics/{name}.csv" for name in JUDGED],
        efficiency=EFFICIENCY_FILES,
    output:
        tables=reported(
            expand("results/{{experiment}}/claims.{kind}", kind=CLAIMS_FORMATS),
            caption="../report/claims.rst",
            category="Claims",
        ),
        provenance="results/{experiment}/claims.json",
    log:
        "results/{experiment}/logs/judge_claims.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job(
            "judge_claims.py", experiment.claims_settings(TASKS), *puzzle_modules(TASKS, "card")
        ),
    script:
        "../scripts/judge_claims.py"


use rule judge_claims as judge_claims_of_puzzle with:
    input:
        statistics=expand("results/{{experiment}}/statistics/{name}_{{task}}.csv", name=JUDGED),
        efficiency=["results/{experiment}/efficiency/{task}.csv"],
    output:
        tables=expand("results/{{experiment}}/claims_{{task}}.{kind}", kind=CLAIMS_FORMATS),
        provenance="results/{experiment}/claims_{task}.json",
    log:
        "results/{experiment}/logs/judge_claims/{task}.log",
    params:
        job=lambda wildcards: job(
            "judge_claims.py",
            experiment.claims_settings([wildcards.task]),
            *puzzle_modules([wildcards.task], "card"),
        ),


rule alpha:
    """Accuracy and steps against alpha, of each puzzle with three values of alpha or more."""
    input:
        [path for task in experiment.swept for path in figure_files(f"alpha_{task}")],


rule draw_sweep:
    input:
        seeds="results/{experiment}/statistics/seeds_{task}.csv",
    output:
        figures=reported(
            expand("results/{{experiment}}/figures/alpha_{{task}}.{kind}", kind=FIGURE_FORMATS),
            caption="../report/alpha.rst",
            category="Figures",
            labels={"figure": "alpha", "puzzle": "{task}"},
        ),
        provenance="results/{experiment}/figures/alpha_{task}.json",
    log:
        "results/{experiment}/logs/draw_sweep/{task}.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=lambda wildcards: job("draw_sweep.py", {}, *puzzle_modules([wildcards.task], "card")),
    script:
        "../scripts/draw_sweep.py"
