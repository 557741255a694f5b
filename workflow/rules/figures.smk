# Figure 1, whole and panel by panel.


def plotted_curves(task):
    return model_files(
        task, "evaluations/{task}/{run}/seed{seed}.csv", experiment.tasks[task].plotted
    )


rule draw_figure_1:
    input:
        [plotted_curves(task) for task in TASKS],
    output:
        report(
            expand("results/{{experiment}}/figures/figure_1.{kind}", kind=FIGURE_FORMATS),
            caption="../report/figure_1.rst",
            category="Figures",
            labels={"figure": "1"},
        ),
    log:
        "results/{experiment}/logs/draw_figure_1.log",
    conda:
        "../../envs/evidence.yaml"
    params:
        job=job("draw_figure_1.py", {"panels": [task_summary(task) for task in TASKS]}),
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/draw_figure_1.py"


use rule draw_figure_1 as draw_panel with:
    input:
        lambda wildcards: plotted_curves(wildcards.task),
    output:
        expand("results/{{experiment}}/figures/figure_1_{{task}}.{kind}", kind=FIGURE_FORMATS),
    log:
        "results/{experiment}/logs/draw_panel/{task}.log",
    params:
        job=lambda wildcards: job(
            "draw_figure_1.py", {"panels": [task_summary(wildcards.task)]}
        ),
