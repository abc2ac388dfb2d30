"""The resolvers that are measured: configurations and command lines.

All validate with the same root anchor, start from the same root hints, have one worker and a cache of the same size.
What else their makers chose as default stays.
"""

import dataclasses
import functools
import pathlib
import re
import shutil
import subprocess

# The memory that one entry takes in a cache that is bounded by entries, near enough.
OCTETS_PER_ENTRY = 256


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where a resolver runs: its files, and what it is told."""
    directory: pathlib.Path     # of its own; what it caches in files goes to directory/cache
    address: str
    hints: pathlib.Path
    anchor: pathlib.Path
    anchor_ds: str
    cache_octets: int

    @property
    def cache(self):
        return self.directory / "cache"

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str
    program: str
    version_arguments: tuple
    prepare: object             # (path of the program, Setting) -> list of commands, one for each process to be started

    def find(self):
        path = shutil.which(self.program)
        return pathlib.Path(path) if path else None

    def version(self, path):
        command = [path, *self.version_arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
        return found[0] if found else "?"


UNBOUND = """\
server:
  directory: "{s.directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: {s.address}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  root-hints: "{s.hints}"
  trust-anchor-file: "{s.anchor}"
  msg-cache-size: {third}
  rrset-cache-size: {two_thirds}
remote-control:
  control-enable: no
"""


def prepare_unbound(program, setting):
    third = setting.cache_octets // 3
    path = setting.write("unbound.conf", UNBOUND.format(s=setting, third=third, two_thirds=2 * third))
    return [[program, "-d", "-c", path]]


KNOT = """\
net.listen('{s.address}', 53, {{ kind = 'dns' }})
modules = {{ 'hints > iterate' }}
hints.root_file('{s.hints}')
trust_anchors.add_file('{s.anchor}', true)
cache.open({s.cache_octets}, 'lmdb://{s.cache}')
"""


def prepare_knot(program, setting):
    """Debian runs a process beside it that collects garbage in the cache."""
    path = setting.write("kresd.conf", KNOT.format(s=setting))
    commands = [[program, "-n", "-c", path, setting.directory]]
    collector = shutil.which("kres-cache-gc")
    return commands + ([[collector, "-c", setting.cache, "-d", "1000"]] if collector else [])


POWERDNS = """\
config-dir={s.directory}
socket-dir={s.directory}
lua-config-file={anchors}
local-address={s.address}
allow-from=127.0.0.0/8
threads=1
pdns-distributes-queries=no
hint-file={s.hints}
dnssec=validate
max-cache-entries={entries}
max-packetcache-entries={entries}
security-poll-suffix=
daemon=no
write-pid=no
loglevel=3
"""


def prepare_powerdns(program, setting):
    anchors = setting.write("anchors.lua", f"clearTA()\naddTA('.', \"{setting.anchor_ds}\")\n")
    entries = setting.cache_octets // OCTETS_PER_ENTRY
    setting.write("recursor.conf", POWERDNS.format(s=setting, anchors=anchors, entries=entries))
    return [[program, f"--config-dir={setting.directory}"]]


BIND = """\
options {{
    directory "{s.directory}";
    listen-on {{ {s.address}; }};
    listen-on-v6 {{ none; }};
    allow-query {{ 127.0.0.0/8; }};
    pid-file none;
    session-keyfile none;
    dnssec-validation yes;
    max-cache-size {s.cache_octets};
}};
controls {{ }};
logging {{ category default {{ null; }}; category unmatched {{ null; }}; }};
trust-anchors {{ . static-ds {tag} {algorithm} {digest_type} "{digest}"; }};
zone "." {{ type hint; file "{s.hints}"; }};
"""


def prepare_bind(program, setting):
    fields = dict(zip(("tag", "algorithm", "digest_type", "digest"), setting.anchor_ds.split()))
    path = setting.write("named.conf", BIND.format(s=setting, **fields))
    return [[program, "-f", "-n", "1", "-U", "1", "-c", path]]


VOUCHD = """\
listen: [{s.address}@53]
workers: {workers}
state-directory: {s.directory}/state
control-socket: {s.directory}/control.sock
log-level: warning
cache: {{ size: {mib}MiB, file: {s.cache}/vouchd }}
resolver: {{ root-hints: {s.hints} }}
trust: {{ anchors: [". IN DS {s.anchor_ds}"], automatic-update: false }}
self-test: {{ interval: never }}
"""


def prepare_vouchd(program, setting, workers=1):
    text = VOUCHD.format(s=setting, mib=setting.cache_octets >> 20, workers=workers)
    return [[program, "-c", setting.write("vouch.yaml", text)]]


VOUCHD_NAME, YARDSTICK = "vouchd", "Unbound"
VOUCHD_TWO_WORKERS = "vouchd, two workers"
VOUCHD_MANY_NAMES = "vouchd, many names"

PEERS = (
    Peer(YARDSTICK, "unbound", ("-V",), prepare_unbound),
    Peer("PowerDNS", "pdns_recursor", ("--version",), prepare_powerdns),
    Peer("Knot", "kresd", ("--version",), prepare_knot),
    Peer("BIND", "named", ("-v",), prepare_bind),
)


def vouchd(path):
    """path: of the program to measure."""
    return Peer(VOUCHD_NAME, str(path), ("--version",), prepare_vouchd)


def with_two_workers(peer):
    """The same vouchd."""
    return dataclasses.replace(peer, name=VOUCHD_TWO_WORKERS, prepare=functools.partial(prepare_vouchd, workers=2))


def with_many_names(peer):
    """The same vouchd, beside one that has few names in its cache."""
    return dataclasses.replace(peer, name=VOUCHD_MANY_NAMES)
