"""The least that is a Flask application."""

import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> dict[str, str]:
    """What it is, and who runs it."""
    return {"version": "1", "colour": os.environ.get("COLOUR", ""), "uid": str(os.getuid())}
