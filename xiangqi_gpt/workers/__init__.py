"""Floor 0: games given to worker processes, here or on a Ray cluster, and kept on disk as they are finished."""
