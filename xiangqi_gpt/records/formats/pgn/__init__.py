"""PGN: cutting a file into games, reading and writing them."""
