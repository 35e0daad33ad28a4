/* The table of metrics, the rules by which events count, and the text of the
 * metrics. Log counts, and sallyportctl writes the text. This code doesn't
 * wait, and doesn't trust an event: a value that no row has counts as "other".
 */
#include "sallyport/event/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "sallyport/base/random.h"
#include "sallyport/ftp/reply.h"

/* The labels and their values. The last value of most labels is for all other
 * values. */
struct label {
    const char *name;
    const char *const *values;
    unsigned count;
};
#define LABEL(name, values)                                                    \
    { (name), (values), sizeof(values) / sizeof((values)[0]) }

/* The reasons in the events of gate, auth, master and session. */
static const char *const login_values[] = {
    "accepted",
    "wrong password",
    "unknown user",
    "the one-time code is missing or wrong",
    "the one-time code was used before",
    "the user is locked",
    "expired",
    "no client certificate was shown",
    "the client certificate is not one of the user's",
    "the client certificate has too many names to tell",
    "networks= of the user or a team lacks the client's address",
    "now is not in hours= of the user or a team",
    "login=certificate needs TLS 1.3, and a handshake of at most 9500 bytes",
    "no memory for a hash, or crypt(3) can't compute it",
    "too many sessions",
    "too many sessions of a team",
    "no auth worker is free",
    "the home can't be entered",
    "the home doesn't answer",
    "the account was changed just now",
    "no answer in time",
    "the users file or the homes can't be reached",
    "a part of the server failed",
    "other",
};
static const char *const refusal_values[] = {
    "max_sessions", "max_per_address", "startups",   "max_fruitless",
    "ban",          "resources",       "no master",  "not a proxy",
    "more of them", "drain",           "files away", "other",
};
static const char *const command_values[] = {
#define R(name, code, text)
#define L(name, code, text, reason) (reason),
    REPLY_LIST(R, L)
#undef R
#undef L
        "other",
};
static const char *const directions[] = { "upload", "download", "listing",
                                          "checksum" };
static const char *const results[] = { "complete", "cut", "no space",
                                       "failed" };
static const char *const connections[] = { "control", "data" };
static const char *const versions[] = { "TLSv1.2", "TLSv1.3", "other" };
static const char *const yes_no[] = { "no", "yes" };

#define LABELS_MAX 3

/* The metrics that count events. A histogram has several places for the
 * milliseconds of events: one for each bucket, one above all buckets, and one
 * for the sum. */
enum family_kind {
    LOGINS,
    REFUSALS,
    COMMANDS,
    TRANSFERS,
    TRANSFER_BYTES,
    HANDSHAKES,
    TRANSFER_TIMES,
    SESSION_TIMES,
    EVENTS, /* this is the last kind, so that a new event moves no other counter
             */
    FAMILIES
};

static const struct family {
    const char *name, *help;
    bool histogram;
    struct label label[LABELS_MAX];
} families[FAMILIES] = {
    [LOGINS] = { "sallyport_logins_total",
                 "Logins: accepted, or the reason of the refusal.",
                 false,
                 { LABEL("result", login_values) } },
    [REFUSALS] = { "sallyport_refused_connections_total",
                   "Connections that a limit refused; 'more of them': those "
                   "without a line of their own in the log.",
                   false,
                   { LABEL("reason", refusal_values) } },
    [COMMANDS] = { "sallyport_refused_commands_total",
                   "Commands of users that a right, a limit or a setting "
                   "refused; 'other' includes refusals that name a missing "
                   "right.",
                   false,
                   { LABEL("reason", command_values) } },
    [TRANSFERS] = { "sallyport_transfers_total",
                    "Transfers that have ended.",
                    false,
                    { LABEL("direction", directions),
                      LABEL("result", results) } },
    [TRANSFER_BYTES] = { "sallyport_transfer_bytes_total",
                         "Bytes of these transfers.",
                         false,
                         { LABEL("direction", directions),
                           LABEL("result", results) } },
    [HANDSHAKES] = { "sallyport_tls_handshakes_total",
                     "TLS connections: data connections with their transfer, "
                     "control connections at the end of the session.",
                     false,
                     { LABEL("connection", connections),
                       LABEL("version", versions), LABEL("resumed", yes_no) } },
    [TRANSFER_TIMES] = { "sallyport_transfer_duration_seconds",
                         "How long transfers took.",
                         true,
                         { LABEL("direction", directions) } },
    [SESSION_TIMES] = { "sallyport_session_duration_seconds",
                        "How long sessions took, from connect to end.",
                        true,
                        { { NULL, NULL, 0 } } },
    [EVENTS] = { "sallyport_events_total",
                 "Events that came to log, by their name in the log.",
                 false,
                 { LABEL("event", event_names) } },
};

