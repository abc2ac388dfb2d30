"""Configuration and command lines of the authoritative servers."""

import pathlib
import sys

NSD_SERVER = """\
server:
  server-count: 1
  {listen}
  port: 53
  username: ""
  chroot: ""
  zonesdir: ""
  database: ""
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  refuse-any: no
  minimal-responses: no
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""

NSD_ZONE = """\
zone:
  name: "{name}"
  zonefile: "{path}"
"""

# The semantic checks would refuse the zones that are broken on purpose.
KNOT_SERVER = """\
server:
    rundir: {directory}
    listen: [ {listen} ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {directory}
log:
  - target: stderr
    any: warning
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
"""

KNOT_ZONE = """\
  - domain: {name}
    file: {path}
"""


def prepare(server, zones, directory):
    """Writes the configuration; returns the command that runs the server in the foreground, or None.

    zones: zone name to file."""
    directory.mkdir()
    if server.software == "nsd":
        return ["nsd", "-d", "-c", str(_write_nsd(server, zones, directory))]
    if server.software == "knot":
        return ["knotd", "-c", str(_write_knot(server, zones, directory))]
    if server.software == "mute":
        return [sys.executable, str(pathlib.Path(__file__).with_name("mute.py")), *server.addresses]
    return None


def _write_nsd(server, zones, directory):
    listen = "\n  ".join(f"ip-address: {address}" for address in server.addresses)
    text = NSD_SERVER.format(listen=listen, directory=directory)
    return _write(directory / "nsd.conf", text, NSD_ZONE, zones)


def _write_knot(server, zones, directory):
    listen = ", ".join(f"{address}@53" for address in server.addresses)
    text = KNOT_SERVER.format(listen=listen, directory=directory)
    return _write(directory / "knot.conf", text, KNOT_ZONE, zones)


def _write(path, text, zone_template, zones):
    path.write_text(text + "".join(zone_template.format(name=name, path=file) for name, file in zones.items()))
    return path
