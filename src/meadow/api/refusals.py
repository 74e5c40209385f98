"""Which refusals the machines' door itself can give, before a context is asked."""

from meadow.kernel.errors import Says, register

REFUSALS: dict[str, Says] = {
    "method_not_allowed": Says(
        405,
        "{method} is not offered here; {allowed} is. See /api/docs.",
        "此地址不支持 {method}，请使用 {allowed}，详见 /api/docs。",
    ),
    "body_unreadable": Says(
        400,
        "The body cannot be read as JSON: {why}. Correct it and send it again.",
        "请求内容不是有效的 JSON（{why}），请更正后重新发送。",
    ),
    "body_too_large": Says(
        413,
        "The body is larger than {limit_bytes} bytes. Send less at once.",
        "请求内容超过 {limit_bytes} 字节，请分批发送。",
    ),
    "media_type_unsupported": Says(
        415,
        "Send the body as {expected}.",
        "请以 {expected} 格式发送请求内容。",
    ),
    "api_version_unknown": Says(
        400,
        "This API-Version is not spoken here. Send one of {supported}, or leave the header out.",
        "不支持该 API-Version，请使用 {supported}，或不发送此请求头。",
    ),
    "sandbox_only": Says(
        403,
        "Only a sandbox installation offers this. Use one for trying things out.",
        "仅沙盒环境提供此功能，请在沙盒环境中试用。",
    ),
    "broken": Says(
        500,
        "Something broke on our side. Please try again, and name request {request_id} if you ask for help.",
        "服务器内部错误，请重试；如需帮助请提供请求编号 {request_id}。",
    ),
}
register(REFUSALS)
