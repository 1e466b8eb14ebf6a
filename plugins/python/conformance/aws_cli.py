"""The adapter of the AWS CLI, version 2: aws configure export-credentials.

    python aws_cli.py [/path/of/aws]

See docs/conformance.md. A process of the CLI retrieves once, so that it lacks
the capability refresh.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CAPABILITIES = ["profile-over-env", "env-over-profile", "env-keys-over-profile"]


def endpoint_of_sts(url: str) -> dict[str, str]:
    """Before 2.13 the CLI does not know AWS_ENDPOINT_URL_STS. Its models can say it too."""
    models = Path(tempfile.mkdtemp())
    rules = models / "sts" / "2011-06-15" / "endpoint-rule-set-1.json"
    rules.parent.mkdir(parents=True)
    rule = {"type": "endpoint", "conditions": [], "endpoint": {"url": url, "properties": {}, "headers": {}}}
    parameters = {"Region": {"builtIn": "AWS::Region", "required": False, "type": "String", "documentation": ""}}
    rules.write_text(json.dumps({"version": "1.0", "parameters": parameters, "rules": [rule]}))
    return {"AWS_DATA_PATH": str(models)}


def main() -> int:
    arguments = sys.argv[1:]
    if "capabilities" in arguments:
        print(json.dumps(CAPABILITIES))
        return 0
    command = [arguments[0] if arguments else "aws", "configure", "export-credentials", "--format", "process"]
    if "AWS_CONFORMANCE_PROFILE" in os.environ:
        command += ["--profile", os.environ["AWS_CONFORMANCE_PROFILE"]]
    environment = {**os.environ, **endpoint_of_sts(os.environ["AWS_ENDPOINT_URL_STS"])}
    status = 0
    for _ in range(int(os.environ["AWS_CONFORMANCE_RETRIEVALS"])):
        aws = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if aws.returncode == 0:
            line = json.loads(aws.stdout)
        else:
            line, status = {"Version": 1, "Error": {"Class": "", "Message": aws.stderr.strip()}}, 1
        print(json.dumps(line), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
