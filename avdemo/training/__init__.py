"""The training loop that every recipe shares, on Hugging Face Accelerate: one CPU, one GPU, or many by ``accelerate launch``."""
