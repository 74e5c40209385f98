"""The pack `cn`: what the law of mainland China adds to the rules that hold everywhere, as data."""

from meadow.governance.rules.rulebook import RuleText


def _rule(rule_id: str, title_en: str, title_zh: str, text_en: str, text_zh: str) -> RuleText:
    return RuleText(rule_id, 1, title_en, title_zh, text_en, text_zh, "cn")


CN: tuple[RuleText, ...] = (
    _rule(
        "cn.goods.tobacco", "No tobacco", "禁售烟草",
        "Tobacco, e-cigarettes and their parts are neither sold nor advertised here.",
        "不得销售或宣传烟草制品、电子烟及其配件。",
    ),
    _rule(
        "cn.goods.medicine", "Medicine and medical devices", "药品与医疗器械",
        "Medicine and medical devices are sold only with the licence and registration that the law asks for. Prescription "
        "medicine is not advertised; no cure is promised.",
        "药品、医疗器械须具备法定许可和注册后方可销售。处方药不得宣传，不得承诺疗效。",
    ),
    _rule(
        "cn.goods.weapons", "No weapons", "禁售枪支弹药与管制器具",
        "Guns and replicas that count as such, air guns, crossbows, controlled knives and their parts are not sold. "
        "Kitchen and household knives are no controlled knives.",
        "不得销售枪支、仿真枪、气枪、弓弩、管制刀具及其配件。厨房和家用刀具不属于管制刀具。",
    ),
    _rule(
        "cn.goods.forged", "No forged papers, cheats or illegal credit", "禁止假证、外挂与非法信贷",
        "Forged certificates and seals, cheating programs, and loans without a licence are not offered.",
        "不得提供伪造证件印章、作弊软件以及无牌照的贷款服务。",
    ),
    _rule(
        "cn.goods.wildlife", "No protected animals and plants", "禁售受保护动植物",
        "Protected animals and plants and what is made of them are not sold, nor tools made to catch them.",
        "不得销售国家保护的野生动植物及其制品，也不得销售专用捕猎工具。",
    ),
    _rule(
        "cn.ads.label", "Advertising is recognisable", "广告须可识别",
        "A recommendation that earns something is marked as advertising. Advertising for medicine, health food or medical "
        "care does not pose as advice.",
        "带有收益的推荐须标明“广告”。医疗、药品、保健食品的广告不得以科普、知识介绍等形式变相发布。",
    ),
    _rule(
        "cn.trade.return", "Seven days to return", "七天无理由退货",
        "Goods bought here may be returned within seven days of delivery without a reason, but for those that the law "
        "excepts and that were marked so before the purchase.",
        "消费者自签收之日起七日内可无理由退货，法律规定除外且购买前已标明的商品不在此列。",
    ),
    _rule(
        "cn.trade.compensation", "Compensation for deception", "欺诈赔偿",
        "A seller who deceives refunds and pays three times the price, 500 yuan at least; for unsafe food ten times, "
        "1,000 yuan at least.",
        "经营者有欺诈行为的，退款并按价款三倍赔偿，不足五百元按五百元；食品不符合安全标准的，按价款十倍赔偿，不足一千元按一千元。",
    ),
    _rule(
        "cn.shop.identity", "A shop shows who it is", "店铺须公示主体信息",
        "A shop shows its business licence or why it needs none, and the licences for what it sells; they are renewed "
        "before they end.",
        "店铺须公示营业执照或免于登记的依据，以及所售商品所需的许可；许可到期前须更新。",
    ),
    _rule(
        "cn.account.rental", "Accounts are not rented or sold", "禁止出租、出售账号",
        "Accounts, also idle ones, are not rented out, lent or sold, and nobody offers to buy them. A company that changes "
        "hands uses the procedure for that.",
        "不得出租、出借、买卖账号（包括闲置账号），也不得求购。公司转让请走专门流程。",
    ),
    _rule(
        "cn.rules.change", "Rules change with notice", "规则修改须提前公示",
        "A change of the rules is open to comments, and is published at least seven days before it takes effect. A merchant "
        "who does not accept it may leave; what was agreed before is finished under the old rules.",
        "规则修改须公开征求意见，并至少在实施前七日公示。不接受修改的商家可以退出，退出前的交易按修改前的规则履行。",
    ),
)  # fmt: skip
