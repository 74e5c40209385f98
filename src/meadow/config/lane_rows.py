"""What the fast lane knows of tokens: from the database while a process is quiet, and from memory while it is busy.

A landing is a token's own row, which seldom changes, and the faces of creator, shop, product and post behind it, which
many tokens share.  A busy process keeps own rows and products as long as it hears, five times a second, which of them
have changed; the other faces that were lately in use it reads anew, many together.  What was not confirmed within two
seconds is not used.
So a token that was never asked for costs one look at its own row, and one that comes again costs none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import psycopg

from meadow.config.lane_link import FACES, Cells, Link, Values, face_of
from meadow.kernel import clock
from meadow.sharing.queries import LandingRow, Origin, Resolved, resolved_of

log = logging.getLogger("meadow.lane")

#: A process that has answered fewer in each of the last seconds asks the database every time, for everything.
BUSY_PER_SECOND, BUSY_SECONDS = 150, 10.0
#: What is in use is read anew in the background when it is older than this; what is older than the other is not used.
FRESH_SECONDS, PROMISE_SECONDS = 1.2, 2.0
#: In use is what was asked for within this time, and so long after the last request the process goes on looking.
USE_SECONDS = 30.0
#: While all faces in use stay the same, a landing is looked through again this often; its faces stay in use meanwhile.
WHOLE_SECONDS = 10.0
LOOK_SECONDS = 0.2
#: Marks of changes are kept far longer; whoever looked away for so long begins anew.
AWAY_SECONDS = 60.0
AT_ONCE = 500
FACES_MOST = 20_000

Key = tuple[str, int]
_machine_now = clock.machine_now


class Face:
    """What many tokens share, when it was read and when last used.  A changed one is another object."""

    __slots__ = ("cells", "is_sure", "read_at", "used_at", "values")

    def __init__(self, values: Values, now: float) -> None:
        self.values, self.read_at, self.used_at = values, now, now
        self.cells: Cells | None = None  # as the database spelled it, if it was read with others
        self.is_sure = False  # a change of it since it was read would be told: every look for changes confirms it


class Made:
    """A landing's row with what follows from it for all its visitors.  Another row is another object."""

    __slots__ = ("_last", "head", "row")

    def __init__(self, row: LandingRow) -> None:
        self.row = row
        self.head: bytes | None = None  # the part of its JSON that stays the same
        self._last: tuple[Resolved, Origin | None] | None = None

    def judged(self, moment: datetime, tag: int) -> tuple[Resolved, Origin | None]:
        """What it resolves to at a moment, and whom a view earns for; a token's end is all that time changes in it."""
        last, is_running = self._last, moment < self.row.expires_at
        if last is not None and is_running and last[0].tag == tag:
            return last
        found = resolved_of(self.row, moment, tag)
        judged = found, found.origin()
        if is_running:
            self._last = judged
        return judged


class Kept:
    """A token's own row, and the landing that was made of it and of these faces."""

    __slots__ = ("faces", "good_until", "keys", "made", "own", "turn", "used_at", "whole_at")

    def __init__(self, own: Values, now: float) -> None:
        self.own, self.used_at = own, now
        # Until then `made` may be shown unseen, as long as no face of any landing has changed and all are confirmed.
        self.good_until, self.turn = 0.0, -1
        self.keys = _keys_of(own)
        self.made: Made | None = None
        self.faces: list[Face] = []
        self.whole_at = -PROMISE_SECONDS  # when all of it was read in one look

    def make(self, row: LandingRow, faces: list[Face]) -> Made:
        made = self.made
        if made is None or made.row != row:
            made = Made(row)
        self.made, self.faces = made, faces
        return made


def _keys_of(own: Values) -> tuple[Key, ...]:
    """The faces behind a token's own row, in the order of their columns; 0 stands for none."""
    kind, target_id, creator_id, shop_id, product_id = own[5:10]
    post_id = target_id if kind == "content.recommendation" else 0
    return (
        ("creator", creator_id), ("shop", shop_id or 0), ("post", post_id), ("product", product_id or 0),
        ("pays_all", shop_id or 0),
    )  # fmt: skip


_NONE = {kind: (None,) * len(columns) for kind, columns in FACES.items()} | {"pays_all": (False,)}


