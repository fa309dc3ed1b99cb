"""What keeps the second part of the training from learning its pairs by heart, beside :mod:`avdemo.training.disturb`."""

DROPPED = 0.3  # of the pooled channels
DROPPED_MAPS = 0.1  # of the vision map's channels
UNIT_DB = 20.0  # what 1 stands for in the network's spectrograms
