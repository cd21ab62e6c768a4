"""The tools beside the jobs: the command NAME is `NAME` of the module NAME.py. Nothing else lists them."""
