/* A reload in gate, which the test plays master and keys to: while keys is
 * slow, everybody else is served; and what isn't proven isn't taken. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/sign.h"
#include "support/packet.h"

#define PAIRS 2

/* Of two hosts, so that neither pair is useless. */
struct made {
    int certificate;
    struct sign_key *key;
};

struct stage {
    struct bench bench;
    struct channel keys; /* the test's end */
    struct made made[PAIRS];
};

static int open_file(const char *folder, const char *name)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0);
    return fd;
}

static void make(struct made *m, int number)
{
    char folder[] = "/tmp/sallyport-gate-XXXXXX", command[512];
    struct complaint c = { "" };
    int key;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof(command),
             SOURCE_DIR "/certs/make --out %s host%d >/dev/null 2>&1", folder,
             number);
    cr_assert_eq(system(command), 0);
    m->certificate = open_file(folder, "certificate.pem");
    key = open_file(folder, "key.pem");
    m->key = sign_key_new(key, "key", &c);
    cr_assert(m->key, "%s", c.text);
    close(key);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

static void say(struct stage *s, struct packet p)
{
    cr_assert_eq(packet_send(&s->bench.master, &p), 0);
}

static void give_keys(struct stage *s)
{
    int ends[2];

    channel_close(&s->keys);
    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&s->keys, ends[0], PROCESS_KEYS, PROCESS_GATE, PHASE_RUN);
    say(s, (struct packet){ .message = MSG_keys, .fd = { ends[1] } });
    close(ends[1]);
}

static void begin(struct stage *s)
{
    const struct bench_plan plan = { .settings = "", .ports = 2 };

    *s = (struct stage){ .keys.fd = -1 };
    for (int i = 0; i < PAIRS; i++)
        make(&s->made[i], i);
    bench_start(&s->bench, &plan);
    give_keys(s);
}

static void end(struct stage *s, int status)
{
    bench_stop(&s->bench, status);
    channel_close(&s->keys);
    for (int i = 0; i < PAIRS; i++) {
        close(s->made[i].certificate);
        sign_key_free(s->made[i].key);
    }
}

static void give_certificate(struct stage *s, uint64_t number, int i)
{
    say(s,
        (struct packet){ .message = MSG_certificate,
                         .value = { NUMBER(number), TEXT(SLICE("/certificate")),
                                    TEXT(SLICE("/key")) },
                         .fd = { s->made[i].certificate } });
}

/* Key numbers are places, plus ten times the generation. */
static void reload(struct stage *s, uint64_t generation)
{
    int conf = fd_sealed("conf", SLICE(""));

    say(s, (struct packet){ .message = MSG_conf, .fd = { conf } });
    close(conf);
    for (int i = 0; i < PAIRS; i++)
        give_certificate(s, 10 * generation + (unsigned)i, i);
    BENCH_SAY(&s->bench, take, .generation = generation);
}

/* What master is told of each pair before it hears that they are in use. */
static void pairs_are_told(struct stage *s, uint64_t generation)
{
    for (int i = 0; i < PAIRS; i++) {
        struct packet p;

        cr_assert_eq(packet_wait(&s->bench.master, &p, BENCH_MS), 1);
        cr_assert_eq(p.message, MSG_pair_is, "%s", message_name(p.message));
        cr_assert_eq(p.value[0].number, 10 * generation + (unsigned)i);
        cr_assert_gt(p.value[1].number, (uint64_t)time(NULL) + 800 * 86400);
        cr_assert_eq(p.value[2].number, 0);
    }
}

/* The next message to master is this answer, with these words. */
static void answered(struct stage *s, enum message_kind m, uint64_t generation,
                     const char *words)
{
    struct packet p;

    if (m == MSG_taken)
        pairs_are_told(s, generation);
    cr_assert_eq(packet_wait(&s->bench.master, &p, BENCH_MS), 1);
    cr_assert_eq(p.message, m, "%s", message_name(p.message));
    cr_assert_eq(p.value[0].number, generation);
    if (m == MSG_not_taken)
        cr_assert(memmem(p.value[1].text.ptr, p.value[1].text.len, words,
                         strlen(words)),
                  "%.*s", (int)p.value[1].text.len, p.value[1].text.ptr);
}

struct question {
    uint32_t request;
    struct sign_result signature; /* by the key of WITH */
};

/* Keys is asked for a proof of that key. */
static void asked(struct stage *s, uint64_t number, int with,
                  struct question *q)
{
    struct packet p;

    cr_assert_eq(packet_wait(&s->keys, &p, BENCH_MS), 1);
    cr_assert_eq(p.message, MSG_sign);
    cr_assert_eq(p.value[0].number, number);
    const struct sign_request r = { number, (uint16_t)p.value[1].number,
                                    p.value[2].text };
    cr_assert(sign_is_handshake(&r));
    cr_assert_eq(sign_make(s->made[with].key, &r, &q->signature), 0);
    q->request = p.request;
}

static void sign(struct stage *s, const struct question *q)
{
    const struct slice bytes = { (const char *)q->signature.bytes,
                                 q->signature.len };

    cr_assert_eq(
        packet_send(&s->keys, &(struct packet){ .message = MSG_signature,
                                                .request = q->request,
                                                .value = { TEXT(bytes) } }),
        0);
}

static void all_is_well(struct stage *s, uint64_t generation)
{
    struct question q;

    reload(s, generation);
    for (int i = 0; i < PAIRS; i++) {
        asked(s, 10 * generation + (unsigned)i, i, &q);
        sign(s, &q);
    }
    answered(s, MSG_taken, generation, "");
}

