"""Converts the core's messages for Pulumi users into this command's words."""

from __future__ import annotations

from dcs_migration.life_cycles.config import NO_CREDENTIALS, NO_REGION

PHRASES = (
    (NO_REGION, "no region; pass --region or set HW_REGION_NAME"),
    (
        NO_CREDENTIALS,
        "no credentials; set HW_ACCESS_KEY and HW_SECRET_KEY (or HW_AUTH_TOKEN); for other sources see "
        "docs/guides/credentials.md",
    ),
    ("huaweicloud:region (HW_REGION_NAME)", "the region (--region, HW_REGION_NAME)"),
    (
        "huaweicloud:projectId (HW_PROJECT_ID, HUAWEICLOUD_SDK_PROJECT_ID)",
        "the project id (--project-id, HW_PROJECT_ID, HUAWEICLOUD_SDK_PROJECT_ID)",
    ),
    ("huaweicloud:projectId or HW_PROJECT_ID", "--project-id or HW_PROJECT_ID"),
    ("huaweicloud:projectName (HW_PROJECT_NAME)", "HW_PROJECT_NAME"),
    ("huaweicloud:endpoints or HW_DCS_ENDPOINT", "HW_DCS_ENDPOINT"),
    ("HW_DCS_ENDPOINT or huaweicloud:endpoints", "HW_DCS_ENDPOINT"),
    ("use https://, or set huaweicloud:insecure to allow it", "use https://, or set HW_INSECURE to allow it"),
    ("; all remain in state", ""),
    ("run `pulumi up` again to keep waiting, or raise timeout= (and custom_timeouts, if set)",
     "run the command again to keep watching, or raise --timeout"),
    ("; the wait has ended, and no task was stopped; run `pulumi up` again to keep waiting", "; the tasks keep running"),
    ("; if its data is complete, remove it from this completion", ""),
)  # fmt: skip


def translated(text: str) -> str:
    """Return a message of the core in this command's words."""
    for theirs, ours in PHRASES:
        text = text.replace(theirs, ours)
    return text
