"""How an address that was pasted in one piece is told apart, and how one is written."""

import pytest

from meadow.web.shop.address import read_address
from meadow.web.shop.order_words import address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "王小明 13800138000 浙江省杭州市西湖区文三路 1 号",
            {"name": "王小明", "phone": "13800138000", "region": "浙江省", "city": "杭州市", "district": "西湖区",
             "line1": "文三路 1 号", "country": "CN"},
        ),
        (
            "收货人：李雷\n手机号码：138 0013 8000\n所在地区：广东省 深圳市 南山区\n详细地址：科技园路8号",
            {"name": "李雷", "phone": "13800138000", "region": "广东省", "city": "深圳市", "district": "南山区",
             "line1": "科技园路8号", "country": "CN"},
        ),
        (
            "北京朝阳区建国路 88 号，韩梅梅，+86 13912345678",
            {"name": "韩梅梅", "phone": "13912345678", "region": "北京市", "city": "北京市", "district": "朝阳区",
             "line1": "建国路 88 号", "country": "CN"},
        ),
        (
            "Jane Roe\n+49 30 1234567\nTorstr. 1, 10119 Berlin\njane@example.com",
            {"name": "Jane Roe", "phone": "+49 30 1234567", "email": "jane@example.com",
             "line1": "Torstr. 1 10119 Berlin"},
        ),
        ("", {}),
        ("hello", {"line1": "hello"}),
        ("13800138000", {"phone": "13800138000"}),
    ],
)  # fmt: skip
def test_pieces_are_told_apart(text: str, expected: dict[str, str]) -> None:
    assert read_address(text) == expected


def test_a_hostile_text_takes_no_long_look() -> None:
    for text in ("省" * 500, "1" * 500, "区市" * 250, "+86 " * 125, "a@" * 250, " , " * 160, "收货人" * 160):
        assert isinstance(read_address(text), dict)


def test_a_chinese_address_is_written_from_large_to_small_others_from_small_to_large() -> None:
    home = {"name": "王小明", "phone": "1380", "country": "CN", "region": "北京市", "city": "北京市", "district": "朝阳区",
            "line1": "建国路 88 号", "line2": "", "postal_code": "100020"}  # fmt: skip
    assert address(home) == "王小明 1380\n北京市朝阳区建国路 88 号\n100020"
    away = home | {
        "country": "DE",
        "region": "",
        "district": "",
        "city": "Berlin",
        "line1": "Torstr. 1",
        "postal_code": "10119",
    }
    assert address(away) == "王小明\nTorstr. 1\n10119 Berlin\nDE\n1380"
