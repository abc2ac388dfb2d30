"""The command lab/lab."""

import argparse
import functools
import json
import os
import pathlib
import sys
import time

import dns.rcode
import dns.rdatatype

from lab import check, description, instance, network

NETNS = "vouch-lab"
EX_USAGE, EX_UNAVAILABLE = 64, 69       # sysexits.h


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (instance.LabError, description.DescriptionError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return EX_UNAVAILABLE


def _parser():
    parser = argparse.ArgumentParser(prog="lab", description="A signed hierarchy of real name servers in a namespace.")
    parser.add_argument("--netns", default=NETNS, help="name of the network namespace (default: %(default)s)")
    parser.add_argument("--description", type=pathlib.Path, default=instance.DESCRIPTION, metavar="FILE")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands)
    _add_down(commands)
    _add_exec(commands)
    _add_table(commands)
    _add_check(commands)
    return parser


def _add_up(commands):
    up = commands.add_parser("up", help="build the zones and start the servers")
    up.add_argument("--dir", type=pathlib.Path, help="where all files go; must not exist (default: /tmp/NETNS)")
    up.add_argument("--only", action="append", default=[], metavar="ZONE",
                    help="this zone, all below it and all above it; may be repeated")
    up.add_argument("--time", type=int, help="the time that signatures are made for, in seconds since 1970")
    up.set_defaults(run=_up)


def _add_down(commands):
    down = commands.add_parser("down", help="end the servers, delete namespace and files")
    down.add_argument("--dir", type=pathlib.Path)
    down.set_defaults(run=_down)


def _add_exec(commands):
    run = commands.add_parser("exec", help="run a command in the namespace")
    run.add_argument("command", nargs=argparse.REMAINDER)
    run.set_defaults(run=_exec)


def _add_table(commands):
    table = commands.add_parser("table", help="print what is expected")
    table.add_argument("--only", action="append", default=[], metavar="ZONE")
    table.add_argument("--json", action="store_true", help="one object a line")
    table.set_defaults(run=_table)


def _add_check(commands):
    walk = commands.add_parser("check", help="walk the table against a resolver in the namespace")
    walk.add_argument("--server", action="append", required=True, type=check.Server.from_text,
                      metavar="ADDRESS[@PORT]", help="may be repeated, for IPv4 and IPv6 say")
    walk.add_argument("--only", action="append", default=[], metavar="ZONE")
    walk.add_argument("--manner", action="append", choices=[manner.name for manner in check.MANNERS],
                      help="how to ask (default: every way)")
    walk.add_argument("--known", metavar="RESOLVER", help="overlook the differences that are described for this resolver")
    walk.set_defaults(run=_check)


def _up(options):
    lab = instance.Lab(_directory(options), options.netns, options.only, options.time, options.description)
    started = time.monotonic()
    lab.up()
    print(f"namespace {lab.netns}")
    print(f"directory {lab.directory}")
    print(f"root-hints {lab.hints}")
    print(f"trust-anchor {lab.anchor}")
    print(f"{len(lab.description.zones)} zones on {len(lab.description.servers)} servers, "
          f"up in {time.monotonic() - started:.1f} s")
    return 0


def _down(options):
    directory = _directory(options)
    if not (directory / instance.STATE_FILE).exists():
        raise instance.LabError(f"no lab in {directory}")
    instance.bring_down(directory)
    return 0


def _exec(options):
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        print("lab: exec needs a command", file=sys.stderr)
        return EX_USAGE
    _require_namespace(options.netns)
    arguments = network.command_inside(options.netns, command)
    os.execvp(arguments[0], arguments)


def _table(options):
    print_row = _print_json if options.json else _print_text
    for case in _described(options).cases:
        print_row(case)
    return 0


def _check(options):
    _require_namespace(options.netns)
    described = _described(options)
    manners = [manner for manner in check.MANNERS if not options.manner or manner.name in options.manner]
    cases = described.cases_for(options.known)
    asked, wrong = 0, 0
    for outcome in check.walk(cases, options.server, manners, functools.partial(network.enter, options.netns)):
        asked += 1
        if outcome.complaints:
            wrong += 1
            print(outcome, flush=True)
    print(f"{len(cases)} rows, {asked} questions, {wrong} answered otherwise than expected")
    return 1 if wrong else 0


def _described(options):
    described = description.load(options.description)
    return described.only(options.only) if options.only else described


def _directory(options):
    return options.dir or pathlib.Path("/tmp") / options.netns


def _require_namespace(name):
    if not network.exists(name):
        raise instance.LabError(f"no network namespace {name}: run 'lab up' first")


def _print_text(case):
    ede = "any" if case.ede is None else ",".join(map(str, sorted(case.ede))) or "-"
    print(f"{case.title:50} {dns.rcode.to_text(case.rcode):9} {case.security:13} {ede:6} {case.shows}")


def _print_json(case):
    print(json.dumps({
        "qname": str(case.qname), "qtype": dns.rdatatype.to_text(case.qtype),
        "rcode": dns.rcode.to_text(case.rcode), "rcode_without_do": dns.rcode.to_text(case.rcode_without_do),
        "security": case.security, "ad": case.security == "secure",
        "ede": None if case.ede is None else sorted(case.ede), "ttl_max": case.ttl_max, "shows": case.shows}))
