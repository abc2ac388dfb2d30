"""Local data while the configuration is read again and again (X-local)."""

import socket
import threading

import dns.message
import dns.rrset
from client import ask
from control import vouchctl
from loopback import HOST, free_port
from vouchd import RELEASE, SANITIZED, Vouchd

RELOADS = 3             # one more than a question begins anew for (EPOCH_RESTARTS_MAX)
TIMEOUT_S = 60
ALIAS, TARGET, ADDRESS = "alias.lan.", "www.slow.example.", "192.0.2.1"


def answer(server):
    """One question, when it comes; the server may be asked again before."""
    octets, client = server.recvfrom(4096)
    reply = dns.message.make_response(dns.message.from_wire(octets))
    reply.answer = [dns.rrset.from_text(reply.question[0].name, 60, "IN", "A", ADDRESS)]
    return lambda: server.sendto(reply.to_wire(), client)


def test_local_data_outlives_reloads(tmp_path):
    """A question waits where local data has led it; each reload makes that data anew, and frees what it was."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(TIMEOUT_S)
        settings = {
            "listen": [f"{HOST}@{port}"],
            "resolver": {"forward": [{"zone": "slow.example.", "to": [f"{HOST}@{server.getsockname()[1]}"]}]},
            "trust": {"model": "configured", "anchors": []},
            "local": {"data": [f"{ALIAS} CNAME {TARGET}"]},
        }
        build = SANITIZED if (SANITIZED / "vouchd").exists() else RELEASE
        with Vouchd(tmp_path, settings, build=build) as vouchd:
            replies = []
            client = threading.Thread(target=lambda: replies.append(ask(HOST, ALIAS, "A", port=port)))
            client.start()
            for _ in range(RELOADS):
                send = answer(server)
                assert vouchctl(vouchd.socket, "reload")[0] == 0
                send()
            server.settimeout(0.1)
            while client.is_alive():
                try:
                    answer(server)()
                except TimeoutError:
                    continue
            client.join()
    told = [line for rrset in replies[0].answer for line in rrset.to_text().splitlines()]
    assert [line.split()[0::4] for line in told] == [[ALIAS, TARGET], [TARGET, ADDRESS]]
