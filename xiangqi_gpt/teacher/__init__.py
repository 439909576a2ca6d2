"""Floor 7: play-outs and labels by any UCI engine, on all cores or on many machines. Does not need torch."""
