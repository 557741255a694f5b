"""Delta Loss against Progressive Loss: networks, losses, training, evaluation and evidence."""