/* Somebody enters, gets a port, connects to it, and leaves. */
static void serves(struct stage *s)
{
    struct fake f;
    int client, data;
    char line[128];

    f = bench_enter(&s->bench, "127.0.0.1", &client);
    data = client_connect("127.0.0.1", fake_port(&f));
    cr_assert(strncmp(fake_says(&f, line, sizeof(line)), "data ", 5) == 0, "%s",
              line);
    close(data);
    close(client);
    bench_gone(&s->bench, &f);
    close(f.rope);
    close(f.log);
}

Test(reload, others_are_served_meanwhile, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    for (int i = 0; i < PAIRS; i++) {
        asked(&s, 10 + (unsigned)i, i, &q);
        serves(&s);
        serves(&s);
        sign(&s, &q);
    }
    answered(&s, MSG_taken, 1, "");
    serves(&s);
    all_is_well(&s, 2);
    end(&s, 0);
}

Test(reload, keys_is_silent, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    serves(&s);
    answered(&s, MSG_not_taken, 1, "doesn't sign with it: Connection timed");
    sign(&s, &q); /* too late, and not what is asked next */
    all_is_well(&s, 2);
    end(&s, 0);
}

Test(reload, the_wrong_key, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    sign(&s, &q);
    asked(&s, 11, 0, &q);
    sign(&s, &q);
    answered(&s, MSG_not_taken, 1, "/key: not the key of the certificate in");
    all_is_well(&s, 2);
    end(&s, 0);
}

Test(reload, keys_refuses, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    cr_assert_eq(
        packet_send(&s.keys, &(struct packet){ .message = MSG_no_signature,
                                               .request = q.request,
                                               .value = { NUMBER(ENOENT) } }),
        0);
    answered(&s, MSG_not_taken, 1, "doesn't sign with it: No such file");
    all_is_well(&s, 2);
    end(&s, 0);
}

Test(reload, keys_dies, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    channel_close(&s.keys);
    answered(&s, MSG_not_taken, 1, "doesn't sign with it: Broken pipe");
    reload(&s, 2); /* there are none to ask */
    answered(&s, MSG_not_taken, 2, "doesn't sign with it: Broken pipe");
    give_keys(&s);
    all_is_well(&s, 3);
    end(&s, 0);
}

/* By others, before gate has noticed. */
Test(reload, keys_is_replaced, .timeout = 60)
{
    struct stage s;
    struct channel old;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    old = s.keys;
    s.keys.fd = -1;
    give_keys(&s);
    answered(&s, MSG_not_taken, 1, "doesn't sign with it: Broken pipe");
    channel_close(&old);
    all_is_well(&s, 2);
    end(&s, 0);
}

Test(reload, given_up, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    BENCH_SAY(&s.bench, give_up, .generation = 1); /* nothing is there */
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    BENCH_SAY(&s.bench, give_up, .generation = 7); /* not this one */
    bench_heard(&s.bench);
    sign(&s, &q);
    asked(&s, 11, 1, &q);
    BENCH_SAY(&s.bench, give_up, .generation = 1);
    answered(&s, MSG_not_taken, 1, "given up");
    sign(&s, &q);
    all_is_well(&s, 2);
    BENCH_SAY(&s.bench, give_up, .generation = 2); /* it is in use */
    all_is_well(&s, 3);
    end(&s, 0);
}

Test(reload, one_in_the_midst_of_another, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    BENCH_SAY(&s.bench, take, .generation = 2);
    end(&s, EX_PROTOCOL);
}

/* The certificate is taken; what comes with it isn't. */
Test(reload, a_bad_ocsp_response, .timeout = 60)
{
    struct stage s;
    struct question q;
    char line[2048];
    int conf = fd_sealed("conf", SLICE("")), bad = fd_sealed("o", SLICE("x"));

    begin(&s);
    say(&s, (struct packet){ .message = MSG_conf, .fd = { conf } });
    for (int i = 0; i < PAIRS; i++)
        give_certificate(&s, 10 + (unsigned)i, i);
    say(&s, (struct packet){
                .message = MSG_staple,
                .value = { NUMBER(11), NUMBER(0), TEXT(SLICE("/o.der")) },
                .fd = { bad } });
    BENCH_SAY(&s.bench, take, .generation = 1);
    for (int i = 0; i < PAIRS; i++) {
        asked(&s, 10 + (unsigned)i, i, &q);
        sign(&s, &q);
    }
    answered(&s, MSG_taken, 1, "");
    cr_expect(strstr(bench_event(&s.bench, line, sizeof(line)),
                     "/o.der: no OCSP response in DER form; the certificate "
                     "in /certificate goes out without it"),
              "%s", line);
    close(conf);
    close(bad);
    end(&s, 0);
}

Test(reload, an_ocsp_response_of_no_pair, .timeout = 60)
{
    struct stage s;
    int conf = fd_sealed("conf", SLICE("")), bad = fd_sealed("o", SLICE("x"));

    begin(&s);
    say(&s, (struct packet){ .message = MSG_conf, .fd = { conf } });
    give_certificate(&s, 10, 0);
    for (int i = 0; i < 2; i++) /* the second one of a pair, too */
        say(&s, (struct packet){
                    .message = MSG_staple,
                    .value = { NUMBER(10), NUMBER(0), TEXT(SLICE("/o.der")) },
                    .fd = { bad } });
    BENCH_SAY(&s.bench, take, .generation = 1);
    answered(&s, MSG_not_taken, 1, "an OCSP response of no certificate");
    all_is_well(&s, 2);
    close(conf);
    close(bad);
    end(&s, 0);
}

/* Gate ends with its master, whatever is under way. */
Test(reload, master_goes_meanwhile, .timeout = 60)
{
    struct stage s;
    struct question q;

    begin(&s);
    reload(&s, 1);
    asked(&s, 10, 0, &q);
    end(&s, 0);
}
