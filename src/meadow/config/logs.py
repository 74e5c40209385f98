"""How the program logs: one JSON object a line, with the request's id, and never a secret."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")

# What must not reach a log wherever it came from: our keys, bearer tokens, passwords in addresses.
_SECRET = re.compile(r"mdw_[A-Za-z0-9_-]{8,}|(?<=Bearer )\S+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")


class JsonFormatter(logging.Formatter):
    """One line of JSON: time, level, logger, message, request id, error."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _SECRET.sub("[secret]", record.getMessage()),
        }
        if rid := request_id.get():
            line["request_id"] = rid
        if record.exc_info:
            line["error"] = _SECRET.sub("[secret]", self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
