"""What payments refuse, in both languages; each sentence says what to do next."""

from meadow.kernel.errors import Says

REFUSALS: dict[str, Says] = {
    "notice_refused": Says(
        400,
        "This payment notice was not accepted ({why}) and nothing was changed. Check its signature and contents.",
        "该支付通知未被接受（{why}），未做任何变更，请检查签名与内容。",
    ),
    "provider_unknown": Says(
        422,
        "{provider} is no payment provider of this installation. Choose one that is offered.",
        "本站未启用支付渠道 {provider}，请选择可用的支付方式。",
    ),
    "key_reused": Says(
        409,
        "The key {key} was used for something else. Use a new key for a new request.",
        "编号 {key} 已用于其他请求，请使用新的编号。",
    ),
    "refund_exceeds_payment": Says(
        422,
        "Only {left_minor} of this payment can still be refunded. Refund no more than that.",
        "该笔付款最多还可退 {left_minor}，请减少退款金额。",
    ),
    "behaviour_unknown": Says(
        422,
        "The sandbox knows no behaviour {behaviour}. Choose one of: {known}.",
        "沙盒不支持 {behaviour}，请选择：{known}。",
    ),
    "receivable_outstanding": Says(
        409,
        "{owed_minor} is still owed from an earlier refund. It is paid from what comes in next; what is left can be taken.",
        "尚有 {owed_minor} 应收款未结清，将优先从后续入账中扣除，剩余部分可提现。",
    ),
    "provider_closed": Says(
        409,
        "{provider} takes no new payments here. Choose another way to pay.",
        "{provider} 暂不接受新的付款，请选择其他支付方式。",
    ),
    "provider_cannot_carry": Says(
        409,
        "{provider} can pass on at most {most_bp} of 10000 of an order, and this one needs {share_bp}. "
        "Choose another way to pay.",
        "{provider} 最多可分出订单金额的万分之 {most_bp}，本单需要万分之 {share_bp}，请选择其他支付方式。",
    ),
    "provider_down": Says(
        503,
        "{provider} does not answer just now. Nothing was charged; choose another way to pay or try again.",
        "{provider} 暂时没有响应，未发生扣款，请选择其他支付方式或稍后重试。",
    ),
    "already_paid": Says(
        409,
        "This is paid already. Load the page again.",
        "该笔已支付，请刷新页面。",
    ),
    "payout_below_minimum": Says(
        422,
        "At least {minimum_minor} (minor units) can be paid out at once. Wait until there is more.",
        "单次提现不少于 {minimum_minor}（最小货币单位），请累积后再提现。",
    ),
    "bank_details_missing": Says(
        409,
        "There is no bank account to pay to. Enter the bank details first.",
        "尚未填写收款银行账户，请先填写银行信息。",
    ),
    "bank_details_refused": Says(
        422,
        "Please correct the bank details: {field}.",
        "请更正银行信息：{field}。",
    ),
    "identity_unverified": Says(
        409,
        "Whose money this is has not been verified yet. Finish the verification first.",
        "收款主体尚未完成身份核验，请先完成核验。",
    ),
    "holder_name_differs": Says(
        422,
        "The account must be in the verified name. Use an account of your own.",
        "银行账户户名须与核验的身份一致，请使用本人账户。",
    ),
    "step_up_required": Says(
        403,
        "Please prove again that it is you, and then repeat this.",
        "请先重新验证身份，再进行此操作。",
    ),
    "second_person_needed": Says(
        409,
        "Somebody else has to agree: you have done so already, or it is your own request.",
        "需由另一人确认：您已确认过，或这是您本人的申请。",
    ),
    "nothing_to_export": Says(
        409,
        "No payout waits for the bank in {currency}. Come back when there is one.",
        "目前没有待付的 {currency} 提现，请稍后再来。",
    ),
    "result_file_refused": Says(
        422,
        "Line {line} of the result file cannot be used: {why}. Nothing was changed; correct it and send it again.",
        "结果文件第 {line} 行有误（{why}），未做任何变更，请更正后重新上传。",
    ),
    "account_taken": Says(
        409,
        "There is an account at {provider} already. Close it first.",
        "在 {provider} 已有收款账户，请先停用。",
    ),
    "field_not_asked": Says(
        422,
        "{field} was accepted already and is not asked for again. Send only what was found wrong: {asked}.",
        "{field} 已通过，无需重复提交，请仅更正：{asked}。",
    ),
    "level_reached": Says(
        409,
        "This merchant is approved at level {level} already. Apply for a higher level, or leave it so.",
        "该商家已通过 {level} 级认证，请申请更高级别或保持不变。",
    ),
    "document_refused": Says(
        422,
        "This picture is too small to be read as {field}. Send one of at least {least} pixels on each side.",
        "该图片过小，无法作为 {field} 识别，请上传每边不少于 {least} 像素的图片。",
    ),
    "proof_wrong": Says(
        422,
        "That is not what was sent. {left} more tries.",
        "内容不符，还可尝试 {left} 次。",
    ),
    "proof_locked": Says(
        409,
        "Too many wrong answers. Try again after {until}; a new one will be sent then.",
        "错误次数过多，请在 {until} 之后重试，届时将重新发送。",
    ),
    "proof_expired": Says(
        409,
        "This can no longer be answered. Ask for a new one.",
        "已失效，请重新获取。",
    ),
    "agreement_changed": Says(
        409,
        "The agreement in force is {current}. Read it and agree to that one.",
        "现行协议为 {current}，请阅读后同意该版本。",
    ),
    "own_application": Says(
        403,
        "You belong to this merchant, so somebody else has to review it.",
        "您是该商家成员，须由他人审核。",
    ),
    "merchant_not_live": Says(
        409,
        "{merchant} cannot take payment yet. Save the goods and come back, or choose another shop.",
        "{merchant} 尚未开通收款，请收藏商品稍后再来，或选择其他店铺。",
    ),
    "order_above_level": Says(
        409,
        "{merchant} is verified as an individual and takes orders of up to {most}. Buy less at once; the merchant can have "
        "this raised by verifying a business.",
        "{merchant} 目前为个人认证，单笔订单不超过 {most}，请减少数量分次购买；商家完成企业认证后可提高限额。",
    ),
    "payout_above_level": Says(
        409,
        "A merchant verified as an individual takes out up to {most} within 24 hours; {left} is left now. Take out less, come "
        "back later, or apply as a business to have this raised.",
        "个人认证商家 24 小时内最多提现 {most}，目前还可提现 {left}。请减少金额、稍后再试，或申请企业认证以提高限额。",
    ),
    "products_above_level": Says(
        409,
        "A merchant verified as an individual has up to {most} products on sale. Take some off sale, keep the others as "
        "drafts, or apply as a business to have this raised.",
        "个人认证商家最多在售 {most} 件商品。请先下架部分商品、将其余存为草稿，或申请企业认证以提高限额。",
    ),
}
