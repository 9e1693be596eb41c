"""What is wrong with the settings shows in preview, offline, all at once, and by name."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pulumi.dynamic.config import Config

from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dynamic_host import settings_of as settings_of_process
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.migration_completion.life_cycle import MigrationCompletionLifeCycle
from dcs_migration.life_cycles.migration_instance.life_cycle import MigrationInstanceLifeCycle
from dcs_migration.life_cycles.migration_task.life_cycle import MigrationTaskLifeCycle
from dcs_migration.life_cycles.online_migration.life_cycle import OnlineMigrationLifeCycle
from dcs_migration.life_cycles.process import CheckResult, Process
from dcs_migration.life_cycles.settings_check import problems, without_effect
from dcs_migration.life_cycles.settings_spelling import OF_PULUMI_HUAWEICLOUD, OURS
from tests.fakes import FakeClock, FakeEngine

SECRET = "S3cret-Value-9"
KEYS = {"HW_ACCESS_KEY": "AK", "HW_SECRET_KEY": SECRET}
SDK_KEYS = {"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": SECRET}
STACK_KEYS = {"accessKey": "AK", "secretKey": SECRET}


def settings_of(
    config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings of a plugin process that got this configuration."""
    raw = {f"huaweicloud:{key}": value for key, value in (config or {}).items()}
    raw["shop:Region"] = "nobody's business"
    made = settings_of_process(Config(raw, "shop"))
    made._environ = environ or {}
    return made


# Names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Region", "region"),
        ("regions", "region"),
        ("regionName", "region"),
        ("region_name", "region"),
        ("project_id", "projectId"),
        ("project-id", "projectId"),
        ("projectID", "projectId"),
        ("project_name", "projectName"),
        ("accesskey", "accessKey"),
        ("access_key", "accessKey"),
        ("accessKeyId", "accessKey"),
        ("secret_key", "secretKey"),
        ("securitytoken", "securityToken"),
        ("Cloud", "cloud"),
        ("endpoint", "endpoints"),
        ("Endpoints", "endpoints"),
        ("in-secure", "insecure"),
        ("max_retries", "maxRetries"),
    ],
)
def test_a_misspelt_key_is_an_error(written: str, meant: str) -> None:
    """It would be passed over in silence: another region, another project, no credentials."""
    assert problems(settings_of({written: SECRET})) == [
        f"huaweicloud:{written}: unknown key; did you mean huaweicloud:{meant}?"
    ]


def test_keys_of_others_are_not_ours_to_judge() -> None:
    """Those of pulumi-huaweicloud without an effect here, and those that it may have one day."""
    decide = {
        "assumeRole",
        "assumeRoleWithOidc",
        "agencyName",
        "authUrl",
        "password",
        "profile",
        "sharedConfigFile",
        "tenantId",
        "tenantName",
        "token",
    }
    fine = {*OF_PULUMI_HUAWEICLOUD, "version", "somethingQuiteNew"} - decide
    assert problems(settings_of(dict.fromkeys(fine, "x"))) == []
    assert {"domainId", "domainName", "userName", "regional"} <= fine


def test_every_key_of_ours_is_known() -> None:
    """No key that is read counts as misspelt."""
    assert {"region", "projectId", "projectName", "endpoints", "secretKey", "securityToken"} <= set(OURS)


@pytest.mark.parametrize("key", ["assumeRole.agencyName", "assumeRole.domainName"])
def test_a_part_of_an_agency_set_without_path_is_an_error(key: str) -> None:
    """It is a key of its own then, and another account would be used."""
    (line,) = problems(settings_of({key: SECRET}))
    assert line.startswith(f"huaweicloud:{key} is a separate key, not part of the map huaweicloud:assumeRole")
    assert f"`pulumi config set --path 'huaweicloud:{key}' ...`" in line
    assert SECRET not in line


@pytest.mark.parametrize("key", ["endpoints.dcs", "endpoints.iam", "endpoints.obs"])
def test_an_endpoint_set_without_path_is_an_error(key: str) -> None:
    """It is a key of its own then, and the real cloud would be called."""
    (line,) = problems(settings_of({key: f"https://{SECRET}"}))
    assert line.startswith(f"huaweicloud:{key} is a separate key")
    assert f"`pulumi config rm 'huaweicloud:{key}'`" in line
    assert f"`pulumi config set --path 'huaweicloud:{key}' https://...`" in line
    assert SECRET not in line


# Where and who, as others decide it -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["OS_AGENCY_NAME", "HW_ASSUME_ROLE_ID_TOKEN"])
@pytest.mark.parametrize("keys", [{}, KEYS], ids=["without keys", "with keys"])
def test_another_identity_is_refused_beside_any_keys(name: str, keys: dict[str, str]) -> None:
    """Huawei's other tools assume the agency with the keys."""
    (line,) = problems(settings_of({}, {**keys, name: SECRET}))
    assert line.startswith(f"{name}: ")
    assert "unset it, and set " in line
    assert SECRET not in line
    assert "--run-program" not in line


