# Figure 1, whole and panel by panel.


rule draw_figure_1:
    input:
        [plotted_curves(task) for task in TASKS],
    output:
        figures=report(
            expand("results/{{experiment}}/figures/figure_1.{kind}", kind=FIGURE_FORMATS),
            caption="../report/figure_1.rst",
            category="Figures",
            labels={"figure": "1"},
        ),
        provenance="results/{experiment}/figures/figure_1.json",
    log:
        "results/{experiment}/logs/draw_figure_1.log",
    localrule: True
    conda:
        "../../envs/evidence.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=job("draw_figure_1.py", {"panels": [task_summary(task) for task in TASKS]}),
    script:
        "../scripts/draw_figure_1.py"


use rule draw_figure_1 as draw_panel with:
    input:
        lambda wildcards: plotted_curves(wildcards.task),
    output:
        figures=expand(
            "results/{{experiment}}/figures/figure_1_{{task}}.{kind}", kind=FIGURE_FORMATS
        ),
        provenance="results/{experiment}/figures/figure_1_{task}.json",
    log:
        "results/{experiment}/logs/draw_panel/{task}.log",
    params:
        job=lambda wildcards: job("draw_figure_1.py", {"panels": [task_summary(wildcards.task)]}),
