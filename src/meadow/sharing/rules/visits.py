"""When a request is a person looking, and when a view has become a click (settled question 18)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

NotCounted = Literal["head", "prefetch", "frame", "subresource", "script", "bot"]
NotFollowed = Literal["prefetch", "frame", "subresource", "script", "bot", "cross_site"]

# Crawlers and fetchers of link previews that say so.  Plain HTTP libraries are not among them: they prove nothing by
# their headers, so they must follow the nonce like everybody else.
_BOTS = re.compile(
    r"(?<!cu)bot\b|(?<!cu)bot[/_-]|crawler|crawl\b|spider|slurp|facebookexternalhit|facebookcatalog|meta-external|"
    r"^whatsapp/|skypeuripreview|slack-imgproxy|vkshare|bingpreview|google web preview|google-inspectiontool|"
    r"mediapartners-google|apis-google|feedfetcher|googleother|google-read-aloud|yandexmobile.*preview|embedly|"
    r"iframely|mastodon/|pleroma|misskey/|ia_archiver|archive\.org|w3c_validator|lighthouse|pingdom|uptime|"
    r"chatgpt-user|claude-user|perplexity-user|cohere-ai|petalsearch|preview service",
    re.IGNORECASE,
)
_FRAMES = frozenset({"iframe", "frame", "fencedframe", "embed", "object"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request says about who made it and how."""

    method: str
    user_agent: str = ""
    purpose: str = ""
    site: str = ""
    mode: str = ""
    dest: str = ""
    user: str = ""
    host: str = ""
    origin_host: str = ""


def told_by(headers: Mapping[str, str]) -> list[str]:
    """The values of the headers TOLD, for `judged`; header names in any case.  An endless one is cut."""
    given = {name.lower(): value for name, value in headers.items()}
    return [given.get(name, "")[:400] for name in TOLD]


def visit_of(method: str, headers: Mapping[str, str]) -> Visit:
    """The facts of a request that count; header names in any case."""
    told = {name.lower(): value for name, value in headers.items()}

    def fact(name: str) -> str:
        return told.get(name, "").strip().lower()

    purposes = (fact(name) for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return Visit(
        method=method.upper(),
        user_agent=told.get("user-agent", "")[:400],
        purpose=" ".join(purpose for purpose in purposes if purpose),
        site=fact("sec-fetch-site"),
        mode=fact("sec-fetch-mode"),
        dest=fact("sec-fetch-dest"),
        user=fact("sec-fetch-user"),
        host=fact("host"),
        origin_host=_host(fact("origin") or fact("referer")),
    )


TOLD = (
    "sec-purpose", "purpose", "x-purpose", "x-moz", "user-agent", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest",
    "sec-fetch-user",
)  # fmt: skip


@lru_cache(maxsize=4096)
def judged(method: str, *told: str) -> tuple[NotCounted | None, bool]:
    """(why_not_counted, proves_navigation) of a request by the values of the headers TOLD, in their order.

    The same few hundred browsers come again and again, so what was judged once is remembered.
    """
    visit = visit_of(method, dict(zip(TOLD, told, strict=True)))
    return why_not_counted(visit), proves_navigation(visit)


def why_not_counted(visit: Visit) -> NotCounted | None:
    """Why a request for a page is not somebody viewing it; None if it is a view."""
    if visit.method != "GET":
        return "head"
    return _machinery(visit)


def proves_navigation(visit: Visit) -> bool:
    """Whether the browser vouches that a person moved its top window here: then the view is a click at once.

    Without user activation only our own pages and the address bar (a scan, a paste, another app) are believed, since
    any site can send its visitors here by script.
    """
    if why_not_counted(visit) is not None or visit.mode != "navigate" or visit.dest != "document":
        return False
    return visit.user == "?1" or visit.site in ("none", "same-origin")


def why_not_followed(visit: Visit) -> NotFollowed | None:
    """Why a request that carries a view's nonce is not a person following it from our page; None if it is."""
    machinery = _machinery(visit)
    if machinery is not None:
        return machinery
    if visit.site:
        return None if visit.site in ("same-origin", "none") else "cross_site"
    # Older browsers tell where a form was sent from by Origin or Referer alone, or not at all.
    return "cross_site" if visit.origin_host and visit.host and visit.origin_host != visit.host else None


def _host(address: str) -> str:
    """The host with its port, as a Host header spells it."""
    return address.partition("://")[2].partition("/")[0]


def _machinery(visit: Visit) -> Literal["prefetch", "frame", "subresource", "script", "bot"] | None:
    """What no person sees.  Browsers that send no fetch headers are judged by the rest alone."""
    if any(word in visit.purpose for word in ("prefetch", "prerender", "preview")):
        return "prefetch"
    if visit.dest in _FRAMES:
        return "frame"
    if visit.dest not in ("", "document", "empty"):
        return "subresource"
    if visit.mode and visit.mode != "navigate" and visit.site != "same-origin":
        return "script"
    return "bot" if _is_bot(visit.user_agent) else None


@lru_cache(maxsize=4096)
def _is_bot(user_agent: str) -> bool:
    """The same few hundred browsers come again and again."""
    return _BOTS.search(user_agent) is not None
