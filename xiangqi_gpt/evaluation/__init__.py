"""Floor 6: what a model has learned, measured on games it has never seen."""