@pytest.mark.parametrize("name", ["HW_PROFILE", "HW_SHARED_CONFIG_FILE"])
@pytest.mark.parametrize("keys", [KEYS, SDK_KEYS, {"HW_AUTH_TOKEN": SECRET}], ids=["HW_*", "SDK", "token"])
def test_a_profile_is_refused_beside_other_credentials(name: str, keys: dict[str, str]) -> None:
    """Huawei's other tools replace the keys by the profile's."""
    (line,) = problems(settings_of({}, {**keys, name: "production"}))
    assert line.startswith(f"{name}: other tools prefer a profile to other credentials")
    assert SECRET not in line


@pytest.mark.parametrize("key", ["assumeRoleWithOidc", "agencyName", "profile", "sharedConfigFile"])
def test_so_it_is_in_the_stack(key: str) -> None:
    """There the line also says how refresh and destroy learn of a change."""
    lines = problems(settings_of({key: '{"agencyName": "x"}', **STACK_KEYS}, KEYS))
    assert [line.partition(": ")[0] for line in lines] == [f"huaweicloud:{key}"]
    assert "--run-program" in lines[0]


@pytest.mark.parametrize("value", ["", " ", "{}", "[]"])
def test_what_is_empty_decides_nothing(value: str) -> None:
    """As CI systems and templates leave it behind."""
    assert problems(settings_of({"assumeRole": value}, {"HW_PROFILE": value})) == []


def test_parts_that_decide_nothing_alone_are_no_error() -> None:
    """The duration of an agency that no one names is passed over by the other tools, too."""
    environ = {"HW_ASSUME_ROLE_DURATION": "3600", "HW_DOMAIN_NAME": "x"}
    assert problems(settings_of({}, environ)) == []


@pytest.mark.parametrize(
    "name", ["HW_SHARED_CREDENTIALS_FILE", "OS_ACCESS_KEY", "HW_USER_PASSWORD", "OS_PASSWORD"]
)
def test_a_source_of_credentials_that_is_not_read_is_refused_where_no_keys_are(name: str) -> None:
    """The preview says it, not only the `up`; and a whole set of keys goes before it, as elsewhere."""
    (line,) = problems(settings_of({}, {name: SECRET}))
    assert line.startswith(f"{name}: ")
    assert SECRET not in line
    assert problems(settings_of({}, {name: SECRET, **KEYS})) == []
    assert problems(settings_of({}, {name: SECRET, "HW_AUTH_TOKEN": "t"})) == []
    assert problems(settings_of(STACK_KEYS, {name: SECRET})) == []


def test_the_sdk_takes_openid_connect_before_its_own_keys() -> None:
    """So do not take the keys in its place, where a part of it is missing."""
    (line,) = problems(settings_of({}, {"HUAWEICLOUD_SDK_IDP_ID": "x", **SDK_KEYS}))
    assert line.startswith("incomplete credentials in OpenID Connect (HUAWEICLOUD_SDK_IDP_ID)")
    assert "HUAWEICLOUD_SDK_ID_TOKEN_FILE" in line


def test_a_password_of_a_user_in_the_stack_is_refused_where_no_keys_are() -> None:
    """As in the environment; who has keys as well is understood everywhere."""
    config = {"userName": "x", "password": SECRET}
    (line,) = problems(settings_of(config))
    assert line.startswith("huaweicloud:password: a user name with a password isn't supported")
    assert SECRET not in line
    assert problems(settings_of(config, KEYS)) == []


@pytest.mark.parametrize("keys", [KEYS, SDK_KEYS], ids=["HW_*", "HUAWEICLOUD_SDK_*"])
def test_a_token_beside_keys_is_refused(keys: dict[str, str]) -> None:
    """The other tools would take the token, so that two tools in one stack would be two accounts."""
    environ = {"HW_AUTH_TOKEN": SECRET, **keys}
    if keys is SDK_KEYS:
        assert problems(settings_of({}, environ)) == []  # the token is used
        return
    (line,) = problems(settings_of({}, environ))
    assert line.startswith(
        "HW_AUTH_TOKEN: other tools prefer a token to keys, and this provider uses the keys"
    )
    assert SECRET not in line


