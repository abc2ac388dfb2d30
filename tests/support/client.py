"""Asks a resolver many questions at once."""

import asyncio

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message

# Longer than a resolver tries before it gives up on servers; nothing is lost on loopback.
REPLY_TIMEOUT_S = 60
AT_ONCE = 64            # fewer than a socket's receive buffer holds
EDNS_SIZE = 1232


def make_question(qname, qtype, dnssec_ok=True, checking_disabled=False):
    question = dns.message.make_query(qname, qtype, use_edns=0, want_dnssec=dnssec_ok, payload=EDNS_SIZE)
    if checking_disabled:
        question.flags |= dns.flags.CD
    return question


def ask_all(server, questions, at_once=AT_ONCE, port=53):
    """Replies to messages, in their order."""
    return asyncio.run(_ask_all(server, list(questions), at_once, port))


def ask(server, qname, qtype, port=53, **options):
    return ask_all(server, [make_question(qname, qtype, **options)], port=port)[0]


async def _ask_all(server, questions, at_once, port):
    replies = [None] * len(questions)
    left = iter(enumerate(questions))

    async def ask_some():
        for index, question in left:
            replies[index], _ = await dns.asyncquery.udp_with_fallback(question, server, REPLY_TIMEOUT_S, port,
                                                                       ignore_unexpected=True)

    await asyncio.gather(*(ask_some() for _ in range(min(at_once, len(questions)))))
    return replies


def is_authentic(reply):
    return bool(reply.flags & dns.flags.AD)


def ede_codes(reply):
    return {int(option.code) for option in reply.options if option.otype == dns.edns.OptionType.EDE}
