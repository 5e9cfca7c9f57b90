"""The procedures as somebody runs them who knows PyTorch and minds speed: the same results by fewer and cheaper operators."""
