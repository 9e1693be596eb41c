"""Names that the program and the plugin share, or that several modules use. It imports nothing."""

# Hidden properties start with two underscores: Pulumi keeps them in state and never shows them.
URN = "__urn"
OWNER = "__owner"  # id of the provider resource
IDENTITY = "__identity"  # of a migration instance: what will run on it
CREATE_TIMEOUT = "__create_timeout"
UPDATE_TIMEOUT = "__update_timeout"
DELETE_TIMEOUT = "__delete_timeout"
DEFAULTS = "__defaults"  # names of the inputs that the provider filled in
PROJECT_NAME = "__project_name"  # configured name of the project, if its id was looked up
ENDPOINT = "__endpoint"  # host where the task was created
TAKEN_OVER = "__taken_over"  # the task existed before: it is never stopped or deleted
MARK = "__mark"  # the owner mark that was sent in the description
MARK_LOST = "__mark_lost"  # the service didn't return it, and the user was warned
ADOPTED = "__adopted"  # the task existed already: the claim of the resource that found it
TASKS = "__tasks"  # of a completion: what the program knows of its own tasks, in the order of the first ids

# A check removes those that the state doesn't need.
DRY_RUN = "__dry_run"  # whether this is a preview
PASSWORDS = "__passwords"  # of the tasks of a completion, so that they can be removed from texts

# The hidden property for each key of `opts.custom_timeouts`.
TIMEOUTS = {"create": CREATE_TIMEOUT, "update": UPDATE_TIMEOUT, "delete": DELETE_TIMEOUT}

PASSWORD = "password"  # noqa: S105 (a property with this name is a secret at any depth)

# The service's spelling.
BACKUP_IMPORT, ONLINE_MIGRATION = "backupfile_import", "online_migration"
FULL, INCREMENTAL = "full_amount_migration", "incremental_migration"
FROM_BUCKET, FROM_RECORD = "self_build_obs", "backup_record"
SUCCESS = "SUCCESS"


def summary(statuses: list[str]) -> str | None:
    """Return the status of a wait: the first task status that isn't SUCCESS, or SUCCESS if there is none."""
    return next((status for status in statuses if status != SUCCESS), SUCCESS if statuses else None)


THREADS = 4  # threads of Pulumi's dynamic host in a plugin process
