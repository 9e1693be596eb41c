"""The meanings of the error codes of DCS, its gateway and the billing service, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class CodeKind(str, Enum):
    """What the caller has to do after a code."""

    NOT_FOUND = "not_found"
    BUSY = "busy"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    THROTTLED = "throttled"
    ENDPOINT = "endpoint"
    FAULT = "fault"
    PERMANENT = "permanent"


@dataclass(frozen=True)
class CodeInfo:
    """The kind of a code, and what the user can do (empty if the service's own message says it)."""

    kind: CodeKind
    hint: str = ""


_LEGACY = re.compile(r"111([1-5])(\d{5})")


def normalise_code(code: str) -> str:
    """Return the normalized spelling of a code.

    `DCS. 4017`, `dcs.4017` and the legacy `111400017` become `DCS.4017`; `APIG.0301` becomes `APIGW.0301`.
    """
    compact = "".join(code.split())
    legacy = _LEGACY.fullmatch(compact)
    if legacy:
        # 1114 and 1115 mean the first digit, 4 or 5; the number after them may contain that digit again.
        number = int(legacy[2])
        return f"DCS.{number}" if number >= 1000 else f"DCS.{legacy[1]}{number:03d}"
    prefix, dot, rest = compact.partition(".")
    if not dot:
        return compact
    prefix = prefix.upper()
    return f"{'APIGW' if prefix == 'APIG' else prefix}.{rest}"


def _busy(what: str) -> CodeInfo:
    return CodeInfo(CodeKind.BUSY, f"{what}; try again later")


def _permanent(hint: str = "") -> CodeInfo:
    return CodeInfo(CodeKind.PERMANENT, hint)


_QUOTA = _permanent(
    "the quota is used up or the resource is sold out; request a higher quota or choose another zone"
)
_NETWORK = _permanent("check the VPC, the subnet and the security group")
_TOKEN = CodeInfo(
    CodeKind.CREDENTIALS, "the token is missing, has expired or belongs to another project; get a new one"
)
_KEY = CodeInfo(
    CodeKind.CREDENTIALS,
    "check both keys and this machine's clock (within 15 minutes); not retried, because failures lock the key",
)
_RIGHTS = CodeInfo(
    CodeKind.PERMISSION, "grant these credentials the DCS migration permissions (dcs:migrationTask:*)"
)
_REGION = CodeInfo(CodeKind.CREDENTIALS, "this account or project isn't allowed to use DCS in this region")
_ENDPOINT = CodeInfo(
    CodeKind.ENDPOINT, "check the region and the endpoint (huaweicloud:endpoints or HW_DCS_ENDPOINT)"
)
_FAULT = CodeInfo(CodeKind.FAULT)

NOT_IN_THIS_STATE = "DCS.4957"

CODES: dict[str, CodeInfo] = {
    "DCS.4133": CodeInfo(
        CodeKind.NOT_FOUND, "there's no migration task with this id in this region and project"
    ),
    # Another operation is running; it will end.
    "DCS.4017": _busy("another task is running on the target instance"),
    "DCS.4026": _busy("the instance's current state doesn't allow this"),
    "DCS.4049": _busy("the instance isn't running"),
    "DCS.4096": _busy("the instance is being backed up"),
    "DCS.4097": _busy("the instance is being restored"),
    "DCS.4104": _busy("the instance is recovering from an internal fault"),
    "DCS.4108": _busy("the instance has a pending resize order"),
    "DCS.4111": _busy("the instance is restarting"),
    "DCS.4113": _busy("the instance is being extended"),
    "DCS.4114": _busy("the instance is being configured"),
    "DCS.4115": _busy("the password of the instance is being changed"),
    "DCS.4116": _busy("the instance is being upgraded"),
    "DCS.4117": _busy("the instance is being rolled back"),
    "DCS.4118": _busy("the instance is being created"),
    "DCS.4120": _busy("the instance is frozen"),
    "DCS.4121": _busy("the password of the instance is being reset"),
    "DCS.4231": _busy("the keys of the instance are being analyzed"),
    "DCS.4975": _busy("the instance is being created or restarted"),
    "CBC.99003651": _busy("another operation on the instance is in progress"),  # of the billing service
    # The request is wrong, and repeating it doesn't help.
    "DCS.4002": _permanent("check huaweicloud:projectId (HW_PROJECT_ID)"),
    "DCS.4004": _permanent(),
    "DCS.4005": _permanent(),
    "DCS.4061": _permanent("check target_instance.id"),
    "DCS.4062": _permanent(),
    "DCS.4063": _permanent(),
    "DCS.4070": _permanent("check the id of the task"),
    "DCS.4080": _permanent("check the password of the instance"),
    "DCS.4087": _permanent("the backup record's status isn't `succeed`"),
    "DCS.4800": _permanent(),
    NOT_IN_THIS_STATE: _permanent("the task's current state doesn't allow this"),
    "DCS.3022": _permanent("there's no such instance in this region and project; check target_instance.id"),
    "DCS.5101": _permanent("DCS couldn't create its agency"),
    **dict.fromkeys(
        (
            "DCS.4013",
            "DCS.4014",
            "DCS.4016",
            "DCS.4018",
            "DCS.4020",
            "DCS.4046",
            "DCS.4068",
            "DCS.4911",
            "DCS.5050",
        ),
        _NETWORK,
    ),
    **dict.fromkeys(("DCS.4035", "DCS.4036", "DCS.4039", "DCS.4054"), _QUOTA),
    # Credentials.
    **dict.fromkeys(("DCS.1001", "DCS.1002", "DCS.1003", "DCS.1004"), _TOKEN),
    **dict.fromkeys(("DCS.2003", "DCS.2007", "DCS.3002", "DCS.3003"), _RIGHTS),
    **dict.fromkeys(("APIGW.0301", "APIGW.0303", "APIGW.0305", "APIGW.0307"), _KEY),
    **dict.fromkeys(
        ("APIGW.0302", "APIGW.0306", "APIGW.0310", "APIGW.0402", "APIGW.0801", "APIGW.0802"), _REGION
    ),
    # Endpoint and location.
    "DCS.4001": _ENDPOINT,
    "DCS.5001": _ENDPOINT,
    "APIGW.0101": _ENDPOINT,
    "APIGW.0103": _ENDPOINT,
    "APIGW.0308": CodeInfo(CodeKind.THROTTLED, "too many calls; try again in a minute"),
    # Failures of the service.
    **dict.fromkeys(
        (
            "DCS.4069",
            "DCS.5000",
            "DCS.5006",
            "DCS.5017",
            "DCS.5024",
            "DCS.5039",
            "DCS.5040",
            "DCS.5041",
            "DCS.5042",
        ),
        _FAULT,
    ),
    **dict.fromkeys(("DCS.5043", "DCS.5044", "DCS.5045", "DCS.5078", "APIGW.0610", "APIGW.0613"), _FAULT),
}
