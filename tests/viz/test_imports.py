"""What pictures may cost at start: no torch, no pyplot (which keeps global figures and is not safe in threads)."""

import subprocess
import sys


def test_viz_imports_neither_torch_nor_pyplot() -> None:
    code = (
        "import sys, numpy as np\n"
        "import avdemo.viz.palette\n"
        "assert 'PIL' not in sys.modules\n"
        "from avdemo.viz import colours, heatmap, marker, spectrogram, waveform\n"
        "assert 'matplotlib' not in sys.modules\n"
        "spectrogram.spectrogram(np.ones((64, 64)), 11025, 256, title='x')\n"
        "heatmap.overlay(np.zeros((64, 64, 3), np.uint8), np.ones((4, 4)))\n"
        "heavy = {'torch', 'matplotlib.pyplot', 'librosa', 'gradio', 'av'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
