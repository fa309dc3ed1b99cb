"""What the papers report, each metric with its definition and source.

    bss           SDR, SIR, SAR, NSDR of separated sources (BSS-eval v3)
    masks         ideal masks: what masking can reach at best
    nmf           separation by known classes without a network: the floor
    localisation  does an energy map point at what sounds
    retrieval     recall at k and median rank
    svm           a linear one-versus-all SVM over features, for classification rows
    detection     telling what belongs from what does not
    tables        scores as plain text

Import from the modules; this package imports nothing.
"""
