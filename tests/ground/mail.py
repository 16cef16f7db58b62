"""A real mail server on loopback that keeps what it is sent, and can be told to refuse, fail, hang or die."""

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
        self._answers: dict[str, str] = {}
        self._dies_after: int | None = None
        self._hangs = False
        self._keeps_unanswered = False
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

    def answer(self, address: str, answer: str) -> None:
        """From now on give one recipient an answer of its own."""
        self._answers[address] = answer

    def hang(self, *, keeping: bool = False) -> None:
        """From now on say nothing when a message has come; with `keeping` it is taken all the same."""
        self._hangs, self._keeps_unanswered = True, keeping

    def die_after(self, number: int, *, keeping: bool = False) -> None:
        """Take so many more messages, then hang up and stop listening in the middle of the next one.

        With `keeping` that one is taken, though its sender is never told.
        """
        self._dies_after, self._keeps_unanswered = number, keeping

    def recover(self) -> None:
        """Take mail again."""
        self._answer_to_recipient = self._answer_to_message = ACCEPTED
        self._dies_after, self._hangs = None, False
        self._answers.clear()

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
        answer = self._answers.get(address, self._answer_to_recipient)
        if answer == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Answer to a message, and keep it when it is taken."""
        del session
        dies = self._dies_after == 0
        if self._dies_after:
            self._dies_after -= 1
        if (dies or self._hangs) and not self._keeps_unanswered:
            return await self._leave(server, hangs=self._hangs)
        if self._answer_to_message == ACCEPTED:
            self.messages.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
            self.recipients.append(list(envelope.rcpt_tos))
        return (
            await self._leave(server, hangs=self._hangs) if dies or self._hangs else self._answer_to_message
        )

    async def _leave(self, server: SMTP, *, hangs: bool) -> str:
        """Say nothing until the sender has gone, or hang up and listen no more."""
        if hangs:
            while not server.transport.is_closing():  # noqa: ASYNC110  # the library tells nobody
                await asyncio.sleep(0.01)
        else:
            self.server.close()
            server.transport.abort()
        return ACCEPTED

    def _trigger_server(self) -> None:
        # The port was chosen by the system when the server began to listen.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
