# Checkpoints that others trained: fetched, and converted to weights as trainings write them. Fetching
# runs where Snakemake runs, as that of archives.
from deltaloss.config.released import FOLDER as RELEASED_FOLDER


localrules:
    fetch_released,
    convert_released,


rule released:
    """Answers of released weights after every step; nothing is trained for them."""
    input:
        [path for task in TASKS for path in released_files(task)],


rule fetch_released:
    """Fetch a checkpoint of a Hugging Face data set at one commit."""
    output:
        update(f"{RELEASED_FOLDER}/{{repository}}/{{revision}}/{{file}}"),
    log:
        "results/data/logs/fetch/released/{repository}/{revision}/{file}.log",
    wildcard_constraints:
        repository="[^/]+--[^/]+",
        revision="[0-9a-f]{40}",
        file=".+",
    conda:
        "../../envs/hub.yaml"
    script:
        "../scripts/fetch_released.py"


rule convert_released:
    input:
        checkpoint=released_checkpoint,
    output:
        model="results/{experiment}/models/{task}/{run}/released.safetensors",
    log:
        "results/{experiment}/logs/convert_released/{task}/{run}.log",
    wildcard_constraints:
        run=run_pattern(),
    conda:
        "../../envs/torch.yaml"
    params:
        job=released_job,
    script:
        "../scripts/convert_released.py"