static const uint64_t buckets[] = { /* ms */
                                    100,   500,    1000,    5000,   15000,
                                    60000, 300000, 1800000, 7200000
};
#define BUCKETS ((unsigned)(sizeof(buckets) / sizeof(buckets[0])))
#define ABOVE   BUCKETS /* the place above all buckets */
#define SUM     (BUCKETS + 1)
#define PLACES  (BUCKETS + 2)

/* Returns the number of combinations of the family's labels. */
static unsigned family_series(const struct family *f)
{
    unsigned n = 1;

    for (int i = 0; i < LABELS_MAX && f->label[i].name; i++)
        n *= f->label[i].count;
    return n;
}

static unsigned family_first(const struct family *f)
{
    unsigned n = 0;

    for (const struct family *g = families; g < f; g++)
        n += family_series(g) * (g->histogram ? PLACES : 1);
    return n;
}

/* Counts events. */

static void metrics_add(struct metrics *m, unsigned at, uint64_t n)
{
    if (at < METRICS_COUNTERS)
        __atomic_fetch_add(&m->counter[at], n, __ATOMIC_RELAXED);
}

static unsigned value_of(const struct label *l, struct slice text)
{
    int i = slice_among(text, l->values, l->count);

    return i < 0 ? l->count - 1 : (unsigned)i;
}

static void count_value(struct metrics *m, enum family_kind k,
                        struct slice value, uint64_t n)
{
    const struct family *f = &families[k];

    metrics_add(m, family_first(f) + value_of(&f->label[0], value), n);
}

static void count_time(struct metrics *m, enum family_kind k, unsigned series,
                       const struct event_record *r)
{
    unsigned first = family_first(&families[k]) + series * PLACES, i = 0;
    uint64_t ms = r->number[FIELD_MS];

    while (i < BUCKETS && ms > buckets[i])
        i++;
    metrics_add(m, first + i, 1);
    metrics_add(m, first + SUM, ms);
}

/* FIELD_TLS is such as "TLSv1.3 TLS_AES_128_GCM_SHA256 resumed". */
static void count_handshake(struct metrics *m, unsigned connection,
                            const struct event_record *r)
{
    const struct family *f = &families[HANDSHAKES];
    struct slice rest = r->text[FIELD_TLS], word = { "", 0 };
    unsigned version, resumed;

    if (!rest.ptr)
        return;
    slice_cut(&rest, ' ', &word);
    version = value_of(&f->label[1], word);
    while (slice_cut(&rest, ' ', &word))
        continue;
    resumed = slice_equal(word, SLICE("resumed"));
    metrics_add(m,
                family_first(f) +
                    (connection * f->label[1].count + version) * 2 + resumed,
                1);
}

