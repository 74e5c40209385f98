"""Where the house is put together: settings, urls, wiring, the command line and the worker."""
