"""What an installation can set: one frozen class read from the environment; docs/operate.md is made from it."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from meadow.kernel.compensation import prohibited_in

CHECKOUT = Path(__file__).resolve().parents[3]
SECRET = ("database_url", "secret_key", "mail_url", "wechatpay", "stripe")  # never shown, not even in a traceback
MOST_WEB = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, read from MEADOW_<NAME> (or from the file named by MEADOW_<NAME>_FILE)."""

    #: Where data, the embedded database and generated secrets are kept.
    data: Path = CHECKOUT / ".data"
    #: PostgreSQL to use, postgresql://…; empty starts the embedded one in the data folder.  Read from DATABASE_URL.
    database_url: str = ""
    #: Folder of other PostgreSQL binaries (initdb, postgres, …) for the embedded server; empty uses the packaged ones.
    pg_binaries: str = ""
    #: The address people reach this installation at; passkeys and share links need it to be right.
    base_url: str = "http://localhost:8000"
    #: Secret that signs sessions, views, clicks and cursors; empty makes one in the data folder.
    secret_key: str = ""
    #: Sandbox installation: the sandbox payment provider, the mail twin and its mailbox page are on.
    sandbox: bool = True
    #: Whether domain time can be advanced; only taken where the sandbox is on.
    test_clock: bool = True
    #: Currency of new shops, an ISO 4217 code.
    currency: str = "CNY"
    #: Language of people who have not chosen, zh-hans or en.
    language: str = "zh-hans"
    #: Time zone of people who have not chosen.
    time_zone: str = "Asia/Shanghai"
    #: How much of its own money, in minor units, the platform advances for refunds after a payout, per currency.
    advance_limit_minor: int = 1_000_000
    #: Name of the installation as people see it.
    site_name: str = "Meadow"
    #: Mail server for a real installation, smtp://user:password@host:port; empty uses the mail twin (sandbox only).
    mail_url: str = ""
    #: Sender address of mail.
    mail_from: str = "meadow@localhost"
    #: Shows tracebacks in the browser; never on a reachable installation.
    debug: bool = False
    #: How many processes answer requests; one for each CPU is enough.
    web_processes: int = 2
    #: Threads of each of them, each with two connections to PostgreSQL; more help while a payment provider is slow.
    web_threads: int = 3
    #: How many proxies in front set X-Forwarded-For, counted from the right; 0 trusts the connection's address alone.
    proxies: int = 0
    #: Folder of fonts for posters, looked into before the system's; posters in Chinese need a Chinese font.
    fonts: str = ""
    #: Multiplies the limits on API calls; 0 lifts them, for load tests only.
    limit_factor: int = 1
    #: How many products a creator's showcase holds.
    showcase_items: int = 200
    #: How many of a hundred cards on a page of the feed may be paid for by a commission; 100 sets no limit.
    feed_ad_percent: int = 100
    #: Payment providers in the order they are offered: wechatpay, stripe; on a sandbox also sandbox, sandbox2.
    providers: str = ""
    #: The account at WeChat Pay, as JSON; docs/payments.md names its members.
    wechatpay: str = ""
    #: The account at Stripe, as JSON; docs/payments.md names its members.
    stripe: str = ""
    #: The least that is paid out at once, in minor units.
    payout_minimum_minor: int = 100
    #: Payouts above this, in minor units, need the approval of two operators.
    payout_approval_minor: int = 5_000_000
    #: The largest order, in minor units, that a merchant verified as an individual takes; 0 sets no limit.
    individual_order_minor: int = 2_000_000
    #: How much such a merchant takes out within 24 hours, in minor units of each currency; 0 sets no limit.
    individual_payout_minor: int = 5_000_000
    #: How many products such a merchant has on sale at a time; 0 sets no limit.
    individual_products: int = 1_000
    #: For how many days the data and documents of an ended merchant application are kept.
    applicant_document_days: int = 180

    #: Marketing to more people than this needs the confirmation of a second person of the merchant within half an hour.
    confirm_audience: int = 10_000

    #: Orders above this, in minor units, are frozen, released and ruled about by two operators.
    ruling_approval_minor: int = 1_000_000

    def __repr__(self) -> str:
        """For logs and tracebacks: without what is secret."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in SECRET}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment.  Raises ValueError with a sentence that names the setting."""
    values: dict[str, Any] = {}
    for field in fields(Settings):
        name = "DATABASE_URL" if field.name == "database_url" else f"MEADOW_{field.name.upper()}"
        text = environment.get(name)
        if text is None and (path := environment.get(f"{name}_FILE")):
            text = Path(path).read_text(encoding="utf-8").strip()
        if text is not None:
            values[field.name] = _parse(name, field.type, text)
    # There is no setting that would pay for recruiting; one that tries is told so instead of being passed over.
    for name in environment:
        if name.startswith("MEADOW_") and (kind := prohibited_in(name.removeprefix("MEADOW_"))):
            raise ValueError(
                f"{name} is refused (prohibited_compensation, {kind}): only the creator of the click that led to an order "
                "line earns on it. Remove the setting"
            )
    settings = Settings(**values)
    for name in ("web_processes", "web_threads"):
        if not 1 <= getattr(settings, name) <= MOST_WEB:
            raise ValueError(
                f"MEADOW_{name.upper()} is {getattr(settings, name)}; set it to a whole number from 1 to {MOST_WEB}"
            )
    return Settings(**{f.name: getattr(settings, f.name) for f in fields(Settings)} | _filled_in(settings))


def _parse(name: str, kind: Any, text: str) -> Any:
    if kind is bool:
        if text.lower() not in {"1", "true", "yes", "on", "0", "false", "no", "off", ""}:
            raise ValueError(f"{name} is {text!r}; set it to 1 or 0")
        return text.lower() in {"1", "true", "yes", "on"}
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{name} is {text!r}; set it to a whole number") from None
    return Path(text).expanduser().resolve() if kind is Path else text


def _filled_in(settings: Settings) -> dict[str, Any]:
    """What follows from the rest: a kept secret, and no test clock without the sandbox."""
    made: dict[str, Any] = {"base_url": settings.base_url.rstrip("/")}
    if not settings.secret_key:
        made["secret_key"] = _kept_secret(settings.data)
    real = {name.strip() for name in settings.providers.split(",")} - {"", "sandbox", "sandbox2"}
    if not settings.sandbox or real:
        made["test_clock"] = False
    return made


def _kept_secret(data: Path) -> str:
    """The secret in the data folder, made once; two first starts at once agree on one."""
    path = data / "secret_key"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8").strip()


@cache
def current() -> Settings:
    """The settings of this process."""
    return read(os.environ)
