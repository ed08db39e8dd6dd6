"""User errors: mistakes that a user can fix, shown as one paragraph without a traceback."""


class UserError(ValueError):
    """What is wrong, where, and how to fix it, in one paragraph; a command prints it and exits with code 2."""


class ConfigError(UserError):
    """A sweep file or a command line says something impossible."""


class DataError(UserError):
    """A corpus is missing, broken, or contradicts its own hierarchy."""


class StoreError(UserError):
    """The place where finished trials live cannot be used."""


class TrackingError(UserError):
    """The MLflow tracking server cannot be reached."""
