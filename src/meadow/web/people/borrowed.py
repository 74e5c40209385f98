"""Which sentences of django-allauth's pages we word ourselves in Chinese, so that a thing has one name everywhere."""

from django.utils.translation import gettext_noop as _

WORDED_HERE = (
    _("Add Email"),
    _("Add Email Address"),
    _("Change Email"),
    _("Create Passkey"),
    _("Current email"),
    _("Do you really want to remove the selected email address?"),
    _("Email"),
    _("Email Address"),
    _("Email address"),
    _("Email Addresses"),
    _("Email Confirmation"),
    _("Passkey"),
    _("Passkey Sign Up"),
    _("Primary"),
    _("Primary email address set."),
    _("Re-send Verification"),
    _("Removed email address %(email)s."),
    _("Sign in with a passkey"),
    _("Sign up using a passkey"),
    _("The following email addresses are associated with your account:"),
    _("This key does not indicate whether it is a passkey."),
    _("Verify Your Email Address"),
    _("You are about to create a passkey for your account. As you can add additional keys later on, you can use a "
      "descriptive name to tell the keys apart."),
    _("You cannot remove your primary email address (%(email)s)."),
    _("You have confirmed %(email)s."),
    _("Your email has been confirmed."),
)  # fmt: skip
