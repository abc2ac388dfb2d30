/* The state of the root's anchors made out of what came from outside: the DNSKEY set as its servers give it, and
 * root-anchors.xml with its signature.  Nothing of it is believed before it has been verified here. */
#ifndef STEWARD_INQUIRY_H
#define STEWARD_INQUIRY_H

#include "crypto/cms.h"
#include "resolver/resolver.h"
#include "trust/bootstrap.h"
#include "trust/anchor_diagnosis.h"

enum { SOURCE_OCTETS_MAX = 512, INQUIRY_FAULT_OCTETS_MAX = 320 };

enum bootstrap_when { BOOTSTRAP_BUILT_IN, BOOTSTRAP_ALWAYS, BOOTSTRAP_NEVER };

enum {
    BOOTSTRAP_SOURCES_MAX = 8,
    SOURCE_FILE_OCTETS_MAX = 32, /* "root-anchors.xml" and its like behind a source */
};

struct bootstrap_options {    /* trust.bootstrap */
    enum bootstrap_when when; /* BUILT_IN: as long as trust.anchors is built-in */
    const char **sources;     /* URLs of directories: http, https, file */
    uint16_t source_count;
    struct cms_pin *pins;
    uint16_t pin_count;
    const char *signer;
    const char *tls_authorities; /* PEM file; NULL: the system's */
    uint32_t timeout_ms;         /* for one document */
};

/* What was fetched, or handed in by order; owned (malloc'd data). */
struct documents {
    struct octets xml, signature, bundle;
    char source[SOURCE_OCTETS_MAX];       /* for people; empty: there are none */
    char fault[INQUIRY_FAULT_OCTETS_MAX]; /* why not */
};
void documents_clear(struct documents *documents);

struct inquiry_rules {
    const struct cms_pin *pins;
    size_t pin_count;
    const char *signer;
    int64_t last_signed_s; /* of the XML accepted before; 0: none */
    const struct crypto_policy *policy;
    struct verifier *verifier;
    struct now now;
    bool clock_is_confirmed;
    bool automatic_update;
};

struct inquiry {
    struct arena *arena; /* all that follows */
    struct live_key live[DNSKEYS_PER_ZONE_MAX];
    size_t live_count;
    bool has_live;
    char live_fault[INQUIRY_FAULT_OCTETS_MAX];
    uint32_t live_ttl_s;
    bool has_xml; /* it is genuine */
    struct root_anchors xml;
    struct cms_verdict cms;
    char xml_fault[INQUIRY_FAULT_OCTETS_MAX];
    struct octets xml_text; /* of a genuine one */
    char source[SOURCE_OCTETS_MAX];
};

struct inquiry *inquiry_new(void);
void inquiry_free(struct inquiry *inquiry);
/* The answer to . DNSKEY, asked with CD=1. */
void inquiry_take_live(struct inquiry *inquiry, const struct inquiry_rules *rules, const struct outcome *outcome);
void inquiry_fail_live(struct inquiry *inquiry, const char *fault);
/* RFC 9718 section 3; true: genuine, not older than what was accepted before. */
bool inquiry_take_documents(struct inquiry *inquiry, const struct inquiry_rules *rules,
                            const struct documents *documents);

/* zone: the root; NULL: no anchor. */
void inquiry_diagnose(const struct inquiry *inquiry, const struct inquiry_rules *rules, const struct managed_zone *zone,
                      struct anchor_diagnosis *diagnosis);
/* As bootstrap_adopt(); *fault is borrowed from the inquiry. */
bool inquiry_adopt(const struct inquiry *inquiry, const struct inquiry_rules *rules, struct managed_zone *zone,
                   struct anchor_changes *changes, const char **fault);

#endif