@pytest.mark.parametrize(
    ("config", "environ"),
    [({"token": SECRET}, {}), ({}, {"OS_AUTH_TOKEN": SECRET})],
    ids=["stack", "environment"],
)
def test_another_token_is_refused_unless_a_token_is_used(
    config: dict[str, str], environ: dict[str, str]
) -> None:
    """Also together with keys, which it would replace elsewhere."""
    for keys in ({}, KEYS):
        (line,) = problems(settings_of(config, {**environ, **keys}))
        assert "other tools prefer this token to keys, and this provider doesn't read it" in line
        assert SECRET not in line
    assert problems(settings_of(config, {**environ, "HW_AUTH_TOKEN": "t"})) == []


def test_a_token_does_not_matter_beside_keys_of_the_program() -> None:
    """A provider that was given its keys is meant to use them."""
    config = {"dcs_migration:credentials": "own", **{f"huaweicloud:{k}": v for k, v in STACK_KEYS.items()}}
    settings = Settings(config.get, {"HW_AUTH_TOKEN": "t", "OS_AUTH_TOKEN": "t"}, lambda: config)
    assert problems(settings) == []


PRIVATE_IAM = "https://iam.private.example/v3"


@pytest.mark.parametrize("name", ["HW_AUTH_URL", "OS_AUTH_URL", "huaweicloud:authUrl"])
def test_the_iam_of_another_cloud_is_refused_unless_the_cloud_is_set(name: str) -> None:
    """Else keys and calls would go to the public cloud."""

    def problems_of(url: str, config: dict[str, str], environ: dict[str, str]) -> list[str]:
        key = name.removeprefix("huaweicloud:")
        own = ({**config, key: url}, environ) if key != name else (config, {**environ, name: url})
        return problems(settings_of(*own))

    (line,) = problems_of(PRIVATE_IAM, {}, KEYS)
    assert line.startswith(f"{name}: it names another cloud, but this provider doesn't read it")
    whole = '{"dcs": "https://dcs.private.example", "iam": "https://iam.private.example"}'
    dcs_alone = '{"dcs": "https://dcs.private.example"}'
    for config in (
        {"cloud": "private.example"},
        {"endpoints": whole},
        {"endpoints": dcs_alone, "projectId": "p0"},
    ):
        assert problems_of(PRIVATE_IAM, config, KEYS) == []
    assert len(problems_of(PRIVATE_IAM, {"endpoints": dcs_alone}, KEYS)) == 1
    assert problems_of(PRIVATE_IAM, {}, {**KEYS, "HW_DCS_ENDPOINT": "http://127.0.0.1:8788"}) == []
    for same in ("https://iam.myhuaweicloud.com:443/v3", "iam.cn-north-4.myhuaweicloud.com"):
        assert problems_of(same, {}, KEYS) == []
    assert len(problems_of("https://iam.notmyhuaweicloud.com/v3", {}, KEYS)) == 1


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HW_DCS_ENDPOINTS", "HW_DCS_ENDPOINT"),
        ("HW_DCS_ENDPIONT", "HW_DCS_ENDPOINT"),
        ("HW_ENDPOINT_DCS", "HW_DCS_ENDPOINT"),
        ("HUAWEICLOUD_DCS_ENDPOINT", "HW_DCS_ENDPOINT"),
        ("HUAWEICLOUD_SDK_DCS_ENDPOINT", "HW_DCS_ENDPOINT"),
        ("HWCLOUD_DCS_ENDPOINT", "HW_DCS_ENDPOINT"),
        ("hw_dcs_endpoint", "HW_DCS_ENDPOINT"),
        ("HW_PROJECTID", "HW_PROJECT_ID"),
        ("hw_region_name", "HW_REGION_NAME"),
        ("HW_SECURITYTOKEN", "HW_SECURITY_TOKEN"),
    ],
)
def test_a_misspelt_variable_is_an_error_unless_the_right_one_is_set(written: str, meant: str) -> None:
    """Where the endpoint is passed over, the real cloud is called in place of an emulator."""
    assert problems(settings_of({}, {written: "x"})) == [
        f"{written}: unknown variable; did you mean {meant}?"
    ]
    assert problems(settings_of({}, {written: ""})) == []
    right = "https://own" if meant == "HW_DCS_ENDPOINT" else "x"
    assert misspelt_of({written: "x", meant: right}) == []


@pytest.mark.parametrize(
    "name",
    [
        *("HW_REGION_NAME_2", "HW_RDS_ENDPOINT", "HW_OBS_ENDPOINT", "HW_DCS_INSTANCE_ID", "HW_ACCESS_KEYS"),
        *("DCS_ENDPOINT", "HUAWEICLOUD_ACCESS_KEY", "HW_IAM_ENDPOINT", "HW_PROJECT_IDS", "HW_USER_NAME"),
    ],
)
def test_other_variables_are_not_ours_to_judge(name: str) -> None:
    """Programs and other tools have their own."""
    assert misspelt_of({name: "x"}) == []


