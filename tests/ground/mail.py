"""A real mail server on loopback that keeps what it is sent, and can be told to refuse or to fail."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session

ACCEPTED = "250 OK"


class MailServer(Controller):
    """An SMTP server on a free port.

    `messages` holds what it has taken, parsed, oldest first; `recipients` the envelope's recipients of each.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self._answer_to_recipient = ACCEPTED
        self._answer_to_message = ACCEPTED
        super().__init__(self, hostname="127.0.0.1", port=0)

    @property
    def url(self) -> str:
        """Its address as the service's setting wants it."""
        return f"smtp://127.0.0.1:{self.port}"

    def refuse(self, answer: str = "550 No such mailbox") -> None:
        """From now on refuse every recipient for good."""
        self._answer_to_recipient = answer

    def fail(self, answer: str = "451 Try again later") -> None:
        """From now on fail every message for a time."""
        self._answer_to_message = answer

    def recover(self) -> None:
        """Take mail again."""
        self._answer_to_recipient = self._answer_to_message = ACCEPTED

    def go_down(self) -> None:
        """Stop listening; who connects is refused."""
        self.stop()

    def come_back(self) -> None:
        """Listen again on the same port."""
        self.loop = asyncio.new_event_loop()
        self.start()

    def stop(self, no_assert: bool = True) -> None:
        """Stop listening, if it still does."""
        if self._thread is not None:
            super().stop(no_assert)

    async def handle_RCPT(  # noqa: N802  # the name the server calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        del server, session, options
        if self._answer_to_recipient == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return self._answer_to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Answer to a message, and keep it when it is taken."""
        del server, session
        if self._answer_to_message == ACCEPTED:
            self.messages.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
            self.recipients.append(list(envelope.rcpt_tos))
        return self._answer_to_message

    def _trigger_server(self) -> None:
        # The port was chosen by the system when the server began to listen.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
