"""An authority like ICANN's, a signer, and a web server that has what they sign: root-anchors.xml (RFC 9718)."""

import base64
import contextlib
import datetime
import http.server
import socket
import ssl
import subprocess
import threading
import time

import dns.dnssec
import dns.name
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rolling_root import KSK
from vouchd import faketime

from lab import network

HOST, ADDRESS = "data.", "127.0.0.80"
RECORD = f"{HOST} 300 IN A {ADDRESS}\n"
EMAIL = "dnssec@iana.org"
BEGIN, END = datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)
XML, SIGNATURE, BUNDLE = "root-anchors.xml", "root-anchors.p7s", "icannbundle.pem"


def text_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def name_of(text, email=None):
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, text)]
    if email:
        parts.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, email))
    return x509.Name(parts)


class Certificate:
    """issuer None: signed by itself.  bits: of an RSA key; without, it is one of P-256, which is quick to make."""

    def __init__(self, name, issuer=None, email=None, is_authority=True, begin=BEGIN, end=END, host=None, use=None,
                 bits=None):
        self.key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
        self.name = name_of(name, email)
        by = issuer or self
        builder = (x509.CertificateBuilder().subject_name(self.name).issuer_name(by.name)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(begin).not_valid_after(end)
                   .add_extension(x509.BasicConstraints(is_authority, None), True))
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        if use:
            builder = builder.add_extension(x509.ExtendedKeyUsage([use]), False)
        self.certificate = builder.sign(by.key, hashes.SHA256())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def fingerprint(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def entry(key, begin, end=None, with_key=True, **changes):
    """One KeyDigest.  changes: element name to a text that is not true."""
    dnskey = key.dnskey(KSK)
    ds = dns.dnssec.make_ds(dns.name.root, dnskey, "SHA256")
    values = {"KeyTag": ds.key_tag, "Algorithm": int(ds.algorithm), "DigestType": int(ds.digest_type),
              "Digest": ds.digest.hex().upper()}
    if with_key:
        values |= {"PublicKey": base64.b64encode(dnskey.key).decode(), "Flags": KSK}
    values |= changes
    until = f' validUntil="{text_of(end)}"' if end else ""
    elements = "".join(f"<{name}>{value}</{name}>\n" for name, value in values.items())
    return f'<KeyDigest id="K{ds.key_tag}" validFrom="{text_of(begin)}"{until}>\n{elements}</KeyDigest>\n'


def document(*entries, zone="."):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<TrustAnchor id="1" source="http://{HOST}/">\n'
            f"<Zone>{zone}</Zone>\n{''.join(entries)}</TrustAnchor>\n")


class Authority:
    """Root, intermediate and signer; sign() as if it were another time.  parent: one that has the first two."""

    def __init__(self, directory, parent=None, email=EMAIL, **of_signer):
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.root = parent.root if parent else Certificate("Root CA")
        self.intermediate = parent.intermediate if parent else Certificate("DNSSEC CA", self.root)
        self.signer = Certificate("signer", self.intermediate, email, False,
                                  use=ExtendedKeyUsageOID.EMAIL_PROTECTION, **of_signer)
        for name, content in (("signer.pem", self.signer.pem()), ("signer.key", self.signer.key_pem()),
                              ("chain.pem", self.intermediate.pem())):
            (directory / name).write_bytes(content)

    def sign(self, xml, now, *options):
        (self.directory / XML).write_text(xml)
        instant = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        command = ["openssl", "cms", "-sign", "-binary", "-in", XML, "-signer", "signer.pem", "-inkey", "signer.key",
                   "-certfile", "chain.pem", "-outform", "DER", "-md", "sha256", *options]
        return subprocess.run(command, cwd=self.directory, stdout=subprocess.PIPE, check=True,
                              env={"PATH": "/usr/bin:/bin"} | faketime(instant)).stdout

    def files(self, xml, now):
        return {XML: xml.encode(), SIGNATURE: self.sign(xml, now), BUNDLE: self.root.pem()}


def write(directory, files):
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        site.asked.append(self.path)
        with contextlib.suppress(OSError, ssl.SSLError):
            site.answer(self)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass        # a client that goes away is what some tests are about


class Site:
    """Answers on ports 80 and 443 of ADDRESS in the namespace; files: path to content, or a function of the handler."""

    def __init__(self, netns, directory, files):
        self.files = files
        self.asked = []
        self.authority = Certificate("web CA")
        server = Certificate("data", self.authority, is_authority=False, host=HOST.rstrip("."))
        self.tls_authorities = directory / "tls-ca.pem"
        self.tls_authorities.write_bytes(self.authority.pem())
        (directory / "tls.pem").write_bytes(server.pem() + server.key_pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "tls.pem")
        self._servers = [self._listen(netns, 80, None), self._listen(netns, 443, context)]

    def _listen(self, netns, port, context):
        with network.inside(netns):
            server = _Server((ADDRESS, port), _Handler)
        server.site = self
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def answer(self, handler):
        content = self.files.get(handler.path)
        if callable(content):
            content(handler)
        elif content is None:
            handler.send_error(404)
        else:
            send(handler, content)

    def stop(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()


def send(handler, content, length=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(length or len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def truncated(content):
    def answer(handler):
        send(handler, content, len(content) + 1000)
        handler.connection.shutdown(socket.SHUT_RDWR)
    return answer


def endless(handler):
    """As much as it takes, without saying how much that will be."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


def slow(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        time.sleep(0.2)


def redirect(to):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    return answer


def under(path, files):
    return {f"{path}{name}": content for name, content in files.items()}
