"""Pictures of results, numpy in and numpy out: spectrogram, heatmap, waveform, marker, colours, and the palette they share.

Every picture is uint8 (H, W, 3) RGB on the same dark panel, so that it looks alike in the light and the dark theme. Nothing here
keeps state between calls except read-only tables and fonts, so all of it may be called from any thread.
"""
