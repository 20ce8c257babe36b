"""What Sentry is told where SENTRY_DSN names one: every record of an error, and nothing of who asked or what they sent.

Whatever breaks is logged, by Django or by the worker, so it is the log that is reported. Of the SDK's integrations
with frameworks none is on: they are what adds the request, its headers, cookies, body and user.
"""

from typing import Any

from config.logs import request_id, without_secrets

# Not made here, and nobody adds them; should that change, they still stay here.
KEPT_HERE = ("request", "user", "extra", "breadcrumbs")


def report_errors(dsn: str, transport: Any = None) -> None:
    """Begin to; `transport` is for tests, which must not reach anybody."""
    import sentry_sdk  # noqa: PLC0415 - optional: pip install undersigned[sentry]
    from sentry_sdk.integrations.atexit import AtexitIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.dedupe import DedupeIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.threading import ThreadingIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        send_default_pii=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        auto_session_tracking=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            # Its breadcrumbs would be lines of the log that no filter has seen.
            LoggingIntegration(level=None, sentry_logs_level=None),
            ExcepthookIntegration(),
            ThreadingIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
        ],
        before_send=without_persons,
    )


def without_persons(event: Any, _hint: Any) -> Any:
    """The event with its texts cleaned as the log's are, and with the id by which the log has more."""
    cleaned = _cleaned({name: value for name, value in event.items() if name not in KEPT_HERE})
    if request_id.get():
        cleaned["tags"] = {**(cleaned.get("tags") or {}), "request": request_id.get()}
    return cleaned


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return without_secrets(value)
        case dict():
            return {name: _cleaned(each) for name, each in value.items()}
        case list() | tuple():
            return [_cleaned(each) for each in value]
    return value
