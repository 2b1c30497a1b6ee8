"""Which function answers which request."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from telethon.tl import functions

from devstack.telegram_dc.methods import channels, connecting, contacts, invitations, messages
from devstack.telegram_dc.methods.context import Answer, Context

Method = Callable[[Context, Any], Answer]

METHODS: Mapping[type[Any], Method] = MappingProxyType(
    {
        functions.help.GetConfigRequest: connecting.get_config,
        functions.users.GetUsersRequest: connecting.get_users,
        functions.updates.GetStateRequest: connecting.get_state,
        functions.updates.GetDifferenceRequest: connecting.get_difference,
        functions.account.UpdateStatusRequest: connecting.update_status,
        functions.contacts.ResolveUsernameRequest: contacts.resolve_username,
        functions.contacts.AddContactRequest: contacts.add_contact,
        functions.contacts.ImportContactsRequest: contacts.import_contacts,
        functions.contacts.DeleteContactsRequest: contacts.delete_contacts,
        functions.contacts.GetContactsRequest: contacts.get_contacts,
        functions.channels.GetChannelsRequest: channels.get_channels,
        functions.channels.GetFullChannelRequest: channels.get_full_channel,
        functions.channels.GetParticipantRequest: channels.get_participant,
        functions.channels.InviteToChannelRequest: invitations.invite_to_channel,
        functions.messages.SendMessageRequest: messages.send_message,
    }
)
