#include "transport/nts_handshake.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "transport/sockets.h"

enum {
    CHAIN_MAX = 8,  /* certificates that are looked at; more than two or three are not seen in practice */
    IDENTITIES = 2, /* gnutls_typed_vdata_st: the name, and what the certificate is for */
};

static const char alpn[] = "ntske/1";                             /* RFC 8915 section 4 */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3"; /* section 3: nothing older */
static const char unreachable[] = "it cannot be reached for keys";
static const char exporter_label[] = "EXPORTER-network-time-security"; /* section 4.2 */

struct nts_handshake {
    struct ev_loop *loop;
    void (*done)(void *context, const struct nts_agreement *agreement);
    void *context;
    struct nts_dates dates;
    ev_io io;
    ev_timer timeout;

    gnutls_certificate_credentials_t authorities; /* NULL: there are none */
    gnutls_session_t tls;                         /* NULL: nothing can come of it */
    gnutls_typed_vdata_st identity[IDENTITIES];
    enum step { GREETING, ASKING, HEARING, OVER } step;
    struct nts_ke_reply reply;
    struct nts_agreement agreement;
    size_t len, taken; /* of the reply: here, and looked at */
    uint8_t octets[NTS_KE_OCTETS_MAX];
};

/* ---- the certificate ---- */

static const char *certificate_fault(unsigned status)
{
    if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0)
        return "its certificate is another name's";
    if ((status & GNUTLS_CERT_EXPIRED) != 0)
        return "its certificate has expired";
    if ((status & GNUTLS_CERT_NOT_ACTIVATED) != 0)
        return "its certificate is not valid yet";
    if ((status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0)
        return "its certificate is from an unknown authority";
    return "its certificate is not good";
}

/* False: none, or one whose times cannot be read. */
static bool narrow_validity(struct nts_agreement *agreement, gnutls_x509_crt_t certificate)
{
    int64_t from_s = gnutls_x509_crt_get_activation_time(certificate);
    int64_t until_s = gnutls_x509_crt_get_expiration_time(certificate);
    if (from_s > agreement->valid_from_s)
        agreement->valid_from_s = from_s;
    if (until_s < agreement->valid_until_s)
        agreement->valid_until_s = until_s;
    return from_s >= 0 && until_s >= 0;
}

/* *is_last: it is signed by an authority that we know. */
static bool look_at_certificate(struct nts_handshake *handshake, gnutls_x509_trust_list_t authorities,
                                const gnutls_datum_t *data, bool *is_last)
{
    gnutls_x509_crt_t certificate, issuer;
    if (gnutls_x509_crt_init(&certificate) < 0)
        return false;
    bool is_good = gnutls_x509_crt_import(certificate, data, GNUTLS_X509_FMT_DER) == 0 &&
                   narrow_validity(&handshake->agreement, certificate);
    *is_last = is_good && gnutls_x509_trust_list_get_issuer(authorities, certificate, &issuer, 0) == 0;
    gnutls_x509_crt_deinit(certificate);
    return is_good;
}

/* The times of the certificates from the server's own to the one that a known authority signed, in the order of RFC
 * 8446 section 4.4.2; others, that servers send for old clients, do not count. */
static bool find_validity(struct nts_handshake *handshake)
{
    unsigned count = 0;
    gnutls_x509_trust_list_t authorities;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(handshake->tls, &count);
    handshake->agreement.valid_from_s = INT64_MIN;
    handshake->agreement.valid_until_s = INT64_MAX;
    if (chain == NULL || count == 0 || count > CHAIN_MAX)
        return false;
    gnutls_certificate_get_trust_list(handshake->authorities, &authorities);
    bool is_good = true, is_last = false;
    for (unsigned i = 0; i < count && is_good && !is_last; i++)
        is_good = look_at_certificate(handshake, authorities, &chain[i], &is_last);
    return is_good;
}

/* ---- the steps: zero or more when done, else an error of GnuTLS's ---- */

static const char *greeting_fault(struct nts_handshake *handshake)
{
    gnutls_datum_t chosen;
    if (gnutls_alpn_get_selected_protocol(handshake->tls, &chosen) < 0 || chosen.size != strlen(alpn) ||
        memcmp(chosen.data, alpn, chosen.size) != 0)
        return "it does not speak NTS";
    if (!find_validity(handshake))
        return "its certificate is not good";
    if (!handshake->dates.by_our_clock && handshake->agreement.valid_until_s < handshake->dates.floor_s)
        return "its certificate has expired";
    return NULL;
}

