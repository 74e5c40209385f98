"""What people are told when something is decided against them or stopped for a time, each with where to object."""

from meadow.messaging.rules.words import Words

NOTICES: dict[str, Words] = {
    "decision_made": Words(
        "A decision concerns you", "有一项决定与您有关",
        "Decision {decision} was made by rule {rule}: {action}. You can read why and appeal on the page of your limits.\n{link}",
        "根据规则 {rule} 作出了决定 {decision}：{action_zh}。您可以在“我的限制”页面查看原因并申诉。\n{link}",
    ),
    "decision_reversed": Words(
        "A decision was taken back", "一项决定已撤销",
        "Decision {decision} by rule {rule} was taken back, with everything that had followed from it.",
        "根据规则 {rule} 作出的决定 {decision} 已撤销，其后续处理一并撤销。",
    ),
    "suspension_announced": Words(
        "Something of yours will be stopped for a time", "您的业务将被暂停",
        "{what}: {stops} From {starts}, looked at again by {review}. Why: {reason} (rule {rule}). What is on its way is "
        "finished, and you can take your data with you. You can appeal on the page of your limits.\n{link}",
        "{what}：{stops_zh} 自 {starts} 起，最迟 {review} 复核。原因：{reason_zh}（规则 {rule}）。在途业务照常完成，数据可随时导出。"
        "您可以在“我的限制”页面申诉。\n{link}",
    ),
    "suspension_staff": Words(
        "Something of a shop you work for will be stopped for a time", "您所在商家的业务将被暂停",
        "{what}: {stops} From {starts}, looked at again by {review}. Why: {reason} (rule {rule}). What is on its way is "
        "finished, and data can be taken out. The owner was told too, and can appeal.\n{link}",
        "{what}：{stops_zh} 自 {starts} 起，最迟 {review} 复核。原因：{reason_zh}（规则 {rule}）。在途业务照常完成，数据可随时导出。"
        "店主已收到通知，可以申诉。\n{link}",
    ),
    "suspension_goods": Words(
        "Something you recommend will be stopped for a time", "您推荐的商品将被暂停销售",
        "{what}: {stops} From {starts}, looked at again by {review}. Why: {reason} (rule {rule}). Your posts stay and say "
        "that it is not for sale at the moment; what you earned stays yours. The shop can appeal. All that is stopped "
        "stands here, with its dates.\n{link}",
        "{what}：{stops_zh} 自 {starts} 起，最迟 {review} 复核。原因：{reason_zh}（规则 {rule}）。您的内容保留，并标明商品暂不销售；"
        "已获得的佣金不受影响。商家可以申诉。全部暂停事项及日期见此页面。\n{link}",
    ),
    "suspension_order": Words(
        "A shop where you have an order will be stopped for a time", "您下单的店铺将被暂停",
        "{what}: {stops} From {starts}, looked at again by {review}. Why: {reason} (rule {rule}). Your order {order} goes "
        "on: it is sent, your money stays in escrow until you have the goods, and refunds and claims work as always.\n{link}",
        "{what}：{stops_zh} 自 {starts} 起，最迟 {review} 复核。原因：{reason_zh}（规则 {rule}）。您的订单 {order} 照常履约，"
        "货款在确认收货前由平台担保，退款和售后不受影响。\n{link}",
    ),
    "suspension_overdue": Words(
        "A review is overdue", "复核已逾期",
        "Nobody has looked again at the suspension of {what} by its date. It ends by itself in a week at the latest.\n{link}",
        "{what} 的暂停到期未复核，最迟一周内自动结束。\n{link}",
    ),
    "suspension_ended": Words(
        "A suspension is over", "暂停已结束",
        "The suspension of {what} is over, and everything is as it was before.",
        "{what} 的暂停已结束，一切恢复原状。",
    ),
}  # fmt: skip
