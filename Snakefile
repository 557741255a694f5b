# Delta Loss against Progressive Loss; the workflow itself is workflow/Snakefile, where modules and
# workflow catalogs look for it.


include: "workflow/Snakefile"


workflow.default_target = "all"  # that of an included file does not count
