"""Write an id token of this job into the file that HUAWEICLOUD_OIDC_TOKEN_FILE names."""

from __future__ import annotations

import json
import os
import sys
import urllib.request

# GitHub sets both where the job has the permission `id-token: write`.
url = f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={sys.argv[1]}"
headers = {"Authorization": f"bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
    token = json.load(answer)["value"]
descriptor = os.open(os.environ["HUAWEICLOUD_OIDC_TOKEN_FILE"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with os.fdopen(descriptor, "w") as file:
    file.write(token)
