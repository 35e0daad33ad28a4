/* The checks of doctor for data connections: TLS, its end, its sessions. */
#include <string.h>

#include "doctor.h"

#define READ_MAX (64 * 1024 * 1024)

static size_t data_count(void *of, const char *bytes, size_t len)
{
    size_t *sum = of;

    (void)bytes;
    *sum += len;
    return *sum < READ_MAX && !link_interrupted ? len : 0;
}

/* The command that lists a directory at this server. */
static const char *data_verb(const struct doctor *d)
{
    return strcasestr(d->features, "\n MLST") ? "MLSD" : "LIST";
}

/* Lists the login directory on a data connection, which may resume a TLS
 * session or not. Returns 0, or -1 with the reason. */
static int data_list(struct doctor *d, bool resume, size_t *bytes,
                     struct failure *why)
{
    const struct link_io io = { .take = data_count, .of = bytes };
    struct link *l = &d->link;

    *bytes = 0;
    link_begin(l, "", &io);
    if (!resume)
        LINK_SET(l, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    /* A byte now and then is no listing. */
    LINK_SET(l, CURLOPT_TIMEOUT, (long)d->options->timeout);
    LINK_SET(l, CURLOPT_CUSTOMREQUEST, data_verb(d));
    return link_run(l, why);
}

/* The login has turned PROT P on, and without it no transfer was made. */
void doctor_check_protection(struct doctor *d)
{
    struct failure why;

    if (link_command(&d->link, &why, "PROT C") < 0) {
        doctor_find(d, FINDING_GOOD, NULL,
                    "data connections without TLS are refused");
        return;
    }
    doctor_find(d, FINDING_WARNING, "have the server refuse PROT C",
                "data connections without TLS are possible: a client that asks "
                "for none sends its files in plain text");
    if (link_command(&d->link, &why, "PROT P") < 0)
        doctor_find(d, FINDING_BAD, NULL, "PROT P after PROT C fails: \"%s\"",
                    d->link.text);
}

void doctor_check_data(struct doctor *d)
{
    struct link *l = &d->link;
    struct failure why, again;
    size_t bytes;

    d->transfers = data_list(d, true, &bytes, &why) == 0;
    /* Some servers cut a data connection if its handshake begins at once. */
    if (!d->transfers && l->renew) {
        l->manner = LINK_LATE_HELLO;
        d->transfers = data_list(d, true, &bytes, &again) == 0;
    }
    if (!d->transfers) {
        doctor_find(d, FINDING_BAD,
                    "let the passive ports through the firewall, and give the "
                    "server its address",
                    "%s fails: %s", data_verb(d), why.text);
        return;
    }
    doctor_find(d, FINDING_GOOD, NULL, "%s transfers %zu bytes", data_verb(d),
                bytes);
    if (l->manner == LINK_LATE_HELLO)
        doctor_find(d, FINDING_NOTE, "update the server",
                    "it cuts a data connection whose handshake begins at once");
    doctor_find(d, l->resumed ? FINDING_GOOD : FINDING_NOTE, NULL,
                l->resumed ? "the data connection resumes the TLS session"
                           : "the server resumes no TLS session there: nothing "
                             "proves who owns a data connection");
    doctor_find(d, l->whole ? FINDING_GOOD : FINDING_WARNING, NULL,
                l->whole
                    ? "its end is marked by close_notify"
                    : "no close_notify: a listing that was cut looks whole");
}

void doctor_check_binding(struct doctor *d)
{
    struct failure why;
    size_t bytes;

    if (!d->transfers)
        return;
    if (data_list(d, false, &bytes, &why) == 0)
        doctor_find(d, FINDING_WARNING, "have the server require resumption",
                    "a data connection needs no resumption: the first to reach "
                    "the port gets the file");
    else
        doctor_find(d, FINDING_GOOD, NULL,
                    "a data connection without resumption is refused: %s",
                    why.text);
}
