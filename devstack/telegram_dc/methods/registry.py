"""Which function answers which request."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from telethon.tl import functions

from devstack.telegram_dc.methods import (
    channels,
    connecting,
    contacts,
    forwards,
    groups,
    invitations,
    joining,
    links,
    messages,
    users,
)
from devstack.telegram_dc.methods.context import Answer, Context

Method = Callable[[Context, Any], Answer]

METHODS: Mapping[type[Any], Method] = MappingProxyType(
    {
        functions.help.GetConfigRequest: connecting.get_config,
        functions.help.GetAppConfigRequest: connecting.get_app_config,
        functions.users.GetUsersRequest: users.get_users,
        functions.users.GetRequirementsToContactRequest: users.get_requirements_to_contact,
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
        functions.channels.GetMessagesRequest: channels.get_messages,
        functions.channels.GetParticipantRequest: channels.get_participant,
        functions.channels.GetParticipantsRequest: channels.get_participants,
        functions.channels.InviteToChannelRequest: invitations.invite_to_channel,
        functions.channels.JoinChannelRequest: joining.join_channel,
        functions.channels.LeaveChannelRequest: joining.leave_channel,
        functions.messages.AddChatUserRequest: invitations.add_chat_user,
        functions.messages.CheckChatInviteRequest: joining.check_chat_invite,
        functions.messages.EditExportedChatInviteRequest: links.edit_exported_chat_invite,
        functions.messages.ExportChatInviteRequest: links.export_chat_invite,
        functions.messages.ForwardMessagesRequest: forwards.forward_messages,
        functions.messages.GetChatInviteImportersRequest: links.get_chat_invite_importers,
        functions.messages.GetChatsRequest: groups.get_chats,
        functions.messages.GetFullChatRequest: groups.get_full_chat,
        functions.messages.HideChatJoinRequestRequest: links.hide_chat_join_request,
        functions.messages.ImportChatInviteRequest: joining.import_chat_invite,
        functions.messages.SendMessageRequest: messages.send_message,
    }
)
