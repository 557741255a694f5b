# Puzzles, made or converted once; shared by all experiments.


rule make_prefix_sums:
    output:
        examples="results/data/prefix_sums/{split}_size{size}_count{examples}_seed{seed}.npz",
        card="results/data/prefix_sums/{split}_size{size}_count{examples}_seed{seed}.json",
    log:
        "results/data/logs/prefix_sums/{split}_size{size}_count{examples}_seed{seed}.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        job=lambda wildcards: job("make_prefix_sums.py", {}),
    script:
        "../scripts/make_prefix_sums.py"


rule make_mazes:
    output:
        examples="results/data/mazes/{split}_size{size}_count{examples}_seed{seed}.npz",
        card="results/data/mazes/{split}_size{size}_count{examples}_seed{seed}.json",
    log:
        "results/data/logs/mazes/{split}_size{size}_count{examples}_seed{seed}.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        job=lambda wildcards: job("make_mazes.py", {}),
    script:
        "../scripts/make_mazes.py"


rule read_archive:
    output:
        examples="results/data/{task}/archive_{split}_size{size}_count{examples}_from{start}.npz",
        card="results/data/{task}/archive_{split}_size{size}_count{examples}_from{start}.json",
    log:
        "results/data/logs/{task}/archive_{split}_size{size}_count{examples}_from{start}.log",
    wildcard_constraints:
        task="mazes|prefix_sums",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        job=job("read_archive.py", {}),
    script:
        "../scripts/read_archive.py"


rule read_chess_archive:
    output:
        train="results/data/chess/archive-{key}/train.npz",
        test="results/data/chess/archive-{key}/test.npz",
        cards=expand("results/data/chess/archive-{{key}}/{split}.json", split=["train", "test"]),
    log:
        "results/data/logs/chess/archive-{key}.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        job=lambda wildcards: job("read_chess_archive.py", experiment.chess_settings()),
    script:
        "../scripts/read_chess_archive.py"


rule make_mates:
    output:
        train="results/data/chess/mates-{key}/train.npz",
        test="results/data/chess/mates-{key}/test.npz",
        cards=expand("results/data/chess/mates-{{key}}/{split}.json", split=["train", "test"]),
    log:
        "results/data/logs/chess/mates-{key}.log",
    conda:
        "../../envs/data.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        job=lambda wildcards: job("make_mates.py", experiment.chess_settings()),
    script:
        "../scripts/make_mates.py"


rule convert_lichess:
    output:
        train="results/data/chess/lichess-{key}/train.npz",
        test="results/data/chess/lichess-{key}/test.npz",
        cards=expand("results/data/chess/lichess-{{key}}/{split}.json", split=["train", "test"]),
    log:
        "results/data/logs/chess/lichess-{key}.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        job=lambda wildcards: job("convert_lichess.py", experiment.chess_settings()),
    script:
        "../scripts/convert_lichess.py"