static void count_transfer(struct metrics *m, const struct event_record *r)
{
    static const char *const verbs[] = { "STOR", "APPE", "STOU", "RETR",
                                         "LIST", "NLST", "MLSD" };
    static const unsigned rows[] = {
        0, 0, 0, 1, 2, 2, 2
    }; /* indexes of directions */
    const uint64_t code = r->number[FIELD_RESULT];
    const int verb = slice_among(r->text[FIELD_VERB], verbs,
                                 sizeof(verbs) / sizeof(verbs[0]));
    const unsigned direction = verb < 0 ? 3 : rows[verb];
    const unsigned result = code >= 200 && code < 300                 ? 0
                            : code == 0 || code == 421 || code == 426 ? 1
                            : code == 452 || code == 552              ? 2
                                                                      : 3;
    const unsigned at = direction * families[TRANSFERS].label[1].count + result;

    metrics_add(m, family_first(&families[TRANSFERS]) + at, 1);
    metrics_add(m, family_first(&families[TRANSFER_BYTES]) + at,
                r->number[FIELD_BYTES]);
    count_time(m, TRANSFER_TIMES, direction, r);
    count_handshake(m, 1, r);
}

void metrics_count(struct metrics *m, const struct event_record *r)
{
    const struct slice more = SLICE("more of them");
    struct slice reason = r->text[FIELD_REASON], rest = reason;

    if ((unsigned)r->event >= EVENT_COUNT)
        return;
    metrics_add(m, family_first(&families[EVENTS]) + r->event, 1);
    switch (r->event) {
    case EVENT_LOGIN:
        count_value(m, LOGINS, slice_from(login_values[0]), 1);
        break;
    case EVENT_LOGIN_FAILED:
        count_value(m, LOGINS, reason, 1);
        break;
    case EVENT_REFUSED:
        /* FIELD_NUMBER is the number of refusals, for any reason, without an
         * event of their own. */
        if (!slice_equal(reason, more))
            count_value(m, REFUSALS, reason, 1);
        count_value(m, REFUSALS, more, r->number[FIELD_NUMBER]);
        break;
    case EVENT_COMMAND_REFUSED:
        slice_cut(&rest, ':', &reason); /* a cause follows the ':' */
        count_value(m, COMMANDS, reason, 1);
        break;
    case EVENT_TRANSFER:
        count_transfer(m, r);
        break;
    case EVENT_END:
        count_time(m, SESSION_TIMES, 0, r);
        count_handshake(m, 0, r);
        break;
    default:
        break;
    }
}

void metrics_gauge(struct metrics *m, enum gauge g, uint64_t value)
{
    __atomic_store_n(&m->gauge[g], value, __ATOMIC_RELAXED);
}

/* Reads the counters. */

static uint64_t counter_of(const struct metrics *m, unsigned at)
{
    return __atomic_load_n(&m->counter[at], __ATOMIC_RELAXED);
}

/* Adds up the counters. The first result is `complete`, and the first login
 * `accepted`; the first direction is `upload`, the second `download`. */
void metrics_total(const struct metrics *m, struct metrics_totals *ret)
{
    const unsigned results_count = families[TRANSFERS].label[1].count,
                   transfers = family_first(&families[TRANSFERS]),
                   bytes = family_first(&families[TRANSFER_BYTES]),
                   logins = family_first(&families[LOGINS]);

    *ret = (struct metrics_totals){ 0 };
    for (unsigned i = 0; i < 2 * results_count; i++) {
        *(i % results_count == 0 ? &ret->complete : &ret->failed) +=
            counter_of(m, transfers + i);
        *(i < results_count ? &ret->bytes_in : &ret->bytes_out) +=
            counter_of(m, bytes + i);
    }
    for (unsigned i = 1; i < families[LOGINS].label[0].count; i++)
        ret->logins_failed += counter_of(m, logins + i);
}

/* Writes the text. */

static int add_label(struct buf *into, const char *name, const char *value)
{
    bool first = into->data[into->len - 1] != '"';

    return buf_add_format(into, "%c%s=\"%s\"", first ? '{' : ',', name, value);
}

