"""The app: ``python app.py`` puts the page on http://127.0.0.1:7860.

Host, port, limits and places come from the environment, see ``avdemo/settings.py``. A Hugging Face Space starts here too.
"""

from __future__ import annotations

import logging
import os
import sys


def main() -> int:
    """Build the page and serve it until interrupted; 2 and a sentence when the settings cannot be used."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)

    from avdemo.errors import AvdemoError
    from avdemo.settings import get_settings

    try:
        settings = get_settings()
        from avdemo.ui.app import build_demo, launch

        launch(build_demo(), settings)
    except AvdemoError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # the port is taken; gradio's own text says which
        print(f"The page could not be served at {settings.host}:{settings.port}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