def misspelt_of(environ: dict[str, str]) -> list[str]:
    """Return the lines on misspelt variables."""
    return [line for line in problems(settings_of({}, environ)) if "unknown variable" in line]


@pytest.mark.parametrize("name", ["OS_PROJECT_ID", "OS_PROJECT_NAME", "OS_TENANT_ID", "OS_TENANT_NAME"])
def test_a_project_under_another_name_is_refused_unless_one_is_configured(name: str) -> None:
    """Else the project of the region would be taken for it."""
    (line,) = problems(settings_of({}, {name: "x"}))
    assert line.startswith(f"{name}: it names a project")
    for config in ({"projectId": "p0"}, {"projectName": "shop"}):
        assert problems(settings_of(config, {name: "x"})) == []


@pytest.mark.parametrize("name", ["HUAWEICLOUD_SDK_REGION_DCS_CN_NORTH_4", "HUAWEICLOUD_SDK_REGIONS_FILE"])
def test_an_endpoint_under_another_name_is_refused_unless_one_is_configured(name: str) -> None:
    """Else the region's own host would be called."""
    (line,) = problems(settings_of({}, {name: "https://own"}))
    assert line.startswith(f"{name}: it names an endpoint")
    assert problems(settings_of({}, {name: "https://own", "HW_DCS_ENDPOINT": "https://own"})) == []


@pytest.mark.parametrize(
    ("config", "environ"),
    [({}, {"HW_ENTERPRISE_PROJECT_ID": "x"}), ({"enterpriseProjectId": "x"}, {})],
    ids=["environment", "stack"],
)
def test_an_enterprise_project_is_noted_and_no_error(config: dict[str, str], environ: dict[str, str]) -> None:
    """It says which resources belong together; a migration task has no such property."""
    settings = settings_of(config, environ)
    assert problems(settings) == []
    (note,) = without_effect(settings)
    assert "has no effect on migration tasks" in note
    engine = FakeEngine()
    MigrationTaskLifeCycle(Process(Accounts(settings, FakeClock()), engine)).check({}, {})
    assert [(line.severity, line.urn) for line in engine.lines] == [("INFO", None)]


# Values ---------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once() -> None:
    """One line for each, however many settings are wrong."""
    config = {
        "region": "EU West",
        "projectId": "../x",
        "cloud": "a/b",
        "insecure": "perhaps",
        "maxRetries": "many",
        "endpoints": "{",
        "Endpoints": "x",
    }
    lines = problems(settings_of(config, {"HW_ACCESS_KEY": "AK"}))
    starts = (
        "huaweicloud:Endpoints: ",
        "huaweicloud:region (",
        "huaweicloud:projectId (",
        "huaweicloud:cloud (",
        "huaweicloud:insecure (",
        "huaweicloud:maxRetries (",
        "huaweicloud:endpoints must be",
        "incomplete credentials",
    )
    assert len(lines) == len(starts), lines
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)


def test_no_settings_at_all_are_no_problem() -> None:
    """The preview of a pull request has no credentials, and a resource may say its region."""
    assert problems(settings_of()) == []


def test_a_name_and_an_id_that_contradict_each_other_are_told() -> None:
    """Both are named."""
    (line,) = problems(settings_of({"projectName": "shop"}, {"HW_PROJECT_ID": "p0"}))
    assert line == "huaweicloud:projectName and HW_PROJECT_ID both name a project; unset one of them"


# Where it is asked ----------------------------------------------------------------------------------------

LIFE_CYCLES = [
    MigrationTaskLifeCycle,
    MigrationInstanceLifeCycle,
    OnlineMigrationLifeCycle,
    MigrationCompletionLifeCycle,
]


@pytest.mark.parametrize("kind", LIFE_CYCLES)
def test_each_resource_s_check_tells_the_problems_once(kind: type) -> None:
    """For every resource that a program declares, and together with the problems of its inputs."""
    accounts = Accounts(settings_of({"Region": "x", "region": "EU West"}), FakeClock())
    result: CheckResult = kind(Process(accounts, FakeEngine())).check(
        {}, {"task_ids": ["0" * 32]} if kind is LIFE_CYCLES[-1] else {}
    )
    lines = list(result.problems)
    assert lines.count("huaweicloud:Region: unknown key; did you mean huaweicloud:region?") == 1
    assert sum("isn't a region name" in line for line in lines) == 1


def test_what_has_no_check_before_it_is_refused_as_well() -> None:
    """A destroy, a refresh and a `get` call the service without one."""
    accounts = Accounts(settings_of({"region": "eu-west-101"}, {**KEYS, "HW_PROFILE": "x"}), FakeClock())
    with pytest.raises(ConfigurationError, match="HW_PROFILE"):
        accounts.at(None, "p0")
