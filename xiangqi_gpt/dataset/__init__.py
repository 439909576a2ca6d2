"""Floor 7: packed games on disk and in memory, and the windows cut from them."""
