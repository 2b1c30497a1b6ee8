"""What a client asks while it connects."""

from datetime import timedelta
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.sessions import DC_ID

_APPEAL_TIME = timedelta(days=365)


def get_config(call: Context, _request: Any) -> Answer:
    """help.getConfig. It names no other data centre, so that a client never leaves this one."""
    return types.Config(
        date=call.now,
        expires=call.now + timedelta(hours=1),
        test_mode=False,
        this_dc=DC_ID,
        dc_options=[],
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        online_update_period_ms=210_000,
        offline_blur_timeout_ms=5_000,
        offline_idle_timeout_ms=30_000,
        online_cloud_timeout_ms=300_000,
        notify_cloud_delay_ms=30_000,
        notify_default_delay_ms=1_500,
        push_chat_period_ms=60_000,
        push_chat_limit=2,
        edit_time_limit=172_800,
        revoke_time_limit=2_147_483_647,
        revoke_pm_time_limit=2_147_483_647,
        rating_e_decay=2_419_200,
        stickers_recent_limit=200,
        channels_read_media_period=604_800,
        call_receive_timeout_ms=20_000,
        call_ring_timeout_ms=90_000,
        call_connect_timeout_ms=30_000,
        call_packet_timeout_ms=10_000,
        me_url_prefix="https://t.me/",
        caption_length_max=1_024,
        message_length_max=4_096,
        webfile_dc_id=DC_ID,
    )


def get_app_config(call: Context, _request: Any) -> Answer:
    """help.getAppConfig, for what it says about a frozen account."""
    until = call.account.frozen_until
    values = []
    if until is not None and until > call.now:
        ends = min(until, call.now + _APPEAL_TIME)
        values = [
            types.JsonObjectValue("freeze_since_date", types.JsonNumber(int(call.now.timestamp()))),
            types.JsonObjectValue("freeze_until_date", types.JsonNumber(int(ends.timestamp()))),
            types.JsonObjectValue("freeze_appeal_url", types.JsonString("https://t.me/SpamBot")),
        ]
    return types.help.AppConfig(hash=0, config=types.JsonObject(values))


def get_state(call: Context, _request: Any) -> Answer:
    """updates.getState."""
    return types.updates.State(pts=call.account.pts, qts=0, date=call.now, seq=1, unread_count=0)


def get_difference(call: Context, _request: Any) -> Answer:
    """updates.getDifference: nobody writes to our accounts, so there is none."""
    return types.updates.DifferenceEmpty(date=call.now, seq=1)


def update_status(_call: Context, _request: Any) -> Answer:
    """account.updateStatus."""
    return True
