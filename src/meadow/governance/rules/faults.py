"""What a fault in a rule's text is called in Chinese; the language itself says it in English, with the column."""

_ZH = {
    "too_long": "规则过长，请拆分为多条规则",
    "not_an_expression": "无法解析，请检查括号、引号和运算符；条件写法如 links > 3",
    "too_costly": "规则过于复杂，请拆分为多条规则",
    "not_a_condition": "整条规则必须是真或假的判断，例如 links > 3",
    "not_allowed": "此处不允许这种写法",
    "wrong_kind": "类型不匹配",
    "unknown_feature": "该事件没有这个特征",
    "unknown_function": "没有这个函数",
}


def fault_zh(code: str, met: str) -> str:
    """A Chinese sentence for a fault; the exact English finding stays beside it, since it names parts of the text."""
    return f"{_ZH[code]}（{met}）"
