"""One module for each word of the command line; each holds a click command named `command`."""
