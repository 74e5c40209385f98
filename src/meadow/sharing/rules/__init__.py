"""The law of sharing: how tokens are spelled and found, what is a click, how long things live."""

from meadow.kernel.states import Machine

BITS = 55
LIFE_DAYS = 60
POSTER_LIFE_DAYS = 365
SURFACES = ("landing", "feed", "post", "product", "showcase", "poster", "api")
REFUSED_CLICKS = ("unsigned", "other_target", "other_carrier", "too_old", "not_followed")

TOKEN = Machine(
    "share_token",
    "active",
    {
        "active": {"expire": "expired", "revoke": "revoked", "block": "blocked"},
        "blocked": {"unblock": "active", "revoke": "revoked"},
        "expired": {},
        "revoked": {},
    },
    ends={"expired", "revoked"},
)
