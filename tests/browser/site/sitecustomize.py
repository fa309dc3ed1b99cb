"""Found by the Python of an app under test: SIGUSR1 prints where its threads are, for the report of a test that failed."""

import faulthandler
import signal

faulthandler.register(signal.SIGUSR1, all_threads=True)
