"""The vocabulary: names that stand on both sides of the process boundary, or in more than one part. It imports
nothing."""

# Hidden properties start with two underscores: Pulumi keeps them in state and never shows them.
URN = "__urn"
OWNER = "__owner"  # id of the provider resource
IDENTITY = "__identity"  # of a migration instance: what will run on it
CREATE_TIMEOUT = "__create_timeout"
UPDATE_TIMEOUT = "__update_timeout"
DELETE_TIMEOUT = "__delete_timeout"
DEFAULTS = "__defaults"  # names of the inputs that the provider filled in
PROJECT_NAME = "__project_name"  # configured name of the project, where its id was looked up
ENDPOINT = "__endpoint"  # host that the task was created at
TAKEN_OVER = "__taken_over"  # the task existed before: it is never stopped or deleted
MARK = "__mark"  # that was sent with the description
MARK_LOST = "__mark_lost"  # the service didn't give it back, which was said
ADOPTED = "__adopted"  # the task was there before: the claim of the resource that found it
TASKS = "__tasks"  # of a completion: what the program knows of its own tasks, in the order of the first ids

# Of these a check takes out what no state needs.
DRY_RUN = "__dry_run"  # whether this is a preview
PASSWORDS = "__passwords"  # of the tasks of a completion, so that they can be removed from texts

# The hidden properties by the names that `opts.custom_timeouts` has for them.
TIMEOUTS = {"create": CREATE_TIMEOUT, "update": UPDATE_TIMEOUT, "delete": DELETE_TIMEOUT}

PASSWORD = "password"  # noqa: S105 (the name of a property whose values are secrets, wherever it stands)

# The service's words.
BACKUP_IMPORT, ONLINE_MIGRATION = "backupfile_import", "online_migration"
FULL, INCREMENTAL = "full_amount_migration", "incremental_migration"
FROM_BUCKET, FROM_RECORD = "self_build_obs", "backup_record"
SUCCESS = "SUCCESS"


def summary(statuses: list[str]) -> str | None:
    """Return the status of a wait: of its tasks' statuses the first that isn't SUCCESS, or else SUCCESS."""
    return next((status for status in statuses if status != SUCCESS), SUCCESS if statuses else None)


THREADS = 4  # with which Pulumi's dynamic host serves a plugin process
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
