"""The tested clients, from the files that pin them."""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent
GO, NODE = FOLDER / "go", FOLDER / "node"
GO_MODULE, NODE_PACKAGE = "github.com/huaweicloud/huaweicloud-sdk-go-v3", "@huaweicloud/huaweicloud-sdk-core"


def pinned() -> dict[str, str]:
    """Return the columns of the table: each client with its version."""
    go = re.search(
        rf"^require {re.escape(GO_MODULE)} v(\S+)$", (GO / "go.mod").read_text("utf-8"), re.MULTILINE
    )
    node = json.loads((NODE / "package.json").read_text("utf-8"))["dependencies"][NODE_PACKAGE]
    assert go is not None
    return {"go": f"Go {go[1]}", "node": f"Node {node}"}
