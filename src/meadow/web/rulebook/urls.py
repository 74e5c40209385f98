"""Addresses of the pages of the rules."""

from django.urls import URLPattern, path

from meadow.web.rulebook import book, desk, detectors, merchants, mine, queue, stops

urlpatterns: list[URLPattern] = [
    path("rules", book.rulebook, name="rulebook"),
    path("rules/transparency", book.transparency, name="transparency"),
    path("rules/drafts/<str:public_id>", book.draft, name="rule_draft"),
    path("rules/r/<str:rule_id>", book.rule, name="rule"),
    path("rules/r/<str:rule_id>/<int:version>", book.rule, name="rule_version"),
    path("me/rules", merchants.answers, name="rule_answers"),
    path("me/limits", mine.limits, name="my_limits"),
    path("me/limits/<str:decision>/appeal", mine.appeal, name="appeal_decision"),
    path("me/appeals/<str:public_id>", mine.one_appeal, name="my_appeal"),
    path("console", desk.desk, name="desk"),
    path("console/blocked", desk.blocked, name="blocked"),
    path("console/rulebook/write", desk.write_rule, name="write_rule"),
    path("console/rulebook/<str:public_id>/move", desk.move_draft, name="move_draft"),
    path("console/queue", queue.queue, name="queue"),
    path("console/queue/take", queue.take, name="take_case"),
    path("console/queue/view", queue.keep_view, name="keep_view"),
    path("console/cases/<str:public_id>", queue.case, name="case"),
    path("console/cases/<str:public_id>/act", queue.act, name="act_on_case"),
    path("console/cases/<str:public_id>/clock", queue.pause, name="pause_appeal"),
    path("console/acts/<int:act_id>/undo", queue.undo, name="undo_act"),
    path("console/reports/<str:report_id>/open", queue.open_private, name="open_private"),
    path("console/suspensions", stops.suspensions, name="suspensions"),
    path("console/suspensions/<str:public_id>", stops.suspension, name="suspension"),
    path("console/detectors", detectors.detectors, name="detectors"),
    path("console/detectors/write", detectors.editor, name="write_detector"),
    path("console/detectors/<str:detector_id>", detectors.detector, name="detector"),
    path("console/detectors/<str:detector_id>/<int:version>/move", detectors.move, name="move_detector"),
]
