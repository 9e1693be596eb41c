"""Write an id token of this job into the file that HUAWEICLOUD_OIDC_TOKEN_FILE names."""

from __future__ import annotations

import json
import os
import sys
import urllib.request

# GitHub sets both if the job has the permission `id-token: write`.
url, secret = (os.environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{part}") for part in ("URL", "TOKEN"))
path = os.environ.get("HUAWEICLOUD_OIDC_TOKEN_FILE")
if not url or not secret:
    sys.exit("::error::this job gets no id token; add `id-token: write` to its permissions")
if not path:
    sys.exit("::error::set HUAWEICLOUD_OIDC_TOKEN_FILE to the file for the id token")
request = urllib.request.Request(
    f"{url}&audience={sys.argv[1]}", headers={"Authorization": f"bearer {secret}"}
)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        token = json.load(answer)["value"]
except (OSError, ValueError, KeyError) as error:
    sys.exit(f"::error::GitHub issued no id token: {error}")
descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with os.fdopen(descriptor, "w") as file:
    file.write(token)
