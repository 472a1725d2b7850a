"""Mail over real SMTP: what a mail says, who is refused, and that no password goes to a server that is another."""

import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.mail_server import REFUSED, mail_server
from tickettape.mail import RefusedError, domain_of, plain_mail, smtp_server

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def mail(to: str = "ann@example.com", unsubscribe: str | None = None) -> EmailMessage:
    return plain_mail(
        sender="Tickets <tickets@example.com>",
        to=to,
        subject="A seat",
        text="Zwölf Plätze\n",
        written_at=NOW,
        message_id="seat-7",
        unsubscribe=unsubscribe,
    )


def test_what_a_mail_says() -> None:
    said = mail()
    assert (said["From"], said["To"], said["Subject"]) == ("Tickets <tickets@example.com>", "ann@example.com", "A seat")
    assert said["Message-ID"] == "<seat-7@example.com>"
    assert said["Date"] == "Fri, 20 Nov 2026 12:00:00 +0000"
    assert said.get_content() == "Zwölf Plätze\n"
    assert said["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("unsubscribe", "one_click"),
    [("https://x.example/stop?t=1", "List-Unsubscribe=One-Click"), ("mailto:tickets@example.com?subject=stop", None)],
)
def test_only_a_page_ends_mail_with_one_click(unsubscribe: str, one_click: str | None) -> None:
    said = mail(unsubscribe=unsubscribe)
    assert said["List-Unsubscribe"] == f"<{unsubscribe}>"
    assert said["List-Unsubscribe-Post"] == one_click


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("a@b.example", "b.example"), ("Ann <a@b.example>", "b.example"), ("nobody", ""), ("a@", ""), ("", "")],
)
def test_the_domain_of_a_sender(sender: str, domain: str) -> None:
    assert domain_of(sender) == domain


def test_who_is_refused_does_not_keep_the_next_mail() -> None:
    with mail_server() as inbox, smtp_server(inbox.url) as send:
        with pytest.raises(RefusedError) as refused:
            send(mail(REFUSED))
        assert refused.value.code == 550
        assert REFUSED not in str(refused.value)
        send(mail())
        assert [taken["To"] for taken in inbox.mails] == ["ann@example.com"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_only_to_a_server_with_a_certificate_that_is_trusted(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certified(tmp_path / "certificate.pem")
    with mail_server(certificate, starttls=scheme == "smtp") as inbox:
        url = inbox.url.replace("smtp://", f"{scheme}://ann:secret@")
        with pytest.raises(ssl.SSLCertVerificationError), smtp_server(url):
            pass
        assert inbox.logins == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        with smtp_server(url) as send:
            send(mail())
        assert (inbox.logins, len(inbox.mails)) == (1, 1)


def _certified(path: Path) -> ssl.SSLContext:
    """What a server on 127.0.0.1 shows: a certificate that nobody trusts who was not told to, stored under `path`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = path.with_suffix(".key")
    secret.write_bytes(key.private_bytes(*kept))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, secret)
    return context
