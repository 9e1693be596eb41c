"""The cut-over of examples/online-cutover, done for real and measured: see ``__main__``."""
