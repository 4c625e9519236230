"""`python -m lychgate`: the same as the `lychgate` command."""

from lychgate.cli import app

if __name__ == "__main__":
    app(prog_name="lychgate")