class Rows:
    """Tokens by number."""

    def __init__(self, most: int = 20_000, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._faces: dict[Key, Face] = {}
        self._wanted: set[Key] = set()
        self._lock = threading.Lock()
        self._links = threading.local()
        self._wake, self._rest = threading.Event(), threading.Event()
        self._refresher: threading.Thread | None = None
        self._second, self._asked, self._busy_until = 0, 0, 0.0
        # From which transaction on changes are asked for, when that was last answered, and how often it was.
        self._since, self._sure_at, self._looks = 0, -PROMISE_SECONDS, 0
        self._used_at = 0.0
        # How often any face was changed or forgotten, and since when all of those in use are confirmed.
        self._turn, self._all_sure_at = 0, -PROMISE_SECONDS
        # How often, of late, a new token led to a face that nobody knew: then one look at all of it is cheaper than two.
        self._missed = 1.0
        self.clock_offset = timedelta(0)

    def get(self, number: int) -> Made | None:
        """The landing of a number; None if there is none, or nobody can tell just now."""
        now = self._seconds()
        try:
            if not self._is_busy(now):
                return self._read_whole(number, now)
            self._used_at = now
            kept = self._kept.get(number)
            if (
                kept is not None and now < kept.good_until and kept.turn == self._turn
                and now - self._all_sure_at <= PROMISE_SECONDS
            ):  # fmt: skip
                return kept.made
            if kept is None or now - self._sure_at > PROMISE_SECONDS:
                self._ask_anew()
                if self._missed > 0.5:
                    return self._read_whole(number, now)
                kept = self._read_own(number, now)
                if kept is None:
                    return None
            elif now - kept.used_at > FRESH_SECONDS:
                self._use(number, kept, now)
            return self._assembled(kept, now) or self._read_whole(number, now)
        except psycopg.OperationalError as error:
            log.warning("the lane's database did not answer: %s", str(error).strip()[:200])
            return None

    def refresh(self) -> int:
        """Forgets the tokens that have changed, and reads anew the faces in use that are getting old, many together;
        returns how many those were."""
        self._look_for_changes()
        now = self._seconds()
        with self._lock:
            due, oldest = set(self._wanted), self._sure_at
            self._wanted.clear()
            for key, face in self._faces.items():
                if face.is_sure or now - face.used_at > USE_SECONDS:
                    continue
                if now - face.read_at > FRESH_SECONDS:
                    due.add(key)
                elif face.read_at < oldest and key not in due:
                    oldest = face.read_at
        for kind in FACES:
            for part in _parts([each for name, each in due if name == kind]):
                self._read_faces(kind, part)
        self._all_sure_at = oldest
        return len(due)

    def _look_for_changes(self) -> None:
        now, machine = self._seconds(), _machine_now()
        if now - self._sure_at > AWAY_SECONDS:
            self._since = 0
        changed, products, since, moment = self._link().changes(self._since, machine)
        with self._lock:
            # Nobody vouches for what was read before the first look, or from a database that was set back.
            is_told = 0 < self._since <= since
            for number in changed if is_told else list(self._kept):
                self._kept.pop(number, None)
            if not is_told or 0 in products:
                products = [each for kind, each in self._faces if kind == "product"]
            for each in products:
                self._doubt(("product", each))
            self._since, self._sure_at, self._looks = since, now, self._looks + 1
            self.clock_offset = moment - machine

    def _doubt(self, key: Key) -> None:
        """A face that may have changed since the last look is read anew at once."""
        face = self._faces.get(key)
        if face is not None and face.is_sure:
            face.is_sure, face.read_at = False, self._sure_at
            self._wanted.add(key)
            self._turn += 1

    def _seen_at(self, face: Face) -> float:
        """When it was last known to be so."""
        return self._sure_at if face.is_sure else face.read_at

    def _assembled(self, kept: Kept, now: float) -> Made | None:
        """The landing made of what is known; None if a face is missing or too old, or nobody can tell who is paid."""
        faces, oldest, turn = list[Face](), now, self._turn
        for key in kept.keys:
            face = self._faces.get(key)
            seen_at = self._seen_at(face) if face is not None else -PROMISE_SECONDS
            if face is None or now - seen_at > PROMISE_SECONDS:
                # One look at the whole landing tells all but whether the shop pays everybody.
                self._wanted.add(kept.keys[4])
                self._ask_anew()
                return None
            face.used_at = now
            oldest = min(oldest, seen_at)
            faces.append(face)
        if now - oldest > FRESH_SECONDS:
            self._ask_anew()
        is_product = kept.own[9] is not None
        # Where a shop does not pay everybody, each pair of creator and product must be looked at.
        is_known = faces[4].values[0] or not is_product
        if kept.made is None or faces != kept.faces:
            if not is_known:
                return None
            values = (*kept.own, *(value for face in faces[:4] for value in face.values), is_product)
            kept.make(LandingRow._make(values), faces)
        elif not is_known and now - kept.whole_at > PROMISE_SECONDS:
            return None
        kept.good_until, kept.turn = (now + WHOLE_SECONDS if is_known else kept.whole_at + FRESH_SECONDS), turn
        return kept.made

    def _read_whole(self, number: int, now: float) -> Made | None:
        """All of a landing in one look; its faces are known from then on."""
        machine, looks = _machine_now(), self._looks
        answer = self._link().landing(number, machine)
        if answer is None:
            self._forget(number)
            return None
        values, moment = answer
        self.clock_offset = moment - machine
        own, at = values[:10], 10
        with self._lock:
            kept = self._keep(number, own, now, looks)
            self._missed += (any(self._is_missing(key, now) for key in kept.keys[:4]) - self._missed) / 64
            for key in kept.keys[:4]:
                width = len(FACES[key[0]])
                self._put_face(key, values[at : at + width], now, looks)
                at += width
            kept.whole_at = now
            if kept.keys[4] not in self._faces:
                self._wanted.add(kept.keys[4])
            faces = [self._faces[key] for key in kept.keys if key in self._faces]
            return kept.make(LandingRow._make(values), faces)

    def _read_own(self, number: int, now: float) -> Kept | None:
        machine, looks = _machine_now(), self._looks
        answer = self._link().token(number, machine)
        if answer is None:
            self._forget(number)
            return None
        self.clock_offset = answer[1] - machine
        with self._lock:
            return self._keep(number, answer[0], now, looks)

    def _read_faces(self, kind: str, ids: list[int]) -> None:
        now, looks = self._seconds(), self._looks
        found = dict(self._link().faces(kind, [each for each in ids if each], _machine_now()))
        with self._lock:
            for each in ids:
                face, cells = self._faces.get((kind, each)), found.get(each)
                if each == 0:
                    self._put_face((kind, 0), _NONE[kind], now, looks)
                elif cells is None:
                    self._turn += self._faces.pop((kind, each), None) is not None
                elif face is not None and face.cells == cells:
                    self._put_face((kind, each), face.values, now, looks)
                else:
                    self._put_face((kind, each), face_of(kind, cells), now, looks)
                    self._faces[kind, each].cells = cells
            if len(self._faces) > FACES_MOST:
                self._turn += 1
                for key in sorted(self._faces, key=lambda key: self._faces[key].used_at)[: FACES_MOST // 4]:
                    del self._faces[key]

    def _is_missing(self, key: Key, now: float) -> bool:
        face = self._faces.get(key)
        return face is None or now - self._seen_at(face) > PROMISE_SECONDS

    def _put_face(self, key: Key, values: Values, now: float, looks: int) -> None:
        """Keeps a face that was read after so many looks; no look will tell what changed before one that came meanwhile."""
        face = self._faces.get(key)
        if face is not None and face.values == values:
            face.read_at = now
        else:
            fresh = self._faces[key] = Face(values, now)
            if face is not None:
                fresh.used_at = face.used_at
                self._turn += 1
            face = fresh
        face.is_sure = key[0] == "product" and self._since > 0 and looks == self._looks

    def _keep(self, number: int, own: Values, now: float, looks: int) -> Kept:
        """Keeps a row that was read after so many looks for changes.  One that was read before the last look is used
        now and not kept: it may be the very one that changed."""
        kept = self._kept.get(number)
        if kept is None or kept.own != own:
            kept = Kept(own, now)
        if looks != self._looks:
            self._kept.pop(number, None)
            return kept
        self._kept[number] = kept
        self._kept.move_to_end(number)
        kept.used_at = now
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept

    def _use(self, number: int, kept: Kept, now: float) -> None:
        kept.used_at = now
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)

    def _forget(self, number: int) -> None:
        with self._lock:
            self._kept.pop(number, None)

    def _is_busy(self, seconds: float) -> bool:
        """Counts this request; whether one of the last seconds was a busy one."""
        now = int(seconds)
        if now != self._second:
            self._second, self._asked = now, 0
        self._asked += 1
        if self._asked >= BUSY_PER_SECOND:
            self._busy_until = seconds + BUSY_SECONDS
        return seconds < self._busy_until

    def _link(self) -> Link:
        link: Link | None = getattr(self._links, "link", None)
        if link is None:
            link = self._links.link = Link()
        return link

    def _ask_anew(self) -> None:
        if self._refresher is None:
            with self._lock:
                if self._refresher is None:
                    self._refresher = threading.Thread(target=self._refresh_on, name="lane-refresher", daemon=True)
                    self._refresher.start()
        if not self._wake.is_set():
            self._wake.set()

    def _refresh_on(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._seconds() - self._used_at <= USE_SECONDS:
                try:
                    self.refresh()
                except psycopg.OperationalError:
                    log.warning("the lane could not read anew; what is old will not be used")
                self._rest.wait(LOOK_SECONDS)  # so that many are read together


def _parts(of: list[int]) -> Iterable[list[int]]:
    return (of[start : start + AT_ONCE] for start in range(0, len(of), AT_ONCE))