/* Adds a name, and the labels of the series with that number. */
static int add_series(struct buf *into, const struct family *f,
                      const char *suffix, unsigned series, const char *le)
{
    unsigned size = family_series(f);
    int r = buf_add_format(into, "%s%s", f->name, suffix);

    for (int i = 0; i < LABELS_MAX && f->label[i].name && r == 0; i++) {
        size /= f->label[i].count;
        r = add_label(into, f->label[i].name,
                      f->label[i].values[series / size]);
        series %= size;
    }
    if (le && r == 0)
        r = add_label(into, "le", le);
    if (r == 0 && into->data[into->len - 1] == '"')
        r = buf_add_text(into, "}");
    return r;
}

static int add_histogram(struct buf *into, const struct metrics *m,
                         const struct family *f, unsigned series)
{
    unsigned first = family_first(f) + series * PLACES;
    uint64_t sum = counter_of(m, first + SUM), count = 0;
    int r = 0;

    for (unsigned i = 0; i <= ABOVE && r == 0; i++) {
        char le[24] = "+Inf";

        if (i < ABOVE)
            snprintf(le, sizeof(le), "%g", (double)buckets[i] / 1000);
        count += counter_of(m, first + i);
        r = add_series(into, f, "_bucket", series, le);
        if (r == 0)
            r = buf_add_format(into, " %" PRIu64 "\n", count);
    }
    if (r == 0)
        r = add_series(into, f, "_sum", series, NULL);
    if (r == 0)
        r = buf_add_format(into, " %" PRIu64 ".%03u\n", sum / 1000,
                           (unsigned)(sum % 1000));
    if (r == 0)
        r = add_series(into, f, "_count", series, NULL);
    return r == 0 ? buf_add_format(into, " %" PRIu64 "\n", count) : r;
}

static int add_head(struct buf *into, const char *name, const char *help,
                    const char *type)
{
    return buf_add_format(into, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                          name, type);
}

#define GAUGE_ROW(gauge, name, labels, help) { (name), (labels), (help) },
static const struct {
    const char *name, *labels, *help;
} gauges[GAUGE_COUNT] = { GAUGES(GAUGE_ROW) };

static int add_tables(struct buf *into, const struct metrics *m)
{
    int r = 0;

    for (int g = 0; g < GAUGE_COUNT && r == 0; g++) {
        if (gauges[g].help)
            r = add_head(into, gauges[g].name, gauges[g].help, "gauge");
        if (r == 0)
            r = buf_add_format(into, "%s%s %" PRIu64 "\n", gauges[g].name,
                               gauges[g].labels,
                               __atomic_load_n(&m->gauge[g], __ATOMIC_RELAXED));
    }
    for (const struct family *f = families; f < families + FAMILIES && r == 0;
         f++) {
        r = add_head(into, f->name, f->help,
                     f->histogram ? "histogram" : "counter");
        for (unsigned i = 0; i < family_series(f) && r == 0; i++) {
            if (f->histogram) {
                r = add_histogram(into, m, f, i);
                continue;
            }
            r = add_series(into, f, "", i, NULL);
            if (r == 0)
                r = buf_add_format(into, " %" PRIu64 "\n",
                                   counter_of(m, family_first(f) + i));
        }
    }
    return r;
}

int metrics_text(const struct metrics *m, struct buf *into)
{
    int r = add_head(into, "sallyport_build_info", "The version.", "gauge");

    if (r == 0)
        r = buf_add_text(into,
                         "sallyport_build_info{version=\"" SALLYPORT_VERSION
                         "\"} 1\n");
    return r == 0 ? add_tables(into, m) : r;
}

const char *metrics_name(void)
{
    static const uint8_t key[SIPHASH_KEY];
    static const struct metrics none;
    static char name[32];
    struct buf text;

    if (name[0])
        return name;
    buf_init(&text, 1 << 20);
    add_tables(&text, &none);
    snprintf(name, sizeof(name), "metrics 2 %016" PRIx64,
             siphash(key, text.data, text.len));
    buf_release(&text);
    return name;
}