static int greet(struct nts_handshake *handshake)
{
    int code = gnutls_handshake(handshake->tls);
    if (code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
        handshake->agreement.fault = certificate_fault(gnutls_session_get_verify_cert_status(handshake->tls));
    else if (code >= 0)
        handshake->agreement.fault = greeting_fault(handshake);
    return code;
}

static int ask(struct nts_handshake *handshake)
{
    uint8_t request[NTS_KE_REQUEST_OCTETS];
    nts_ke_write(request);
    return (int)gnutls_record_send(handshake->tls, request, sizeof(request)); /* small: all of it or nothing */
}

static bool export_key(struct nts_handshake *handshake, uint8_t direction, uint8_t key[NTS_KEY_OCTETS])
{
    const char context[] = { NTS_NTPV4 >> 8, NTS_NTPV4, NTS_AES_SIV_CMAC_256 >> 8, NTS_AES_SIV_CMAC_256,
                             (char)direction }; /* RFC 8915 section 5.1 */
    return gnutls_prf_rfc5705(handshake->tls, strlen(exporter_label), exporter_label, sizeof(context), context,
                              NTS_KEY_OCTETS, (char *)key) == 0;
}

static void agree(struct nts_handshake *handshake)
{
    struct nts_agreement *agreement = &handshake->agreement;
    if (!export_key(handshake, 0, agreement->session.to_server_key) ||
        !export_key(handshake, 1, agreement->session.to_client_key))
        agreement->fault = "no keys come of its TLS";
    agreement->session.cookies = handshake->reply.cookies;
    strcpy(agreement->server, handshake->reply.server);
    agreement->port = handshake->reply.port;
}

/* Until the last record; a fault ends it. */
static int hear(struct nts_handshake *handshake)
{
    struct nts_ke_reply *reply = &handshake->reply;
    while (!reply->is_over && reply->fault == NULL) {
        size_t room = sizeof(handshake->octets) - handshake->len;
        if (room == 0) {
            reply->fault = "it talks too much";
            break;
        }
        ssize_t got = gnutls_record_recv(handshake->tls, handshake->octets + handshake->len, room);
        if (got < 0)
            return (int)got;
        if (got == 0) {
            reply->fault = "it hangs up in the middle";
            break;
        }
        handshake->len += (size_t)got;
        struct reader reader = reader_of(handshake->octets, handshake->len);
        reader_octets(&reader, handshake->taken);
        nts_ke_take(reply, &reader);
        handshake->taken = (size_t)(reader.at - reader.start);
    }
    handshake->agreement.fault = reply->fault;
    if (reply->fault == NULL)
        agree(handshake);
    return 0;
}

/* ---- the walk through them ---- */

static void stop_watching(struct nts_handshake *handshake)
{
    ev_timer_stop(handshake->loop, &handshake->timeout);
    ev_io_stop(handshake->loop, &handshake->io);
}

/* The last that is done here: done() may free the handshake. */
static void end(struct nts_handshake *handshake)
{
    stop_watching(handshake);
    handshake->step = OVER;
    handshake->done(handshake->context, &handshake->agreement);
}

static void watch(struct nts_handshake *handshake, int events)
{
    ev_io_stop(handshake->loop, &handshake->io);
    ev_io_set(&handshake->io, handshake->io.fd, events);
    ev_io_start(handshake->loop, &handshake->io);
}

static const char *tls_fault(int code)
{
    return code == GNUTLS_E_PUSH_ERROR || code == GNUTLS_E_PULL_ERROR ? unreachable : gnutls_strerror(code);
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    static int (*const steps[])(struct nts_handshake *) = { [GREETING] = greet, [ASKING] = ask, [HEARING] = hear };
    struct nts_handshake *handshake = watcher->data;
    while (handshake->step < OVER) {
        int code = steps[handshake->step](handshake);
        if (code < 0 && gnutls_error_is_fatal(code) == 0) {
            watch(handshake, gnutls_record_get_direction(handshake->tls) == 0 ? EV_READ : EV_WRITE);
            return;
        }
        if (code < 0 && handshake->agreement.fault == NULL)
            handshake->agreement.fault = tls_fault(code);
        handshake->step = handshake->agreement.fault != NULL ? OVER : handshake->step + 1;
    }
    end(handshake);
}

/* Without any authority, session or socket nothing has begun, and the fault is known already. */
static void on_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct nts_handshake *handshake = watcher->data;
    if (handshake->agreement.fault == NULL)
        handshake->agreement.fault = "it gave no keys in time";
    end(handshake);
}

