"""What Django is told, derived from our own typed settings and from nothing else."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from meadow.config.settings import current

MEADOW = current()

SECRET_KEY = MEADOW.secret_key
DEBUG = MEADOW.debug
# Tokens are opened under any name that a proxy passes on; links are always built from base_url, never from Host.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "meadow.config.urls"
PAGES_URLCONF = "meadow.web.urls"  # those of them that people see, at the root
WSGI_APPLICATION = "meadow.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Person"

CONTEXTS = [
    "kernel", "accounts", "ledger", "governance", "payments", "catalog", "plans", "content", "sharing", "affiliate",
    "trade", "messaging", "discovery",
]  # fmt: skip

_HERE = Path(__file__).resolve().parents[1]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "django.contrib.humanize",
    "meadow.web",  # before allauth, whose pages it dresses
    "allauth",
    "allauth.account",
    "allauth.mfa",
    *(f"meadow.{name}" for name in CONTEXTS if list((_HERE / name).glob("models*"))),
    "meadow.config",
]

MIDDLEWARE = [
    "meadow.config.middleware.RequestIdMiddleware",
    "meadow.web.headers.PolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "meadow.config.middleware.RefusalMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_HERE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "meadow.web.context.site",
            ]
        },
    }
]


def _database(url: str) -> dict[str, object]:
    """Django's form of a postgresql:// address; `?host=/folder` names a socket folder."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "meadow",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or (parts.hostname or ""),
        "PORT": query.get("port") or (str(parts.port) if parts.port else ""),
        # Connections are never opened per request: that alone costs the database 6 to 13 ms each.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "server_side_binding": True,
            # Prepared from the second run on; the first stays simple, so a migration may hold several commands.
            "prepare_threshold": 1,
            "application_name": os.environ.get("MEADOW_PROCESS", "meadow"),
            # On a server of the operator's own it is on; compiling a plan costs ten times what our statements take.
            "options": "-c jit=off",
        },
    }


DATABASES = {"default": _database(MEADOW.database_url or "postgresql:///meadow")}

LANGUAGE_CODE = MEADOW.language
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [_HERE / "web" / "locale"]
USE_I18N = True
TIME_ZONE = MEADOW.time_zone
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [_HERE / "web" / "static"]
# Served from where they lie, found once at start; nothing is collected.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = MEADOW.is_https
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "meadow.web.failures.csrf_failure"
CSRF_TRUSTED_ORIGINS = [MEADOW.base_url]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 31_536_000 if MEADOW.is_https else 0
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

# Login codes and the count of tries live in the session, so it must not be a cookie that can be read or replayed.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
# allauth's rate limits need an atomic cache that all processes share.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "meadow.web.people.adapter.DoorAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
# No password at sign-up: an address is proved by a code first, so nobody can sit on another's address.
ACCOUNT_SIGNUP_FIELDS = ["email*"]
# The password is optional at sign-in: left empty, a code is mailed.
ACCOUNT_FORMS = {"login": "meadow.accounts.forms.SignInForm"}
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 900
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = MEADOW.sandbox  # http://localhost is where a sandbox lives
MFA_TOTP_ISSUER = MEADOW.site_name
ALLAUTH_TRUSTED_PROXY_COUNT = MEADOW.proxies

DEFAULT_FROM_EMAIL = MEADOW.mail_from
if MEADOW.mail_url:
    _mail = urlsplit(MEADOW.mail_url)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or 25
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_TLS = _mail.scheme in {"smtps", "smtp+tls"}
else:
    EMAIL_BACKEND = "meadow.accounts.mail.SandboxMailBackend"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "meadow.config.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "_granian": {"level": "WARNING"},
    },
}
