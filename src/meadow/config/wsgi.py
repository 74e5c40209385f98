"""The application that the web server runs."""

import gc
import os
from pathlib import Path

from django.core.wsgi import get_wsgi_application

from meadow.config.cpus import VARIABLE, keep_to_one

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
os.environ.setdefault("MEADOW_PROCESS", "meadow-web")
# Before anything starts a thread: threads keep to the CPU of the one that starts them.
keep_to_one(Path(os.environ.get("MEADOW_DATA", ".")), os.environ.get(VARIABLE, ""))

_django = get_wsgi_application()

# Each web process queues clicks and writes them in batches; at exit the rest is written.
from meadow.config.lane import Lane  # noqa: E402 - the tables must be loaded first
from meadow.config.lane_rows import Rows  # noqa: E402
from meadow.sharing.services import start_click_writer  # noqa: E402

start_click_writer()

# What is loaded by now stays for good: looking through it for garbage again and again would stop all requests for 170 ms.
gc.collect()
gc.freeze()
application = Lane(_django, Rows())
