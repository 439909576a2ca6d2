"""External engines: programs with the protocol UCI, UCCI or CECP, each in its own process.

Two transports share everything else here. `EngineClient` (client.py) is python-chess's client; players, and with
them review and the board, ask engines through it. `PipeEngine` (pipes.py) is a plain pair of pipes for labelling,
where a search takes two milliseconds and an event loop would cost half as much again (see
`benchmarks/engine_clients.py`).
"""
