import os

import pytest


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No setting of the machine reaches a test."""
    for name in os.environ:
        if name.upper().startswith(("AWS_", "ACTIONS_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