/* Each time anew: authorities come and go while we run. */
static bool load_authorities(struct nts_handshake *handshake, const char *path)
{
    if (gnutls_certificate_allocate_credentials(&handshake->authorities) < 0) {
        handshake->authorities = NULL;
        return false;
    }
    return (path == NULL
                ? gnutls_certificate_set_x509_system_trust(handshake->authorities)
                : gnutls_certificate_set_x509_trust_file(handshake->authorities, path, GNUTLS_X509_FMT_PEM)) > 0;
}

static bool prepare_tls(struct nts_handshake *handshake, const char *name)
{
    const gnutls_datum_t protocol = { (unsigned char *)alpn, sizeof(alpn) - 1 };
    if (gnutls_init(&handshake->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS) < 0) {
        handshake->tls = NULL;
        return false;
    }
    handshake->identity[0] = (gnutls_typed_vdata_st) { GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)name, 0 };
    handshake->identity[1] =
        (gnutls_typed_vdata_st) { GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER, 0 };
    gnutls_session_set_verify_cert2(handshake->tls, handshake->identity, IDENTITIES,
                                    handshake->dates.by_our_clock ? 0 : GNUTLS_VERIFY_DISABLE_TIME_CHECKS);
    gnutls_transport_set_int(handshake->tls, handshake->io.fd);
    return gnutls_priority_set_direct(handshake->tls, priorities, NULL) == 0 &&
           gnutls_credentials_set(handshake->tls, GNUTLS_CRD_CERTIFICATE, handshake->authorities) == 0 &&
           gnutls_server_name_set(handshake->tls, GNUTLS_NAME_DNS, name, strlen(name)) == 0 &&
           gnutls_alpn_set_protocols(handshake->tls, &protocol, 1, GNUTLS_ALPN_MANDATORY) == 0;
}

static const char *begin(struct nts_handshake *handshake, const struct nts_server *server)
{
    if (handshake->io.fd < 0)
        return unreachable;
    if (!load_authorities(handshake, server->authorities))
        return "the certificates of the authorities cannot be read";
    return prepare_tls(handshake, server->name) ? NULL : "TLS cannot be prepared";
}

/* What fails at once is told by the timer: done() is never called from here. */
struct nts_handshake *nts_handshake_new(struct ev_loop *loop, const struct nts_server *server,
                                        const struct nts_dates *dates,
                                        void (*done)(void *context, const struct nts_agreement *agreement),
                                        void *context)
{
    struct nts_handshake *handshake = memory_new(1, sizeof(*handshake));
    handshake->loop = loop;
    handshake->done = done;
    handshake->context = context;
    handshake->dates = *dates;
    ev_io_init(&handshake->io, on_ready, socket_connect_tcp(&server->address), EV_WRITE);
    handshake->io.data = handshake;
    const char *fault = handshake->agreement.fault = begin(handshake, server);
    if (fault == NULL)
        ev_io_start(loop, &handshake->io);
    ev_timer_init(&handshake->timeout, on_timeout, fault == NULL ? NTS_KE_TIMEOUT_MS / 1000.0 : 0, 0);
    handshake->timeout.data = handshake;
    ev_timer_start(loop, &handshake->timeout);
    return handshake;
}

void nts_handshake_free(struct nts_handshake *handshake)
{
    if (handshake == NULL)
        return;
    stop_watching(handshake);
    if (handshake->tls != NULL)
        gnutls_deinit(handshake->tls);
    if (handshake->authorities != NULL)
        gnutls_certificate_free_credentials(handshake->authorities);
    if (handshake->io.fd >= 0)
        close(handshake->io.fd);
    explicit_bzero(handshake, sizeof(*handshake));
    free(handshake);
}
